"""HDF5 files with parts in other files: found, and not attached where those are outside."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.sources.opening.hdf5_places import places_of

_ID, _SIZES = ctypes.c_int64, ctypes.c_uint64 * 1


def _hdf5() -> Any:
    """The HDF5 library, whose functions give identifiers."""
    import sys

    library = ctypes.CDLL(str(sys.modules[netCDF4.Dataset.__module__].__file__))
    library.H5open()
    for name in ("H5Fcreate", "H5Pcreate", "H5Screate_simple", "H5Dcreate2"):
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


def test_nothing_of_what_is_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no HDF5")
    assert [*places_of(tmp_path / "text"), *places_of(tmp_path), *places_of(tmp_path / "no")] == []
