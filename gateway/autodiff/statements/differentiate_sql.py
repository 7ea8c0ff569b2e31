"""`differentiate_sql('sin(x) * y', 'x')`: a derivative as SQL text."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.autodiff.rules.graph import MOST_NODES
from gateway.autodiff.statements.markers import expand
from gateway.errors import (
    AmbiguousColumn,
    FeatureNotSupported,
    GatewayError,
    SyntaxFault,
    UndefinedFunction,
)
from gateway.sources.table import TableName
from gateway.sql.lowered.printing import to_text
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Analysis, is_aggregate, position_of
from gateway.sql.text.dialect import Marker, parse
from gateway.sql.text.trees import nodes_of
from gateway.types import FLOAT8

NAME = "differentiate_sql"

# Puts the bodies of users' functions in place of their calls, given a query and its blocks.
Inline = Callable[[exp.Expr, Analysis], object]


def _no_functions(query: exp.Expr, analysis: Analysis) -> None:
    """There are no functions of users' own."""


def differentiate_sql(
    expression: str, column: str, inline: Inline = _no_functions, most_nodes: int = MOST_NODES
) -> str:
    """The derivative of `expression` by `column`, as SQL that stands where the expression could.

    Every column is taken as double precision that may be NULL, and `column` as the same in all rows
    that an aggregate counts.

    Args:
        expression: What is differentiated.
        column: By what.
        inline: What knows users' functions.
        most_nodes: Of the derivative.

    Raises:
        GatewayError: as grad(expression, column) would; without a position.

    >>> differentiate_sql("sin(x) * y", "x")
    'cos(x) * y'
    """
    try:
        return _derivative(_expression(expression), _expression(column), inline, most_nodes)
    except GatewayError as error:
        error.position = 0
        raise


def _expression(text: str) -> exp.Expr:
    """The tree of `text`, which must be one expression and nothing besides."""
    trees = parse(f"SELECT (\n{text}\n)")  # a line of its own: it may end with a comment
    items = trees[0].expressions if len(trees) == 1 else []
    whole = items[0] if len(items) == 1 else None
    if not isinstance(whole, exp.Paren) or isinstance(whole.this, exp.Star | exp.Alias):
        raise SyntaxFault(
            f"{NAME} needs one expression where '{text}' stands",
            hint=f"Write {NAME}('sin(x) * y', 'x').",
        )
    inner: exp.Expr = whole.this
    return inner


def _derivative(item: exp.Expr, variable: exp.Expr, inline: Inline, most_nodes: int) -> str:
    query = exp.Select()
    columns = [c for tree in (item, variable) for c in nodes_of(tree, exp.Column)]
    relations = {}
    aliases = dict.fromkeys(column.table for column in columns)
    if "" in aliases and len(aliases) > 1:
        raise AmbiguousColumn(
            "some columns are written with a table and some without",
            hint="Write all of them with their table, or none.",
        )
    for number, alias in enumerate(aliases):
        name = TableName("", f"relation{number}")
        relations[name] = {c.name: ColumnInfo(FLOAT8) for c in columns if c.table == alias}
        table = exp.Table(this=exp.to_identifier(name.name))
        if alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
        query.set("from_", exp.From(this=table)) if number == 0 else query.append(
            "joins", exp.Join(this=table, kind="CROSS")
        )
    query.set("expressions", [Marker(kind="grad", expressions=[item, variable])])
    if any(map(is_aggregate, nodes_of(item, exp.Anonymous))):
        query.set("group", exp.Group(expressions=[variable.copy()]))
    inline(query, analyse(query, relations))
    expand(query, analyse(query, relations), inline=True, most_nodes=most_nodes)
    return to_text(query.expressions[0])


def replace_calls(
    tree: exp.Expr, inline: Inline = _no_functions, most_nodes: int = MOST_NODES
) -> None:
    """Put the text in place of every call in `tree`; its arguments must be string literals.

    Raises:
        FeatureNotSupported: 0A000, an argument is not a literal.
        UndefinedFunction: 42883, not two arguments.
    """
    for call in nodes_of(tree, exp.Anonymous):
        if call.this != NAME:
            continue
        hint = f"Write {NAME}('sin(x) * y', 'x')."
        if len(call.expressions) != 2:
            count = len(call.expressions)
            message = f"{NAME} does not take {count} argument{'s' * (count != 1)}"
            raise UndefinedFunction(message, hint=hint, position=position_of(call))
        if not all(isinstance(arg, exp.Literal) and arg.is_string for arg in call.expressions):
            message = f"{NAME} needs its arguments as string literals"
            raise FeatureNotSupported(message, hint=hint, position=position_of(call))
        try:
            expression, column = (argument.name for argument in call.expressions)
            text = differentiate_sql(expression, column, inline, most_nodes)
        except GatewayError as error:
            error.position = position_of(call)
            raise
        call.replace(exp.Literal.string(text))
