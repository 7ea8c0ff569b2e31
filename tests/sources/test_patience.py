"""What never answers keeps nobody longer than wanted; what it answers in time is as ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray

from gateway.errors import DatasetUnreadable, QueryCanceled
from gateway.sources.grid.grid import GridTable
from gateway.sources.patience import Begun
from gateway.sources.reading import blocks
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.reads import Reads
from gateway.sources.table import TableName

from .scans import rows_of

NAME = TableName("public", "t")


def far(reads: Reads, seconds: float) -> GridTable:
    dataset = xarray.Dataset({"v": (("y", "x"), np.arange(6.0).reshape(2, 3))})
    table = GridTable(dataset, ["v"], name="far").cached(ChunkCache(0), None, seconds)
    return table.watched(reads.of(NAME))


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    answer = threading.Event()
    monkeypatch.setattr(blocks.Arrays, "_loaded", lambda *_: answer.wait(60))
    yield
    answer.set()


def test_what_answers_is_read() -> None:
    assert rows_of(far(Reads(), 60))["v"].to_pylist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.usefixtures("silent")
def test_a_read_ends_with_its_statement() -> None:
    reads = Reads()
    threading.Timer(0.02, reads.stop).start()
    with pytest.raises(QueryCanceled):
        rows_of(far(reads, 60))
    reads.clear()
    reads.of(NAME).checker()()  # the next statement is wanted


@pytest.mark.usefixtures("silent")
def test_a_read_ends_when_its_time_is_up() -> None:
    with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "far"') as caught:
        rows_of(far(Reads(), 0.02))
    assert "there was no answer within 0.02 s" in caught.value.detail


def test_what_the_work_raises_is_raised() -> None:
    def work() -> Any:
        raise TimeoutError("of the network")

    with pytest.raises(TimeoutError, match="of the network"):
        Begun(work, 60).result(lambda: None)


def test_signatures_in_urls_are_not_told() -> None:
    error = blocks.unreadable("d", "v", "x 0", OSError("403, url='https://h.org/a/0?sig=abc'"))
    assert error.detail == "At x 0: 403, url='https://h.org/a/0'"
