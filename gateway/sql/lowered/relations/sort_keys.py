"""What ORDER BY names beside the outputs, where the engine takes an output for it or loses it.

`SELECT a.name AS id FROM a ORDER BY a.id` would be sorted by the output, and after functions that
give rows only outputs are left: the keys become columns of a subquery, which is sorted then. So is
what a DISTINCT or a set operation gives, where it is sorted by what is computed of its columns.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.clauses import not_selected
from gateway.sql.meaning.naming import leftmost
from gateway.sql.names.ordering import HIDDEN
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import Analysis, column_node
from gateway.sql.text.building import put, subquery
from gateway.sql.text.trees import AROUND, nodes_of
from gateway.sql.types.inference import Types

_ALIAS = "sorted_rows"


def carry_sort_keys(tree: exp.Expr, analysis: Analysis) -> exp.Expr | None:
    """The query with such SELECTs and set operations written so, in place.

    Returns:
        The query as it is now; None where there was no such order.
    """
    found = [
        query
        for query in nodes_of(tree, exp.Query)
        if not isinstance(query, exp.Subquery) and (_hides(query) or _is_of_arrays(query, analysis))
    ]
    spread = [query for query in nodes_of(tree, exp.Select) if _spreads_keys(query, analysis)]
    for query in reversed([*found, *(each for each in spread if each not in found)]):
        hidden = _columns(query, analysis) if query in spread else []
        made = around(query, _ALIAS)
        _hide(made, hidden)
        tree = made if query is tree else tree
    return tree if found or spread else None


def _spreads_keys(select: exp.Expr, analysis: Analysis) -> bool:
    """Whether it gives several rows of a group, or of a query's row, which may be one of a group.

    The engine takes the keys for unique still: it sorts by nothing after them, and leaves out a
    LEFT JOIN with such rows.
    """
    if not any(gives_rows(item) for item in select.expressions):
        return False
    block = analysis.block_of(select.expressions[0])
    read = block is not None and any(source.query is not None for source in block.sources)
    grouped = select.args.get("group") is not None
    return (read or grouped) and bool(_columns(select, analysis))


def _columns(select: exp.Expr, analysis: Analysis) -> list[str]:
    """The names of those outputs that are columns, and of a type that can be a key."""
    items = [item for item in select.expressions if isinstance(item.unalias(), exp.Column)]
    known = Types(analysis.block_of(select.expressions[0]))
    kinds = [known.of(item.unalias()) for item in items]
    return [
        item.alias_or_name
        for item, kind in zip(items, kinds, strict=True)
        if kind is None or kind.name not in ("json", "record")
    ]


def _hide(select: exp.Select, names: list[str]) -> None:
    """Let these columns of the rows of `around` be none to the engine, in place."""
    for column in nodes_of(select, exp.Column):
        if column.table == _ALIAS and column.name in names:
            put(column, exp.Anonymous(this="greatest", expressions=[column.copy()]))


def _hides(select: exp.Query) -> bool:
    order = select.args.get("order")
    if not isinstance(select, exp.Select) or order is None:
        return False
    if select.args.get("distinct") is not None:
        return False
    if any(ordered.meta.get(HIDDEN) for ordered in order.expressions):
        return True
    spread = any(gives_rows(item) for item in select.expressions)
    return spread and any(place_of_output(each.this, select) is None for each in order.expressions)


def place_of_output(by: exp.Expr, select: exp.Expr) -> int | None:
    """The place of the output that an item of ORDER BY names; None: it names none."""
    if isinstance(by, exp.Literal) and by.is_int:
        return int(by.name) - 1
    names = [item.alias_or_name for item in select.expressions]
    if isinstance(by, exp.Column) and not by.table and by.name in names:
        return names.index(by.name)
    return next((n for n, item in enumerate(select.expressions) if item.unalias() == by), None)


def _is_of_arrays(query: exp.Query, analysis: Analysis) -> bool:
    """Whether rows that are one of a kind, or united, are sorted by an array of theirs.

    Arrays are sorted by a key (`array_order`), for which there is no place among such rows.
    """
    order, first = query.args.get("order"), leftmost(query)
    if order is None or not isinstance(first, exp.Select):
        return False
    if first is query and not _is_distinct(first):
        return False
    known = Types(analysis.block_of(first.expressions[0]))
    values = [item.unalias() for item in first.expressions]
    places = [place_of_output(ordered.this, first) for ordered in order.expressions]
    kinds = [known.of(values[n]) for n in places if n is not None and 0 <= n < len(values)]
    return any(kind is not None and kind.element is not None for kind in kinds)


def _is_distinct(query: exp.Query) -> bool:
    """Whether it is a SELECT DISTINCT, of no keys of its own."""
    distinct = query.args.get("distinct")
    is_select = isinstance(query, exp.Select)
    return is_select and distinct is not None and distinct.args.get("on") is None


def around(query: exp.Query, alias: str) -> exp.Select:
    """A SELECT of what a query gives, sorted and cut as that was; it stands in its place.

    A SELECT becomes the one around, itself.

    Raises:
        InvalidColumnReference: 42P10, a DISTINCT does not give what it is sorted by.
    """
    inner = query.copy()
    outer = {key: inner.args.pop(key, None) for key in AROUND}
    first = leftmost(inner)
    names = [item.alias_or_name for item in first.expressions]
    order = outer.get("order")
    for number, ordered in enumerate(order.expressions if order is not None else ()):
        place = None if ordered.meta.pop(HIDDEN, None) else place_of_output(ordered.this, first)
        if place is None and _is_distinct(inner):
            raise not_selected(ordered.this)
        if place is None:
            name = f"sort_key_{number}"
            inner.append("expressions", exp.alias_(ordered.this.copy(), name, quoted=True))
        else:
            name = names[place]
        ordered.set("this", column_node(alias, name))
    select = query if isinstance(query, exp.Select) else exp.Select()
    if select is not query:
        query.replace(select)
    for key in list(select.args):
        select.set(key, None)
    select.set("expressions", [column_node(alias, name) for name in names])
    select.set("from_", exp.From(this=subquery(inner, alias)))
    for key, clause in outer.items():
        if clause is not None:
            select.set(key, clause)
    return select
