"""String literals take the type of what they are compared with.

In PostgreSQL a quoted literal is of unknown type until its surroundings tell (manual, 10.2); the
engine takes it for text and reads fewer forms of timestamps than PostgreSQL does. A literal beside
a date or a time becomes a typed one, which `lowering` writes in the form the engine reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.names.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import copied, nodes_of, own_nodes
from gateway.sql.types.inference import type_of
from gateway.types import Type, dimensions

_TYPED = frozenset(
    {"bool", "date", "time", "timestamp", "timestamptz", "interval", "int2", "int4", "int8",
     "float4", "float8", "numeric", "uuid"}
)  # fmt: skip


# Of their arrays a literal is one beside an array.
_ELEMENTS = _TYPED | {"int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar"}
# Among alternatives a literal is of the widest of these, which `checking` tells.
_RANKED = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})

# Calls whose arguments are of one type.
_ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nullif"})


_COMPARING = (*COMPARISONS, exp.Between, exp.In)


def cast_literals(block: Block) -> None:
    """Cast literals that stand beside dates, times, intervals, booleans and arrays, in place."""
    for node in own_nodes(block.select):
        for group in _compared(node):
            compared = isinstance(node, _COMPARING) or node.name == "nullif"
            _cast_group(group, block, compared)


def cast_listed(tree: exp.Expr) -> None:
    """Cast literals in VALUES to the type that their column has from other rows, in place."""
    for values in nodes_of(tree, exp.Values):
        rows = [
            row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions
        ]
        if len(rows) > 1 and len({len(row) for row in rows}) == 1:
            for column in zip(*rows, strict=True):
                _cast_group(list(column), None, compared=False)


def _compared(node: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Expressions that are compared with one another, or stand for one another."""
    if isinstance(node, COMPARISONS):
        yield [node.this, node.expression]
    elif isinstance(node, exp.Between):
        yield [node.this, node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In):
        yield [node.this, *node.expressions]
    elif isinstance(node, exp.Array) or (
        isinstance(node, exp.Anonymous) and node.name in _ALTERNATIVES
    ):
        yield node.expressions
    elif isinstance(node, exp.Case):
        default = node.args.get("default")
        values = [branch.args["true"] for branch in node.args["ifs"]]
        yield values if default is None else [*values, default]


def _cast_group(group: list[exp.Expr], block: Block | None, compared: bool) -> None:
    literals = [e for e in group if isinstance(e, exp.Literal) and e.is_string]
    if not literals or len(literals) == len(group):
        return
    known = next((t for e in group if e not in literals and (t := _typed(e, block))), None)
    if known is not None and (compared or known.name not in _RANKED):
        for literal in literals:
            spelt = known.sql + "[]" * (dimensions(known) - 1)
            kind = data_type(spelt)
            literal.replace(exp.Cast(this=copied(literal), to=kind))


def _typed(tree: exp.Expr, block: Block | None) -> Type | None:
    known = type_of(tree, block)
    if known is None:
        return None
    array = known.element is not None and known.element.name in _ELEMENTS
    return known if array or known.name in _TYPED else None
