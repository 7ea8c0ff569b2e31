"""In which order netCDF files are closed: an older opening of a file before a newer one.

The netCDF library (4.10.1) frees what the older one still needs of a file with texts, and the
process with it, where both were read and the newer is closed first. A dataset that was opened anew
may be let go of while a scan, or the engine, still holds the one before.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any
from weakref import WeakSet

from gateway.sources.libraries import xarray

_open: defaultdict[str, WeakSet[Any]] = defaultdict(WeakSet)
_lock = threading.Lock()


def close_after_older(path: str, opened: xarray.Dataset | xarray.DataTree) -> None:
    """Let those who opened the file before keep it open, too, for as long as they are there.

    Args:
        path: The file.
        opened: What was opened, lazily.
    """
    dataset = opened if isinstance(opened, xarray.Dataset) else opened.to_dataset()
    # xarray closes the file with the last reference to its manager, wherever that is dropped.
    manager = getattr(getattr(dataset._close, "__self__", None), "_manager", None)
    if manager is None:
        return
    with _lock:
        for older in _open[path]:
            vars(older).setdefault("newer", []).append(manager)
        _open[path].add(manager)
