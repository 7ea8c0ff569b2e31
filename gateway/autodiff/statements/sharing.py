"""The function itself, where it stands beside its derivatives: computed once with them.

``SELECT loss, grad(loss, a), grad(loss, b)`` would compute the loss for itself and again on the
tape of its derivatives. Where it is exactly what the graph computes (double precision throughout),
it is read from the tape.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.autodiff.expressions.reading import Pending
from gateway.autodiff.rules.graph import Node, leaves
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes


def is_exact(node: Node) -> bool:
    """Whether the graph computes in the types that the user's expression has."""
    return bool(node.args) and all(
        leaf.leaf is not None and leaf.leaf.double for leaf in leaves(node)
    )


def occurrences(select: exp.Select, function: exp.Expr) -> Iterator[exp.Expr]:
    """Where `function` stands in the SELECT list, outside markers and subqueries.

    Under GROUP BY only inside aggregates: elsewhere it must stay what the query is grouped by.
    Under DISTINCT nowhere: ORDER BY has to name what the list names.
    """
    if select.args.get("distinct"):
        return
    grouped = bool(select.args.get("group"))
    kind = type(function)
    for item in select.expressions:
        for node in nodes(item, _CLOSED):
            if type(node) is kind and node == function and not (grouped and not _aggregated(node)):
                yield node


_CLOSED = (Marker, Pending, exp.Query)


def _aggregated(node: exp.Expr) -> bool:
    call = node.find_ancestor(exp.Anonymous, exp.Select)
    while isinstance(call, exp.Anonymous):
        if is_aggregate(call):
            return True
        call = call.find_ancestor(exp.Anonymous, exp.Select)
    return False
