"""WITH d AS (DELETE ... RETURNING ...) ...: parts that write, each done once, all of one snapshot.

The rows of a part's RETURNING become a table in a schema of the server's own, and the part's place
in WITH is taken by a query of that table. So whatever comes after it reads it as any CTE, and may
differentiate by its columns. Nothing else of what a part did is seen by the others. A row that one
part changed or deleted is left alone by the others, as in PostgreSQL.

PostgreSQL 15 manual, 7.8.4, "Data-Modifying Statements in WITH".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import Plan
from gateway.errors import FeatureNotSupported
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Computation, Described, fields_of
from gateway.session.queries.inferring import settled
from gateway.session.result import Field, Result
from gateway.session.writes.execution import Executor
from gateway.session.writes.returning import Beneath, changed_rows
from gateway.sources.table import Table, TableName
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.names.scope import position_of, table_node
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.writes import modifying_parts
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class _Part:
    """A write in WITH, or the statement after it; `name` is where others find its rows."""

    query: Computation
    name: TableName | None = None
    fields: tuple[Field, ...] | None = None
    returning: tuple[Rewritten, Plan] | None = None  # what `fields` are

    @property
    def reads(self) -> frozenset[TableName]:
        """The tables that it reads; of RETURNING not the changed rows."""
        if self.returning is None or self.query.target is None:
            return self.query.reading
        back, target = self.returning[0].tables, self.query.target.name
        return self.query.reading | (back if changed_rows(target) in back else back - {target})


@dataclass(slots=True)
class _Reading:
    """Parts one after the other; later ones know the tables of those before."""

    executor: Executor
    types: Mapping[int, Type]
    schemas: dict[TableName, pa.Schema] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)

    @property
    def lookup(self) -> Beneath:
        return Beneath(self.executor.registry.relation, self.schemas)

    def read(self, tree: exp.Expr) -> None:
        """All parts of a statement.

        Raises:
            FeatureNotSupported: 0A000, a part without RETURNING is read; MERGE.
        """
        tree = tree.copy()
        clause = tree.args["with_"]
        writing = {cte.alias: cte for cte in modifying_parts(tree)}
        silent = {alias for alias, cte in writing.items() if cte.this.args.get("returning") is None}
        before: list[exp.Expr] = []
        for cte in clause.expressions:
            if cte.alias not in writing:
                before.append(cte)
                continue
            if isinstance(cte.this, exp.Merge):
                raise FeatureNotSupported("MERGE not supported in WITH query")
            _refuse_silent(cte.this, silent)
            part = _after(cte.this, before, clause)
            found = self._write(part, TableName("gradwire", f"with {cte.alias}"))
            if found.fields is not None and found.name is not None:
                columns = [pa.field(each.name, each.type.arrow) for each in found.fields]
                self.schemas[found.name] = pa.schema(columns)
                before.append(_standing_for(cte, found.name))
        _refuse_silent(tree, silent)
        tree.set("with_", None)
        _refuse_repeated([c for c in clause.expressions if c.alias not in writing], writing, tree)
        main = _after(tree, before, clause)
        if isinstance(main, exp.Insert | exp.Update | exp.Delete):
            self._write(main, None)
        elif isinstance(main, exp.Merge):
            raise FeatureNotSupported(
                "data-modifying statements in WITH of MERGE are not supported"
            )
        else:
            rewritten = self.executor.rewrite(main, self.lookup)
            self.parts.append(_Part(Computation(rewritten, lookup=self.lookup)))

    def _write(self, tree: exp.Expr, name: TableName | None) -> _Part:
        tree = self.executor.with_moments(tree)
        assert isinstance(tree, exp.Insert | exp.Update | exp.Delete)
        query = self.executor.write_of(tree, self.lookup)
        types = {**query.known_types, **self.types}
        returning, fields = None, None
        if query.write is not None and query.write.returning is not None:
            own = self.lookup
            returning = self.executor.returning_plan(query, types, own.empty, own)
            fields = fields_of(returning[0], returning[1].schema, types)
        part = _Part(query, name, fields, returning)
        self.parts.append(part)
        return part


def describe_modifying(
    executor: Executor, statement: Statement, declared: Mapping[int, Type]
) -> Described:
    """The types of the parameters, and the columns of the main statement."""
    reading = _read(executor, statement, declared)
    known = dict(declared)
    for part in reading.parts:
        told = part.returning[0].parameters if part.returning is not None else {}
        known = {**told, **part.query.known_types, **known}
    plans, trees = [], []
    for part in reading.parts:
        if part.returning is not None:
            trees.append(part.returning[0].tree)
            plans.append(part.returning[1])
        tables = {**executor.tables(part.query, reading.schemas), **reading.lookup.empty}
        trees.append(part.query.rewritten.tree)
        plans.append(executor.described_plan(part.query.rewritten, tables, known))
    types = settled(known, (plan.parameters for plan in plans), trees)
    if part.query.write is None:
        return Described(
            tuple(types.values()), fields_of(part.query.rewritten, plans[-1].schema, types)
        )
    return Described(tuple(types.values()), part.fields)


def modify(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """Do all parts, whole or not at all; the result is the main statement's."""
    reading = _read(executor, statement, bound.by_number)
    store = executor.registry.store
    writes = [part.query for part in reading.parts if part.query.write is not None]
    targets = [(q.target.name, q.locks_for) for q in writes if q.target is not None]
    names = {n for part in reading.parts for n in part.reads}
    names -= reading.schemas.keys()
    with store.writing_several(targets, names):
        doing = _Doing(executor, bound, executor.registry.tables(names & _known(executor, names)))
        for query in writes:
            doing.see_rows_of(query)
        for part in reading.parts:
            result = doing.do(part)
    return result


