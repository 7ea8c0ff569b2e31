"""Comparisons of rows, pair by pair, as PostgreSQL defines them (manual, 9.24.5 and 9.24.6).

``(a, b) = (c, d)`` is ``a = c AND b = d``; ``(a, b) < (c, d)`` is ``a < c OR (a = c AND b < d)``.
The engine compares its structs, for which NULL is one value more: false where PostgreSQL has NULL.
Rows beside a subquery, and of a star, are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.text.places import AT

Pair = tuple[exp.Expr, exp.Expr]

_STRICT: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.LT: exp.LT, exp.LTE: exp.LT, exp.GT: exp.GT, exp.GTE: exp.GT,
}  # fmt: skip


def compare_pairwise(found: Sequence[exp.Expr]) -> None:
    """Put a comparison of columns in the place of every comparison of rows.

    Args:
        found: The nodes of a tree, parents first.

    Raises:
        SyntaxFault: 42601, rows of different lengths.
    """
    for node in reversed(found):
        form = _FORMS.get(type(node))
        made = form(node) if form is not None else None
        if made is not None:
            node.replace(exp.Paren(this=made))


def pairwise(of: type[exp.Expr], pairs: Sequence[Pair]) -> exp.Expr:
    """The comparison of two rows by an operator, of their columns, pair by pair.

    An operator that is none of rows (LIKE) has one pair.
    """
    if of in _STRICT:
        return _lexicographic(of, pairs)
    join = exp.Or if of in (exp.NEQ, exp.NullSafeNEQ) else exp.And
    return _joined(join, [of(this=a, expression=b) for a, b in pairs])


def row_of(node: exp.Expr | None) -> list[exp.Expr] | None:
    """What a row holds; None: it is none."""
    inner = node.unnest() if node is not None else None
    if isinstance(inner, exp.Tuple):
        return list(inner.expressions)
    if isinstance(inner, exp.Anonymous) and str(inner.this).lower() == "row":
        return list(inner.expressions)
    return None


def _is_star(value: exp.Expr) -> bool:
    """Whether it stands for columns that are not known yet (`starred_rows`)."""
    return value.is_star


def _pairs(one: exp.Expr | None, other: exp.Expr | None, at: int = 0) -> list[Pair] | None:
    left, right = row_of(one), row_of(other)
    if left is None or right is None or any(map(_is_star, (*left, *right))):
        return None
    if len(left) != len(right):
        raise SyntaxFault("unequal number of entries in row expressions", position=at)
    if not left:
        raise SyntaxFault("cannot compare rows of zero length")
    return [(a.copy(), b.copy()) for a, b in zip(left, right, strict=True)]


def _compared(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node.parent, exp.Update | exp.OnConflict):
        return None  # SET (a, b) = (1, 2) assigns
    pairs = _pairs(node.this, node.expression, node.meta_get(AT, -1) + 1)
    return None if pairs is None else pairwise(type(node), pairs)


def _joined(join: type[exp.Connector], parts: Sequence[exp.Expr]) -> exp.Expr:
    return reduce(lambda one, other: join(this=one, expression=other), parts)


def _lexicographic(last: type[exp.Expr], pairs: Sequence[Pair]) -> exp.Expr:
    (a, b), *rest = pairs
    if not rest:
        return last(this=a, expression=b)
    equal = exp.EQ(this=a.copy(), expression=b.copy())
    further = exp.And(this=equal, expression=exp.Paren(this=_lexicographic(last, rest)))
    return exp.Or(this=_STRICT[last](this=a, expression=b), expression=exp.Paren(this=further))


def _between(node: exp.Expr) -> exp.Expr | None:
    low = _pairs(node.this, node.args["low"])
    high = _pairs(node.this, node.args["high"])
    if low is None or high is None:
        return None
    sides = _lexicographic(exp.GTE, low), _lexicographic(exp.LTE, high)
    return exp.And(this=exp.Paren(this=sides[0]), expression=exp.Paren(this=sides[1]))


def _in(node: exp.Expr) -> exp.Expr | None:
    found = [_pairs(node.this, item) for item in node.expressions]
    if not found or any(pairs is None for pairs in found):
        return None
    equal = [
        exp.Paren(this=_joined(exp.And, [exp.EQ(this=a, expression=b) for a, b in pairs or ()]))
        for pairs in found
    ]
    return _joined(exp.Or, equal)


def _is(node: exp.Expr) -> exp.Expr | None:
    """A row IS NULL where every column is, IS NOT NULL where none is."""
    row = row_of(node.this)
    if not row or not isinstance(node.expression, exp.Null) or any(map(_is_star, row)):
        return None
    negate = {"negate": True} if node.args.get("negate") else {}
    return _joined(
        exp.And, [exp.Is(this=part.copy(), expression=exp.Null(), **negate) for part in row]
    )


_FORMS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr | None]] = {
    exp.EQ: _compared,
    exp.NEQ: _compared,
    exp.NullSafeEQ: _compared,
    exp.NullSafeNEQ: _compared,
    exp.LT: _compared,
    exp.LTE: _compared,
    exp.GT: _compared,
    exp.GTE: _compared,
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
}
