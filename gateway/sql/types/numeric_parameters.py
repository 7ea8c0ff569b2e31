"""`$n` beside literals with a point, which are numerics in PostgreSQL, as `$n::numeric`.

Such a literal is a double here until something beside it is a numeric; the parameter is that, so
the literal becomes one, too: `0.1 + $1` is 0.3 for 0.2. So is what is rounded to digits.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.names.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.inference import Types
from gateway.sql.types.numerals import is_point_literal
from gateway.sql.types.numeric_forms import ROUNDING
from gateway.sql.types.parameters import number, told
from gateway.types import FLOAT8, NUMERIC, Type


class _Exact(Types):
    """The types of expressions in PostgreSQL, where a literal with a point is a numeric."""

    def of(self, tree: exp.Expr) -> Type | None:
        return NUMERIC if is_point_literal(tree) else super().of(tree)


def cast_numerics(tree: exp.Expr, block_of: Callable[[exp.Expr], Block | None]) -> None:
    """Cast the parameters that are numerics so, in place; `$1` of several uses only in all."""
    uses: dict[int, list[exp.Parameter]] = {}
    for node in nodes_of(tree, exp.Parameter):
        uses.setdefault(number(node), []).append(node)
    while cast := [n for n, nodes in uses.items() if all(_is_numeric(x, block_of) for x in nodes)]:
        for node in (node for n in cast for node in uses.pop(n)):
            node.replace(exp.Cast(this=copied(node), to=data_type(NUMERIC)))


def _is_numeric(node: exp.Expr, block_of: Callable[[exp.Expr], Block | None]) -> bool:
    """Whether a parameter is a numeric, and would be a double if the literals were doubles."""
    call = node.parent
    if isinstance(call, exp.Anonymous) and call.name.lower() in ROUNDING:
        return node.index == 0 and len(call.expressions) == 2
    block = block_of(node)
    if told(node, Types(block).of) not in (FLOAT8, None):
        return False
    return told(node, _Exact(block).of) is NUMERIC
