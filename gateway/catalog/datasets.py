"""The datasets that a server serves, as one mapping from names to tables that may change.

A dataset that cannot be opened is kept by name with the reason, and harms no other. Every change
makes a new mapping, so a statement that holds tables goes on reading them. Beside the datasets'
own tables stand `gradwire.datasets` and `gradwire.attributes`, which tell of them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from gateway.config import BUNDLED, Dataset
from gateway.errors import ConfigurationFault, GatewayError
from gateway.sources import ncep
from gateway.sources.listing import ATTRIBUTES, TEXT, Listing, attribute_rows
from gateway.sources.opening import open_dataset, shown
from gateway.sources.relations import relations_of
from gateway.sources.table import Description, Table, TableName

log = logging.getLogger(__name__)

_BUNDLED = {"ncep": ncep.location}
SCHEMA = "gradwire"  # where the tables about datasets stand

DATASETS = pa.schema(
    [("name", TEXT), ("uri", TEXT), ("tables", pa.int32()), ("error", TEXT), ("detail", TEXT)]
)


@dataclass(frozen=True)
class Held:
    """One dataset: its tables, or why it has none."""

    dataset: Dataset
    tables: Mapping[TableName, Table] = field(default_factory=dict)
    error: GatewayError | None = None


class Datasets(Mapping[TableName, Table]):
    """Names to the tables of every dataset, and to those that tell of them.

    Args:
        configured: The datasets to open, each under a name of its own.
    """

    def __init__(self, configured: list[Dataset]) -> None:
        self._changing = threading.Lock()
        self.version = 0  # grows whenever there are other tables
        self._held: dict[str, Held] = {}
        self._tables: dict[TableName, Table] = self._facts()
        for dataset in configured:
            self._take(_opened(dataset))

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

    def fault(self, name: str) -> GatewayError | None:
        """Why the dataset of that name has no tables; None when it has some, or there is none."""
        held = self._held.get(name)
        return None if held is None else held.error

    def _take(self, held: Held) -> None:
        """Serve a dataset, in the place of one of the same name."""
        with self._changing:
            before = self._held.get(held.dataset.name)
            others = dict(self._tables)
            for name in before.tables if before is not None else ():
                del others[name]
            self._held = {**self._held, held.dataset.name: held}
            self._tables = {**others, **held.tables}
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
        return {
            TableName(SCHEMA, "datasets"): datasets,
            TableName(SCHEMA, "attributes"): attributes,
        }

    def _dataset_rows(self) -> list[tuple[object, ...]]:
        return [
            (name, shown(held.dataset.uri), len(held.tables), *_told(held.error))
            for name, held in self._held.items()
        ]


def open_one(dataset: Dataset) -> dict[TableName, Table]:
    """The tables of one dataset; nothing is read but metadata and coordinates.

    Raises:
        ConfigurationFault, DatasetUnreadable, FeatureNotSupported: naming the dataset.
    """
    opened = open_dataset(_location(dataset.uri), dataset.engine, dataset.chunks)
    return dict(relations_of(dataset.name, opened, dataset.names))


def _opened(dataset: Dataset) -> Held:
    try:
        return Held(dataset, open_one(dataset))
    except GatewayError as error:
        reason = "; ".join(part for part in (str(error), error.detail) if part)
        log.warning('dataset "%s" has no tables: %s', dataset.name, reason)
        return Held(dataset, error=error)


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
