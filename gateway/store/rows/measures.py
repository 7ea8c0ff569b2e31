"""How much there is in user tables, and what was done to them since the server started."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress

import duckdb

from gateway.errors import GatewayError
from gateway.store.disk.faults import translated
from gateway.store.transactions.scope import Shared

_BLOCK_BYTES, _PAGE_BYTES = 262_144, 8192  # DuckDB's in its file; PostgreSQL's

# Blocks of the file, and about what rows take that are in the log and in memory alone.
_TAKEN = """
SELECT count(DISTINCT block_id) FILTER (persistent),
    coalesce(sum(count * CASE segment_type
        WHEN 'VALIDITY' THEN 0.125 WHEN 'BOOLEAN' THEN 1 WHEN 'SMALLINT' THEN 2
        WHEN 'INTEGER' THEN 4 WHEN 'FLOAT' THEN 4 WHEN 'DATE' THEN 4
        WHEN 'BIGINT' THEN 8 WHEN 'DOUBLE' THEN 8 WHEN 'TIMESTAMP' THEN 8 ELSE 16 END
    ) FILTER (NOT persistent), 0)
FROM pragma_storage_info(?)
"""


class Measures:
    """Of one store, as of now; any thread may ask.

    Args:
        shared: Its own.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.counts = shared.committed.counts

    def rows(self) -> Mapping[int, int]:
        """About how many rows each table has, by oid: some of those deleted lately count."""
        text = (
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE table_name ~ '^t[0-9]+$'"
        )
        with translated(), self._shared.database.cursor() as cursor:
            found = cursor.execute(text).fetchall()
        return {int(name[1:]): int(rows) for name, rows in found if name[1:].isdecimal()}

    def stored_bytes(self) -> Mapping[int, int]:
        """About what each table takes, by oid: blocks of the file, which small tables share.

        Of rows that are in the log alone, what they take in memory without long values.
        """
        found: dict[int, int] = {}
        with self._shared.database.cursor() as cursor:
            for oid, rows in self.rows().items():
                with suppress(GatewayError), translated():  # it may be dropped meanwhile
                    found[oid] = _taken(cursor, oid) if rows else 0
        return found

    def database_bytes(self) -> int:
        """The database's file and its log."""
        return self._shared.committed.room.taken_bytes()


def _taken(cursor: duckdb.DuckDBPyConnection, oid: int) -> int:
    blocks, loose = cursor.execute(_TAKEN, [f"data.t{oid}"]).fetchall()[0]
    return int(blocks) * _BLOCK_BYTES + math.ceil(float(loose) / _PAGE_BYTES) * _PAGE_BYTES
