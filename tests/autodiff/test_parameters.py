"""Derivatives by parameters of a statement, beside differences of the function itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

Connection = psycopg.Connection[Any]
HERE = {"w": 1.7, "b": -0.4}
STEP = 1e-5
MODEL = "(SELECT %(w)s * x + %(b)s AS f, y, k FROM points)"
# [f] is the function: each query is run with grad(f, w), and with f itself at two points beside w.
QUERIES = (
    "SELECT avg([(%(w)s * x + %(b)s - y) ^ 2]) FROM points",
    "SELECT [avg((%(w)s * x + %(b)s - y) ^ 2)] FROM points",
    "SELECT k, [sum(sin(%(w)s * x) * y)] FROM points GROUP BY k ORDER BY k",
    f"SELECT avg([(f - y) ^ 2]) FROM {MODEL} AS m",
    f"WITH m AS {MODEL} SELECT avg([(f - y) ^ 2]) FROM m",
    f"WITH m AS MATERIALIZED {MODEL} SELECT avg([(f - y) ^ 2]) FROM m",
    f"SELECT [avg((f - y) ^ 2)] FROM {MODEL} AS m",
    "SELECT [(SELECT avg((%(w)s * x - y) ^ 2) FROM points)]",
    "SELECT k, [(SELECT sum(exp(%(w)s * p.x)) FROM points AS p WHERE p.k = q.k)]"
    " FROM points AS q ORDER BY q.x",
    "SELECT [%(w)s ^ 3]",
    "SELECT [%(w)s ^ %(b)s * ln(%(w)s)], %(w)s + 1 FROM points WHERE x > %(w)s / 10 LIMIT 2",
    "SELECT x, [l.v * %(w)s] FROM points, LATERAL (SELECT x * %(w)s AS v) AS l ORDER BY x",
    "SELECT [s] FROM (SELECT sum(x) * %(w)s ^ 2 AS s FROM points) AS q",
    "SELECT [x * v] FROM points, (VALUES (%(w)s)) AS t(v) ORDER BY x",
    "SELECT [p.x * %(w)s] FROM points AS p RIGHT JOIN (VALUES (1), (5)) AS v(n) ON p.k = v.n"
    " ORDER BY p.x",
    "SELECT *, [x * sqrt(%(w)s)] FROM points ORDER BY x",
    "SELECT [%(w)s * x] FROM points WHERE k = 1"
    " UNION ALL SELECT [%(w)s * y] FROM points ORDER BY 1",
    "SELECT [CASE WHEN x > 0.5 THEN %(w)s * x ELSE %(w)s ^ 2 END] FROM points ORDER BY x",
)  # fmt: skip
_FUNCTION = re.compile(r"\[(.*?)\](?! AS)")


@pytest.fixture
def client(connect: Connect) -> Iterator[Connection]:
    connection = connect()
    connection.execute("DROP TABLE IF EXISTS points")
    connection.execute(
        "CREATE TABLE points AS SELECT x / 10.0::float8 AS x, cos(x)::float8 AS y, x % 3 AS k"
        " FROM generate_series(1, 8) AS g(x)"
    )
    yield connection
    connection.execute("DROP TABLE points")


def answers(connection: Connection, query: str, **changed: float) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), {**HERE, **changed}).fetchall()


@pytest.mark.parametrize("query", QUERIES)
def test_as_the_difference_of_the_function(query: str, client: Connection) -> None:
    bare = _FUNCTION.sub(r"(\1)", query)
    places = [HERE["w"] - STEP, HERE["w"] + STEP]
    below, above = (answers(client, bare, w=w) for w in places)
    found = answers(client, _FUNCTION.sub(r"grad(\1, %(w)s)", query))
    assert len(found) == len(above) > 0
    before = answers(client, bare)
    for cells in zip(found, below, above, before, strict=True):
        for slope, left, right, same in zip(*cells, strict=True):
            # What is no derivative is as in the function's own row.
            if slope != same:
                assert slope == pytest.approx((right - left) / (2 * STEP), rel=1e-6, abs=1e-6)


def test_forward_and_reverse_mode(client: Connection) -> None:
    query = (
        "SELECT jvp(%(w)s * %(b)s, %(w)s, 2.0, %(b)s, 3.0), vjp(%(w)s * %(b)s, %(b)s, 5.0),"
        " grad(grad(%(w)s ^ 3, %(w)s), %(w)s)"
    )
    w, b = HERE["w"], HERE["b"]
    assert answers(client, query) == [pytest.approx((2 * b + 3 * w, 5 * w, 6 * w))]


def test_by_what_prepare_declares(client: Connection) -> None:
    client.execute("PREPARE slope(float8) AS SELECT sum(grad(x * $1 ^ 2, $1)) FROM points")
    assert client.execute("EXECUTE slope(3)").fetchall() == [(pytest.approx(6 * 3.6),)]
    client.execute("DEALLOCATE slope")


@pytest.mark.parametrize("kind", ["smallint", "int", "bigint", "real", "numeric", "float8"])
def test_of_any_type_of_number(kind: str, client: Connection) -> None:
    cast = f"%(w)s::{kind}"
    query = f"SELECT grad({cast} * x, {cast}), grad(({cast} + 0.5) ^ 2, {cast}) FROM points LIMIT 1"
    assert answers(client, query, w=3.0) == [pytest.approx((0.1, 7.0))]


def test_of_an_integer_that_a_driver_sends(client: Connection) -> None:
    found = client.execute("SELECT grad(%(w)s * x, %(w)s) FROM points LIMIT 1", {"w": 2})
    assert found.fetchall() == [pytest.approx((0.1,))]


def test_columns_keep_their_names(client: Connection) -> None:
    query = "SELECT grad(x * %(w)s, %(w)s), %(w)s::int, sin(%(w)s), %(w)s + 1 FROM points"
    columns = client.execute(query, HERE).description
    assert columns is not None
    assert [column.name for column in columns] == ["grad", "int4", "sin", "?column?"]


def test_in_writes(client: Connection) -> None:
    client.execute("UPDATE points SET y = grad(x * %(w)s ^ 2, %(w)s) WHERE k = 1", HERE)
    rows = client.execute("SELECT x, y FROM points WHERE k = 1 ORDER BY x").fetchall()
    assert [y for _, y in rows] == pytest.approx([2 * HERE["w"] * x for x, _ in rows])


def test_what_is_refused(client: Connection) -> None:
    query = "SELECT grad(d, %(w)s) FROM (SELECT DISTINCT k * %(w)s AS d FROM points) AS q"
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="DISTINCT"):
        client.execute(query.encode(), HERE)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="another type"):
        client.execute("SELECT grad(x * %(w)s::int, %(w)s::int), %(w)s FROM points", HERE)
    with pytest.raises(psycopg.errors.InvalidColumnReference, match="text"):
        client.execute("SELECT grad(x, %(w)s::text) FROM points", {"w": "1"})
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"\*"):
        client.execute(
            "SELECT *, grad(x * %(w)s, %(w)s) FROM points JOIN points AS q USING (x)", HERE
        )
