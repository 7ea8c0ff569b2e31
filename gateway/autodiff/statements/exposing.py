"""One more column of a query that stands in FROM or in WITH, wherever it is read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.autodiff.expressions.printing import free_name
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Output, Source
from gateway.types import FLOAT8


def expose(source: Source, wanted: str, trees: Sequence[exp.Expr | None]) -> str:
    """Add a column to the query behind `source`; the name it got.

    The name goes into the column list of the CTE and of every relation that reads the query.

    Args:
        source: A relation that reads the query.
        wanted: The name that it is to have.
        trees: What it is in each of the query's SELECTs; None: 0.
    """
    query = source.query
    assert query is not None
    taken = {output.name for output in query.outputs}.union(*(s.columns or () for s in query.users))
    name = free_name(wanted, taken)
    for block, tree in zip(query.branches, trees, strict=True):
        made = exp.cast(exp.Literal.number("0.0"), exp.DType.DOUBLE) if tree is None else tree
        block.select.append("expressions", exp.alias_(made, name, quoted=True, copy=False))
    alone = trees[0] if len(trees) == 1 else None
    query.outputs.append(Output(name, alone, query.branches[0] if alone is not None else None))
    for named in (source.cte, *(user.tree for user in query.users)):
        alias = named.args.get("alias") if named is not None else None
        if alias is not None and alias.columns:
            alias.append("columns", exp.to_identifier(name, quoted=True))
    for user in query.users:
        assert user.columns is not None
        user.columns[name] = ColumnInfo(FLOAT8)
    return name
