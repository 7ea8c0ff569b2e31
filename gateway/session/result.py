"""What a statement gives back: the columns of its rows, the rows as they come, its command tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from buenavista.core import BVType, QueryResult

from gateway.observe.logs import Place, made_at
from gateway.session.activity.backends import CopyProgress
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.table import Table, TableName
from gateway.sql.statements.copy_options import CopyOptions
from gateway.store.definitions.definitions import Column
from gateway.store.rows.assignment import assign
from gateway.types import TEXT, Type


@dataclass(frozen=True, slots=True)
class Field:
    """One result column as RowDescription names it.

    Args:
        name: Its name.
        type: Its type.
        typmod: -1 where the type has none.
        origin: Oid of the relation and number of the column that it shows; zeros: of none.
        shown: Digits after the point of a numeric whose values are doubles; None: they are none.
        domain: Number of the domain of the values, which clients are not told; 0: of none.
    """

    name: str
    type: Type
    typmod: int = -1
    origin: tuple[int, int] = field(default=(0, 0), compare=False)
    shown: int | None = None
    domain: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the client that is no error; `severity` is NOTICE or WARNING."""

    message: str
    severity: str = "NOTICE"
    code: str = "00000"
    detail: str = ""
    hint: str = ""
    place: Place = field(default_factory=lambda: made_at(2), compare=False)


@dataclass(frozen=True, slots=True)
class CopyOut:
    """Rows go out in this form; they are the Result's. `oid` is their table's, 0 of a query."""

    options: CopyOptions
    oid: int = 0

    def progress(self, result: Result) -> CopyProgress:
        """How far it is."""
        return CopyProgress(self.oid, False, result.sent_bytes, result.position)


@dataclass(slots=True)
class CopyIn:
    """Rows come in: put them into `incoming`, then read the Result to its end.

    `columns` are the table's columns that the rows give, in order. Who reads counts what came.
    """

    relation: str
    columns: tuple[Column, ...]
    options: CopyOptions
    incoming: Iterator[pa.RecordBatch] = field(default_factory=lambda: iter(()))
    oid: int = 0
    received_bytes: int = 0
    received_rows: int = 0
    filtered: bool = False  # a WHERE keeps some of them out

    def progress(self, result: Result) -> CopyProgress:
        """How far it is."""
        return CopyProgress(self.oid, True, self.received_bytes, self.received_rows)

    def assigned(self, number: int, values: pa.Array) -> pa.Array:
        """Values as the column of that number keeps them.

        Raises:
            GatewayError: 22001, 22003, ...
        """
        return assign(values, self.columns[number])


