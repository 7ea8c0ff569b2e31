"""ROWS FROM (f(x), g(y)): functions side by side, those that end first filled up with NULL.

Functions that give rows do so in a SELECT list, too, so it is a subquery of one. PostgreSQL takes
any function in FROM (manual, 7.2.1.4): one of one value is a row of one column, which goes by the
relation's name.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GroupingError
from gateway.sql.lowered.relations.sets import (
    RECORDS,
    alias_of,
    looks_around,
    put_in_from,
    with_numbers,
)
from gateway.sql.names.row_functions import NUMBERED, PAIRS, SETS
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse_value
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
        rows = with_numbers(rows)
    looks = table.find(exp.Column) is not None
    put_in_from(table, rows, alias_of(table, items[0].alias), looks=looks)


def _items(function: exp.Expr) -> list[exp.Expr]:
    call = function.this if isinstance(function, exp.Table) else function
    if isinstance(call, exp.Unnest) or call.name == "unnest":
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
    if call.name in NUMBERED:
        return [_named(call.name, SETS.get(call.name) or call.name, call.expressions)]
    return [_named("unnest", call.name, [exp.Array(expressions=[call])])]  # of one row


def _named(function: str, column: str, arguments: list[exp.Expr]) -> exp.Expr:
    call = exp.Anonymous(this=function, expressions=[each.copy() for each in arguments])
    return exp.alias_(call, column, quoted=True)


_GIVE_ROWS = frozenset(("unnest", *NUMBERED, *PAIRS, *RECORDS))


# Words that are values without parentheses, and no names of relations (manual, appendix C).
VALUE_WORDS = frozenset(
    {"current_catalog", "current_date", "current_role", "current_schema", "current_time",
     "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user", "user"}
)  # fmt: skip


def select_words(tree: exp.Expr) -> None:
    """Write `FROM current_date` as a subquery, in place."""
    for table in nodes_of(tree, exp.Table):
        word = table.this
        if table.db or not isinstance(word, exp.Identifier) or word.quoted:
            continue
        if word.name in VALUE_WORDS:
            _select(table, parse_value(word.name), word.name)


def select_lone_values(tree: exp.Expr) -> None:
    """Write `FROM f(x)` as a subquery, in place, unless `f` gives rows.

    Raises:
        GroupingError: 42803, f is an aggregate.
    """
    _unmark(tree)
    for table in nodes_of(tree, exp.Table):
        call = table.this
        if not isinstance(call, exp.Anonymous) or call.name in _GIVE_ROWS:
            continue
        if table.db in ("", "pg_catalog"):
            if is_aggregate(call):
                raise GroupingError(
                    "aggregate functions are not allowed in functions in FROM",
                    position=position_of(call),
                )
            _select(table, call, call.name)


def _unmark(tree: exp.Expr) -> None:
    """LATERAL before a function says no more than is so anyhow."""
    for lateral in nodes_of(tree, exp.Lateral):
        if isinstance(lateral.this, exp.Anonymous):
            alias = lateral.args.get("alias")
            numbered = lateral.args.get("ordinality")
            lateral.replace(exp.Table(this=lateral.this.copy(), alias=alias, ordinality=numbered))
        elif isinstance(lateral.this, exp.Unnest):
            unnest = lateral.this.copy()
            unnest.set("alias", lateral.args.get("alias") or unnest.args.get("alias"))
            lateral.replace(unnest)


def _select(table: exp.Table, call: exp.Expr, function: str) -> None:
    alias = alias_of(table, function)
    items: list[exp.Expr] = [exp.alias_(call.copy(), alias.name, quoted=True)]
    if table.args.get("ordinality"):
        one = exp.Cast(this=exp.Literal.number(1), to=data_type("bigint"))
        items.append(exp.alias_(one, "ordinality", quoted=True))
    put_in_from(table, exp.Select(expressions=items), alias, looks=looks_around(call))
