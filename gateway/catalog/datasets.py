"""The datasets that a server serves, as one mapping from names to tables that may change.

A dataset that cannot be opened is kept by name with the reason, and harms no other. Every change
makes a new mapping, so a statement that holds tables goes on reading them. Beside the datasets'
own tables stand `gradwire.datasets`, `gradwire.attributes` and `gradwire.variables`, which tell of
them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from gateway.catalog import attached
from gateway.config import BUNDLED, Dataset
from gateway.errors import (
    ConfigurationFault,
    DatasetUnreadable,
    DuplicateObject,
    GatewayError,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
)
from gateway.interrupts import check_for_interrupts
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.relations import relations_of
from gateway.sources.listing import (
    ATTRIBUTES,
    TEXT,
    VARIABLES,
    Listing,
    attribute_rows,
    variable_rows,
)
from gateway.sources.opening import ncep
from gateway.sources.opening.opened_files import OpenedFiles, before_opening
from gateway.sources.opening.opening import open_dataset, unreadable
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.table import Description, Table, TableName
from gateway.sources.timeouts import Begun, Crowd, Patience
from gateway.sources.urls import is_local, shown
from gateway.store.disk.backup import ATTACHED

log = logging.getLogger(__name__)

_BUNDLED = {"ncep": ncep.location}
_UNLISTED = (
    "A Zarr store over http needs consolidated metadata, for directories are not listed there."
)
SCHEMA = "gradwire"  # where the tables about datasets stand

# Tables whose rows depend on who asks: a session brings them (`Registry.own`).
STATEMENTS = pa.schema(
    [("queryid", pa.int64()), ("usename", TEXT), ("datname", TEXT), ("query", TEXT), ("kind", TEXT),
     ("calls", pa.int64()), ("errors", pa.int64()), ("recalled", pa.int64()),
     ("total_time", pa.float64()), ("min_time", pa.float64()), ("max_time", pa.float64()),
     ("mean_time", pa.float64()), ("stddev_time", pa.float64()),
     ("total_plan_time", pa.float64()), ("total_rewrite_time", pa.float64()),
     ("rows", pa.int64()), ("sent_bytes", pa.int64()), ("chunks_read", pa.int64()),
     ("chunks_skipped", pa.int64()), ("since", pa.timestamp("us", "UTC"))]
)  # fmt: skip
PROGRESS = pa.schema(
    [("pid", pa.int32()), ("usename", TEXT), ("datname", TEXT), ("application_name", TEXT),
     ("phase", TEXT), ("query", TEXT), ("relation", TEXT), ("chunks_total", pa.int64()),
     ("chunks_to_read", pa.int64()), ("chunks_read", pa.int64()), ("rows_sent", pa.int64()),
     ("query_start", pa.timestamp("us", "UTC"))]
)  # fmt: skip
_OWN = {
    "statements": (STATEMENTS, "What the statements of each kind came to; times in milliseconds"),
    "progress": (PROGRESS, "What runs, and how many chunks of each dataset's table it has read"),
}

DATASETS = pa.schema(
    [("name", TEXT), ("uri", TEXT), ("tables", pa.int32()), ("error", TEXT), ("detail", TEXT)]
)


@dataclass(frozen=True)
class Held:
    """One dataset: its tables, and why it has none, or could not be opened anew."""

    dataset: Dataset
    tables: Mapping[TableName, Table] = field(default_factory=dict)
    error: GatewayError | None = None


class Datasets(Mapping[TableName, Table]):
    """Names to the tables of every dataset, and to those that tell of them.

    Args:
        configured: The datasets to open, each under a name of its own.
        roots: What `attach` may name.
        directory: Where attached datasets are remembered; None: nowhere.
        cache_bytes: What decoded chunks may take together.
        open_seconds: How long opening one may take.
        read_seconds: How long a read of one behind a URL may take.
        crowd: The reads that are waited for.
    """

    def __init__(
        self,
        configured: list[Dataset],
        roots: Sequence[str] = (),
        directory: Path | None = None,
        cache_bytes: int = 0,
        open_seconds: float = 60.0,
        read_seconds: float = 300.0,
        crowd: Crowd | None = None,
    ) -> None:
        self.cache = ChunkCache(cache_bytes)
        self._open_seconds, self._read_seconds = open_seconds, read_seconds
        self._crowd = crowd or Crowd(8)
        self._changing = threading.Lock()
        self._roots = roots
        self._file = None if directory is None else directory / ATTACHED
        self._configured = frozenset(dataset.name for dataset in configured)
        self._attached: dict[str, Dataset] = {}
        self.version = 0  # grows whenever there are other tables
        self.on_change: Callable[[], None] = lambda: None  # called when another may be due
        self._due: dict[str, float] = {}  # when datasets are to be refreshed, by their name
        self._held: dict[str, Held] = {}
        self._tables: dict[TableName, Table] = self._facts()
        for dataset in attached.remembered(self._file):
            if dataset.name in self._configured:
                log.warning(
                    'attached dataset "%s" is left out: another is configured', dataset.name
                )
            else:
                self._attached[dataset.name] = dataset
        self._take_all([*configured, *self._attached.values()])

    def __getitem__(self, name: TableName) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[TableName]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    @property
    def current(self) -> Mapping[TableName, Table]:
        """The tables of this moment; never changed afterwards."""
        return self._tables

    @property
    def names(self) -> frozenset[str]:
        """The names of the datasets, those that cannot be opened included."""
        return frozenset(self._held)

    def attach(self, dataset: Dataset, admit: Callable[[TableName], None]) -> None:
        """Open a dataset and serve it, now and after a restart.

        Args:
            dataset: A dataset of a new name.
            admit: Raises what stands against a table of that name.

        Raises:
            InsufficientPrivilege: 42501, it lies outside the roots.
            DuplicateObject: 42710, another has the name by now.
            ConfigurationFault, DatasetUnreadable, FeatureNotSupported: as `open_one`.
        """
        held = self._open(dataset)
        for name in held.tables:
            admit(name)
        with self._changing:
            if dataset.name in self._held:  # since the caller looked
                raise DuplicateObject(f'dataset "{dataset.name}" already exists')
            self._remember({**self._attached, dataset.name: dataset})
            self._take(held)

    def refuse_outside(self, path: str) -> None:
        """Refuse a path that lies outside the roots.

        Raises:
            InsufficientPrivilege: 42501.
        """
        attached.check_place(path, self._roots)

    def detach(self, name: str) -> None:
        """Serve an attached dataset no longer.

        Raises:
            ObjectNotInPrerequisiteState: 55000, it stands in the configuration.
        """
        with self._changing:
            if name not in self._attached:
                raise ObjectNotInPrerequisiteState(
                    f'dataset "{name}" stands in the configuration and cannot be detached'
                )
            self._remember({n: d for n, d in self._attached.items() if n != name})
            gone = self._held[name].tables
            self._held = {n: held for n, held in self._held.items() if n != name}
            self._due = {n: at for n, at in self._due.items() if n != name}
            self._tables = {n: table for n, table in self._tables.items() if n not in gone}
            self.version += 1

    def refresh(self, name: str) -> None:
        """Open a dataset anew; where that fails, it is served as it was.

        Raises:
            ConfigurationFault, DatasetUnreadable, FeatureNotSupported: as `open_one`.
            UndefinedObject: 42704, it was detached meanwhile.
        """
        before = self._held.get(name)
        held = None if before is None else self._open(before.dataset)
        with self._changing:
            now = self._held.get(name)
            if held is None or now is None or now.dataset is not held.dataset:
                raise UndefinedObject(f'dataset "{name}" does not exist')
            self._take(held)

    def refresh_due(self, now: float) -> float | None:
        """Refresh the datasets whose time has come; one that does not open stays as it was.

        Args:
            now: Of the monotonic clock, in seconds.

        Returns:
            Seconds until another is due; None while none has an interval.
        """
        for name in [name for name, at in self._due.items() if at <= now]:
            try:
                self.refresh(name)
            except GatewayError as error:
                self._keep(name, error)
        return min((max(0.0, at - now) for at in self._due.values()), default=None)

    def _keep(self, name: str, error: GatewayError) -> None:
        """A dataset could not be opened anew: it goes on as it was, and says why."""
        with self._changing:
            held = self._held.get(name)
            if held is None:
                return
            if _told(held.error) != _told(error):
                log.warning('dataset "%s" stays as it was: %s', name, _reason(error))
            self._held = {**self._held, name: replace(held, error=error)}
            self._await(held.dataset)

    def _await(self, dataset: Dataset) -> None:
        if dataset.refresh_seconds is not None:
            self._due = {**self._due, dataset.name: time.monotonic() + dataset.refresh_seconds}
            self.on_change()

    def _remember(self, datasets: dict[str, Dataset]) -> None:
        attached.remember(self._file, list(datasets.values()))
        self._attached = datasets

    def fault(self, name: str) -> GatewayError | None:
        """Why the dataset of that name has no tables; None when it has some, or there is none."""
        held = self._held.get(name)
        return None if held is None or held.tables else held.error

    def _take_all(self, datasets: Sequence[Dataset]) -> None:
        """Serve the datasets that a server starts with; those far away open all at once."""
        begun = {each.name: self._begin(each) for each in datasets if not is_local(each.uri)}
        for dataset in datasets:
            try:
                held = self._open(dataset, begun.get(dataset.name))
            except GatewayError as error:
                log.warning('dataset "%s" has no tables: %s', dataset.name, _reason(error))
                held = Held(dataset, error=error)
            self._take(held)

    def _begin(self, dataset: Dataset) -> Begun[Held]:
        return Begun(lambda: self._opened(dataset), self._open_seconds)

    def _open(self, dataset: Dataset, begun: Begun[Held] | None = None) -> Held:
        """The dataset, as long as whoever waits for it wants it and its time is not up."""
        try:
            return (begun or self._begin(dataset)).result(check_for_interrupts)
        except TimeoutError as error:
            raise unreadable(dataset.uri, error) from error

    def _opened(self, dataset: Dataset) -> Held:
        kept = dataset
        if dataset.name not in self._configured:  # links and references may lead elsewhere by now
            kept = attached.within(dataset, self._roots)
        before = before_opening(_location(dataset.uri))
        tables = open_one(kept)
        there = OpenedFiles(before, tables, partial(open_one, kept)) if before else None
        far = None if is_local(dataset.uri) else Patience(self._read_seconds, self._crowd)
        return Held(
            dataset,
            {name: table.cached(self.cache, there, far) for name, table in tables.items()},
        )

    def _take(self, held: Held) -> None:
        """Serve a dataset, in the place of one of the same name."""
        before = self._held.get(held.dataset.name)
        others = dict(self._tables)
        for name in before.tables if before is not None else ():
            del others[name]
        self._held = {**self._held, held.dataset.name: held}
        self._tables = {**others, **held.tables}
        self._await(held.dataset)
        self.version += 1  # only now: who saw it grow must find the new tables

    def _facts(self) -> dict[TableName, Table]:
        datasets = Listing(
            DATASETS, self._dataset_rows, Description("The datasets, and why one cannot be read")
        )
        attributes = Listing(
            ATTRIBUTES,
            lambda: attribute_rows(self._tables),
            Description("The attributes of every dataset and of every variable"),
        )
        variables = Listing(
            VARIABLES,
            lambda: variable_rows(self._tables),
            Description("How the variables of every dataset lie and are stored"),
        )
        return {
            TableName(SCHEMA, "datasets"): datasets,
            TableName(SCHEMA, "attributes"): attributes,
            TableName(SCHEMA, "variables"): variables,
            **{
                TableName(SCHEMA, name): Listing(columns, list, Description(comment))
                for name, (columns, comment) in _OWN.items()
            },
        }

    def _dataset_rows(self) -> list[tuple[object, ...]]:
        return [
            (name, shown(held.dataset.uri), len(held.tables), *_told(held.error))
            for name, held in self._held.items()
        ]


def open_within(dataset: Dataset, seconds: float) -> dict[TableName, GridTable]:
    """As `open_one`; DatasetUnreadable (58030), too, where it takes longer."""
    try:
        return Begun(partial(open_one, dataset), seconds).result(check_for_interrupts)
    except TimeoutError as error:
        raise unreadable(dataset.uri, error) from error


def open_one(dataset: Dataset) -> dict[TableName, GridTable]:
    """The tables of one dataset; nothing is read but metadata and coordinates.

    Raises:
        ConfigurationFault, DatasetUnreadable, FeatureNotSupported: naming the dataset.
    """
    opened = open_dataset(_location(dataset.uri), dataset.engine, dataset.chunks, dataset.storage)
    found = relations_of(dataset.name, opened, dataset.names)
    if not found:
        raise DatasetUnreadable(
            f'cannot open dataset "{shown(dataset.uri)}"',
            detail="There is no variable in it.",
            hint=_UNLISTED if dataset.uri.startswith("http") else "",
        )
    return found


def _reason(error: GatewayError) -> str:
    return "; ".join(part for part in (str(error), error.detail) if part)


def _told(error: GatewayError | None) -> tuple[str | None, str | None]:
    return (None, None) if error is None else (str(error), error.detail or None)


def _location(uri: str) -> str:
    if not uri.startswith(BUNDLED):
        return uri
    found = _BUNDLED.get(uri.removeprefix(BUNDLED))
    if found is None:
        raise ConfigurationFault(
            f'no dataset "{uri}" comes with the package',
            hint=f"There is {', '.join(BUNDLED + name for name in _BUNDLED)}.",
        )
    return str(found())
