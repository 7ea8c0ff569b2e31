"""unnest in FROM: of several arrays, numbered, kept by LEFT JOIN.

`FROM unnest(a, b) WITH ORDINALITY` is a subquery whose SELECT list unnests them side by side, with
a series beside them for the numbers. Such a subquery has no FROM, so it may look at what stands
before it (`laterals`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.text.datatypes import data_type


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
