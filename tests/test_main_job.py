"""The main job, through psycopg, on the bundled data: derivatives, training, recursion, writes.

Every answer has a witness that is not ours: a closed form, numpy, or xarray's own reading.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
import xarray

from gateway.sources.opening import ncep
from tests.conftest import Connect

Connection = psycopg.Connection[Any]


@pytest.fixture
def client(connect: Connect) -> Connection:
    return connect()


@pytest.fixture(scope="module")
def winds() -> xarray.Dataset:
    with xarray.open_zarr(ncep.location(), group="winds", consolidated=False) as dataset:
        return dataset.load()


@pytest.fixture
def scratch(client: Connection, request: pytest.FixtureRequest) -> Iterator[str]:
    """A schema of the test's own, dropped afterwards."""
    name = request.node.name.partition("[")[0][:60]
    client.execute(f'CREATE SCHEMA "{name}"')
    client.execute(f'SET search_path TO "{name}", public')
    yield name
    client.execute(f'DROP SCHEMA "{name}" CASCADE')


# 0. The table itself


def test_a_whole_table_is_what_xarray_reads(client: Connection, winds: xarray.Dataset) -> None:
    frame = winds.to_dataframe().reset_index()
    cursor = client.execute("SELECT * FROM ncep.winds")
    names = [column.name for column in cursor.description or ()]
    assert names == ["time", "latitude", "longitude", "uwnd", "vwnd"]
    frame = frame[names]  # an unconsolidated store lists its variables as the file system does
    rows = cursor.fetchall()
    assert len(rows) == 126_144
    columns = dict(zip(frame.columns, zip(*rows, strict=True), strict=True))
    assert np.array_equal(np.array(columns["time"], "datetime64[us]"), frame["time"].to_numpy())
    for name in ("latitude", "longitude", "uwnd", "vwnd"):
        found = np.array(columns[name], frame[name].dtype)
        assert np.array_equal(found, frame[name].to_numpy())


@pytest.mark.parametrize(
    ("table", "rows"), [("ncep.winds", 126_144), ("ncep.height", 92_365), ("ncep.sst", 27_000)]
)
def test_every_table_of_the_hierarchy(client: Connection, table: str, rows: int) -> None:
    assert client.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,)


# 1. A derivative for every row


def test_gradient_of_the_kinetic_energy(client: Connection, winds: xarray.Dataset) -> None:
    cursor = client.execute(
        "SELECT time, latitude, longitude, uwnd, grad(uwnd * uwnd + vwnd * vwnd, uwnd)"
        " FROM ncep.winds"
    )
    assert (cursor.description or ())[-1].name == "grad"
    found = np.array([row[-1] for row in cursor], "f8")
    assert np.array_equal(found, 2.0 * winds["uwnd"].values.astype("f8").ravel())


# 2. Jacobians, higher orders, jvp and vjp


def test_a_jacobian_as_columns(client: Connection) -> None:
    rows = client.execute(
        """SELECT r, t, grad(r * cos(t), r), grad(r * cos(t), t),
                  grad(r * sin(t), r), grad(r * sin(t), t)
           FROM (VALUES (1.0, 0.3), (2.5, 1.1)) AS polar(r, t)"""
    ).fetchall()
    for r, t, *jacobian in rows:
        expected = [math.cos(t), -r * math.sin(t), math.sin(t), r * math.cos(t)]
        assert jacobian == pytest.approx(expected, rel=1e-15)


def test_higher_derivatives(client: Connection) -> None:
    rows = client.execute(
        """SELECT x, grad(grad(sin(x), x), x), grad(grad(grad(sin(x), x), x), x),
                  grad(grad(x ^ 3, x), x), grad(grad(grad(x ^ 3, x), x), x)
           FROM (VALUES (-0.7), (0.0), (1.9)) AS points(x)"""
    ).fetchall()
    for x, second, third, cube_second, cube_third in rows:
        assert (second, third) == pytest.approx((-math.sin(x), -math.cos(x)))
        assert (cube_second, cube_third) == pytest.approx((6.0 * x, 6.0))


def test_jvp_is_vjp_with_unit_seeds_and_sums_its_inputs(client: Connection) -> None:
    rows = client.execute(
        """SELECT grad(f * g * g, f), jvp(f * g * g, f, 1.0), vjp(f * g * g, f, 1.0),
                  jvp(f * g * g, f, 0.25, g, -2.0), f, g
           FROM (SELECT uwnd::float8 AS f, vwnd::float8 AS g FROM ncep.winds LIMIT 500) AS w"""
    ).fetchall()
    for by_f, forward, reverse, both, f, g in rows:
        assert by_f == forward == reverse == g * g
        assert both == pytest.approx(0.25 * g * g - 2.0 * 2.0 * f * g)


# 3. Training from the client

