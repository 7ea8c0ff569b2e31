"""xarray and the libraries beside it, each loaded when something of it is first asked for.

The rooms above know datasets' tables, and so import this room, whether there is a dataset or not.
Loading these takes a fifth of a start, which a server of user tables would pay after every
crash without using one; so modules here take them from this one, and nowhere else.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# The HDF5 library locks the files that it reads for as long as they are open, and refuses whoever
# would add a time step to one. It looks at this as it is loaded.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

__all__ = ["cftime", "fsspec", "netCDF4", "xarray", "zarr"]


class _Later:
    """A module that is loaded at the first look at it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    import cftime
    import fsspec
    import netCDF4
    import xarray
    import xarray.backends.locks
    import zarr
    import zarr.abc.store
    import zarr.codecs
    import zarr.storage
else:
    cftime, fsspec, netCDF4, xarray, zarr = map(_Later, __all__)
