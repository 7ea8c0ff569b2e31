"""What writes cost beside PostgreSQL: CPU and time of each, in one alternating run.

    python -m tests.bench.inserting [--reference DSN] [--runs 3] [--only WORD]

Without --reference a PostgreSQL 15 is started for the run where its binaries are; it does not wait
for the disk, as gradwire does. Each line is measured on one server
and then on the other, `runs` times; the figures are medians. CPU is the server's alone.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.bench.wire.servers import Server, Unavailable, cpu_seconds, gateway, reference

_ROW = "{:44}{:>12}{:>12}{:>8}{:>12}{:>12}{:>8}  {}"
_NUMBERS = itertools.count(1)

Link = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Line:
    """What is done `count` times in one call of `work`, over a table made by `table`."""

    name: str
    count: int
    work: Callable[[Link, str, int], object]
    table: str = "(n int, a float8, s text)"
    filled: int = 0  # rows that are there before, n from 1


def one_by_one(link: Link, table: str, count: int) -> None:
    """A statement for each row, all alike: parameters go beside the text."""
    for n in range(count):
        link.execute(f"INSERT INTO {table} VALUES (%s, %s, %s)".encode(), (n, n / 7, f"row {n}"))


def spelt_out(link: Link, table: str, count: int) -> None:
    """A text of its own for each row."""
    for n in range(count):
        link.execute(f"INSERT INTO {table} VALUES ({n}, {n / 7}, 'row {n}')".encode())


def by_names(link: Link, table: str, count: int) -> None:
    """One row that says which columns it gives, in a transaction."""
    with link.transaction():
        one_by_one(link, table, count)


def many(link: Link, table: str, count: int) -> None:
    """executemany, which is one transaction in a pipeline."""
    rows = [(n, n / 7, f"row {n}") for n in range(count)]
    link.cursor().executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)".encode(), rows)


def many_rows(link: Link, table: str, count: int) -> None:
    """One statement of constants."""
    start = next(_NUMBERS) * 1_000_000
    rows = (f"({n}, {n / 7}, 'row {n}')" for n in range(start, start + count))
    link.execute(f"INSERT INTO {table} VALUES {', '.join(rows)}".encode())


def many_parameters(link: Link, table: str, count: int) -> None:
    """One statement of parameters, as pandas' method='multi' sends it."""
    rows = ", ".join(["(%s, %s, %s)"] * count)
    values = [each for n in range(count) for each in (n, n / 7, f"row {n}")]
    link.execute(f"INSERT INTO {table} VALUES {rows}".encode(), values)


def copy(form: str) -> Callable[[Link, str, int], None]:
    """COPY, a row at a time through psycopg."""

    def load(link: Link, table: str, count: int) -> None:
        with link.cursor().copy(f"COPY {table} FROM STDIN (FORMAT {form})".encode()) as copying:
            if form == "binary":
                copying.set_types(["int4", "float8", "text"])
            for n in range(count):
                copying.write_row((n, n / 7, f"row {n}"))

    return load


def made(link: Link, table: str, count: int) -> None:
    """INSERT ... SELECT of rows that are computed."""
    link.execute(
        f"INSERT INTO {table} SELECT g, g / 7::float8, 'row ' || g::text"
        f" FROM generate_series(1, {count}) AS s(g)".encode()
    )


def copied(link: Link, table: str, count: int) -> None:
    """INSERT ... SELECT of the rows of another table."""
    link.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS copied_{table} (n int, a float8, s text)".encode()
    )
    link.execute(f"INSERT INTO copied_{table} SELECT * FROM {table} LIMIT {count}".encode())


def by_key(statement: str) -> Callable[[Link, str, int], None]:
    """A statement for each of some rows of a large table, by key."""

    def run(link: Link, table: str, count: int) -> None:
        start = next(_NUMBERS) * count
        for n in range(start, start + count):
            link.execute(statement.format(t=table).encode(), {"n": n})

    return run


PLAIN, KEYED = "(n int, a float8, s text)", "(n int PRIMARY KEY, a float8, s text)"
_MILLION = 1_000_000
SELECT = "SELECT a FROM {t} WHERE n = %(n)s"
UPDATE = "UPDATE {t} SET a = a + 1 WHERE n = %(n)s"
DELETE = "DELETE FROM {t} WHERE n = %(n)s"
INSERT = "INSERT INTO {t} VALUES (%(n)s + 2000000, 1, 'x')"

