"""Subqueries in ON, which the engine does not take there: asked in WHERE, or on the right side.

An inner join's condition is one of WHERE, where `dependent` joins what it asks. An outer join's
chooses among the right rows, which become a subquery of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.relations.looked_at import references
from gateway.sql.names.scope import Analysis, Block, Source, column_node, position_of
from gateway.sql.text.building import all_of, table_alias
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import conjuncts, own_nodes


def move_conditions(block: Block, analysis: Analysis) -> bool:
    """Put conditions of inner joins that ask such subqueries into WHERE, where these are joined.

    Returns:
        Whether there was one.
    """
    joins: list[exp.Join] = block.select.args.get("joins") or []
    moved: list[exp.Expr] = []
    for place, join in enumerate(joins):
        padded = join.side or any(later.side in ("RIGHT", "FULL") for later in joins[place + 1 :])
        on = join.args.get("on")
        if on is None or padded or not block.inner:
            continue
        asking = [each for each in conjuncts(on) if _asks(each, analysis)]
        if asking:
            left = [each for each in conjuncts(on) if each not in asking]
            join.set("on", all_of([exp.Paren(this=each) for each in left]) if left else exp.true())
            moved += asking
    if moved:
        where = block.select.args.get("where")
        before = [where.this] if where is not None else []
        block.select.set(
            "where",
            exp.Where(this=all_of([exp.Paren(this=each) for each in (*before, *moved)])),
        )
    return bool(moved)


def move_into_right(block: Block, analysis: Analysis) -> bool:
    """Ask such subqueries in ON of a LEFT JOIN in a subquery that gives its right rows.

    It is a LATERAL one with the whole condition, where they look at the left rows as well.

    Returns:
        Whether there was one.

    Raises:
        FeatureNotSupported: 0A000, one in ON of a FULL JOIN, or of a RIGHT JOIN after others.
    """
    found, joins = False, block.select.args.get("joins") or []
    for join in joins:
        on = join.args.get("on")
        conditions = list(conjuncts(on)) if on is not None and join.side else []
        asking = [each for each in conditions if _asks(each, analysis)]
        if not asking or block.select.find(Marker) is not None:
            continue
        if join.side == "RIGHT" and join is joins[0]:
            _swap(join, block.select.args["from_"])
        source = block.source(join.this.alias_or_name)
        if join.side != "LEFT" or source is None or source.columns is None:
            raise FeatureNotSupported(
                f"a subquery in ON of this {join.side} JOIN is not supported",
                hint="Write it in a subquery that is joined.",
                position=position_of(next(node for node in asking[0].find_all(exp.Query))),
            )
        lateral = not all(_is_about(each, source, analysis) for each in asking)
        inside = conditions if lateral else asking
        left = [each for each in conditions if each not in inside]
        _give_right(join, source, inside, lateral)
        join.set("on", all_of([exp.Paren(this=each) for each in left]) if left else exp.true())
        found = True
    return found


def _swap(join: exp.Join, start: exp.From) -> None:
    """Write the first RIGHT JOIN as a LEFT JOIN, in place."""
    left, right = start.this, join.this
    if not left.args.get("joins"):
        start.set("this", right)
        join.set("this", left)
        join.set("side", "LEFT")


def _is_about(condition: exp.Expr, source: Source, analysis: Analysis) -> bool:
    """Whether all that it looks at is of one relation."""
    return all(of is source for _, of, _ in references(condition, analysis))


def _give_right(
    join: exp.Join, source: Source, conditions: Sequence[exp.Expr], lateral: bool
) -> None:
    items = [column_node(source.alias, name) for name in source.columns or ()]
    inner = exp.Select(expressions=items, from_=exp.From(this=join.this.copy()))
    inner.set("where", exp.Where(this=all_of([exp.paren(each) for each in conditions])))
    rows = exp.Subquery(this=inner)
    made = exp.Lateral(this=rows, view=False) if lateral else rows
    made.set("alias", table_alias(source.alias))
    join.set("this", made)


def _asks(condition: exp.Expr, analysis: Analysis) -> bool:
    """Whether it is decided by the rows of a query, or by one that looks at what is around it."""
    return any(
        isinstance(node, exp.Exists | exp.Any | exp.All)
        or (isinstance(node, exp.In) and node.args.get("query") is not None)
        or (isinstance(node, exp.Query) and bool(references(node, analysis)))
        for node in own_nodes(condition)
    )
