"""Parentheses that change nothing: around a query with more clauses, and around a literal.

`(SELECT a FROM t LIMIT 2) ORDER BY a` is one query to PostgreSQL (gram.y, insertSelectOptions),
which sorts before it cuts off.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import SyntaxFault

# In PostgreSQL's order.
_CLAUSES = (("order", "ORDER BY"), ("offset", "OFFSET"), ("limit", "LIMIT"))


def merge_clauses(found: Sequence[exp.Expr]) -> None:
    """Give clauses after parentheses to the query inside.

    Args:
        found: The nodes of a tree, parents first.

    Raises:
        SyntaxFault: 42601, the query has such a clause already.
    """
    for node in found:
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
            _merge(node, node.this)


def _merge(outer: exp.Subquery, inner: exp.Query) -> None:
    for clause, words in _CLAUSES:
        given = outer.args.get(clause)
        if not given:
            continue
        if inner.args.get(clause):
            place = next((at for n in given.walk() if (at := n.meta.get("start")) is not None), -1)
            raise SyntaxFault(f"multiple {words} clauses not allowed", position=place + 1)
        outer.set(clause, None)
        inner.set(clause, given)
    if outer.args.get("locks"):
        inner.set("locks", [*(inner.args.get("locks") or ()), *outer.args["locks"]])
        outer.set("locks", None)


def bare_literals(found: Sequence[exp.Expr]) -> None:
    """Take string literals out of parentheses, within which their type is as open as without."""
    for node in found:
        if isinstance(node, exp.Literal) and node.is_string:
            while isinstance(node.parent, exp.Paren):
                node.parent.replace(node)
