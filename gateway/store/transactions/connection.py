"""DuckDB's side of a session: its cursor, and one transaction after another, each begun late.

DuckDB begins when it is first asked something. A transaction of ours that came to nothing but rows
to append, or to one change, is one statement to it, which it commits by itself: half of what BEGIN,
the statement and COMMIT take.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb
import pyarrow as pa

from gateway.errors import InternalError
from gateway.store.disk.faults import translated
from gateway.store.transactions.appending import Appends
from gateway.store.transactions.writes import OneChange


class Connection:
    """A session's own cursor.

    Args:
        cursor: Used by nobody else.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.appends = Appends(cursor)
        self.has_begun = False
        self.is_written = False  # DuckDB was given something to write since it began
        self._waiting: OneChange | None = None

    def begin(self) -> None:
        """Have DuckDB begin, if it has not."""
        if not self.has_begun:
            with translated():
                self._cursor.begin()
            self.has_begun = True

    def take_snapshot(self) -> None:
        """Have DuckDB fix what it shows: it does so at its first read or write, not at BEGIN."""
        self.begin()
        with translated():
            self._cursor.execute("SELECT 1 FROM gradwire.settings LIMIT 1").fetchall()

    def after_appends(self) -> duckdb.DuckDBPyConnection:
        """The cursor inside the transaction, with the rows appended that were to be.

        Raises:
            UniqueViolation: 23505. GatewayError: 53100, ...
        """
        self.begin()
        if self.appends.wait or self._waiting:
            self.is_written = True
            self._give()
        return self._cursor

    def waits_for(self, change: OneChange) -> bool:
        """Let a change wait as rows do; False where something else came first."""
        if self.has_begun or self.appends.wait or self._waiting is not None:
            return False
        self._waiting = change
        return True

    def _give(self) -> None:
        change, self._waiting = self._waiting, None
        if change is None:
            self.appends.give()
            return
        with translated():
            done = self._cursor.execute(self.appends.read(change.statement), list(change.values))
            change.count = done.fetchall()[0][0]

    def idle(self) -> duckdb.DuckDBPyConnection:
        """The cursor outside any transaction, for a statement that only reads."""
        if self.has_begun:
            raise InternalError("a transaction is in progress")
        return self._cursor

    @contextmanager
    def registered(self, delta: pa.Table | None) -> Iterator[None]:
        """`delta` under that name, for the statement inside."""
        if delta is None:
            yield
            return
        self._cursor.register("delta", delta)
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # After an error, the rollback takes the name away.
                self._cursor.unregister("delta")

    def is_sound(self) -> bool:
        """Whether the transaction goes on: after an error of its own DuckDB has given it up."""
        if self.has_begun:
            try:
                self._cursor.execute("SELECT 1").fetchall()
            except duckdb.Error:
                return False
        return True

    def commit(self) -> bool:
        """Make it durable; or raise and leave nothing. False: a change that waited changed nothing.

        Raises:
            GatewayError: 53100, ...; for rows that still waited also what `after_appends` raises.
        """
        if not self.has_begun:
            change = self._waiting
            self._give()
            return change is None or bool(change.count)
        self.after_appends()
        with translated():
            self._cursor.commit()
        self.has_begun = self.is_written = False
        return True

    def rollback(self) -> None:
        """Undo everything; nothing happens when DuckDB has done so itself."""
        self.appends.forget()
        self._waiting = None
        if self.has_begun:
            self.has_begun = self.is_written = False
            with suppress(duckdb.Error):
                self._cursor.rollback()

    def interrupt(self) -> None:
        """Stop the running statement, from any thread."""
        self._cursor.interrupt()

    def close(self) -> None:
        """Give back the cursor; twice does nothing."""
        self._cursor.close()
