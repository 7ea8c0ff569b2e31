"""Puts the expression of a user's function in the place of every call of it.

So a call is differentiable like anything else, and the engine never hears of the function. A body
is prepared once for each statement, over the columns `$1`, `$2`, ... of a relation that stands for
its arguments: the calls in it are inlined, its markers become formulas, its result gets its type.
A call then puts its arguments in the columns' place. What would be one draw in PostgreSQL and two
here is refused, and so is a function that calls itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidFunctionDefinition,
    InvalidRecursion,
    StatementTooComplex,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedParameter,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.functions import Argument, Function, FunctionName, Functions, body_of
from gateway.sql.meaning.locating import type_name
from gateway.sql.meaning.volatile import VOLATILE
from gateway.sql.names.relation import ColumnInfo, Relations
from gateway.sql.names.scope import Analysis, Block, column_node, position_of
from gateway.sql.text.precedence import parenthesise
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.arguments import NO_FUNCTION
from gateway.sql.types.coercion import as_type, is_assignable, is_implicit, propagates_null
from gateway.sql.types.inference import type_of
from gateway.sql.types.parameters import number

# A query with its functions inlined may have this many nodes: planning takes seconds beyond.
MAX_NODES = 20_000

# Functions that give another value, or another number of rows, at each place where they stand.
_DRAWN = VOLATILE | {"unnest", "generate_series"}

_SYSTEM = "pg_catalog"
_ARGUMENTS = TableName("", "$")

# What a body goes through besides, once its calls are inlined: values of the session, derivatives.
Finish = Callable[[exp.Select, Relations], None]


def inline(tree: exp.Expr, analysis: Analysis, functions: Functions, finish: Finish) -> bool:
    """Whether `tree` had calls of users' functions; their bodies are in their place now.

    Args:
        tree: A query, changed in place; analyse it again when there were any.
        analysis: Its blocks.
        functions: What a call means.
        finish: What a body goes through besides.

    Raises:
        UndefinedFunction: 42883, no function of that name for these arguments.
        InvalidRecursion: 42P19, a function calls itself, directly or through others.
        FeatureNotSupported: 0A000, what was drawn once would be drawn twice.
        StatementTooComplex: 54001, past MAX_NODES.
    """
    found = _Inliner(functions, finish).replace_calls(tree, analysis, None)
    if found:
        parenthesise(tree)
    return found


def calls_of(function: Function, functions: Functions) -> tuple[tuple[str, FunctionName], ...]:
    """The users' functions that the body calls: the schema that is written, and what it means."""
    found: dict[tuple[str, FunctionName], None] = {}
    for call in body_of(function).find_all(exp.Anonymous):
        schema = _schema_of(call)
        meant = functions(schema, call.name, len(call.expressions))
        if meant is not None:
            found[schema, meant.key] = None
    return tuple(found)


