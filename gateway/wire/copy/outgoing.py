"""COPY TO: batches as CopyData messages, one for each row, in text, csv or binary.

The fields are those of `values`, a column at a time. Here they are escaped or quoted, whole columns
of bytes at once, and joined into rows as CopyTo of PostgreSQL 15 writes them
(src/backend/commands/copyto.c). A binary row is a DataRow under another letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.session.result import Field
from gateway.sql.inputs.encodings import named
from gateway.sql.inputs.notation import Notation
from gateway.sql.statements.copy_options import CopyOptions
from gateway.sql.statements.copying import ALL
from gateway.types import Type
from gateway.wire.copy.binary import SIGNATURE, TRAILER
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.columns import Encoded, Fixed, as_binary, binary_array, normal_column
from gateway.wire.encoding.text import numbers_of_offsets
from gateway.wire.encoding.values import (
    BINARY_FORMAT,
    TEXT_FORMAT,
    Bytes,
    block_array,
    block_rows,
    encode_column,
    encode_rows,
    field_lengths,
    recoded,
    sent_type,
)
from gateway.wire.protocol import replies

# Offsets of an Arrow array have 32 bits, and escaping may double a column.
_MOST_BYTES = 2**28

# What the text of these types is made of; nothing else can be a delimiter or quote in it.
_PLAIN = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "date", "time",
     "timestamp", "timestamptz", "uuid"}
)  # fmt: skip
_PLAIN_LETTERS = frozenset("0123456789+-./: abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

# copyto.c, CopyAttributeOutText: control characters with a letter of their own.
_LETTERS = {8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r"}


class RowWriter:
    """Writes the rows of one COPY.

    Args:
        fields: The columns.
        options: How to write them.
        notation: How moments and intervals are written as text.
    """

    def __init__(self, fields: Sequence[Field], options: CopyOptions, notation: Notation) -> None:
        self._fields, self._options, self._notation = fields, options, notation
        self.form = BINARY_FORMAT if options.format == "binary" else TEXT_FORMAT
        self._begun = False
        names = [field.name for field in fields]
        forced = options.force_quote
        # Of two columns with one name PostgreSQL takes the first.
        self._forced = set(range(len(names)) if forced == (ALL,) else map(names.index, forced))
        # The encoding of the lines, when it is not the one that they are made in.
        other = named(options.encoding) if options.encoding else notation.foreign
        if self.form == TEXT_FORMAT:
            self._notation = notation._replace(encoding="UTF8")
        self._encoding = None if other is None or other.is_utf8 else other
        self._null = options.null.encode()
        self._delimiter = options.delimiter.encode()
        if options.format == "csv":
            quote, escape = options.quote.encode(), options.escape.encode()
            self._special = quote + self._delimiter + b"\r\n"
            self._quoting = _table(self._special)
            self._escaping = _table(quote + escape)
        elif self.form == TEXT_FORMAT:
            self._special = bytes(_LETTERS) + b"\\" + self._delimiter
            self._escaping = _table(self._special)
            self._letters = np.arange(256, dtype=np.uint8)
            for code, letter in _LETTERS.items():
                self._letters[code] = ord(letter)

    def begin(self) -> bytes:
        """CopyOutResponse, and the header line if one is asked for."""
        response = replies.copy_out_response(self.form, len(self._fields))
        if not self._options.header:
            return response
        columns = [self._written(pa.array([f.name.encode()]), False) for f in self._fields]
        return response + bytes(self._joined(columns, 1))

    def rows(self, batch: pa.RecordBatch) -> Bytes:
        """CopyData messages, one for each row; binary's header is in the first.

        Raises:
            GatewayError: 22003, 0A000, a value that cannot be sent; 22P05, a character that the
                encoding does not have.
        """
        if not batch.num_rows:
            return b""
        if self.form == BINARY_FORMAT:
            return self._binary(batch)
        if batch.nbytes > _MOST_BYTES and batch.num_rows > 1:
            middle = batch.num_rows // 2
            return b"".join(
                self.rows(half) for half in (batch.slice(0, middle), batch.slice(middle))
            )
        columns = [self._column(array, number) for number, array in enumerate(batch.columns)]
        return self._joined(columns, batch.num_rows)

    def end(self) -> bytes:
        """Binary's trailer, and CopyDone."""
        if self.form == TEXT_FORMAT:
            return replies.COPY_DONE
        trailer = TRAILER if self._begun else SIGNATURE + TRAILER
        return replies.copy_data(trailer) + replies.COPY_DONE

    def _binary(self, batch: pa.RecordBatch) -> Bytes:
        formats = [BINARY_FORMAT] * len(self._fields)
        if self._begun:
            return encode_rows(batch, self._fields, formats, self._notation, b"d")
        self._begun = True
        first = bytes(encode_rows(batch.slice(0, 1), self._fields, formats, self._notation, b"d"))
        rest = encode_rows(batch.slice(1), self._fields, formats, self._notation, b"d")
        # ADBC reads the header and the first row from one message.
        return b"".join((replies.copy_data(SIGNATURE + first[5:]), rest))

    def _column(self, array: pa.Array, number: int) -> Encoded:
        field = self._fields[number]
        kind = sent_type(field)
        encoded = encode_column(normal_column(array, kind), kind, TEXT_FORMAT, self._notation)
        forced = number in self._forced
        if not forced and self._stays(field.type):
            return encoded
        return self._written(as_binary(as_array(encoded)), forced)

    def _stays(self, kind: Type) -> bool:
        """Whether no value of the type needs a backslash or quotes."""
        options = self._options
        letters = {options.delimiter, *options.quote, *options.escape}
        plain = kind.name in _PLAIN and not letters & _PLAIN_LETTERS
        return plain and (options.format == "text" or not options.null)

    def _written(self, texts: pa.Array, forced: bool) -> pa.Array:
        if self._options.format == "csv":
            return self._quoted(texts, forced)
        data = _data(texts)
        if not _holds(data, self._special):
            return texts
        return _expanded(texts, self._escaping[data], b"\\", self._letters)

    def _quoted(self, texts: pa.Array, forced: bool) -> pa.Array:
        """Each field in quotes if it has to be."""
        offsets, data = numbers_of_offsets(texts), _data(texts)
        if forced:
            needs = np.ones(len(texts), np.bool_)
        else:
            needs = np.zeros(len(texts), np.bool_)
            if _holds(data, self._special):
                needs = _any_in_each(self._quoting[data], offsets - offsets[0])
            alone = len(self._fields) == 1
            for word in (self._null, b"\\.") if alone else (self._null,):
                same = pc.fill_null(pc.equal(texts, pa.scalar(word, texts.type)), False)
                needs |= np.asarray(same.to_numpy(zero_copy_only=False), np.bool_)
        if not needs.any():
            return texts
        inside = self._escaping[data] & np.repeat(needs, np.diff(offsets))
        expanded = _expanded(texts, inside, self._options.escape.encode())
        quote = pa.scalar(self._options.quote.encode(), texts.type)
        nothing = pa.scalar(b"", texts.type)
        quoted = pc.binary_join_element_wise(quote, expanded, quote, nothing)
        return pc.if_else(pa.array(needs), quoted, expanded)

    def _joined(self, columns: Sequence[Encoded], rows: int) -> Bytes:
        """The fields as whole messages."""
        if self._encoding is not None and columns:
            columns = [self._translated_lines(columns)]
        totals = np.full(rows, 4 + max(len(columns), 1), np.int64)
        pieces: list[pa.Array | bytes] = []
        # The parts of fixed width since the last field that is not, as (numpy type, values).
        block: list[tuple[str, Any]] = [("S1", b"d"), (">u4", totals)]
        for column in columns:
            lengths = field_lengths(column)
            nulls = column.valid is not None if isinstance(column, Fixed) else column.null_count
            totals += np.where(lengths < 0, len(self._null), lengths) if nulls else lengths
        for place, column in enumerate(columns):
            if place:
                block.append(("S1", self._delimiter))
            if isinstance(column, Fixed) and column.valid is None:
                block.append((column.wire, column.values))
                continue
            pieces += [block_array(block, rows) if len(block) > 1 else self._delimiter]
            pieces += [as_array(column)]
            block = []
        block.append(("S1", b"\n"))
        if not pieces:
            return block_rows(block, rows).data.cast("B")
        pieces.append(block_array(block, rows) if len(block) > 1 else b"\n")
        joined = pc.binary_join_element_wise(
            *pieces, b"", null_handling="replace", null_replacement=self._null
        )
        return memoryview(joined.buffers()[2])[: int(totals.sum()) + rows]

    def _translated_lines(self, columns: Sequence[Encoded]) -> Encoded:
        """The fields with delimiters between them, in the encoding that was asked for."""
        lines = pc.binary_join_element_wise(
            *map(as_array, columns),
            self._delimiter,
            null_handling="replace",
            null_replacement=self._null,
        )
        assert self._encoding is not None
        return recoded(lines, self._encoding)


