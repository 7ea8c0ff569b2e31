"""Which local file holds a chunk of a Zarr array, and whether it is still the one that was read.

Whoever writes a chunk anew leaves the metadata of its store as they were; the file tells.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from gateway.sources.libraries import xarray, zarr

State = tuple[int, ...] | None


def state_of(file: str | Path) -> State:
    """What tells a file from others at its place, and from what it was before; None: it is gone."""
    try:
        status = os.stat(file)  # noqa: PTH116  # a Path takes longer to make than this
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


@dataclass(frozen=True, slots=True)
class ChunkFiles:
    """The files of an array's chunks.

    Args:
        array: The array.
        directory: Where it is.
        order: For each of its dimensions, the place of that among those of whoever asks.
        counts: How many chunks a file has along each of its dimensions: more than one in shards.
    """

    array: zarr.Array[Any]
    directory: str
    order: Sequence[int]
    counts: Sequence[int]

    def state(self, place: Sequence[int]) -> State:
        """That of the file in which the chunk at `place` is; None: it holds no values."""
        own = tuple(place[n] // count for n, count in zip(self.order, self.counts, strict=True))
        return state_of(self._path(own))

    def states(self, most: int) -> tuple[State, ...] | None:
        """Those of all files; None where there are more than `most`."""
        numbers = self._numbers
        if math.prod(numbers) > most:
            return None
        return tuple(state_of(self._path(place)) for place in product(*map(range, numbers)))

    @property
    def changing(self) -> str:
        """What changes with any of them: the only one, or the directory in which all are made.

        That is so along one dimension, and where files are written beside their place and then
        put into it, as Zarr does.
        """
        first = self._path((0,) * self.array.ndim)
        return first if math.prod(self._numbers) == 1 else str(Path(first).parent)

    def _path(self, place: tuple[int, ...]) -> str:
        return f"{self.directory}/{self.array.metadata.encode_chunk_key(place)}"

    @property
    def _numbers(self) -> list[int]:
        """How many files there are along each dimension."""
        files = self.array.shards or self.array.chunks
        return [-(-size // length) for size, length in zip(self.array.shape, files, strict=True)]


def chunk_files(variable: xarray.Variable, dims: Sequence[str]) -> ChunkFiles | None:
    """Those of a variable; None where its values are in no local files of Zarr.

    Args:
        variable: Not read yet, its dimensions in any order.
        dims: The same in the order of what is stored.
    """
    values: Any = variable._data
    while hasattr(values, "array"):  # xarray's decoding, one step around another
        values = values.array
    array = values.get_array() if hasattr(values, "get_array") else None
    order = [variable.dims.index(dim) for dim in dims]
    if not isinstance(array, zarr.Array) or [variable.shape[n] for n in order] != [*array.shape]:
        return None
    return _files_of(array, order)


def files_in(directory: Path) -> ChunkFiles | None:
    """Those of the array that is in a directory; None: it is a group."""
    found = zarr.open(directory, mode="r")
    return _files_of(found, range(found.ndim)) if isinstance(found, zarr.Array) else None


def _files_of(array: zarr.Array[Any], order: Sequence[int]) -> ChunkFiles | None:
    if not isinstance(array.store, zarr.storage.LocalStore):
        return None
    files = array.shards or array.chunks
    counts = [length // chunk for length, chunk in zip(files, array.chunks, strict=True)]
    return ChunkFiles(array, str(array.store.root / array.path), order, counts)
