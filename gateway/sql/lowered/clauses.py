"""Clauses and subqueries that the engine reads otherwise, or lacks: FROM, WITH, LIMIT, EXISTS.

Rows of `lowering.LOWERINGS`: each gives the node to print in the place of its own, None to leave
it, or refuses it by name.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.calls import flat, is_series_of_moments, series_array
from gateway.sql.lowered.groups.cast_names import named_apart
from gateway.sql.lowered.groups.collected import orders_apart
from gateway.sql.lowered.groups.grouping_sets import write_sets
from gateway.sql.names.scope import is_aggregate, is_one_row
from gateway.sql.text import building
from gateway.sql.text.trees import SETS, own_nodes

_SIDE = "side"


def select(node: exp.Expr) -> None:
    node.set("locks", None)  # taken before
    refused = {"sample": "TABLESAMPLE"}
    for name, words in refused.items():
        if node.args.get(name):
            raise FeatureNotSupported(f"{words} is not supported")
    if isinstance(node, exp.Select):
        if not node.expressions and node.args.get("from_") is None:  # a row without columns
            one = exp.select(exp.Literal.number(1)).subquery("one", copy=False)
            node.from_(one, copy=False)
        _name_keys(node)
        _group_always(node)
        named_apart(node)
        orders_apart(node)


# What a subquery in brackets is part of where it is no value.
_RELATIONS = (
    exp.From, exp.Join, exp.CTE, exp.Lateral, exp.Subquery, exp.SetOperation, exp.Exists,
    exp.Any, exp.All, exp.In, exp.Table, exp.Array,
)  # fmt: skip


def subquery(node: exp.Expr) -> exp.Expr | None:
    """A value that is NULL where the query has no row, which the engine does not think of.

    It takes the value for one that is never NULL where the query's column is not, and `(SELECT 1
    WHERE false) IS NULL` for false. An aggregate of all rows has its one row.
    """
    select(node)
    if node.parent is None or node.args.get("alias") is not None:
        return None
    if isinstance(node.parent, _RELATIONS) and node.arg_key != "expressions":
        return None
    query = node.this
    if not isinstance(query, exp.Query) or isinstance(node.parent, exp.Array):
        return None
    ends = ("having", "limit", "offset")
    if isinstance(query, exp.Select):
        one_row = is_one_row(query) and not any(query.args.get(end) for end in ends)
        if one_row or isinstance(query.expressions[0].unalias(), exp.Null):
            return None
    return exp.Anonymous(this="nullif", expressions=[node.copy(), exp.Null()])


def _name_keys(select: exp.Select) -> None:
    """A number inside ROLLUP, CUBE or GROUPING SETS is an output, as it is beside them."""
    group = select.args.get("group")
    for sets in group.find_all(*SETS) if group is not None else ():
        for number in list(sets.find_all(exp.Literal)):
            inside = isinstance(number.parent, exp.Tuple | exp.Paren) or number.parent is sets
            if inside and number.is_int and 0 < int(number.name) <= len(select.expressions):
                number.replace(select.expressions[int(number.name) - 1].unalias().copy())
        for key in sets.expressions:
            if isinstance(key, exp.Subquery | exp.Bracket):  # the engine reads ( as that of a set
                key.replace(exp.paren(key.copy()))
    write_sets(select)
    _write_not_in(select)


def _write_not_in(select: exp.Select) -> None:
    """Write NOT IN as a comparison where there are grouping sets.

    The engine looks for such a key under a name that it did not give it.
    """
    group = select.args.get("group")
    if group is None or group.find(*SETS) is None:
        return
    for node in own_nodes(select):
        inside = node.this.unnest() if isinstance(node, exp.Not) else None
        if isinstance(inside, exp.In) and inside.args.get("query") is None:
            node.replace(exp.EQ(this=exp.false(), expression=exp.paren(inside.copy())))


def _group_always(select: exp.Select) -> None:
    """HAVING makes one group of all rows; the engine asks for an aggregate before it thinks so."""
    having = select.args.get("having")
    if having is None or select.args.get("group") is not None:
        return
    if not any(is_aggregate(node) for node in own_nodes(select)):
        count = exp.Anonymous(this="count", expressions=[exp.Star()])
        always = exp.GTE(this=count, expression=exp.Literal.number(0))
        having.set("this", exp.And(this=exp.paren(having.this.copy()), expression=always))


def table(node: exp.Expr) -> exp.Expr | None:
    if node.args.get("sample"):
        raise FeatureNotSupported("TABLESAMPLE is not supported")
    if node.args.get("ordinality"):
        raise FeatureNotSupported("WITH ORDINALITY is not supported")
    node.set("only", None)
    if isinstance(node.this, exp.Anonymous) and node.this.name == "unnest":
        held = {"alias": node.args.get("alias"), "joins": node.args.get("joins")}
        return exp.Unnest(expressions=[each.copy() for each in node.this.expressions], **held)
    as_array = is_series_of_moments(node.this) or _is_computed_series(node.this)
    return _series_of_array(node) if as_array else None


def _is_computed_series(node: exp.Expr) -> bool:
    """Whether it is a generate_series whose ends are not literals, which alone the engine takes."""
    return (
        isinstance(node, exp.Anonymous)
        and node.name == "generate_series"
        and not all(isinstance(_bare(each), exp.Literal | exp.Null) for each in node.expressions)
    )


def _bare(value: exp.Expr) -> exp.Expr:
    return value.this if isinstance(value, exp.Neg) else value


def _series_of_array(node: exp.Expr) -> exp.Expr:
    """In FROM the engine counts nanoseconds alone; its array of moments is cast."""
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier("generate_series"))
    if not alias.columns:
        alias.set("columns", [alias.this.copy()])
    return exp.Unnest(
        expressions=[series_array(node.this)], alias=alias, joins=node.args.get("joins")
    )


def unnest(node: exp.Expr) -> None:
    """FROM unnest(...)."""
    node.set("expressions", [flat(array) for array in node.expressions])
    if node.args.get("offset"):
        raise FeatureNotSupported("WITH ORDINALITY is not supported")


def with_clause(node: exp.Expr) -> None:
    if any(isinstance(cte.this, exp.DML) for cte in node.expressions):
        raise FeatureNotSupported(
            "WITH clause containing a data-modifying statement must be at the top level"
        )
    for cte in node.expressions:
        cte.set("materialized", None)  # how often it runs is told by `volatile` alone


_COMPUTED = (exp.Parameter, exp.Column, exp.Binary, exp.Query)  # in an offset: it is no constant


def window_spec(node: exp.Expr) -> None:
    if node.args.get("exclude"):
        raise FeatureNotSupported("EXCLUDE in a window frame is not supported")
    for side in ("start", "end"):
        offset = node.args.get(side)
        if isinstance(offset, exp.Expr) and offset.find(*_COMPUTED):
            raise FeatureNotSupported(
                "a computed offset of a window frame is not supported",
                hint="Write the number into the statement, or make it a parameter of a known type.",
            )


def limit(node: exp.Expr) -> None:
    count = node.expression
    if isinstance(count, exp.Null) or (isinstance(count, exp.Var) and count.name == "ALL"):
        node.pop()
        return
    if node.args.get("limit_options"):
        raise FeatureNotSupported("LIMIT with PERCENT or WITH TIES is not supported")


def exists(node: exp.Expr) -> exp.Expr | None:
    """The engine knows EXISTS in conditions; elsewhere it is a count that is not 0."""
    select, clause = node.this, node.find_ancestor(exp.Where, exp.Join, exp.Select)
    if isinstance(select, exp.Select) and not select.selects:
        select.append("expressions", exp.Literal.number(1))  # in a CASE it wants a column
    one = isinstance(select, exp.Select) and is_one_row(select)
    if one and not any(select.args.get(part) for part in ("having", "limit", "offset")):
        return exp.true()  # the engine would look for rows to aggregate
    filtered = isinstance(clause, exp.Where) and isinstance(clause.parent, exp.Filter)
    if not filtered and not isinstance(clause, exp.Select):
        return None
    count = exp.Anonymous(this="count", expressions=[exp.Star()])
    item = exp.alias_(count, "count")
    if isinstance(select, exp.Select) and not _decides(select):
        counted = select.copy()
        counted.set("expressions", [item])
        counted.set("order", None)
    else:
        rows = building.subquery(select.copy(), "rows_there")
        counted = exp.Select(expressions=[item], from_=exp.From(this=rows))
    return exp.Paren(this=exp.GT(this=exp.Subquery(this=counted), expression=exp.Literal.number(0)))


def _decides(select: exp.Select) -> bool:
    """Whether more than FROM and WHERE says how many rows there are; a call may be an aggregate."""
    parts = ("group", "having", "distinct", "limit", "offset")
    called = any(item.find(exp.AggFunc, exp.Anonymous) for item in select.expressions)
    return called or any(select.args.get(part) for part in parts)


def name_sides(node: exp.Expr) -> None:
    """A set operation whose sides all have the names of the first, where those are looked for.

    The planner leaves a side out that has no rows, and looks for the names in what is left: in a
    sorted one, and in what is sorted or DISTINCT itself.
    """
    first, *others = _sides(node)
    named = (exp.Alias, exp.Column)
    names = [item.alias_or_name * isinstance(item, named) for item in first.expressions]
    for select in others if isinstance(first, exp.Select) else ():
        if not isinstance(select, exp.Select) or len(select.expressions) != len(names):
            continue
        distinct, order = select.args.get("distinct"), select.args.get("order")
        if distinct is not None or order is not None:
            _name_kept(select, names)
        elif node.args.get("order") and not (select.args.get("group") or select.args.get("having")):
            _rename(select, names)


def _name_kept(select: exp.Select, names: list[str]) -> None:
    """The same of rows that are sorted or distinct, in place."""
    own = [item.alias_or_name for item in select.expressions]
    names = [name or mine for name, mine in zip(names, own, strict=True)]
    if own == names or not all(names):
        return
    order, distinct = select.args.get("order"), select.args.get("distinct")
    chosen = distinct is not None and distinct.args.get("on") is not None
    if order is None and not chosen:
        _rename(select, names)
    elif chosen or select.args.get("limit") is not None:
        kept = exp.From(this=building.subquery(select.copy(), _SIDE, names))
        select.replace(exp.Select(expressions=[exp.Star()], from_=kept))
    elif order is not None and all(each.this.is_int for each in order.expressions):
        _rename(select, names)


def _rename(select: exp.Select, names: list[str]) -> None:
    items = zip(select.expressions, names, strict=True)
    select.set("expressions", [_as(item, name) for item, name in items])


def _as(item: exp.Expr, name: str) -> exp.Expr:
    if name in ("", item.alias_or_name) or item.is_star:
        return item
    return exp.alias_(item.unalias().copy(), name, quoted=True)


def _sides(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.SetOperation):
        return _sides(node.left) + _sides(node.right)
    return _sides(node.this) if isinstance(node, exp.Subquery) else [node]
