"""Cursors that catalogue queries run on, each with the queries that it has read before.

DuckDB plans a query each time that it runs, prepared or not, since its rows may have changed; but
what reads, binds and describes the text before is kept here, which is a fifth to a third of the
time. So the text must stay the same from one moment to the next: functions in it name the reader's
`place`, which stands for whatever moment the query runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

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
