"""Where references, links and redirects lead: what is opened may have its values anywhere.

A store of references (kerchunk's and VirtualiZarr's, as JSON or as parquet) holds no values but the
places of bytes in other files; a Zarr store may have its chunks behind links, an HDF5 file parts of
itself. Whoever may open the one reads the others, so they are asked for before it is opened. HTTP
redirects are followed to allowed places alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyarrow.parquet as pq

from gateway.errors import ConfigurationFault
from gateway.sources.libraries import fsspec
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


def kept_within(
    uri: str, allowed: Callable[[str], bool], storage: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a URL's file system, so that an HTTP server sends it nowhere else.

    Args:
        uri: The dataset, or references that may point to URLs.
        allowed: Whether something may be read from a URL.
        storage: The options.
    """
    try:
        import aiohttp
    except ImportError:  # nor is anything read over HTTP then
        return dict(storage)
    trace = aiohttp.TraceConfig()

    async def redirected(session: Any, context: Any, params: Any) -> None:
        refuse_beyond(str(params.url), params.response.headers.get("Location", ""), allowed)

    trace.on_request_redirect.append(redirected)
    client = {"client_kwargs": {"trace_configs": [trace]}}
    if uri.startswith(("http://", "https://")):
        return {**storage, **client}
    return {**storage, "remote_options": client} if target_of(uri) is not None else dict(storage)


def refuse_beyond(asked: str, location: str, allowed: Callable[[str], bool]) -> None:
    """Refuse to follow a redirect to where nothing may be read from.

    Raises:
        PermissionError: To be told as the reason why the dataset cannot be read.

    >>> refuse_beyond("https://a.org/x/air.nc", "/y/air.nc", lambda url: url.startswith("https://a.org/"))
    """
    target = urljoin(asked, location)
    if not allowed(target):
        raise PermissionError(
            "the server redirects to a place outside those that datasets may be attached from"
        )


PREFIX = "reference://::"


def target_of(uri: str) -> str | None:
    """Where the references of a URI are; None where it is no store of references.

    >>> target_of("reference://::/data/refs.json")
    '/data/refs.json'
    """
    return uri.removeprefix(PREFIX) if uri.startswith(PREFIX) else None


def protocol_of(uri: str) -> str | None:
    """How the files are read that references in parquet point into; None: whoever opens them tells.

    fsspec asks the first reference, which points nowhere where the value itself stands there.

    Raises:
        ConfigurationFault: F0000, some references are generated: fsspec leaves them out, so that
            their chunks would be full of fill values.
    """
    target = target_of(uri)
    path = Path((target or "").removeprefix("file://"))
    if target is not None and path.is_file() and _are_generated(path.read_bytes()):
        raise ConfigurationFault(
            f'references that are generated ("gen") are not supported: "{target}"',
            hint="Write them out one by one, as kerchunk's consolidate does.",
        )
    if target is None or not path.is_dir():
        return None
    found = {place.partition("://")[0] if "://" in place else "file" for place in places_in(target)}
    return found.pop() if len(found) == 1 else None


def _are_generated(text: bytes) -> bool:
    try:
        return b'"gen"' in text and bool(json.loads(text).get("gen"))
    except (ValueError, AttributeError):  # whoever opens it tells what it is
        return False


def places_in(target: str) -> set[str]:
    """The files and URLs that references point into.

    Args:
        target: A local file of JSON, or a local directory of parquet files.

    Raises:
        ConfigurationFault: F0000, it is neither.
    """
    path = Path(target.removeprefix("file://"))
    try:
        if path.is_dir():
            return _places_in_parquet(path)
        references = fsspec.filesystem("reference", fo=str(path)).references
    # What the file holds is anybody's.
    except Exception as error:
        raise ConfigurationFault(
            f'cannot tell where the references of "{target}" point', detail=str(error)
        ) from error
    return {str(entry[0]) for entry in references.values() if isinstance(entry, list | tuple)}


def _places_in_parquet(top: Path) -> set[str]:
    """The same of a directory, and of the directories that links in it lead to."""
    if "{" in str(top) or "}" in str(top):  # fsspec would put the names of variables there
        raise ValueError("There are braces in the path.")
    found: set[str] = set()
    for place in (top, *map(Path, places_behind(str(top)))):
        for part in place.rglob("*.parq"):
            with pq.ParquetFile(part) as file:
                if "path" in file.schema_arrow.names:
                    (column,) = file.read(["path"]).columns
                    found.update(map(str, column.unique().to_pylist()))
    return found - {"None", ""}
