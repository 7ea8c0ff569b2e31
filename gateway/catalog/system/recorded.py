"""What PostgreSQL says of its own objects: read from the snapshot, once, by their oids."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from gateway.catalog.system.static import static
from gateway.sql.inputs.precision import interval_fields

# Where a type's modifier is written (format_type.c); % stands for it.
_MODIFIED = {
    1042: "character%", 1043: "character varying%", 1700: "numeric%", 1560: "bit%",
    1562: "bit varying%", 1083: "time% without time zone", 1266: "time% with time zone",
    1114: "timestamp% without time zone", 1184: "timestamp% with time zone", 1186: "interval%",
}  # fmt: skip
_NUMERIC, _INTERVAL, _TEXTS = 1700, 1186, (1042, 1043)
_OF_FUNCTIONS = ("definition", "arguments", "identity", "result")
_SQL_BODY = re.compile(r"\A(?:(?!\nAS ).)*?\n((?:RETURN |BEGIN ATOMIC\n).*)\n\Z", re.DOTALL)


def columns_of(table: str, *names: str) -> zip[tuple[Any, ...]]:
    """Some columns of a relation, row by row; no rows where PostgreSQL has none of its own."""
    rows = static().tables.get(table)
    columns = [() if rows is None else rows[name].to_pylist() for name in names]
    return zip(*columns, strict=True)


def type_text(oid: int, modifier: int | None) -> str:
    """A type as format_type spells it.

    >>> type_text(1043, 14), type_text(1700, 196614), type_text(1005, -1)
    ('character varying(10)', 'numeric(3,2)', 'smallint[]')
    """
    text, bare = formats().get(oid, ("???", "???"))
    if modifier is None:
        return text
    found = static().types.get(oid)
    element = found.element if found is not None and found.category == "A" else 0
    head = _MODIFIED.get(element or oid)
    if head is None or modifier < 0:
        return bare
    shown = head.replace("%", _modifier(element or oid, modifier))
    return f"{shown}[]" if element else shown


def _modifier(base: int, modifier: int) -> str:
    if base in _TEXTS:
        return f"({modifier - 4})"
    if base == _NUMERIC:
        scale = (modifier - 4) & 2047
        return f"({((modifier - 4) >> 16) & 65535},{scale - 2048 if scale > 1023 else scale})"
    if base == _INTERVAL:
        fields, digits = interval_fields(modifier)
        return f"{f' {fields}' if fields else ''}{'' if digits is None else f'({digits})'}"
    return f"({modifier})"


@cache
def formats() -> dict[int, tuple[str, str]]:
    """Type -> what format_type says of it without a modifier, and with -1."""
    return {o: (t, b) for o, t, b in columns_of("text.format_type", "oid", "text", "bare")}


@cache
def schemas_of(table: str) -> dict[int, str]:
    """Object -> its schema's name."""
    column = "typnamespace" if table == "pg_type" else "pronamespace"
    names = dict(columns_of("pg_catalog.pg_namespace", "oid", "nspname"))
    return {oid: names[of] for oid, of in columns_of(f"pg_catalog.{table}", "oid", column)}


@cache
def recorded(name: str) -> dict[int, tuple[Any, ...]]:
    """Object -> its text, then the pretty one; of an index its columns' too."""
    columns = ("text", "pretty") if name == "constraintdef" else ("text", "pretty", "columns")
    return {oid: tuple(rest) for oid, *rest in columns_of(f"text.{name}", "oid", *columns)}


@cache
def recorded_functions() -> dict[int, dict[str, str | None]]:
    """Function -> what of it -> its text."""
    rows = columns_of("text.functiondef", "oid", *_OF_FUNCTIONS)
    found = {oid: dict(zip(_OF_FUNCTIONS, rest, strict=True)) for oid, *rest in rows}
    for texts in found.values():
        body = _SQL_BODY.search(texts["definition"] or "")
        texts["body"] = body[1] if body is not None else None
    return found


@cache
def index_keys() -> dict[int, list[int]]:
    """Index -> numbers of its columns."""
    return dict(columns_of("pg_catalog.pg_index", "indexrelid", "indkey"))


@cache
def view_texts() -> dict[int, tuple[str, str]]:
    """View -> its query, as it is and pretty."""
    pretty = dict(columns_of("text.viewdef", "oid", "pretty"))
    texts = {static().oids[name]: text for name, text in static().views.items()}
    return {oid: (text, pretty[oid]) for oid, text in texts.items()}


@cache
def relkinds() -> dict[int, str]:
    """Relation -> pg_class.relkind."""
    return dict(columns_of("pg_catalog.pg_class", "oid", "relkind"))


@cache
def relations_with_long_values() -> frozenset[int]:
    """Relations whose values may need a TOAST table."""
    rows = columns_of("pg_catalog.pg_attribute", "attrelid", "attnum", "attstorage")
    return frozenset(oid for oid, number, how in rows if number > 0 and how != "p")


@cache
def recorded_descriptions() -> dict[tuple[int, int, int], str]:
    """(object, its catalogue, column number) -> comment."""
    found = {
        (oid, of, 0): text
        for oid, of, text in columns_of(
            "pg_catalog.pg_shdescription", "objoid", "classoid", "description"
        )
    }
    names = "objoid", "classoid", "objsubid", "description"
    rows = columns_of("pg_catalog.pg_description", *names)
    return found | {(oid, of, column): text for oid, of, column, text in rows}
