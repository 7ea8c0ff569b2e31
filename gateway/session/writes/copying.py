"""COPY: a query whose rows go out as COPY data, or rows that come in as COPY data.

`copy` gives a Result that the wire reads or feeds; what the data look like is the wire's. COPY
FROM is one statement: its rows are appended while the table's lock is held, batch by batch, and
committed at the end, or undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.registry import SYSTEM
from gateway.catalog.system.static import static
from gateway.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidColumnReference,
    InvalidSchemaName,
    ObjectNotInPrerequisiteState,
    UndefinedColumn,
    UndefinedParameter,
    UndefinedTable,
    WrongObjectType,
)
from gateway.session.result import CopyIn, CopyOut, Result
from gateway.session.writes.copy_filter import row_filter
from gateway.session.writes.execution import Executor
from gateway.session.writes.exporting import export, refuse_users
from gateway.sql.names.relation import Relation
from gateway.sql.names.scope import position_of, table_node
from gateway.sql.statements.copy_options import CopyOptions, settled
from gateway.sql.statements.copying import ALL
from gateway.sql.statements.statement import Copy, Kind, Statement
from gateway.sql.types.parameters import number
from gateway.store.definitions.definitions import TableDefinition

Ask = Callable[[Statement], Result]


def copy(executor: Executor, statement: Statement, run: Ask) -> Result:
    """Begin a COPY.

    Args:
        executor: The client's.
        statement: The COPY.
        run: Runs the statement inside COPY (...).

    Raises:
        GatewayError: 42P01, 3F000, 42809, 25006: no such table or schema, or one that cannot be
            copied this way; 42703, 42701, 42P10: its columns; 42601, 22023, 0A000: its options.
    """
    tree = statement.tree
    assert isinstance(tree, Copy)
    if tree.incoming:
        return _from_client(executor, statement, tree)
    if tree.path:
        refuse_users(executor)
    if tree.statement is not None:
        _refuse_parameters(tree.statement)
        return _out(executor, tree, tree.statement, run)
    relation = _relation(executor, tree)
    if _is_view(relation):
        raise WrongObjectType(
            f'cannot copy from view "{relation.name.name}"',
            hint="Try the COPY (SELECT ...) TO variant.",
        )
    definition = executor.registry.store.table(relation.name)
    if definition is None:
        names = _chosen(tree.columns, tuple(relation.columns), relation.name.name)
    else:
        names = _without_generated(definition, tree.columns)
    query = exp.select(*[exp.column(exp.to_identifier(name, quoted=True)) for name in names])
    query = query.from_(table_node(relation.name))
    rows = Statement(statement.text, statement.offset, query, "SELECT", Kind.QUERY)
    return _out(executor, tree, rows, run, relation)


def _out(
    executor: Executor,
    tree: Copy,
    rows: Statement,
    run: Ask,
    relation: Relation | None = None,
) -> Result:
    """To the client; or to a place on the server, with the attributes of what is read."""
    if not tree.path:
        return _to_client(run(rows), tree, relation)
    query = executor.computation(rows)
    named = () if query is None else sorted(query.rewritten.tables)
    return export(executor, tree, run(rows), list(executor.registry.tables(named).values()))


def _refuse_parameters(statement: Statement) -> None:
    """COPY has none, whatever was bound.

    Raises:
        UndefinedParameter: 42P02.
    """
    assert isinstance(statement.tree, exp.Expr)
    found = statement.tree.find(exp.Parameter)
    if found is not None:
        text = f"there is no parameter ${number(found)}"
        raise UndefinedParameter(text, position=position_of(found))


def _relation(executor: Executor, tree: Copy) -> Relation:
    """What is copied; where a query finds no table, COPY first says that there is no schema."""
    registry = executor.registry
    schema, name = registry.named(tree.table)
    try:
        return registry.relation(schema, name)
    except UndefinedTable:
        there = (SYSTEM, "information_schema", *registry.schemas())
        if schema and schema not in there and not registry.is_another_s(schema):
            raise InvalidSchemaName(f'schema "{schema}" does not exist') from None
        raise


def _is_view(relation: Relation) -> bool:
    """Whether it is a user's view, or one of PostgreSQL's own."""
    return (
        relation.view is not None
        or f"{relation.name.schema}.{relation.name.name}" in static().views
    )


def _chosen(
    named: tuple[str, ...] | None, columns: tuple[str, ...], relation: str
) -> tuple[str, ...]:
    """The columns that a COPY names, or all.

    Raises:
        UndefinedColumn: 42703. DuplicateColumn: 42701.
    """
    if named is None:
        return columns
    of = f' of relation "{relation}"' if relation else ""
    for place, name in enumerate(named):
        if name not in columns:
            raise UndefinedColumn(f'column "{name}"{of} does not exist')
        if name in named[:place]:
            raise DuplicateColumn(f'column "{name}" specified more than once')
    return named


def _without_generated(
    definition: TableDefinition, named: tuple[str, ...] | None
) -> tuple[str, ...]:
    """The columns to copy: those named, or all but the generated ones.

    Raises:
        UndefinedColumn: 42703. DuplicateColumn: 42701. InvalidColumnReference: 42P10, generated.
    """
    every = tuple(column.name for column in definition.columns)
    generated = [column.name for column in definition.columns if column.generated is not None]
    if named is None:
        return tuple(name for name in every if name not in generated)
    for name in _chosen(named, every, definition.name.name):
        if name in generated:
            raise InvalidColumnReference(
                f'column "{name}" is a generated column',
                detail="Generated columns cannot be used in COPY.",
            )
    return named


def _check_forced(
    options: CopyOptions, columns: Sequence[str], every: Sequence[str], relation: str
) -> None:
    """Refuse FORCE_... columns that are not copied.

    Raises:
        UndefinedColumn: 42703, there is none of that name. InvalidColumnReference: 42P10.
    """
    for option in ("force_quote", "force_not_null", "force_null"):
        forced = getattr(options, option)
        if forced == (ALL,):
            continue
        for name in _chosen(forced, tuple(every), relation):
            if name not in columns:
                raise InvalidColumnReference(
                    f'{option.upper()} column "{name}" not referenced by COPY'
                )


def _to_client(result: Result, tree: Copy, relation: Relation | None = None) -> Result:
    if result.fields is None:
        raise FeatureNotSupported("COPY query must have a RETURNING clause")
    try:
        options = settled(tree)
        names = [column.name for column in result.fields]
        if relation is None:
            _check_forced(options, names, names, "")
        else:
            _check_forced(options, names, tuple(relation.columns), relation.name.name)
    except BaseException:
        result.close()
        raise
    copied = Result("COPY", result.fields, result.batches)
    oid = 0 if relation is None else relation.oid
    copied.copy = CopyOut(options, oid)
    return copied


def _from_client(executor: Executor, statement: Statement, tree: Copy) -> Result:
    relation = _relation(executor, tree)
    if _is_view(relation):
        raise WrongObjectType(f'cannot copy to view "{relation.name.name}"')
    definition = executor.registry.definition(relation.name.schema, relation.name.name)
    names = _without_generated(definition, tree.columns)
    keep = row_filter(executor, statement, definition, names)
    options, store = settled(tree), executor.registry.store
    every = tuple(column.name for column in definition.columns)
    _check_forced(options, names, every, definition.name.name)
    columns = tuple(definition.column(name) for name in names)
    oid = store.oid(definition.name) or 0
    copying = CopyIn(definition.name.name, columns, options, oid=oid, filtered=bool(tree.where))

    def load() -> Iterator[pa.RecordBatch]:
        if options.freeze and not store.is_new(definition.name):
            raise ObjectNotInPrerequisiteState(
                "cannot perform COPY FREEZE because the table was not created or truncated in the"
                " current subtransaction"
            )
        rows = keep(_heeding(copying, store.heed_cancel))
        with executor.rounding(lambda name: name not in names):  # what the table itself computes
            changed = store.insert(definition.name, names, rows)
        result.changed = changed.count
        yield from ()

    result = Result("COPY", None, load())
    result.copy = copying
    return result


def _heeding(copying: CopyIn, heed_cancel: Callable[[], None]) -> Iterator[pa.RecordBatch]:
    for batch in copying.incoming:
        heed_cancel()
        copying.received_rows += batch.num_rows
        yield batch
