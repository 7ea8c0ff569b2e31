"""Stopping a query: from another thread, by closing it, before it starts and after it ended."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import NoReturn

import pyarrow as pa
import pytest
from datafusion import DataFrame

from gateway.engine.session_functions import WATCHED
from gateway.errors import DatasetUnreadable, GatewayError, QueryCanceled
from tests.engine.tables import MemoryTable, T, numbered

ENDLESS = (
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS c FROM r"
)
SLOW_JOIN = (
    "SELECT count(*) AS c FROM public.t a, public.t b, public.t c WHERE a.n + b.n + c.n = -1"
)


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


def idle_within(seconds: float) -> bool:
    """Whether this process falls silent: 50 ms of waiting that cost under 10 ms of work."""
    end = time.monotonic() + seconds
    silence = threading.Event()
    while time.monotonic() < end:
        before = cpu_seconds()
        silence.wait(0.05)
        if cpu_seconds() - before <= 0.01:
            return True
    return False


class Reader(threading.Thread):
    """Reads a plan in a thread of its own, as a connection does."""

    def __init__(self, session, sql: str, tables: dict) -> None:
        super().__init__()
        self.session, self.sql, self.tables = session, sql, tables
        self.planned = threading.Event()
        self.raised: BaseException | None = None

    def run(self) -> None:
        plan = self.session.plan(self.sql, self.tables)
        self.planned.set()
        try:
            for _ in plan.stream():
                pass
        except GatewayError as error:
            self.raised = error


def cancel_once_it_runs(session, sql: str, tables: dict) -> BaseException | None:
    reader = Reader(session, sql, tables)
    reader.start()
    assert reader.planned.wait(300)
    while session._run is None:
        assert reader.is_alive()
    before = cpu_seconds()
    while cpu_seconds() - before < 0.05:  # it does work
        threading.Event().wait(0.005)
    session.cancel()
    reader.join(300)
    assert not reader.is_alive()
    return reader.raised


@pytest.mark.parametrize("sql", [ENDLESS, SLOW_JOIN], ids=["recursive", "join"])
def test_cancel_from_another_thread_stops_the_engine(session, sql: str) -> None:
    error = cancel_once_it_runs(session, sql, {T: numbered(2, 2, 2000)})
    assert isinstance(error, QueryCanceled)
    assert str(error) == "canceling statement due to user request"
    assert idle_within(5), "the engine works on"


def test_cancel_never_hits_the_next_statement(session, rows) -> None:
    for _ in range(3):
        assert isinstance(cancel_once_it_runs(session, ENDLESS, {}), QueryCanceled)
        session.cancel()
        session.begin()
        assert rows("SELECT sum(n) AS s FROM public.t", numbered(2, 2, 10)) == [(780,)]


def test_cancel_before_the_start_and_after_the_end_is_harmless(session) -> None:
    session.cancel()
    session.begin()
    plan = session.plan("SELECT n FROM public.t", {T: numbered(1, 1, 3)})
    assert sum(batch.num_rows for batch in plan.stream()) == 3
    session.cancel()
    session.begin()
    assert sum(batch.num_rows for batch in plan.stream()) == 3


class CancelsWhenLookedAt:
    """A table that cancels the statement which looks at its columns, as planning does."""

    comment = ""

    def __init__(self, session) -> None:
        self._session = session
        self._table = numbered(1, 1, 3)

    @property
    def schema(self) -> pa.Schema:
        self._session.cancel()
        return self._table.schema

    def partitions(self, predicate):
        return self._table.partitions(predicate)


def test_cancel_while_it_is_planned_stops_the_statement(session) -> None:
    with pytest.raises(QueryCanceled):
        session.plan("SELECT n FROM public.t", {T: CancelsWhenLookedAt(session)})
    session.begin()
    assert session.plan("SELECT 1 AS one", {})


@pytest.mark.parametrize("sql", ["SELECT 1 AS n", "SELECT n FROM public.t", "SELECT sum(n) FROM t"])
def test_cancel_between_planning_and_the_first_row_stops_it(session, sql: str) -> None:
    tables = {T: numbered(1, 1, 3)} if "FROM" in sql else {}
    stream = session.plan(sql.replace("FROM t", "FROM public.t"), tables).stream()
    session.cancel()
    with pytest.raises(QueryCanceled):
        next(stream)


def test_cancel_while_rows_without_a_table_are_computed_stops_it(session, monkeypatch) -> None:
    collect = DataFrame.collect

    def collects(frame: DataFrame) -> list[pa.RecordBatch]:
        session.cancel()
        return collect(frame)

    monkeypatch.setattr(DataFrame, "collect", collects)
    stream = session.plan("SELECT 1 AS n", {}).stream()
    with pytest.raises(QueryCanceled):
        next(stream)


def test_cancel_between_two_batches_stops_the_next_one(session) -> None:
    stream = session.plan("SELECT n FROM public.t", {T: numbered(4, 4, 100)}).stream()
    next(stream)
    session.cancel()
    with pytest.raises(QueryCanceled):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.parametrize("values", [[], [pa.scalar(0)]], ids=["none", "a parameter"])
def test_a_cancelled_query_that_is_watched_runs_on_in_no_other(session, values) -> None:
    sql = f"SELECT n FROM public.t WHERE {WATCHED}(n >= {'$1' if values else 0})"
    tables = {T: numbered(4, 4, 100)}
    plan = session.plan(sql, tables, values)
    stream = plan.stream()
    next(stream)
    session.cancel()
    with pytest.raises(QueryCanceled):
        next(stream)
    session.begin()
    again = session.plan(sql, tables, values)
    assert sum(batch.num_rows for batch in again.stream()) == 1600
    with pytest.raises(GatewayError, match="canceling"):  # as its threads hear
        list(plan.stream())
    session.close()
    with pytest.raises(GatewayError, match="canceling"):
        list(again.stream())


def test_cancel_spares_a_stream_that_waits_while_another_ends(session) -> None:
    waits = session.plan("SELECT n FROM public.t", {T: numbered(4, 4, 100)}).stream()
    next(waits)
    assert list(session.plan("SELECT sum(1) AS v", {}).stream())
    session.cancel()
    assert sum(batch.num_rows for batch in waits) == 1500


def test_closing_a_stream_stops_the_work(session) -> None:
    stored = numbered(1, 5000, 10)
    stream = session.plan("SELECT n FROM public.t", {T: stored}).stream()
    next(stream)
    next(stream)
    stream.close()
    assert idle_within(5)
    assert len(stored.parts[0].asked) < 100


def test_one_batch_read_is_one_batch_made(session) -> None:
    stored = numbered(1, 5, 10)
    stream = session.plan("SELECT n FROM public.t", {T: stored}).stream()
    next(stream)
    assert idle_within(5)
    assert len(stored.parts[0].asked) <= 2  # the engine's own stream asks for one ahead
    stream.close()


def test_a_stream_that_is_never_read_does_nothing(session) -> None:
    stored = numbered(1, 5, 10)
    stream = session.plan("SELECT n FROM public.t", {T: stored}).stream()
    stream.close()
    assert stored.parts[0].asked == []


def test_two_streams_may_be_read_in_turns(session) -> None:
    plan = session.plan("SELECT n FROM public.t", {T: numbered(2, 3, 10)})
    pairs = zip(plan.stream(), plan.stream(), strict=True)
    assert all(one.equals(other) for one, other in pairs)


def test_a_stream_runs_inside_somebody_elses_event_loop(session) -> None:
    async def read() -> int:
        plan = session.plan("SELECT n FROM public.t", {T: numbered(2, 3, 10)})
        rows = sum(batch.num_rows for batch in plan.stream())
        await asyncio.sleep(0)
        return rows

    assert asyncio.run(read()) == 60


def test_a_tables_own_error_comes_back_unchanged(session) -> None:
    fault = DatasetUnreadable("chunk 3 of uwnd cannot be read", detail="truncated", hint="Copy it.")
    tables = {T: numbered(2, 2, 10, fails=fault)}
    for sql in ("SELECT n FROM public.t", "SELECT sum(n) AS s FROM public.t"):
        with pytest.raises(DatasetUnreadable) as raised:
            list(session.plan(sql, tables).stream())
        assert raised.value is fault


def test_an_error_of_a_table_asked_for_its_partitions_comes_back_unchanged(session) -> None:
    fault = DatasetUnreadable("the index of uwnd cannot be read", detail="truncated")

    class Unreadable(MemoryTable):
        def partitions(self, predicate: object) -> NoReturn:
            raise fault

    tables = {T: Unreadable(numbered(1, 1, 1).parts)}
    with pytest.raises(DatasetUnreadable) as raised:
        list(session.plan("SELECT n FROM public.t WHERE n > 1", tables).stream())
    assert raised.value is fault


def test_a_tables_unexpected_error_is_ours_and_the_session_goes_on(session, rows) -> None:
    with pytest.raises(GatewayError, match="boo") as raised:
        rows("SELECT n FROM public.t", numbered(2, 2, 10, fails=KeyError("boo")))
    assert raised.value.code == "XX000"
    assert rows("SELECT 1 AS v") == [(1,)]


def test_threads_of_sessions_run_side_by_side(engine) -> None:
    sums: list[int] = []

    def work() -> None:
        own = engine.new_session()
        for _ in range(5):
            plan = own.plan("SELECT sum(n) AS s FROM public.t", {T: numbered(2, 2, 100)})
            sums.extend(batch.column(0)[0].as_py() for batch in plan.stream())
        own.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [sum(range(400))] * 40
