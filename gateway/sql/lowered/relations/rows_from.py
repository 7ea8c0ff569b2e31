"""ROWS FROM (f(x), g(y)): functions side by side, those that end first filled up with NULL.

Functions that give rows do so in a SELECT list, too, so it is a subquery of one.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GroupingError
from gateway.sql.lowered.relations.json_records import RECORDS
from gateway.sql.names.row_functions import NUMBERED, PAIRS, SETS
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.trees import nodes_of


def put_side_by_side(tree: exp.Expr) -> None:
    """Write every ROWS FROM as a function in FROM, or a subquery, in place.

    Raises:
        FeatureNotSupported: 0A000, a function that needs its columns told.
        GroupingError: 42803, an aggregate.
    """
    for table in nodes_of(tree, exp.Table):
        listed = table.args.get("rows_from")
        if not listed:
            continue
        if len(listed) == 1:
            _take_single(table, listed[0])
        else:
            _put(table, listed)


def _take_single(table: exp.Table, only: exp.Expr) -> None:
    made = only.copy()
    for key in ("alias", "joins"):
        if table.args.get(key):
            made.set(key, table.args[key])
    numbers = "offset" if isinstance(made, exp.Unnest) else "ordinality"
    made.set(numbers, table.args.get("ordinality"))
    table.replace(made)


def _put(table: exp.Table, listed: list[exp.Expr]) -> None:
    items = [item for each in listed for item in _items(each)]
    rows = exp.Select(expressions=items)
    if table.args.get("ordinality"):
        rows = _numbered(rows)
    written = table.args.get("alias")
    alias = written.copy() if written is not None else exp.TableAlias()
    if not alias.name:
        alias.set("this", exp.to_identifier(items[0].alias, quoted=True))
    made: exp.Expr = exp.Subquery(this=rows, alias=alias)
    if table.find(exp.Column) is not None:  # of what stands before it
        made = exp.Lateral(this=exp.Subquery(this=rows), alias=alias)
    if table.args.get("joins"):
        made.set("joins", table.args["joins"])
    table.replace(made)


def _items(function: exp.Expr) -> list[exp.Expr]:
    call = function.this if isinstance(function, exp.Table) else function
    if isinstance(call, exp.Unnest):
        return [_named("unnest", "unnest", [each]) for each in call.expressions]
    if is_aggregate(call):
        raise GroupingError(
            "aggregate functions are not allowed in functions in FROM", position=position_of(call)
        )
    if not isinstance(call, exp.Anonymous) or call.name in RECORDS:
        raise FeatureNotSupported(
            "this function in ROWS FROM is not supported", position=position_of(function)
        )
    if call.name in PAIRS:
        pair = PAIRS[call.name]
        return [_named(each, column, call.expressions) for column, each in pair.items()]
    if call.name == "unnest":
        return [_named("unnest", "unnest", [each]) for each in call.expressions]
    if call.name in NUMBERED:
        return [_named(call.name, SETS.get(call.name) or call.name, call.expressions)]
    return [_named("unnest", call.name, [exp.Array(expressions=[call])])]  # of one row


def _named(function: str, column: str, arguments: list[exp.Expr]) -> exp.Expr:
    call = exp.Anonymous(this=function, expressions=[each.copy() for each in arguments])
    return exp.alias_(call, column, quoted=True)


def _numbered(rows: exp.Select) -> exp.Select:
    inner = exp.Subquery(this=rows, alias=exp.TableAlias(this=exp.to_identifier("listed", True)))
    number = exp.Window(this=exp.Anonymous(this="row_number"))
    every = exp.Column(this=exp.Star(), table=exp.to_identifier("listed", True))
    items = [every, exp.alias_(number, "ordinality", quoted=True)]
    return exp.Select(expressions=items, from_=exp.From(this=inner))
