"""One row per PostgreSQL type this server sends or receives.

Origin: PostgreSQL 15, src/include/catalog/pg_type.dat (oid, array oid, typlen) and
src/backend/utils/adt/format_type.c (the SQL spelling). Arrow types are the ones the engine
computes with. A type without a row is refused by name; there is no fallback to text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import pyarrow as pa

from gateway.errors import FeatureNotSupported, UndefinedObject


@dataclass(frozen=True, slots=True)
class Type:
    """A type as PostgreSQL names it and as Arrow holds it.

    `size` is pg_type.typlen: bytes, or -1 for variable length. `element` is set on arrays only.
    `labels` are those of an enum, in their order: its values are held as these texts.
    """

    name: str
    sql: str
    oid: int
    array_oid: int
    size: int
    arrow: pa.DataType
    element: Type | None = None
    labels: tuple[str, ...] = ()

    @property
    def is_enum(self) -> bool:
        """Whether it is an enum, which may have no labels."""
        return self.name == ENUM

    def __deepcopy__(self, memo: object) -> Type:
        """Itself: a copy of a tree tells the same types, which are compared by identity."""
        return self


_DAYS_AND_NANOS = pa.month_day_nano_interval()
# A value of a reg type is an oid that is written as the name of its object.
_REGISTERED = pa.struct([("oid", pa.uint32()), ("text", pa.string())])

#    name           SQL spelling                   oid   array  size  Arrow
TYPES = (
    Type("bool",        "boolean",                      16, 1000,  1, pa.bool_()),
    Type("bytea",       "bytea",                        17, 1001, -1, pa.binary()),
    Type("char",        '"char"',                       18, 1002,  1, pa.string()),
    Type("name",        "name",                         19, 1003, 64, pa.string()),
    Type("int8",        "bigint",                       20, 1016,  8, pa.int64()),
    Type("int2",        "smallint",                     21, 1005,  2, pa.int16()),
    Type("int4",        "integer",                      23, 1007,  4, pa.int32()),
    Type("int2vector",  "int2vector",                   22, 1006, -1, pa.list_(pa.int16())),
    Type("regproc",     "regproc",                      24, 1008,  4, _REGISTERED),
    Type("text",        "text",                         25, 1009, -1, pa.string()),
    Type("oid",         "oid",                          26, 1028,  4, pa.uint32()),
    Type("tid",         "tid",                          27, 1010,  6, pa.string()),
    Type("xid",         "xid",                          28, 1011,  4, pa.uint32()),
    Type("cid",         "cid",                          29, 1012,  4, pa.uint32()),
    Type("oidvector",   "oidvector",                    30, 1013, -1, pa.list_(pa.uint32())),
    Type("json",        "json",                        114,  199, -1, pa.string()),
    Type("pg_node_tree", "pg_node_tree",               194,    0, -1, pa.string()),
    Type("float4",      "real",                        700, 1021,  4, pa.float32()),
    Type("float8",      "double precision",            701, 1022,  8, pa.float64()),
    Type("unknown",     "unknown",                     705,    0, -2, pa.string()),
    Type("inet",        "inet",                        869, 1041, -1, pa.string()),
    Type("aclitem",     "aclitem",                    1033, 1034, 12, pa.string()),
    Type("bpchar",      "character",                  1042, 1014, -1, pa.string()),
    Type("varchar",     "character varying",          1043, 1015, -1, pa.string()),
    Type("date",        "date",                       1082, 1182,  4, pa.date32()),
    Type("time",        "time without time zone",     1083, 1183,  8, pa.time64("us")),
    Type("timestamp",   "timestamp without time zone", 1114, 1115,  8, pa.timestamp("us")),
    Type("timestamptz", "timestamp with time zone",   1184, 1185,  8, pa.timestamp("us", "UTC")),
    Type("interval",    "interval",                   1186, 1187, 16, _DAYS_AND_NANOS),
    Type("numeric",     "numeric",                    1700, 1231, -1, pa.decimal128(38, 10)),
    Type("regprocedure", "regprocedure",              2202, 2207,  4, _REGISTERED),
    Type("regoper",     "regoper",                    2203, 2208,  4, _REGISTERED),
    Type("regoperator", "regoperator",                2204, 2209,  4, _REGISTERED),
    Type("regclass",    "regclass",                   2205, 2210,  4, _REGISTERED),
    Type("regtype",     "regtype",                    2206, 2211,  4, _REGISTERED),
    Type("record",      "record",                     2249, 2287, -1, pa.string()),
    Type("anyarray",    "anyarray",                   2277,    0, -1, pa.string()),
    Type("void",        "void",                       2278,    0,  4, pa.string()),
    Type("uuid",        "uuid",                       2950, 2951, 16, pa.string()),
    Type("pg_lsn",      "pg_lsn",                     3220, 3221,  8, pa.string()),
    Type("regconfig",   "regconfig",                  3734, 3735,  4, _REGISTERED),
    Type("regdictionary", "regdictionary",            3769, 3770,  4, _REGISTERED),
    Type("jsonb",       "jsonb",                      3802, 3807, -1, pa.string()),
    Type("xid8",        "xid8",                       5069,  271,  8, pa.int64()),
    Type("regnamespace", "regnamespace",              4089, 4090,  4, _REGISTERED),
    Type("regrole",     "regrole",                    4096, 4097,  4, _REGISTERED),
    Type("regcollation", "regcollation",              4191, 4192,  4, _REGISTERED),
)  # fmt: skip

# Other spellings that PostgreSQL's grammar accepts (gram.y, SimpleTypename and GenericType).
ALIASES = {
    "boolean": "bool",
    "bigint": "int8",
    "smallint": "int2",
    "int": "int4",
    "integer": "int4",
    "real": "float4",
    "float": "float8",
    "double": "float8",
    "double precision": "float8",
    "decimal": "numeric",
    "character": "bpchar",
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "bytes": "bytea",
}

# What PostgreSQL 15 has besides (manual, chapter 8), refused by name: 0A000.
ABSENT = frozenset(
    {
        "timetz", "time with time zone", "money", "bit", "bit varying", "varbit", "cidr",
        "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle",
        "tsvector", "tsquery", "xml", "jsonpath", "pg_lsn", "pg_snapshot", "txid_snapshot", "xid8",
        "refcursor", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
        "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange",
        "datemultirange",
    }
)  # fmt: skip

BY_NAME = {row.name: row for row in TYPES}
_ARRAYS = {
    row.array_oid: Type(
        f"_{row.name}", f"{row.sql}[]", row.array_oid, 0, -1, pa.list_(row.arrow), row
    )
    for row in TYPES
    if row.array_oid
}
BY_OID = {row.oid: row for row in TYPES} | _ARRAYS

# A numeric of which every row shows its own number of digits: that number is its last two digits.
SHOWN = pa.decimal256(76, 42)

BOOL, BYTEA, INT8, INT4, INT2 = (BY_NAME[n] for n in ("bool", "bytea", "int8", "int4", "int2"))
TEXT, FLOAT4, FLOAT8 = (BY_NAME[n] for n in ("text", "float4", "float8"))
DATE, TIME, INTERVAL = (BY_NAME[n] for n in ("date", "time", "interval"))
TIMESTAMP, TIMESTAMPTZ = BY_NAME["timestamp"], BY_NAME["timestamptz"]
# Of which one becomes another by the clocks of a session.
DATETIMES = (DATE, TIME, TIMESTAMP, TIMESTAMPTZ)


def is_by_settings(kind: Type) -> bool:
    """Whether a session's settings decide what a value of another type becomes as one of this."""
    return kind in DATETIMES or kind.name in STRINGS


