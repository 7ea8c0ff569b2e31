"""Which side of a join the engine makes its hash table of: the smaller one; of IN (SELECT ...) too.

The engine hashes the rows of the left side as written and looks up those of the right. It is told
no sizes of ours, so it does not swap them: a grid that stands first would be hashed whole, millions
of rows in memory where a few thousand do.
"""

from __future__ import annotations

import math

from sqlglot import exp

from gateway.aggregation.coordinates import Tables, table_name
from gateway.session.queries.sides import common, stands_alone
from gateway.sources.aggregates.partials import Partials
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held
from gateway.sql.names.scope import column_node, is_aggregate
from gateway.sql.text.trees import conjuncts

_MIRRORED = {"": "", "LEFT": "RIGHT", "RIGHT": "LEFT", "FULL": "FULL"}

# How many times fewer rows than it reads a query has that groups them or keeps some; a guess that
# errs on the side of leaving a join as it was written.
_GATHERED = 10
_KEYS = "gradwire keys"  # what nobody is likely to call a relation
# How many times larger the left side must be to be moved.
_LARGER = 3


def smaller_first(tree: exp.Expr, tables: Tables) -> exp.Expr | None:
    """The query with the larger side of each join on its right; None where it is so already.

    Args:
        tree: The query for the engine; it is left as it is.
        tables: Every table that it names.
    """
    if tree.find(exp.Join, exp.In) is None:
        return None
    copied = tree.copy()
    changed = [_turn(select, tables) for select in list(copied.find_all(exp.Select))]
    return copied if any(changed) else None


def _turn(select: exp.Select, tables: Tables) -> bool:
    """Rewrite FROM in place; whether anything changed."""
    turn = _mirror if select.args.get("joins") else _as_semi_join
    return turn(select, tables)


def _as_semi_join(select: exp.Select, tables: Tables) -> bool:
    """`FROM grid WHERE x IN (few rows)` as `FROM (few rows) RIGHT SEMI JOIN grid`."""
    where, start = select.args.get("where"), select.args.get("from_")
    if where is None or start is None or select.args.get("laterals"):
        return False
    grid = start.this
    if not isinstance(grid, exp.Table) or not isinstance(tables.get(table_name(grid)), GridTable):
        return False
    conditions = list(conjuncts(where.this))
    for condition in conditions:
        if _looks_in_few(condition, grid, tables):
            rest = [each for each in conditions if each is not condition]
            few = exp.Subquery(
                this=condition.args["query"].this.copy(),
                alias=exp.TableAlias(this=_quoted(_KEYS), columns=[_quoted("key")]),
            )
            own = column_node(grid.alias_or_name, condition.this.name)
            joined = exp.EQ(this=column_node(_KEYS, "key"), expression=own)
            select.set("from_", exp.From(this=few))
            select.set("joins", [exp.Join(this=grid, side="RIGHT", kind="SEMI", on=joined)])
            select.set("where", exp.Where(this=exp.and_(*rest)) if rest else None)
            return True
    return False


def _looks_in_few(condition: exp.Expr, grid: exp.Table, tables: Tables) -> bool:
    """Whether it is `column IN (query)`, the query of far fewer rows and of itself alone."""
    inside = condition.args.get("query") if isinstance(condition, exp.In) else None
    if not isinstance(inside, exp.Subquery) or not isinstance(condition.this, exp.Column):
        return False
    if _rows(grid, tables) <= _LARGER * _rows_of_query(inside.this, tables):
        return False
    return all(stands_alone(select, tables) for select in inside.find_all(exp.Select))


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _mirror(select: exp.Select, tables: Tables) -> bool:
    """Put the larger side of each join on its right."""
    start, joins = select.args.get("from_"), select.args["joins"]
    if start is None or select.args.get("laterals"):
        return False
    if not all(map(_is_plain, joins)) or (len(joins) > 1 and not all(map(_is_explicit, joins))):
        return False
    parts = [start.this, *(join.this for join in joins)]
    if any(part.args.get("joins") for part in parts):
        return False
    here, size, changed = parts[0].copy(), _rows(parts[0], tables), False
    for join in joins:
        other = _rows(join.this, tables)
        turned = math.isfinite(size) and size > _LARGER * other
        here = _joined(join.this, here, join, turned) if turned else _joined(here, join.this, join)
        size, changed = max(size, other), changed or turned
    if changed:
        rest = here.args.pop("joins")
        select.set("from_", exp.From(this=here))
        select.set("joins", rest)
    return changed


def _is_plain(join: exp.Join) -> bool:
    known = join.kind in ("", "INNER", "OUTER", "CROSS") and join.side in _MIRRORED
    merges = join.args.get("using") and join.side
    return known and not merges and not join.args.get("method")


def _is_explicit(join: exp.Join) -> bool:
    return join.args.get("on") is not None


def _joined(left: exp.Expr, right: exp.Expr, join: exp.Join, turned: bool = False) -> exp.Expr:
    """Two sides as one: the left one, with the join to the right one."""
    left, joined = left.copy() if turned else left, join.copy()
    if turned:
        joined.set("side", _MIRRORED[join.side] or None)
        right = exp.Subquery(this=right) if right.args.get("joins") else right
    joined.set("this", right.copy())
    left.set("joins", [*(left.args.get("joins") or []), joined])
    return left


def _rows(part: exp.Expr, tables: Tables) -> float:
    """How many rows a part of FROM has, about; infinite where nothing tells."""
    if isinstance(part, exp.Subquery):
        return _rows_of_query(part.this, tables)
    if not isinstance(part, exp.Table) or not isinstance(part.this, exp.Identifier):
        return math.inf
    table = tables.get(table_name(part))
    if isinstance(table, GridTable):
        return float(math.prod(len(table.positions(dim)) for dim in table.dims))
    if isinstance(table, Partials):
        return float(math.prod(table.groups))
    if isinstance(table, Held):
        return float(table.held_rows.num_rows)
    named = common(part) if not part.db else None
    return math.inf if named is None else _rows_of_query(named, tables)


def _rows_of_query(query: exp.Expr, tables: Tables) -> float:
    if not isinstance(query, exp.Select) or query.args.get("from_") is None:
        return math.inf
    parts = [query.args["from_"].this, *(join.this for join in query.args.get("joins") or [])]
    read = max(_rows(part, tables) for part in parts)
    if query.args.get("group") or query.args.get("limit") or query.args.get("distinct"):
        return read / _GATHERED
    calls = (each for item in query.expressions for each in item.find_all(exp.Anonymous))
    return 1.0 if any(is_aggregate(call) for call in calls) else read