STEP = """
INSERT INTO params
SELECT cur.step + 1,
       cur.a - 1.5 * AVG(grad(power(d.y - (cur.a * d.x + cur.b), 2), cur.a)),
       cur.b - 0.4 * AVG(grad(power(d.y - (cur.a * d.x + cur.b), 2), cur.b))
FROM (SELECT * FROM params ORDER BY step DESC LIMIT 1) AS cur
CROSS JOIN (SELECT latitude / 90 AS x, sst AS y FROM ncep.sst
            WHERE sst IS NOT NULL AND time >= '2005-01-01') AS d
GROUP BY cur.step, cur.a, cur.b
"""

LOSS = """
SELECT p.step, AVG(power(d.y - (p.a * d.x + p.b), 2)) AS loss
FROM params AS p
CROSS JOIN (SELECT latitude / 90 AS x, sst AS y FROM ncep.sst
            WHERE sst IS NOT NULL AND time >= '2005-01-01') AS d
GROUP BY p.step ORDER BY p.step
"""


def test_gradient_descent_from_the_client(client: Connection, scratch: str) -> None:
    client.execute("CREATE TABLE params (step int, a double precision, b double precision)")
    client.execute("INSERT INTO params VALUES (0, 0, 0)")
    for _ in range(100):
        assert client.execute(STEP).rowcount == 1
    curve = client.execute(LOSS).fetchall()
    losses = [loss for _, loss in curve]
    assert [step for step, _ in curve] == list(range(101))
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(losses))
    data = np.array(
        client.execute(
            "SELECT latitude / 90, sst FROM ncep.sst WHERE sst IS NOT NULL AND time >= '2005-01-01'"
        ).fetchall()
    )
    slope, intercept = np.polyfit(data[:, 0], data[:, 1], 1)
    final = client.execute("SELECT a, b FROM params ORDER BY step DESC LIMIT 1").fetchone()
    assert final == pytest.approx((slope, intercept), abs=1e-6)


# 4. Recursion


def test_newton_with_grad_in_the_recursive_term(client: Connection) -> None:
    rows = client.execute(
        """WITH RECURSIVE newton(step, x) AS (
               SELECT 0, 1.0
               UNION ALL
               SELECT step + 1, x - (x * x - 2) / grad(x * x - 2, x) FROM newton WHERE step < 6)
           SELECT x FROM newton ORDER BY step"""
    ).fetchall()
    assert rows[-1][0] == pytest.approx(math.sqrt(2), rel=1e-15)


def test_a_gradient_descent_inside_one_statement(client: Connection) -> None:
    rows = client.execute(
        """WITH RECURSIVE descent(step, a, b) AS (
               SELECT 0, 0.0, 0.0
               UNION ALL
               SELECT p.step + 1,
                      p.a - 1.5 * AVG(grad(power(s.sst - (p.a * s.latitude / 90 + p.b), 2), p.a)),
                      p.b - 0.4 * AVG(grad(power(s.sst - (p.a * s.latitude / 90 + p.b), 2), p.b))
               FROM descent AS p CROSS JOIN ncep.sst AS s
               WHERE p.step < 100 AND s.sst IS NOT NULL
               GROUP BY p.step, p.a, p.b)
           SELECT a, b FROM descent ORDER BY step DESC LIMIT 1"""
    ).fetchone()
    data = np.array(
        client.execute("SELECT latitude / 90, sst FROM ncep.sst WHERE sst IS NOT NULL").fetchall()
    )
    assert rows == pytest.approx(np.polyfit(data[:, 0], data[:, 1], 1), abs=1e-6)


# 5. Plain tables, writes, views


def test_a_plain_table_joined_to_a_grid(client: Connection, scratch: str) -> None:
    client.execute("CREATE TABLE scale (k int, factor double precision)")
    client.execute("INSERT INTO scale VALUES (1, 0.5), (2, 3)")
    rows = client.execute(
        """SELECT s.k, AVG(grad(s.factor * s.factor * w.uwnd, s.factor)), AVG(w.uwnd::float8)
           FROM scale AS s CROSS JOIN ncep.winds AS w WHERE w.latitude = 50
           GROUP BY s.k, s.factor ORDER BY s.k"""
    ).fetchall()
    assert [row[1] for row in rows] == pytest.approx([1.0 * rows[0][2], 6.0 * rows[1][2]])


def test_derivatives_in_update_delete_and_returning(client: Connection, scratch: str) -> None:
    client.execute("CREATE TABLE p (id int PRIMARY KEY, x double precision)")
    client.execute("INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)")
    updated = client.execute(
        "UPDATE p SET x = x - 0.25 * grad(x * x, x) WHERE grad(x * x, x) > 3"
        " RETURNING id, x, grad(x ^ 3, x)"
    ).fetchall()
    assert sorted(updated) == [(2, 1.0, 3.0), (3, 1.5, 6.75)]
    deleted = client.execute("DELETE FROM p WHERE grad(x ^ 2, x) > 2.5")
    assert deleted.rowcount == 1
    assert client.execute("SELECT id, x FROM p ORDER BY id").fetchall() == [(1, 1.0), (2, 1.0)]


