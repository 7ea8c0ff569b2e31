"""vjp(q, w.v, ct) of a query of several rows: each row of `q` counts as `ct` says.

It is the gradient of one number, of which the cotangents are constants:

    SELECT sum(q.a * ct.a) + sum(q.b * ct.b) FROM q JOIN ct ON q.k IS NOT DISTINCT FROM ct.k

where a and b are the columns of `q` that change with the variable, and k the others that `ct` has.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from sqlglot import exp

from gateway.autodiff.relational.asked import query_named, variable_of
from gateway.autodiff.relational.companions import (
    Probe,
    companion,
    joined_on,
    keys_of,
    named_query,
    once_each,
    put_in_sight,
    reached,
    refuse_hidden,
    value_at,
)
from gateway.autodiff.relational.losses import HELD, Own
from gateway.autodiff.relational.queries import named, present, times
from gateway.autodiff.statements.readings import Variable, definitions
from gateway.errors import GatewayError, NotDifferentiable
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, Block, Source, column_node, position_of, resolve
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of


def _pair(
    tree: exp.Expr,
    relations: Relations,
    marker: Marker,
    query: exp.CTE,
    own: Own,
    variable: str,
    cotangents: exp.CTE,
) -> exp.CTE:
    """The query of the one number whose gradient a vjp is, put among those of WITH.

    Raises:
        NotDifferentiable: 0A000, no column of the query depends on the variable.
        UndefinedColumn: 42703, the cotangents have not the columns that the query has.
    """
    for each in (query, cotangents):
        refuse_hidden(marker, each, query.alias)
    name = f"{query.alias} by {cotangents.alias}"
    probe = Probe(tree, relations, marker, name, [query, cotangents])
    whole, given = probe.sources
    moving = set(_changing(whole, own, variable, probe.analysis))
    if not moving:
        raise NotDifferentiable(
            f'the query "{query.alias}" does not depend on "{variable}"',
            detail="It reads other tables or other columns.",
            position=position_of(marker),
        )
    values = sorted(moving)
    keys = keys_of(whole, given, moving, "cotangents", marker.expressions[-1])
    held = named_query(f"{name} once", once_each(cotangents, keys, values))
    held.meta[HELD] = True
    put_in_sight(tree, probe.cte, held)
    select = probe.block.select
    products = (times(column_node(whole.alias, v), value_at(given.alias, v)) for v in values)
    sums = [present(exp.Anonymous(this="sum", expressions=[product])) for product in products]
    total = reduce(lambda left, right: exp.Add(this=left, expression=right), sums)
    select.set("expressions", [named(total, "value")])
    (join,) = select.args["joins"]
    join.this.set("this", exp.to_identifier(held.alias, quoted=True))
    join.set("kind", None)
    join.set("on", joined_on(whole.alias, given.alias, keys))
    return probe.cte


def pair_queries(tree: exp.Expr, analysis: Analysis, relations: Relations) -> Analysis:
    """Let each vjp along a relation be the gradient of a number; the blocks after it.

    One whose query or cotangents have a marker in them that names a query waits for that.
    """
    made: dict[tuple[int, ...], exp.CTE] = {}
    for marker, query, given, source, variable in list(_ready(tree, analysis)):
        own = source.cte or _table(source)
        key = (id(query), id(given), id(source), hash(variable))
        if key not in made:
            made[key] = _pair(tree, relations, marker, query, own, variable, given)
        number = exp.column(made[key].alias, quoted=True)
        number.meta.update(marker.expressions[0].meta)
        marker.set("kind", "grad")
        marker.set("expressions", [number, marker.expressions[1]])
    return analyse(tree, relations) if made else analysis


def _ready(
    tree: exp.Expr, analysis: Analysis
) -> Iterator[tuple[Marker, exp.CTE, exp.CTE, Source, str]]:
    asking: set[int] = set()
    found = []
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        if block is None:
            continue
        query, given = query_named(marker, block), companion(marker, block)
        if query is not None or given is not None:
            asking.add(id(marker))
        if query is not None and given is not None and marker.kind == "vjp":
            found.append((marker, block, query, given))
    for marker, block, query, given in found:
        parts = reached([query.this, given.this])
        inside = (id(each) for part in parts for each in nodes_of(part, Marker))
        if asking.isdisjoint(inside):
            yield (marker, query, given, *variable_of(marker, analysis, block))


def _table(source: Source) -> TableName:
    tree = source.tree
    assert isinstance(tree, exp.Table)
    return TableName(tree.db, tree.name)


def _changing(source: Source, own: Own, variable: str, analysis: Analysis) -> Iterator[str]:
    """The columns of a query that are computed from the variable."""
    queries = {
        id(each.cte): each.query
        for block in analysis.blocks
        for each in block.sources
        if each.cte is not None and each.query is not None
    }
    for name in source.columns or ():
        seen = {Variable(source, name)}
        left = [Variable(source, name)]
        while left:
            column = left.pop()
            if column.name == variable and _is_own(column.source, own):
                yield name
                break
            query = column.source.query or queries.get(id(column.source.cte))
            for item, block in definitions(column, query):
                for found in _read(item, block, analysis):
                    if found not in seen:
                        seen.add(found)
                        left.append(found)


def _read(tree: exp.Expr, block: Block, analysis: Analysis) -> Iterator[Variable]:
    for column in nodes_of(tree, exp.Column):
        try:
            yield Variable(*resolve(analysis.block_of(column) or block, column))
        except GatewayError:  # told of in its turn
            continue


def _is_own(source: Source, own: Own) -> bool:
    if isinstance(own, TableName):
        tree = source.tree
        return isinstance(tree, exp.Table) and TableName(tree.db, tree.name) == own
    return source.cte is own
