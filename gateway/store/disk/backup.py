"""A copy of the data directory, while a server writes to it or not.

The files change in commits alone (DuckDB appends to its log, now and then it writes the log into
the database file). So while nobody commits they are what a crash would leave, which every start can
read: readers go on, and writers wait for the copying to end.

A running server is asked by a file in its directory and a signal: whoever may write there and may
signal the server may copy what it keeps, and nobody else. The answer is a file, too.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from gateway.errors import ConfigurationFault, GatewayError, LockFileExists
from gateway.store.disk import database

REQUEST, ANSWER = "backup.request", "backup.answer"
# How often a request looks for its answer, in seconds.
_POLL_SECONDS = 0.05
# What remembers attached datasets (`catalog.attached`); it is replaced whole, at any time.
ATTACHED = "datasets.json"
_FILES = (database.FILE, f"{database.FILE}.wal", ATTACHED)


def copy_files(directory: Path, target: Path) -> None:
    """Copy a data directory that nobody changes meanwhile into `target`, a new directory.

    Raises:
        ConfigurationFault: F0000, there is something at `target`.
        OSError: the files cannot be read or written.
    """
    if target.exists() and any(target.iterdir()):
        raise ConfigurationFault(
            f'backup directory "{target}" is not empty', hint="Name one that is not there yet."
        )
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        if (directory / name).exists():
            shutil.copyfile(directory / name, target / name)
            _sync(target / name)
    _sync(target)


def _sync(path: Path) -> None:
    """Have a file, or the names in a directory, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def back_up(directory: Path, target: Path) -> None:
    """Copy a data directory, by its server if one is running.

    Raises:
        ConfigurationFault: F0000, as `copy_files`, there is nothing in `directory`, or what the
            server answered.
    """
    if not (directory / database.FILE).exists():
        raise ConfigurationFault(f'there are no user tables in "{directory}"')
    try:
        held = database.lock(directory)
    except LockFileExists:
        _ask(directory, target.absolute())
        return
    with held:
        copy_files(directory, target)


def _ask(directory: Path, target: Path) -> None:
    answer = directory / ANSWER
    answer.unlink(missing_ok=True)
    (directory / REQUEST).write_text(json.dumps({"target": str(target)}), encoding="utf-8")
    server = int((directory / database.LOCK).read_text(encoding="ascii"))
    os.kill(server, signal.SIGUSR1)
    while not answer.exists():
        os.kill(server, 0)  # raises when it is gone
        time.sleep(_POLL_SECONDS)
    told = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink()
    if told["error"]:
        raise ConfigurationFault(told["error"])


def answer_request(directory: Path, copy: Callable[[Path], None]) -> None:
    """Make the copy that was asked for, if one was, and tell who asked."""
    target = _requested(directory)
    if target is None:
        return
    try:
        copy(target)
    except (GatewayError, OSError) as error:
        _answer(directory, str(error))
    else:
        _answer(directory, "")


def _requested(directory: Path) -> Path | None:
    """Where the copy that was asked for is to go; None when none was asked for."""
    request = directory / REQUEST
    if not request.exists():
        return None
    target = Path(json.loads(request.read_text(encoding="utf-8"))["target"])
    request.unlink()
    return target


def _answer(directory: Path, fault: str) -> None:
    """Tell who asked that it is done, or why not."""
    written = directory / f"{ANSWER}.part"
    written.write_text(json.dumps({"error": fault}), encoding="utf-8")
    written.rename(directory / ANSWER)
