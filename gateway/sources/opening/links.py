"""Where links lead: a Zarr store may have its chunks anywhere, and an HDF5 file its values.

Whoever may open the directory reads what they lead to, so they are asked for before it is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.sources.opening.hdf5_places import places_of


def places_behind(uri: str) -> Iterator[str]:
    """Where each symbolic link below a local directory leads, or an HDF5 file has parts of itself.

    What a link leads to is looked through, too, once it is asked for.

    Args:
        uri: A path, or a URL.

    Raises:
        OSError: a directory cannot be read.
    """
    top = Path(uri.removeprefix("file://")).expanduser()
    if not top.is_dir():
        yield from _parts_of(top)
        return
    unread, seen = [top.resolve()], set()
    while unread:
        here = unread.pop()
        if here in seen:
            continue
        seen.add(here)
        with os.scandir(here) as entries:
            inside = list(entries)
        for entry in inside:
            place = Path(entry.path)
            if entry.is_symlink():
                place = place.resolve()
                yield str(place)
            if entry.is_dir():
                unread.append(place)


def _parts_of(file: Path) -> Iterator[str]:
    unread, seen = [file], set()
    while unread:
        here = unread.pop()
        if here in seen:
            continue
        seen.add(here)
        for place in places_of(here):
            yield place
            unread.append(Path(place))
