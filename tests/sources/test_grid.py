"""Every row that xarray's to_dataframe() gives, the same values, for any dataset."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import cftime
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DatasetUnreadable, FeatureNotSupported
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.listing import attribute_rows
from gateway.sources.opening.opening import open_dataset
from gateway.sources.reading import blocks
from gateway.sources.table import TableName
from tests.examples import examples

from .datasets import DTYPES, datasets, values_of
from .scans import count_of, frame_of, query, rows_of


def cell(value: object) -> object:
    """A value from either side in one form: NULL for what is missing, ints for times."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, np.generic):
        return cell(value.item())
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    return _date(value) if isinstance(value, cftime.datetime) else value


def _date(value: cftime.datetime) -> object:
    """A date of a calendar: its text, the same date, or the same instant."""
    if value.calendar in ("360_day", "366_day", "all_leap"):
        return value.isoformat(" ")
    if value.calendar in ("noleap", "365_day"):
        return datetime(value.year, value.month, value.day, value.hour)
    day = value.toordinal() - 1_721_425  # of the Julian period, since the day before year 1
    return datetime.fromordinal(day) + timedelta(hours=value.hour)


def cells(column: pd.Series) -> list[object]:
    return [cell(value) for value in column]


def assert_same(table: GridTable, dataset: xarray.Dataset, variables: list[str]) -> None:
    """The scan and to_dataframe() agree in rows, order and values, column by column."""
    frame = frame_of(dataset, variables)
    found = rows_of(table)
    assert found.num_rows == len(frame) == count_of(table) == table.rows
    assert {*found.column_names} == {*map(str, frame.columns)}
    for name in found.column_names:
        assert [cell(v) for v in found[name].to_pylist()] == cells(frame[name]), name


