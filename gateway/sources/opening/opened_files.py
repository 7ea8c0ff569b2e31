"""Whether what stands at a local place is still what was opened there.

Readers keep what they learned as they opened a dataset, a store's chunks and coordinates, and would
take rows of whatever stands in its place by now for its own.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from gateway.errors import GatewayError
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.origins import origins_of
from gateway.sources.opening.opening import ZARR_MARKS, local, matching
from gateway.sources.reading.chunk_files import State, files_in, state_of
from gateway.sources.reading.faults import Replaced, replaced
from gateway.sources.reading.stored import GridColumn
from gateway.sources.table import Table, TableName
from gateway.sources.urls import is_local

Tables = Mapping[TableName, GridTable]
States = tuple[State, ...]

# What an encoding tells of a place alone.
_OF_PLACES = ("source", "original_shape")

_GENERATIONS = count(1)

# Linux tells when a file was changed by a clock that moves in steps, of 10 ms at the most.
_CLOCK_STEP_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Before:
    """What stood at a local place before it was opened.

    Args:
        files: Those whose change is one of the dataset.
        stores: The directories of Zarr stores, whose coordinates are such, too.
        state: That of the files.
        moment_ns: When that was, in nanoseconds since 1970.
    """

    files: Sequence[Path]
    stores: Sequence[Path]
    state: States
    moment_ns: int


class OpenedFiles:
    """Asked before each query and around each read whether files are what the tables were made of.

    Files that have changed are opened again. Where all that was there is there as it was, and maybe
    more, the dataset has grown, and its tables are read on; chunks that were held are not.

    Args:
        before: What stood there before the tables were made.
        tables: The tables.
        reopen: Makes them anew.
    """

    def __init__(self, before: Before, tables: Tables, reopen: Callable[[], Tables]) -> None:
        self._files, self._coordinates = before.files, _coordinates(before.stores, tables)
        held = [_if_before(before.moment_ns, each) for each in states_of(self._coordinates)]
        self._state = (*before.state, *held)
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


def check_present(tables: Iterable[Table]) -> None:
    """Refuse tables of datasets whose files are gone, or hold something else.

    What reads no variable has its answer from coordinates in memory, and asks for no file.

    Raises:
        DatasetUnreadable: 58030, naming the dataset.
    """
    asked = {t.presence: t.name for t in tables if isinstance(t, GridTable) and t.presence}
    for presence, dataset in asked.items():
        try:
            presence()
        except Replaced as error:
            raise replaced(dataset, error) from error


def files_of(uri: str) -> list[Path]:
    """The files whose change is one of the dataset; none where it is far away.

    Those of a Zarr store are its metadata: chunks come and go. A store that has none at its root,
    as an Icechunk repository, never changes.
    """
    return [file for path in _paths(uri) for file in _files(path)]


def before_opening(uri: str) -> Before | None:
    """What stands at a place; None where nothing of it can change, or it is far away."""
    files = files_of(uri)
    stores = [path for path in _paths(uri) if path.is_dir()]
    return Before(files, stores, states_of(files), time.time_ns()) if files else None


def states_of(files: Sequence[Path | str]) -> States:
    """What tells files from others at their places, and from what they were before."""
    return tuple(map(state_of, files))


def _paths(uri: str) -> list[Path]:
    return [Path(path) for path in matching(uri)] or [local(uri)] if is_local(uri) else []


def _coordinates(stores: Sequence[Path], tables: Tables) -> list[str]:
    """What changes with the values of coordinates in Zarr stores, which are held in memory."""
    named = [item for table in tables.values() for item in table.stored.items()]
    names = {name for name, each in named if each.axis is not None}
    marks = [m for store in stores for part in sorted(store.iterdir()) for m in _arrays(part)]
    found = [files_in(mark.parent) for mark in marks if mark.parent.name in names]
    return [each.changing for each in found if each is not None]


def _if_before(moment_ns: int, state: State) -> State:
    """The state; None where it may be one that was made since, of values that were not read."""
    return state if state is not None and state[2] < moment_ns - _CLOCK_STEP_NS else None


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
