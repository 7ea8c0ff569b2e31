"""What never answers keeps nobody longer than wanted; what it answers in time is as ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray

from gateway.errors import DatasetUnreadable, QueryCanceled
from gateway.sources import timeouts
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading import blocks
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.chunk_counts import Reads
from gateway.sources.table import TableName
from gateway.sources.timeouts import Begun, Crowd, Patience

from .scans import rows_of

NAME = TableName("public", "t")


def far(reads: Reads, seconds: float, crowd: Crowd | None = None) -> GridTable:
    dataset = xarray.Dataset({"v": (("y", "x"), np.arange(6.0).reshape(2, 3))})
    patience = Patience(seconds, crowd or Crowd(8))
    table = GridTable(dataset, ["v"], name="far").cached(ChunkCache(0), None, patience)
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


@pytest.mark.usefixtures("silent")
def test_a_silent_store_is_given_up_where_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "CROWDED_SECONDS", 0.02)
    crowd = Crowd(2)
    crowd.waiting = 1  # somewhere else
    with pytest.raises(DatasetUnreadable) as caught:
        rows_of(far(Reads(), 60, crowd))
    assert "answered nothing for 0 s, and 2 reads wait" in caught.value.detail
    assert crowd.waiting == 1


def test_a_slow_store_is_not_given_up_where_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "CROWDED_SECONDS", 0.2)
    store = Patience(60, Crowd(1))
    ends = [threading.Event() for _ in range(5)]

    def answers() -> None:
        for end in ends[:-1]:
            threading.Timer(0.1, end.set).start()
            store.awaited(lambda end=end: end.wait(60), lambda: None)
        ends[-1].set()

    threading.Thread(target=answers).start()
    assert store.awaited(lambda: ends[-1].wait(60), lambda: None)


def test_what_the_work_raises_is_raised() -> None:
    def work() -> Any:
        raise TimeoutError("of the network")

    with pytest.raises(TimeoutError, match="of the network"):
        Begun(work, 60).result(lambda: None)


def test_signatures_in_urls_are_not_told() -> None:
    error = blocks.unreadable("d", "v", "x 0", OSError("403, url='https://h.org/a/0?sig=abc'"))
    assert error.detail == "At x 0: 403, url='https://h.org/a/0'"
