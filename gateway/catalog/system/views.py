"""The text of users' views at one moment, under what their names mean and are called then.

And what can be written through one, as information_schema tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from gateway.catalog.deparsing.definitions import view_text
from gateway.catalog.deparsing.nodes import Unprintable
from gateway.catalog.system.entries import RelationEntry
from gateway.catalog.system.names import Moment
from gateway.catalog.system.static import Routine
from gateway.catalog.translation.resolution import Resolved, resolve
from gateway.sql.names.updatable import simple_view, why_not
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier

Columns = list[tuple[str, int, int]]


class Views:
    """Prints views.

    Args:
        moment: Under whose names.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._texts: dict[tuple[int, bool], str] = {}
        relations = moment.contents.relations
        self._numbered = {entry.oid: entry for entry in relations}
        self._named = {(entry.schema, entry.name): entry for entry in relations}

    def text(self, view: RelationEntry, pretty: bool) -> str:
        """A view's query as pg_get_viewdef gives it."""
        key = view.oid, pretty
        if key not in self._texts:
            self._texts[key] = self._text(view, pretty)
        return self._texts[key]

    def _text(self, view: RelationEntry, pretty: bool) -> str:
        names = [column.name for column in view.columns]
        written = view.view.strip().rstrip(";")
        relations = partial(self._relation, view)
        return view_text(written, names, relations, self._function, pretty) or view.view

    def _relation(self, view: RelationEntry, schema: str, name: str) -> tuple[str, str, Columns]:
        """How a relation is printed, its name alone, its columns; for `Relations`."""
        for read in view.reads:
            if (read.schema, read.written) == (schema, name):
                entry = self._numbered.get(read.oid) if read.oid else None
                entry = entry or self._named.get((read.name.schema, read.name.name))
                if entry is not None:
                    columns = [(c.name, c.type, c.typmod) for c in entry.columns]
                    return self._moment.class_texts[entry.oid], entry.name, columns
        system = self._moment.relation(schema, name)
        if system is None:
            raise Unprintable(name)
        return self._moment.class_texts[system.oid], name, list(system.columns)

    def _function(self, name: str, types: Sequence[int]) -> tuple[str, Resolved | None]:
        for each in self._moment.contents.functions:
            function = each.function
            if function.name == name:
                kinds = tuple(argument.type.oid for argument in function.arguments)
                found = resolve([Routine(name, kinds, function.returns.oid)], types)
                if found is not None:
                    seen = function.schema in self._moment.path
                    shown = "" if seen else f"{identifier(function.schema)}."
                    return f"{shown}{identifier(name)}", found
        return "", None


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
