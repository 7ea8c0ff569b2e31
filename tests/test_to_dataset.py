"""Rows of a query as a Dataset: what came out of xarray goes back in, the same."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from gateway.client import to_dataset
from gateway.sources.opening import ncep
from tests.conftest import Connect

DIMS = ["time", "latitude", "longitude"]
SHUFFLED = "SELECT * FROM ncep.winds WHERE latitude >= 0 AND longitude < 90 ORDER BY uwnd"


@pytest.fixture(scope="module")
def winds() -> xarray.Dataset:
    tree = xarray.open_datatree(ncep.location(), engine="zarr", consolidated=False)
    dataset = tree["winds"].to_dataset().load()
    dataset.attrs = {**tree.attrs, **dataset.attrs}
    return dataset


def test_a_table_comes_back(connect: Connect, winds: xarray.Dataset) -> None:
    for binary in (False, True):
        client = connect()
        if binary:
            from psycopg import Cursor

            class Binary(Cursor):
                def execute(self, query, params=None, **options):
                    return super().execute(query, params, binary=True)

            client.cursor_factory = Binary
        found = to_dataset(client, "SELECT * FROM ncep.winds", DIMS)
        xarray.testing.assert_identical(found, winds)
        assert all(found[name].dtype == winds[name].dtype for name in winds.variables)


def test_adbc_brings_the_same(gateway_address: tuple[str, int], winds: xarray.Dataset) -> None:
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    host, port = gateway_address
    with dbapi.connect(f"postgresql://tester@{host}:{port}/gradwire") as client:
        found = to_dataset(client, "SELECT * FROM ncep.winds", DIMS)
        gaps = to_dataset(
            client, "SELECT * FROM (VALUES (1, 'a', 1.5), (2, 'b', NULL)) AS t(n, s, x)", ["n", "s"]
        )
        far = to_dataset(client, FAR, ["n"])
        with pytest.raises(ValueError, match="two columns of one name"):
            to_dataset(client, "SELECT 1 AS x, 2 AS x", ["x"])
        with pytest.raises(ValueError, match="same place: x 1"):
            to_dataset(client, "SELECT * FROM (VALUES (1, 2), (1, 3)) AS t(x, v)", ["x"])
    check_far(far)
    xarray.testing.assert_equal(found, winds)
    assert found.attrs == winds.attrs and found.uwnd.attrs == winds.uwnd.attrs
    assert found.uwnd.dtype == winds.uwnd.dtype
    assert gaps.x.values.tolist()[0][0] == 1.5 and np.isnan(gaps.x.values[1]).all()


FAR = "SELECT 1 AS n, 18446744073709551615 AS u, 2.50 AS x, interval '1 day 2 s' AS i"


def check_far(found: xarray.Dataset) -> None:
    assert found.u.dtype == np.uint64 and found.u.values.tolist() == [2**64 - 1]
    assert found.x.dtype == np.float64 and found.x.values.tolist() == [2.5]
    assert found.i.values.tolist() == [np.timedelta64(86_402, "s")]


def test_numerics_and_intervals(connect: Connect) -> None:
    check_far(to_dataset(connect(), FAR, ["n"]))
    holes = to_dataset(
        connect(), "SELECT * FROM (VALUES (1, 9223372036854775807), (2, NULL)) AS t(n, k)", ["n"]
    )
    assert holes.k.values.tolist() == [2**63 - 1, None]


def test_rows_in_any_order(connect: Connect, winds: xarray.Dataset) -> None:
    part = winds.sel(latitude=winds.latitude >= 0, longitude=winds.longitude < 90)
    xarray.testing.assert_identical(to_dataset(connect(), SHUFFLED, DIMS), part)


def test_gaps_are_missing(connect: Connect) -> None:
    values = "(1, 'a', 1.5, 7, DATE '2000-01-01', true), (2, 'b', NULL, 8, NULL, NULL)"
    found = to_dataset(
        connect(),
        f"SELECT * FROM (VALUES {values}) AS t(n, s, x, k, d, b)",
        ["n", "s"],
    )
    assert found.k.values.tolist()[0][0] == 7.0 and np.isnan(found.k.values[0, 1])
    assert found.x.dtype == found.k.dtype == np.float64
    assert found.d.dtype.kind == "M" and np.isnat(found.d.values[1, 1])
    assert found.b.values.tolist() == [[True, None], [None, None]]
    assert found.s.values.tolist() == ["a", "b"]
    assert found.attrs == {}


def test_parameters_and_no_dimensions(connect: Connect) -> None:
    sql = "SELECT max(uwnd) AS uwnd FROM ncep.winds WHERE latitude = %s"
    found = to_dataset(connect(), sql, [], [0.0])
    assert found.uwnd.ndim == 0 and found.uwnd.attrs["units"] == "m s-1"


def test_no_rows(connect: Connect) -> None:
    found = to_dataset(connect(), "SELECT time, uwnd FROM ncep.winds WHERE false", ["time"])
    assert dict(found.sizes) == {"time": 0}


#    query                                                    dims      the refusal
REFUSED = [
    ("SELECT 1 AS x",                                         ["y"],    'no column "y"'),
    ("SELECT * FROM (VALUES (1, 2), (1, 3)) AS t(x, v)",      ["x"],    "same place: x 1"),
    ("SELECT NULL::int AS x, 2 AS v",                         ["x"],    '"x" is NULL'),
    ("SELECT 1 AS x, 2 AS x",                                 ["x"],    "two columns of one name"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "dims", "text"), REFUSED)
def test_refused(connect: Connect, sql: str, dims: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        to_dataset(connect(), sql, dims)
