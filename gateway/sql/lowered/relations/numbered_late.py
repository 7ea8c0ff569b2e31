"""nextval in a SELECT list, taken once the rows are sorted and cut off.

PostgreSQL computes what is volatile after the sort, and not for rows that LIMIT leaves out
(planner.c, make_sort_input_target), so sequences number the rows in their order. The engine
computes the list first: the sort and the limit go into a subquery beneath it.

In a subquery of FROM it is called, as setval and pg_sleep are, though nobody reads what it gives:
the engine leaves out columns that are not read, PostgreSQL computes volatile ones (allpaths.c,
remove_unused_subquery_outputs). So the query around looks at them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.lowered.relations.kept_in_place import ALL_ROWS
from gateway.sql.lowered.relations.sort_keys import place_of_output
from gateway.sql.lowered.relations.ties import has_ties
from gateway.sql.meaning.volatile import call_name
from gateway.sql.names.ordering import HIDDEN
from gateway.sql.names.scope import Analysis, Block, Source, column_node, is_aggregate
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import nodes_of, own_nodes

_ALIAS = "rows_in_turn"


def number_late(tree: exp.Expr) -> bool:
    """Write such SELECTs so, in place.

    Returns:
        Whether there was one.
    """
    if not any(_is_nextval(call) for call in nodes_of(tree, exp.Anonymous)):
        return False
    found = [select for select in nodes_of(tree, exp.Select) if _numbers_late(select)]
    for select in reversed(found):
        _wrap(select)
    return bool(found)


def _is_nextval(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and call_name(node) == "nextval"


def _calls(tree: exp.Expr) -> bool:
    return any(_is_nextval(node) for node in tree.walk())


def _numbers_late(select: exp.Select) -> bool:
    order, limit = select.args.get("order"), select.args.get("limit")
    if not (order or limit or select.args.get("offset")) or select.args.get("distinct"):
        return False
    items = select.expressions
    if has_ties(select) or not all(isinstance(item, exp.Column | exp.Alias) for item in items):
        return False
    calling = {place for place, item in enumerate(items) if _calls(item)}
    keys = order.expressions if order is not None else ()
    sorts = any(_calls(key) or place_of_output(key.this, select) in calling for key in keys)
    inside = any(
        _calls(node)
        for item in items
        for node in own_nodes(item)
        if isinstance(node, exp.Window | exp.Query) or is_aggregate(node)
    )
    return bool(calling) and not sorts and not inside


def _wrap(select: exp.Select) -> None:
    """Let the SELECT itself become the one around."""
    inner = select.copy()
    with_, items = inner.args.pop("with_", None), inner.expressions
    _name_keys(inner)
    kept, outer = [], []
    for item in items:
        if not _calls(item):
            kept.append(item)
            outer.append(column_node(_ALIAS, item.alias_or_name))
            continue
        for number, node in enumerate(list(_read(item, bool(inner.args.get("group"))))):
            name = f"read {len(outer)} {number}"
            kept.append(exp.alias_(node.copy(), name, quoted=True))
            node.replace(column_node(_ALIAS, name))
        outer.append(item)
    inner.set("expressions", kept or [exp.alias_(exp.Literal.number(1), "one", quoted=True)])
    if inner.args.get("limit") is None:
        # The engine forgets the order of a subquery that has no limit.
        inner.set("limit", exp.Limit(expression=exp.Literal.number(ALL_ROWS)))
    for key in list(select.args):
        select.set(key, None)
    select.set("with_", with_)
    select.set("expressions", outer)
    select.set("from_", exp.From(this=subquery(inner, _ALIAS)))


def _name_keys(select: exp.Select) -> None:
    """Let ORDER BY name the outputs whose places it gives: these change."""
    order = select.args.get("order")
    for ordered in order.expressions if order is not None else ():
        place = place_of_output(ordered.this, select)
        if isinstance(ordered.this, exp.Literal) and place is not None:
            name = select.expressions[place].alias_or_name
            ordered.set("this", exp.Column(this=exp.to_identifier(name, quoted=True)))
        elif place is None:
            ordered.meta[HIDDEN] = True


def _read(tree: exp.Expr, is_grouped: bool) -> Iterator[exp.Expr]:
    """What of an item the rows beneath must give, the largest parts first.

    Of grouped rows whole expressions, which may be keys; else columns alone, as what is computed
    of them may be guarded by a CASE.
    """
    for child in list(tree.iter_expressions()):
        whole = isinstance(child, exp.Column | exp.Query | exp.Window) or is_aggregate(child)
        reads = whole or (is_grouped and child.find(exp.Column, exp.AggFunc) is not None)
        if reads and not _calls(child):
            yield child
        elif not isinstance(child, exp.Identifier):
            yield from _read(child, is_grouped)


_DEEDS = ("nextval", "setval", "pg_sleep")


def read_numbers(analysis: Analysis) -> None:
    """Let every SELECT look at them in its WHERE, in place."""
    for block in analysis.blocks:
        for source in block.sources:
            if source.query is not None and source.cte is None:
                _look_at(block, source)


def _look_at(block: Block, source: Source) -> None:
    assert source.query is not None
    outputs = source.query.outputs
    for name, output in zip(source.columns or {}, outputs, strict=False):
        if output.expression is None or not _deeds(output.expression):
            continue
        read = {n.name for n in own_nodes(block.select) if isinstance(n, exp.Column)}
        if name not in read:
            column: exp.Expr = column_node(source.alias, name)
            if any(call_name(call) == "pg_sleep" for call in _deeds(output.expression)):
                column = exp.Anonymous(this="length", expressions=[column])
            # Of an outer join's missing side, too.
            filled = exp.Anonymous(this="coalesce", expressions=[column, exp.Literal.number(0)])
            seen = exp.Anonymous(this="at_run_time", expressions=[filled])
            there = exp.Not(this=exp.Is(this=seen, expression=exp.Null()))
            block.select.where(there, copy=False)


def _deeds(tree: exp.Expr) -> list[exp.Anonymous]:
    return [call for call in nodes_of(tree, exp.Anonymous) if call_name(call) in _DEEDS]
