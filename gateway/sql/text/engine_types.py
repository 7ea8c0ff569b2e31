"""Types in the engine's spelling: PostgreSQL's that it has, the others refused by name."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sql.text.datatypes import own_type
from gateway.types import no_type

DType = exp.DType

# The types the engine casts to, in its spelling. A missing row: the type is refused by name.
# PostgreSQL counts time in microseconds, DataFusion by default in nanoseconds (and then knows no
# year before 1677): the scale is always written.
ENGINE_TYPES = {
    DType.BOOLEAN: "BOOLEAN",
    DType.SMALLINT: "SMALLINT",
    DType.INT: "INTEGER",
    DType.BIGINT: "BIGINT",
    DType.FLOAT: "REAL",
    DType.DOUBLE: "DOUBLE PRECISION",
    DType.DECIMAL: "DECIMAL(38, 10)",
    DType.TEXT: "VARCHAR",
    DType.VARCHAR: "VARCHAR",
    DType.CHAR: "VARCHAR",
    DType.NCHAR: "VARCHAR",
    DType.BPCHAR: "VARCHAR",
    DType.NAME: "VARCHAR",
    DType.UUID: "VARCHAR",
    DType.INET: "VARCHAR",
    DType.JSON: "VARCHAR",
    DType.JSONB: "VARCHAR",
    DType.VARBINARY: "BYTEA",
    DType.BINARY: "BYTEA",
    DType.DATE: "DATE",
    DType.TIME: "TIME",
    DType.TIMESTAMP: "TIMESTAMP(6)",
    DType.TIMESTAMPTZ: "TIMESTAMP(6) WITH TIME ZONE",
    DType.INTERVAL: "INTERVAL",
}


def engine_type(kind: exp.DataType) -> str:
    """The engine's spelling of a type.

    Raises:
        UndefinedObject: 42704, no such type here.
        FeatureNotSupported: 0A000, a numeric of more than 38 digits.
    """
    if kind.this == DType.ARRAY and kind.expressions:
        return f"{engine_type(kind.expressions[0])}[]"
    if own_type(kind) is not None:
        return "VARCHAR"
    spelling = ENGINE_TYPES.get(kind.this)
    if spelling is None:
        name = kind.args.get("kind") or kind.sql("postgres").lower()
        raise no_type(getattr(name, "name", name))
    if kind.this == DType.DECIMAL and kind.expressions:
        precision, scale = ([int(part.name) for part in kind.expressions] + [0])[:2]
        if not 1 <= precision <= 1000:
            raise InvalidParameterValue(f"NUMERIC precision {precision} must be between 1 and 1000")
        if precision > 38:
            raise FeatureNotSupported(
                f"numeric({precision}, {scale}) is not supported",
                hint="A numeric holds at most 38 digits here.",
            )
        return f"DECIMAL({precision}, {scale})"
    timed = kind.this in (DType.TIMESTAMP, DType.TIMESTAMPTZ, DType.TIME)
    if timed and kind.expressions and kind.expressions[0].name != "6":
        raise FeatureNotSupported(
            f"{kind.sql('postgres').lower()} is not supported",
            hint="Times are kept in microseconds; round them with date_trunc().",
        )
    return spelling