def _known(executor: Executor, names: set[TableName]) -> set[TableName]:
    """Those that are tables; ON CONFLICT reads `excluded`, which is none."""
    store, grids = executor.registry.store, executor.registry.grids
    return {name for name in names if name in grids or store.table(name) is not None}


class _Doing:
    """The parts, done over the rows of one moment.

    Args:
        executor: What plans and applies them.
        bound: The values of parameters.
        tables: All that they read.
    """

    def __init__(self, executor: Executor, bound: Bound, tables: Mapping[TableName, Table]) -> None:
        self._executor, self._bound = executor, bound
        self._tables = dict(tables)
        self._numbered: dict[TableName, Table] = {}
        self._changed: dict[TableName, list[pa.Array]] = {}

    def see_rows_of(self, query: Computation) -> None:
        """Read the rows that a write changes, with their identifiers."""
        name = query.rowid_of
        if name is not None and name not in self._numbered:
            self._numbered |= self._executor.registry.tables([name], name)

    def do(self, part: _Part) -> Result:
        """Do one part; keep what it returns for the others."""
        query = part.query
        if query.write is None:
            made = query.lookup.schemas if query.lookup is not None else {}
            self._executor.allow(query.rewritten, *made)
            plan = self._executor.plan_with(query.rewritten, self._tables, self._bound)
            fields = fields_of(query.rewritten, plan.schema, self._bound.by_number)
            return Result("SELECT", fields, iter(list(plan.stream())))
        tables = dict(self._tables)
        if query.rowid_of is not None:
            tables[query.rowid_of] = self._numbered[query.rowid_of]
        if query.upsert is not None and query.target is not None:
            _refuse_shared(query.target.name, self._changed)
        with self._executor.rounding_of(query):
            result = self._executor.apply(
                query, self._bound, tables, query.lookup, lambda batches: self._left(query, batches)
            )
        if query.target is not None:
            self._changed.setdefault(query.target.name, [])
        if part.name is None:
            return result
        if part.fields is not None:
            columns = [pa.field(each.name, each.type.arrow) for each in part.fields]
            schema = pa.schema(columns)
            arrays = [
                pa.RecordBatch.from_arrays(
                    [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)],
                    schema=schema,
                )
                for batch in result.batches
            ]
            self._tables[part.name] = Snapshot(pa.Table.from_batches(arrays, schema))
        return result

    def _left(
        self, query: Computation, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """What no other part has changed: PostgreSQL lets one change of a row take place."""
        if query.rowid_of is None:
            yield from batches
            return
        done = self._changed.setdefault(query.rowid_of, [])
        before = np.concatenate([np.zeros(0, np.int64), *(ids.to_numpy() for ids in done)])
        for batch in batches:
            numbers = batch.column(0).cast(pa.int64())
            done.append(numbers)
            free = ~np.isin(numbers.to_numpy(), before)
            yield batch if free.all() else batch.filter(pa.array(free))


def _read(executor: Executor, statement: Statement, types: Mapping[int, Type]) -> _Reading:
    reading = _Reading(executor, types)
    assert isinstance(statement.tree, exp.Expr)
    reading.read(statement.tree)
    return reading


def _after(tree: exp.Expr, before: list[exp.Expr], clause: exp.With) -> exp.Expr:
    """A part with the CTEs that stand before it in the statement's WITH."""
    own = tree.args.get("with_")
    inner = list(own.expressions) if own is not None else []
    members = [cte.copy() for cte in before] + inner
    recursive = clause.args.get("recursive") or (own is not None and own.args.get("recursive"))
    if members:
        tree.set("with_", exp.With(expressions=members, recursive=recursive))
    return tree


def _standing_for(cte: exp.Expr, name: TableName) -> exp.CTE:
    """The CTE as a query of the table that holds its rows."""
    query = exp.select("*").from_(table_node(name))
    return exp.CTE(this=query, alias=cte.args["alias"].copy())


def _refuse_silent(tree: exp.Expr, silent: set[str]) -> None:
    for table in tree.find_all(exp.Table):
        if table.name in silent and not table.db:
            raise FeatureNotSupported(
                f'WITH query "{table.name}" does not have a RETURNING clause',
                position=position_of(table),
            )


def _refuse_repeated(plain: list[exp.Expr], writing: Mapping[str, exp.CTE], main: exp.Expr) -> None:
    """Refuse a CTE whose values come anew at each reading, where several parts would read it."""
    parts = [*(cte.this for cte in writing.values()), main]
    for cte in plain:
        call = volatile_call(cte)
        reading = [p for p in parts if any(t.name == cte.alias for t in p.find_all(exp.Table))]
        if len(reading) > 1 and call is not None:
            raise FeatureNotSupported(
                f'WITH query "{cte.alias}", which calls {call_name(call)}(), cannot be read by'
                " several parts of a data-modifying WITH",
                position=position_of(call),
            )


def _refuse_shared(name: TableName, changed: Mapping[TableName, object]) -> None:
    if name in changed:
        raise FeatureNotSupported(
            f'INSERT ... ON CONFLICT into "{name.name}", which another part of WITH changes,'
            " is not supported",
            hint="Write two statements in one transaction.",
        )
