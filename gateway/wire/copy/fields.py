"""Columns of COPY's binary fields -> Arrow values, as the types' receive functions read them.

Fields lie anywhere in a block: those of one width are gathered and read at once, the others are
cut out one by one. Bytes that are no value are read again by `decode`, which words the error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.text_columns import Unread, holds, wide_decimal
from gateway.types import TEXTS, Type
from gateway.wire.decoding import decode_value
from gateway.wire.encoding.binary import EPOCH_DAYS, EPOCH_MICROS
from gateway.wire.encoding.columns import (
    binary_array,
)

Octets = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

# The types whose fields have one width -> numpy's name of their bytes.
WIRE = {
    "bool": "u1",
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "float8": ">f8",
    "date": ">i4",
    "time": ">i8",
    "timestamp": ">i8",
    "timestamptz": ">i8",
}

# Between these no moment is out of anybody's range; others are read one by one.
_DAYS = (-700_000, 2**30)
_MICROS = (-60_000_000_000_000_000, 2**62)
_DAY_MICROS = 86_400_000_000


def gathered(octets: Octets, starts: Ints, wire: str) -> npt.NDArray[Any]:
    """The values of numpy type `wire` that begin at `starts`, as native ones."""
    dtype = np.dtype(wire)
    matrix = octets[starts[:, None] + np.arange(dtype.itemsize)]
    values: npt.NDArray[Any] = matrix.view(dtype)[:, 0]
    return values.astype(dtype.newbyteorder("="))


def read_fields(
    data: bytes, starts: Ints, lengths: Ints, kind: Type, notation: Notation
) -> pa.Array:
    """Values of `kind` for the fields at `starts`, NULL where the length is -1.

    Raises:
        GatewayError: 22P03, 08P01, 22021, 22008, ...: some field is no value of the type.
    """
    read = _READ.get(kind.name)
    try:
        if kind.name in WIRE:
            return _fixed(data, starts, lengths, kind)
        if read is not None and (notation.foreign is None or kind.name not in TEXTS):
            return read(_cut_out(data, starts, lengths))
    except (Unread, pa.ArrowInvalid):
        pass  # the words for it come from reading them one by one
    return _each(_pieces(data, starts, lengths), kind, notation)


# Above this the places of all bytes take more memory than cutting them out takes time.
_MANY_BYTES = 2**22


def _cut_out(data: bytes, starts: Ints, lengths: Ints) -> pa.Array:
    """The fields as an Arrow binary array."""
    sizes = np.maximum(lengths, 0)
    total = int(sizes.sum())
    if total > _MANY_BYTES:
        return pa.array(_pieces(data, starts, lengths), pa.binary())
    before = np.cumsum(sizes) - sizes
    places = np.arange(total) + np.repeat(starts - before, sizes)
    valid = None if (lengths >= 0).all() else lengths >= 0
    return binary_array(np.frombuffer(data, np.uint8)[places], sizes, valid)


def _pieces(data: bytes, starts: Ints, lengths: Ints) -> list[bytes | None]:
    return [
        None if size < 0 else data[start : start + size]
        for start, size in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]


def _each(pieces: list[bytes | None], kind: Type, notation: Notation) -> pa.Array:
    values = [None if p is None else decode_value(p, kind, 1, notation) for p in pieces]
    if kind.name == "numeric":
        texts = [None if value is None else str(value) for value in values]
        return wide_decimal(pa.array(texts, pa.string()))
    return pa.array(values, kind.arrow)


def _fixed(data: bytes, starts: Ints, lengths: Ints, kind: Type) -> pa.Array:
    wire = WIRE[kind.name]
    there = lengths >= 0
    if (lengths[there] != np.dtype(wire).itemsize).any():
        raise Unread
    values = gathered(np.frombuffer(data, np.uint8), starts[there], wire)
    if kind.name in _MOVED:
        values = _MOVED[kind.name](values)
    elif kind.name == "bool":
        values = values != 0
    if there.all():
        return _typed(values, kind)
    whole = np.zeros(len(there), values.dtype)
    whole[there] = values
    return _typed(whole, kind, ~there)


def _typed(
    values: npt.NDArray[Any], kind: Type, mask: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    array = pa.array(values, mask=mask)
    return array if array.type == kind.arrow else array.cast(kind.arrow)


def _day(days: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return _since_1970(days, EPOCH_DAYS, _DAYS, (DATE_INFINITY, DATE_MINUS_INFINITY))


def _moment(micros: npt.NDArray[Any]) -> npt.NDArray[Any]:
    ends = (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY)
    return _since_1970(micros, EPOCH_MICROS, _MICROS, ends)


def _since_1970(
    counts: npt.NDArray[Any], epoch: int, safe: tuple[int, int], infinities: tuple[int, int]
) -> npt.NDArray[Any]:
    infinite = (counts == infinities[0]) | (counts == infinities[1])
    if (((counts < safe[0]) | (counts > safe[1])) & ~infinite).any():
        raise Unread
    return np.where(infinite, counts, counts + counts.dtype.type(epoch))


def _clock(micros: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if ((micros < 0) | (micros >= _DAY_MICROS)).any():
        raise Unread
    return micros


_MOVED = {"date": _day, "timestamp": _moment, "timestamptz": _moment, "time": _clock}


def _text(fields: pa.Array) -> pa.Array:
    texts = fields.cast(pa.string())
    if holds(texts, b"\0"):
        raise Unread
    return texts


def _uuid(fields: pa.Array) -> pa.Array:
    if not pc.all(pc.equal(pc.binary_length(fields), 16), min_count=0).as_py():
        raise Unread
    digits = [None if piece is None else piece.hex() for piece in fields.to_pylist()]
    return pa.array(
        [d and f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}" for d in digits], pa.string()
    )


def _bytea(fields: pa.Array) -> pa.Array:
    return fields


_READ: dict[str, Callable[[pa.Array], pa.Array]] = {
    "text": _text,
    "varchar": _text,
    "bpchar": _text,
    "name": _text,
    "uuid": _uuid,
    "bytea": _bytea,
}
