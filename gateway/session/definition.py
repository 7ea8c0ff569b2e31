"""CREATE and DROP: what changes the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.definitions import table_definition
from gateway.errors import (
    AmbiguousFunction,
    GatewayError,
    InvalidTableDefinition,
    ReadOnlyTable,
    SyntaxFault,
    UndefinedFunction,
)
from gateway.rewrite import rewrite
from gateway.session.execution import Bound, Computation, Executor, fields_of
from gateway.session.result import Field, Result
from gateway.sources.table import TableName
from gateway.sql.commands import CreateSchema, DropStatement, Name
from gateway.sql.functions import Function, body_of
from gateway.sql.inlining import calls_of
from gateway.sql.routines import CreateFunction, DropFunction
from gateway.sql.statement import CreateView, Statement
from gateway.sql.writes import target_of
from gateway.store.definitions import Column, TableDefinition, View
from gateway.types import TEXT, Type


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
    if isinstance(tree, CreateFunction):
        return _create_function(executor, tree)
    if isinstance(tree, DropFunction):
        return _drop_functions(executor, tree)
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


def _create_function(executor: Executor, tree: CreateFunction) -> Result:
    """Keep a function, once a call of it plans."""
    schema, name = _schema_and_name(tree.name)
    registry = executor.registry
    place = schema or registry.search_path[0]
    function = Function(
        place, name, tree.arguments, tree.returns, tree.body, tree.strict, tree.volatility
    )
    _refuse_dataset(executor, place)
    with _placed(tree.body_start + 1):
        if not tree.quoted:
            function = replace(function, bound=())
            function = replace(function, bound=calls_of(function, registry.function))
        body_of(function)
    function = replace(function, hidden=_is_the_engines(executor, function))

    def check() -> None:
        with _placed(tree.body_start + 1):
            query = executor.rewrite(_call(function, place))
            executor.plan(Computation(query), Bound())

    registry.store.create_function(function, check, or_replace=tree.replace)
    if function.hidden:
        executor.notices.append(
            f"the engine has a function {name} of its own, which is found first:"
            f" call this one as {place}.{name}"
        )
    return Result("CREATE FUNCTION")


def _is_the_engines(executor: Executor, function: Function) -> bool:
    """Whether a call without a schema means a function of the engine."""
    call = _call(function, "")
    try:
        query = rewrite(call, executor.registry.relation, executor.constants)
        executor.plan(Computation(query), Bound())
    except GatewayError:  # whatever the engine says, it has no such function for these arguments
        return False
    return True


@contextmanager
def _placed(position: int) -> Iterator[None]:
    """Errors inside that have no place of their own get this one."""
    try:
        yield
    except GatewayError as error:
        error.position = error.position or position
        raise


def _call(function: Function, schema: str) -> exp.Select:
    """SELECT schema.function(a, ...) over one row of NULLs of the arguments' types."""
    values, columns = [], []
    for number, argument in enumerate(function.arguments, 1):
        name = exp.to_identifier(f"a{number}", quoted=True)
        kind = exp.DataType.build(argument.type.sql, dialect="postgres")
        values.append(exp.Alias(this=exp.Cast(this=exp.Null(), to=kind), alias=name))
        columns.append(exp.Column(this=name.copy()))
    named = exp.to_identifier(function.name, quoted=True)
    call: exp.Expr = exp.Anonymous(this=named, expressions=columns)
    if schema:
        call = exp.Dot(this=exp.to_identifier(schema, quoted=True), expression=call)
    row = exp.Select(expressions=values or [exp.Literal.number(1)])
    return exp.Select(expressions=[call]).from_(row.subquery("a"))


def _drop_functions(executor: Executor, tree: DropFunction) -> Result:
    keys = []
    for name, types in tree.functions:
        found = _function_named(executor, name, types)
        if found is not None:
            keys.append(found.key)
            continue
        shown = _signature(name, types)
        if not tree.if_exists:
            missing = f"function {shown} does not exist"
            bare = f'could not find a function named "{".".join(name)}"'
            raise UndefinedFunction(missing if types is not None else bare)
        executor.notices.append(f"function {shown} does not exist, skipping")
    others = executor.registry.store.drop_functions(list(dict.fromkeys(keys)), cascade=tree.cascade)
    if len(others) == 1:
        executor.notices.append(f"drop cascades to function {others[0]}")
    elif others:
        executor.notices.append(f"drop cascades to {len(others)} other objects")
    return Result("DROP FUNCTION")


def _function_named(
    executor: Executor, name: Name, types: tuple[Type, ...] | None
) -> Function | None:
    found = executor.registry.functions(*_schema_and_name(name))
    if types is not None:
        same = (f for f in found if tuple(argument.type for argument in f.arguments) == types)
        return next(same, None)
    if len(found) > 1:
        raise AmbiguousFunction(
            f'function name "{".".join(name)}" is not unique',
            hint="Specify the argument list to select the function unambiguously.",
        )
    return found[0] if found else None


def _signature(name: Name, types: tuple[Type, ...] | None) -> str:
    return f"{'.'.join(name)}({', '.join(each.sql for each in types or ())})"


def _schema_and_name(parts: Name) -> tuple[str, str]:
    return ("", parts[0]) if len(parts) == 1 else (parts[-2], parts[-1])


def _drop(executor: Executor, tree: DropStatement, command: str) -> Result:
    store = executor.registry.store
    for parts in tree.names:
        schema, name = _schema_and_name(parts)
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
