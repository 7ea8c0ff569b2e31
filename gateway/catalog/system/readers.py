"""Cursors that catalogue queries run on, each with the queries that it has read before.

DuckDB plans a query each time that it runs, prepared or not, since its rows may have changed; but
what reads, binds and describes the text before is kept here, which is a fifth to a third of the
time. So the text must stay the same from one moment to the next: functions in it name the reader's
`place`, which stands for whatever moment the query runs on.

A running one can be stopped from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb

from gateway.errors import QueryCanceled
from gateway.recent import Recent

_KEPT_CHARACTERS, _MOST_CHARACTERS = 1_000_000, 100_000  # for each reader
_MOST_IDLE = 4


class Reader:
    """A cursor of the database; one query at a time runs on it.

    Args:
        cursor: Its own.
        place: What functions in its queries name.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, place: str) -> None:
        self.cursor, self.place = cursor, place
        self.lasting = True  # whether others may have it when it is read out
        self._known: Recent[duckdb.DuckDBPyRelation] = Recent(_KEPT_CHARACTERS, _MOST_CHARACTERS)

    def set_variable(self, name: str, value: Any) -> None:
        """Let this query, the last one here, read a variable."""
        self.lasting = False
        self.cursor.execute(f"SET VARIABLE {name} = $value", {"value": value})

    def query(self, sql: str, values: Mapping[str, Any]) -> duckdb.DuckDBPyRelation:
        """A query, which runs when its rows are read."""
        if values or not self.lasting:
            return self.cursor.sql(sql, params=dict(values) or None)
        found = self._known.get(sql)
        if found is None:
            found = self.cursor.sql(sql)
            self._known.put(sql, found, len(sql) + 500)
        return found


class Readers:
    """All of a database. One thread at a time may ask.

    Args:
        connection: The database's.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._idle: list[Reader] = []
        self._made = 0

    def take(self) -> Reader:
        """One that nobody has, that used last if there is any."""
        if self._idle:
            return self._idle.pop()
        self._made += 1
        return Reader(self._connection.cursor(), f"r{self._made}")

    def give_back(self, reader: Reader) -> None:
        """Its query has ended."""
        if reader.lasting and len(self._idle) < _MOST_IDLE:
            self._idle.append(reader)
        else:
            reader.cursor.close()


# An interrupt that comes just before the database begins a query is lost: it is told again.
_AGAIN_SECONDS = 0.05


class Stopping:
    """One client's: `begin` and `running` are for its thread, `cancel` for any."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._cancelled = False
        self._running: tuple[Callable[[], object], threading.Event] | None = None

    def begin(self) -> None:
        """A statement begins; only a `cancel` after this stops it."""
        with self._changing:
            self._cancelled = False

    def cancel(self) -> None:
        """Make what runs raise QueryCanceled, and what runs later in this statement."""
        with self._changing:
            self._cancelled = True
            if self._running is not None:
                threading.Thread(target=_insist, args=self._running, daemon=True).start()

    @contextmanager
    def running(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """While a query runs, which `interrupt` stops.

        Raises:
            QueryCanceled: 57014, it was cancelled before.
        """
        ended = threading.Event()
        with self._changing:
            if self._cancelled:
                raise QueryCanceled("canceling statement due to user request")
            self._running = interrupt, ended
        try:
            yield
        finally:
            ended.set()
            with self._changing:
                self._running = None


def _insist(interrupt: Callable[[], object], ended: threading.Event) -> None:
    while not ended.is_set():
        interrupt()
        ended.wait(_AGAIN_SECONDS)
