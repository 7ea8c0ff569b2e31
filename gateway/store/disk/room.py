"""Whether the disk has room for what a commit may have DuckDB write.

DuckDB writes its log into its file when a commit makes the log long enough, and where that finds no
room it gives up the whole database, which only a restart brings back (DuckDB 2.0.1: "Reopen the
database instance to recover"). So such a commit is refused while there is too little room for it.
One that only finds no room in the log harms nothing. And on a disk that is nearly full the log is
written into the file while it is short: there is room for that, and what was dropped gives back its
own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import duckdb

from gateway.errors import DiskFull
from gateway.store.disk.database import FILE

# DuckDB's threshold is 16 MiB (checkpoint_threshold); the log has other things beside the rows.
_LOG_BYTES = 12 * 2**20
# What is written for a byte of the log, at most 1.1 where rows are appended; beside it whole groups
# of rows are, however little of them changed: never more than the file holds.
_APPENDED, _GROUPS_BYTES = 2, 16 * _LOG_BYTES
# A log that is left as it is on the fullest disk, so that tables can be dropped there.
_SHORT_BYTES = 64 * 2**10
# What commits leave free beside, for the file's own blocks of 256 KiB.
_RESERVE_BYTES = 2**20
_BLOCK_BYTES = 2**18


class Room:
    """The room in a data directory.

    Args:
        directory: It.
        database: DuckDB's, open there.
    """

    def __init__(self, directory: Path, database: duckdb.DuckDBPyConnection) -> None:
        self._directory, self._database = directory, database
        self._file, self._log = directory / FILE, directory / f"{FILE}.wal"

    def taken_bytes(self) -> int:
        """What the database's file and its log take."""
        return sum(each.stat().st_size for each in (self._file, self._log) if each.exists())

    def require(self, more_bytes: int) -> None:
        """Refuse a commit that may end the database.

        Args:
            more_bytes: What it adds to the log.

        Raises:
            DiskFull: 53100.
        """
        log = self._log_bytes()
        if self._may_grow_to(log + more_bytes):
            return
        if self._can_be_written(log):
            self._write_log()
            log = self._log_bytes()
            if self._may_grow_to(log + more_bytes):
                return
        elif log + more_bytes < _LOG_BYTES:
            return  # Others took the room; DuckDB leaves the log as it is for now.
        unused = self._unused_bytes()
        needed = self._needed(log + more_bytes, unused) + _RESERVE_BYTES
        free = self._free() + unused
        raise DiskFull(
            "could not write to the data directory: too little space left",
            detail=f"{needed} bytes are needed to write the log into the file, {free} are free.",
            hint="Free some space; nothing that was acknowledged is lost.",
        )

    def write_log_early(self) -> None:
        """Have the log written into the file where a log twice as long might find no room.

        Called after a commit, under the lock of commits.
        """
        log = self._log_bytes()
        if not self._may_grow_to(2 * log) and self._can_be_written(log):
            self._write_log()

    def _write_log(self) -> None:
        with suppress(duckdb.Error), self._database.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def _may_grow_to(self, log_bytes: int) -> bool:
        """Whether a log of that length can be written and leaves the reserve, or is a short one."""
        return log_bytes < _SHORT_BYTES or self._can_be_written(log_bytes, _RESERVE_BYTES)

    def _can_be_written(self, log_bytes: int, beside: int = 0) -> bool:
        free = self._free() - beside
        if self._needed(log_bytes, 0) <= free:
            return True
        unused = self._unused_bytes()
        return self._needed(log_bytes, unused) <= free + unused

    def _unused_bytes(self) -> int:
        """Blocks of the file that hold nothing; 0 where the database does not tell."""
        with suppress(duckdb.Error), self._database.cursor() as cursor:
            row = cursor.execute("SELECT free_blocks FROM pragma_database_size()").fetchone()
            return row[0] * _BLOCK_BYTES if row else 0
        return 0

    def _log_bytes(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _needed(self, log_bytes: int, unused: int) -> int:
        held = self._file.stat().st_size - unused
        return _APPENDED * log_bytes + min(held, _GROUPS_BYTES)

    def _free(self) -> int:
        disk = os.statvfs(self._directory)
        return disk.f_bavail * disk.f_frsize
