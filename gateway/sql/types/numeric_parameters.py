"""`$n` beside literals with a point, which are numerics in PostgreSQL, as `$n::numeric`.

Such a literal is a double here until something beside it is a numeric; the parameter is that, so
the literal becomes one, too: `0.1 + $1` is 0.3 for 0.2. What round and log take is a numeric or a
double by the number of their arguments.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.names.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.inference import Types
from gateway.sql.types.numerals import is_point_literal
from gateway.sql.types.parameters import number, told
from gateway.types import FLOAT8, NUMERIC, Type


class _Exact(Types):
    """The types of expressions in PostgreSQL, where a literal with a point is a numeric."""

    def of(self, tree: exp.Expr) -> Type | None:
        return NUMERIC if is_point_literal(tree) else super().of(tree)


# Function and how many arguments -> the type of the first; log has two of them.
_FIRST = {
    ("round", 1): FLOAT8, ("round", 2): NUMERIC, ("trunc", 2): NUMERIC, ("log", 1): FLOAT8,
    ("log", 2): NUMERIC,
}  # fmt: skip


def cast_numbers(tree: exp.Expr, block_of: Callable[[exp.Expr], Block | None]) -> None:
    """Cast the parameters that are such numbers, in place; `$1` of several uses only in all."""
    uses: dict[int, list[exp.Parameter]] = {}
    for node in nodes_of(tree, exp.Parameter):
        uses.setdefault(number(node), []).append(node)
    again = True
    while again:
        again = False
        for n, nodes in list(uses.items()):
            kinds = {_number(node, block_of) for node in nodes}
            kind = kinds.pop() if len(kinds) == 1 else None
            if kind is not None:
                again = True
                for node in uses.pop(n):
                    node.replace(exp.Cast(this=copied(node), to=data_type(kind)))


def _number(node: exp.Expr, block_of: Callable[[exp.Expr], Block | None]) -> Type | None:
    """What a parameter is: a numeric that would be a double if the literals were doubles."""
    call = node.parent
    if isinstance(call, exp.Anonymous):
        kind = _FIRST.get((call.name.lower(), len(call.expressions)))
        if kind is not None and (node.index == 0 or call.name.lower() == "log"):
            return kind
    block = block_of(node)
    if told(node, Types(block).of) not in (FLOAT8, None):
        return None
    return NUMERIC if told(node, _Exact(block).of) is NUMERIC else None
