"""Where an HDF5 file has parts of itself: in other files, by external links and external storage.

The library follows them to any file that the server may read, so they are asked for before a file
is opened by who may not see everything. It is asked through ctypes, in the copy of the HDF5 library
that netCDF4 has loaded: netCDF4 itself tells nothing of them.
"""

from __future__ import annotations

import ctypes
import glob
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from gateway.sources.libraries import xarray

_ID, _NAME, _SIZE, _ANY = ctypes.c_int64, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p
_VISITOR = ctypes.CFUNCTYPE(ctypes.c_int, _ID, _NAME, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p)
_HARD, _SOFT, _EXTERNAL = 0, 1, 64  # H5L_type_t
_DATASET, _VIRTUAL = 5, 3  # H5I_type_t, H5D_layout_t
_MOST = 65536  # bytes of a link's value, as many as HDF5 lets it have

#   function                   result        arguments
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "H5Eset_auto2":            (ctypes.c_int, (_ID, ctypes.c_void_p, ctypes.c_void_p)),
    "H5Fopen":                 (_ID,          (_NAME, ctypes.c_uint, _ID)),
    "H5Fclose":                (ctypes.c_int, (_ID,)),
    "H5Lvisit2":               (ctypes.c_int, (_ID, ctypes.c_int, ctypes.c_int, _VISITOR, _ANY)),
    "H5Lget_val":              (ctypes.c_int, (_ID, _NAME, ctypes.c_void_p, _SIZE, _ID)),
    "H5Oopen":                 (_ID,          (_ID, _NAME, _ID)),
    "H5Oclose":                (ctypes.c_int, (_ID,)),
    "H5Iget_type":             (ctypes.c_int, (_ID,)),
    "H5Dget_create_plist":     (_ID,          (_ID,)),
    "H5Pclose":                (ctypes.c_int, (_ID,)),
    "H5Pget_layout":           (ctypes.c_int, (_ID,)),
    "H5Pget_external_count":   (ctypes.c_int, (_ID,)),
    "H5Pget_external":         (ctypes.c_int, (_ID, ctypes.c_uint, _SIZE, _ANY, _ANY, _ANY)),
    "H5Pget_virtual_count":    (ctypes.c_int, (_ID, ctypes.POINTER(_SIZE))),
    "H5Pget_virtual_filename": (ctypes.c_ssize_t, (_ID, _SIZE, ctypes.c_void_p, _SIZE)),
}  # fmt: skip


@cache
def _library() -> Any:
    """The HDF5 library of netCDF4; None where it is not there, and no HDF5 file is opened."""
    try:
        import netCDF4
    except ImportError:
        return None
    library = ctypes.CDLL(str(sys.modules[netCDF4.Dataset.__module__].__file__))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def places_of(path: Path) -> Iterator[str]:
    """The other files in which a local file has parts of itself; nothing for what is no HDF5.

    A name, and where it leads nowhere its last part, is looked for beside the file, beside what
    the file is a link to, and in the working directory, as the library does; what is not there is
    nothing to read. `%b` in the names of a virtual dataset is any number.
    """
    library = _library()
    names = set() if library is None or not path.is_file() else _named(library, path)
    wheres = {path.parent.resolve(), path.resolve().parent, Path.cwd()}
    for name, where in product(sorted(names - {"."}), sorted(wheres)):
        for pattern in _patterns(name) | _patterns(Path(name).name):
            for found in glob.iglob(pattern, root_dir=where):  # noqa: PTH207 absolute ones too
                place = where / found
                if place.exists():  # in its own directory its own parts are looked for
                    yield str(place.parent.resolve() / place.name)


def _patterns(name: str) -> set[str]:
    """A name as it stands, and as that of a virtual dataset, for glob."""
    parts = (map(glob.escape, part.split("%b")) for part in name.split("%%"))
    return {glob.escape(name), "%".join(map("*".join, parts))}


def _named(library: Any, path: Path) -> set[str]:
    found: set[str] = set()

    def visit(group: int, name: bytes, kind: Any, _: object) -> int:
        if kind[0] == _HARD:
            found.update(_parts(library, group, name))
        elif kind[0] != _SOFT:
            found.add(_linked(library, group, name) if kind[0] == _EXTERNAL else "/")
        return 0

    with xarray.backends.locks.HDF5_LOCK:
        library.H5Eset_auto2(0, None, None)
        file = library.H5Fopen(str(path).encode(), 0, 0)
        if file < 0:
            return found
        try:
            library.H5Lvisit2(file, 0, 0, _VISITOR(visit), None)
        finally:
            library.H5Fclose(file)
    return found


def _linked(library: Any, group: int, name: bytes) -> str:
    """The file of an external link: after a byte of flags, up to a zero byte."""
    value = ctypes.create_string_buffer(_MOST)
    library.H5Lget_val(group, name, value, _MOST, 0)
    return value.raw[1:].partition(b"\0")[0].decode(errors="replace")


def _parts(library: Any, group: int, name: bytes) -> set[str]:
    """The files with the values of a dataset."""
    found: set[str] = set()
    thing = library.H5Oopen(group, name, 0)
    if thing < 0:
        return found
    if library.H5Iget_type(thing) == _DATASET:
        made = library.H5Dget_create_plist(thing)
        text = ctypes.create_string_buffer(_MOST)
        for number in range(max(library.H5Pget_external_count(made), 0)):
            library.H5Pget_external(made, number, _MOST, text, None, None)
            found.add(text.value.decode(errors="replace"))
        if library.H5Pget_layout(made) == _VIRTUAL:
            count = _SIZE()
            library.H5Pget_virtual_count(made, ctypes.byref(count))
            for number in range(count.value):
                library.H5Pget_virtual_filename(made, number, text, _MOST)
                found.add(text.value.decode(errors="replace"))
        library.H5Pclose(made)
    library.H5Oclose(thing)
    return found
