"""`x = ANY ($1)` of thousands of values: the rows that it means, and a plan that names none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

NUMBERS = list(range(-2000, 2000, 2))
SOME = [None, -2001, -2000, -1, 0, 1, 2, 1998, 2000, 70_000]
START = date(2000, 1, 1)
DAYS = [START + timedelta(days=n) for n in NUMBERS]


def among(n: int | None, numbers: list[int | None]) -> bool | None:
    """What `n = ANY (numbers)` is."""
    if n is None or (n not in numbers and None in numbers):
        return None
    return n in numbers


IN = [n for n in SOME if n is not None and n in NUMBERS]
OUT = [n for n in SOME if n is not None and n not in NUMBERS]

# A condition, its list, and the numbers of the rows for which it holds.
CONDITIONS: tuple[tuple[str, list[Any], list[int | None]], ...] = (
    ("n = ANY (%s)", NUMBERS, IN),
    ("n = ANY (%s::int[])", NUMBERS, IN),
    ("n = ANY (%s::bigint[])", NUMBERS, IN),
    ("big = ANY (%s)", NUMBERS, IN),
    ("n = ANY (%s)", [*NUMBERS, 70_000], [*IN, 70_000]),
    ("n = ANY (%s)", [*NUMBERS, None, *NUMBERS], IN),
    ("n = ANY (%s) AND n > 0", NUMBERS, [n for n in IN if n > 0]),
    ("(n = ANY (%s)) AND (n > 0 OR n < 0)", NUMBERS, [n for n in IN if n]),
    ("n = ANY (%s) OR n IS NULL", NUMBERS, [None, *IN]),
    ("NOT n = ANY (%s)", NUMBERS, OUT),
    ("NOT n = ANY (%s)", [*NUMBERS, None], []),
    ("n <> ALL (%s)", NUMBERS, OUT),
    ("(n = ANY (%s)) IS NULL", NUMBERS, [None]),
    ("n + 1 = ANY (%s)", NUMBERS, [n for n in SOME if n is not None and n + 1 in NUMBERS]),
    ("s = ANY (%s)", [str(n) for n in NUMBERS], IN),
    ("s = ANY (%s::text[])", [str(n) for n in NUMBERS], IN),
    ("d = ANY (%s)", DAYS, [n for n in IN if n in NUMBERS]),
    ("f = ANY (%s)", [float(n) for n in NUMBERS], IN),
    ("EXISTS (SELECT FROM listed AS u WHERE u.n = ANY (%s) AND u.n = listed.n)", NUMBERS, IN),
)


@pytest.fixture
def listed(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    connection = connect()
    connection.execute("CREATE TEMP TABLE listed (n int, big bigint, s text, d date, f float8)")
    rows = [(n, str(n), START + timedelta(days=n)) for n in SOME if n is not None]
    connection.cursor().executemany("INSERT INTO listed (n, s, d) VALUES (%s, %s, %s)", rows)
    connection.execute("UPDATE listed SET big = n, f = n")
    connection.execute("INSERT INTO listed DEFAULT VALUES")
    yield connection


def sorted_numbers(rows: list[tuple[Any, ...]]) -> list[Any]:
    return sorted((n for (n,) in rows), key=str)


def test_a_long_list_means_what_a_short_one_does(listed: psycopg.Connection[Any]) -> None:
    for condition, values, expected in CONDITIONS:
        query = f"SELECT n FROM listed WHERE {condition}".encode()
        found = sorted_numbers(listed.execute(query, [values]).fetchall())
        assert (condition, found) == (condition, sorted(expected, key=str))


def test_in_a_select_list_it_may_be_unknown(listed: psycopg.Connection[Any]) -> None:
    values = [*NUMBERS, None]
    found = listed.execute("SELECT n, n = ANY (%s) FROM listed", [values]).fetchall()
    assert sorted(found, key=str) == sorted(((n, among(n, values)) for n in SOME), key=str)


def test_writes_take_the_same_rows(listed: psycopg.Connection[Any]) -> None:
    updated = listed.execute("UPDATE listed SET f = -1 WHERE n = ANY (%s)", [NUMBERS])
    assert updated.rowcount == len(IN)
    deleted = listed.execute("DELETE FROM listed WHERE n = ANY (%s) RETURNING n", [NUMBERS])
    assert sorted_numbers(deleted.fetchall()) == sorted(IN, key=str)
    left = listed.execute("SELECT n FROM listed").fetchall()
    assert sorted_numbers(left) == sorted([None, *OUT], key=str)


def test_lists_of_several_runs_are_their_own(listed: psycopg.Connection[Any]) -> None:
    query = "SELECT n FROM listed WHERE n = ANY (%s) AND big = ANY (%s)"
    for start in (0, 1, 0):
        first, second = list(range(start, 4000, 2)), list(range(start, 1500))
        expected = [n for n in SOME if n in first and n in second]
        found = listed.execute(query, [first, second], prepare=True).fetchall()
        assert sorted_numbers(found) == sorted(expected, key=str)


def test_a_plan_names_no_value(listed: psycopg.Connection[Any]) -> None:
    plan = listed.execute("EXPLAIN SELECT n FROM listed WHERE n = ANY (%s)", [NUMBERS]).fetchall()
    assert sum(len(line) for (line,) in plan) < 2000
