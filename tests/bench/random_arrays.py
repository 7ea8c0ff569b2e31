"""Many random queries over arrays, to a gateway of its own and to a PostgreSQL with the same rows.

    python -m tests.bench.random_arrays "host=127.0.0.1" 0 700 [--seed 1]

Of the four tables of `random_queries` three are datasets here. Dimensions rise, fall, repeat or
have no order, chunks are of any length, and every shortcut is taken though the arrays are small.
Each query is asked as it is, and where it has aggregates with array_aggregation off, too.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import psycopg
import xarray

from gateway.aggregation import recognising
from gateway.app import App
from gateway.catalog import datasets as served
from gateway.config import Dataset, Settings
from gateway.session.queries import counted_apart, grid_planning
from gateway.sources.aggregates import partials, regions
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.relations import relations_of
from tests.differential.answers import answer, same
from tests.differential.queries import Queries
from tests.differential.vocabulary import SETUP
from tests.sources.scans import rows_of

TYPES = {
    "x": "float8", "y": "float8", "w": "float8", "s": "text", "name": "text", "b": "bool",
    "d": "date", "t": "timestamp", "k": "bigint", "h": "smallint", "id": "int", "g": "int",
}  # fmt: skip
_SMALL = (
    (recognising, "FEWEST_ROWS", 0), (grid_planning, "FEWEST_ROWS", 0), (grid, "BLOCK_ROWS", 10),
    (regions, "PIECE_VALUES", 11), (partials, "REGION_GROUPS", 12),
    (counted_apart, "VALUE_BYTES", 1 << 30),
)  # fmt: skip
_AGGREGATES = ("sum(", "avg(", "count(", "min(", "max(", "GROUP")


def grids(seed: int) -> dict[str, xarray.Dataset]:
    """The tables a, b and c as datasets."""
    random = np.random.default_rng(seed)
    words = np.array(["red", "Green", "blue", None, "", "a%b_c", "Zed", "blue ", "7"], object)
    reals = np.array([0.5, -1.5, np.nan, 2.25, 0, 1e10, -0.125, 3.0, -0.0])
    flags = np.array([True, False, None], object)
    days = np.array([date(2020, 1, 31), date(2020, 2, 29), None, date(1999, 12, 31)], object)
    moments = ["2020-01-01", "2020-02-29T12:30:15.25", "2021-03-28T01:30", "1970-01-01"]

    def turned(values: Any, dtype: str) -> Any:
        found = np.array(values, dtype)
        return [found, found[::-1], random.permutation(found)][random.integers(0, 3)]

    made = {
        "a": xarray.Dataset(
            {
                "x": (("id", "g"), random.choice(reals, (8, 3))),
                "s": (("id", "g"), random.choice(words, (8, 3))),
                "b": (("id", "g"), random.choice(flags, (8, 3))),
            },
            {
                "id": turned(range(1, 9), "i4"),
                "g": turned([1, 2, 3], "i4"),
                "d": ("id", random.choice(days, 8)),
            },
        ),
        "b": xarray.Dataset(
            {
                "y": (("t", "k"), random.choice(reals, (4, 4))),
                "id": (("k", "t"), random.integers(0, 9, (4, 4)).astype("u2")),
            },
            {
                "t": turned(moments, "M8[ns]"),
                "k": turned([10, -7, 5_000_000_000, 0], "i8"),
                "s": ("t", random.choice(words, 4)),
            },
        ),
        "c": xarray.Dataset(
            {"w": (("g", "h"), random.choice(reals, (4, 5)))},
            {
                "g": turned([[1, 2, 2, 3], [0, 1, 2, 3]][random.integers(0, 2)], "i4"),
                "h": turned([-3, 0, 1, 2, 7], "i2"),
                "name": ("g", random.choice(words, 4)),
            },
        ),
    }
    for dataset in made.values():
        for variable in dataset.data_vars.values():
            lengths = {dim: int(random.integers(1, 4)) for dim in variable.dims}
            variable.encoding["preferred_chunks"] = lengths
    return made


@contextmanager
def serving(made: dict[str, xarray.Dataset]) -> Iterator[App]:
    """A gateway of these datasets, some of which no file holds."""

    def opened(dataset: Dataset) -> Any:
        return relations_of(dataset.name, made[dataset.name])

    datasets = [Dataset(name=name, uri="memory://arrays") for name in made]
    with patch.object(served, "open_one", opened), App(Settings(port=0, datasets=datasets)) as app:
        yield app


@contextmanager
def filled(reference: psycopg.Connection[Any], made: dict[str, xarray.Dataset]) -> Iterator[None]:
    """The same rows as tables of the reference, in a schema of their own."""
    schema = f"random_arrays_{os.getpid()}"
    reference.execute(f"CREATE SCHEMA {schema}".encode())
    reference.execute(f"SET search_path TO {schema}".encode())
    try:
        for name, dataset in made.items():
            rows = rows_of(GridTable(dataset, [*map(str, dataset.data_vars)]))
            columns = ", ".join(f"{column} {TYPES[column]}" for column in rows.column_names)
            reference.execute(f"CREATE TABLE {name} ({columns})".encode())
            with (
                reference.cursor() as cursor,
                cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy,
            ):
                for row in rows.to_pylist():
                    copy.write_row(tuple(row.values()))
        yield
    finally:
        reference.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def main() -> None:
    """Print each query that is answered otherwise with both answers, and a count at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("first", type=int)
    parser.add_argument("numbers", type=int)
    parser.add_argument("--seed", type=int, default=0, help="which arrays")
    asked = parser.parse_args()
    for module, name, value in _SMALL:
        setattr(module, name, value)
    made = grids(asked.seed)
    table = [each for each in SETUP.split(";") if "TABLE e " in each or "INTO e" in each]
    outcomes: Counter[str] = Counter()
    with serving(made) as app, psycopg.connect(asked.reference, autocommit=True) as reference:
        host, port = app.address
        where = f"host={host} port={port} user=u dbname=d"
        with (
            psycopg.connect(where, autocommit=True) as gateway,
            psycopg.connect(where, autocommit=True) as plain,
            filled(reference, made),
        ):
            plain.execute("SET gradwire.array_aggregation = off")
            for statement in table:
                for each in (gateway, reference):
                    each.execute(statement.encode())
            for number in range(asked.first, asked.first + asked.numbers):
                drawn = Queries(Random(number))
                zone = f"SET TimeZone TO '{drawn.zone()}'".encode()
                query = drawn.query()
                for each in (gateway, plain, reference):
                    each.execute(zone)
                right = answer(reference, query)
                ways = {"arrays": gateway}
                if any(word in query for word in _AGGREGATES):
                    ways["plain"] = plain
                for way, connection in ways.items():
                    found = answer(connection, query)
                    refused = [each for each in (found, right) if isinstance(each, str)]
                    alike = same(found, right) or len(refused) == 2
                    outcomes[f"{way}: {'the same' if alike else ' '.join(refused) or 'other'}"] += 1
                    if not alike:
                        print(f"{number} {way}: {query}\n  gateway   {found}\n  reference {right}")
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


if __name__ == "__main__":
    main()
