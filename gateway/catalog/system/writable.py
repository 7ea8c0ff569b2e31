"""What can be written through a view, as pg_relation_is_updatable and its like tell it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.catalog.system.entries import RelationEntry
from gateway.sql.names.updatable import simple_view, why_not
from gateway.sql.text.dialect import parse

# Bits of pg_relation_is_updatable: 1 << CmdType.
_UPDATE, _INSERT, _DELETE = 4, 8, 16


def events(entry: RelationEntry, relations: Mapping[int, RelationEntry]) -> int:
    """What can be done to a relation; a view of nothing but computed columns lets rows go."""
    if entry.kind == "r":
        return _UPDATE | _INSERT | _DELETE
    columns = writable_columns(entry, relations)
    if columns is None:
        return 0
    return _UPDATE | _INSERT | _DELETE if columns else _DELETE


def writable_columns(
    entry: RelationEntry, relations: Mapping[int, RelationEntry]
) -> frozenset[int] | None:
    """Numbers of the columns that are a table's; None: it is no table, and no simple view."""
    if entry.kind == "r":
        return frozenset(column.number for column in entry.columns)
    query = parse(entry.view)[0] if entry.kind == "v" else None
    if query is None or why_not(query):
        return None
    table = query.args["from_"].this
    place = (table.db, table.name)
    read = next((r for r in entry.reads if (r.schema, r.written) == place), None)
    inner = relations.get(read.oid) if read is not None else None
    under = None if inner is None else writable_columns(inner, relations)
    if inner is None or under is None:
        return None
    known = {column.name for column in inner.columns if column.number in under}
    simple = simple_view(query, [column.name for column in inner.columns])
    pairs = zip(entry.columns, range(len(simple.outputs)), strict=False)
    return frozenset(column.number for column, n in pairs if simple.column(n) in known)
