"""Numerics beside reals, as the reals that PostgreSQL takes them for (manual, 10.2 and 10.5).

The engine makes decimals of 15 digits after the point of both, and 1e-20 is 0 there. This holds
for comparisons and for alternatives: CASE, coalesce, ARRAY, VALUES, set operations. An operator
between them takes doubles. A double that is a numeric in PostgreSQL (`numerics_as_doubles`)
makes no real of a numeric.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.sql.lowered.values.quantified import is_quantified, query_of
from gateway.sql.names.scope import Analysis
from gateway.sql.text.building import cast_copy, put
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import nodes_of, own_nodes
from gateway.sql.types.inference import Types
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.numerics_as_doubles import is_numeric_there
from gateway.sql.types.together import elements, together, value_columns
from gateway.types import FLOAT4, FLOAT8, INTEGER, NUMERIC, Type

_COMPARING = (*COMPARISONS, exp.Between, exp.In)
_CHOOSING = (exp.Case, exp.Array, exp.Anonymous)
_RECKONING = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_CONCERNED = (*_COMPARING, *_CHOOSING, exp.Values)

Side = tuple[exp.Expr, Types]


def widen_beside_reals(tree: exp.Expr, analysis: Analysis) -> None:
    """Cast numerics that stand beside reals to the reals' type, in place."""
    of = {id(block.select): Types(block) for block in analysis.blocks}
    groups: list[tuple[list[Side], bool]] = []
    for block in analysis.blocks:
        here = own_nodes(block.select)
        _reckon_in_doubles(here, of[id(block.select)])
        for node in filter(_concerns, here):
            groups += _groups(node, of[id(block.select)], of)
    if isinstance(tree, exp.Values):
        groups += [(_sides(column, Types(None)), False) for column in value_columns(tree)]
    for operation in nodes_of(tree, exp.SetOperation):
        if not isinstance(operation.parent, exp.SetOperation):
            groups += [(column, False) for column in _united(operation, of)]
    found = [(sides, kind) for sides, compared in groups if (kind := _real(sides, compared))]
    for sides, kind in found:
        for value, types in sides:
            whole = kind is FLOAT8 and _is_whole(types.of(value))
            if types.of(value) is NUMERIC or whole or (kind is FLOAT4 and is_pointed(value)):
                put(value, cast_copy(value, kind))


def _reckon_in_doubles(here: Sequence[exp.Expr], types: Types) -> None:
    """Cast a number and a real between which there is an operator, which takes doubles there."""
    found = [
        side
        for node in here
        if isinstance(node, _RECKONING) and _mixed([types.of(node.this), types.of(node.expression)])
        for side in (node.this, node.expression)
    ]
    for side in reversed(found):  # the inner ones first
        put(side, cast_copy(side, FLOAT8))


def _mixed(kinds: Sequence[Type | None]) -> bool:
    """Whether one is a real and the other an integer or a numeric."""
    return FLOAT4 in kinds and any(kind is NUMERIC or _is_whole(kind) for kind in kinds)


def _is_whole(kind: Type | None) -> bool:
    return kind is not None and kind.name in INTEGER


def _concerns(node: exp.Expr) -> bool:
    return isinstance(node, _CONCERNED)


def _groups(
    node: exp.Expr, types: Types, of: dict[int, Types]
) -> Iterator[tuple[list[Side], bool]]:
    """Values that are compared or come to one type, and whether they are compared."""
    if isinstance(node, _COMPARING):
        query = query_of(node) if isinstance(node, exp.In) or is_quantified(node) else None
        if query is None:
            yield _sides(together(node), types), True
        else:
            for united in _united(query, of):
                yield [(node.this, types), *united], True
    elif isinstance(node, _CHOOSING):
        nullif = node.name.lower() == "nullif"
        values = list(elements(node)) if isinstance(node, exp.Array) else together(node)
        yield _sides(values, types), nullif
        if isinstance(node, exp.Case) and node.this is not None:
            yield _sides([node.this, *(each.this for each in node.args["ifs"])], types), True
    for column in value_columns(node):
        yield _sides(column, types), False


def _sides(values: Sequence[exp.Expr], types: Types) -> list[Side]:
    return [(value, types) for value in values]


def _united(query: exp.Expr, of: dict[int, Types]) -> list[list[Side]]:
    """What each column of a query is made of, of all that a set operation joins."""
    while isinstance(query, exp.Subquery):
        query = query.this
    if isinstance(query, exp.SetOperation):
        left, right = _united(query.left, of), _united(query.right, of)
        same = len(left) == len(right)
        return [[*a, *b] for a, b in zip(left, right, strict=True)] if same else []
    if isinstance(query, exp.Values):
        return [_sides(column, Types(None)) for column in value_columns(query)]
    types = of.get(id(query))
    return [] if types is None else [[(each.unalias(), types)] for each in query.expressions]


def _real(sides: Sequence[Side], compared: bool) -> Type | None:
    """The real type that numerics among these take; None if there is nothing to be done."""
    kinds = [None if _is_written(value) else types.of(value) for value, types in sides]
    if compared and FLOAT4 in kinds and any(map(_is_whole, kinds)):
        return FLOAT8
    if NUMERIC not in kinds and (compared or FLOAT4 not in kinds):
        return None
    reals = {
        kind
        for kind, (value, types) in zip(kinds, sides, strict=True)
        if kind in (FLOAT4, FLOAT8) and not is_numeric_there(value, types)
    }
    if not reals:
        return None
    return FLOAT8 if compared or FLOAT8 in reals else FLOAT4


def _is_written(value: exp.Expr) -> bool:
    """Whether it is a number as it was written: there may be thousands, and none is a real."""
    return isinstance(value, exp.Literal) and value.type is None
