"""What the gateway adds to planning a statement without a marker, in this process, no socket.

From the text to a planned query, less what the engine takes to plan the SQL that came out.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import pyarrow as pa

from gateway.app import App
from gateway.config import Settings
from gateway.session.computation import Bound
from gateway.session.session import Session
from tests.bench.wire.servers import Server, Sizes

_RUNS = 100
_TEXT = (
    "SELECT name, id * 2 AS double, u + v AS w FROM bench WHERE good AND id BETWEEN {n} AND 20"
    " ORDER BY id LIMIT 10"
)


def repeated(server: Server, sizes: Sizes) -> float:
    """Microseconds added to a statement whose text was seen before."""
    return _in_thread(lambda session: _added(session, lambda n: _TEXT.format(n=7)))


def fresh(server: Server, sizes: Sizes) -> float:
    """Microseconds added to a statement that is new each time."""
    return _in_thread(lambda session: _added(session, lambda n: _TEXT.format(n=n)))


def _added(session: Session, text: Callable[[int], str]) -> float:
    ours, engines = [], []
    client = session._client
    for number in range(_RUNS):
        start = time.perf_counter()
        statement = session._recall.read(text(number))[0]
        client.executor.query(statement, Bound())
        ours.append(time.perf_counter() - start)
        rewritten = client.executor.rewrite(statement.tree)
        sql, tables = rewritten.sql, client.registry.tables(rewritten.tables)
        start = time.perf_counter()
        _ = client.engine.plan(sql, tables).schema
        engines.append(time.perf_counter() - start)
    return (statistics.median(ours) - statistics.median(engines)) * 1e6


def _in_thread(work: Callable[[Session], float]) -> float:
    """In a thread with the stack of a client's."""
    found: list[float] = []

    def run(app: App) -> None:
        session = app.gateway.create_session()
        session.start("bench", "bench", {})
        columns = "id bigint, u float8, v float8, name text, good boolean"
        for text in (f"CREATE TABLE bench ({columns})", "INSERT INTO bench VALUES (8, 1, 2, 'x')"):
            for result in session.run_simple(text):
                pa.Table.from_batches(result.take(), pa.schema([]))
            session.sync()
        found.append(work(session))
        app.gateway.close_session(session)

    with App(Settings(port=0)) as app:
        thread = threading.Thread(target=run, args=(app,))
        thread.start()
        thread.join()
    return found[0]
