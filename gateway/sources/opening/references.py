"""Where references point: kerchunk's and VirtualiZarr's, as JSON or as parquet.

A store of references holds no values but the places of bytes in other files. Whoever may open
the one reads the others, so they are asked for before it is opened.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from gateway.errors import ConfigurationFault
from gateway.sources.libraries import fsspec
from gateway.sources.opening.links import places_behind

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
