"""unnest in FROM: of several arrays, numbered, kept by LEFT JOIN; and LATERAL VALUES.

`FROM unnest(a, b) WITH ORDINALITY` is a subquery whose SELECT list unnests them side by side, with
a series beside them for the numbers. Such a subquery has no FROM, so it may look at what stands
before it (`laterals`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of


def spread_unnest(item: exp.Unnest) -> None:
    """Write it as such a subquery where the engine or `laterals` need one, in place."""
    _name_apart(item)
    arrays, looks = item.expressions, item.find(exp.Column) is not None
    numbered = bool(item.args.get("offset"))
    kept = looks and _is_kept(item)
    if kept:  # a row of NULLs where there is no element
        nothing = exp.Array(expressions=[exp.Null()])
        first = exp.Anonymous(this="nullif", expressions=[arrays[0].copy(), _empty()])
        whole = exp.Anonymous(this="coalesce", expressions=[first, nothing])
        arrays = [whole, *(each.copy() for each in arrays[1:])]
    elif not is_matched(item) and [looks, numbered, len(arrays) > 1].count(True) < 2:
        return
    items: list[exp.Expr] = [
        exp.alias_(exp.Anonymous(this="unnest", expressions=[each.copy()]), "unnest", quoted=True)
        for each in arrays
    ]
    if numbered:
        items.append(_numbers(item.expressions))
    _put(item, items)


def _name_apart(unnest: exp.Unnest) -> None:
    """Arrays side by side: the engine names them by their text, casts left out, and refuses two
    of one name."""
    taken: set[str] = set()
    for array in unnest.expressions:
        made = array
        while (name := _named(made)) in taken:
            made = exp.Anonymous(this="coalesce", expressions=[made.copy()])
        taken.add(name)
        if made is not array:
            array.replace(made)


def _named(value: exp.Expr) -> str:
    """What the engine calls an expression."""
    bare = value.copy().transform(
        lambda node: node.this if isinstance(node, exp.Cast | exp.Paren) else node
    )
    return str(bare.sql())


def _is_kept(item: exp.Unnest) -> bool:
    join = item.parent
    on = join.args.get("on") if isinstance(join, exp.Join) else None
    always = isinstance(on, exp.Boolean) and bool(on.this)
    return isinstance(join, exp.Join) and join.side == "LEFT" and always


def is_matched(item: exp.Expr) -> bool:
    """Whether its rows, of what stands before it, are joined by a condition, or where none is."""
    join = item.parent
    if not isinstance(join, exp.Join) or item.find(exp.Column) is None:
        return False
    on = join.args.get("on")
    always = on is None or (isinstance(on, exp.Boolean) and bool(on.this))
    return bool(join.side) or not always


def _empty() -> exp.Expr:
    return exp.Array(expressions=[])


def _numbers(arrays: Sequence[exp.Expr]) -> exp.Expr:
    """1 to the length of the longest."""
    lengths = [exp.Anonymous(this="cardinality", expressions=[each.copy()]) for each in arrays]
    longest = lengths[0] if len(lengths) == 1 else exp.Anonymous(
        this="greatest", expressions=lengths
    )  # fmt: skip
    last = exp.Cast(this=longest, to=data_type("bigint"))
    series = exp.Anonymous(this="generate_series", expressions=[exp.Literal.number(1), last])
    return exp.alias_(series, "ordinality", quoted=True)


def _put(item: exp.Unnest, items: list[exp.Expr]) -> None:
    written, offset = item.args.get("alias"), item.args.get("offset")
    names = [each.copy() for each in written.columns] if written is not None else []
    if isinstance(offset, exp.Identifier):
        names.append(offset.copy())
    name = written.name if written is not None and written.name else "unnest"
    if written is not None and not names and len(item.expressions) == 1:
        names = [exp.to_identifier(name, quoted=True)]  # the one column goes by the same name
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=names)
    rows = exp.Subquery(this=exp.Select(expressions=items))
    made: exp.Expr
    if item.find(exp.Column) is not None:
        made = exp.Lateral(this=rows, alias=alias)
    else:
        rows.set("alias", alias)
        made = rows
    if item.args.get("joins"):
        made.set("joins", item.args["joins"])
    item.replace(made)


def select_values(tree: exp.Expr) -> None:
    """Write `LATERAL (VALUES (a), (b))` as one SELECT for each row, in place."""
    for lateral in nodes_of(tree, exp.Lateral):
        held = lateral.this
        if isinstance(held, exp.Subquery) and isinstance(held.this, exp.Values):
            held.set("this", rows_of_values(held.this))


def as_select(tree: exp.Expr) -> exp.Expr:
    """A statement VALUES as a SELECT of its rows; any other as it is."""
    if not isinstance(tree, exp.Values):
        return tree
    values = tree.copy()
    clauses = {key: values.args.pop(key, None) for key in ("order", "limit", "offset", "with_")}
    values.set("alias", exp.TableAlias(this=exp.to_identifier("*VALUES*", quoted=True)))
    made = exp.Select(expressions=[exp.Star()], from_=exp.From(this=values))
    for key, clause in clauses.items():
        made.set(key, clause)
    return made


def select_asking(tree: exp.Expr) -> exp.Expr:
    """A tree in which VALUES with a query in a row is one SELECT for each row, in their order.

    The engine plans no query inside of VALUES.
    """
    for values in list(nodes_of(tree, exp.Values)):
        if not any(
            isinstance(each, exp.Query) for row in values.expressions for each in row.walk()
        ):
            continue
        alias, rows = values.args.get("alias"), _as_written(values)
        made = rows if alias is None else exp.Subquery(this=rows, alias=alias)
        if values is tree:
            return made
        if values.args.get("joins"):
            made.set("joins", values.args["joins"])
        values.replace(made)
    return tree


def _as_written(values: exp.Values) -> exp.Select:
    """The rows with what stands before and after VALUES."""
    rows = _in_order(values)
    clauses = {name: values.args[name] for name in _CLAUSES if values.args.get(name)}
    if clauses:
        items = [exp.column(name, quoted=True) for name in rows.named_selects]
        alias = exp.TableAlias(this=exp.to_identifier("listed", quoted=True))
        relation = exp.Subquery(this=rows, alias=alias)
        rows = exp.Select(expressions=items, from_=exp.From(this=relation), **clauses)
    if values.args.get("with_"):
        rows.set("with_", values.args["with_"])
    return rows


_CLAUSES = ("order", "limit", "offset")


def _in_order(values: exp.Values) -> exp.Select:
    """The same rows, sorted by their numbers; one needs none."""
    if len(values.expressions) == 1:
        return _row(values.expressions[0])
    rows: list[exp.Query] = [_row(each) for each in values.expressions]
    names = [item.alias for item in rows[0].expressions]
    for number, row in enumerate(rows):
        item = exp.alias_(exp.Literal.number(number), "place", quoted=True)
        row.set("expressions", [*row.expressions, item])
    alias = exp.TableAlias(this=exp.to_identifier("written", quoted=True))
    relation = exp.Subquery(this=reduce(_with, rows[1:], rows[0]), alias=alias)
    return exp.Select(
        expressions=[exp.column(name, table="written", quoted=True) for name in names],
        from_=exp.From(this=relation),
        order=exp.Order(
            expressions=[exp.Ordered(this=exp.column("place", table="written", quoted=True))]
        ),
    )


def rows_of_values(values: exp.Values) -> exp.Query:
    """`VALUES (a), (b)` as one SELECT for each row."""
    rows: list[exp.Query] = [_row(each) for each in values.expressions]
    return reduce(_with, rows[1:], rows[0])


def _row(row: exp.Expr) -> exp.Select:
    items = [
        exp.Alias(this=each.copy(), alias=exp.to_identifier(f"column{n}", quoted=True))
        for n, each in enumerate(row.expressions, 1)
    ]
    return exp.Select(expressions=items)


def _with(rows: exp.Query, more: exp.Query) -> exp.Query:
    return exp.Union(this=rows, expression=more, distinct=False)