def test_a_table_made_of_derivatives(client: Connection, scratch: str) -> None:
    made = client.execute(
        "CREATE TABLE slopes AS SELECT latitude, AVG(grad(uwnd * uwnd, uwnd)) AS slope"
        " FROM ncep.winds GROUP BY latitude"
    )
    assert made.statusmessage == "SELECT 73"
    slopes = dict(client.execute("SELECT latitude, slope FROM slopes").fetchall())
    winds = client.execute("SELECT latitude, uwnd FROM ncep.winds").fetchall()
    latitudes, uwnd = (np.array(column, dtype=float) for column in zip(*winds, strict=True))
    assert len(slopes) == 73
    for latitude in (90.0, 50.0, -2.5):
        expected = 2 * np.nanmean(uwnd[latitudes == latitude])
        assert slopes[latitude] == pytest.approx(expected, rel=1e-5)


def test_a_view_with_grad_queried_and_differentiated_again(
    client: Connection, scratch: str
) -> None:
    client.execute(
        "CREATE VIEW energy AS SELECT latitude, uwnd::float8 AS u,"
        " grad(uwnd::float8 ^ 3, uwnd) AS slope FROM ncep.winds"
    )
    rows = client.execute(
        "SELECT u, slope FROM energy WHERE latitude = 50 AND slope > 100 LIMIT 20"
    ).fetchall()
    assert len(rows) == 20
    assert [slope for _, slope in rows] == pytest.approx([3 * u * u for u, _ in rows])


def test_differentiate_sql(client: Connection) -> None:
    row = client.execute("SELECT differentiate_sql('sin(x) * y', 'x')").fetchone()
    assert row == ("cos(x) * y",)


# What is refused, and how


@pytest.mark.parametrize(
    ("query", "code", "at"),
    [
        ("SELECT grad(upper(uwnd::text), uwnd) FROM ncep.winds", "0A000", "upper"),
        ("SELECT grad(uwnd, nope) FROM ncep.winds", "42703", "nope"),
        ("SELECT nope FROM ncep.winds", "42703", "nope"),
        ("SELECT sinn(uwnd) FROM ncep.winds", "42883", "sinn"),
        ("SELECT 1 FROM ncep.wind", "42P01", "ncep"),
        ("SELECT 1 FRM ncep.winds", "42601", "ncep"),
        ("SELECT 1; SELECT uwnd, grad(uwnd) FROM ncep.winds", "42883", "grad"),
        ("DELETE FROM ncep.winds", "25006", ""),
        ("SELECT 1 / 0", "22012", ""),
    ],
)
def test_refusals_carry_a_code_and_a_place(
    client: Connection, query: str, code: str, at: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(query).fetchall()
    assert caught.value.sqlstate == code
    if at:
        position = int(caught.value.diag.statement_position or 0)
        assert query[position - 1 :].startswith(at)
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_an_error_in_returning_undoes_the_write(client: Connection, scratch: str) -> None:
    client.execute("CREATE TABLE t (n int)")
    with pytest.raises(psycopg.errors.DivisionByZero):
        client.execute("INSERT INTO t VALUES (1), (0) RETURNING 1 / n")
    assert client.execute("SELECT count(*) FROM t").fetchone() == (0,)


WIDENED = [
    ("SELECT CASE WHEN n > 3 THEN 1 ELSE 2.5 END FROM (VALUES (1), (5)) AS t(n)", [2.5, 1.0]),
    ("SELECT n FROM (VALUES (1)) AS t(n) UNION ALL SELECT 2.5", [1.0, 2.5]),
    ("SELECT NULL AS n UNION ALL SELECT 1", [None, 1]),
]


@pytest.mark.parametrize(("query", "expected"), WIDENED)
@pytest.mark.parametrize("binary", [False, True])
def test_a_column_has_the_type_that_all_its_branches_need(
    client: Connection, query: str, expected: list[object], binary: bool
) -> None:
    found = [row[0] for row in client.execute(query, binary=binary)]
    assert sorted(found, key=str) == sorted(expected, key=str)  # UNION ALL keeps no order


def test_a_table_keeps_what_a_widened_column_holds(client: Connection, scratch: str) -> None:
    client.execute(f"CREATE TABLE t AS {WIDENED[0][0].replace(' END', ' END AS v')}")
    assert client.execute("SELECT v FROM t ORDER BY v").fetchall() == [(1.0,), (2.5,)]
