"""What all definitions share: where new names go, and what is told of what was skipped or went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.catalog.authority import denied
from gateway.errors import GatewayError, InvalidSchemaName, ReadOnlyTable, UndefinedTable
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


def lacks_schema(executor: Executor, parts: Name) -> str:
    """The schema that a name is written with, where there is no such schema; else ""."""
    schema = executor.registry.named(parts)[0]
    known = not schema or schema.startswith("pg_") or schema == "information_schema"
    return "" if known or schema in executor.registry.schemas() else schema


def placed(executor: Executor, parts: Name) -> tuple[str, str]:
    """The schema, "" for none, and the name of a relation that a definition needs.

    Raises:
        InvalidSchemaName: 3F000, there is no such schema.
    """
    if lacks_schema(executor, parts):
        raise missing(executor, parts)
    return executor.registry.named(parts)


def missing(
    executor: Executor,
    parts: Name,
    refusal: type[GatewayError] = UndefinedTable,
    what: str = "",
) -> GatewayError:
    """The refusal of a name that nothing has: of its schema, where there is none.

    Args:
        executor: The client's.
        parts: The name as it is written.
        refusal: What it is where there is the schema.
        what: What does not exist then; a relation without it.
    """
    schema = lacks_schema(executor, parts)
    if schema:
        return InvalidSchemaName(f'schema "{schema}" does not exist')
    what = what or f'relation "{".".join(parts)}"'
    return refusal(f"{what} does not exist")


def type_words(parts: Name) -> str:
    """What a type that does not exist is called."""
    return f'type "{".".join(parts)}"'


def note_missing(executor: Executor, parts: Name, what: str) -> None:
    """Tell that DROP ... IF EXISTS found nothing of that name, or not even its schema."""
    schema = lacks_schema(executor, parts)
    shown = f'schema "{schema}"' if schema else what
    executor.notices.append(f"{shown} does not exist, skipping")


def note_unaltered(executor: Executor, parts: Name) -> None:
    """Tell that ALTER ... IF EXISTS found no relation of that name."""
    executor.notices.append(f'relation "{parts[-1]}" does not exist, skipping')


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
