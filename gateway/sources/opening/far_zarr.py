"""Zarr stores behind URLs, through fsspec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.sources.libraries import fsspec, zarr

# Kinds of URL whose file system has no way to read the end of a file without knowing its size.
_WITHOUT_ENDS = ("az://", "abfs://", "abfss://")


def store_of(uri: str, storage: Mapping[str, Any]) -> Any:
    """The store at a URL, to be read.

    Zarr itself would make the file system in the one thread in which it reads every store, and some
    ask a network for credentials meanwhile, or read a zip's list of files.

    Args:
        uri: An fsspec URL.
        storage: Options of its file system.
    """
    kind = _asking_sizes() if uri.startswith(_WITHOUT_ENDS) else _parts()
    return kind.from_url(uri, storage_options=dict(storage), read_only=True)


def stores_matching(uri: str, storage: Mapping[str, Any]) -> list[str]:
    """The URLs of the stores that a pattern means now, in order; none where `uri` is no pattern.

    Args:
        uri: `*` and `[...]` behind its host make it a pattern.
        storage: Options of its file system.

    Raises:
        FileNotFoundError: Nothing matches.
    """
    behind = uri.partition("://")[2].partition("/")[2].partition("?")[0]
    wild = "*" in behind or "[" in behind
    if not wild or uri.startswith("reference://"):
        return []
    files, place = fsspec.core.url_to_fs(uri, **storage)
    files.invalidate_cache()
    found = [str(files.unstrip_protocol(each)) for each in sorted(files.glob(place.rstrip("/")))]
    if not found:
        raise FileNotFoundError("No store matches.")
    return found


@cache
def _asking_sizes() -> Any:
    """A store that asks for a file's size before it reads its end, as for the index of a shard."""

    class AskingSizes(zarr.storage.FsspecStore):
        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            if isinstance(byte_range, zarr.abc.store.SuffixByteRequest):
                try:
                    size = await self.getsize(key)
                except FileNotFoundError:
                    return None
                start = max(0, size - byte_range.suffix)
                byte_range = zarr.abc.store.RangeByteRequest(start, size)
            return await super().get(key, prototype, byte_range)

    return AskingSizes


@cache
def _parts() -> Any:
    """A store that refuses a whole file where it asked for a part, as a shard is read in.

    Some HTTP servers know no ranges and send everything, which fsspec takes for the part.
    """

    class Parts(zarr.storage.FsspecStore):
        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            found = await super().get(key, prototype, byte_range)
            most = _length(byte_range)
            if found is not None and most is not None and len(found) > most:
                raise OSError(
                    f"the server sent {len(found)} bytes of {key} where {most} were asked for: "
                    "sharded stores need one that answers range requests"
                )
            return found

    return Parts


def _length(byte_range: Any) -> int | None:
    """How many bytes a part has at most, where that is told."""
    if isinstance(byte_range, zarr.abc.store.SuffixByteRequest):
        return int(byte_range.suffix)
    if isinstance(byte_range, zarr.abc.store.RangeByteRequest):
        return int(byte_range.end - byte_range.start)
    return None
