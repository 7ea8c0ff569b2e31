"""Casts to text, for the engine: what a client sees of a value as text is what `::text` gives.

The engine writes floats, moments, intervals and arrays in a notation of its own. Each row of
`TEXT_CASTS` is a function that `sql.meaning.overloads` calls instead; it is the wire's own encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from gateway.sql.meaning.overloads import WRITTEN
from gateway.types import Type, array_of
from gateway.types import by_name as type_named
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.columns import normal_column
from gateway.wire.encoding.values import TEXT_FORMAT, encode_column

# Name, types of the arguments, type of the result, and what computes whole columns.
Cast = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]


def _texts(kind: Type, array: pa.Array, zones: pa.Array | None = None) -> pa.Array:
    zone = zones[0].as_py() if zones is not None and len(zones) else "UTC"
    return as_array(encode_column(normal_column(array, kind), kind, TEXT_FORMAT, zone)).cast(
        pa.string()
    )


def _rows() -> list[Cast]:
    rows: list[Cast] = []
    for name, function in WRITTEN.items():
        kind = array_of(type_named(name[1:])) if name.startswith("_") else type_named(name)
        zoned = [pa.string()] if name.endswith("timestamptz") else []
        rows.append((function, [kind.arrow, *zoned], pa.string(), partial(_texts, kind)))
    return rows


TEXT_CASTS = _rows()
