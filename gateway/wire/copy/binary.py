"""COPY data in binary, read: a header, rows of counted fields, a trailer.

PostgreSQL manual, "COPY", "Binary Format", and CopyGetData of copyfromparse.c. Where each row
begins depends on the one before, so that is found one row at a time: by the lengths of the columns
of variable width alone, as long as the others are never NULL, which is checked afterwards for all
rows at once; else field by field. Then columns are made of all their fields at once.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.errors import (
    BadCopyFileFormat,
    CheckViolation,
    GatewayError,
    NotNullViolation,
    OutOfMemory,
)
from gateway.session.result import CopyIn
from gateway.sql.inputs.notation import Notation
from gateway.types import Type
from gateway.wire.copy.blocks import first_failure
from gateway.wire.copy.fields import WIRE, Octets, gathered, read_fields

_MAGIC = b"PGCOPY\n\xff\r\n\0"
SIGNATURE = _MAGIC + bytes(8)
TRAILER = b"\xff\xff"

_BLOCK_BYTES = 2**20
_ROW_BYTES = 2**28  # a longer row is none; PostgreSQL's own bound is 1 GB a field
_OIDS = 1 << 16
_AFTER = "received copy data after EOF marker"
_EOF = "unexpected EOF in COPY data"

Ints = npt.NDArray[np.int64]

_count = struct.Struct(">h").unpack_from
_length = struct.Struct(">i").unpack_from


@dataclass(frozen=True, slots=True)
class _Fields:
    """Where the fields of each column begin, and how long they are; -1 is NULL."""

    starts: list[Ints]
    lengths: list[Ints]
    after: int  # the rows' end


class BinaryReader:
    """Reads the rows of one COPY FROM in binary; see `copy_in.CopyReader`."""

    def __init__(self, copying: CopyIn, notation: Notation) -> None:
        self._copying, self._notation = copying, notation
        self._kinds = [column.type for column in copying.columns]
        self._rows = 0
        self._cut_in = 0  # the column in which the last row that is not whole ends
        self._last: pa.RecordBatch | None = None
        self._layout = _Layout(self._kinds)

    def batches(self, pieces: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
        """The rows, as the table's columns keep them."""
        buffer, enough, begun = bytearray(), _BLOCK_BYTES, False
        ended = False
        for piece in self._told(pieces):
            buffer += piece
            if ended and buffer:
                raise self._fault(_AFTER, self._rows + 1)
            if not begun and len(buffer) >= len(SIGNATURE):
                begun = self._header(buffer)
            if not begun or len(buffer) < enough:
                continue
            before = len(buffer)
            ended = yield from self._taken(buffer)
            if ended and buffer:
                raise self._fault(_AFTER, self._rows + 1)
            enough = _BLOCK_BYTES if len(buffer) < before else self._wider(enough)
        if not begun and not self._header(buffer, final=True):
            return
        if not ended:
            ended = yield from self._taken(buffer)
            if ended and buffer:
                raise self._fault(_AFTER, self._rows + 1)
            if len(buffer) > 1:  # PostgreSQL does not mind half of a count
                raise self._fault(_EOF, self._rows + 1, self._cut_in)

    def _told(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        except GatewayError as error:
            error.context = f"COPY {self._copying.relation}, line {self._rows + 1}"
            raise

    def _wider(self, enough: int) -> int:
        if enough >= _ROW_BYTES:
            raise OutOfMemory(
                "out of memory", detail=f"A row of COPY data is longer than {_ROW_BYTES} bytes."
            )
        return 2 * enough

    def refused(self, error: GatewayError) -> str:
        """Where the row is that the table refuses, of the last batch."""
        if self._last is None:
            return f"COPY {self._copying.relation}"
        if isinstance(error, CheckViolation) and error.row is not None:
            return self._where(self._rows - self._last.num_rows + error.row + 1)
        if not isinstance(error, NotNullViolation):
            return f"COPY {self._copying.relation}"
        strict = [n for n, column in enumerate(self._copying.columns) if column.not_null]
        places = [self._last.column(n).is_null().index(True).as_py() for n in strict]
        first = min((place for place in places if place >= 0), default=0)
        return self._where(self._rows - self._last.num_rows + first + 1)

    def _fault(self, message: str, row: int = 0, column: int | None = None) -> BadCopyFileFormat:
        """What is wrong in a row; without one, in the header, of which PostgreSQL says no place."""
        return BadCopyFileFormat(message, context=self._where(row, column) if row else "")

    def _where(self, row: int, column: int | None = None) -> str:
        where = f"COPY {self._copying.relation}, line {row}"
        return where if column is None else f"{where}, column {self._copying.columns[column].name}"

    def _header(self, buffer: bytearray, final: bool = False) -> bool:
        """Pass the header; whether it was whole."""
        if buffer[: len(_MAGIC)] != _MAGIC:
            raise self._fault("COPY file signature not recognized")
        if len(buffer) < len(SIGNATURE):
            what = "flags" if len(buffer) < len(_MAGIC) + 4 else "length"
            raise self._fault(f"invalid COPY file header (missing {what})")
        flags, extension = struct.unpack_from(">Ii", buffer, len(_MAGIC))
        if flags & _OIDS:
            raise self._fault("invalid COPY file header (WITH OIDS)")
        if flags & ~_OIDS & 0xFFFF0000:
            raise self._fault("unrecognized critical flags in COPY file header")
        if extension < 0:
            raise self._fault("invalid COPY file header (missing length)")
        whole = len(SIGNATURE) + extension
        if len(buffer) < whole:
            if final or extension > _ROW_BYTES:
                raise self._fault("invalid COPY file header (wrong length)")
            return False
        del buffer[:whole]
        return True

    def _taken(self, buffer: bytearray) -> Generator[pa.RecordBatch, None, bool]:
        """Batches of all whole rows, which are taken away; whether the trailer was."""
        data = bytes(buffer)
        quick = self._layout.quick(data)
        if quick is not None:
            yield from self._batch(data, quick)
        # The quick way stops where a row seems not to be whole, and a NULL can make it seem so.
        fields, fault = self._slow(data, 0 if quick is None else quick.after)
        yield from self._batch(data, fields)
        if fault is not None:
            raise fault
        ended = data[fields.after : fields.after + 2] == TRAILER
        del buffer[: fields.after + (2 if ended else 0)]
        return ended

    def _slow(self, data: bytes, place: int) -> tuple[_Fields, GatewayError | None]:
        """The whole rows from `place` on, field by field, and what is wrong after them."""
        width, end = len(self._kinds), len(data)
        rows: list[list[tuple[int, int]]] = []
        fault: GatewayError | None = None
        while place + 2 <= end:
            (count,) = _count(data, place)
            if count == -1:
                break
            row = self._rows + len(rows) + 1
            if count != width:
                fault = self._fault(f"row field count is {count}, expected {width}", row)
                break
            fields: list[tuple[int, int]] = []
            after = self._row(data, place + 2, fields)
            if after is None:
                self._cut_in = len(fields)
                if fields and fields[-1][1] < -1:
                    fault = self._fault("invalid field size", row, len(fields) - 1)
                break
            rows.append(fields)
            place = after
        table = np.array(rows, np.int64).reshape(len(rows), width, 2)
        starts, lengths = table[:, :, 0].T, table[:, :, 1].T
        return _Fields(list(starts), list(lengths), place), fault

    def _row(self, data: bytes, place: int, fields: list[tuple[int, int]]) -> int | None:
        """Where the row's fields end; None when it is not whole, or the last has no true length."""
        end = len(data)
        for _ in self._kinds:
            if place + 4 > end:
                return None
            (size,) = _length(data, place)
            place += 4
            if size > end - place:
                return None
            fields.append((place, size))
            if size < -1:
                return None
            place += max(size, 0)
        return place

    # Columns

    def _batch(self, data: bytes, fields: _Fields) -> Iterator[pa.RecordBatch]:
        count = len(fields.starts[0])
        if not count:
            return
        try:
            arrays = [self._column(data, fields, number) for number in range(len(self._kinds))]
        except GatewayError as error:
            row, number, fault = self._first_bad(data, fields, error)
            if row:
                kept = [starts[:row] for starts in fields.starts]
                sizes = [lengths[:row] for lengths in fields.lengths]
                yield from self._batch(data, _Fields(kept, sizes, 0))
            fault.context = self._where(self._rows + 1, number)
            raise fault from error
        names = [column.name for column in self._copying.columns]
        self._rows += count
        self._last = pa.RecordBatch.from_arrays(arrays, names)
        yield self._last

    def _column(
        self, data: bytes, fields: _Fields, number: int, rows: slice = slice(None)
    ) -> pa.Array:
        starts, lengths = fields.starts[number][rows], fields.lengths[number][rows]
        values = read_fields(data, starts, lengths, self._kinds[number], self._notation)
        return self._copying.assigned(number, values)

    def _first_bad(
        self, data: bytes, fields: _Fields, error: GatewayError
    ) -> tuple[int, int, GatewayError]:
        """Row, column and error of the first value that cannot be read, row by row."""
        best = (len(fields.starts[0]), 0, error)
        for number in range(len(self._kinds)):
            found = first_failure(partial(self._column, data, fields, number), best[0])
            if found is not None:
                best = (found[0], number, found[1])
        return best


# Where rows begin, the starts and lengths of their fields of variable length, and the rows' end.
_Walk = tuple[Ints, list[tuple[Ints, Ints]], int]


class _Layout:
    """The widths of a table's columns, and the quick way through rows.

    Args:
        kinds: The columns' types.
    """

    def __init__(self, kinds: Sequence[Type]) -> None:
        self._widths = [np.dtype(WIRE[k.name]).itemsize if k.name in WIRE else 0 for k in kinds]
        # From the beginning of a row, or the end of a variable field, to the next one's length.
        self._gaps: list[int] = []
        self._tail = 2
        for width in self._widths:
            if width:
                self._tail += 4 + width
            else:
                self._gaps.append(self._tail)
                self._tail = 0

    def quick(self, data: bytes) -> _Fields | None:
        """The whole rows; None where a column of fixed width has a NULL, or anything is wrong."""
        octets = np.frombuffer(data, np.uint8)
        rows, variable, after = self._chain(octets) or self._walk(data)
        counts = gathered(octets, rows, ">i2")
        wrong = np.flatnonzero(counts != len(self._widths))
        if len(wrong):
            if counts[wrong[0]] != -1:
                return None
            after = int(rows[wrong[0]])
            rows = rows[: wrong[0]]
        return self._fields(
            octets, rows, [(s[: len(rows)], n[: len(rows)]) for s, n in variable], after
        )

    def _fields(
        self, octets: Octets, rows: Ints, variable: list[tuple[Ints, Ints]], after: int
    ) -> _Fields | None:
        """Where every field is, once the lengths of those of fixed width are what they must be."""
        starts: list[Ints] = []
        lengths: list[Ints] = []
        place, left = rows + 2, iter(variable)
        for width in self._widths:
            if width:
                place = place + 4
                if (gathered(octets, place - 4, ">i4") != width).any():
                    return None
                starts.append(place)
                lengths.append(np.full(len(rows), width))
                place = place + width
                continue
            begins, sizes = next(left)
            if (sizes < -1).any():
                return None
            starts.append(begins)
            lengths.append(sizes)
            place = begins + np.maximum(sizes, 0)
        return _Fields(starts, lengths, after)

    def _chain(self, octets: Octets) -> _Walk | None:
        """The rows, all at once: wherever a row's first six bytes stand, if each leads to the next.

        None when they do not, or the first column has no fixed width, which takes a `_walk`.
        """
        width, first = len(self._widths), self._widths[0]
        if not first or width > 255:
            return None
        rows = np.flatnonzero(octets[1:-4] == width)  # where the low byte of the count is
        for offset, octet in ((0, 0), (2, 0), (3, 0), (4, 0), (5, first)):
            rows = rows[octets[rows + offset] == octet]
        if not len(rows) or rows[0] != 0:
            return None
        rows, variable, ends = self._ends(octets, rows)
        if (ends[:-1] != rows[1:]).any():
            # Values that look like a row's first bytes: no row ends before them.
            led = np.isin(rows, ends)
            led[:1] = True
            rows, variable, ends = self._ends(octets, rows[led])
        whole = len(ends) - int(len(ends) > 0 and ends[-1] > len(octets))
        if (ends[:-1] != rows[1:]).any() or (whole and rows[0] != 0):
            return None
        kept = [(starts[:whole], sizes[:whole]) for starts, sizes in variable]
        return rows[:whole], kept, int(ends[whole - 1]) if whole else 0

    def _ends(self, octets: Octets, rows: Ints) -> tuple[Ints, list[tuple[Ints, Ints]], Ints]:
        """The rows that begin there, their fields of variable length, and where the rows end.

        Without those of which a length would lie beyond the data: they are no rows, or not whole.
        """
        place, variable = rows, list[tuple[Ints, Ints]]()
        for gap in self._gaps:
            place = place + gap
            inside = place + 4 <= len(octets)
            if not inside.all():
                rows, place = rows[inside], place[inside]
                variable = [(starts[inside], sizes[inside]) for starts, sizes in variable]
            sizes = gathered(octets, place, ">i4").astype(np.int64)
            place = place + 4
            variable.append((place, sizes))
            place = place + np.maximum(sizes, 0)
        return rows, variable, place + self._tail

    def _walk(self, data: bytes) -> _Walk:
        """The rows, one after another."""
        rows: list[int] = []
        parts: list[tuple[int, list[int], list[int]]] = [(gap, [], []) for gap in self._gaps]
        tail, end, place = self._tail, len(data), 0
        unpack, keep = _length, rows.append
        try:
            while True:
                at = place
                for gap, starts, sizes in parts:
                    (size,) = unpack(data, at + gap)
                    at += gap + 4
                    starts.append(at)
                    sizes.append(size)
                    if size > 0:
                        at += size
                at += tail
                if at > end:
                    break
                keep(place)
                place = at
        except struct.error:
            pass  # the last row is not whole
        variable = [
            (np.array(starts[: len(rows)], np.int64), np.array(sizes[: len(rows)], np.int64))
            for _, starts, sizes in parts
        ]
        return np.array(rows, np.int64), variable, place
