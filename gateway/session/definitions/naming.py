"""What all definitions share: where new names go, and what is told of what was skipped or went."""

from __future__ import annotations

from gateway.errors import ReadOnlyTable
from gateway.session.result import Notice
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.commands import Name


def new_name(executor: Executor, parts: Name, *, temporary: bool = False) -> TableName:
    """Where a new relation goes."""
    return executor.registry.new_name(*executor.registry.named(parts), temporary=temporary)


def note_skipped(executor: Executor, name: TableName) -> None:
    """Tell that IF NOT EXISTS made nothing."""
    message = f'relation "{name.name}" already exists, skipping'
    executor.notices.append(Notice(message, code="42P07"))


def note_cascade(executor: Executor, others: list[str]) -> None:
    """Tell what CASCADE dropped besides."""
    if len(others) == 1:
        executor.notices.append(f"drop cascades to {others[0]}")
    elif others:
        executor.notices.append(f"drop cascades to {len(others)} other objects")


def refuse_dataset(executor: Executor, schema: str) -> None:
    """Refuse a schema that is a dataset.

    Raises:
        ReadOnlyTable: 25006.
    """
    if schema != "public" and executor.registry.is_dataset(schema):
        raise ReadOnlyTable(
            f'schema "{schema}" is an xarray dataset',
            hint="Datasets are set up in the configuration.",
        )