def _table(chosen: bytes) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(chosen)] = True
    return table


def _holds(data: npt.NDArray[np.uint8], chosen: bytes) -> bool:
    """Whether there is a chosen byte: a fifth of the time of looking each byte up."""
    text = data.tobytes()
    return len(text.translate(None, chosen)) < len(text)


def _any_in_each(
    chosen: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which of the texts between the offsets hold a chosen byte."""
    counts = np.concatenate([[0], np.cumsum(chosen)])
    return counts[offsets[1:]] > counts[offsets[:-1]]


def _data(texts: pa.Array) -> npt.NDArray[np.uint8]:
    offsets = numbers_of_offsets(texts)
    return np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]


def _expanded(
    texts: pa.Array,
    chosen: npt.NDArray[np.bool_],
    before: bytes,
    letters: npt.NDArray[Any] | None = None,
) -> pa.Array:
    """The texts with one byte put before each chosen byte, which becomes its letter."""
    if not chosen.any():
        return texts
    data, offsets = _data(texts), numbers_of_offsets(texts)
    moved = np.cumsum(chosen)
    places = np.arange(len(data)) + moved
    out = np.empty(len(data) + int(moved[-1]), np.uint8)
    out[places] = data
    marked = places[chosen]
    out[marked - 1] = before[0]
    if letters is not None:
        out[marked] = letters[data[chosen]]
    before_each = np.concatenate([[0], moved])
    lengths = np.diff(offsets + before_each[offsets - offsets[0]])
    valid = None if not texts.null_count else texts.is_valid().to_numpy(zero_copy_only=False)
    return binary_array(out, lengths, valid)
