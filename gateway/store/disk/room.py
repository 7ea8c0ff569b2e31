"""Whether the disk has room for what a commit may have DuckDB write.

DuckDB writes its log into its file when a commit makes the log long enough, and where that finds no
room it gives up the whole database, which only a restart brings back (DuckDB 2.0.1: "Reopen the
database instance to recover"). So such a commit is refused while there is too little room for it.
One that only finds no room in the log harms nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.errors import DiskFull
from gateway.store.disk.database import FILE

# DuckDB's threshold is 16 MiB (checkpoint_threshold); the log has other things beside the rows.
_LOG_BYTES = 12 * 2**20
# What is written for a byte of the log: 1.1 where rows are appended; where one row of each of many
# groups is updated all of these, but never more than the file has.
_APPENDED, _UPDATED = 2, 16


class Room:
    """The room in a data directory.

    Args:
        directory: It.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
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
        log = self._log.stat().st_size if self._log.exists() else 0
        log += more_bytes
        if log < _LOG_BYTES:
            return
        disk, file = os.statvfs(self._directory), self._file.stat().st_size
        needed = _APPENDED * log + min(file, _UPDATED * log)
        free = disk.f_bavail * disk.f_frsize
        if free < needed:
            raise DiskFull(
                "could not write to the data directory: too little space left",
                detail=f"{needed} bytes are needed to write the log into the file, {free} are"
                " free.",
                hint="Free some space; nothing that was acknowledged is lost.",
            )
