"""The libraries that people read with: each reads one whole table, and counts the rows."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import psycopg

from tests.bench.wire.servers import Server, Unavailable

TABLE = "bench_mixed"


def _timed(server: Server, rows: int, read: Callable[[], int]) -> float:
    start = time.perf_counter()
    found = read()
    return _rate(server, rows, found, time.perf_counter() - start)


def _rate(server: Server, rows: int, found: int, seconds: float) -> float:
    if found != rows:
        raise Unavailable(f"{server.name} gave {found} rows, not {rows}")
    return rows / seconds


def psycopg_text(server: Server, rows: int) -> float:
    """psycopg 3 as it is by default; rows a second."""
    return _psycopg(server, rows, binary=False)


def psycopg_binary(server: Server, rows: int) -> float:
    """psycopg 3 with binary results."""
    return _psycopg(server, rows, binary=True)


def _psycopg(server: Server, rows: int, *, binary: bool) -> float:
    with server.connect() as link, psycopg.Cursor(link) as cursor:
        query = f"SELECT * FROM {TABLE}"
        return _timed(server, rows, lambda: len(cursor.execute(query, binary=binary).fetchall()))


def asyncpg(server: Server, rows: int) -> float:
    """asyncpg, which knows binary alone."""

    async def read() -> float:
        link = await _library("asyncpg").connect(server.url)
        try:
            start = time.perf_counter()
            found = await link.fetch(f"SELECT * FROM {TABLE}")
            return _rate(server, rows, len(found), time.perf_counter() - start)
        finally:
            await link.close()

    return asyncio.run(read())


def adbc(server: Server, rows: int) -> float:
    """ADBC: an Arrow table, by COPY."""
    connect = _library("adbc_driver_postgresql.dbapi").connect
    with connect(server.url) as link, link.cursor() as cursor:

        def read() -> int:
            cursor.execute(f"SELECT * FROM {TABLE}")
            return int(cursor.fetch_arrow_table().num_rows)

        return _timed(server, rows, read)


def connectorx(server: Server, rows: int) -> float:
    """connectorx: an Arrow table."""
    read = _library("connectorx").read_sql
    query = f"SELECT id, u, v, name, good, time FROM {TABLE}"
    return _timed(server, rows, lambda: int(read(server.url, query, return_type="arrow").num_rows))


def _library(name: str) -> Any:
    """A library that is only here if someone installed it.

    Raises:
        Unavailable: It is not.
    """
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        raise Unavailable(f"{name.partition('.')[0]} is not installed")
    return importlib.import_module(name)
