"""The data directory: one server at a time, one DuckDB file, a format with a version.

DuckDB is opened so that no statement can reach outside its file: no external access, no
extensions fetched or loaded, and a configuration that stays as it was opened.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

import duckdb

from gateway.errors import ConfigurationFault, LockFileExists
from gateway.store.disk import disk

# Grows when the tables of `disk` or the meaning of a stored value change.
FORMAT = "3"
# What this server reads too; it writes its own from then on.
OLDER = frozenset({"1", "2"})

# DuckDB names the database after the file; no schema inside may have the same name.
FILE = "store.duckdb"
LOCK = "gradwire.lock"

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # DuckDB 2.0 pushes a join's keys into the scan, and there row identifiers of rows that the
    # transaction added itself pass or fail by chance: an UPDATE by rowid misses rows.
    "disabled_optimizers": "join_filter_pushdown",
    "lock_configuration": "true",
}


def lock(directory: Path) -> IO[str]:
    """The lock file of a data directory, held until it is closed or this process ends.

    Raises:
        LockFileExists: F0001, another server holds it.
    """
    file = (directory / LOCK).open("a+", encoding="ascii")
    if not _locked(file):
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise LockFileExists(
            f'data directory "{directory}" is in use by another server',
            detail=f"The server's process is {holder}." if holder else "",
            hint="Stop that server, or start this one with another --data-dir.",
        )
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _locked(file: IO[str]) -> bool:
    if sys.platform == "win32":  # DuckDB's own lock on its file stands guard there.
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_database(directory: Path) -> duckdb.DuckDBPyConnection:
    """The database of a data directory, made when there is none yet.

    Raises:
        ConfigurationFault: F0000, the file has another format, or is no database.
    """
    path = directory / FILE
    try:
        database = duckdb.connect(str(path), config=_SETTINGS)
    except duckdb.Error as error:
        raise ConfigurationFault(
            f'the database in data directory "{directory}" cannot be opened', detail=str(error)
        ) from error
    try:
        _check_format(database, directory)
    except BaseException:
        database.close()
        raise
    return database


def _check_format(database: duckdb.DuckDBPyConnection, directory: Path) -> None:
    query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'gradwire'"
    if not database.execute(query).fetchall():
        database.begin()
        disk.prepare(database, {"format": FORMAT})
        database.commit()
        return
    kept = database.execute("SELECT value FROM gradwire.settings WHERE name = 'format'").fetchall()
    found = kept[0][0] if kept else "unknown"
    if found in OLDER:
        query = "UPDATE gradwire.settings SET value = ? WHERE name = 'format'"
        database.execute(query, [FORMAT])
    elif found != FORMAT:
        raise ConfigurationFault(
            f'data directory "{directory}" has format {found},'
            f" and this server reads format {FORMAT}",
            hint="Use the version of gradwire that wrote it.",
        )
