"""What the gateway adds to planning a statement without a marker, in this process, no socket.

CPU of the session's thread, which does all of it: from the text to a planned query, less what the
engine takes to plan the SQL that came out anew; less than nothing where a plan that is kept saves
the engine more than everything else takes.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import pyarrow as pa

from gateway.app import App
from gateway.config import Settings
from gateway.engine.embedded import Embedded
from gateway.session.session import Session
from gateway.wire.encoding.casts import TEXT_CASTS
from tests.bench.wire.servers import Server, Sizes

_RUNS = 100
_TEXT = (
    "SELECT name, id * 2 AS double, u + v AS w FROM bench WHERE good AND id BETWEEN {n} AND 20"
    " ORDER BY id LIMIT 10"
)


# The same in another shape each time.
_SHAPE = _TEXT.replace("AS w", "AS w{n}")


def repeated(server: Server, sizes: Sizes) -> float:
    """Microseconds added to a statement whose text was seen before."""
    return _in_thread(lambda session: _added(session, lambda n: _TEXT.format(n=7)))


def fresh(server: Server, sizes: Sizes) -> float:
    """Microseconds added to a statement whose constants are new each time."""
    return _in_thread(lambda session: _added(session, lambda n: _TEXT.format(n=n)))


def new(server: Server, sizes: Sizes) -> float:
    """Microseconds added to a statement that is new each time, whatever its constants."""
    return _in_thread(lambda session: _added(session, lambda n: _SHAPE.format(n=n)))


def _added(session: Session, text: Callable[[int], str]) -> float:
    # An engine of its own, which knows none of the plans that were kept.
    other = Embedded(None, TEXT_CASTS).new_session()
    ours, engines = [], []
    client = session._client
    for number in range(_RUNS):
        start = time.thread_time()
        next(session.run_simple(text(number))).close()
        ours.append(time.thread_time() - start)
        session.sync()
        statement = client.executor.statement_cache.limits.read(text(number))[0]
        rewritten = client.executor.rewrite(statement.tree)
        sql, tables = rewritten.sql, client.registry.tables(rewritten.tables)
        other.plan("SELECT 1", tables)  # registers them
        start = time.thread_time()
        _ = other.plan(sql, tables).schema
        engines.append(time.thread_time() - start)
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