def _padded(fields: Sequence[Field], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows with character(n) filled up with blanks, without which they are kept."""
    widths = {n: each.typmod - _HEADER for n, each in enumerate(fields)
              if each.type.name == "bpchar" and each.typmod > _HEADER}  # fmt: skip
    return map(lambda batch: _pad(batch, widths), batches) if widths else batches


_HEADER = 4  # PostgreSQL counts the bytes of a length word in the modifier


def _pad(batch: pa.RecordBatch, widths: Mapping[int, int]) -> pa.RecordBatch:
    columns = [
        pc.utf8_rpad(column.cast(pa.string()), widths[n], " ") if n in widths else column
        for n, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


# Commands whose tag counts the rows that were sent; INSERT, UPDATE, DELETE count what they changed.
_COUNTS_SENT = frozenset({"SELECT", "FETCH", "COPY"})


class Result(QueryResult):  # type: ignore[misc]  # buenavista carries no types
    """One statement's outcome, read once.

    Args:
        command: First words of the command tag; "" for an empty query.
        fields: The row's columns, or None when the command gives no rows.
        batches: The rows; columns in the order of `fields`, any unique names.
        changed: Rows that a DML command changed, or that CREATE TABLE AS wrote.
    """

    def __init__(
        self,
        command: str,
        fields: tuple[Field, ...] | None = None,
        batches: Iterator[pa.RecordBatch] | None = None,
        changed: int | None = None,
    ) -> None:
        super().__init__()
        self.command = command
        self.fields = fields
        self.changed = changed
        self.copy: CopyIn | CopyOut | None = None  # how COPY's rows travel
        self._batches = iter(()) if batches is None else _padded(fields or (), batches)
        self._rest: pa.RecordBatch | None = None
        self.position = 0  # rows taken so far
        self.sent_bytes = 0  # that the rows came to on the wire
        self.on_end: Callable[[], None] | None = None  # called when they have been sent
        self.exhausted = False  # a take found the end
        self.waits = False  # it is told before it is done; see `batches`
        self.counts: Sequence[int] | None = None  # of executions that were done together
        self.binary = False  # a binary cursor's: sent in binary unless the client says otherwise
        self.failed = False  # reading ended with an error, not with the last row
        self.takes = 0  # how often rows were asked for
        self.taking = False  # they are being read, or sent

    def take(self, limit: int = 0) -> Iterator[pa.RecordBatch]:
        """The next batches, at most `limit` rows in all; 0 takes everything that is left."""
        self.takes += 1
        self.taking = True
        try:
            yield from self._take(limit)
        finally:
            self.taking = False

    def _take(self, limit: int) -> Iterator[pa.RecordBatch]:
        left = limit
        while (batch := self._next()) is not None:
            if limit and batch.num_rows >= left:
                self._rest = batch.slice(left) if batch.num_rows > left else None
                self.position += left
                yield batch.slice(0, left)
                return
            left -= batch.num_rows
            self.position += batch.num_rows
            yield batch
        self.exhausted = True

    def _next(self) -> pa.RecordBatch | None:
        if (rest := self._rest) is not None:
            self._rest = None
            return rest
        try:
            return next(self._batches, None)
        except BaseException:  # an iterator that has raised would next time seem to be at its end
            self.failed = True
            raise

    def seek(self, position: int, batches: Iterator[pa.RecordBatch]) -> None:
        """Go on after row `position`, with `batches` as the rows that follow it."""
        self.position, self.exhausted = position, False
        self._rest, self._batches = None, batches

    @property
    def batches(self) -> Iterator[pa.RecordBatch]:
        """What is left of the rows, before any `take`."""
        return self._batches

    def wrap(self, batches: Iterator[pa.RecordBatch]) -> None:
        """Read the rows through `batches` from now on."""
        self._batches = batches

    def close(self) -> None:
        """Stop the work behind the rows that were not read."""
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()

    def end(self) -> None:
        """The rows that were asked for have been sent."""
        if self.on_end is not None:
            self.on_end()

    def tag(self, sent: int) -> str:
        """The command tag after `sent` rows went out, since the last tag.

        >>> Result("INSERT", changed=3).tag(0), Result("SELECT").tag(7), Result("BEGIN").tag(0)
        ('INSERT 0 3', 'SELECT 7', 'BEGIN')
        """
        changed = self.changed if self.fields is None else sent  # as PostgreSQL with RETURNING
        if self.command == "INSERT":
            return f"INSERT 0 {changed}"
        if self.changed is not None:
            return f"{self.command} {changed}"
        return f"{self.command} {sent}" if self.command in _COUNTS_SENT else self.command

    # What buenavista's core asks of every result.
    def has_results(self) -> bool:
        return self.fields is not None

    def column_count(self) -> int:
        return len(self.fields or ())

    def column(self, index: int) -> tuple[str, BVType]:
        return (self.fields or ())[index].name, BVType.UNKNOWN

    def rows(self) -> Iterator[list[Any]]:
        for batch in self.take():
            yield from (list(row) for row in zip(*batch.to_pydict().values(), strict=True))

    def status(self) -> str:
        return self.tag(0)


def lines(command: str, text: Sequence[str], name: str = "QUERY PLAN") -> Result:
    """A result of one text column, a row per line."""
    batch = pa.record_batch({name: pa.array(list(text), pa.string())})
    return Result(command, (Field(name, TEXT),), iter([batch]))


def plan_lines(batches: Iterator[pa.RecordBatch]) -> Iterator[str]:
    """The engine's plans, each under its kind."""
    for batch in batches:
        kinds, plans = (batch.column(n).to_pylist() for n in (0, 1))
        for kind, plan in zip(kinds, plans, strict=True):
            yield f"{kind}:"
            yield from (f"  {line}" for line in plan.splitlines())


def read_lines(
    tables: Mapping[TableName, Table], reads: Mapping[TableName, TableReads]
) -> list[str]:
    """A line for each grid: how many chunks of how many were read.

    Of the variables that were read; coordinates that are held in memory are no chunks.
    """
    grids = [name for name, table in tables.items() if isinstance(table, GridTable)]
    return [f"{name}: {reads.get(name) or TableReads(name)}" for name in grids]