NUMERIC, UNKNOWN, INET = BY_NAME["numeric"], BY_NAME["unknown"], BY_NAME["inet"]

REGISTERED = frozenset(row.name for row in TYPES if row.arrow == _REGISTERED)
# Whose binary form is text in the client's encoding.
TEXTS = frozenset({"text", "varchar", "bpchar", "name", "unknown", "json", "jsonb", "enum"})
FLOATING = frozenset({"float4", "float8"})
INTEGER = frozenset({"int2", "int4", "int8"})
NUMBERS = INTEGER | FLOATING | {"numeric"}
# pg_type's category S, and those of it that keep a text as it is.
STRINGS = frozenset({"text", "varchar", "bpchar", "name", "char"})
UNPADDED = frozenset({"text", "varchar"})


def by_name(name: str) -> Type:
    """The type a user spells `name`, in any of PostgreSQL's spellings; `[]` makes the array.

    Raises:
        UndefinedObject: 42704, no such type here.

    >>> by_name("double precision").oid, by_name("INT[]").oid
    (701, 1007)
    """
    spelt = " ".join(name.lower().split())
    if spelt.endswith("[]"):
        inside = by_name(spelt[:-2])
        return with_dimensions(array_of(inside), 1 + dimensions(inside))
    row = BY_NAME.get(ALIASES.get(spelt, spelt))
    if row is None:
        raise no_type(name)
    return row