LINES = (
    Line("INSERT one row, parameters", 500, one_by_one, PLAIN),
    Line("INSERT one row, parameters, key", 500, one_by_one, KEYED),
    Line("INSERT one row, constants", 500, spelt_out, PLAIN),
    Line("INSERT one row, constants, key", 500, spelt_out, KEYED),
    Line("INSERT one row, in a transaction", 500, by_names, KEYED),
    Line("executemany of 1,000 rows", 1000, many, PLAIN),
    Line("executemany of 1,000 rows, key", 1000, many, KEYED),
    Line("executemany of 10,000 rows, key", 10_000, many, KEYED),
    Line("VALUES of 1,000 rows", 1000, many_rows, PLAIN),
    Line("VALUES of 1,000 rows, key", 1000, many_rows, KEYED),
    Line("VALUES of 100,000 rows", 100_000, many_rows, PLAIN),
    Line("VALUES of 1,000 rows of parameters", 1000, many_parameters, PLAIN),
    Line("COPY text through psycopg", 100_000, copy("text"), PLAIN),
    Line("COPY binary through psycopg", 100_000, copy("binary"), PLAIN),
    Line("COPY text through psycopg, key", 100_000, copy("text"), KEYED),
    Line("INSERT SELECT of a million rows made", _MILLION, made, PLAIN),
    Line("INSERT SELECT of a million rows of a table", _MILLION, copied, PLAIN, _MILLION),
    Line("SELECT by key of a million", 200, by_key(SELECT), KEYED, _MILLION),
    Line("UPDATE by key of a million", 200, by_key(UPDATE), KEYED, _MILLION),
    Line("DELETE by key of a million", 200, by_key(DELETE), KEYED, _MILLION),
    Line("INSERT one row into a million, key", 200, by_key(INSERT), KEYED, _MILLION),
)  # fmt: skip


def measure(line: Line, server: Server) -> tuple[float, float]:
    """Microseconds of the server's CPU, and of time, for each of what the line counts."""
    table = f"bench_insert_{next(_NUMBERS)}"
    with server.connect() as link:
        link.execute(f"CREATE TABLE {table} {line.table}".encode())
        if line.filled:
            made(link, table, line.filled)
        worker = server.worker(link)
        if line.count <= _WARM:
            warm = f"{table}_warm"
            link.execute(f"CREATE TABLE {warm} {line.table}".encode())
            line.work(link, warm, 20)
            link.execute(f"DROP TABLE {warm}".encode())
        used, start = cpu_seconds(worker), time.perf_counter()
        line.work(link, table, line.count)
        taken, used = time.perf_counter() - start, cpu_seconds(worker) - used
        link.execute(f"DROP TABLE {table}".encode())
    return used / line.count * 1e6, taken / line.count * 1e6


_WARM = 10_000


def report(line: Line, servers: list[Server], runs: int) -> None:
    """Measure a line, and print it."""
    found: list[list[tuple[float, float]]] = [[] for _ in servers]
    try:
        for _ in range(runs):
            for server, figures in zip(servers, found, strict=True):
                figures.append(measure(line, server))
    except (Unavailable, psycopg.Error) as reason:
        print(_ROW.format(line.name, *["-"] * 6, str(reason).partition("\n")[0]), flush=True)
        return
    cells: list[str] = []
    for place in (0, 1):
        medians = [statistics.median(figures[place] for figures in each) for each in found]
        cells += [f"{each:,.1f}" for each in medians] + ["-"] * (2 - len(medians))
        cells.append(_ratio(medians))
    print(_ROW.format(line.name, *cells, ""), flush=True)


def _ratio(figures: Iterable[float]) -> str:
    ours, *theirs = figures
    return f"{ours / theirs[0]:.1f}x" if theirs and theirs[0] else "-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.inserting", description=__doc__)
    parser.add_argument("--reference", metavar="DSN", help="the server to compare with")
    parser.add_argument("--runs", type=int, default=3, help="of each line on each server")
    parser.add_argument("--only", default="", help="lines with this in their name")
    asked = parser.parse_args()
    with gateway() as ours, reference(asked.reference) as theirs:
        servers = [ours] if theirs is None else [ours, theirs]
        print(_ROW.format("microseconds each", "CPU", "reference", "", "time", "reference", "", ""))
        for line in LINES:
            if asked.only.lower() in line.name.lower():
                report(line, servers, asked.runs)


if __name__ == "__main__":
    main()
