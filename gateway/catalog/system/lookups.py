"""What the catalogue's functions look up of one object: a method each, a row of `FUNCTIONS` each.

`pg_get_constraintdef(oid)`, `oid::regclass::text` and their like are answered from a moment's own
dictionaries and called from DuckDB (`calling`): neither tables of names have to be filled when an
object changes, nor a subquery planned for each call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gateway.catalog.deparsing.definitions import pretty_text
from gateway.catalog.system import index_properties
from gateway.catalog.system.attributes import type_facts
from gateway.catalog.system.contents import included_text, keys_of
from gateway.catalog.system.describing import described
from gateway.catalog.system.entries import (
    TARGET,
    ConstraintEntry,
    IndexEntry,
    RelationEntry,
)
from gateway.catalog.system.function_names import FUNCTION_TEXTS
from gateway.catalog.system.names import Moment
from gateway.catalog.system.oids import ARRAY_TYPE, ROW_TYPE
from gateway.catalog.system.recorded import (
    index_keys,
    recorded,
    recorded_descriptions,
    recorded_functions,
    relations_with_long_values,
    relkinds,
    schemas_of,
    type_text,
    view_texts,
)
from gateway.catalog.system.text_answers import TEXT_ANSWERS
from gateway.catalog.system.views import Views, events, writable_columns
from gateway.catalog.translation.coercing import REGISTERED, Coercion, array_items, registered
from gateway.sql.text.quoting import REGCLASS, identifier, literal, name_parts
from gateway.types import BY_OID

_CLASS = 1259
_USERS = 16384  # the first oid of what users made
_PAGE = 8192


class Lookups:
    """A moment's answers, each dictionary made when it is first read.

    Args:
        moment: Whose.
    """

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self._coercion = Coercion(moment, {})

    # Reg values

    def text(self, kind: str, oid: int) -> str:
        """A reg value's text."""
        return self.moment.texts(kind).get(oid) or ("-" if not oid else str(oid))

    def number(self, kind: str, text: str) -> int:
        """The oid that a text means; raises 42P01, 42883, 42704."""
        return registered(self._coercion.names, kind, text)

    def number_or_none(self, kind: str, text: str) -> int | None:
        """The same for to_regclass and its like."""
        return self.moment.number_or_none(kind, text)

    # Types

    def format_type(self, oid: int | None, modifier: int | None) -> str | None:
        if oid is None:
            return None
        if oid == 0:
            return "-"
        own = self.moment.row_type_texts.get(oid)
        if own is not None:
            return own
        return type_text(oid, modifier)

    # What is seen without its schema

    def is_visible_class(self, oid: int) -> bool | None:
        known = self.moment.class_texts
        return oid in self.moment.visible_classes if oid in known else None

    def is_visible_type(self, oid: int) -> bool | None:
        schema = schemas_of("pg_type").get(oid)
        if schema is not None:
            return schema in self.moment.path
        entry = self._row_types.get(oid)
        moment = self.moment
        return entry.oid in moment.visible_classes if entry else moment.is_visible_type(oid)

    def is_visible_function(self, oid: int) -> bool | None:
        schema = schemas_of("pg_proc").get(oid) or self._function_schemas.get(oid)
        return schema in self.moment.path if schema is not None else None

    @cached_property
    def _row_types(self) -> dict[int, RelationEntry]:
        return {
            entry.part(slot): entry
            for entry in self.moment.contents.relations
            for slot in (ROW_TYPE, ARRAY_TYPE)
        }

    @cached_property
    def _function_schemas(self) -> dict[int, str]:
        return {each.oid: each.function.schema for each in self.moment.contents.functions}

    # Definitions

    def constraintdef(self, oid: int, pretty: bool) -> str | None:
        found = self._constraints.get(oid) or recorded("constraintdef").get(oid)
        return found[pretty] if found is not None else None

    @cached_property
    def _constraints(self) -> dict[int, tuple[str, str]]:
        return {
            each.oid: (self._named(each.definition, each), self._named(each.pretty, each))
            for each in self.moment.contents.constraints
        }

    def _named(self, text: str, key: ConstraintEntry) -> str:
        table = key.referenced[0]
        return text.replace(TARGET, self.moment.class_texts[table]) if table else text

    def indexdef(self, oid: int, column: int, pretty: bool) -> str | None:
        held = self._indexes.get(oid)
        if held is None:
            found = recorded("indexdef").get(oid)
            if found is None:
                return None
            text, short, names = found
            columns = [(name, name) for name in names]
        else:
            text, short, columns = _indexdef(self.moment, *held)
        if column:
            return columns[column - 1][pretty] if 0 < column <= len(columns) else ""
        return str(short if pretty else text)

    @cached_property
    def _indexes(self) -> dict[int, tuple[RelationEntry, IndexEntry]]:
        return {index.oid: (entry, index) for entry, index in keys_of(self.moment.contents)}

    def index_position(self, oid: int, number: int) -> int | None:
        """Where in an index a column stands."""
        held = self._indexes.get(oid)
        columns = list(held[1].columns) if held is not None else index_keys().get(oid, [])
        return columns.index(number) + 1 if number in columns else None

    def index_property(self, oid: int, number: int, name: str) -> bool | None:
        """A property of an index, or with a number of that column of it."""
        held = self._indexes.get(oid)
        columns = list(held[1].held) if held is not None else index_keys().get(oid, [])
        if not columns or number > len(columns):
            return None
        if not number:
            return index_properties.OF_INDEX.get(name.lower())
        items = held[1].items if held is not None else ()
        if items and number > len(items):
            return index_properties.OF_INCLUDED.get(name.lower())
        return index_properties.of_column(name, items[number - 1].option if items else 0)

    def viewdef(self, oid: int, pretty: bool) -> str | None:
        found = self._relations.get(oid)
        if found is not None:
            return (self._views.text(found, pretty) or None) if found.view else None
        texts = view_texts().get(oid)
        return texts[pretty] if texts is not None else None

    def updatable(self, oid: int) -> int:
        found = self._relations.get(oid)
        return 0 if found is None else events(found, self._relations)

    def column_updatable(self, oid: int, number: int) -> bool:
        found = self._relations.get(oid)
        columns = None if found is None else writable_columns(found, self._relations)
        return columns is not None and number in columns

    @cached_property
    def _views(self) -> Views:
        return Views(self.moment)

    def expression(self, text: str) -> str:
        """A default with the names of relations in it, and of its enum, as they are seen now."""
        return self.moment.with_enum_seen(REGCLASS.sub(self._seen, text))

    def pretty(self, text: str, oid: int) -> str:
        """An expression over a user's relation with as few parentheses as may be."""
        entry = self._relations.get(oid)
        if entry is None:
            return text
        known = {c.name: BY_OID[c.type] for c in entry.columns if c.type in BY_OID}
        return pretty_text(text, known)

    def _seen(self, match: re.Match[str]) -> str:
        names = name_parts(match[1].replace("''", "'"))
        oid = self.moment.relation_number(names if len(names) > 1 else ["public", *names])
        shown = self.moment.class_texts.get(oid or 0)
        return f"{literal(shown)}::regclass" if shown is not None else match[0]

    def functiondef(self, oid: int, part: str) -> str | None:
        for routine in self.moment.contents.functions:
            if routine.oid == oid:
                return FUNCTION_TEXTS[part](routine.function)
        found = recorded_functions().get(oid)
        return found[part] if found is not None else None

    # Relations

    @cached_property
    def _relations(self) -> dict[int, RelationEntry]:
        return {entry.oid: entry for entry in self.moment.contents.relations}

    def relkind(self, oid: int) -> str | None:
        found = self._relations.get(oid)
        if found is not None:
            return found.kind
        return "i" if oid in self._indexes else relkinds().get(oid)

    def table_size(self, oid: int) -> int | None:
        """What PostgreSQL takes for an empty relation: a page of its TOAST table's index."""
        kind = self.relkind(oid)
        if kind is None:
            return None
        long = kind in ("r", "m", "t") and self._has_long_values(oid)
        return _PAGE if kind in ("i", "S") or long else 0

    def _has_long_values(self, oid: int) -> bool:
        found = self._relations.get(oid)
        if found is None:
            return oid in relations_with_long_values()
        return any(
            type_facts(each.type, each.dimensions > 0)["attstorage"] != "p"
            for each in found.columns
        )

    def serial_sequence(self, relation: int, column: str) -> str | None:
        return self._sequences.get((relation, column))

    @cached_property
    def _sequences(self) -> dict[tuple[int, str], str]:
        found = {}
        for entry in self.moment.contents.relations:
            if entry.sequence is not None and entry.sequence.owner is not None:
                table, number = entry.sequence.owner
                owner = self._relations.get(table)
                names = [c.name for c in owner.columns if c.number == number] if owner else []
                for name in names:
                    text = f"{identifier(entry.schema)}.{identifier(entry.name)}"
                    found[table, name] = text
        return found

    def my_temp_schema(self, _: int) -> int:
        return self.moment.contents.schemas.get(self.moment.contents.temporary, 0)

    def is_other_temp_schema(self, oid: int) -> bool:
        return oid in self._other_temp_schemas

    @cached_property
    def _other_temp_schemas(self) -> set[int]:
        held = self.moment.contents
        others = (name for name in held.schemas if name.startswith("pg_temp_"))
        return {held.schemas[name] for name in others if name != held.temporary}

    # Comments and roles

    def description(self, oid: int, catalogue: str | None, column: int) -> str | None:
        """A comment; of an object of whatever catalogue where none is named."""
        if catalogue is not None:
            classes = [self.moment.number("regclass", f"pg_catalog.{identifier(catalogue)}")]
        else:
            classes = [*self._classes_of_comments]
        for of in classes:
            key = oid, of or 0, column
            text = self.moment.descriptions.get(key, recorded_descriptions().get(key))
            if text:
                return text
        return None

    @cached_property
    def _classes_of_comments(self) -> list[int]:
        keys = [*recorded_descriptions(), *self.moment.descriptions]
        return sorted({of for _, of, _ in keys})

    def column_description(self, oid: int, column: int) -> str | None:
        key = oid, _CLASS, column
        return self.moment.descriptions.get(key) or recorded_descriptions().get(key)

    def role(self, oid: int) -> str:
        """A role's name, as pg_get_userbyid gives it."""
        return self.moment.role_names.get(oid, f"unknown (OID={oid})")


