"""VALUES as SELECTs: where the engine takes no VALUES, or reads another type out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

from sqlglot import exp

from gateway.sql.text.building import subquery, table_alias
from gateway.sql.text.trees import AROUND, nodes_of
from gateway.sql.types.parameters import number
from gateway.types import NUMERIC, Type


def select_values(tree: exp.Expr) -> None:
    """Write `LATERAL (VALUES (a), (b))` as one SELECT for each row, in place."""
    for lateral in nodes_of(tree, exp.Lateral):
        held = lateral.this
        if isinstance(held, exp.Subquery) and isinstance(held.this, exp.Values):
            cut = any(map(held.this.args.get, _CLAUSES))
            held.set("this", _as_written(held.this) if cut else rows_of_values(held.this))


def as_select(tree: exp.Expr) -> exp.Expr:
    """A statement VALUES as a SELECT of its rows; any other as it is."""
    if not isinstance(tree, exp.Values):
        return tree
    values = tree.copy()
    clauses = {key: values.args.pop(key, None) for key in AROUND}
    values.set("alias", table_alias("*VALUES*"))
    made = exp.Select(expressions=[exp.Star()], from_=exp.From(this=values))
    for key, clause in clauses.items():
        made.set(key, clause)
    return made


def select_asking(tree: exp.Expr) -> exp.Expr:
    """A tree in which VALUES with a query in a row is one SELECT for each row, in their order.

    The engine plans no query inside of VALUES.
    """
    return _select_rows(tree, _asks)


def _asks(values: exp.Values) -> bool:
    return any(isinstance(each, exp.Query) for row in values.expressions for each in row.walk())


def select_numerics(tree: exp.Expr, types: Mapping[int, Type]) -> exp.Expr:
    """The same of VALUES with a numeric parameter beside what is none, or in an expression.

    The engine would round the parameter to the digits of the others.
    """
    return _select_rows(tree, lambda values: any(_mixes(each, types) for each in _columns(values)))


def _columns(values: exp.Values) -> Iterator[Sequence[exp.Expr]]:
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions]
    return zip(*rows, strict=False)


def _mixes(column: Sequence[exp.Expr], types: Mapping[int, Type]) -> bool:
    if all(isinstance(cell, exp.Parameter) for cell in column):
        return False
    numbers = (number(each) for cell in column for each in nodes_of(cell, exp.Parameter))
    return any(types.get(each) is NUMERIC for each in numbers)


def _select_rows(tree: exp.Expr, wanted: Callable[[exp.Values], bool]) -> exp.Expr:
    """The tree with such VALUES as SELECTs; where it is one itself, what stands for it."""
    for values in list(nodes_of(tree, exp.Values)):
        if not wanted(values):
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
        listed = exp.From(this=subquery(rows, "listed"))
        rows = exp.Select(expressions=items, from_=listed, **clauses)
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
    for place, row in enumerate(rows):
        item = exp.alias_(exp.Literal.number(place), "place", quoted=True)
        row.set("expressions", [*row.expressions, item])
    relation = subquery(reduce(_with, rows[1:], rows[0]), "written")
    return exp.Select(
        expressions=[exp.column(name, table="written", quoted=True) for name in names],
        from_=exp.From(this=relation),
        order=exp.Order(
            expressions=[exp.Ordered(this=exp.column("place", table="written", quoted=True))]
        ),
        # Of all of them: the engine drops an order without a limit in a subquery.
        limit=exp.Limit(expression=exp.Literal.number(len(rows))),
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
