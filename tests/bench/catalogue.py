"""What clients ask the catalogue, over 200 tables of 50 columns: `python -m tests.bench.catalogue`.

Every recorded statement (`tests/golden/clients`) is sent over one connection and read to its end:
once as a server just started answers it, four times more, and once after a CREATE TABLE. Told is
the processor time of the whole process, client and server, in milliseconds; the goal is 20. The
slowest of each kind come last, or those whose names begin with an argument, `pgcli psql_drv/04`.
"""

from __future__ import annotations

import gc
import re
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from gateway.app import App
from gateway.config import Settings
from tests.catalog.clients import TABLES as THEIRS
from tests.catalog.clients import Sent, Server
from tests.catalog.clients import statements as recorded

TABLES, COLUMNS, GOAL = 200, 50, 20.0
SHOWN = 25


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of processor time that the answers to a statement took."""

    name: str
    first: float
    again: float
    changed: float
    rows: int


def main() -> None:
    wanted = tuple(sys.argv[1:])
    sent = [each for each in recorded() if each.name.startswith(wanted or ("",))]
    with App(Settings(port=0, datasets=[])) as app:
        host, port = app.address
        with psycopg.connect(
            host=host, port=port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            _make(connection)
            gc.collect()
            gc.freeze()  # as `gradwire serve` does
            taken = list(_measure(connection, sent))
    _tell(taken, len(taken) if wanted else SHOWN)


def _make(connection: psycopg.Connection[Any]) -> None:
    columns = ", ".join(f"c{n} float8" for n in range(1, COLUMNS))
    connection.execute("BEGIN")
    for statement in filter(str.strip, THEIRS.split(";")):
        connection.execute(statement)
    for n in range(TABLES):
        connection.execute(f"CREATE TABLE t{n} (c0 bigint PRIMARY KEY, {columns})")
    connection.execute("COMMIT")


def _measure(connection: psycopg.Connection[Any], sent: Iterable[Sent]) -> Iterable[Taken]:
    server = Server(connection)
    for number, each in enumerate(sent):
        sql = re.sub(r"\{\{oid:([^}]*)\}\}", server._oid, each.sql)
        first, rows = _answer(connection, sql)
        again = statistics.median(_answer(connection, sql)[0] for _ in range(4))
        connection.execute(f"CREATE TABLE more{number} (a int)")
        changed, _ = _answer(connection, sql)
        connection.execute(f"DROP TABLE more{number}")
        yield Taken(each.name, first, again, changed, rows)


def _answer(connection: psycopg.Connection[Any], sql: str) -> tuple[float, int]:
    start = time.process_time()
    result = connection.pgconn.exec_(sql.encode())
    return (time.process_time() - start) * 1000, result.ntuples


def _tell(taken: list[Taken], most: int) -> None:
    for kind in ("first", "again", "changed"):
        values = sorted((getattr(each, kind) for each in taken), reverse=True)
        late = sum(value > GOAL for value in values)
        print(
            f"{kind:8} median {statistics.median(values):6.1f} ms, most {values[0]:7.1f} ms, "
            f"{late} of {len(values)} over {GOAL:.0f} ms"
        )
    for kind in ("again", "changed"):
        print(f"\nslowest by {kind}:   first   again  changed  rows")
        for each in sorted(taken, key=lambda t: getattr(t, kind), reverse=True)[:most]:
            print(
                f"{each.name:18} {each.first:8.1f} {each.again:7.1f} {each.changed:8.1f} "
                f"{each.rows:6}"
            )


if __name__ == "__main__":
    main()
