"""Rows on their way into DuckDB: kept until something has to see them, then given all at once.

What an append costs DuckDB is the statement, not its rows. Measured with DuckDB 2.0.1, beside an
fsync of 0.1 ms: a row of two columns handed over as an Arrow table 2.5 ms; as the values of a
statement that was read before 0.7 ms inside a transaction, 1.1 ms with a transaction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs.far_moments import DAY_MICROS
from gateway.store.definitions.columntypes import TOLD_AS_THEY_ARE
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.disk.faults import translated

# From here on DuckDB reads an Arrow table faster than it binds values one by one.
_MOST_VALUES = 40
# As many rows wait at most.
_MOST_WAITING = 8192
_MOST_STATEMENTS = 64

Value = None | bool | int | float | str | bytes | Decimal | date | datetime | time

# What DuckDB takes from Python, moments among them. Others, and moments that Python cannot tell, go
# as Arrow.
_PLAIN = (
    *TOLD_AS_THEY_ARE,
    pa.types.is_date32,
    pa.types.is_timestamp,
    pa.types.is_time64,
)


@dataclass(slots=True)
class _Waiting:
    """Rows of one table that DuckDB has not been given yet."""

    place: str
    definition: TableDefinition | None
    batches: list[pa.RecordBatch]
    count: int = 0


class Appends:
    """The appends of one session, and the statements that it has read for them.

    Args:
        cursor: The session's own.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._waiting: _Waiting | None = None
        self._read: dict[str, duckdb.Statement] = {}

    @property
    def wait(self) -> bool:
        """Whether rows wait."""
        return self._waiting is not None

    @property
    def is_full(self) -> bool:
        """Whether as many rows wait as may."""
        return self._waiting is not None and self._waiting.count >= _MOST_WAITING

    def fits(self, place: str, rows: pa.RecordBatch) -> bool:
        """Whether rows can wait together with those that do."""
        waiting = self._waiting
        if waiting is None:
            return True
        return waiting.place == place and waiting.count + rows.num_rows <= _MOST_WAITING

    def add(self, place: str, definition: TableDefinition | None, rows: pa.RecordBatch) -> None:
        """Let rows wait, which must fit.

        Args:
            place: DuckDB's table.
            definition: What errors call it and its constraints.
            rows: In its types.
        """
        if self._waiting is None:
            self._waiting = _Waiting(place, definition, [])
        self._waiting.batches.append(rows)
        self._waiting.count += rows.num_rows

    def give(self) -> None:
        """Have DuckDB append the rows that wait, in the order they came.

        Raises:
            UniqueViolation: 23505. GatewayError: 53100, ...
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.append(waiting.place, waiting.definition, pa.Table.from_batches(waiting.batches))

    def forget(self) -> None:
        """Leave out the rows that wait."""
        self._waiting = None

    def append(self, place: str, definition: TableDefinition | None, rows: pa.Table) -> None:
        """Have DuckDB append rows now, in one statement."""
        with translated(definition, rows):
            values = plain_values(rows)
            if values is None:
                self._cursor.from_arrow(rows).insert_into(place)
            else:
                self._cursor.execute(self._statement(place, rows), values)

    def _statement(self, place: str, rows: pa.Table) -> duckdb.Statement:
        one = f"({', '.join('?' * rows.num_columns)})"
        return self.read(f"INSERT INTO {place} VALUES {', '.join([one] * rows.num_rows)}")

    def read(self, text: str) -> duckdb.Statement:
        """A statement of DuckDB's, read once."""
        found = self._read.get(text)
        if found is None:
            if len(self._read) >= _MOST_STATEMENTS:
                self._read.clear()
            found = self._read[text] = self._cursor.extract_statements(text)[0]
        return found


def plain_values(rows: pa.Table) -> list[Value] | None:
    """The values of a few rows, row by row; None where DuckDB is to read them from Arrow."""
    if not 0 < rows.num_rows * rows.num_columns <= _MOST_VALUES:
        return None
    if not all(any(known(kind) for known in _PLAIN) for kind in rows.schema.types):
        return None
    if any(map(_has_days_end, rows.columns)):
        return None
    try:
        columns = [column.to_pylist() for column in rows.columns]
    except (ValueError, OverflowError):  # a year that Python's dates do not reach
        return None
    return list(chain.from_iterable(zip(*columns, strict=True)))


def _has_days_end(column: pa.ChunkedArray) -> bool:
    """Whether a time in it is 24:00:00, which Python takes for 00:00."""
    if not pa.types.is_time64(column.type):
        return False
    return bool(pc.any(pc.equal(column.cast(pa.int64()), DAY_MICROS)).as_py())
