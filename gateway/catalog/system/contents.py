"""What this server holds at one moment, as pg_catalog will show it: relations, keys, functions.

Datasets come from the configuration, the rest from the store. Numbers: what a user made keeps the
oid that the store gave it; a dataset's table and a schema have one made of their names, and all
that belongs to a relation (its row type, its constraints, ...) one made of the relation's own. So
all are the same after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from gateway.catalog.deparsing.definitions import (
    VALUE,
    IndexItem,
    check_text,
    default_text,
    domain_check_text,
    index_item,
)
from gateway.catalog.registry import Registry
from gateway.catalog.system.entries import (
    TARGET,
    ColumnEntry,
    ConstraintEntry,
    Contents,
    DomainEntry,
    IndexEntry,
    RelationEntry,
)
from gateway.catalog.system.oids import dataset_oids, part_oid, schema_oid, server_oid, slots_of
from gateway.catalog.system.static import PUBLIC
from gateway.recent import Recent
from gateway.sources.table import Table, TableName
from gateway.sql.text.quoting import identifier
from gateway.store.definitions import definitions as kept
from gateway.store.definitions.catalogue import Relation
from gateway.store.definitions.domains import Domain
from gateway.types import INT8, Type, by_name, dimensions, from_arrow

# id of a relation or of a dataset's table -> it and its entry, and oid -> entry: what did not
# change is not written anew, and its entry is the same object.
Entries = Recent[tuple[object, RelationEntry]]
ViewColumn = tuple[str, Type, int, int]
ViewColumns = Callable[[kept.View], Sequence[ViewColumn]]


def contents_of(registry: Registry, view_columns: ViewColumns, entries: Entries) -> Contents:
    """What a client sees now, but for other sessions' temporary views, whose columns it cannot ask.

    Args:
        registry: Its names.
        view_columns: Names, types, modifiers and domains of a view's columns, which only planning
            it tells.
        entries: Of tables as they were before.
    """
    store = registry.store
    numbers = dataset_oids(registry.grids)
    relations = [
        _known(table, entries, partial(_dataset, numbers[name], name, table))
        for name, table in registry.grids.items()
    ]
    held = {relation.definition.name: relation for relation in store.relations()}
    relations += [
        entry
        for relation in held.values()
        for entry in [_entry(relation, held, view_columns, entries)]
        if not (entry.temporary and entry.kind == "v") or entry.schema == store.temporary_schema
    ]
    names = {*registry.schemas(), *(entry.schema for entry in relations)}
    schemas = {name: schema_oid(name) for name in sorted(names)} | {"public": PUBLIC}
    servers = {name: server_oid(name) for name in map(server_of, registry.grids)}
    comments = {name: text for name in names if (text := store.schema_comment(name))}
    relations.sort(key=lambda entry: entry.oid)
    return Contents(
        schemas, servers, relations, store.routines(), comments, store.temporary_schema,
        enums=store.enums(), domains=tuple(map(_domain, store.domains())),
    )  # fmt: skip


def server_of(name: TableName) -> str:
    """The dataset that a table is of: the foreign server's name."""
    return name.name if name.schema == "public" else name.schema


def _dataset(oid: int, name: TableName, table: Table) -> RelationEntry:
    told = table.description
    columns = tuple(
        ColumnEntry(
            column.name, from_arrow(column.type).oid, number,
            not_null=not column.nullable, comment=told.columns.get(column.name, ""),
        )
        for number, column in enumerate(table.schema, 1)
    )  # fmt: skip
    return RelationEntry(oid, name.schema, name.name, "f", columns, told.comment)


Held = Mapping[TableName, Relation]


def _entry(
    relation: Relation, held: Held, view_columns: ViewColumns, entries: Entries
) -> RelationEntry:
    definition, oid = relation.definition, relation.oid
    if isinstance(definition, kept.View):
        return _same(_view(oid, definition, view_columns(definition)), entries)
    if isinstance(definition, kept.TableDefinition) and definition.foreign_keys:
        return _same(_table(oid, definition, held), entries)  # which names other tables
    if isinstance(definition, kept.Sequence):
        return _known(relation, entries, lambda: _sequence(oid, definition))
    return _known(relation, entries, lambda: _table(oid, definition, held))


def _known(
    of: Relation | Table, entries: Entries, make: Callable[[], RelationEntry]
) -> RelationEntry:
    """The entry of what makes its entry alone."""
    known = entries.get(id(of))
    if known is not None and known[0] is of:
        return known[1]
    made = make()
    entries.put(id(of), (of, made), len(made.columns) + 10)
    return made


def _same(entry: RelationEntry, entries: Entries) -> RelationEntry:
    """The entry, or the equal one that its oid had before."""
    key = "oid", entry.oid
    known = entries.get(key)
    if known is not None and known[1] == entry:
        return known[1]
    entries.put(key, (None, entry), len(entry.columns) + 10)
    return entry


