"""How the catalogue holds a value of each PostgreSQL type: its Arrow and its DuckDB type.

Numbers of objects (oid, the reg types, xid) are BIGINT, so that they compare with any integer;
int2vector and oidvector are lists; every type without a row here is its text.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Storage:
    """One way to hold values."""

    duckdb: str
    arrow: pa.DataType

    @property
    def list(self) -> Storage:
        """A list of such values."""
        return Storage(f"{self.duckdb}[]", pa.list_(self.arrow))


TEXT = Storage("VARCHAR", pa.string())
INT2 = Storage("SMALLINT", pa.int16())
INT8 = Storage("BIGINT", pa.int64())

# xid, cid, oid and the reg types; each has its oid as value.
NUMBERED = frozenset({26, 28, 29, 24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191})
INT2VECTOR, OIDVECTOR, XID = 22, 30, 28

_PLAIN = {
    16: Storage("BOOLEAN", pa.bool_()),
    17: Storage("BLOB", pa.binary()),
    20: INT8,
    21: INT2,
    23: Storage("INTEGER", pa.int32()),
    700: Storage("FLOAT", pa.float32()),
    701: Storage("DOUBLE", pa.float64()),
    1082: Storage("DATE", pa.date32()),
    1083: Storage("TIME", pa.time64("us")),
    1114: Storage("TIMESTAMP", pa.timestamp("us")),
    1184: Storage("TIMESTAMPTZ", pa.timestamp("us", "UTC")),
    1186: Storage("INTERVAL", pa.month_day_nano_interval()),
    1700: Storage("DECIMAL(38,10)", pa.decimal128(38, 10)),
    INT2VECTOR: INT2.list,
    OIDVECTOR: INT8.list,
}


def storage(oid: int, element: int = 0) -> Storage:
    """How values of type `oid` are held.

    Args:
        oid: The type; of a domain, its base type.
        element: Of an array type, the type of its elements.

    >>> storage(26).duckdb, storage(1028, 26).duckdb, storage(19).duckdb
    ('BIGINT', 'BIGINT[]', 'VARCHAR')
    """
    if element and oid not in _PLAIN and oid not in _FIXED:
        return storage(element).list
    if oid in NUMBERED:
        return INT8
    return _PLAIN.get(oid, TEXT)


# name, point and box have elements (typelem) and are no arrays.
_FIXED = frozenset({19, 600, 601, 603, 604, 628})
