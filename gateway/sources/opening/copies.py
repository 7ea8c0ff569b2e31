"""Copies of files behind URLs, for libraries that read files and no streams."""

from __future__ import annotations

import tempfile
import threading
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gateway.sources.libraries import fsspec

# What a file system tells of a file that changes with its content; their names, by file system.
_MARKS = ("ETag", "etag", "md5Hash", "Last-Modified")


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="gradwire-")  # removed when the process ends


_lock = threading.Lock()
_known: defaultdict[Any, list[tuple[Any, Path]]] = defaultdict(list)


def copies_of(uri: str, storage: Mapping[str, Any]) -> list[str]:
    """Local copies of the file that a URL means now, or of all files that a pattern means.

    A copy whose file has not changed, as far as its file system tells, is used again. The copy
    before the newest is kept too, for those who still read it.

    Args:
        uri: `*` and `[...]` in it make it a pattern.
        storage: Options of its file system.
    """
    files, place = fsspec.core.url_to_fs(uri, **storage)
    files.invalidate_cache()
    wild = "*" in place or "[" in place
    places = sorted(files.glob(place)) if wild else [place]
    if not places:
        raise FileNotFoundError("No file matches.")
    return [str(_copied(files, each)) for each in places]


def _copied(files: Any, place: str) -> Path:
    told = files.info(place)
    mark = [told.get("size"), *(str(told[name]) for name in _MARKS if told.get(name))]
    with _lock:
        held = _known[files, place]
    if held and len(mark) > 1 and held[-1][0] == mark:
        return held[-1][1]
    with tempfile.NamedTemporaryFile(dir=_folder().name, delete=False) as file:
        copy = Path(file.name)
    files.get_file(place, str(copy))
    with _lock:
        held.append((mark, copy))
        outdated, held[:] = held[:-2], held[-2:]
    for _, path in outdated:
        path.unlink(missing_ok=True)
    return copy
