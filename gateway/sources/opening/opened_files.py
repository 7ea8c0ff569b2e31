"""Whether what stands at a local place is still what was opened there.

Readers keep what they learned as they opened a dataset, a store's chunks and coordinates, and would
take rows of whatever stands in its place by now for its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from gateway.errors import GatewayError
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.origins import origins_of
from gateway.sources.opening.opening import ZARR_MARKS, local, matching
from gateway.sources.reading.chunk_files import State, coordinate_files, state_of
from gateway.sources.reading.faults import Replaced
from gateway.sources.reading.stored import GridColumn
from gateway.sources.table import TableName
from gateway.sources.urls import is_local

Tables = Mapping[TableName, GridTable]
States = tuple[State, ...]

# What an encoding tells of a place alone.
_OF_PLACES = ("source", "original_shape")

_GENERATIONS = count(1)


class OpenedFiles:
    """Asked around each read whether the files still are what the tables were made of.

    Files that have changed are opened again. Where all that was there is there as it was, and maybe
    more, the dataset has grown, and its tables are read on; chunks that were held are not.

    Args:
        files: Those whose change is one of the dataset.
        state: Theirs, before the tables were made.
        tables: The tables.
        reopen: Makes them anew.
    """

    def __init__(
        self, files: Sequence[Path], state: States, tables: Tables, reopen: Callable[[], Tables]
    ) -> None:
        self._files, self._coordinates = files, _coordinates(tables)
        self._state = (*state, *states_of(self._coordinates))
        self._tables, self._reopen = tables, reopen
        self._generation = 0
        self._changing = threading.Lock()

    def __call__(self) -> int:
        """A number that is another one once the files have changed.

        Raises:
            Replaced: They are gone, or hold something else.
        """
        state = states_of([*self._files, *self._coordinates])
        if state == self._state:
            return self._generation
        if None in state[: len(self._files)]:
            raise Replaced("the store is no longer there")
        with self._changing:
            if state != self._state:
                self._check()
                self._state, self._generation = state, next(_GENERATIONS)
            return self._generation

    def _check(self) -> None:
        # Whatever a reader says of what stands there now.
        try:
            now = self._reopen()
            same = all(_goes_on(table, now[name]) for name, table in self._tables.items())
        except Exception as error:
            reason = error.detail if isinstance(error, GatewayError) else str(error)
            raise Replaced(f"it has changed since it was opened: {reason}") from error
        if not same:
            raise Replaced("another dataset is in its place")


def files_of(uri: str) -> list[Path]:
    """The files whose change is one of the dataset; none where it is far away.

    Those of a Zarr store are its metadata: chunks come and go. A store that has none at its root,
    as an Icechunk repository, never changes.
    """
    if not is_local(uri):
        return []
    several = [Path(path) for path in matching(uri)]
    return [file for path in several or [local(uri)] for file in _files(path)]


def states_of(files: Sequence[Path | str]) -> States:
    """What tells files from others at their places, and from what they were before."""
    return tuple(map(state_of, files))


def _coordinates(tables: Tables) -> list[str]:
    """What changes with the values of coordinates in Zarr stores, which are held in memory."""
    found: dict[str, None] = {}
    for table in tables.values():
        stored = table.stored
        beside = next((each.files for each in stored.values() if each.files is not None), None)
        for name in [name for name, each in stored.items() if each.axis is not None]:
            files = None if beside is None else coordinate_files(beside, name)
            if files is not None:
                found[files.changing] = None
    return [*found]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    marks = [path / mark for mark in ZARR_MARKS if (path / mark).exists()]
    yield from marks
    if marks and not any(map(_is_consolidated, marks)):
        for part in sorted(path.iterdir()):
            yield from _arrays(part)


def _arrays(part: Path) -> Iterator[Path]:
    """The metadata of arrays in a part of a store; an array itself has no parts of this kind."""
    if (part / ".zarray").exists():
        yield part / ".zarray"
    elif (part / ".zgroup").exists() or (part / "zarr.json").exists():
        mark = part / "zarr.json"
        if mark.exists():
            yield mark
        if not mark.exists() or _holds(mark, "node_type", "group"):
            for inner in sorted(part.iterdir()):
                yield from _arrays(inner)


def _is_consolidated(mark: Path) -> bool:
    return mark.name == ".zmetadata" or (
        mark.name == "zarr.json" and b'"consolidated_metadata"' in mark.read_bytes()
    )


def _holds(mark: Path, key: str, value: str) -> bool:
    try:
        return bool(json.loads(mark.read_bytes()).get(key) == value)
    except (OSError, ValueError):
        return False


def _goes_on(old: GridTable, new: GridTable) -> bool:
    """Whether every column of a table is one of another, as it is stored, which may go on."""
    known, found = origins_of(old), origins_of(new)
    for name, column in old.stored.items():
        other = new.stored.get(name)
        if other is None or column.field != other.field or column.axis != other.axis:
            return False
        if repr(replace(known[name], order="")) != repr(replace(found[name], order="")):
            return False
        sizes, now = column.variable.sizes, other.variable.sizes
        if any(now[dim] < size for dim, size in sizes.items()):
            return False
        if column.role != "dimension" and _layout(column) != _layout(other):
            return False
        if column.axis is not None:
            axis = old.axis(name)
            if not new.axis(name).slice(0, len(axis)).equals(axis):
                return False
    return True


def _layout(column: GridColumn) -> str:
    stored = column.variable.encoding.items()
    return repr({key: value for key, value in stored if key not in _OF_PLACES})
