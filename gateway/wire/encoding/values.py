"""Arrow columns as whole DataRow messages, a column at a time and one join for all rows.

A row is a list of pieces. Neighbouring columns of fixed width form one numpy matrix of
big-endian bytes; a column of variable width is an Arrow binary array. Arrow's element-wise join
of all pieces has exactly the wire's bytes in its data buffer, made in C++ without the GIL. What
each type's fields look like is left to `encode_text`, `encode_binary` and `encode_array`; what
bytes of a client mean, to `decode`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.session.result import Field
from gateway.sql.inputs.encodings import Encoding
from gateway.sql.inputs.notation import PLAIN, Notation
from gateway.types import NUMERIC, TEXTS, Type
from gateway.wire.encoding.arrays import array_binaries, array_texts, as_array
from gateway.wire.encoding.binary import binary_column
from gateway.wire.encoding.columns import Encoded, Fixed, normal_column
from gateway.wire.encoding.few_rows import Fields, few_converter, few_rows
from gateway.wire.encoding.text import text_column

TEXT_FORMAT, BINARY_FORMAT = 0, 1

# Below this many rows plain Python beats the 130-440 us that a vectorised batch costs whatever
# its size (tests/bench/wire/encoder.py).
FEW_ROWS = 40

# Offsets of an Arrow binary array are 32 bits wide; half of it leaves room for the lengths.
_MOST_BYTES = 2**30

Bytes = bytes | memoryview


def encode_rows(
    batch: pa.RecordBatch,
    fields: Sequence[Field],
    formats: Sequence[int],
    notation: Notation = PLAIN,
    kind: bytes = b"D",
) -> Bytes:
    """The batch as DataRow messages, one after another.

    Args:
        batch: Rows; columns in the order of `fields`, whatever their names.
        fields: Type of each column.
        formats: 0 for text or 1 for binary, for each column.
        notation: How moments and intervals are written as text.
        kind: The messages' type; CopyData of binary rows are laid out the same.

    Raises:
        NumericValueOutOfRange: 22003, a value that its field's type cannot hold.
        FeatureNotSupported: 0A000, a value that has no form in PostgreSQL.

    >>> from gateway.types import INT4
    >>> batch = pa.record_batch({"n": pa.array([7, None])})
    >>> bytes(encode_rows(batch, [Field("n", INT4)], [0])).hex(" ")
    '44 00 00 00 0b 00 01 00 00 00 01 37 44 00 00 00 0a 00 01 ff ff ff ff'
    """
    return RowEncoder(fields, formats, notation, kind).encode(batch)


class RowEncoder:
    """Turns batches of the same columns into DataRow messages; see `encode_rows`."""

    def __init__(
        self,
        fields: Sequence[Field],
        formats: Sequence[int],
        notation: Notation = PLAIN,
        kind: bytes = b"D",
    ) -> None:
        self._columns = [(sent_type(f), form) for f, form in zip(fields, formats, strict=True)]
        self._notation, self._kind = notation, kind
        few = [few_converter(of, form, notation) for of, form in self._columns]
        self._few = [convert for convert in few if convert is not None]
        self._all_few = len(self._few) == len(few) > 0

    def encode(self, batch: pa.RecordBatch) -> Bytes:
        """The batch as messages, one after another."""
        rows: int = batch.num_rows
        if not rows:
            return b""
        if rows > FEW_ROWS:
            return self._many(batch)
        if not self._columns:
            return rows * (self._kind + b"\x00\x00\x00\x06\x00\x00")
        columns: Iterable[Fields] | None = self._plain(batch) if self._all_few else None
        return few_rows(columns or self._encoded(batch), self._kind)

    def _plain(self, batch: pa.RecordBatch) -> list[Fields] | None:
        """The fields of each column; None where one has to be made normal first."""
        found = []
        for convert, column in zip(self._few, batch.columns, strict=True):
            fields = convert(column)
            if fields is None:
                return None
            found.append(fields)
        return found

    def _encoded(self, batch: pa.RecordBatch) -> Iterator[Fields]:
        for column, (of, form) in zip(batch.columns, self._columns, strict=True):
            normal = normal_column(column, of)
            convert = few_converter(of, form, self._notation)
            fields = None if convert is None else convert(normal)
            if fields is None:
                fields = as_array(encode_column(normal, of, form, self._notation)).to_pylist()
            yield fields

    def _many(self, batch: pa.RecordBatch) -> Bytes:
        rows = batch.num_rows
        encoded = [
            encode_column(normal_column(column, of), of, form, self._notation)
            for column, (of, form) in zip(batch.columns, self._columns, strict=True)
        ]
        lengths = [field_lengths(column) for column in encoded]
        totals = np.full(rows, 6, np.int64)
        for length in lengths:
            totals += np.maximum(length, 0) + 4
        if rows > 1 and totals.sum() > _MOST_BYTES:
            halves = batch.slice(0, rows // 2), batch.slice(rows // 2)
            return b"".join(self._many(half) for half in halves)
        return _join_rows(encoded, lengths, totals, self._kind)


def sent_type(field: Field) -> Type:
    """A field's type, a numeric's with the digits that are shown.

    A numeric of as many digits as one without any has them in another form, so that the zeros at
    the end of its values are sent.
    """
    if field.shown is not None:
        return replace(NUMERIC, arrow=pa.decimal128(38, field.shown))
    told = field.type is NUMERIC and field.typmod >= 0
    return _SCALED if told else field.type


# Of all its values as many digits are shown as the column has.
_SCALED = replace(NUMERIC, arrow=pa.decimal256(75, NUMERIC.arrow.scale))


def encode_column(array: pa.Array, kind: Type, form: int, notation: Notation = PLAIN) -> Encoded:
    """The fields of a normal column, without their lengths."""
    foreign = notation.foreign
    if foreign is not None and not (form == BINARY_FORMAT and kind.element is not None):
        encoded = encode_column(array, kind, form, notation._replace(encoding="UTF8"))
        return recoded(encoded, foreign) if is_text(kind, form) else encoded
    if kind.element is not None:
        innermost = array
        while pa.types.is_list(innermost.type):
            innermost = innermost.values
        elements = as_array(encode_column(innermost, kind.element, form, notation))
        encode = array_binaries if form == BINARY_FORMAT else array_texts
        return encode(array, elements, kind.element)
    if form == BINARY_FORMAT:
        return binary_column(array, kind)
    return text_column(array, kind, notation)


def is_text(kind: Type, form: int) -> bool:
    """Whether a field is text in the client's encoding."""
    return form == TEXT_FORMAT or kind.name in TEXTS