def _indexdef(
    moment: Moment, entry: RelationEntry, index: IndexEntry
) -> tuple[str, str, list[tuple[str, str]]]:
    unique = "UNIQUE " if index.unique else ""
    head = f"CREATE {unique}INDEX {identifier(index.name)} ON "
    full = f"{identifier(entry.schema)}.{identifier(entry.name)}"
    short = moment.class_texts[entry.oid]
    names = [name for _, name in index.included]
    beside = included_text(names)
    text = f"{head}{full} USING {index.method} ({_keys(index, pretty=False)}){beside}"
    pretty = f"{head}{short} USING {index.method} ({_keys(index, pretty=True)}){beside}"
    if not index.nulls_distinct:
        text, pretty = f"{text} NULLS NOT DISTINCT", f"{pretty} NULLS NOT DISTINCT"
    if index.predicate is not None:
        text += f" WHERE {index.predicate.text}"
        pretty += f" WHERE {index.predicate.pretty}"
    keys = [(item.text, item.pretty) for item in index.items]
    return text, pretty, [*keys, *((identifier(name),) * 2 for name in names)]


def _keys(index: IndexEntry, *, pretty: bool) -> str:
    keys = ((item.pretty if pretty else item.text) + item.direction for item in index.items)
    return ", ".join(keys)