def no_type(name: str) -> UndefinedObject | FeatureNotSupported:
    """The refusal of a type: PostgreSQL has it (0A000), or nobody (42704)."""
    spelt = " ".join(name.lower().split()).partition("(")[0].strip()
    if spelt in ABSENT or spelt in BY_NAME:
        return FeatureNotSupported(
            f"type {spelt} is not supported", hint="Keep its values as text."
        )
    return UndefinedObject(f'type "{name}" does not exist')


def by_oid(oid: int) -> Type:
    """The type with this oid, arrays included.

    Raises:
        UndefinedObject: 42704, no such type here.
    """
    row = BY_OID.get(oid)
    if row is None:
        raise UndefinedObject(f"type with oid {oid} does not exist")
    return row


def array_of(element: Type) -> Type:
    """The array type over `element`; an array of arrays is the same array in PostgreSQL."""
    if element.element is not None:
        return element
    return _enum_array(element) if element.is_enum else _ARRAYS[element.array_oid]


# The name of every enum type here, whatever its users call it: tables by name have a row for all.
ENUM = "enum"


def enum_type(sql: str, oid: int, array_oid: int, labels: tuple[str, ...]) -> Type:
    """A type of a user's own whose values are these labels, in this order; `sql` is its name."""
    return Type(ENUM, sql, oid, array_oid, 4, pa.string(), None, labels)


@cache
def _enum_array(element: Type) -> Type:
    arrow = pa.list_(element.arrow)
    return Type(f"_{ENUM}", f"{element.sql}[]", element.array_oid, 0, -1, arrow, element)


def with_dimensions(kind: Type, count: int) -> Type:
    """An array type for values of that many dimensions; PostgreSQL has one type for all.

    >>> with_dimensions(by_name("int[]"), 2).arrow == pa.list_(pa.list_(pa.int32()))
    True
    """
    more = count - dimensions(kind)
    arrow = kind.arrow
    for _ in range(more):
        arrow = pa.list_(arrow)
    return kind if more <= 0 else replace(kind, arrow=arrow)


def dimensions(kind: Type) -> int:
    """How many dimensions the type's values have here; 0 for what is no array.

    >>> dimensions(by_name("int[]")), dimensions(by_name("text"))
    (1, 0)
    """
    depth, arrow = 0, kind.arrow
    while kind.element is not None and pa.types.is_list(arrow):
        depth, arrow = depth + 1, arrow.value_type
    return depth


# Arrow type ids without a parameter that matters here -> row. Engine-only widths (uint8, views,
# float16) go to the narrowest PostgreSQL type that holds every value.
_ARROW = {
    "bool": "bool",
    "int8": "int2",
    "uint8": "int2",
    "int16": "int2",
    "uint16": "int4",
    "int32": "int4",
    "uint32": "int8",
    "int64": "int8",
    "uint64": "int8",
    "halffloat": "float4",
    "float": "float4",
    "double": "float8",
    "string": "text",
    "large_string": "text",
    "string_view": "text",
    "binary": "bytea",
    "large_binary": "bytea",
    "binary_view": "bytea",
    "date32[day]": "date",
    "date64[ms]": "date",
    "month_day_nano_interval": "interval",
    "null": "text",
}


@cache
def from_arrow(arrow: pa.DataType) -> Type:
    """The PostgreSQL type in which values of this Arrow type are sent.

    An untyped NULL is text, as in PostgreSQL. uint64 is bigint: the engine makes it only for
    counts and ranks.

    Raises:
        FeatureNotSupported: 0A000, PostgreSQL has no such type (struct, map, union).
    """
    if pa.types.is_dictionary(arrow):
        return from_arrow(arrow.value_type)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return array_of(from_arrow(arrow.value_type))
    if pa.types.is_fixed_size_list(arrow):
        return array_of(from_arrow(arrow.value_type))
    if pa.types.is_timestamp(arrow):
        return TIMESTAMP if arrow.tz is None else TIMESTAMPTZ
    if pa.types.is_time(arrow):
        return TIME
    if pa.types.is_duration(arrow):
        return INTERVAL
    if pa.types.is_decimal(arrow):
        return NUMERIC
    name = _ARROW.get(str(arrow))
    if name is None:
        raise FeatureNotSupported(
            f"a value of type {arrow} cannot be sent to a PostgreSQL client",
            hint="Select one of its parts, or cast it to text.",
        )
    return BY_NAME[name]
