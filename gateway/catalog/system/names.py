"""What names mean at one moment to one user: relations, reg values, what is visible.

A `Moment` answers the translation's questions (`terms.Names`) and holds what functions look up
(`lookups`). It notes which relations a translation used, so that `queries` makes those and no
others.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Any

from gateway.catalog.registry import TEMPORARY
from gateway.catalog.system.entries import Contents
from gateway.catalog.system.function_names import (
    function_number,
    shown_functions,
    shown_signatures,
    signature_number,
)
from gateway.catalog.system.oids import database_oid
from gateway.catalog.system.pg_catalog import descriptions_of, other_descriptions
from gateway.catalog.system.static import static
from gateway.catalog.translation.datatypes import type_named
from gateway.catalog.translation.terms import SystemRelation
from gateway.errors import AmbiguousFunction, GatewayError, InvalidSchemaName
from gateway.sql.text.quoting import identifier, name_parts
from gateway.types import ALIASES

SYSTEM = ("pg_catalog", "information_schema")
# Views of PostgreSQL over functions of its own, which here are tables of the snapshot.
TABLES = frozenset({"pg_catalog.pg_timezone_abbrevs", "pg_catalog.pg_timezone_names"})
# Stands for a moment's schema in a translation, which serves more moments than one; no client can
# have it in a statement.
PLACE = f'"{secrets.token_hex(12)}"'
_IN_SCHEMAS = ("regclass", "regproc", "regprocedure", "regtype")
_FIRST_OID = 16384  # of what users made


class Moment:
    """The catalogue as one user sees it: of one version, along one search_path.

    Args:
        number: Its number among all.
        contents: What there is.
        user: Who asks: the owner of everything.
        database: The database's name.
        path: The search_path, schemas that are not there included.
    """

    def __init__(
        self, number: int, contents: Contents, user: str, database: str, path: Sequence[str]
    ) -> None:
        self.schema = f"m{number}"
        self.place = PLACE  # which `Loading.ready` puts it in
        self.contents = contents
        self.user, self.database = user, database
        known = {*contents.schemas, *SYSTEM}
        path = [contents.temporary if name == TEMPORARY else name for name in path]
        self.explicit = [name for name in dict.fromkeys(path) if name in known]
        first = [contents.temporary, "pg_catalog"]
        implicit = [n for n in first if n in known and n not in self.explicit]
        self.path = [*implicit, *self.explicit]
        self.used: set[str] = set()
        self.asked = False  # for a number that another moment may give to another object

    # What the translation asks

    def relation(self, schema: str, name: str) -> SystemRelation | None:
        """A relation of the catalogue; `schema` "" looks along the path."""
        for place in [schema] if schema else self.path:
            full = f"{place}.{name}"
            columns = static().columns.get(full)
            if columns is not None:
                self.used.add(full)
                types = static().types
                triples = [(col.name, col.type, types[col.type].typmod) for col in columns]
                return SystemRelation(f'{PLACE}."{full}"', static().oids[full], triples)
        return None

    def recorded(self, name: str) -> str:
        """The SQL name of a table that PostgreSQL's own functions give."""
        self.used.add(name)
        return f'{PLACE}."{name}"'

    def number(self, kind: str, text: str) -> int | None:
        """The oid that a text means as regclass, regtype, ...; None when there is none.

        Raises:
            InvalidSchemaName: 3F000, it names a schema that is not there.
            AmbiguousFunction: 42725, a function's name that several have.
        """
        found = self._number(kind, text)
        if found is None:
            self._check_schema(kind, text)
        lasting = self.path[0] == "pg_catalog" and found is not None and found < _FIRST_OID
        self.asked = self.asked or not lasting
        return found

    def number_or_none(self, kind: str, text: str) -> int | None:
        """The same, and None where that would raise."""
        try:
            return self.number(kind, text)
        except (AmbiguousFunction, InvalidSchemaName):
            return None

    def _check_schema(self, kind: str, text: str) -> None:
        parts = name_parts(text.partition("(")[0]) if kind in _IN_SCHEMAS else []
        if len(parts) == 2 and parts[0] not in {*self.contents.schemas, *SYSTEM}:
            raise InvalidSchemaName(f'schema "{parts[0]}" does not exist')

    def _number(self, kind: str, text: str) -> int | None:
        if kind == "regtype":
            return self._type_number(text)
        if kind == "regprocedure":
            return self._signature_number(text)
        parts = name_parts(text)
        if kind == "regproc" and parts:
            return function_number(self.contents.functions, self.path, parts, text)
        if kind == "regoperator":
            name, *types = self._signed(text)
            spelling = f"{name}({','.join(types)})"
            return self._numbered(kind, spelling, spelling.removeprefix("pg_catalog."))
        if kind == "regclass" and parts:
            return self._class_number(parts)
        spellings = [".".join(map(identifier, parts))]
        if len(parts) > 1 and parts[0] == "pg_catalog":
            spellings.append(".".join(map(identifier, parts[1:])))
        return self._numbered(kind, *spellings)

    def _numbered(self, kind: str, *spellings: str) -> int | None:
        """The oid of the first of the spellings that means one."""
        numbers = self._numbers.get(kind)
        if numbers is None:
            numbers = {text: oid for oid, text in self.texts(kind).items()}
            self._numbers[kind] = numbers
        return next((numbers[text] for text in spellings if text in numbers), None)

    def _signature_number(self, text: str) -> int | None:
        """What `name(types)` means, which is spelt as it is shown: `f(int)` is `f(integer)`."""
        name, *given = self._signed(text)
        parts = name_parts(name)
        found = signature_number(self.contents.functions, self.path, parts, tuple(given))
        if found is not None:
            return found
        parts = parts[1:] if parts[:1] == ["pg_catalog"] else parts
        spelling = f"{'.'.join(map(identifier, parts))}({','.join(given)})"
        return self._numbered("regprocedure", spelling)

    def _signed(self, text: str) -> list[str]:
        """The name before a bracket, and the types within it as they are shown."""
        name, _, listed = text.strip().removesuffix(")").partition("(")
        types = [part.strip() for part in listed.split(",")] if listed.strip() else []
        numbers = [self._type_number(each) for each in types]
        shown = self.texts("regtype")
        return [name, *(shown.get(n or 0, each) for n, each in zip(numbers, types, strict=True))]

    def _class_number(self, parts: Sequence[str]) -> int | None:
        name = parts[-1]
        places = [parts[-2]] if len(parts) > 1 else self.path
        if places[0] in self._others:  # everybody sees such schemas, nobody may use them
            return None
        for place in places:
            found = self._classes.get((place, name))
            if found is not None:
                return found
        return None

    def relation_number(self, parts: Sequence[str]) -> int | None:
        """The oid of a relation under its schema and name."""
        return self._class_number(parts)

    def _type_number(self, text: str) -> int | None:
        spelling = " ".join(text.lower().split()) if '"' not in text else text.strip()
        if spelling.endswith("[]"):
            inner = self._type_number(spelling[:-2])
            for own in self.contents.own_types:
                if own.oid == inner:
                    return own.array_oid
            found = static().types.get(inner or 0)
            return found.array if found is not None else None
        spelling = re.sub(r"\(.*?\)", "", spelling).strip()
        spelling = " ".join(spelling.split())
        schema, _, bare = spelling.rpartition(".")
        schema = schema.strip('"')
        try:
            if schema in ("", "pg_catalog", "information_schema"):
                quoted = bare.startswith('"')
                plain = bare.strip('"')
                return type_named(ALIASES.get(plain, plain) if not quoted else plain, schema)
        except GatewayError:
            pass
        return self._row_types.get(".".join(map(identifier, name_parts(spelling))))

    # Names of objects

    @cached_property
    def _others(self) -> set[str]:
        """The schemas of other sessions' temporary tables."""
        temporary = {entry.schema for entry in self.contents.relations if entry.temporary}
        return temporary - {self.contents.temporary}

    @cached_property
    def _classes(self) -> dict[tuple[str, str], int]:
        """(schema, name) -> oid of every relation and index."""
        own = {(schema, name): oid for oid, schema, name in self._own_classes()}
        return _recorded_classes() | own

    def _own_classes(self) -> Iterator[tuple[int, str, str]]:
        for entry in self.contents.relations:
            yield entry.oid, entry.schema, entry.name
            for index in entry.indexes:
                yield index.oid, entry.schema, index.name

    @cached_property
    def visible_classes(self) -> set[int]:
        """Relations that are found without their schema."""
        found: dict[str, int] = {}
        place = {name: n for n, name in enumerate(self.path)}
        best: dict[str, int] = {}
        for (schema, name), oid in self._classes.items():
            n = place.get(schema)
            if n is not None and n < best.get(name, len(place)):
                best[name], found[name] = n, oid
        return set(found.values())

    @cached_property
    def class_texts(self) -> dict[int, str]:
        """oid::regclass::text of every relation and index."""
        visible = self.visible_classes
        return {
            oid: identifier(name) if oid in visible else f"{identifier(schema)}.{identifier(name)}"
            for (schema, name), oid in self._classes.items()
        }

    @cached_property
    def _row_types(self) -> dict[str, int]:
        """The names of relations' row types and of own types, with and without schema -> oid."""
        from gateway.catalog.system.oids import ROW_TYPE

        found = {}
        for entry in self.contents.relations:
            full = f"{identifier(entry.schema)}.{identifier(entry.name)}"
            found[full] = entry.part(ROW_TYPE)
            if entry.oid in self.visible_classes:
                found[identifier(entry.name)] = entry.part(ROW_TYPE)
        for own in self.contents.own_types:
            found[f"{identifier(own.name.schema)}.{own.sql}"] = own.oid
            if own.name.schema in self.path:
                found[own.sql] = own.oid
        return found

    @cached_property
    def row_type_texts(self) -> dict[int, str]:
        """Users' types, the row types of their relations, and arrays, as format_type has them."""
        from gateway.catalog.system.oids import ARRAY_TYPE, ROW_TYPE

        texts = {}
        for entry in self.contents.relations:
            text = self.class_texts[entry.oid]
            texts[entry.part(ROW_TYPE)] = text
            texts[entry.part(ARRAY_TYPE)] = f"{text}[]"
        for own in self.contents.own_types:
            place = "" if own.name.schema in self.path else f"{identifier(own.name.schema)}."
            texts[own.oid], texts[own.array_oid] = f"{place}{own.sql}", f"{place}{own.sql}[]"
        return texts

    def is_visible_type(self, oid: int) -> bool | None:
        """Whether an own type, or arrays of it, are found without their schema; None: neither."""
        for own in self.contents.own_types:
            if oid in (own.oid, own.array_oid):
                return own.name.schema in self.path
        return None

    def with_enum_seen(self, default: str) -> str:
        """A default that ends in a cast to an enum, with its name as it is seen now."""
        for enum in self.contents.enums:
            for oid, ending in ((enum.oid, ""), (enum.array_oid, "[]")):
                written = f"::{enum.type.sql}{ending}"
                if default.endswith(written):
                    return f"{default.removesuffix(written)}::{self.row_type_texts[oid]}"
        return default

    def texts(self, kind: str) -> dict[int, str]:
        """oid -> text of every value of a reg type."""
        found = self._texts.get(kind)
        if found is None:
            found = self._texts[kind] = _TEXTS[kind](self)
        return found

    @cached_property
    def _texts(self) -> dict[str, dict[int, str]]:
        return {}

    @cached_property
    def _numbers(self) -> dict[str, dict[str, int]]:
        return {}

    # What else functions look up

    @cached_property
    def descriptions(self) -> dict[tuple[int, int, int], str]:
        """(object, its catalogue, column number) -> comment."""
        return {
            (row["objoid"], row["classoid"], row.get("objsubid", 0)): row["description"]
            for row in self._descriptions()
        }

    def _descriptions(self) -> Iterator[dict[str, Any]]:
        for entry in self.contents.relations:
            yield from descriptions_of(entry)
        yield from other_descriptions(self.contents)
        yield from self.shared_descriptions()

    def shared_descriptions(self) -> Iterator[dict[str, Any]]:
        """Rows of pg_shdescription: what COMMENT ON said of roles and of the database."""
        for relation, number, text in self.contents.ownership.comments:
            oid = database_oid(self.database) if relation == "pg_database" else number
            of = static().oids[f"pg_catalog.{relation}"]
            yield {"objoid": oid, "classoid": of, "description": text}

    @cached_property
    def role_names(self) -> dict[int, str]:
        """oid -> name of every role; the first has the name that it has to this user."""
        own = {each.oid: each.name for each in self.contents.ownership.roles}
        return _recorded_roles() | own


