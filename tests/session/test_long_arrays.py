"""Texts of long arrays, which the engine takes apart, give what PostgreSQL's give."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

LENGTH = 150

#    type          an element      the last ones
TEXTS = [
    ("int2",       "1",            "-3, NULL, 32767"),
    ("int4",       "1",            " 7 ,null,-2147483648"),
    ("int8",       "1",            "9223372036854775807"),
    ("float8",     "1.5",          "Infinity, -1e5, NaN, NULL, 1e-300"),
    ("float4",     "0.1",          "Infinity, NULL"),
    ("bool",       "t",            "false, yes, NULL"),
    ("text",       "a",            'b c, NULL, "NULL", "", "a,b", ü'),
    ("text",       "a",            "b\x1fc, d\x1ee"),
    ("date",       "2020-01-01",   "NULL"),
    ("int4",       "1",            "x"),
    ("int2",       "1",            "40000"),
    ("float8",     "1",            "1e999"),
]  # fmt: skip


def told(connection: psycopg.Connection[tuple[object]], query: str) -> object:
    """The value, or the SQLSTATE."""
    try:
        row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        return error.sqlstate
    return row and row[0]


@pytest.mark.parametrize(("kind", "element", "last"), TEXTS)
def test_a_long_array_is_read_as_a_short_one(
    connect: Connect, postgres: Connect, kind: str, element: str, last: str
) -> None:
    query = f"SELECT '{{{','.join([element] * LENGTH)},{last}}}'::{kind}[]::text"
    with connect() as ours, postgres() as theirs:
        assert told(ours, query) == told(theirs, query)