@dataclass(slots=True)
class _Inliner:
    functions: Functions
    finish: Finish
    _bodies: dict[Function, exp.Expr] = field(default_factory=dict)
    _open: list[Function] = field(default_factory=list)
    _nodes: int = 0

    def replace_calls(self, tree: exp.Expr, analysis: Analysis, within: Function | None) -> bool:
        """Inline the calls of `tree`, inner ones first; whether there were any."""
        found = False
        for node in reversed(nodes_of(tree, exp.Anonymous)):
            schema = _schema_of(node)
            whole = node.parent if schema and isinstance(node.parent, exp.Dot) else node
            assert whole is not None
            try:
                function = self._meaning(node, schema, within)
            except GatewayError as error:
                error.position = position_of(whole)
                raise
            if function is not None:
                whole.replace(self._expanded(node, whole, function, analysis))
                found = True
            elif schema:
                whole.replace(_of_the_system(node, schema))
        return found

    def _meaning(
        self, call: exp.Anonymous, schema: str, within: Function | None
    ) -> Function | None:
        name, arity = call.name, len(call.expressions)
        if within is None or within.bound is None:
            return self.functions(schema, name, arity)
        for written, key in within.bound:
            if (written, key.name, key.arity) == (schema, name, arity):
                return self.functions(key.schema, key.name, key.arity)
        return None

    def _expanded(
        self, call: exp.Anonymous, whole: exp.Expr, function: Function, analysis: Analysis
    ) -> exp.Expr:
        _refuse_form(call, whole, function)
        block = analysis.block_of(call)
        arguments = _bound_arguments(call, function, block)
        try:
            body = self._body(function)
            uses = [0] * len(arguments)
            for column in body.find_all(exp.Column):
                uses[_index(column)] += 1
            for argument, value, count in zip(function.arguments, arguments, uses, strict=True):
                if count > 1:
                    _refuse_drawn(function, argument, value)
            self._measure(body, arguments, uses)
        except GatewayError as error:
            error.position = error.position or position_of(call)
            raise
        start = call.meta.get("start")
        if start is not None:
            for node in body.walk():
                node.meta["start"] = start
        return _substituted(body, arguments)

    def _measure(self, body: exp.Expr, arguments: list[exp.Expr], uses: list[int]) -> None:
        """Count what this call adds to the statement, before it is written out."""
        self._nodes += sum(1 for _ in body.walk())
        for value, count in zip(arguments, uses, strict=True):
            self._nodes += (count - 1) * sum(1 for _ in value.walk())
        if self._nodes > MAX_NODES:
            raise StatementTooComplex(
                f"the functions of this statement, written out, are past the limit of {MAX_NODES}"
                " nodes",
                hint="Compute inner calls in a subquery, and use its columns.",
            )

    def _body(self, function: Function) -> exp.Expr:
        """The prepared body, over the columns `$1`, `$2`, ...; a copy."""
        if any(each.key == function.key for each in self._open):
            chain = " -> ".join(each.name for each in [*self._open, function])
            raise InvalidRecursion(
                f"function {function} calls itself",
                detail="" if len(self._open) == 1 else f"The calls are {chain}.",
                hint="Iterate with WITH RECURSIVE instead.",
            )
        if function not in self._bodies:
            self._open.append(function)
            self._bodies[function] = self._prepared(function)
            self._open.pop()
        return self._bodies[function].copy()

    def _prepared(self, function: Function) -> exp.Expr:
        item = exp.Alias(this=body_of(function).copy(), alias=exp.to_identifier("f", quoted=True))
        place = exp.Table(this=exp.to_identifier(_ARGUMENTS.name, quoted=True))
        select = exp.Select(expressions=[item], from_=exp.From(this=place))
        _bind_arguments(select, function)
        columns = {f"${n}": ColumnInfo(a.type) for n, a in enumerate(function.arguments, 1)}
        relations = {_ARGUMENTS: columns}
        self.replace_calls(select, analyse(select, relations), function)
        parenthesise(select)
        self.finish(select, relations)
        body: exp.Expr = select.expressions[0].this
        _refuse_unknown(body)
        body = _result(body, function, analyse(select, relations).blocks[-1])
        for node in body.walk():
            node.meta.pop("start", None)
        return body


def _schema_of(call: exp.Anonymous) -> str:
    """The schema that a call names, "" for none."""
    parent = call.parent
    if isinstance(parent, exp.Dot) and parent.expression is call:
        place = parent.this
        return str((place.expression if isinstance(place, exp.Dot) else place).name)
    return parent.db if isinstance(parent, exp.Table) else ""


def _of_the_system(call: exp.Anonymous, schema: str) -> exp.Expr:
    """The engine's own function, without PostgreSQL's name for the schema."""
    if schema == _SYSTEM:
        return call
    types = [type_name(each, None) for each in call.expressions]
    told = f"({', '.join(map(str, types))})" if None not in types else f" of {len(types)} arguments"
    raise UndefinedFunction(
        f"function {schema}.{call.name}{told} does not exist",
        hint=NO_FUNCTION,
        position=position_of(call.parent or call),
    )


def _refuse_form(call: exp.Anonymous, whole: exp.Expr, function: Function) -> None:
    """Refuse what only an aggregate, a window function or a table function takes."""
    where = position_of(call)
    if isinstance(whole.parent, exp.Table):
        raise FeatureNotSupported(
            f"function {function.name} in FROM is not supported",
            hint=f"Write (SELECT {function.name}(...) AS {function.name}).",
            position=where,
        )
    if isinstance(whole.parent, exp.Window) and whole.arg_key == "this":
        message = f"OVER specified, but {function.name} is not a window function nor an aggregate"
        raise WrongObjectType(f"{message} function", position=where)
    words = "FILTER" if isinstance(whole.parent, exp.Filter) and whole.arg_key == "this" else ""
    if any(isinstance(argument, exp.Star) for argument in call.expressions):
        raise UndefinedFunction(f"function {function.name}() does not exist", position=where)
    for argument in call.expressions:
        words = words or _AGGREGATE_FORMS.get(type(argument), "")
    if words:
        message = f"{words} specified, but {function.name} is not an aggregate function"
        raise WrongObjectType(message, position=where)


