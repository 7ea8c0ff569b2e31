"""COPY ... TO a place on the server: who may, where, and that xarray reads the same again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet
import pytest
import xarray

from gateway.app import App
from gateway.client import to_dataset
from gateway.config import Dataset, Settings
from gateway.sources.opening import ncep

WINDS = ["time", "latitude", "longitude"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports") / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def app(place: Path) -> Iterator[App]:
    settings = Settings(
        port=0,
        superusers=["boss"],
        dataset_roots=[str(place)],
        datasets=[Dataset(name="ncep", uri="bundled:ncep")],
    )
    with App(settings) as made:
        yield made


def connected(app: App, user: str) -> psycopg.Connection[Any]:
    host, port = app.address
    return psycopg.connect(host=host, port=port, user=user, dbname="d", autocommit=True)


@pytest.fixture(scope="module")
def boss(app: App) -> Iterator[psycopg.Connection[Any]]:
    with connected(app, "boss") as made:
        yield made


@pytest.fixture(scope="module")
def winds() -> xarray.Dataset:
    tree = xarray.open_datatree(ncep.location(), engine="zarr", consolidated=False)
    return tree["winds"].to_dataset().load()


def opened(path: Path) -> xarray.Dataset:
    if path.suffix == ".zarr":
        return xarray.open_zarr(path, consolidated=False).load()
    return xarray.open_dataset(path).load()


@pytest.mark.parametrize("form", ["zarr", "netcdf"])
def test_a_table_is_the_dataset_again(
    boss: psycopg.Connection[Any], place: Path, winds: xarray.Dataset, form: str
) -> None:
    path = place / f"winds.{form}"
    path = path.with_suffix(".zarr" if form == "zarr" else ".nc")
    done = boss.execute(f"COPY ncep.winds TO '{path}' (FORMAT {form})")
    assert done.statusmessage == f"COPY {winds.uwnd.size}"
    found = opened(path)
    xarray.testing.assert_identical(found.drop_attrs(deep=False), winds.drop_attrs(deep=False))
    assert all(found[name].dtype == winds[name].dtype for name in winds.variables)
    assert [each.name for each in place.iterdir() if each.name.startswith(".")] == []


def test_a_query_names_its_dimensions(
    boss: psycopg.Connection[Any], place: Path, winds: xarray.Dataset
) -> None:
    path = place / "means.zarr"
    boss.execute(
        "COPY (SELECT latitude, extract(month FROM time)::int AS month, avg(uwnd) AS uwnd, "
        "count(*) AS n FROM ncep.winds WHERE latitude > 40 GROUP BY 1, 2) "
        f"TO '{path}' (FORMAT zarr, DIMS (month, latitude))"
    )
    mean = winds.uwnd.sel(latitude=winds.latitude > 40).astype("f8")
    expected = mean.groupby("time.month").mean(("time", "longitude"))
    found = opened(path)
    assert found.uwnd.dims == ("month", "latitude") and found.n.dtype == np.int64
    np.testing.assert_allclose(
        found.uwnd.sortby("latitude").values, expected.sortby("latitude").values, rtol=1e-12
    )
    assert found.uwnd.attrs["units"] == "m s-1"
    boss.execute(f"ATTACH '{path}' AS means")
    assert boss.execute("SELECT count(*) FROM means").fetchone() == (found.uwnd.size,)
    boss.execute("DETACH means")


def test_what_no_column_holds_comes_back_by_the_name(
    boss: psycopg.Connection[Any], place: Path
) -> None:
    made = xarray.Dataset(
        {"v": (("t", "x"), np.array([[250, 251, 252], [253, 254, 255]], "u1"), {"units": "K"}),
         "far": (("t", "x"), np.full((2, 3), 2**64 - 1, "u8")),
         "word": (("x", "t"), np.array([["a", None], ["", "b"], [None, None]], "O"))},
        {"t": np.array(["2000-01-01", "1999-01-01"], "M8[ns]"), "level": np.float32(0.1),
         "lat": (("x",), np.array([0.3, 0.1, 0.2], "f4"))},
        {"title": "T"},
    )  # fmt: skip
    made["t"].encoding = {"units": "hours since 1990-01-01"}
    made["word"].encoding = {"missing_value": "?"}
    made.to_netcdf(place / "made.nc")
    boss.execute(f"ATTACH '{place}/made.nc' AS made")
    for form, name in (("zarr", "again.zarr"), ("netcdf", "again.nc")):
        boss.execute(f"COPY (SELECT * FROM made) TO '{place / name}' (FORMAT {form})")
        found = opened(place / name)
        xarray.testing.assert_identical(found, opened(place / "made.nc"))
        assert found.v.dtype == np.uint8 and found.level.dtype == found.lat.dtype == np.float32
        assert found.t.encoding["units"].startswith("hours since 1990-01-01")
    back = to_dataset(boss, "SELECT * FROM made ORDER BY v DESC", ["t", "x"])
    xarray.testing.assert_identical(back.sortby("t", ascending=False), made)
    assert back.v.dtype == np.uint8 and back.level.dtype == np.float32 and "x" not in back.coords
    assert back.t.encoding["units"] == "hours since 1990-01-01"
    boss.execute("DETACH made")


def test_values_of_all_kinds_and_gaps(boss: psycopg.Connection[Any], place: Path) -> None:
    values = (
        "(1, 'a', 1.5::real, true, TIMESTAMP '2000-01-01 00:00:01', DATE '2000-01-01', 'x', "
        "INTERVAL '1 day 2 hours'), "
        "(2, 'a', NULL, false, NULL, DATE '2001-01-01', 'é', NULL), "
        "(2, 'b', 2.5, true, TIMESTAMP '1900-01-01', DATE '2002-01-01', '', NULL)"
    )
    for form, name in (("zarr", "kinds.zarr"), ("netcdf", "kinds.nc")):
        boss.execute(
            f"COPY (SELECT * FROM (VALUES {values}) AS t(n, s, x, b, at, day, text, long)) "
            f"TO '{place / name}' (FORMAT {form}, DIMS (n, s))"
        )
        found = opened(place / name)
        assert dict(found.sizes) == {"n": 2, "s": 2}
        np.testing.assert_array_equal(found.x.values, [[1.5, np.nan], [np.nan, 2.5]])
        assert np.isnat(found.at.values[0, 1]) and np.isnat(found.at.values[1, 0])
        assert found.at.values[0, 0] == np.datetime64("2000-01-01T00:00:01")
        assert found.day.values[1, 1] == np.datetime64("2002-01-01")
        assert found.long.values[0, 0] == np.timedelta64(26, "h") and np.isnat(found.long[1, 0])
        assert found.s.values.tolist() == ["a", "b"] and found.text.values[1, 0] == "é"


def test_numerics_keep_their_digits_and_missing_texts_are_missing(
    boss: psycopg.Connection[Any], place: Path
) -> None:
    rows = (
        "SELECT x, (x + 9223372036854775807)::numeric(20) AS far, x::numeric(20) AS near, "
        "x::numeric(5, 2) AS part, nullif(x, 2)::numeric(20) AS gap, "
        "CASE WHEN x = 1 THEN 'a' END AS s, CASE WHEN x = 1 THEN true END AS b "
        "FROM generate_series(1::numeric, 2) AS x"
    )
    for form, name in (("zarr", "numerics.zarr"), ("netcdf", "numerics.nc")):
        boss.execute(f"COPY ({rows}) TO '{place / name}' (FORMAT {form}, DIMS (x))")  # type: ignore[call-overload]
        found = opened(place / name)
        assert found.far.dtype == np.uint64 and found.far.values.tolist() == [2**63, 2**63 + 1]
        kinds = [found[each].dtype.str for each in ("near", "part", "gap", "b")]
        assert kinds == ["<i8", "<f8", "<f8", "<f8"]
        assert found.s.values[0] == "a" and np.isnan(found.s.values[1])


def test_moments_under_the_name_of_a_variable_have_no_units(
    boss: psycopg.Connection[Any], place: Path
) -> None:
    query = "SELECT latitude, max(time) AS uwnd FROM ncep.winds GROUP BY latitude"
    path = place / "moments.nc"
    boss.execute(f"COPY ({query}) TO '{path}' (FORMAT netcdf, DIMS (latitude))")  # type: ignore[call-overload]
    found = opened(path)
    assert found.uwnd.dtype.kind == "M" and found.uwnd.attrs["long_name"]
    assert to_dataset(boss, query, ["latitude"]).uwnd.attrs == found.uwnd.attrs


def test_parquet_has_the_rows_as_they_come(boss: psycopg.Connection[Any], place: Path) -> None:
    path = place / "rows.parquet"
    query = "SELECT time, latitude, uwnd FROM ncep.winds WHERE longitude = 0"
    boss.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    table = pyarrow.parquet.read_table(path)
    rows = boss.execute(query).fetchall()
    assert [(t, y) for t, y, _ in map(dict.values, table.to_pylist())] == [r[:2] for r in rows]
    assert table["uwnd"].to_numpy().tolist() == np.array([r[2] for r in rows], "f4").tolist()
    assert table.schema.field("uwnd").metadata[b"units"] == b"m s-1"


def test_parquet_has_intervals_as_lengths_of_time(
    boss: psycopg.Connection[Any], place: Path
) -> None:
    rows = (
        "SELECT * FROM (VALUES (1, interval '2 days 3 hours'), (2, NULL), "
        "(3, interval '-1 us')) AS t(k, age)"
    )
    path = place / "ages.parquet"
    boss.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    ages = pyarrow.parquet.read_table(path)["age"]
    assert ages.type == pa.duration("us")
    assert ages.to_pylist() == [timedelta(days=2, hours=3), None, timedelta(microseconds=-1)]
    with pytest.raises(psycopg.errors.FeatureNotSupported, match='"age" holds an interval of mon'):
        month = "SELECT interval '1 month' AS age"
        boss.execute(f"COPY ({month}) TO '{place}/no' (FORMAT parquet)")
    assert not (place / "no").exists()


ROWS = "SELECT * FROM (VALUES (1, 1, 5.0), (1, 1, 6.0)) AS t(x, y, v)"
HOLE = "SELECT * FROM (VALUES (1, 1.0), (NULL, 2.0)) AS t(x, v)"


@pytest.mark.parametrize(
    ("copy", "code"),
    [
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (x, y))", "21000"),
        (f"({ROWS}) TO '{{place}}/no.nc' (FORMAT netcdf, DIMS (x, y))", "21000"),
        (f"({HOLE}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (x))", "21000"),
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (z))", "42703"),
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (x, x))", "42701"),
        (f"({ROWS}) TO '{{place}}/no.parquet' (FORMAT parquet, DIMS (x))", "22023"),
        ("(SELECT 1 AS x, ARRAY[1] AS v) TO '{place}/no.zarr' (FORMAT zarr, DIMS (x))", "0A000"),
        ("(SELECT 1 AS x, '1 mon'::interval AS v) TO '{place}/no.nc' (FORMAT netcdf, DIMS (x))",
         "0A000"),
        ("(SELECT 1 AS x, '10:00'::time AS v) TO '{place}/no.nc' (FORMAT netcdf, DIMS (x))",
         "0A000"),
        ("(SELECT 1 AS x, 'infinity'::timestamp AS v) TO '{place}/no.nc' (FORMAT netcdf, DIMS (x))",
         "0A000"),
        ("(SELECT 1 AS x, 2 AS \"a/b\") TO '{place}/no.nc' (FORMAT netcdf, DIMS (x))", "0A000"),
        ("(SELECT x, x % 2 AS y, 4611686018427387904 + x AS v FROM generate_series(1, 2) AS x) "
         "TO '{place}/no.nc' (FORMAT netcdf, DIMS (x, y))", "21000"),
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr)", "22023"),
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (x), HEADER)", "42601"),
        (f"({ROWS}) TO '{{place}}/no.zarr' (FORMAT zarr, DIMS (x), DIMS (y))", "42601"),
        ("(SELECT 1 AS a, 2 AS a) TO '{place}/no.nc' (FORMAT netcdf, DIMS (a))", "22023"),
        ("(SELECT 1 / (x - 1) AS q, x FROM generate_series(1, 2) AS g(x)) "
         "TO '{place}/no.nc' (FORMAT netcdf, DIMS (x))", "22012"),
        (f"({ROWS}) TO '{{place}}/gone/no.zarr' (FORMAT parquet)", "58030"),
        (f"({ROWS}) TO '{{place}}/../no.zarr' (FORMAT zarr, DIMS (x))", "42501"),
        (f"({ROWS}) TO '{{place}}' (FORMAT zarr, DIMS (x))", "42501"),
        (f"({ROWS}) TO '/tmp/no.zarr' (FORMAT zarr, DIMS (x))", "42501"),
        (f"({ROWS}) TO 's3://bucket/no.zarr' (FORMAT zarr, DIMS (x))", "0A000"),
        (f"({ROWS}) TO '{{place}}/no.csv' (FORMAT csv)", "42501"),
        ("ncep.winds FROM '{place}/winds.zarr' (FORMAT zarr)", "42501"),
    ],
)  # fmt: skip
def test_what_cannot_be_written(
    boss: psycopg.Connection[Any], place: Path, copy: str, code: str
) -> None:
    before = sorted(place.iterdir())
    with pytest.raises(psycopg.Error) as raised:
        boss.execute("COPY " + copy.format(place=place))  # type: ignore[call-overload]
    assert raised.value.sqlstate == code, raised.value
    assert sorted(place.iterdir()) == before
    assert boss.execute("SELECT 1").fetchone() == (1,)


def test_nothing_is_written_over(boss: psycopg.Connection[Any], place: Path) -> None:
    copy = f"COPY (SELECT 1 AS x, 2.0 AS v) TO '{place}/once.nc' (FORMAT netcdf, DIMS (x))"
    boss.execute(copy)  # type: ignore[call-overload]
    with pytest.raises(psycopg.errors.DuplicateObject):
        boss.execute(copy)  # type: ignore[call-overload]


def test_users_write_no_files(app: App, place: Path) -> None:
    with connected(app, "guest") as guest, pytest.raises(psycopg.errors.InsufficientPrivilege):
        guest.execute(f"COPY ncep.winds TO '{place}/guest.zarr' (FORMAT zarr)")
    assert not (place / "guest.zarr").exists()