def _table(oid: int, table: kept.TableDefinition, held: Held) -> RelationEntry:
    place = _places(table)
    types = {column.name: column.type for column in table.columns}
    columns = tuple(_column(column, place[column.name], types) for column in table.columns)
    slots = slots_of([each.name for each in (*table.constraints, *table.indexes)])
    indexes = [_key_index(oid, key, place, slots, types) for key in table.keys]
    indexes += [_index(oid, index, place, slots, types) for index in table.indexes]
    constraints = [_key(oid, key, place, slots) for key in table.keys if key.constraint]
    constraints += [_check(oid, check, table, place, slots) for check in table.checks]
    constraints += [_reference(oid, each, place, slots, held) for each in table.foreign_keys]
    view = "" if table.query is None else _view_text(table.query.sql)
    return RelationEntry(
        oid, table.name.schema, table.name.name, "r" if table.query is None else "m", columns,
        table.comment, tuple(constraints), tuple(indexes), view,
        () if table.query is None else table.query.reads,
        table.query is None or table.query.populated, notes=table.notes,
    )  # fmt: skip


def _places(table: kept.TableDefinition) -> dict[str, int]:
    return {column.name: column.number or n for n, column in enumerate(table.columns, 1)}


def _column(column: kept.Column, number: int, types: Mapping[str, Type]) -> ColumnEntry:
    written = column.generated if column.generated is not None else column.default
    text = None if written is None else default_text(written, column.type, types)
    identity = {"always": "a", "by default": "d"}.get(column.identity, "")
    return ColumnEntry(
        column.name, column.type_oid, number, column.typmod, column.not_null,
        None if identity else text, column.comment, identity, column.generated is not None,
        dimensions=dimensions(column.type),
        base=column.type.oid if column.domain is not None else 0,
    )  # fmt: skip


def _domain(domain: Domain) -> DomainEntry:
    types = {VALUE: domain.base}
    kept_default = domain.default
    default = None if kept_default is None else default_text(kept_default, domain.base, types)
    slots = slots_of([check.name for check in domain.checks])
    checks = tuple(
        _stated(part_oid(domain.oid, slots[check.name]), check.name, (), check.valid, [
            domain_check_text(check.expression, domain.base, pretty=each) for each in (False, True)
        ])
        for check in domain.checks
    )  # fmt: skip
    return DomainEntry(domain, default, checks)


def _stated(
    slot: int, name: str, columns: tuple[int, ...], valid: bool, texts: Sequence[str]
) -> ConstraintEntry:
    """A CHECK; `texts` are its expression plain and pretty."""
    ending = "" if valid else " NOT VALID"
    whole, pretty = (f"CHECK ({text}){ending}" for text in texts)
    return ConstraintEntry(
        slot + 1, name, "c", columns, whole, pretty, expression=texts[0], valid=valid
    )


def _key_index(
    oid: int, key: kept.Key, place: Mapping[str, int], slots: Mapping[str, int],
    types: Mapping[str, Type],
) -> IndexEntry:  # fmt: skip
    items = key.items or tuple(map(identifier, key.columns))
    index = kept.Index(key.name, items, predicate=key.predicate, included=key.included)
    return replace(
        _index(oid, index, place, slots, types),
        unique=True,
        primary=key.primary,
        immediate=not key.deferrable,
        nulls_distinct=key.nulls_distinct,
    )


def _index(
    oid: int, index: kept.Index, place: Mapping[str, int], slots: Mapping[str, int],
    types: Mapping[str, Type],
) -> IndexEntry:  # fmt: skip
    items = tuple(index_item(item, types) for item in index.columns)
    numbers = tuple(place.get(item.text.strip('"'), 0) for item in items)
    where = None
    if index.predicate:
        plain, pretty = (check_text(index.predicate, types, pretty=each) for each in (False, True))
        where = IndexItem(plain, pretty)
    return IndexEntry(
        part_oid(oid, slots[index.name]), index.name, numbers, items, False, False,
        index.method, where,
        included=tuple((place[name], name) for name in index.included),
    )  # fmt: skip


_DEFERRABLE = {
    "": "",
    "immediate": " DEFERRABLE",
    "deferred": " DEFERRABLE INITIALLY DEFERRED",
}


def _key(
    oid: int, key: kept.Key, place: Mapping[str, int], slots: Mapping[str, int]
) -> ConstraintEntry:
    listed = ", ".join(identifier(column) for column in key.columns)
    word = "PRIMARY KEY" if key.primary else "UNIQUE"
    slot = part_oid(oid, slots[key.name])
    numbers = tuple(place[column] for column in key.columns)
    nulls = "" if key.nulls_distinct else " NULLS NOT DISTINCT"
    beside = included_text(key.included)
    text = f"{word}{nulls} ({listed}){beside}{_DEFERRABLE[key.deferrable]}"
    kind = "p" if key.primary else "u"
    return ConstraintEntry(
        slot + 1, key.name, kind, numbers, text, text, slot, deferrable=key.deferrable
    )