@cache
def _schemas() -> dict[int, str]:
    table = static().tables["pg_catalog.pg_namespace"]
    return dict(zip(table["oid"].to_pylist(), table["nspname"].to_pylist(), strict=True))


@cache
def _recorded_classes() -> dict[tuple[str, str], int]:
    table = static().tables["pg_catalog.pg_class"]
    columns = (table[name].to_pylist() for name in ("oid", "relname", "relnamespace"))
    return {(_schemas()[schema], name): oid for oid, name, schema in zip(*columns, strict=True)}


@cache
def _recorded_roles() -> dict[int, str]:
    table = static().tables["pg_catalog.pg_authid"]
    return dict(zip(table["oid"].to_pylist(), table["rolname"].to_pylist(), strict=True))


@cache
def _recorded(kind: str) -> dict[int, str]:
    table = static().tables[f"text.{kind}"]
    return dict(zip(table["oid"].to_pylist(), table["text"].to_pylist(), strict=True))


def _functions(moment: Moment) -> dict[int, str]:
    return _recorded("regproc") | shown_functions(moment.contents.functions, moment.path)


def _procedures(moment: Moment) -> dict[int, str]:
    return _recorded("regprocedure") | shown_signatures(moment.contents.functions, moment.path)


def _types(moment: Moment) -> dict[int, str]:
    return _recorded("format_type") | moment.row_type_texts


def _namespaces(moment: Moment) -> dict[int, str]:
    own = {oid: identifier(name) for name, oid in moment.contents.schemas.items()}
    return {oid: identifier(name) for oid, name in _schemas().items()} | own


def _roles(moment: Moment) -> dict[int, str]:
    return {oid: identifier(name) for oid, name in moment.role_names.items()}


_TEXTS = {
    "regclass": lambda moment: moment.class_texts,
    "regtype": _types,
    "regproc": _functions,
    "regprocedure": _procedures,
    "regoper": lambda moment: _recorded("regoper"),
    "regoperator": lambda moment: _recorded("regoperator"),
    "regcollation": lambda moment: _recorded("regcollation"),
    "regconfig": lambda moment: _recorded("regconfig"),
    "regdictionary": lambda moment: _recorded("regdictionary"),
    "regnamespace": _namespaces,
    "regrole": _roles,
}