def recoded(column: Encoded, encoding: Encoding) -> Encoded:
    """Fields of UTF8 in another encoding."""
    if isinstance(column, Fixed):
        return column  # numbers and moments
    whole = b"".join(bytes(buffer) for buffer in column.buffers()[2:] if buffer is not None)
    if whole.isascii():
        return column
    fields = [None if field is None else encoding.recode(field) for field in column.to_pylist()]
    return pa.array(fields, pa.binary())


def field_lengths(column: Encoded) -> npt.NDArray[Any]:
    """Field length of each row, -1 for NULL."""
    if not isinstance(column, Fixed):
        lengths = pc.binary_length(column)
        if column.null_count:
            lengths = pc.fill_null(lengths, -1)
        return np.asarray(lengths.to_numpy(zero_copy_only=False))
    width = np.dtype(column.wire).itemsize
    if column.valid is None:
        return np.full(len(column.values), width, np.int64)
    return np.where(column.valid, width, -1)


def _join_rows(
    columns: list[Encoded],
    lengths: list[npt.NDArray[Any]],
    totals: npt.NDArray[Any],
    kind: bytes,
) -> Bytes:
    pieces: list[pa.Array] = []
    # The fixed-width parts since the last variable one, as (wire type, values).
    block: list[tuple[str, Any]] = [("S1", kind), (">u4", totals), (">u2", len(columns))]
    for column, length in zip(columns, lengths, strict=True):
        block.append((">i4", length))
        if isinstance(column, Fixed) and column.valid is None:
            block.append((column.wire, column.values))
            continue
        pieces += [block_array(block, len(totals)), as_array(column)]
        block = []
    if not pieces:
        return block_rows(block, len(totals)).data.cast("B")
    if block:
        pieces.append(block_array(block, len(totals)))
    joined = pc.binary_join_element_wise(
        *pieces, b"", null_handling="replace", null_replacement=b""
    )
    end = int(totals.sum()) + len(totals)
    return memoryview(joined.buffers()[2])[:end]


def block_rows(block: Sequence[tuple[str, Any]], rows: int) -> npt.NDArray[Any]:
    """Rows of parts of fixed width, each given as its numpy type and its values."""
    dtype = np.dtype([(f"f{n}", wire) for n, (wire, _) in enumerate(block)])
    matrix = np.empty(rows, dtype)
    for n, (_, values) in enumerate(block):
        matrix[f"f{n}"] = values
    return matrix


def block_array(block: Sequence[tuple[str, Any]], rows: int) -> pa.Array:
    """The same as an Arrow binary array."""
    matrix = block_rows(block, rows)
    width = matrix.dtype.itemsize
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(matrix.view(f"V{width}"))]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)