@dataclass(frozen=True, slots=True)
class LookupFunction:
    """A function of SQL over a moment: DuckDB's types of its arguments and of its result.

    `answer` gets the lookups and the arguments; an argument that is NULL gives NULL unless
    `takes_null`.
    """

    name: str
    arguments: tuple[str, ...]
    result: str
    answer: Callable[..., Any]
    takes_null: bool = False


def _of_registered(kind: str) -> tuple[LookupFunction, ...]:
    return (
        LookupFunction(kind, ("BIGINT",), "VARCHAR", lambda on, oid: on.text(kind, oid)),
        LookupFunction(f"{kind}_of", ("VARCHAR",), "BIGINT", lambda on, t: on.number(kind, t)),
        LookupFunction(
            f"to_{kind}", ("VARCHAR",), "BIGINT", lambda on, text: on.number_or_none(kind, text)
        ),
    )


def _alone(answer: Callable[..., Any]) -> Callable[..., Any]:
    """An answer that needs no lookups."""
    return lambda on, *arguments: answer(*arguments)


_OID, _TEXT, _YES, _COLUMN = "BIGINT", "VARCHAR", "BOOLEAN", "INTEGER"
FUNCTIONS: tuple[LookupFunction, ...] = (
    *(each for kind in REGISTERED.values() for each in _of_registered(kind)),
    LookupFunction("format_type", (_OID, _COLUMN), _TEXT, Lookups.format_type, takes_null=True),
    LookupFunction("visible_class", (_OID,), _YES, Lookups.is_visible_class),
    LookupFunction("visible_type", (_OID,), _YES, Lookups.is_visible_type),
    LookupFunction("visible_function", (_OID,), _YES, Lookups.is_visible_function),
    LookupFunction("constraintdef", (_OID, _YES), _TEXT, Lookups.constraintdef),
    LookupFunction("indexdef", (_OID, _COLUMN, _YES), _TEXT, Lookups.indexdef),
    LookupFunction("index_property", (_OID, _COLUMN, _TEXT), _YES, Lookups.index_property),
    LookupFunction("index_position", (_OID, _COLUMN), _COLUMN, Lookups.index_position),
    *(LookupFunction(name, takes, _TEXT, _alone(f)) for name, takes, f in TEXT_ANSWERS),
    LookupFunction("items", (_TEXT,), _TEXT, lambda on, text: json.dumps(array_items(text))),
    LookupFunction("viewdef", (_OID, _YES), _TEXT, Lookups.viewdef),
    LookupFunction("updatable", (_OID,), _COLUMN, Lookups.updatable),
    LookupFunction("column_updatable", (_OID, _COLUMN), _YES, Lookups.column_updatable),
    LookupFunction("expression", (_TEXT,), _TEXT, Lookups.expression),
    LookupFunction("pretty", (_TEXT, _OID), _TEXT, Lookups.pretty),
    LookupFunction("functiondef", (_OID, _TEXT), _TEXT, Lookups.functiondef),
    LookupFunction("relkind", (_OID,), _TEXT, Lookups.relkind),
    LookupFunction("table_size", (_OID,), _OID, Lookups.table_size),
    LookupFunction("serial_sequence", (_OID, _TEXT), _TEXT, Lookups.serial_sequence),
    LookupFunction(
        "description", (_OID, _TEXT, _COLUMN), _TEXT,
        lambda on, oid, of, column: on.description(oid, of, column),
    ),
    LookupFunction(
        "any_description", (_OID,), _TEXT, lambda on, oid: on.description(oid, None, 0)
    ),
    LookupFunction("column_description", (_OID, _COLUMN), _TEXT, Lookups.column_description),
    LookupFunction(
        "described", (_OID, _OID, _COLUMN), _TEXT,
        lambda on, of, oid, column: described(on.moment, of, oid, column),
    ),
    LookupFunction("other_temp_schema", (_OID,), _YES, Lookups.is_other_temp_schema),
    LookupFunction("my_temp_schema", (_COLUMN,), _OID, Lookups.my_temp_schema),
    LookupFunction("role", (_OID,), _TEXT, Lookups.role),
)  # fmt: skip
