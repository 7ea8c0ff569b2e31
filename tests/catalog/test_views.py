"""Views, defaults, CHECKs and indexes are printed back as PostgreSQL 15 prints them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

VIEWS = [
    line
    for line in (Path(__file__).parent / "views.sql").read_text().splitlines()
    if not line.startswith("--")
]
# What is shown as its author wrote it: more than is analysed.
OWN_WORDS = (
    "SELECT sum(a) AS s FROM t GROUP BY ROLLUP (b)",
    "SELECT grad(x * x, x) AS slope FROM child",
)
SHOWN = "SELECT pg_get_viewdef('{0}'::regclass), pg_get_viewdef('{0}'::regclass, true)"

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def both(objects: tuple[int, int]) -> Iterator[list[Connection]]:
    ours, theirs = (
        psycopg.connect(
            host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True
        )
        for port in objects
    )
    with ours, theirs:
        yield [ours, theirs]


@pytest.mark.parametrize("sql", VIEWS)
def test_a_view_is_printed_as_by_postgresql(sql: str, both: list[Connection]) -> None:
    shown = []
    for connection in both:
        connection.execute(f"CREATE VIEW printed AS {sql}".encode())
        shown.append(connection.execute(SHOWN.format("printed").encode()).fetchone())
        connection.execute("DROP VIEW printed")
    assert shown[0] == shown[1]


@pytest.mark.parametrize("sql", OWN_WORDS)
def test_what_is_not_analysed_is_shown_as_it_was_written(sql: str, both: list[Connection]) -> None:
    ours = both[0]
    ours.execute(f"CREATE VIEW printed AS {sql}".encode())
    try:
        assert ours.execute(SHOWN.format("printed").encode()).fetchone() == (f" {sql};",) * 2
    finally:
        ours.execute("DROP VIEW printed")


def test_names_are_printed_along_the_search_path(both: list[Connection]) -> None:
    seen: list[Any] = []
    for connection in both:
        connection.execute("CREATE SCHEMA aside")
        connection.execute("CREATE TABLE aside.numbered (id serial, n int)")
        connection.execute("SET search_path = aside, public")
        connection.execute("CREATE VIEW over AS SELECT n FROM numbered JOIN t ON t.id = n")
        for path in ("aside, public", "public", "other"):
            connection.execute(f"SET search_path = {path}".encode())
            rows = connection.execute(SHOWN.format("aside.over").encode()).fetchall()
            rows += connection.execute(
                "SELECT column_name, column_default FROM information_schema.columns"
                " WHERE table_name = 'numbered' ORDER BY 1"
            ).fetchall()
            seen.append(rows)
        connection.execute("RESET search_path")
        connection.execute("DROP SCHEMA aside CASCADE")
    assert seen[:3] == seen[3:]
