"""One row per type a column may have: PostgreSQL's name, DuckDB's, and what its modifier means.

Arrow types come from `gateway.types`; only numeric's depends on the column, because Arrow and
DuckDB decimals carry their precision and scale.
"""

from __future__ import annotations

import pyarrow as pa

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.precision import interval_fields
from gateway.sql.types.modifiers import modifier_digits
from gateway.types import ENUM, Type, dimensions

# PostgreSQL type -> DuckDB type. A type without a row is refused at CREATE TABLE. Text kinds are
# VARCHAR throughout: their lengths are checked before a value gets there.
STORED = {
    "bool": "BOOLEAN",
    "bytea": "BLOB",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "numeric": "DECIMAL({precision},{scale})",
    "text": "VARCHAR",
    "varchar": "VARCHAR",
    "bpchar": "VARCHAR",
    "name": "VARCHAR",
    "char": "VARCHAR",
    "oid": "UINTEGER",
    "uuid": "VARCHAR",
    "inet": "VARCHAR",
    ENUM: "VARCHAR",
    "json": "VARCHAR",
    "jsonb": "VARCHAR",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "interval": "INTERVAL",
}

# Arrow types whose values DuckDB and Python tell each other as they are.
TOLD_AS_THEY_ARE = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_decimal128,
)

# DuckDB's and Arrow's 128-bit decimals end here; PostgreSQL's go on to 1000 digits.
MOST_DIGITS = 38

# numeric without a precision: PostgreSQL keeps any digits, a fixed-point column must choose.
# These are the ones of `gateway.types`: 28 digits before the point, 10 after.
FREE_PRECISION, FREE_SCALE = 38, 10

# PostgreSQL's VARHDRSZ, added to the lengths in a type modifier.
_HEADER = 4


def numeric_digits(typmod: int) -> tuple[int, int]:
    """Precision and scale of a numeric column with this modifier.

    Raises:
        FeatureNotSupported: 0A000, more digits than a 128-bit decimal has, or a scale outside it.

    >>> numeric_digits(-1), numeric_digits(((5 << 16) | 2) + 4)
    ((38, 10), (5, 2))
    """
    if typmod < 0:
        return FREE_PRECISION, FREE_SCALE
    precision, scale = modifier_digits(typmod)
    if precision > MOST_DIGITS:
        raise FeatureNotSupported(
            f"numeric precision {precision} is more than the {MOST_DIGITS} digits kept here",
            hint=f"Declare numeric({MOST_DIGITS}, s) or fewer digits, or double precision.",
        )
    if not 0 <= scale <= precision:
        raise FeatureNotSupported(f"numeric scale {scale} must be between 0 and {precision}")
    return precision, scale


def text_length(typmod: int) -> int | None:
    """Most characters of a varchar or char column with this modifier; None: any number.

    >>> text_length(7), text_length(-1)
    (3, None)
    """
    return None if typmod < 0 else typmod - _HEADER


def arrow_type(type: Type, typmod: int) -> pa.DataType:
    """The Arrow type of a column of this type and modifier.

    Raises:
        FeatureNotSupported: 0A000, a modifier that cannot be kept.
    """
    if type.element is not None:
        inside = arrow_type(type.element, typmod)
        for _ in range(dimensions(type)):
            inside = pa.list_(inside)
        return inside
    if type.name == "numeric":
        return pa.decimal128(*numeric_digits(typmod))
    return type.arrow


def storage_type(type: Type, typmod: int) -> str:
    """DuckDB's spelling of a column type that `arrow_type` accepts."""
    if type.element is not None:
        return storage_type(type.element, typmod) + "[]" * dimensions(type)
    precision, scale = numeric_digits(typmod) if type.name == "numeric" else (0, 0)
    return STORED[type.name].format(precision=precision, scale=scale)


def spelt(type: Type, typmod: int) -> str:
    """The type as PostgreSQL's format_type spells it in messages.

    >>> from gateway.types import by_name
    >>> spelt(by_name("varchar"), 7), spelt(by_name("timestamptz"), 3)
    ('character varying(3)', 'timestamp(3) with time zone')
    """
    if type.element is not None:
        return spelt(type.element, typmod) + "[]"
    if typmod < 0:
        return type.sql
    if type.name == "numeric":
        precision, scale = numeric_digits(typmod)
        return f"numeric({precision},{scale})"
    if type.name in ("varchar", "bpchar"):
        return f"{type.sql}({text_length(typmod)})"
    if type.name == "interval":
        fields, digits = interval_fields(typmod)
        return f"interval{f' {fields}' if fields else ''}{'' if digits is None else f'({digits})'}"
    head, _, tail = type.sql.partition(" ")
    return f"{head}({typmod}) {tail}".rstrip()
