"""Joins of so many pairs of rows that a cancel must be heard while they are made.

The engine (DataFusion 55) makes pairs beneath a sort or an aggregate, and tries those that come to
nothing, without a look at anything else: a statement that was cancelled would keep its threads for
hours. So such a join has one more condition, which is always true and which the engine can neither
foresee nor ask of one side alone:

    gradwire_watched(TRUE) OR struct(a.x, b.y) IS NULL

The function raises once nobody waits. It is called once for each batch of up to 8,192 pairs, which
takes 7 us, and 7 more that the engine has a condition at all; what stands after OR is never asked.
A cross join that only adds up takes five times as long; hence only where there may be many pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from sqlglot import exp

from gateway.aggregation.coordinates import Tables, table_name
from gateway.catalog.registry import Registry
from gateway.engine.session_functions import WATCHED
from gateway.errors import UndefinedTable
from gateway.rewrite import Rewritten
from gateway.session.queries.cardinality import Known, Pairs, Side, known_of, rounded
from gateway.session.queries.run_first import rows_of
from gateway.sources.table import TableName
from gateway.sql.names.row_functions import GIVING_ROWS
from gateway.sql.text.trees import copied, nodes_of, unnamed
from gateway.types import Type

# Made in a tenth of a second to a second, by what is done with them.
MOST_PAIRS = float(1 << 26)
# With fewer rows on one side the engine comes back for the other's soon enough.
FEW_ROWS = 64.0


def watched(
    rewritten: Rewritten, types: Mapping[int, Type], tables: Tables, registry: Registry
) -> str:
    """The engine's SQL of a query over tables, with such conditions; printed once."""

    def key_of(name: TableName) -> Sequence[str]:
        try:
            return registry.relation(name.schema, name.name).key
        except UndefinedTable:  # the rows of a layer
            return ()

    def change(tree: exp.Expr) -> exp.Expr:
        if not nodes_of(tree, exp.Join):
            return tree
        return with_watched_joins(tree, known_of(tables, key_of))

    sizes = frozenset((name, rounded(rows_of(table))) for name, table in tables.items())
    return rewritten.changed_under(types, change, sizes)


def with_watched_joins(tree: exp.Expr, known: Mapping[TableName, Known]) -> exp.Expr:
    """The query with such conditions; itself where it needs none, and never changed.

    Args:
        tree: A query for the engine.
        known: Of its tables; see `Pairs`.
    """
    if _are_few(tree, known):
        return tree
    changed = copied(tree)
    reckoned, put = Pairs(known), list[exp.Expr]()
    for select in nodes_of(changed, exp.Select):
        if not reckoned.is_counted(select):
            reckoned.meet(select, partial(_watch, select, put))
    return changed if put else tree


def _are_few(tree: exp.Expr, known: Mapping[TableName, Known]) -> bool:
    """Whether all tables of a query, each with each, are not so many pairs, and it reads no more.

    This is told in a tenth of the time that it takes to reckon join by join.
    """
    pairs = 1.0
    for node in unnamed(tree):
        if isinstance(node, _MAKERS) or (isinstance(node, exp.Anonymous) and _gives_rows(node)):
            return False
        if isinstance(node, exp.Table):
            table = known.get(table_name(node))
            pairs *= math.inf if table is None else table.rows + 1  # of an outer join one more
    return pairs <= MOST_PAIRS


# What may give rows that are of no table.
_MAKERS = (exp.With, exp.SetOperation, exp.Values, exp.Unnest, exp.Lateral)


def _gives_rows(call: exp.Anonymous) -> bool:
    return call.name.lower() in GIVING_ROWS


def _watch(
    select: exp.Select,
    put: list[exp.Expr],
    join: exp.Join,
    side: Side,
    other: Side,
    bound: float | None,
) -> None:
    """Put the condition into a join if it needs one; `put` takes what was put in."""
    ends = [*side.columns[:1], *other.columns[:1]]
    if len(ends) == 2 and _is_watched(join, side, other, bound):
        put.append(_put(join, select, ends))


def _is_watched(join: exp.Join, side: Side, other: Side, bound: float | None) -> bool:
    if bound is not None or min(side.rows, other.rows) <= FEW_ROWS:
        return False
    return side.rows * other.rows > MOST_PAIRS and _is_pair(join)


def _is_pair(join: exp.Join) -> bool:
    """Whether it is a join of two sides at all: `unnest(a.x)` is a row's own elements."""
    return not isinstance(join.this, exp.Unnest | exp.Lateral) or not join.this.find(exp.Column)


def _put(join: exp.Join, select: exp.Select, ends: Sequence[exp.Column]) -> exp.Expr:
    """Put the condition where the join's own are; first, for a false one ends the look."""
    never = exp.Is(
        this=exp.Anonymous(this="struct", expressions=[each.copy() for each in ends]),
        expression=exp.Null(),
    )
    heard = exp.Anonymous(this=WATCHED, expressions=[exp.true()])
    watched = exp.Paren(this=exp.Or(this=heard, expression=never))
    on = join.args.get("on")
    if on is not None:
        join.set("on", exp.and_(watched, on, copy=False))
    elif join.kind == "CROSS":
        join.set("kind", None)
        join.set("on", watched)
    else:
        where = select.args.get("where")
        rest = [where.this] if where is not None else []
        select.set("where", exp.Where(this=exp.and_(watched, *rest, copy=False)))
    return watched
