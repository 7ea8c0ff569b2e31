"""A query that looks at values from outside, as one that gives its rows for each of them.

`(SELECT max(x) FROM t WHERE t.a = k)` becomes `SELECT max(x), k FROM keys, t WHERE t.a = k GROUP
BY k`, and a LIMIT the first rows of each key. What depended on the query around it is then a join
over the keys (`dependent`). T. Neumann and A. Kemper, "Unnesting Arbitrary Queries", BTW 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.relations.value_rows import rows_of_values
from gateway.sql.names.ordering import meant, order_meant
from gateway.sql.names.scope import (
    Analysis,
    column_node,
    is_aggregate,
    is_one_row,
    position_of,
)
from gateway.sql.text.building import all_of, subquery
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes, nodes_of, own_nodes
from gateway.sql.types.inference import Types

PLACE = "place_among"  # the number of a row among those of its key
_FOUND, _ONE = "found_rows", "in_place"
_KEPT = "kept by having"
_COUNTS = ("count", "regr_count")


@dataclass(frozen=True, slots=True)
class Keys:
    """The values that a query looks at: a relation `alias` of `columns`, each of them once."""

    query: exp.Select
    alias: str
    columns: tuple[str, ...]

    def relation(self, alias: str = "") -> exp.Subquery:
        """The relation, to stand in FROM."""
        return subquery(self.query.copy(), alias or self.alias)

    def each(self, alias: str = "") -> list[exp.Expr]:
        """Its columns."""
        return [column_node(alias or self.alias, name) for name in self.columns]


def equal_keys(left: Sequence[exp.Expr], right: Sequence[exp.Expr]) -> exp.Expr:
    """Whether keys are the same; NULL is one of them."""
    pairs = [exp.NullSafeEQ(this=a, expression=b) for a, b in zip(left, right, strict=True)]
    return all_of(pairs)


def for_each(query: exp.Expr, keys: Keys, analysis: Analysis) -> exp.Query:
    """The query with the columns of `keys` after its own, in whose names it is written already.

    Raises:
        FeatureNotSupported: 0A000, a form that has no such query.
    """
    if query.args.get("with_") is not None:
        raise _refused("WITH", query)
    if isinstance(query, exp.Subquery):
        return for_each(query.this, keys, analysis)
    if isinstance(query, exp.SetOperation):
        return _branches(query, keys, analysis)
    if not isinstance(query, exp.Select):
        raise _refused("this", query)
    _look_aside(query, keys)
    one = is_one_row(query)
    empty = _of_nothing(query, analysis) if one else None
    if one:
        _drop_limit(query)
    _put_keys(query, keys)
    if empty is not None:
        return _always(query, keys, empty)
    limited = any(query.args.get(part) for part in ("limit", "offset"))
    if not limited:
        if _distinct_on(query) is None:
            query.set("order", None)
        return query
    return _first_of_each(query, keys)


def is_single(query: exp.Expr) -> bool:
    """Whether it gives one row at most, however many it reads."""
    if not isinstance(query, exp.Select):
        return False
    limit = query.args.get("limit")
    count = None if limit is None else limit.expression or limit.args.get("count")
    ties = limit is not None and limit.args.get("limit_options")
    return is_one_row(query) or (count is not None and count.name in ("0", "1") and not ties)


def one_of_each(query: exp.Expr, output: str, keys: Keys) -> exp.Expr:
    """A row of each key, and after its columns how many there are: several are 21000 where read.

    Not here: of a key that WHERE leaves out there may be several.
    """
    found = [column_node(_ONE, name) for name in keys.columns]
    first = exp.Anonymous(this="first_value", expressions=[column_node(_ONE, output)])
    count = exp.Anonymous(this="count", expressions=[exp.Star()])
    items = [exp.alias_(first, output, quoted=True)]
    items += [exp.alias_(each, each.name, quoted=True) for each in found]
    items.append(exp.alias_(count, _FOUND, quoted=True))
    select = exp.Select(expressions=items, from_=exp.From(this=subquery(query, _ONE)))
    select.set("group", exp.Group(expressions=[each.copy() for each in found]))
    return select


def _refused(what: str, query: exp.Expr) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"{what} in a subquery that refers to the query around it is not supported",
        position=position_of(query),
    )


def _branches(query: exp.SetOperation, keys: Keys, analysis: Analysis) -> exp.Query:
    if any(query.args.get(part) for part in ("limit", "offset")):
        raise _refused("LIMIT of a set operation", query)
    query.set("order", None)
    for side in ("this", "expression"):
        query.set(side, for_each(query.args[side], keys, analysis))
    return query


def _put_keys(select: exp.Select, keys: Keys) -> None:
    """Put the keys in FROM, and whatever puts rows together apart by them."""
    start, joins = select.args.get("from_"), select.args.get("joins") or []
    first = exp.From(this=keys.relation())
    select.set("from_", first)
    if start is not None:
        if any(join.side in ("RIGHT", "FULL") for join in joins):
            held = start.this.copy()
            if not isinstance(held, exp.Table):
                raise _refused("RIGHT or FULL JOIN", select)
            held.set("joins", [join.copy() for join in joins])
            select.set("joins", [exp.Join(this=exp.Subquery(this=held), kind="CROSS")])
        else:
            select.set("joins", [exp.Join(this=start.this.copy(), kind="CROSS"), *joins])
    grouped = select.args.get("group")
    if grouped is not None:
        if any(map(_has_empty_set, grouped.expressions)):  # a group even of no rows
            raise _refused("grouping sets", select)
        grouped.set("expressions", [*grouped.expressions, *keys.each()])
    elif is_one_row(select):
        select.set("group", exp.Group(expressions=keys.each()))
    _part_windows(select, keys)
    if (on := _distinct_on(select)) is not None:
        on.set("expressions", [*keys.each(), *on.expressions])
        if (order := select.args.get("order")) is not None:
            by = [exp.Ordered(this=each) for each in keys.each()]
            order.set("expressions", [*by, *order.expressions])
    shown = [exp.alias_(each, each.name, quoted=True) for each in keys.each()]
    select.set("expressions", [*select.expressions, *shown])


def _has_empty_set(element: exp.Expr) -> bool:
    if isinstance(element, exp.GroupingSets):
        return any(map(_has_empty_set, element.expressions))
    return isinstance(element, exp.Rollup | exp.Cube) or (
        isinstance(element, exp.Tuple) and not element.expressions
    )


def _distinct_on(select: exp.Select) -> exp.Expr | None:
    distinct = select.args.get("distinct")
    return None if distinct is None else distinct.args.get("on")


def _look_aside(select: exp.Select, keys: Keys) -> None:
    """Let FROM items that name the keys see them."""
    start = select.args.get("from_")
    items = [join.this for join in select.args.get("joins") or ()]
    for item in [*([start.this] if start is not None else []), *items]:
        looks = any(column.table == keys.alias for column in nodes_of(item, exp.Column))
        if looks and isinstance(item, exp.Subquery | exp.Values) and item.alias:
            alias = item.args["alias"].copy()
            rows = rows_of_values(item) if isinstance(item, exp.Values) else item.this.copy()
            item.replace(exp.Lateral(this=exp.Subquery(this=rows), alias=alias))


def _part_windows(select: exp.Select, keys: Keys) -> None:
    for window in own_nodes(select):
        if isinstance(window, exp.Window):
            window.set("partition_by", [*(window.args.get("partition_by") or ()), *keys.each()])


def _first_of_each(select: exp.Select, keys: Keys) -> exp.Query:
    """The rows that LIMIT and OFFSET leave of each key."""
    own = [item.alias_or_name for item in select.expressions[: -len(keys.columns)]]
    clauses = {part: select.args.get(part) for part in ("limit", "offset")}
    if _has_ties(clauses["limit"]) and clauses["offset"] is not None:
        raise _refused("WITH TIES beside OFFSET", select)
    for part in clauses:
        select.set(part, None)
    if select.args.get("distinct") is not None or is_ordered_by_windows(select):
        select = _wrapped(select)
    place = numbered(select, keys.each() if not _is_wrapped(select) else
                     [column_node(_FOUND, name) for name in keys.columns], clauses)  # fmt: skip
    select.append("expressions", exp.alias_(place, PLACE, quoted=True))
    select.set("order", None)
    outer = [column_node(_FOUND, name) for name in (*own, *keys.columns)]
    chosen = exp.Select(expressions=outer, from_=exp.From(this=subquery(select, _FOUND)))
    condition = among(column_node(_FOUND, PLACE), clauses)
    if condition is not None:
        chosen.set("where", exp.Where(this=condition))
    return chosen


def numbered(
    select: exp.Select, parts: Sequence[exp.Expr], clauses: dict[str, exp.Expr | None]
) -> exp.Window:
    """The number of each row of `select` in its order; with ties, one for rows that are alike."""
    call = exp.Anonymous(this="rank" if _has_ties(clauses.get("limit")) else "row_number")
    window = exp.Window(this=call, partition_by=[each.copy() for each in parts])
    if select.args.get("order") is not None:
        window.set("order", order_meant(select))
    return window


def _has_ties(limit: exp.Expr | None) -> bool:
    options = limit.args.get("limit_options") if limit is not None else None
    return options is not None and bool(options.args.get("with_ties"))


def among(place: exp.Expr, clauses: dict[str, exp.Expr | None]) -> exp.Expr | None:
    """Whether the row of that number is one that LIMIT and OFFSET leave; None: all are."""
    limit, offset = clauses.get("limit"), clauses.get("offset")
    after = None if offset is None else offset.expression
    count = None if limit is None else limit.expression or limit.args.get("count")
    if isinstance(count, exp.Null) or (isinstance(count, exp.Var) and count.name == "ALL"):
        count = None
    if isinstance(limit, exp.Fetch) and count is None:
        count = exp.Literal.number(1)
    found: exp.Expr | None = None
    if after is not None and not _has_ties(
        limit
    ):  # the rank of rows that are alike says nothing of that
        found = exp.GT(this=place.copy(), expression=exp.paren(after.copy()))
    if count is not None:
        last: exp.Expr = exp.paren(count.copy())
        if after is not None:
            last = exp.Add(this=last, expression=exp.paren(after.copy()))
        upto = exp.LTE(this=place.copy(), expression=last)
        found = upto if found is None else exp.And(this=found, expression=upto)
    return found


def _wrapped(select: exp.Select) -> exp.Select:
    """`SELECT * FROM (select)` with its order, which names outputs alone."""
    order = select.args.get("order")
    names = [item.alias_or_name for item in select.expressions]
    made = exp.Select(expressions=[column_node(_FOUND, name) for name in names])
    if order is not None:
        moved = order.copy()
        for item in moved.expressions:
            item.set("this", _output(item.this, select))
        made.set("order", moved)
        if _distinct_on(select) is None:
            select.set("order", None)
    made.set("from_", exp.From(this=subquery(select, _FOUND)))
    return made


def _output(by: exp.Expr, select: exp.Select) -> exp.Expr:
    value = meant(by, select)
    for item in select.expressions:
        if item.unalias() == value:
            return column_node(_FOUND, item.alias_or_name)
    raise _refused("this ORDER BY", select)


def is_ordered_by_windows(select: exp.Select) -> bool:
    """Whether its order is of windows, none of which stands inside another."""
    order = select.args.get("order")
    keys = [] if order is None else [meant(item.this, select) for item in order.expressions]
    return any(isinstance(node, exp.Window) for key in keys for node in own_nodes(key))


def _is_wrapped(select: exp.Select) -> bool:
    start = select.args.get("from_")
    return start is not None and start.this.alias_or_name == _FOUND


def _drop_limit(select: exp.Select) -> None:
    """One row is within any LIMIT."""
    limit = select.args.get("limit")
    count = None if limit is None else limit.expression or limit.args.get("count")
    if count is not None and (not count.is_int or int(count.name) < 1):
        raise _refused("LIMIT 0", select)
    if select.args.get("offset") is not None:
        raise _refused("OFFSET", select)
    select.set("limit", None)
    select.set("order", None)


# Of keys for which there is nothing


def _of_nothing(select: exp.Select, analysis: Analysis) -> tuple[list[exp.Expr], exp.Expr | None]:
    """What an aggregation without GROUP BY gives of no rows: its items, and its HAVING."""
    having = select.args.get("having")
    known = Types(analysis.block_of(having or select.expressions[0]))
    items = [_without_rows(item.unalias(), known) for item in select.expressions]
    return items, None if having is None else _without_rows(having.this, known)


def _without_rows(tree: exp.Expr, known: Types) -> exp.Expr:
    """An expression with the aggregates replaced by what they give of no rows."""
    holder = exp.Paren(this=tree.copy())
    whole: exp.Expr
    for node, old in zip(nodes(holder.this), nodes(tree), strict=True):
        if isinstance(node, exp.Query) and not _is_aggregated(old, tree):
            raise _refused("a subquery beside an aggregate", tree)
        if not is_aggregate(old):
            continue
        whole, kind = node, known.of(old)
        while isinstance(whole.parent, exp.Filter | exp.WithinGroup):
            whole = whole.parent
        value: exp.Expr = exp.Null()
        if node.name in _COUNTS:
            value = exp.Cast(this=exp.Literal.number(0), to=data_type("bigint"))
        elif kind is not None:
            value = exp.Cast(this=value, to=data_type(kind))
        whole.replace(value)
    made: exp.Expr = holder.this
    return made


def _is_aggregated(node: exp.Expr, tree: exp.Expr) -> bool:
    """Whether it stands in an aggregate of `tree`, which goes with it."""
    while node is not tree and node.parent is not None:
        node = node.parent
        if is_aggregate(node) or isinstance(node, exp.Filter):
            return True
    return False


def _always(
    select: exp.Select, keys: Keys, empty: tuple[list[exp.Expr], exp.Expr | None]
) -> exp.Query:
    """A row for each key, also for one of which there is nothing."""
    values, having = empty
    own = select.expressions[: -len(keys.columns)]
    names = [item.alias_or_name for item in own]
    select.append("expressions", exp.alias_(exp.true(), PLACE, quoted=True))
    own_having = select.args.get("having")
    if own_having is not None:
        # A group that it leaves out is not one of which there is nothing.
        select.set("having", None)
        select.append("expressions", exp.alias_(own_having.this, _KEPT, quoted=True))
    there = exp.Is(this=column_node(_FOUND, PLACE), expression=exp.true())
    items = [
        exp.alias_(_where(there, column_node(_FOUND, name), value), name, quoted=True)
        for name, value in zip(names, values, strict=True)
    ]
    items += [exp.alias_(each, each.name, quoted=True) for each in keys.each()]
    found = [column_node(_FOUND, name) for name in keys.columns]
    join = exp.Join(this=subquery(select, _FOUND), side="LEFT", on=equal_keys(keys.each(), found))
    made = exp.Select(expressions=items, from_=exp.From(this=keys.relation()))
    made.set("joins", [join])
    if having is not None:
        kept = _where(there, column_node(_FOUND, _KEPT), having)
        made.set("where", exp.Where(this=kept))
    return made


def _where(condition: exp.Expr, value: exp.Expr, default: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value)], default=default)
