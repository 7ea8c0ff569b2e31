"""Rows written as a dataset are, when xarray opens it, what they were before they were rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import cftime
import numpy as np
import pytest
import xarray
from hypothesis import given

from gateway.errors import FeatureNotSupported
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.origins import origins_of
from gateway.sources.writing.gridding import NoGrid
from gateway.sources.writing.restoring import Known
from gateway.sources.writing.writing import write_grid
from tests.examples import examples

from .datasets import datasets
from .scans import rows_of

FORMS = ("zarr", "netcdf")


def opened(path: Path, form: str) -> xarray.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form == "zarr":
            return xarray.open_zarr(path, consolidated=False).load()
        return xarray.open_dataset(path).load()


def written(table: GridTable, form: str, path: Path, whole: bool = True) -> xarray.Dataset:
    """The rows of a table, by way of a file; shuffled and its grid unknown, unless `whole`."""
    rows = rows_of(table)
    if not whole:
        rows = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    stored = {dim: table.axis(dim) for dim in table.dims} if whole else None
    known = Known(table.description.attributes, origins_of(table), stored)
    write_grid(path, form, rows.to_batches(), rows.schema, table.dims, known)
    return opened(path, form)


def by_xarray(dataset: xarray.Dataset, form: str, path: Path) -> xarray.Dataset | None:
    """What xarray itself reads of what it wrote; None where it cannot write it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if form == "zarr":
                dataset.to_zarr(path, consolidated=False)
            else:
                dataset.to_netcdf(path)
        return opened(path, form)
    except (ValueError, TypeError, NotImplementedError):
        return None


def has_missing_texts(variable: xarray.Variable) -> bool:
    return variable.dtype == object and bool(variable.isnull().any())


@examples(10)
@given(datasets())
def test_a_table_is_the_dataset_again(dataset: xarray.Dataset) -> None:
    """As xarray's own way through a file has it; missing texts, which that loses, are kept."""
    dataset.attrs = {"title": "T", "levels": np.array([1, 2], "i4")}
    table = GridTable(dataset, [*map(str, dataset.data_vars)])
    if not all(map(table.has_column, table.dims)):  # levels of an index, which files do not know
        return
    dataset = dataset.compute()
    for form in FORMS:
        with TemporaryDirectory() as folder:
            own = by_xarray(dataset, form, Path(folder) / "own")
            found = written(table, form, Path(folder) / "found")
            if own is None:  # netCDF has no half precision
                xarray.testing.assert_equal(found, dataset)
                continue
            gaps = {n: dataset[n] for n, v in dataset.variables.items() if has_missing_texts(v)}
            own = own.assign({name: own[name].copy(data=each) for name, each in gaps.items()})
            xarray.testing.assert_identical(found, own)
            for name in own.variables.keys() - gaps.keys():
                if own[name].dtype.kind not in "OT":
                    assert found[name].dtype == own[name].dtype, name