@examples(90)
@given(datasets(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_rows_are_those_of_to_dataframe(
    dataset: xarray.Dataset, block: int, batch: int, trailing: int
) -> None:
    """With blocks and batches small enough to be many, and every order of blocks allowed."""
    names = [*map(str, dataset.data_vars)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BATCH_ROWS", batch)
        patch.setattr(blocks, "TRAILING_ROWS", trailing)
        assert_same(GridTable(dataset, names), dataset, names)
        patch.setattr(grid, "BLOCK_ROWS", block)
        cut = GridTable(dataset, names)
        want = GridTable(dataset.compute(), names)
        sort = [(name, "ascending") for name in cut.schema.names]
        assert rows_of(cut).sort_by(sort).equals(rows_of(want).sort_by(sort))


@pytest.mark.parametrize(("dtype", "arrow"), DTYPES.items())
def test_types(dtype: str, arrow: pa.DataType) -> None:
    dataset = xarray.Dataset({"v": ("x", values_of(dtype, (60,), 1))})
    table = GridTable(dataset, ["v"])
    assert table.schema.field("v").type == arrow
    assert rows_of(table)["v"].type == arrow
    assert query("SELECT v, count(*) FROM t GROUP BY v", t=table).num_rows > 1


def test_coordinates_of_single_precision_are_double() -> None:
    dataset = xarray.Dataset(
        {"v": (("y", "x"), np.zeros((2, 2), "f4"))},
        {"y": np.array([0.1, 0.2], "f4"), "lon": (("y", "x"), np.ones((2, 2), "f4"))},
    )
    schema = GridTable(dataset, ["v"]).schema
    assert [(f.name, str(f.type)) for f in schema] == [
        ("y", "double"), ("x", "int64"), ("v", "float"), ("lon", "double"),
    ]  # fmt: skip


def test_scalars_make_one_row() -> None:
    dataset = xarray.Dataset({"a": 1.5, "b": ((), np.nan)}, {"level": 500})
    table = GridTable(dataset, ["a", "b"])
    assert rows_of(table).to_pylist() == [{"a": 1.5, "b": None, "level": 500}]
    assert query("SELECT a FROM t WHERE a > 1", t=table).num_rows == 1
    assert query("SELECT a FROM t WHERE a > 2", t=table).num_rows == 0


def test_no_rows() -> None:
    dataset = xarray.Dataset({"v": (("y", "x"), np.zeros((0, 3)))})
    table = GridTable(dataset, ["v"])
    assert rows_of(table).num_rows == 0
    assert query("SELECT count(*) AS n, sum(v) AS s FROM t", t=table).to_pylist() == [
        {"n": 0, "s": None}
    ]


def test_levels_of_a_multi_index_are_columns() -> None:
    index = pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["n", "s"])
    coords = xarray.Coordinates.from_pandas_multiindex(index, "point")
    dataset = xarray.Dataset({"v": ("point", np.arange(4.0))}, coords)
    assert rows_of(GridTable(dataset, ["v"])).to_pylist() == [
        {"v": 0.0, "n": 1, "s": "a"},
        {"v": 1.0, "n": 1, "s": "b"},
        {"v": 2.0, "n": 2, "s": "a"},
        {"v": 3.0, "n": 2, "s": "b"},
    ]


def test_duplicate_and_descending_coordinates() -> None:
    dataset = xarray.Dataset({"v": ("x", np.arange(4))}, {"x": [3.0, 1.0, 3.0, np.nan]})
    table = GridTable(dataset, ["v"])
    assert rows_of(table, ["v"], pc.field("x") == 3)["v"].to_pylist() == [0, 2]
    assert rows_of(table, ["v"], pc.field("x").is_null())["v"].to_pylist() == [3]


#        calendar      the dates                            as they come out
CALENDARS = [
    ("standard",  [(2000, 1, 1), (1582, 10, 4)], [datetime(2000, 1, 1), datetime(1582, 10, 14)]),
    ("julian",    [(2000, 1, 1), (1900, 2, 29)], [datetime(2000, 1, 14), datetime(1900, 3, 13)]),
    ("noleap",    [(2000, 1, 1), (1900, 2, 28)], [datetime(2000, 1, 1), datetime(1900, 2, 28)]),
    ("360_day",   [(2000, 1, 1), (1900, 2, 30)], ["2000-01-01 00:00:00", "1900-02-30 00:00:00"]),
    ("366_day",   [(2000, 1, 1), (1900, 2, 29)], ["2000-01-01 00:00:00", "1900-02-29 00:00:00"]),
    ("proleptic_gregorian", [(1, 1, 1)], [datetime(1, 1, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("calendar", "dates", "wanted"), CALENDARS)
def test_calendars(calendar: str, dates: list[tuple[int, ...]], wanted: list[object]) -> None:
    values = np.array([cftime.datetime(*date, calendar=calendar) for date in dates], object)
    dataset = xarray.Dataset({"v": ("t", np.arange(len(dates))), "d": ("t", values)}, {"t": values})
    table = GridTable(dataset, ["v", "d"])
    found = rows_of(table)
    assert found["t"].to_pylist() == found["d"].to_pylist() == wanted
    assert table.description.attributes["t"] == {"calendar": values[0].calendar}


def test_standard_dates_agree_with_the_day_number() -> None:
    """Dates before 1582 are instants: as many days apart as the calendar itself says."""
    dates = [cftime.datetime(1400, 3, 1, calendar="standard"), cftime.datetime(1999, 7, 3)]
    dataset = xarray.Dataset({"d": ("t", np.array(dates, object))})
    first, last = rows_of(GridTable(dataset, ["d"]))["d"].to_pylist()
    assert last - first == dates[1] - dates[0]


def test_times_are_rounded_to_microseconds() -> None:
    times = np.array([1_499, 1_500, -1_501, -1_500], "M8[ns]")
    spans = times.view("m8[ns]")
    found = rows_of(GridTable(xarray.Dataset({"t": ("x", times), "d": ("x", spans)}), ["t", "d"]))
    epoch = datetime(1970, 1, 1)
    wanted = [timedelta(microseconds=n) for n in (1, 2, -2, -1)]
    assert found["d"].to_pylist() == wanted
    assert found["t"].to_pylist() == [epoch + span for span in wanted]


def test_categories_are_their_labels() -> None:
    labels = pd.Categorical(["b", None, "a"], categories=["a", "b"])
    dataset = pd.DataFrame({"v": labels}).to_xarray()
    assert rows_of(GridTable(dataset, ["v"]))["v"].to_pylist() == ["b", None, "a"]


def test_pandas_integers_with_gaps_are_refused() -> None:
    dataset = pd.DataFrame({"v": pd.array([2**60 + 1, None], "Int64")}).to_xarray()
    with pytest.raises(FeatureNotSupported, match='"v" has values of type Int64'):
        GridTable(dataset, ["v"])


REFUSED = [np.array([1j]), np.array([object()]), np.array([1.5], "g"), np.array([(1, 2)], "i4,i4")]


@pytest.mark.parametrize("values", REFUSED, ids=lambda v: str(v.dtype))
def test_refused_by_name(values: np.ndarray) -> None:
    with pytest.raises(FeatureNotSupported, match='variable "strange" has values of type'):
        GridTable(xarray.Dataset({"strange": ("x", values)}), ["strange"])


def test_values_that_do_not_fit_are_refused_by_name() -> None:
    late = xarray.Dataset({"t": ("x", np.array([2**60], "M8[s]"))})
    mixed = xarray.Dataset({"t": ("x", np.array(["a", 1], object))})
    for dataset in (late, mixed):
        with pytest.raises(DatasetUnreadable, match='cannot read variable "t" of dataset "far"'):
            rows_of(GridTable(dataset, ["t"], name="far"))
    parts = xarray.Dataset({"t": ("x", np.array([*"abcdef", 1, "g"], object))}).chunk(x=3)
    with pytest.raises(DatasetUnreadable) as caught:
        rows_of(GridTable(parts, ["t"], name="far"))
    assert caught.value.detail.startswith("At x 6 to 7: ")


def test_attributes_describe_the_table() -> None:
    attrs = {"units": "m s-1", "long_name": "Wind", "range": np.array([0.0, 1.0]), "odd": None}
    dataset = xarray.Dataset({"v": ("x", [1.0], attrs)}, attrs={"title": "A title"})
    description = GridTable(dataset, ["v"]).description
    assert description.comment == "A title"
    assert description.columns == {"v": "Wind [m s-1]"}
    assert description.attributes == {
        "": {"title": "A title"},
        "x": {},
        "v": {"units": "m s-1", "long_name": "Wind", "range": attrs["range"], "odd": None},
    }
    rows = attribute_rows({TableName("public", "t"): GridTable(dataset, ["v"])})
    assert [row[3:] for row in rows if row[2] == "v"][2:] == [
        ("range", "[0.0, 1.0]", "[0.0, 1.0]"),
        ("odd", "None", '"None"'),
    ]


def test_packed_values_are_unpacked(tmp_path: Path) -> None:
    dataset = xarray.Dataset({"v": ("x", np.array([1.5, np.nan, 3.25]))})
    packed = {"dtype": "i2", "scale_factor": 0.25, "add_offset": 1.0, "_FillValue": -9}
    dataset.to_netcdf(tmp_path / "packed.nc", encoding={"v": packed})
    opened = open_dataset(tmp_path / "packed.nc")
    assert rows_of(GridTable(opened, ["v"]))["v"].to_pylist() == [1.5, None, 3.25]


def test_bytes_with_zeros_in_them_are_whole() -> None:
    values = np.array([b"a\x00b", b"\x00x", b""], "S3")
    table = GridTable(xarray.Dataset({"v": ("x", values)}, {"x": values}), ["v"])
    assert query("SELECT x, v FROM t", t=table).to_pylist() == [
        {"x": each, "v": each} for each in (b"a\x00b", b"\x00x", b"")
    ]


def test_a_coordinate_is_repeated_no_more_than_its_block_has_rows() -> None:
    dims = ("time", "lat", "place")
    dataset = xarray.Dataset(
        {"v": (dims, np.zeros((6, 2, 3)))},
        {"lat": [1.0, 2.0], "place": ["a", "b", "c"]},
    )
    dataset["v"].encoding["preferred_chunks"] = {"time": 1, "lat": 2, "place": 3}
    (part,) = GridTable(dataset, ["v"]).partitions(None)
    for batch in part.scan(["lat", "place"], None):
        assert batch.column("lat").buffers()[1].size <= 8 * 6 * batch.num_rows
        assert batch.column("place").buffers()[2].size <= 6 * batch.num_rows


@pytest.mark.parametrize("form", ["NETCDF3_64BIT", "NETCDF4"])
def test_texts_of_a_file_in_another_order_of_dimensions(tmp_path: Path, form: str) -> None:
    names = np.array([["a", "bb", ""], ["d", "ee", "fff"]])
    written = xarray.Dataset({"v": (("x", "y"), np.arange(6.0).reshape(2, 3))})
    written["name"] = (("y", "x"), names.T.astype("S3"))
    written.to_netcdf(tmp_path / "a.nc", format=form)
    opened = open_dataset(tmp_path / "a.nc")
    found = rows_of(GridTable(opened, ["v", "name"]))
    assert found["v"].to_pylist() == [0, 1, 2, 3, 4, 5]
    assert found["name"].to_pylist() == [each.encode() for each in names.ravel()]