_AGGREGATE_FORMS: dict[type[exp.Expr], str] = {
    exp.Distinct: "DISTINCT",
    exp.Order: "ORDER BY",
}


def _bound_arguments(
    call: exp.Anonymous, function: Function, block: Block | None
) -> list[exp.Expr]:
    """One value per argument, each of the declared type.

    Raises:
        UndefinedFunction: 42883, an argument's type does not turn into the declared one by itself.
    """
    values = _in_order(call, function)
    known = [type_of(value, block) for value in values]
    bound = []
    for argument, value, kind in zip(function.arguments, values, known, strict=True):
        if not is_implicit(value, kind, argument.type):
            types = ", ".join(each.sql if each is not None else "unknown" for each in known)
            raise UndefinedFunction(
                f"function {function.name}({types}) does not exist",
                hint=f"There is {function}. You might need to add explicit type casts.",
                position=position_of(call),
            )
        bound.append(as_type(value.copy(), kind, argument.type))
    return bound


def _in_order(call: exp.Anonymous, function: Function) -> list[exp.Expr]:
    """The values by position; `name => value` goes where the name stands."""
    names = [argument.name for argument in function.arguments]
    found: dict[int, exp.Expr] = {}
    for place, value in enumerate(call.expressions):
        if isinstance(value, exp.Kwarg):
            place = names.index(value.this.name) if value.this.name in names else -1
            value = value.expression
        if place < 0 or place in found:
            raise UndefinedFunction(
                f"function {function.name} does not exist with these argument names",
                hint=f"There is {function}.",
                position=position_of(call),
            )
        found[place] = value
    return [found[place] for place in range(len(names))]


def _refuse_drawn(function: Function, argument: Argument, value: exp.Expr) -> None:
    """Refuse an argument that would be drawn once for each use in the body."""
    for call in value.find_all(exp.Anonymous):
        if call.name.lower() in _DRAWN:
            which = f" {argument.name}" if argument.name else ""
            raise FeatureNotSupported(
                f"{call.name}() cannot be an argument of function {function.name}, whose body"
                f" uses its argument{which} more than once",
                detail="The body is put in place of the call, and each use would be another value.",
                hint="Compute it once in a subquery and hand its column to the function.",
            )


def _bind_arguments(select: exp.Select, function: Function) -> None:
    """Write every reference to an argument as a column of the relation of arguments."""
    names = {a.name: n for n, a in enumerate(function.arguments, 1) if a.name}
    for node in list(select.find_all(exp.Column, exp.Parameter)):
        if isinstance(node, exp.Parameter):
            place = number(node)
            if place > len(function.arguments):
                raise UndefinedParameter(f"there is no parameter ${place}")
        elif (
            isinstance(node, exp.Column)
            and node.table in ("", function.name)
            and node.name in names
        ):
            place = names[node.name]
        else:
            continue
        node.replace(column_node(_ARGUMENTS.name, f"${place}"))


def _refuse_unknown(body: exp.Expr) -> None:
    for column in body.find_all(exp.Column):
        if column.table != _ARGUMENTS.name:
            written = f"{column.table}.{column.name}" if column.table else f'"{column.name}"'
            raise UndefinedColumn(f"column {written} does not exist")


def _result(body: exp.Expr, function: Function, block: Block) -> exp.Expr:
    """The body cast to the type of the result; NULL for a NULL argument if it is strict."""
    known = type_of(body, block)
    if not is_assignable(body, known, function.returns):
        assert known is not None
        raise InvalidFunctionDefinition(
            f"return type mismatch in function declared to return {function.returns.sql}",
            detail=f"Actual return type is {known.sql}.",
        )
    body = as_type(body.copy(), known, function.returns)
    columns = [column_node(_ARGUMENTS.name, f"${n + 1}") for n in range(len(function.arguments))]
    if not function.strict or not columns or propagates_null(body, len(columns)):
        return body
    there = [exp.Not(this=exp.Is(this=column, expression=exp.Null())) for column in columns]
    condition: exp.Expr = there[0]
    for each in there[1:]:
        condition = exp.And(this=condition, expression=each)
    return exp.Case(ifs=[exp.If(this=condition, true=body)])


def _index(column: exp.Column) -> int:
    return int(column.name.removeprefix("$")) - 1


def _substituted(body: exp.Expr, arguments: list[exp.Expr]) -> exp.Expr:
    holder = exp.Paren(this=body)
    for column in list(holder.find_all(exp.Column)):
        column.replace(arguments[_index(column)].copy())
    found: exp.Expr = holder.this
    found.pop()
    return found
