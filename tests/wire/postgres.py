"""A real PostgreSQL 15, started for the tests where its binaries are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")


def missing() -> str | None:
    """Why no PostgreSQL can be started here; None when one can."""
    if not (BIN / "initdb").exists():
        return f"PostgreSQL 15 is not installed in {BIN}"
    if os.geteuid() == 0 and not shutil.which("runuser"):
        return "PostgreSQL refuses to run as root, and there is no runuser"
    return None


def _as_other_user(directory: Path) -> list[str]:
    """The words before a command that make it run as someone other than root."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(directory, user)
    return ["runuser", "-u", user, "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[int]:
    """The port of a fresh PostgreSQL on 127.0.0.1: user postgres, no password; gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="gradwire-postgres-"))
    try:
        prefix = _as_other_user(directory)
        data, port = str(directory / "data"), _free_port()
        initdb = [*prefix, str(BIN / "initdb"), "-D", data, "-U", "postgres", "--auth=trust"]
        initdb += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=directory)
        options = f"-F -p {port} -c listen_addresses=127.0.0.1 -k '' -c timezone=UTC"
        control = [*prefix, str(BIN / "pg_ctl"), "-D", data, "-w", "-l", str(directory / "log")]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": directory}
        subprocess.run([*control, "-o", options, "start"], check=True, **quiet)
        try:
            yield port
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