def included_text(names: Sequence[str]) -> str:
    """INCLUDE and these columns, after the keys; "" without any."""
    return f" INCLUDE ({', '.join(map(identifier, names))})" if names else ""


def _check(
    oid: int, check: kept.Check, table: kept.TableDefinition, place: Mapping[str, int],
    slots: Mapping[str, int],
) -> ConstraintEntry:  # fmt: skip
    types = {column.name: column.type for column in table.columns}
    texts = [check_text(check.expression, types, pretty=each) for each in (False, True)]
    numbers = tuple(place[name] for name in check.columns if name in place)
    return _stated(part_oid(oid, slots[check.name]), check.name, numbers, check.valid, texts)


_ACTIONS = {"no action": "a", "restrict": "r", "cascade": "c", "set null": "n", "set default": "d"}


def _reference(
    oid: int, key: kept.ForeignKey, place: Mapping[str, int], slots: Mapping[str, int], held: Held
) -> ConstraintEntry:
    target = held.get(key.table)
    table = target.definition if target is not None else None
    there: tuple[int, tuple[int, ...]] = (0, ())
    index = 0
    if target is not None and isinstance(table, kept.TableDefinition):
        places = _places(table)
        there = (target.oid, tuple(places[name] for name in key.referenced))
        index = _index_behind(target.oid, table, key.referenced)
    text = f"FOREIGN KEY ({_listed(key.columns)}) REFERENCES {TARGET}({_listed(key.referenced)})"
    text += " MATCH FULL" if key.match == "full" else ""
    for word, action in (("UPDATE", key.on_update), ("DELETE", key.on_delete)):
        text += f" ON {word} {action.upper()}" if action != "no action" else ""
    text += f" ({_listed(key.emptied)})" if key.emptied else ""
    text += _DEFERRABLE[key.deferrable] + ("" if key.valid else " NOT VALID")
    actions = _ACTIONS[key.on_update] + _ACTIONS[key.on_delete]
    numbers = tuple(place[name] for name in key.columns)
    slot = part_oid(oid, slots[key.name])
    return ConstraintEntry(
        slot + 1,
        key.name,
        "f",
        numbers,
        text,
        text,
        index,
        there,
        actions,
        deferrable=key.deferrable,
        match=key.match[0],
        valid=key.valid,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in names)


def _index_behind(oid: int, table: kept.TableDefinition, columns: Sequence[str]) -> int:
    slots = slots_of([each.name for each in (*table.constraints, *table.indexes)])
    for key in table.keys:
        if key.is_plain and set(key.columns) == set(columns):
            return part_oid(oid, slots[key.name])
    return 0


def _view_text(sql: str) -> str:
    return f" {sql.strip().rstrip(';')};"


def _view(
    oid: int, view: kept.View, columns: Sequence[tuple[str, Type, int, int]]
) -> RelationEntry:
    notes = dict(view.notes)
    entries = tuple(
        ColumnEntry(
            name, domain or kind.oid, n, typmod, comment=notes.get(name, ""),
            dimensions=dimensions(kind), base=kind.oid if domain else 0,
        )
        for n, (name, kind, typmod, domain) in enumerate(columns, 1)
    )  # fmt: skip
    text, name = _view_text(view.sql), view.name
    defaults = dict(view.defaults)
    entries = tuple(
        replace(entry, default=default_text(defaults[entry.name], kind))
        if entry.name in defaults
        else entry
        for entry, (_, kind, *_) in zip(entries, columns, strict=True)
    )
    options = (f"check_option={view.check}",) if view.check else ()
    return RelationEntry(
        oid, name.schema, name.name, "v", entries, view.comment, view=text, reads=view.reads,
        options=options,
    )  # fmt: skip


_OF_SEQUENCES = (("last_value", INT8), ("log_cnt", INT8), ("is_called", by_name("bool")))


def _sequence(oid: int, sequence: kept.Sequence) -> RelationEntry:
    columns = tuple(
        ColumnEntry(name, kind.oid, n, not_null=True)
        for n, (name, kind) in enumerate(_OF_SEQUENCES, 1)
    )
    at = sequence.name
    return RelationEntry(oid, at.schema, at.name, "S", columns, sequence.comment, sequence=sequence)


def keys_of(contents: Contents) -> Iterator[tuple[RelationEntry, IndexEntry]]:
    """Every index, with its table."""
    for entry in contents.relations:
        for index in entry.indexes:
            yield entry, index
