"""What all definitions share: where new names go, and what is told of what was skipped or went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.catalog.authority import denied
from gateway.errors import ReadOnlyTable
from gateway.session.result import Notice
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.commands import Name
from gateway.store.ddl.own_types import type_key
from gateway.store.definitions.definitions import Column

_TOLD = 100  # as PostgreSQL tells (MAX_REPORTED_DEPS)


def new_name(executor: Executor, parts: Name, *, temporary: bool = False) -> TableName:
    """Where a new relation goes."""
    return executor.registry.new_name(*executor.registry.named(parts), temporary=temporary)


def note_skipped(executor: Executor, name: TableName) -> None:
    """Tell that IF NOT EXISTS made nothing."""
    message = f'relation "{name.name}" already exists, skipping'
    executor.notices.append(Notice(message, code="42P07"))


def note_cascade(executor: Executor, others: Sequence[str]) -> None:
    """Tell what CASCADE dropped besides, a hundred of them by name."""
    lines = [f"drop cascades to {each}" for each in others[:_TOLD]]
    if len(others) > _TOLD:
        rest = len(others) - _TOLD
        word = "object" if rest == 1 else "objects"
        lines.append(f"and {rest} other {word} (see server log for list)")
    if len(others) == 1:
        executor.notices.append(lines[0])
    elif others:
        message = f"drop cascades to {len(others)} other objects"
        executor.notices.append(Notice(message, detail="\n".join(lines)))


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


def require_types(
    executor: Executor, columns: Iterable[Column], before: Iterable[Column] = ()
) -> None:
    """Let who acts use the types of users' own that columns have; not of those that were `before`.

    Raises:
        InsufficientPrivilege: 42501.
    """
    authority = executor.authority
    if not authority.asks:
        return
    known = {(column.number, column.type_oid) for column in before}
    for column in columns:
        kind = column.type.element or column.type
        if (column.number, column.type_oid) in known or not (column.domain or kind.is_enum):
            continue
        oid = kind.oid if column.domain is None else column.domain.oid
        if not authority.may(authority.role, "U", type_key(oid)):
            raise denied("type", kind.sql if column.domain is None else column.domain.shown)
