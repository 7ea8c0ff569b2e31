"""Columns of subqueries that are `$n` alone, of which nothing tells the type.

They are texts, as in PostgreSQL (`resolveTargetListUnknowns` and `transformValuesClause`).
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.names.scope import Block, Output, Source, resolve
from gateway.sql.types.inference import bare


def is_untold(tree: exp.Expr, block: Block | None) -> bool:
    """Whether an expression is such a column, of a query in FROM or of VALUES."""
    if block is None or not isinstance(tree, exp.Column):
        return False
    try:
        source, name = resolve(block, tree)
    except GatewayError:  # the engine reports it, in its turn
        return False
    if isinstance(source.tree, exp.Values):
        return all(isinstance(bare(cell), exp.Parameter) for cell in _cells(source, name))
    outputs = source.query.outputs if source.query is not None else ()
    found = next((each for each in outputs if each.name == name), None)
    sides = (found.sides or (found,)) if found is not None else ()
    return bool(sides) and all(_is_parameter(side) for side in sides)


def _cells(source: Source, name: str) -> list[exp.Expr]:
    place = list(source.columns or ()).index(name)
    return [row.expressions[place] for row in source.tree.expressions]


def _is_parameter(output: Output) -> bool:
    if output.expression is None:
        return False
    value = bare(output.expression)
    return isinstance(value, exp.Parameter) or is_untold(value, output.block)
