"""netCDF files: each open once, whoever reads it, and one thread at a time in the library.

The netCDF library (4.10.1) knows no threads; and of a file with texts that is open twice it frees
what the older opening still needs when the newer is closed first, and the process with it. xarray
opens a file for each dataset, asks what is in it without its locks, and closes what was not read
lately where many are open, in whatever order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from gateway.recent import Recent
from gateway.sources.libraries import netCDF4, xarray

# Files whose state is remembered; one that is not is opened anew, which harms nobody.
_MOST_FILES = 100_000


class _Library:
    """xarray's locks of the netCDF library; the thread that holds them may take them again."""

    def __init__(self) -> None:
        self._own = threading.RLock()
        self._depth = 0

    @cached_property
    def _others(self) -> Any:
        locks = xarray.backends.locks
        return locks.combine_locks([locks.NETCDFC_LOCK, locks.HDF5_LOCK])

    def acquire(self, blocking: bool = True) -> bool:
        if not self._own.acquire(blocking):
            return False
        if not self._depth and not self._others.acquire(blocking):
            self._own.release()
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1
        if not self._depth:
            self._others.release()
        self._own.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


_library = _Library()
_states: Recent[tuple[int, int]] = Recent(_MOST_FILES, 1)


def open_netcdf(path: str, options: Mapping[str, Any]) -> xarray.Dataset | xarray.DataTree:
    """A netCDF file, opened lazily; one with groups in it is a hierarchy.

    Datasets of one file share its opening. One that has changed since is opened anew for all of
    them; a file put in its place is another.

    Args:
        path: The file.
        options: Of `xarray.open_dataset`.

    Raises:
        OSError: There is no such file, or it is none of netCDF.
    """
    with _library:
        manager = _manager(path)
        with manager.acquire_context() as file:
            groups = {group: _group(manager, group, options) for group in _groups(file, "/")}
    return groups["/"] if len(groups) == 1 else xarray.DataTree.from_dict(groups)


def _group(manager: Any, group: str, options: Mapping[str, Any]) -> xarray.Dataset:
    opening: Any = xarray.backends.NetCDF4DataStore  # has no types
    store = opening(manager, group, "r", _library)
    return xarray.open_dataset(store, **{**options, "engine": "store"})


def _groups(file: Any, above: str) -> Iterator[str]:
    yield above
    for name, group in file.groups.items():
        yield from _groups(group, f"{above.rstrip('/')}/{name}")


def _manager(path: str) -> Any:
    """What opens the file when it is read, once for all datasets that have an equal one."""
    place = Path(path).resolve()
    status = place.stat()
    inode = f"{status.st_dev} {status.st_ino}"
    opener: Any = netCDF4
    manager: Any = xarray.backends.CachingFileManager(
        opener.Dataset, str(place), mode="r", lock=_library, manager_id=inode
    )
    state = status.st_mtime_ns, status.st_size
    if _states.get(inode) != state:
        manager.close(needs_lock=False)
        _states.put(inode, state, 1)
    return manager
