"""Nodes as passes write them: casts, conditions, queries in FROM, aggregates beside a call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from gateway.sql.text.datatypes import data_type
from gateway.types import Type


def cast_copy(value: exp.Expr, kind: str | Type) -> exp.Cast:
    """A copy of a value, cast."""
    return exp.Cast(this=value.copy(), to=data_type(kind))


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Conditions, of which there is at least one, joined by AND."""
    return reduce(lambda a, b: exp.And(this=a, expression=b), conditions)


def table_alias(name: str, columns: Sequence[str] = ()) -> exp.TableAlias:
    """The name of an item of FROM, and those of its columns."""
    names = [exp.to_identifier(column, quoted=True) for column in columns]
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=names)


def subquery(query: exp.Expr, name: str, columns: Sequence[str] = ()) -> exp.Subquery:
    """A query, or a table, as an item of FROM."""
    return exp.Subquery(this=query, alias=table_alias(name, columns))


def put(node: exp.Expr, value: exp.Expr) -> None:
    """Put a value in the place of another; as an item of a SELECT list it keeps its name."""
    item = isinstance(node.parent, exp.Select) and node.arg_key == "expressions"
    node.replace(exp.alias_(value, node.alias_or_name, quoted=True) if item else value)


def whole_call(call: exp.Expr) -> exp.Expr:
    """A call of an aggregate with its FILTER and its OVER."""
    while isinstance(call.parent, exp.Filter | exp.Window) and call.arg_key == "this":
        call = call.parent
    return call


def called_in(whole: exp.Expr) -> exp.Anonymous:
    """The call itself in what `whole_call` gives."""
    while isinstance(whole, exp.Filter | exp.Window):
        whole = whole.this
    assert isinstance(whole, exp.Anonymous)
    return whole


def beside(whole: exp.Expr, name: str, *arguments: exp.Expr) -> exp.Expr:
    """The same FILTER and OVER of another aggregate, of these arguments or of the same ones."""
    made = whole.copy()
    call = called_in(made)
    call.set("this", name)
    if arguments:
        call.set("expressions", [each.copy() for each in arguments])
    return made
