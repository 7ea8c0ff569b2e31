"""Casts to text, for the engine: what a client sees of a value as text is what `::text` gives.

The engine writes floats, moments, intervals and arrays in a notation of its own. Each row of
`TEXT_CASTS` is a function that `sql.lowered.values.written` calls instead; it is the wire's own
encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from gateway.sql.inputs.notation import PLAIN, Notation, from_text
from gateway.sql.lowered.values.written import ITEMS, STYLED, TOLD, WRITTEN
from gateway.sql.types.dimensions import DEEP
from gateway.types import Type, array_of, with_dimensions
from gateway.types import by_name as type_named
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.columns import normal_column
from gateway.wire.encoding.values import TEXT_FORMAT, encode_column

# Name, types of the arguments, type of the result, and what computes whole columns.
Cast = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]


def _texts(kind: Type, array: pa.Array, zones: pa.Array | None = None) -> pa.Array:
    zone = zones[0].as_py() if zones is not None and len(zones) else "UTC"
    return _written(kind, array, Notation(zone))


def _styled(kind: Type, array: pa.Array, notations: pa.Array) -> pa.Array:
    return _written(kind, array, from_text(notations[0].as_py()) if len(notations) else PLAIN)


def _items(kind: Type, lists: pa.Array, notations: pa.Array) -> pa.Array:
    """Each element of arrays as its text by itself."""
    normal = normal_column(lists, array_of(kind))
    texts = _styled(kind, normal.values, notations)
    return pa.ListArray.from_arrays(normal.offsets, texts, mask=normal.is_null())


def _written(kind: Type, array: pa.Array, notation: Notation) -> pa.Array:
    encoded = encode_column(normal_column(array, kind), kind, TEXT_FORMAT, notation)
    return as_array(encoded).cast(pa.string())


def _rows() -> list[Cast]:
    rows: list[Cast] = []
    for name, function in WRITTEN.items():
        kind = array_of(type_named(name[1:])) if name.startswith("_") else type_named(name)
        zoned = [pa.string()] if name.endswith("timestamptz") else []
        rows.append((function, [kind.arrow, *zoned], pa.string(), partial(_texts, kind)))
        if name in STYLED:
            arguments = [kind.arrow, pa.string()]
            rows.append((STYLED[name], arguments, pa.string(), partial(_styled, kind)))
    for (name, depth), function in DEEP.items():
        deep = with_dimensions(array_of(type_named(name[1:])), depth)
        rows.append((function, [deep.arrow], pa.string(), partial(_texts, deep)))
        if function in TOLD:
            arguments = [deep.arrow, pa.string()]
            rows.append((TOLD[function], arguments, pa.string(), partial(_styled, deep)))
    for name, function in ITEMS.items():
        kind = type_named(name)
        arguments = [pa.list_(kind.arrow), pa.string()]
        rows.append((function, arguments, pa.list_(pa.string()), partial(_items, kind)))
    return rows


TEXT_CASTS = _rows()
