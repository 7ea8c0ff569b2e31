"""CREATE and DROP: what changes the catalogue."""

from __future__ import annotations

from sqlglot import exp

from gateway.catalog.definitions import table_definition
from gateway.errors import InvalidTableDefinition, ReadOnlyTable, SyntaxFault
from gateway.execution import Bound, Executor, fields_of
from gateway.result import Field, Result
from gateway.sources.table import TableName
from gateway.sql.commands import CreateSchema, DropStatement
from gateway.sql.statement import CreateView, Statement
from gateway.sql.writes import target_of
from gateway.store.definitions import Column, TableDefinition, View
from gateway.types import TEXT


def define(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """Do a definition, or TRUNCATE; when this returns it is done."""
    tree = statement.tree
    if isinstance(tree, DropStatement):
        return _drop(executor, tree, statement.command)
    if isinstance(tree, CreateSchema):
        store = executor.registry.store
        if not store.create_schema(tree.name, if_not_exists=tree.if_not_exists):
            executor.notices.append(f'schema "{tree.name}" already exists, skipping')
        return Result(statement.command)
    if isinstance(tree, CreateView):
        return _create_view(executor, statement, tree)
    assert isinstance(tree, exp.Create)
    if tree.expression is not None:
        return _create_table_as(executor, statement, tree, bound)
    return _create_table(executor, tree)


def _create_table(executor: Executor, tree: exp.Create) -> Result:
    name = _new_name(executor, target_of(tree))
    definition = table_definition(name, tree)
    made = executor.registry.store.create_table(definition, if_not_exists=_if_not_exists(tree))
    _note_skipped(executor, made, name)
    return Result("CREATE TABLE")


def _create_table_as(
    executor: Executor, statement: Statement, tree: exp.Create, bound: Bound
) -> Result:
    name = _new_name(executor, target_of(tree))
    if _if_not_exists(tree) and executor.registry.store.table(name) is not None:
        _note_skipped(executor, None, name)
        return Result("CREATE TABLE AS")
    query = executor.computation(statement)
    assert query is not None
    plan = executor.plan(query, bound)
    fields = fields_of(query.rewritten, plan.schema)
    named = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    if len(named) > len(fields):
        raise SyntaxFault("too many column names were specified")
    names = [column.name for column in named] + [field.name for field in fields[len(named) :]]
    columns = [_column(n, field) for n, field in zip(names, fields, strict=True)]
    definition = TableDefinition(name, tuple(columns))
    count = executor.registry.store.create_table_as(definition, plan.stream())
    return Result("SELECT", changed=count)


def _column(name: str, field: Field) -> Column:
    """A column for a query's values; a NULL literal's is text, as in PostgreSQL."""
    known = TEXT if field.type.name == "unknown" else field.type
    return Column(name, known)


def _create_view(executor: Executor, statement: Statement, tree: CreateView) -> Result:
    """Keep the query as its author wrote it, once it plans."""
    name = _new_name(executor, exp.to_table(".".join(f'"{part}"' for part in tree.name)))
    query = executor.computation(statement)
    assert query is not None
    fields = fields_of(query.rewritten, executor.plan(query, Bound()).schema)
    if len(tree.columns) > len(fields):
        raise SyntaxFault("CREATE VIEW specifies more column names than columns")
    names = [*tree.columns, *(field.name for field in fields[len(tree.columns) :])]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise InvalidTableDefinition(f'column "{twice}" specified more than once')
    view = View(name, tree.source, tuple(names))
    executor.registry.store.create_view(view, or_replace=tree.replace)
    return Result("CREATE VIEW")


def _drop(executor: Executor, tree: DropStatement, command: str) -> Result:
    store = executor.registry.store
    for parts in tree.names:
        schema, name = ("", parts[0]) if len(parts) == 1 else (parts[-2], parts[-1])
        if tree.kind == "schema":
            _refuse_dataset(executor, parts[0])
            done = store.drop_schema(parts[0], if_exists=tree.if_exists, cascade=tree.cascade)
        elif tree.kind == "truncate":
            store.truncate(executor.registry.definition(schema, name).name)
            done = True
        else:
            done = _drop_relation(executor, tree, schema, name)
        if not done:
            shown = ".".join(parts)
            executor.notices.append(f'{tree.kind} "{shown}" does not exist, skipping')
    return Result(command)


def _drop_relation(executor: Executor, tree: DropStatement, schema: str, name: str) -> bool:
    store = executor.registry.store
    found = executor.registry.find(schema, name)
    if found is not None and found.view is None:
        executor.registry.definition(schema, name)  # refuses a dataset
    full = found.name if found else TableName(schema or executor.registry.search_path[0], name)
    if tree.kind == "view":
        return store.drop_view(full, if_exists=tree.if_exists)
    return store.drop_table(full, if_exists=tree.if_exists)


def _refuse_dataset(executor: Executor, schema: str) -> None:
    if schema != "public" and executor.registry.is_dataset(schema):
        raise ReadOnlyTable(
            f'schema "{schema}" is an xarray dataset',
            hint="Datasets are set up in the configuration.",
        )


def _new_name(executor: Executor, table: exp.Table) -> TableName:
    return executor.registry.new_name(table.db, table.name)


def _if_not_exists(tree: exp.Create) -> bool:
    return bool(tree.args.get("exists"))


def _note_skipped(executor: Executor, made: object, name: TableName) -> None:
    if not made:
        executor.notices.append(f'relation "{name.name}" already exists, skipping')
