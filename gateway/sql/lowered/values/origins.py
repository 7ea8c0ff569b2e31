"""Whether something may be so of a value, told by what the value comes from.

A column of a query is so where the expression behind it may be; one of a stored table where its
table may hold such values (`ColumnInfo.nan`: NaN and infinities), which no dataset does.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Block, Output, column_node, resolved
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.inference import Types


class SameValue:
    """Tells which expressions of a SELECT are the same as `value`, however columns are named."""

    def __init__(self, value: exp.Expr, block: Block | None) -> None:
        self._value = value
        self._block = block
        self._meant = self._resolved(value)

    def as_(self, node: exp.Expr) -> bool:
        """Whether it is the same."""
        if type(node) is not type(self._value):
            return False
        return node == self._value or self._resolved(node) == self._meant

    def _resolved(self, tree: exp.Expr) -> exp.Expr:
        """The tree with the relation before each of its columns."""
        holder = exp.Paren(this=copied(tree))
        for column in nodes_of(holder, exp.Column):
            if (found := resolved(self._block, column)) is not None:
                source, name = found
                column.replace(column_node(source.alias, name))
        whole: exp.Expr = holder.this
        return whole


May = Callable[[exp.Expr, Types], bool]


def may_hold(column: exp.Column, known: Types, may: May, stored: bool = True) -> bool:
    """Whether the values of a column may be such as `may` tells of expressions.

    Without `stored` those of stored tables are not.
    """
    if known.block is None:
        return True
    found = resolved(known.block, column)
    if found is None:
        return False
    source, name = found
    if source.query is not None and not source.recursive:
        outputs = source.query.outputs
        names = list(source.columns or ())  # which `AS t (a, b)` may have given them
        if len(names) != len(outputs):
            names = [each.name for each in outputs]
        return any(
            may_give(each, may, stored)
            for each, called in zip(outputs, names, strict=True)
            if called == name
        )
    info = (source.columns or {}).get(name)
    return info is None or _holds(info, stored)


def may_give(output: Output, may: May, stored: bool = True) -> bool:
    """The same of what a query gives in one of its columns."""
    if output.sides:
        return any(may_give(side, may, stored) for side in output.sides)
    if output.expression is None or output.block is None:
        return output.info is None or _holds(output.info, stored)
    return may(output.expression, Types(output.block))


def _holds(info: ColumnInfo, stored: bool) -> bool:
    return info.nan and (stored or not info.origin[0])
