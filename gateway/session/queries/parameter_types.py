"""The types of `$1`, `$2`, ...: what client, text and engine tell, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.sql.text.trees import nodes_of
from gateway.sql.types.parameters import number
from gateway.types import TEXT, Type, from_arrow, with_dimensions

Planned = Mapping[int, pa.DataType | None]


def settled(
    known: Mapping[int, Type], planned: Iterable[Planned], trees: Iterable[exp.Expr]
) -> dict[int, Type]:
    """Every parameter's type, by its number, without a gap.

    Args:
        known: What the client declared and the text tells.
        planned: What the engine's plans tell, each a query's; a later one wins.
        trees: The queries.
    """
    told = {n: from_arrow(t) for types in planned for n, t in types.items() if t is not None}
    used = [number(node) for tree in trees for node in nodes_of(tree, exp.Parameter)]
    count = max((*known, *used), default=0)
    # What nobody tells is text, as in PostgreSQL.
    return {n: known.get(n) or told.get(n) or TEXT for n in range(1, count + 1)}


def as_bound(types: Mapping[int, Type], values: Sequence[pa.Scalar]) -> Mapping[int, Type]:
    """The types as the engine must spell them for these values: of an array, its dimensions."""
    return {n: _dimensioned(kind, values[n - 1]) for n, kind in types.items()}


def _dimensioned(kind: Type, value: pa.Scalar) -> Type:
    if kind.element is None:
        return kind
    depth, inside = 0, value.type
    while pa.types.is_list(inside):
        inside, depth = inside.value_type, depth + 1
    return with_dimensions(kind, depth)
