"""CREATE and DROP FUNCTION, done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlglot import exp

from gateway.errors import AmbiguousFunction, GatewayError, UndefinedFunction
from gateway.rewrite import rewrite
from gateway.session.computation import Bound, Computation
from gateway.session.definitions.naming import (
    lacks_schema,
    missing,
    note_cascade,
    note_missing,
    refuse_dataset,
)
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sql.meaning.functions import Function, FunctionName, body_of
from gateway.sql.meaning.inlining import calls_of
from gateway.sql.statements.commands import Name
from gateway.sql.statements.routines import CreateFunction, DropFunction
from gateway.sql.text.datatypes import data_type
from gateway.store.ddl.dropping import DESIRED, still_needed
from gateway.store.definitions.catalogue import written
from gateway.store.definitions.definitions import View
from gateway.types import Type


def create_function(executor: Executor, tree: CreateFunction) -> Result:
    """Keep a function, once a call of it plans."""
    schema, name = executor.registry.named(tree.name)
    registry = executor.registry
    place = schema or registry.home()
    function = Function(
        place, name, tree.arguments, tree.returns, tree.body, tree.strict, tree.volatility
    )
    refuse_dataset(executor, place)
    with _placed(tree.body_start + 1):
        if not tree.quoted:
            function = replace(function, bound=())
            function = replace(function, bound=calls_of(function, registry.function))
        body_of(function)
    function = replace(function, hidden=_is_the_engines(executor, function))

    def check() -> None:
        with _placed(tree.body_start + 1):
            query = executor.rewrite(_call(function, place), kept=True)
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
        kind = data_type(argument.type)
        values.append(exp.Alias(this=exp.Cast(this=exp.Null(), to=kind), alias=name))
        columns.append(exp.Column(this=name.copy()))
    named = exp.to_identifier(function.name, quoted=True)
    call: exp.Expr = exp.Anonymous(this=named, expressions=columns)
    if schema:
        call = exp.Dot(this=exp.to_identifier(schema, quoted=True), expression=call)
    row = exp.Select(expressions=values or [exp.Literal.number(1)])
    return exp.Select(expressions=[call]).from_(row.subquery("a"))


def drop_functions(executor: Executor, tree: DropFunction) -> Result:
    keys = []
    for name, types in tree.functions:
        found = _function_named(executor, name, types)
        if found is not None:
            keys.append(found.key)
            continue
        what = f"function {_signature(name, types)}"
        if tree.if_exists:
            note_missing(executor, name, what)
        elif types is None and not lacks_schema(executor, name):
            raise UndefinedFunction(f'could not find a function named "{".".join(name)}"')
        else:
            raise missing(executor, name, UndefinedFunction, what)
    store, keys = executor.registry.store, list(dict.fromkeys(keys))
    shapes = shapes_over_functions(executor)
    dropped = [each for each in store.functions() if each.key in keys]
    with store.holding():
        others = [f"function {each}" for each in store.drop_functions(keys, cascade=tree.cascade)]
        single = f"function {dropped[0]}" if len(dropped) == 1 else ""
        others += drop_readers(executor, shapes, cascade=tree.cascade, single=single)
    note_cascade(executor, others)
    return Result("DROP FUNCTION")


# The views in whose texts functions stand, with the columns that they have by them.
Shapes = Mapping[View, object]


def shapes_over_functions(executor: Executor) -> Shapes:
    """What views are that call functions, perhaps; before some of these go, and their callers."""
    store = executor.registry.store
    views = _mentioning(store.views(), [each.key for each in store.functions()])
    return {view: executor.view_columns(view) for view in views}


def drop_readers(
    executor: Executor, before: Shapes, *, cascade: bool, single: str = ""
) -> list[str]:
    """Drop the views that lost a function, once it is gone; their titles.

    Args:
        executor: The client's.
        before: What `shapes_over_functions` said.
        cascade: Whether they go; else they stop it.
        single: What is dropped, where that is one function.

    Raises:
        DependentObjectsStillExist: 2BP01, there are such views, without `cascade`.
    """
    store = executor.registry.store
    there = {view.name for view in store.views()}
    lost = [v for v in before if v.name in there and executor.view_columns(v) != before[v]]
    titles = [f"view {written(view.name)}" for view in lost]
    if lost and not cascade:
        raise still_needed(single or DESIRED, titles if single else ())
    done = store.drop_relations("view", [view.name for view in lost], cascade=True)
    return [*titles, *done.others]


def _mentioning(views: Iterable[View], keys: Collection[FunctionName]) -> list[View]:
    """The views in whose texts one of these names stands."""
    names = {key.name.lower() for key in keys}
    return [view for view in views if any(name in view.sql.lower() for name in names)]


def _function_named(
    executor: Executor, name: Name, types: tuple[Type, ...] | None
) -> Function | None:
    found = executor.registry.functions(*executor.registry.named(name))
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
