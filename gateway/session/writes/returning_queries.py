"""What RETURNING gives: its query is made before the write, and run over the rows it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from gateway.engine.interface import Plan
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.queries.inferring import shapes
from gateway.session.result import Field, Result
from gateway.session.writes.returning import (
    Apart,
    Beneath,
    Beside,
    Returned,
    changed_rows,
    over_rows_apart,
    reads_table,
    returning_query,
    rows_beside,
)
from gateway.session.writes.updatable_views import Through
from gateway.session.writes.upserting import Upserts
from gateway.sources.table import Table, TableName
from gateway.sql.names.relation import Lookup
from gateway.sql.writes.writes import Write
from gateway.store.definitions.definitions import ROWID, Changed, TableDefinition
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type


class Returns(Upserts):
    """The part of an executor that knows what RETURNING asks for."""

    def shown(
        self, query: Computation, returned: Returned, changed: Changed, bound: Bound
    ) -> Result:
        """The result of a write whose RETURNING names columns of its table."""
        assert query.write is not None and query.target is not None
        self.allow(returned.rewritten, query.target.name)
        rows = returned.of(changed.rows)
        fields = fields_of(returned.rewritten, rows.schema, bound.by_number)
        return Result(query.write.command, fields, iter(rows.to_batches()), changed.count)

    def returned_fields(
        self, query: Computation, types: Mapping[int, Type]
    ) -> tuple[Field, ...] | None:
        """The columns of a write's RETURNING; None where it gives none."""
        if query.write is None or query.target is None or query.write.returning is None:
            return None
        if query.returned is not None and query.returned.columns is not None:
            shown = query.returned.of(query.target.schema.empty_table())
            return fields_of(query.returned.rewritten, shown.schema, types)
        rewritten, plan = self.returning_plan(query, types, {})
        return fields_of(rewritten, plan.schema, types)

    def returning_plan(
        self,
        query: Computation,
        types: Mapping[int, Type],
        known: Mapping[TableName, Table],
        lookup: Beneath | None = None,
    ) -> tuple[Rewritten, Plan]:
        """A write's RETURNING, and the plan of it over no rows; it may name the tables `known`."""
        assert query.write is not None and query.target is not None
        own = query.rewritten.tables - known.keys()
        tables = {**shapes(self.registry, own, query.rowid_of), **known}
        beside = self.beside(query, tables, None)
        rewritten, target = self.returning_of(query, beside, lookup), query.target
        rows: dict[TableName, Table] = {target.name: Snapshot(target.schema.empty_table())}
        if beside:
            nothing = Snapshot(pa.table({ROWID: pa.array([], pa.int64())}))
            rows = rows_beside(query.write, target, beside, [], Changed(0), nothing)
        rows = under_own_name(rows, target.name, rewritten)
        others = shapes(self.registry, rewritten.tables - rows.keys() - known.keys(), None)
        return rewritten, self.described_plan(rewritten, {**others, **known, **rows}, types)

    def beside(
        self, query: Computation, tables: Mapping[TableName, Table], bound: Bound | None
    ) -> list[Beside]:
        """The relations whose columns RETURNING names beside the target's; `bound` None: describe.

        Raises:
            GatewayError: as the write's query.
        """
        write, found = query.write, []
        for alias in write.beside if write is not None else ():
            assert write is not None
            rewritten = self.rewrite(write.of_beside(alias), query.lookup)
            if bound is None:
                schema = self.described_plan(rewritten, tables).schema
            else:
                schema = self.plan_with(rewritten, tables, bound).schema
            fields = fields_of(rewritten, schema)
            found.append(Beside(alias, pa.schema([(f.name, f.type.arrow) for f in fields])))
        return found

    def returning_of(
        self, query: Computation, beside: Sequence[Beside], lookup: Beneath | None
    ) -> Rewritten:
        assert query.write is not None and query.target is not None
        if query.returned is not None:
            return query.returned.rewritten
        names: Lookup = lookup or self.registry.relation
        if beside:
            names = Beneath(names, {each.name: each.schema for each in beside})
        return self.read_back(query.write, query.target, query.through, beside, names)

    def read_back(
        self,
        write: Write,
        target: TableDefinition,
        view: Through | None,
        beside: Sequence[Beside],
        names: Lookup,
    ) -> Rewritten:
        tree = returning_query(write, target, beside)
        found = self.rewrite(tree, names)
        if not reads_table(found, target.name):
            return found
        written = [target.name] if view is None else [*view.views, target.name]
        return self.rewrite(over_rows_apart(tree, written[0]), Apart(names, written))

    def seen_by(
        self,
        back: Rewritten,
        target: TableName,
        beside: Sequence[Beside],
        tables: Mapping[TableName, Table],
        lookup: Beneath | None,
    ) -> dict[TableName, Table]:
        """The tables that RETURNING reads besides the changed rows and what was joined to them.

        The target among `tables` may be the rows that are changed alone; it is read anew, but in
        WITH, whose `lookup` is given.
        """
        apart = changed_rows(target)
        made = {each.name for each in beside} | {apart if apart in back.tables else target}
        held = {n: t for n, t in tables.items() if n != target or lookup is not None}
        return {**self.registry.tables(back.tables - made - held.keys()), **held}


def under_own_name(
    rows: dict[TableName, Table], target: TableName, back: Rewritten
) -> dict[TableName, Table]:
    """The tables of RETURNING, the changed rows under the name by which it reads them."""
    apart = changed_rows(target)
    if apart not in back.tables:
        return rows
    return {apart if name == target else name: table for name, table in rows.items()}
