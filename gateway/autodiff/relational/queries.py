"""The queries that reverse mode writes: what it makes of the parts of a SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlglot import exp

from gateway.autodiff.statements.readings import ALONE
from gateway.sources.table import TableName
from gateway.sql.names.scope import Analysis, Block, column_node
from gateway.sql.text.building import subquery
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied

KEY = "∂key"  # what the columns are called that tell the groups of a loss apart, before a number


@dataclass(frozen=True, eq=False)
class Unless:
    """The query whose rows are kept in the place of another's, unless the one value of rows that
    are kept already is true."""

    asked: TableName
    other: exp.Select


class Keep(Protocol):
    """Has the rows of a query at hand, or those of the other one."""

    def __call__(self, query: exp.Select, unless: Unless | None = None, /) -> TableName:
        """The name that they go by."""


def over_rows(block: Block, items: list[exp.Expr]) -> exp.Select:
    """A query of these items over the FROM and WHERE of a SELECT."""
    select = exp.Select(expressions=items)
    for clause in ("from_", "joins", "laterals", "where"):
        held = block.select.args.get(clause)
        if held is not None:
            select.set(
                clause, [copied(h) for h in held] if isinstance(held, list) else copied(held)
            )
    return select


def joined(
    query: exp.Select, other: exp.Query, alias: str, pairs: Sequence[tuple[str, exp.Expr]]
) -> None:
    """Join `other` on equal keys, NULL among them; a SELECT without FROM reads it alone."""
    same = [
        exp.NullSafeEQ(this=column, expression=column_node(alias, name)) for name, column in pairs
    ]
    if query.args.get("from_") is None:
        query.from_(subquery(other, alias), copy=False)
    else:
        query.append("joins", exp.Join(this=subquery(other, alias), kind="CROSS"))
    if same:
        query.where(*same, copy=False)


def united(queries: Sequence[exp.Query]) -> exp.Query:
    """The rows of all these queries, of which there is at least one."""
    union: exp.Query = queries[0]
    for each in queries[1:]:
        union = exp.Union(this=union, expression=each, distinct=False)
    return union


def added_up(
    queries: Sequence[exp.Select], keys: Sequence[tuple[str, str]], sums: Sequence[str]
) -> exp.Select:
    """The rows of queries that have one for each key, of several queries added up by key.

    Args:
        queries: At least one.
        keys: What their keys are called, and what they are to be called.
        sums: What else they have.
    """
    several = len(queries) > 1
    items = [named(column_node("u", key), name) for key, name in keys]
    for name in sums:
        column: exp.Expr = column_node("u", name)
        total = exp.Anonymous(this="sum", expressions=[column]) if several else column
        items.append(named(total, name))
    query = exp.select(*items, copy=False).from_(subquery(united(queries), "u"), copy=False)
    grouped = [column_node("u", key) for key, _ in keys] if several else []
    return query.group_by(*grouped, copy=False) if grouped else query


def root_of(analysis: Analysis, query: exp.Select) -> Block:
    """The block that a query itself is."""
    return next(block for block in analysis.blocks if block.select is query)


def named(tree: exp.Expr, name: str) -> exp.Expr:
    """An item of SELECT."""
    return exp.alias_(tree, name, quoted=True, copy=False)


def present(tree: exp.Expr) -> exp.Expr:
    """0 where it is NULL: a row that an aggregate passes over counts nothing."""
    return exp.Anonymous(this="coalesce", expressions=[tree, exp.Literal.number("0.0")])


def double(tree: exp.Expr) -> exp.Expr:
    """It as a number of double precision."""
    return exp.cast(copied(tree), exp.DType.DOUBLE)


def grad(function: exp.Expr, column: exp.Expr) -> exp.Expr:
    """The slope of an expression by a column, for the chain rule to write."""
    marker = Marker(kind="grad", expressions=[copied(function), copied(column)])
    marker.meta[ALONE] = True
    return marker


def times(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """The product of both, each in parentheses; 1.0 is left out."""
    for factor, other in ((left, right), (right, left)):
        if isinstance(factor, exp.Literal) and factor.name == "1.0":
            return other
    return exp.Mul(this=exp.paren(left, copy=False), expression=exp.paren(right, copy=False))


def added(parts: list[exp.Expr]) -> exp.Expr:
    """The sum of expressions, those that are NULL left out."""
    if len(parts) < 2:
        return present(parts[0]) if parts else exp.Literal.number("0.0")
    return exp.Add(this=present(parts[0]), expression=added(parts[1:]))


def total(tree: exp.Expr) -> exp.Expr:
    """The sum of an expression over the rows of a group; 0 where no row has a value."""
    return present(exp.Anonymous(this="sum", expressions=[tree]))
