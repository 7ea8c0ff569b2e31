"""HDF5 files with parts in other files: found, and not attached where those are outside."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import netCDF4
import psycopg
import pytest

from gateway.app import App
from gateway.catalog.attached import check
from gateway.config import Dataset, Settings
from gateway.errors import DatasetUnreadable, InsufficientPrivilege
from gateway.sources.opening.hdf5_places import places_of
from gateway.sources.opening.opening import open_dataset

_ID, _SIZES = ctypes.c_int64, ctypes.c_uint64 * 1


def _hdf5() -> Any:
    """The HDF5 library, whose functions give identifiers."""
    import sys

    library = ctypes.CDLL(str(sys.modules[netCDF4.Dataset.__module__].__file__))
    library.H5open()
    for name in ("H5Fcreate", "H5Pcreate", "H5Screate_simple", "H5Scopy", "H5Dcreate2"):
        getattr(library, name).restype = _ID
    return library


def _constant(library: Any, name: str) -> ctypes.c_int64:
    return _ID.in_dll(library, name)


def _created(library: Any, path: Path) -> ctypes.c_int64:
    return _ID(library.H5Fcreate(str(path).encode(), 2, _ID(0), _ID(0)))


def linked(path: Path, other: Path) -> None:
    """A file with an external link."""
    library = _hdf5()
    file = _created(library, path)
    assert library.H5Lcreate_external(str(other).encode(), b"/", file, b"g", _ID(0), _ID(0)) >= 0
    library.H5Fclose(file)


def stored(path: Path, other: Path) -> None:
    """A file with the bytes of another one as the values of a dataset."""
    library = _hdf5()
    file, made = _created(library, path), _constant(library, "H5P_CLS_DATASET_CREATE_ID_g")
    made = _ID(library.H5Pcreate(made))
    assert library.H5Pset_external(made, str(other).encode(), ctypes.c_long(0), _SIZES(8)[0]) >= 0
    space = _ID(library.H5Screate_simple(1, _SIZES(8), None))
    kind = _constant(library, "H5T_NATIVE_UCHAR_g")
    assert library.H5Dcreate2(file, b"v", kind, space, _ID(0), made, _ID(0)) >= 0
    library.H5Fclose(file)


def virtual(path: Path, other: Path) -> None:
    """A file whose rows are datasets of other files; `%b` is the number of the row."""
    library = _hdf5()
    file, made = _created(library, path), _constant(library, "H5P_CLS_DATASET_CREATE_ID_g")
    made, pair = _ID(library.H5Pcreate(made)), ctypes.c_uint64 * 2
    rows = 2**64 - 1 if "%b.h5" in other.name and "%%" not in other.name else 1
    part = _ID(library.H5Screate_simple(1, _SIZES(8), None))
    space = _ID(library.H5Screate_simple(2, pair(1, 8), pair(rows, 8)))
    many, row = _ID(library.H5Scopy(space)), pair(1, 8)
    assert library.H5Sselect_hyperslab(many, 0, pair(0, 0), row, pair(rows, 1), row) >= 0
    assert library.H5Pset_virtual(made, many, str(other).encode(), b"v", part) >= 0
    kind = _constant(library, "H5T_NATIVE_UCHAR_g")
    assert library.H5Dcreate2(file, b"v", kind, space, _ID(0), made, _ID(0)) >= 0
    library.H5Fclose(file)


#    what is made       its name    the other file's name    what it then has parts in
@pytest.mark.parametrize(
    ("make", "name", "other", "found"),
    [
        (linked,        "a.h5",     "/no/such/way.h5",       {"way.h5"}),
        (linked,        "sub/a.h5", "way.h5",                {"way.h5"}),
        (virtual,       "a.h5",     "/no/such/way.h5",       {"way.h5"}),
        (virtual,       "a.h5",     "part%b.h5",             {"part0.h5", "part1.h5"}),
        (virtual,       "a.h5",     "100%%b.h5",             {"100%b.h5"}),
        (linked,        "a.h5",     "odd[0].h5",            {"odd[0].h5"}),
    ],
)  # fmt: skip
def test_names_are_looked_for_where_the_library_does(
    make: Callable[[Path, Path], None], name: str, other: str, found: set[str], tmp_path: Path
) -> None:
    """Beside the file by the last part of the name alone; and beside the link to it."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.h5").touch()
    for way in ("way.h5", "part0.h5", "part1.h5", "100%b.h5", "odd[0].h5"):
        (root / way).symlink_to(tmp_path / "secret.h5")
    make(root / name, Path(other))
    opened = root / "a.h5"
    if opened != root / name:
        opened.symlink_to(root / name)
    assert set(places_of(opened)) == {str(root / each) for each in found}
    with pytest.raises(InsufficientPrivilege, match="outside the places"):
        check(Dataset(name="a", uri=str(opened)), [str(root)])


@pytest.mark.parametrize("make", [linked, stored])
def test_parts_in_other_files(make: Callable[[Path, Path], None], tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    inside, outside = tmp_path / "root" / "values", tmp_path / "secret"
    for place in (inside, outside):
        place.write_bytes(b"12345678")
    for name, other in (("bad", outside), ("good", inside)):
        path = tmp_path / "root" / f"{name}.h5"
        make(path, other)
        assert set(places_of(path)) == {str(other)}
    with App(Settings(port=0, dataset_roots=[str(tmp_path / "root")])) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="a", autocommit=True) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="outside the places"):
                connection.execute(f"ATTACH '{tmp_path}/root/bad.h5' AS bad".encode())
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_file_behind_a_url_has_no_parts_here(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"12345678")
    linked(tmp_path / "parts.nc", tmp_path / "secret")
    fsspec.filesystem("memory").pipe("/parts.nc", (tmp_path / "parts.nc").read_bytes())
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset("memory://parts.nc")
    assert "parts of itself on this machine" in str(caught.value.detail)


def test_nothing_of_what_is_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no HDF5")
    assert [*places_of(tmp_path / "text"), *places_of(tmp_path), *places_of(tmp_path / "no")] == []
