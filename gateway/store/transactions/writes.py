"""What a transaction did, kept to be done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from gateway.store.definitions.definitions import TableDefinition


@dataclass(frozen=True, slots=True)
class Write:
    """One write as DuckDB got it, to be done again: an append of `rows`, or a statement.

    `place` is DuckDB's table that they are appended to, and `definition` what it is to the user;
    `count` is how many rows it changed, None for a definition.
    """

    oid: int
    place: str = ""
    definition: TableDefinition | None = None
    rows: pa.RecordBatch | None = None
    statement: str = ""
    values: Sequence[object] = ()
    delta: pa.Table | None = None
    count: int | None = None
