"""COPY FROM: CopyData, cut anywhere, to batches of the table's columns.

Text and csv are taken in blocks of whole lines (`copy_blocks`), or a line at a time where a block
holds anything out of the ordinary (`copy_lines`); `copy_binary` reads binary. At most a block and
its batch are in memory. An error says where it was: CONTEXT, as PostgreSQL does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    BadCopyFileFormat,
    CharacterNotInRepertoire,
    CheckViolation,
    ForeignKeyViolation,
    GatewayError,
    IntegrityConstraintViolation,
    NotNullViolation,
    UniqueViolation,
)
from gateway.session.result import CopyIn
from gateway.sql.inputs.encodings import named
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.text_columns import read_texts
from gateway.wire.copy.binary import BinaryReader
from gateway.wire.copy.blocks import cut, fields_of, first_failure
from gateway.wire.copy.lines import Fields, Line, LineReader
from gateway.wire.copy.recoding import as_utf8, wider
from gateway.wire.decoding import text_of

# What is read at once: the fixed cost of a batch is gone, and it stays in the cache.
BLOCK_BYTES = 2**20
# Below this a line at a time is faster than Arrow's reader, whose fixed cost is 0.3 ms.
_FEW_BYTES = 8192

_KEY = re.compile(r"Key \((.*?)\)=\((.*)\) already exists\.", re.DOTALL)
_KEYS_LATER = 1000  # MAX_BUFFERED_TUPLES
_SHOWN_BYTES = 100  # MAX_COPY_DATA_DISPLAY


@dataclass(frozen=True, slots=True)
class _Row:
    """A line, its number and its fields."""

    data: bytes
    number: int
    fields: Fields


class CopyReader:
    """Reads the rows of one COPY FROM.

    Args:
        copying: What is copied where.
        notation: How the session reads moments and intervals.
    """

    def __init__(self, copying: CopyIn, notation: Notation) -> None:
        self._copying, self._notation = copying, notation
        self._plain = notation._replace(encoding="UTF8")  # lines become UTF8 before they are read
        self._options = copying.options
        binary = self._options.format == "binary"
        self._binary = BinaryReader(copying, notation) if binary else None
        self._lines = LineReader(copying.options)
        self._rows: Sequence[_Row] = ()  # of the last batch, when it was read by lines
        self._block: tuple[bytes, int, bytes] | None = None  # when it was not
        self._fault: GatewayError | None = None  # what is wrong after these rows

    def batches(self, pieces: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        """The rows, as the table's columns keep them.

        Args:
            pieces: CopyData, up to CopyDone; an empty one asks whether all that is there can
                be read, and takes no row of it.

        Raises:
            GatewayError: 22P04 and what reading a value raises, with its CONTEXT; what `pieces`
                raises.
        """
        if self._binary is not None:
            yield from self._binary.batches(pieces)
            return
        buffer, enough = bytearray(), BLOCK_BYTES
        encoding = named(self._options.encoding) if self._options.encoding else None
        decoded = as_utf8(pieces, encoding or self._notation.foreign)
        for piece in self._told(decoded, buffer):
            if self._lines.ended:
                continue  # what follows \. counts for nothing
            buffer += piece
            if not piece:
                self._try(bytes(buffer[: cut(buffer, self._options, self._lines.eol)]))
            if len(buffer) < enough:
                continue
            end = cut(buffer, self._options, self._lines.eol)
            if not end:
                enough = wider(enough)
                continue
            block, enough = bytes(buffer[:end]), BLOCK_BYTES
            del buffer[:end]
            yield from self._read(block)
        if not self._lines.ended:
            yield from self._read(bytes(buffer))

    def explain(self, error: GatewayError) -> None:
        """Say where in the data it is that the table refuses the last batch.

        Raises:
            GatewayError: What PostgreSQL finds before that, a row after it that cannot be read.
        """
        if error.context or not isinstance(error, IntegrityConstraintViolation):
            return
        self._earlier(error)
        if isinstance(error, ForeignKeyViolation):  # checked when all rows are there
            return
        error.context = f"COPY {self._copying.relation}"
        if self._copying.filtered:  # what the table was given are not all rows of the batch
            return
        if self._binary is not None:
            error.context = self._binary.refused(error)
            return
        rows = self._last_rows()
        if isinstance(error, NotNullViolation) and rows:
            row = self._first_null(rows, error.column)
            error.context = self._at(row.number, row.data)
        elif isinstance(error, CheckViolation) and error.row is not None:
            row = rows[error.row]
            error.context = self._at(row.number, row.data)
        elif isinstance(error, UniqueViolation):
            found = self._with_key(rows, error.detail)
            if found:  # of rows of one key the second is refused, where none was there before
                refused = found[0] if error.was_there or len(found) == 1 else found[1]
                error.context += f", line {refused.number}"

    def _earlier(self, error: GatewayError) -> None:
        """Raise what is wrong with a row after those refused; keys are looked at after it."""
        fault = self._fault if len(self._rows) < _KEYS_LATER else None
        if fault is not None and isinstance(error, UniqueViolation):
            raise fault from error

    def _told(self, pieces: Iterable[bytes], buffer: bytearray) -> Iterator[bytes]:
        """The pieces; an error of theirs says which line was to come."""
        try:
            yield from pieces
        except GatewayError as error:
            line = self._lines.number + buffer.count(b"\n") + 1
            error.context = self._at(line, None)
            raise

    def _try(self, block: bytes) -> None:
        """Read lines that will be read again, for what is wrong with them."""
        trial = CopyReader(self._copying, self._notation)
        trial._lines = copy(self._lines)
        for _ in trial._read(block):
            pass

    # Blocks

    def _read(self, block: bytes) -> Iterator[pa.RecordBatch]:
        if self._options.header and not self._lines.number:
            block = block[self._header(block) :]
        if not block or self._lines.ended:
            return
        batch = self._by_block(block) if len(block) > _FEW_BYTES else None
        if batch is not None:
            yield batch
        else:
            yield from self._by_lines(block)

    def _by_block(self, block: bytes) -> pa.RecordBatch | None:
        columns = self._copying.columns
        try:
            fields = fields_of(block, self._options, len(columns), self._lines.eol)
            if fields is None:
                return None
            arrays = [self._column(n, texts) for n, texts in enumerate(fields)]
        except GatewayError:
            return None  # read by lines, it says where
        self._block = (block, self._lines.number, self._lines.eol)
        self._lines.number += block.count(b"\n") + (not block.endswith(b"\n"))
        self._lines.eol = b"\r\n" if b"\r" in block else b"\n"
        return self._batch(arrays)

    def _batch(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        return pa.RecordBatch.from_arrays(arrays, [c.name for c in self._copying.columns])

    def _column(self, number: int, texts: pa.Array) -> pa.Array:
        """Fields as values of the column."""
        column, options = self._copying.columns[number], self._options
        null = pa.scalar(options.null, texts.type)
        same = pc.fill_null(pc.equal(texts, null), False)  # written, and in quotes
        if column.name in options.force_not_null:
            texts = texts.fill_null(null)
        if column.name in options.force_null:
            texts = pc.if_else(same, pa.scalar(None, texts.type), texts)
        values = read_texts(texts, column.type, self._plain)
        return self._copying.assigned(number, values)

    def _part(self, number: int, texts: pa.Array, rows: slice) -> pa.Array:
        return self._column(number, texts[rows])

    # Lines

    def _by_lines(self, block: bytes) -> Iterator[pa.RecordBatch]:
        rows: list[_Row] = []
        fault, width = None, len(self._copying.columns)
        try:
            for row in self._rows_of(block):
                rows.append(row)
                if len(row.fields) < width:
                    fault = self._missing(rows.pop())
                    break
        except GatewayError as error:
            fault = error
        self._fault = fault
        if rows:
            yield from self._typed(rows)
        if fault is not None:
            raise fault

    def _missing(self, row: _Row) -> GatewayError:
        """What is wrong with a row that is too short: a field that it has, or that it is."""
        for number, value in enumerate(row.fields):
            try:
                self._column(number, pa.array([value], pa.binary()).cast(pa.string()))
            except GatewayError as error:
                error.context = self._at_column(row.number, number, value)
                return error
        missing = self._copying.columns[len(row.fields)].name
        return BadCopyFileFormat(
            f'missing data for column "{missing}"', context=self._at(row.number, row.data)
        )

    def _rows_of(self, block: bytes) -> Iterator[_Row]:
        """The rows of a block; an error has its context."""
        place, is_text = 0, _is_text(block)
        while True:
            try:
                line = self._lines.line(block, place)
            except GatewayError as error:
                error.context = self._at(self._lines.number, None)
                raise
            if line is None:
                return
            number = self._lines.number
            try:
                if not is_text:
                    text_of(line.data)
                fields = self._lines.fields(line.data)
                if len(fields) > len(self._copying.columns):
                    raise BadCopyFileFormat("extra data after last expected column")
            except GatewayError as error:
                plain = is_text or not isinstance(error, CharacterNotInRepertoire)
                error.context = self._at(number, line.data if plain else None)
                raise
            yield _Row(line.data, number, fields)
            place = line.after

    def _typed(self, rows: Sequence[_Row]) -> Iterator[pa.RecordBatch]:
        """The rows as a batch; up to the first that has a bad value, then its error."""
        self._block, self._rows = None, rows
        texts = [
            pa.array(column, pa.binary()).cast(pa.string())
            for column in zip(*(row.fields for row in rows), strict=True)
        ]
        try:
            arrays = [self._column(number, column) for number, column in enumerate(texts)]
        except GatewayError as error:
            bad = self._first_bad(texts)
            if bad is None:
                raise
            row, number, fault = bad
            value = rows[row].fields[number]
            fault.context = self._at_column(rows[row].number, number, value)
            self._fault = fault
            if row:
                yield from self._typed(rows[:row])
            raise fault from error
        yield self._batch(arrays)

    def _first_bad(self, texts: Sequence[pa.Array]) -> tuple[int, int, GatewayError] | None:
        """Row, column and error of the first value that cannot be read, row by row."""
        best: tuple[int, int, GatewayError] | None = None
        for number, column in enumerate(texts):
            limit = len(column) if best is None else best[0]
            if not limit:
                break
            found = first_failure(partial(self._part, number, column), limit)
            if found is not None:
                best = (found[0], number, found[1])
        return best

    # Header

    def _header(self, block: bytes) -> int:
        """Pass the header line; where the next begins."""
        line = self._lines.line(block, 0) or Line(b"", len(block))
        if self._options.header == "match":
            try:
                self._check_header(self._lines.fields(line.data))
            except GatewayError as error:
                error.context = self._at(max(self._lines.number, 1), line.data)
                raise
        return line.after

    def _check_header(self, names: Fields) -> None:
        columns = self._copying.columns
        if len(names) != len(columns):
            raise BadCopyFileFormat(
                f"wrong number of fields in header line: got {len(names)}, expected {len(columns)}"
            )
        for number, (name, column) in enumerate(zip(names, columns, strict=True), 1):
            where = f"column name mismatch in header line field {number}"
            if name is None:
                null = self._options.null
                raise BadCopyFileFormat(
                    f'{where}: got null value ("{null}"), expected "{column.name}"'
                )
            if name != column.name.encode():
                raise BadCopyFileFormat(
                    f'{where}: got "{name.decode(errors="replace")}", expected "{column.name}"'
                )

    # Where

    def _at(self, number: int, line: bytes | None) -> str:
        where = f"COPY {self._copying.relation}, line {number}"
        return where if line is None else f'{where}: "{_shown(line)}"'

    def _at_column(self, number: int, column: int, value: bytes | None) -> str:
        name = self._copying.columns[column].name
        where = f"COPY {self._copying.relation}, line {number}, column {name}"
        if value is None and name in self._options.force_not_null:
            value = self._options.null.encode()
        return f"{where}: null input" if value is None else f'{where}: "{_shown(value)}"'

    def _last_rows(self) -> Sequence[_Row]:
        """The rows of the last batch."""
        if self._block is None:
            return self._rows
        block, self._lines.number, self._lines.eol = self._block
        return list(self._rows_of(block))

    def _first_null(self, rows: Sequence[_Row], refused: str) -> _Row:
        """The first row with a NULL in that column."""
        names = [column.name for column in self._copying.columns]
        if refused not in names:  # it has no default
            return rows[0]
        number = names.index(refused)
        return next((row for row in rows if self._is_null(number, row.fields[number])), rows[0])

    def _is_null(self, number: int, value: bytes | None) -> bool:
        name, options = self._copying.columns[number].name, self._options
        if value is None:
            return name not in options.force_not_null
        return name in options.force_null and value == options.null.encode()

    def _with_key(self, rows: Sequence[_Row], detail: str) -> list[_Row]:
        """The rows that have the key that an error tells."""
        told = _KEY.match(detail)
        names = [column.name for column in self._copying.columns]
        if told is None or not set(told[1].split(", ")) <= set(names):
            return []
        numbers, key = [names.index(name) for name in told[1].split(", ")], told[2].encode()
        return [row for row in rows if b", ".join(row.fields[n] or b"" for n in numbers) == key]


def _is_text(block: bytes) -> bool:
    try:
        text_of(block)
    except CharacterNotInRepertoire:
        return False
    return True


def _shown(data: bytes) -> str:
    """Bytes for a person, cut as PostgreSQL cuts them."""
    if len(data) <= _SHOWN_BYTES:
        return data.decode(errors="replace")
    return data[:_SHOWN_BYTES].decode(errors="ignore") + "..."
