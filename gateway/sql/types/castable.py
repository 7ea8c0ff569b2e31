"""Which type is cast to which: PostgreSQL 15's pg_cast, a row per type.

The engine casts much that PostgreSQL refuses: a bigint to a boolean, an integer to a date. What is
not in pg_cast is cast through text alone: any type to a text and back. A type without a row here
(oids, records) is not judged.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import CannotCoerce
from gateway.sql.names.scope import place_of
from gateway.sql.types.inference import Types, is_untyped
from gateway.sql.types.numerals import is_pointed
from gateway.types import NUMERIC, Type

_TEXTS = frozenset({"text", "varchar", "bpchar", "char", "name", "unknown"})
_NUMBERS = "int2 int4 int8 float4 float8 numeric"
_CASTS: dict[str, frozenset[str]] = {
    name: frozenset(targets.split())
    for name, targets in {
        "bool":        "int4",
        "int2":        _NUMBERS,
        "int4":        f"{_NUMBERS} bool",
        "int8":        _NUMBERS,
        "float4":      _NUMBERS,
        "float8":      _NUMBERS,
        "numeric":     _NUMBERS,
        "date":        "timestamp timestamptz",
        "time":        "interval",
        "timestamp":   "date time timestamptz",
        "timestamptz": "date time timestamp",
        "interval":    "time",
        "json":        "jsonb",
        "jsonb":       f"json bool {_NUMBERS}",
        "uuid":        "",
        "bytea":       "",
    }.items()
}  # fmt: skip


def check_cast(node: exp.Expr, known: Types) -> None:
    """Refuse a cast that PostgreSQL has not.

    Raises:
        CannotCoerce: 42846.
    """
    value = node.this.unnest()
    if is_untyped(value) or isinstance(value, exp.Parameter):
        return
    kind, target = known.of(node.this), known.of(node)
    if kind is None or target is None or _may_cast(kind, target):
        return
    shown = NUMERIC if is_pointed(value) else kind
    raise CannotCoerce(f"cannot cast type {shown.sql} to {target.sql}", position=place_of(node))


def _may_cast(kind: Type, target: Type) -> bool:
    if kind is target or {kind.name, target.name} & _TEXTS:
        return True
    if kind.is_enum or target.is_enum:  # an enum is cast through text alone
        return False
    if kind.element is not None and target.element is not None:
        return _may_cast(kind.element, target.element)
    if kind.element is not None or target.element is not None:
        # One of them is an array: of the other it is only known whether it is a value.
        return (target if kind.element is not None else kind).name not in _CASTS
    if kind.name not in _CASTS or target.name not in _CASTS:
        return True
    return target.name in _CASTS[kind.name]
