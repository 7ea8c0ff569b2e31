"""What INSERT ... ON CONFLICT asks for, and what `excluded` means in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from gateway.errors import FeatureNotSupported
from gateway.rewrite import Rewritten
from gateway.sources.table import Table, TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.relation import ColumnInfo, Lookup, Relation
from gateway.sql.text.dialect import parse
from gateway.sql.writes.conflicts import EXCLUDED, SHOWN_EXCLUDED, Conflict
from gateway.store.definitions.definitions import ROWID, TableDefinition
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class Upsert:
    """What ON CONFLICT asks for, rewritten; `rewritten` is None for DO NOTHING.

    `lookup` is what names mean in it, `hidden` what a view that it goes through does not show: by
    its name the identifiers of these rows.
    """

    conflict: Conflict
    target: TableDefinition
    rewritten: Rewritten | None = None
    lookup: Lookup | None = None
    made: tuple[TableName, ...] = ()  # the view that the statement names, asked for already
    hidden: tuple[tuple[str, Rewritten], ...] = ()

    @property
    def known_types(self) -> dict[int, Type]:
        """Types of `$n` that the text tells."""
        found = {} if self.rewritten is None else self.rewritten.parameters
        return {**found, **self.conflict.parameters}

    def excluded(self, rows: pa.Table | None = None) -> dict[TableName, Table]:
        """The proposed rows that are in conflict, as the engine's table; None: of no rows."""
        if rows is None:
            schema = self.target.schema.insert(0, pa.field(ROWID, pa.int64()))
            rows = schema.empty_table()
        return {EXCLUDED: Snapshot(rows)}


def with_excluded(
    lookup: Lookup, target: TableDefinition, views: Sequence[TableName] = ()
) -> Lookup:
    """Names as `lookup` has them, and the relation `excluded`; also as `views` show it.

    Args:
        lookup: Them.
        target: The table that is written.
        views: The view that the statement names, and those between it and the table.
    """
    columns = {c.name: ColumnInfo(c.type, not c.not_null) for c in target.columns}
    known = {EXCLUDED: Relation(EXCLUDED, columns)}
    places = [SHOWN_EXCLUDED, *(TableName(EXCLUDED.schema, f"excluded {v}") for v in views[1:])]
    for name, place, under in (
        zip(views, places, [*places[1:], EXCLUDED], strict=True) if views else ()
    ):
        known[place] = _over_excluded(lookup(name.schema, name.name), place, under)

    def found(schema: str, name: str) -> Relation:
        made = known.get(TableName(schema, name))
        return lookup(schema, name) if made is None else made

    return found


def _over_excluded(view: Relation, place: TableName, under: TableName) -> Relation:
    """A view over the proposed rows instead of what it reads.

    Raises:
        FeatureNotSupported: 0A000, it reads that in a subquery, too.
    """
    query = parse(view.view or "")[0]
    source = query.args["from_"].this
    named = (source.db, source.name)
    if sum((each.db, each.name) == named for each in named_tables(query)) > 1:
        raise FeatureNotSupported(
            f'ON CONFLICT DO UPDATE through view "{view.name.name}" is not supported',
            detail=f'The view reads "{source.name}" in a subquery, too.',
        )
    return replace(view, name=place, reads={**view.reads, named: under})
