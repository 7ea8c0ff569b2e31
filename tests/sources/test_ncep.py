"""The bundled dataset is there, complete, and is what the published files hold."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from gateway.sources.grid.relations import relations_of
from gateway.sources.opening import ncep
from gateway.sources.opening.opening import open_dataset
from gateway.sources.table import TableName

from .scans import cells_of, query

# Where the published netCDF files are, for whoever has them.
SOURCE = Path(os.environ.get("GRADWIRE_NCEP_SOURCE", "/nonexistent"))

#    table     rows     columns
TABLES = [
    ("winds",  126_144, "time latitude longitude uwnd vwnd"),
    ("height",  92_365, "time pressure latitude longitude z"),
    ("sst",     27_000, "time latitude longitude sst"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tree() -> xarray.DataTree:
    opened = open_dataset(ncep.location())
    assert isinstance(opened, xarray.DataTree)
    return opened


@pytest.mark.parametrize(("name", "rows", "columns"), TABLES)
def test_tables(tree: xarray.DataTree, name: str, rows: int, columns: str) -> None:
    table = relations_of("ncep", tree)[TableName("ncep", name)]
    assert " ".join(table.schema.names) == columns
    frame = tree[name].to_dataset().to_dataframe().reset_index()
    found = query("SELECT * FROM t", t=table)
    assert found.num_rows == rows == len(frame)
    for column in columns.split():
        np.testing.assert_array_equal(cells_of(found[column]), frame[column].to_numpy())
    assert query("SELECT count(*) AS n FROM t", t=table)["n"][0].as_py() == rows


def test_three_tables_and_no_others(tree: xarray.DataTree) -> None:
    assert {str(name) for name in relations_of("ncep", tree)} == {
        "ncep.winds", "ncep.height", "ncep.sst",
    }  # fmt: skip


def test_every_column_says_what_it_is(tree: xarray.DataTree) -> None:
    for table in relations_of("ncep", tree).values():
        assert table.description.comment
        for name in table.schema.names:
            attributes = table.description.attributes[name]
            assert attributes["long_name"], name
            assert name == "time" or attributes["units"], name
    assert "Kalnay" in tree.attrs["references"]


def test_files_are_few_and_small() -> None:
    files = [path for path in ncep.location().rglob("*") if path.is_file()]
    assert len(files) == 32
    assert sum(path.stat().st_size for path in files) < 2_000_000


@pytest.mark.skipif(not SOURCE.is_dir(), reason="GRADWIRE_NCEP_SOURCE names no directory")
def test_built_again_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    ncep.build(SOURCE, tmp_path / "again.zarr")
    for root in (ncep.location(), tmp_path / "again.zarr"):
        assert contents(root) == contents(ncep.location())


@pytest.mark.skipif(not SOURCE.is_dir(), reason="GRADWIRE_NCEP_SOURCE names no directory")
@pytest.mark.parametrize("group", ncep.GROUPS, ids=lambda group: group.name)
def test_values_are_the_published_ones(tree: xarray.DataTree, group: ncep.Group) -> None:
    for name, file in group.variables.items():
        with netCDF4.Dataset(SOURCE / file) as published:
            values = np.ma.filled(published[name][:].astype("f8"), np.nan)
        np.testing.assert_array_equal(tree[group.name][name].values.astype("f8"), values)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
