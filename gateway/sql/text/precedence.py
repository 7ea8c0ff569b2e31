"""Operator precedence, and the parentheses that make a tree's text say what the tree says.

PostgreSQL manual, 4.1.6 "Operator Precedence". DataFusion's parser, in its generic dialect,
agrees with this table but for unary minus (it binds as * does), IS DISTINCT FROM (its right side
has no end) and what `_STRICTER` lists; parentheses are put wherever the two could differ.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.trees import nodes

OR, AND, NOT, IS, COMPARISON, RANGE, OTHER, TERM, FACTOR, ZONE, UNARY, ATOM = range(12)

# Loosest first, as in the manual read from the bottom. A binary node without a row is OTHER, any
# further node an atom: a call, a literal, a name, or something with brackets of its own.
LEVELS: dict[type[exp.Expr], int] = {
    exp.Or: OR,
    exp.And: AND,
    exp.Not: NOT,
    exp.Is: IS,
    exp.NullSafeEQ: IS,
    exp.NullSafeNEQ: IS,
    exp.EQ: COMPARISON,
    exp.NEQ: COMPARISON,
    exp.LT: COMPARISON,
    exp.LTE: COMPARISON,
    exp.GT: COMPARISON,
    exp.GTE: COMPARISON,
    exp.Between: RANGE,
    exp.In: RANGE,
    exp.Like: RANGE,
    exp.ILike: RANGE,
    exp.SimilarTo: RANGE,
    exp.Escape: RANGE,
    exp.Add: TERM,
    exp.Sub: TERM,
    exp.Mul: FACTOR,
    exp.Div: FACTOR,
    exp.Mod: FACTOR,
    exp.AtTimeZone: ZONE,
    exp.Neg: UNARY,
    exp.BitwiseNot: OTHER,
    exp.Pow: ATOM,  # printed as a call
    exp.Dot: ATOM,
    exp.Bracket: ATOM,
    exp.Slice: OR,
}

# The arguments that stand bare beside an operator; all others have brackets or commas around.
_OPERANDS = ("this", "expression", "low", "high", "zone")
# DataFusion puts || beside *, the bit operators each on a level of its own, and BETWEEN, IN and
# LIKE on or below the level of =.
_STRICTER = {OTHER: UNARY, COMPARISON: OTHER}
_ASSOCIATIVE = (exp.And, exp.Or)
# The operators that compare two values; the last two are IS [NOT] DISTINCT FROM.
ORDERED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
DISTINCT = (exp.NullSafeEQ, exp.NullSafeNEQ)
COMPARISONS = (*ORDERED, *DISTINCT)
# DataFusion's parser takes all that follows IS DISTINCT FROM, up to AND and OR and past them, for
# its right side: always in brackets.
_GREEDY = DISTINCT


def level(node: exp.Expr) -> int:
    """How tightly `node` holds together, from OR to ATOM."""
    found = LEVELS.get(type(node))
    if found is not None:
        return found
    return OTHER if isinstance(node, exp.Binary) and not isinstance(node, exp.Func) else ATOM


def parenthesise(tree: exp.Expr) -> exp.Expr:
    """`tree` itself, with parentheses around every operand that would come apart without.

    >>> from sqlglot import exp
    >>> x, y = exp.column("x"), exp.column("y")
    >>> parenthesise(exp.Div(this=x, expression=exp.Add(this=x, expression=y), typed=True)).sql()
    'x / (x + y)'
    """
    for node in nodes(tree):
        if isinstance(node, exp.Bracket | exp.Dot):
            _wrap(node, node.this, ATOM)
            continue
        own = level(node)
        if own == ATOM or isinstance(node, exp.Slice):
            continue
        for name in _OPERANDS:
            operand = node.args.get(name)
            if isinstance(operand, exp.Expr):
                least = _STRICTER.get(own, own + 1)
                _wrap(node, operand, own if _may_chain(node, operand, name) else least)
    return tree


def _may_chain(node: exp.Expr, operand: exp.Expr, name: str) -> bool:
    """Whether an operand of the same level may stand bare: a + b + c, read from the left."""
    if name != "this" or level(node) in (IS, COMPARISON, RANGE):
        return isinstance(node, _ASSOCIATIVE) and type(node) is type(operand)
    return level(node) in (TERM, FACTOR) or (type(node) is type(operand) and level(node) < UNARY)


def _wrap(node: exp.Expr, operand: exp.Expr, least: int) -> None:
    bare_query = isinstance(operand, exp.Query) and not isinstance(operand, exp.Subquery)
    if level(operand) < least or bare_query or isinstance(operand, _GREEDY):
        paren = exp.Paren()
        operand.replace(paren)
        paren.set("this", operand)
