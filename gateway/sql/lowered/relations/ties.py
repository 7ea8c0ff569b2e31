"""FETCH FIRST n ROWS WITH TIES: the rows whose rank is at most n; LIMIT by what a query counts.

`SELECT a FROM t ORDER BY b FETCH FIRST 2 ROWS WITH TIES` becomes `SELECT a FROM (SELECT a, rank()
OVER (ORDER BY b) AS r FROM t) WHERE r <= 2 ORDER BY r`. Beside OFFSET the rows are numbered,
too: those after it are wanted whose rank is at most where the last one stands. So are those of
`LIMIT (SELECT ...)`, by their numbers: the engine takes no query there.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.lowered.relations.per_key import PLACE, among, is_ordered_by_windows, numbered
from gateway.sql.lowered.relations.sort_keys import around
from gateway.sql.names.scope import column_node
from gateway.sql.text.building import subquery
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of

_ALL = 2**62  # more rows than there are
_ALIAS, _NUMBER, _ROWS = "ranked_rows", "number_among", "united_rows"


def keep_ties(tree: exp.Expr) -> exp.Expr | None:
    """The query with each such clause written so, those of its SELECTs in place.

    Returns:
        The query as it is now; None where there was no such clause.

    Raises:
        SyntaxFault: 42601, without ORDER BY.
    """
    found = [n for n in nodes_of(tree, exp.Query) if has_ties(n) or _cut(n)]
    for query in reversed(found):
        for clause, part in _cut(query):
            clause.set(part, _count(clause.args[part], clause))
        if has_ties(query) and query.args.get("order") is None:
            raise SyntaxFault("WITH TIES cannot be specified without ORDER BY clause")
        select = around(query, _ROWS) if _is_closed(query) else query
        assert isinstance(select, exp.Select)
        tree = select if query is tree else tree
        _rank(select)
    return tree if found else None


def has_ties(node: exp.Expr) -> bool:
    """Whether a query has such a clause."""
    limit = node.args.get("limit")
    options = limit.args.get("limit_options") if isinstance(limit, exp.Expr) else None
    return options is not None and bool(options.args.get("with_ties"))


def _cut(query: exp.Expr) -> list[tuple[exp.Expr, str]]:
    """Its LIMIT and OFFSET and where in them the number stands; none where no query counts."""
    found = []
    for clause in map(query.args.get, ("limit", "offset")):
        for part in ("expression", "count"):
            if isinstance(clause, exp.Expr) and isinstance(clause.args.get(part), exp.Expr):
                found.append((clause, part))
    return found if any(each.args[part].find(exp.Query) for each, part in found) else []


def _count(value: exp.Expr, clause: exp.Expr) -> exp.Expr:
    """A number of rows, half of one is one; NULL is no bound."""
    if isinstance(value, exp.Literal):
        return value
    share = exp.Cast(this=value.copy(), to=data_type("numeric"))
    rounded = exp.Anonymous(this="round", expressions=[share])
    kind = exp.Literal.string("Int64")
    count = exp.Anonymous(this="arrow_cast", expressions=[rounded, kind])
    skips = isinstance(clause, exp.Offset)
    checked = exp.Anonymous(this="rows_skipped" if skips else "rows_limited", expressions=[count])
    none = exp.Literal.number(0 if skips else _ALL)
    return exp.Anonymous(this="coalesce", expressions=[checked, none])


def _is_closed(query: exp.Query) -> bool:
    """Whether there is no place for a rank among its rows."""
    if not isinstance(query, exp.Select):
        return True
    return query.args.get("distinct") is not None or is_ordered_by_windows(query)


def _rank(select: exp.Select) -> None:
    """Let the SELECT itself become the one around."""
    inner, tied = select.copy(), has_ties(select)
    names = [item.alias_or_name for item in inner.expressions]
    clauses = {part: inner.args.get(part) for part in ("limit", "offset")}
    inner.append(
        "expressions", exp.alias_(numbered(inner, (), clauses), PLACE, quoted=True)
    )  # fmt: skip
    offset = inner.args.get("offset")
    if offset is not None and tied:
        count = exp.alias_(numbered(inner, (), {}), _NUMBER, quoted=True)
        inner.append("expressions", count)
    for part in ("limit", "offset", "order"):
        inner.set(part, None)
    common = inner.args.pop("with_", None)
    for part in list(select.args):
        select.set(part, None)
    if common is not None:
        select.set("with_", common)
    place = column_node(_ALIAS, PLACE)
    select.set("expressions", [column_node(_ALIAS, name) for name in names])
    select.set("from_", exp.From(this=subquery(inner, _ALIAS)))
    wanted = among(place, clauses)
    if offset is not None and tied:
        number = column_node(_ALIAS, _NUMBER)
        after = exp.GT(this=number, expression=exp.paren(offset.expression.copy()))
        wanted = exp.And(this=after, expression=wanted)
    select.set("where", exp.Where(this=wanted))
    select.set("order", exp.Order(expressions=[exp.Ordered(this=place.copy())]))