def test_what_is_known_of_a_variable_comes_back_whatever_the_order(tmp_path: Path) -> None:
    times = np.array(
        [cftime.datetime(2000, 2, day, 6, calendar="360_day") for day in (1, 2, 30)], "O"
    )
    reals = np.array([[1.5, np.nan, 2.5], [0.5, 0.0, -0.5], [np.nan, 1.0, 1.0]])
    texts = np.array([["a", None, ""], ["b", "-", "--"], [None, "a", "a"]], "O")
    dataset = xarray.Dataset(
        {
            "v": (("y", "x"), reals, {"units": "K"}),
            "u": (("x", "y"), np.arange(247, 256, dtype="u1").reshape(3, 3)),
            "text": (("y", "x"), texts),
            "none": (("y", "x"), np.full((3, 3), None, "O")),
        },
        {"x": np.array([0.3, 0.2, 0.1], "f4"), "y": times, "level": np.float32(0.1),
         "month": ("y", np.array([2, 3, 3], "i1")), "flat": ("x", [True, False, True]),
         "place": ("x", np.array(["p", "", "qq"], "O"))},
    )  # fmt: skip
    packed = {"dtype": "i2", "scale_factor": 0.5, "add_offset": 1.0, "_FillValue": np.int16(-9)}
    dataset["v"].encoding = packed
    dataset["y"].encoding = {"units": "hours since 1900-01-01", "calendar": "360_day"}
    for form in FORMS:
        table = GridTable(dataset, ["v", "u", "text", "none"])
        found = written(table, form, tmp_path / form, whole=False)
        xarray.testing.assert_identical(found, dataset)
        assert [found[name].dtype.str for name in ("u", "x", "level", "month", "flat")] == [
            "|u1", "<f4", "<f4", "|i1", "|b1",
        ]  # fmt: skip
        assert found["v"].encoding["dtype"] == np.int16
        assert {k: found["v"].encoding[k] for k in packed if k != "dtype"} == {
            k: packed[k] for k in packed if k != "dtype"
        }
        assert found["y"].encoding["units"].startswith("hours since 1900-01-01")
        # Files have texts of numpy's own, and rows of theirs are written, too.
        stored = GridTable(found, ["v", "text", "none"])
        again = written(stored, form, tmp_path / f"{form}1", whole=False)
        xarray.testing.assert_identical(again, found.drop_vars("u"))
        assert again["place"].dtype == found["place"].dtype
        # Values that the packing has no room for keep their own type.
        other = dataset.assign(v=dataset.v + 1e-3, u=dataset.u.astype("i4") - 100)
        other["v"].encoding = packed
        other["u"].encoding = {"dtype": "u1"}
        again = written(GridTable(other, ["v", "u"]), form, tmp_path / f"{form}2", whole=False)
        xarray.testing.assert_equal(again[["v", "u"]], other[["v", "u"]])


def test_values_that_repeat_have_a_place_only_in_the_whole_grid(tmp_path: Path) -> None:
    dataset = xarray.Dataset({"v": ("x", np.arange(4))}, {"x": [3.0, 1.0, 3.0, np.nan]})
    table = GridTable(dataset, ["v"])
    for form in FORMS:
        xarray.testing.assert_identical(written(table, form, tmp_path / form), dataset)
        with pytest.raises(NoGrid, match='dimension "x" is NULL'):
            written(table, form, tmp_path / "other", whole=False)


def test_an_unsorted_dimension_is_so_again_where_rows_come_in_its_order(tmp_path: Path) -> None:
    dataset = xarray.Dataset({"v": (("x", "y"), np.ones((3, 2)))}, {"x": [3, 1, 2], "y": [1, 0]})
    table = GridTable(dataset, ["v"])
    rows = rows_of(table)
    for form in FORMS:
        known = Known({}, origins_of(table))
        write_grid(tmp_path / form, form, rows.to_batches(), rows.schema, table.dims, known)
        xarray.testing.assert_identical(opened(tmp_path / form, form), dataset)
        shuffled = written(table, form, tmp_path / f"{form}2", whole=False)
        assert shuffled.x.values.tolist() == [1, 2, 3] and shuffled.y.values.tolist() == [1, 0]


def test_levels_of_an_index_are_refused(tmp_path: Path) -> None:
    index = xarray.Coordinates.from_pandas_multiindex(
        xarray.Dataset(coords={"a": [1, 2], "b": [1, 2]}).stack(p=["a", "b"]).indexes["p"], "p"
    )
    table = GridTable(xarray.Dataset({"v": ("p", np.arange(4))}, index), ["v"])
    rows = rows_of(table)
    known = Known({}, origins_of(table))
    with pytest.raises(NoGrid, match='no column "p"'):
        write_grid(tmp_path / "a", "zarr", rows.to_batches(), rows.schema, table.dims, known)
    write_grid(tmp_path / "b", "zarr", rows.to_batches(), rows.schema, ("a", "b"), known)
    assert opened(tmp_path / "b", "zarr").v.values.tolist() == [[0, 1], [2, 3]]
    with pytest.raises(FeatureNotSupported, match="cannot be written"):
        bad = rows.rename_columns(["v", "a", "b/c"])
        write_grid(tmp_path / "c", "netcdf", bad.to_batches(), bad.schema, ("a", "b/c"), known)
