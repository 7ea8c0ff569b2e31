"""What has one value throughout a group: the keys of GROUP BY, and relations of one row.

Only what the statement itself shows is known here; how many rows a table has at the moment is not.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.names.scope import Block, Query, Source, is_aggregate, resolves_here
from gateway.sql.text.trees import SETS, nodes_of

# Functions that may give several rows where they stand in a SELECT list.
_ROWS = frozenset({"unnest", "generate_series", "range"})


def is_row_for_row(query: Query) -> bool:
    """Whether each row of a query comes from one row of FROM; LIMIT may pick them."""
    return query.takes_columns and not query.branches[0].is_grouped


def stacked(query: Query) -> list[Block]:
    """The SELECTs of UNION ALL, each of whose rows is one of the query; none of another query."""
    tree = query.tree.unnest()
    if not isinstance(tree, exp.Union) or not _gives_all(tree):
        return []
    recursive = any(user.cte is not None and is_recursive(user.cte) for user in query.users)
    return [] if recursive else query.branches


def _gives_all(tree: exp.Expr) -> bool:
    tree = tree.unnest()
    if isinstance(tree, exp.Union):
        return not tree.args.get("distinct") and _gives_all(tree.left) and _gives_all(tree.right)
    return isinstance(tree, exp.Select) and not tree.args.get("distinct")


def group_keys(block: Block) -> list[exp.Expr]:
    """The expressions of GROUP BY; none where it has ROLLUP, CUBE or GROUPING SETS.

    A number is that item of the SELECT list, a name that no relation has is an item's alias.
    """
    group = block.select.args.get("group")
    if group is None or is_rolled_up(block):
        return []
    return [key_meant(key, block) for key in group.expressions]


def is_rolled_up(block: Block) -> bool:
    """Whether GROUP BY makes several groups of one row."""
    group = block.select.args.get("group")
    return group is not None and group.find(*SETS) is not None


def key_meant(key: exp.Expr, block: Block) -> exp.Expr:
    """What GROUP BY says, where that is a number or a name of the SELECT list."""
    bare: exp.Expr = key.unnest()
    items = block.select.expressions
    if isinstance(bare, exp.Literal) and bare.is_int and 1 <= int(bare.this) <= len(items):
        bare = items[int(bare.this) - 1].unalias().unnest()
    if isinstance(bare, exp.Column) and not bare.table and not resolves_here(block, bare):
        named = (item.unalias().unnest() for item in items if item.alias == bare.name)
        bare = next(named, bare)
    return bare


def window_keys(window: exp.Window) -> list[exp.Expr]:
    """The expressions of PARTITION BY."""
    return [key.unnest() for key in window.args.get("partition_by") or ()]


def has_one_row(source: Source, block: Block) -> bool:
    """Whether `source`, of the FROM clause of `block`, has at most one row, seen by every row."""
    return not _may_be_missing(source, block) and is_single(source)


def _may_be_missing(source: Source, block: Block) -> bool:
    """Whether an outer join can put NULL in the place of its row."""
    missing = False
    for join in block.select.args.get("joins") or ():
        side = (join.side or "").upper()
        if join.this is source.tree:
            missing = side in ("LEFT", "FULL")
        elif side in ("RIGHT", "FULL"):
            missing = True
    return missing


def is_single(source: Source) -> bool:
    """Whether a relation has one row wherever it is read, as the statement itself shows."""
    tree = source.tree
    if isinstance(tree, exp.Lateral):
        return False
    if source.query is not None:
        return _gives_one_row(source.query)
    if isinstance(tree, exp.Subquery):
        tree = tree.this
    return isinstance(tree, exp.Values) and len(tree.expressions) == 1


def _gives_one_row(query: Query) -> bool:
    if isinstance(query.tree.unnest(), exp.Values):
        return len(query.tree.unnest().expressions) == 1
    if len(query.branches) != 1 or query.branches[0].select is not query.tree.unnest():
        return False
    block = query.branches[0]
    if _limit(block.select) == 1:
        return True
    calls = [n for item in block.select.expressions for n in nodes_of(item, exp.Anonymous)]
    if any(call.name.lower() in _ROWS for call in calls):
        return False
    if not block.select.args.get("group") and any(map(is_aggregate, calls)):
        return True
    return not block.select.args.get("group") and all(map(is_single, block.sources))


def _limit(select: exp.Select) -> int | None:
    limit = select.args.get("limit")
    options = None if limit is None else limit.args.get("limit_options")
    if options is not None and options.args.get("with_ties"):
        return None
    count = None if limit is None else limit.args.get("expression") or limit.args.get("count")
    plain = isinstance(count, exp.Literal) and count.is_int
    return int(count.this) if plain and count is not None else None
