"""differentiate and integrate in SQL equal xarray over the bundled winds, wherever they stand."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import xarray

from gateway.sources.opening import ncep
from tests.conftest import Connect

RADIUS = 6371200.0


@pytest.fixture(scope="module")
def winds() -> xarray.Dataset:
    dataset = xarray.open_datatree(ncep.location(), engine="zarr", consolidated=False)[
        "winds"
    ].to_dataset()
    return dataset.load()


def answer(connect: Connect, sql: str) -> np.ndarray:
    """The one column of a query, NULL as NaN."""
    return np.array([row[0] for row in connect().execute(sql)], float)


def flat(array: xarray.DataArray) -> np.ndarray:
    return array.transpose("time", "latitude", "longitude").values.ravel()


def cosine(winds: xarray.Dataset) -> xarray.DataArray:
    return np.cos(np.radians(winds.latitude.astype("f8")))


def test_vorticity_is_one_query(connect: Connect, winds: xarray.Dataset) -> None:
    """Against the same formula in xarray, in degrees as the coordinates are."""
    eastward = winds.vwnd.differentiate("longitude")
    northward = (winds.uwnd * cosine(winds)).differentiate("latitude")
    wanted = np.degrees(eastward - northward) / (RADIUS * cosine(winds))
    wanted = wanted.sel(latitude=slice(85, -85))
    assert wanted.size > 0
    found = answer(
        connect,
        f"""SELECT degrees(differentiate(vwnd, longitude)
                   - differentiate(uwnd * cos(radians(latitude)), latitude))
                   / ({RADIUS} * cos(radians(latitude)))
            FROM ncep.winds WHERE latitude BETWEEN -85 AND 85""",
    )
    assert np.abs(found - flat(wanted)).max() < 1e-12 * np.abs(found).max()


DX = "differentiate(uwnd, longitude)"

#    query                                                           what it is in xarray
EQUAL = [
    (f"SELECT {DX} FROM ncep.winds",                                 lambda w: dx(w.uwnd)),
    (f"SELECT {DX} FROM ncep.winds WHERE latitude = 0 AND longitude >= 100",
     lambda w: dx(w.uwnd).sel(latitude=[0], longitude=slice(100, None))),
    (f"SELECT {DX} FROM ncep.winds WHERE {DX} > 0.5",
     lambda w: positive(dx(w.uwnd), 0.5)),
    (f"SELECT a.{'x'} FROM (SELECT {DX} AS x FROM ncep.winds) AS a", lambda w: dx(w.uwnd)),
    ("WITH a AS (SELECT *, uwnd * vwnd AS p FROM ncep.winds WHERE latitude > 80) "
     "SELECT differentiate(p, longitude) FROM a",
     lambda w: dx(w.uwnd * w.vwnd).sel(latitude=slice(None, 81))),
    ("WITH a(t, y, x, u, v) AS (SELECT * FROM ncep.winds) SELECT differentiate(u + v, x) FROM a",
     lambda w: dx(w.uwnd + w.vwnd)),
    ("SELECT differentiate(u, x) FROM ncep.winds AS w(t, y, x, u)",  lambda w: dx(w.uwnd)),
    ("SELECT differentiate(d, latitude) FROM (SELECT *, differentiate(uwnd, longitude) AS d "
     "FROM ncep.winds) AS s",
     lambda w: dx(w.uwnd).differentiate("latitude")),
    ("SELECT differentiate(uwnd, time, 'D') FROM ncep.winds",
     lambda w: w.uwnd.differentiate("time", datetime_unit="D")),
    ("SELECT differentiate(uwnd, time) FROM ncep.winds",
     lambda w: w.uwnd.differentiate("time")),
    ("SELECT integrate(uwnd, latitude) FROM ncep.winds",
     lambda w: w.uwnd.cumulative_integrate("latitude")),
    ("SELECT differentiate(grad(uwnd * uwnd * vwnd, vwnd), longitude) FROM ncep.winds",
     lambda w: dx(w.uwnd.astype("f8") * w.uwnd)),
    ("SELECT integrate(grad(uwnd * uwnd * vwnd, vwnd), latitude) FROM ncep.winds",
     lambda w: (w.uwnd.astype("f8") * w.uwnd).cumulative_integrate("latitude")),
    ("SELECT grad(integrate(uwnd, longitude) * power(vwnd, 3), vwnd) FROM ncep.winds",
     lambda w: w.uwnd.cumulative_integrate("longitude") * 3 * w.vwnd.astype("f8") ** 2),
    (f"SELECT {DX} + differentiate(vwnd * cos(radians(latitude)), latitude) FROM ncep.winds",
     lambda w: dx(w.uwnd) + (w.vwnd * cosine(w)).differentiate("latitude")),
    ("SELECT grad(differentiate(uwnd, longitude) * power(vwnd, 2), vwnd) FROM ncep.winds",
     lambda w: dx(w.uwnd).astype("f8") * 2 * w.vwnd.astype("f8")),
    ("SELECT differentiate(w.uwnd, w.longitude) FROM ncep.winds AS w "
     "JOIN ncep.winds AS o USING (time, latitude, longitude) WHERE o.latitude = 90 "
     "ORDER BY time, longitude",
     lambda w: dx(w.uwnd).sel(latitude=[90])),
    ("SELECT (SELECT max(differentiate(uwnd, longitude)) FROM ncep.winds)",
     lambda w: dx(w.uwnd).max().expand_dims(time=1, latitude=1, longitude=1)),
]  # fmt: skip


def dx(array: xarray.DataArray) -> xarray.DataArray:
    return array.differentiate("longitude")


def positive(array: xarray.DataArray, limit: float) -> xarray.DataArray:
    values = flat(array)
    kept = values[values > limit]
    return xarray.DataArray(kept.reshape(-1, 1, 1), dims=("time", "latitude", "longitude"))


@pytest.mark.parametrize(("sql", "wanted"), EQUAL, ids=range(len(EQUAL)))
def test_equal_to_xarray(connect: Connect, winds: xarray.Dataset, sql: str, wanted: object) -> None:
    found, expected = answer(connect, sql), flat(wanted(winds))  # type: ignore[operator]
    assert found.size and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_a_limit_is_no_edge(connect: Connect, winds: xarray.Dataset) -> None:
    found = answer(connect, f"SELECT {DX} FROM ncep.winds LIMIT 1 OFFSET 5")
    np.testing.assert_allclose(found, flat(dx(winds.uwnd))[5:6], rtol=1e-6)


def test_a_view_and_a_write_hold_it(connect: Connect) -> None:
    client = connect()
    client.execute(f"CREATE VIEW gv AS SELECT time, latitude, longitude, {DX} AS d FROM ncep.winds")
    client.execute("CREATE TABLE gt AS SELECT d, differentiate(d, latitude) AS e FROM gv")
    wrong = client.execute(
        "SELECT (SELECT sum(e) FROM gt) = (SELECT sum(differentiate(differentiate(uwnd::float8, "
        "longitude), latitude)) FROM ncep.winds), (SELECT count(*) FROM gt)"
    ).fetchone()
    rows = client.execute("SELECT count(*) FROM ncep.winds").fetchone()
    client.execute("DROP VIEW gv; DROP TABLE gt")
    assert wrong is not None and rows is not None and wrong[1] == rows[0]


#    statement                                                       SQLSTATE, the refusal
REFUSED = [
    ("SELECT grad(differentiate(uwnd, longitude), uwnd) FROM ncep.winds",
     "0A000", "depends on the rows beside it"),
    ("SELECT grad(differentiate(uwnd, longitude), longitude) FROM ncep.winds",
     "0A000", "depends on the rows beside it"),
    ("SELECT differentiate(uwnd) FROM ncep.winds",                   "42883", "does not take 1"),
    ("SELECT differentiate(uwnd, 1) FROM ncep.winds",                "42P10", "needs a dimension"),
    ("SELECT differentiate(uwnd, vwnd) FROM ncep.winds",             "0A000", "3 dimensions"),
    ("SELECT differentiate(uwnd, nowhere) FROM ncep.winds",          "42703", "nowhere"),
    ("SELECT differentiate(uwnd, time, 'fortnight') FROM ncep.winds", "22023", "fortnight"),
    ("SELECT differentiate(uwnd, longitude, 's') FROM ncep.winds",   "22023", "takes no unit"),
    ("SELECT differentiate(uwnd, time, 5) FROM ncep.winds",          "22023", "must be a text"),
    ("SELECT differentiate(a.uwnd * b.uwnd, a.time) FROM ncep.winds a, ncep.winds b",
     "0A000", "columns of one table"),
    ("SELECT differentiate(m, latitude) FROM (SELECT latitude, avg(uwnd) AS m FROM ncep.winds "
     "GROUP BY latitude) AS s",                                      "0A000", "have no neighbours"),
    ("SELECT differentiate(x, y) FROM (VALUES (1.0, 2.0)) AS t(x, y)", "0A000", "no xarray table"),
    ("SELECT differentiate(uwnd, longitude) OVER () FROM ncep.winds", "42809", "window"),
    ("SELECT differentiate(sum(uwnd), longitude) FROM ncep.winds GROUP BY longitude",
     "0A000", "cannot be differentiated"),
    ("SELECT differentiate(uwnd * random(), longitude) FROM ncep.winds",
     "0A000", "cannot be differentiated"),
    ("SELECT differentiate(1 / 2 * uwnd, longitude) FROM ncep.winds", "0A000", "division of integ"),
    ("SELECT differentiate(n, k) FROM (SELECT n, n AS k FROM generate_series(1, 3) AS g(n)) AS s",
     "0A000", "no xarray table"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "code", "text"), REFUSED)
def test_refused_by_name(connect: Connect, sql: str, code: str, text: str) -> None:
    with pytest.raises(psycopg.Error, match=text) as caught:
        connect().execute(sql).fetchall()
    assert caught.value.sqlstate == code


def test_explain_shows_the_table_that_is_read(connect: Connect) -> None:
    lines = connect().execute(f"EXPLAIN (REWRITE) SELECT {DX} FROM ncep.winds").fetchall()
    text = "\n".join(line for (line,) in lines)
    assert """FROM ncep."winds'" AS winds""" in text
    assert f'winds."{DX}"' in text
