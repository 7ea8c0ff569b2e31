"""Which chunks a statement read, for EXPLAIN ANALYZE and for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

import pyarrow as pa

from gateway.sources.grid import GridTable
from gateway.sources.reads import Reads
from gateway.sources.table import Table, TableName

log = logging.getLogger(__name__)


class Watch:
    """The grids of one statement, and what it reads of them."""

    def __init__(self, tables: Mapping[TableName, Table]) -> None:
        self._reads: dict[TableName, Reads] = {}
        self.tables = {name: self._watched(name, table) for name, table in tables.items()}

    def _watched(self, name: TableName, table: Table) -> Table:
        if not isinstance(table, GridTable):
            return table
        self._reads[name] = Reads()
        return table.watched(self._reads[name])

    def lines(self) -> list[str]:
        """A line for each grid: how many chunks of how many its scans have read so far.

        Of the variables that were read; coordinates that are held in memory are no chunks.
        """
        return [
            f"{name}: {reads.read} of {reads.total} chunks read"
            for name, reads in self._reads.items()
        ]

    def logged(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches; a line of the log for each grid when they end."""
        try:
            yield from batches
        finally:
            for line in self.lines():
                log.debug("%s", line)


def is_logged() -> bool:
    """Whether the log shows these lines: log_level is debug."""
    return log.isEnabledFor(logging.DEBUG)
