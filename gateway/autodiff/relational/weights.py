"""What one row of a group counts in an aggregate: the slope of the aggregate by its argument there.

In the text of a weight `e` is the argument in the row; of the group, `f` is the aggregate, `n` the
number of its arguments, `m` their mean; `t` is the number of rows that win, where `e` is the
extreme. Each is the derivative of the aggregate's definition, such as
var_pop = sum((e - m)^2) / n; ties share evenly.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp

from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.results import AGGREGATE_SYNONYMS

EXTREMES = frozenset({"max", "min"})
_WINNER = "CASE WHEN e = w THEN 1.0 / t ELSE 0.0 END"
_WEIGHTS = {
    "sum": "1.0",
    "avg": "1.0 / n",
    "first_value": "1.0 / n",  # of rows that are alike in it: how one row of a subquery is joined
    "max": _WINNER,
    "min": _WINNER,
    "var_pop": "2.0 * (e - m) / n",
    "var_samp": "CASE WHEN n > 1.0 THEN 2.0 * (e - m) / (n - 1.0) END",
    "stddev_pop": "CASE WHEN f = 0.0 THEN 0.0 ELSE (e - m) / (n * f) END",
    "stddev_samp": "CASE WHEN f = 0.0 THEN 0.0 ELSE (e - m) / ((n - 1.0) * f) END",
}


def is_count(call: exp.Anonymous) -> bool:
    """Whether an aggregate is the same whatever the values of its argument are."""
    return call.name.lower() in ("count", "regr_count")


def has_weights(call: exp.Anonymous) -> bool:
    """Whether a row's weight in an aggregate is known."""
    name = call.name.lower()
    return AGGREGATE_SYNONYMS.get(name, name) in _WEIGHTS


def is_extreme(call: exp.Anonymous) -> bool:
    """Whether only the rows with the greatest or the least argument count."""
    return call.name.lower() in EXTREMES


def is_of_group(call: exp.Anonymous) -> bool:
    """Whether all rows of a group have the same weight."""
    return not any(column.name in "ewt" for column in nodes_of(weight_of(call), exp.Column))


def weight_of(call: exp.Anonymous) -> exp.Expr:
    """The weight of a row, in the names above."""
    name = call.name.lower()
    return _parsed(_WEIGHTS[AGGREGATE_SYNONYMS.get(name, name)]).copy()


@cache
def _parsed(text: str) -> exp.Expr:
    tree: exp.Expr = parse(f"SELECT {text}")[0].expressions[0]
    return tree
