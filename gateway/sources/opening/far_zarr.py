"""Zarr stores behind URLs, through fsspec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.sources.libraries import zarr

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
    kind = _asking_sizes() if uri.startswith(_WITHOUT_ENDS) else zarr.storage.FsspecStore
    return kind.from_url(uri, storage_options=dict(storage), read_only=True)


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
