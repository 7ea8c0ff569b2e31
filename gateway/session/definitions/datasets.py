"""ATTACH, DETACH and REFRESH: done at once, whatever becomes of the transaction around them."""

from __future__ import annotations

from gateway.catalog.datasets import Datasets
from gateway.config import dataset_of
from gateway.errors import (
    DuplicateObject,
    DuplicateSchema,
    DuplicateTable,
    UndefinedObject,
)
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.datasets import AttachDataset, DetachDataset, RefreshDataset


def attach(executor: Executor, tree: AttachDataset) -> Result:
    """Open a dataset, and serve its tables from now on."""
    datasets = _datasets(executor, "ATTACH")
    if tree.name in datasets.names:
        if not tree.if_not_exists:
            raise DuplicateObject(f'dataset "{tree.name}" already exists')
        executor.notices.append(Notice(f'dataset "{tree.name}" already exists, skipping'))
        return Result("ATTACH")
    dataset = dataset_of(
        {"name": tree.name, "uri": tree.uri, "engine": tree.engine, "chunks": tree.chunks,
         "tables": tree.tables, "refresh_seconds": tree.refresh_seconds}
    )  # fmt: skip
    datasets.attach(dataset, lambda name: _refuse_taken(executor, name))
    return Result("ATTACH")


def detach(executor: Executor, tree: DetachDataset) -> Result:
    """Serve the tables of a dataset no longer."""
    datasets = _datasets(executor, "DETACH")
    if tree.name not in datasets.names and tree.if_exists:
        executor.notices.append(Notice(f'dataset "{tree.name}" does not exist, skipping'))
        return Result("DETACH")
    _known(datasets, tree.name)
    datasets.detach(tree.name)
    return Result("DETACH")


def refresh_dataset(executor: Executor, tree: RefreshDataset) -> Result:
    """Open a dataset anew, as it is now: longer, it may be."""
    datasets = _datasets(executor, "REFRESH")
    _known(datasets, tree.name)
    datasets.refresh(tree.name)
    return Result("REFRESH")


def _datasets(executor: Executor, command: str) -> Datasets:
    executor.authority.require_superuser(f"{command} a dataset")
    grids = executor.registry.grids
    assert isinstance(grids, Datasets)
    return grids


def _known(datasets: Datasets, name: str) -> None:
    if name not in datasets.names:
        raise UndefinedObject(
            f'dataset "{name}" does not exist', hint="psql lists datasets by \\dn and \\des."
        )


def _refuse_taken(executor: Executor, name: TableName) -> None:
    """Refuse a table of a dataset that would hide what users have made."""
    store = executor.registry.store
    if name.schema != "public" and name.schema in store.schemas():
        raise DuplicateSchema(f'schema "{name.schema}" already exists')
    if store.table(name) is not None or store.view(name) is not None:
        raise DuplicateTable(f'relation "{name.name}" already exists')
