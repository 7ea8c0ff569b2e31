"""FROM items that look at what stands before them, as columns of it.

`t, unnest(t.a) AS u(x)` is a row of t for each element: `(SELECT t.*, unnest(t.a) AS x FROM t)`.
So every name of those relations is written anew, over that one subquery.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.relations.sets import item_columns
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import Analysis, Block, Source, column_node, resolved
from gateway.sql.text.building import put, subquery
from gateway.sql.text.trees import nodes_of

_NAME = "in_turn"


def put_laterals(block: Block, analysis: Analysis) -> bool:
    """Put the first such item of this SELECT among the columns of what is before it.

    Returns:
        Whether there was one; then the blocks are to be found anew.
    """
    select = block.select
    joins: list[exp.Expr] = select.args.get("joins") or []
    for place, join in enumerate(joins):
        columns = item_columns(join.this)
        if columns is None or not _is_plain(join, columns) or block.merges:
            continue
        source = block.source(join.this.alias_or_name)
        before = _sources_before(block, joins, place)
        if source is None or not before or not _looks_at(columns, before, block):
            continue
        _put(block, analysis, place, source, before, columns)
        return True
    return False


def _is_plain(join: exp.Expr, columns: list[tuple[str, exp.Expr]]) -> bool:
    """A comma, CROSS JOIN, or JOIN ... ON true; LEFT where there is always a row."""
    on = join.args.get("on")
    always = on is None or (isinstance(on, exp.Boolean) and bool(on.this))
    left = join.args.get("side") == "LEFT" and not any(gives_rows(v) for _, v in columns)
    return always and (left or not join.args.get("side")) and not join.args.get("using")


def _sources_before(block: Block, joins: list[exp.Expr], place: int) -> list[Source]:
    start = block.select.args["from_"].this
    names = {start.alias_or_name, *(join.this.alias_or_name for join in joins[:place])}
    names |= {each.this.alias_or_name for each in start.args.get("joins") or ()}
    found = [source for source in block.sources if source.alias in names]
    return found if all(source.columns is not None for source in found) else []


def _looks_at(columns: list[tuple[str, exp.Expr]], before: list[Source], block: Block) -> bool:
    return any(
        (found := resolved(block, column)) is not None and found[0] in before
        for _, value in columns
        for column in nodes_of(value, exp.Column)
    )


def _put(
    block: Block,
    analysis: Analysis,
    place: int,
    source: Source,
    before: list[Source],
    columns: list[tuple[str, exp.Expr]],
) -> None:
    select = block.select
    joins = select.args["joins"]
    inside = {id(node) for part in (select.args["from_"], *joins[: place + 1])
              for node in nodes_of(part, exp.Column)}  # fmt: skip
    moved = [*before, source]
    wanted: dict[str, exp.Expr] = {}
    for column in nodes_of(select, exp.Column):
        if id(column) in inside:
            continue
        meant = resolved(analysis.block_of(column), column)
        if meant is None or (found := meant[0]) not in moved:
            continue
        name = _joint(found.alias, column.name)
        if found is not source:
            wanted[name] = column_node(found.alias, column.name)
        put(column, column_node(_NAME, name))
    items = [exp.alias_(value, name, quoted=True) for name, value in wanted.items()]
    items += [exp.alias_(v, _joint(source.alias, n), quoted=True) for n, v in columns]
    inner = exp.Select(expressions=items, from_=select.args["from_"].copy())
    if place:
        inner.set("joins", [join.copy() for join in joins[:place]])
    select.set("from_", exp.From(this=subquery(inner, _NAME)))
    select.set("joins", joins[place + 1 :])


def _joint(relation: str, column: str) -> str:
    """One name for both; a point in it would mean a relation's name to the engine."""
    return f"{relation} {column}"
