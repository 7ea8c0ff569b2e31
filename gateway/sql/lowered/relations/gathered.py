"""Queries that are written as arrays: beside an aggregate, a window or another query, and VALUES.

A subquery that compares cannot have these inside, as they belong to the query around it:
`count(*) >= ALL (SELECT ...)` is compared with `ALL (ARRAY(SELECT ...))`.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.lowered.relations.value_rows import as_select
from gateway.sql.lowered.values.quantified import (
    is_quantified,
    items_of,
    outputs_of,
    query_of,
)
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.trees import nodes, own_nodes

_OF_QUERIES = ("any", "all", "some", "array")


def gather(tree: exp.Expr) -> None:
    """Write such queries as arrays, in place.

    Raises:
        SyntaxFault: 42601, a query of several columns is compared with one value.
    """
    for node in nodes(tree):
        if isinstance(node, exp.Anonymous) and node.name in _OF_QUERIES:
            for values in filter(lambda each: isinstance(each, exp.Values), node.expressions):
                rows = as_select(values)
                values.replace(rows if node.name == "array" else _array(rows))
        query = query_of(node) if isinstance(node, exp.In) or is_quantified(node) else None
        if query is None or len(items_of(node.this)) > 1 or not _is_of_around(node.this):
            continue
        if len(outputs_of(query)) > 1:
            raise SyntaxFault("subquery has too many columns", position=position_of(query))
        word = "all" if isinstance(node.args.get("expression"), exp.All) else "any"
        side = exp.Anonymous(this=word, expressions=[_array(query)])
        if isinstance(node, exp.In):
            node.replace(exp.EQ(this=node.this, expression=side))
        else:
            node.set("expression", side)


def _array(query: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="array", expressions=[query])


def _is_of_around(value: exp.Expr) -> bool:
    kinds = exp.Window | exp.Query
    return any(is_aggregate(each) or isinstance(each, kinds) for each in own_nodes(value))
