"""Rows are cut into pieces, and turns are short while there is more than one."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest

from gateway.wire.connection.streaming import (
    FIRST_ROWS,
    LONG_SECONDS,
    MORE_ROWS,
    SHORT_SECONDS,
    pieces,
    short_turns,
)

LARGE = FIRST_ROWS + MORE_ROWS + 5
# rows of the batches -> rows of the pieces, and after which of them the first is sent at once
CUT = {
    (): ([], []),
    (0, 3): ([3], []),
    (3, 4): ([3, 4], []),
    (FIRST_ROWS, 1): ([FIRST_ROWS, 1], []),
    (LARGE, 7): ([FIRST_ROWS, MORE_ROWS, 5, 7], [1]),
}


@pytest.mark.parametrize("batches", CUT)
def test_pieces(batches: tuple[int, ...]) -> None:
    found: list[int] = []
    flushed: list[int] = []
    rows = iter(pa.record_batch({"n": list(range(size))}) for size in batches)
    for piece in pieces(rows, lambda: flushed.append(len(found))):
        found.append(piece.num_rows)
    assert (found, flushed) == CUT[batches]


def test_turns_are_short_from_the_second_piece_of_anybody_to_the_last_of_everybody() -> None:
    def rows() -> pa.RecordBatch:
        return iter([pa.record_batch({"n": range(FIRST_ROWS + 1)})])

    def interval() -> float:
        return sys.getswitchinterval()

    with short_turns():  # whatever it was before
        pass
    first, second = pieces(rows(), lambda: None), pieces(rows(), lambda: None)
    seen = []
    for stream in (first, second, first, second, first, second):
        next(stream, None)
        seen.append(interval())
    assert seen == pytest.approx([LONG_SECONDS] * 2 + [SHORT_SECONDS] * 3 + [LONG_SECONDS])


def test_a_stream_that_is_given_up_is_over() -> None:
    stream = pieces(iter([pa.record_batch({"n": range(LARGE)})]), lambda: None)
    next(stream)
    next(stream)
    stream.close()
    assert sys.getswitchinterval() == pytest.approx(LONG_SECONDS)
