"""What pg_describe_object calls an object.

PostgreSQL 15, objectaddress.c: getObjectDescription. An object of a kind without a row is not
described.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from gateway.catalog.system.entries import RelationEntry
from gateway.catalog.system.names import Moment
from gateway.catalog.system.oids import DEFAULTS, EXTENSION, EXTENSION_OID, RULE, WRAPPER
from gateway.catalog.system.recorded import columns_of, relkinds
from gateway.catalog.system.static import static

_WORDS = {
    "r": "table", "p": "table", "i": "index", "I": "index", "S": "sequence", "v": "view",
    "m": "materialized view", "f": "foreign table", "c": "composite type", "t": "toast table",
}  # fmt: skip


def described(moment: Moment, of: int, oid: int, column: int) -> str | None:
    """What an object is called to whom asks.

    Args:
        moment: Under whose names.
        of: The oid of the catalogue that the object is in.
        oid: The object's.
        column: Of a relation's column, its number.
    """
    describe = _by_oid().get(of)
    return None if describe is None else describe(moment, oid, column)


def _relation(moment: Moment, oid: int, column: int) -> str | None:
    name = moment.class_texts.get(oid)
    if name is None:
        return None
    found = _entry(moment, oid)
    own = found.kind if found is not None else "i"  # what else users made
    whole = f"{_WORDS[relkinds().get(oid, own)]} {name}"
    if not column:
        return whole
    name = _recorded_columns().get((oid, column)) if found is None else _column(found, column)
    return None if name is None else f"column {name} of {whole}"


def _entry(moment: Moment, oid: int) -> RelationEntry | None:
    return next((each for each in moment.contents.relations if each.oid == oid), None)


def _column(entry: RelationEntry, number: int) -> str | None:
    return next((each.name for each in entry.columns if each.number == number), None)


@cache
def _recorded_columns() -> Mapping[tuple[int, int], str]:
    rows = columns_of("pg_catalog.pg_attribute", "attrelid", "attnum", "attname")
    return {(oid, number): name for oid, number, name in rows}


def _constraint(moment: Moment, oid: int, _: int) -> str | None:
    for entry in moment.contents.relations:
        for each in entry.constraints:
            if each.oid == oid:
                return f"constraint {each.name} on {_relation(moment, entry.oid, 0)}"
    for domain in moment.contents.domains:
        for each in domain.checks:
            if each.oid == oid:
                return f"constraint {each.name}"
    return None


def _rule(moment: Moment, oid: int, _: int) -> str | None:
    rows = columns_of("pg_catalog.pg_rewrite", "oid", "ev_class")
    of = dict(rows).get(oid)
    for entry in moment.contents.relations:
        if entry.kind in "vm" and entry.part(RULE) == oid:
            of = entry.oid
    return None if of is None else f"rule _RETURN on {_relation(moment, of, 0)}"


def _default(moment: Moment, oid: int, _: int) -> str | None:
    for entry in moment.contents.relations:
        for each in entry.columns:
            if entry.part(DEFAULTS + each.number) == oid and each.default is not None:
                return f"default value for {_relation(moment, entry.oid, each.number)}"
    return None


Describe = Callable[[Moment, int, int], "str | None"]


def _spelt(word: str, kind: str) -> Describe:
    """An object by its text as one of a reg type."""

    def describe(moment: Moment, oid: int, _: int) -> str | None:
        text = moment.texts(kind).get(oid)
        return None if text is None else f"{word} {text}"

    return describe


def _held(word: str, names: Callable[[Moment], Mapping[str, int]], column: str) -> Describe:
    """An object by the name that it has in the moment's contents, or in PostgreSQL's own rows."""
    table, _, name = column.partition(".")

    def describe(moment: Moment, oid: int, _: int) -> str | None:
        own = {number: each for each, number in names(moment).items()}
        known = dict(columns_of(f"pg_catalog.{table}", "oid", name))
        text = own.get(oid) or known.get(oid)
        return None if text is None else f"{word} {text}"

    return describe


def _role(moment: Moment, oid: int, _: int) -> str | None:
    name = moment.role_names.get(oid)
    return None if name is None else f"role {name}"


def _nothing(moment: Moment) -> Mapping[str, int]:
    return {}


def _extension(moment: Moment) -> Mapping[str, int]:
    return {EXTENSION: EXTENSION_OID}


def _wrapper(moment: Moment) -> Mapping[str, int]:
    return {"xarray": WRAPPER}


_DESCRIBE: Mapping[str, Describe] = {
    "pg_class": _relation,
    "pg_proc": _spelt("function", "regprocedure"),
    "pg_type": _spelt("type", "regtype"),
    "pg_operator": _spelt("operator", "regoperator"),
    "pg_collation": _spelt("collation", "regcollation"),
    "pg_constraint": _constraint,
    "pg_rewrite": _rule,
    "pg_attrdef": _default,
    "pg_authid": _role,
    "pg_namespace": _held("schema", lambda moment: moment.contents.schemas, "pg_namespace.nspname"),
    "pg_language": _held("language", _nothing, "pg_language.lanname"),
    "pg_extension": _held("extension", _extension, "pg_extension.extname"),
    "pg_foreign_data_wrapper": _held(
        "foreign-data wrapper", _wrapper, "pg_foreign_data_wrapper.fdwname"
    ),
    "pg_foreign_server": _held(
        "server", lambda moment: moment.contents.servers, "pg_foreign_server.srvname"
    ),
    "pg_am": _held("access method", _nothing, "pg_am.amname"),
    "pg_tablespace": _held("tablespace", _nothing, "pg_tablespace.spcname"),
}


@cache
def _by_oid() -> Mapping[int, Describe]:
    oids = static().oids
    return {oids[f"pg_catalog.{name}"]: describe for name, describe in _DESCRIBE.items()}
