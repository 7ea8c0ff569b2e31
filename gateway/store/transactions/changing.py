"""A statement that changes rows and may be all that a transaction is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(slots=True)
class OneChange:
    """A statement of DuckDB's.

    Args:
        oid: The table that it changes.
        statement: Its text.
        values: Those of its parameters.
        asks_more: Whether it finds a row only under a condition of its own.
        count: How many rows it changed; None: it was not done yet.
        delta: Of several rows, the table of that name in the statement.
        key: Of several rows, the columns that name them, by DuckDB's names.
        rows: Those of the rows that it changed, once it was done.
        together: The statement that does several of its kind at once; see `Write`.
        named: What of its values names the row there.
    """

    oid: int
    statement: str
    values: Sequence[object]
    asks_more: bool = False
    count: int | None = None
    together: str = ""
    named: tuple[str, ...] = ()
    delta: pa.Table | None = None
    key: Sequence[str] = ()
    rows: pa.Table | None = None

    @property
    def command(self) -> str:
        """UPDATE or DELETE."""
        return self.statement.partition(" ")[0]

    @property
    def is_in_vain(self) -> bool:
        """Whether it found no row because of that condition, perhaps."""
        return self.asks_more and self.count == 0
