"""What one row of a group counts in an aggregate: the slope of it by each argument there.

In the text of a weight `e` is the argument in the row and `o` the second of two; of the group, `f`
is the aggregate, `n` the number of rows that count, `m` the mean of the first argument and `q` of
the second; `a`, `b` and `x` are regr_sxx, regr_syy and regr_sxy of both, `s` the slope of their
line; `t` is the number of rows that win, where `e` is the extreme. Each is the derivative of the
aggregate's definition, such as var_pop = sum((e - m)^2) / n; ties share evenly.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp

from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.results import AGGREGATE_SYNONYMS

EXTREMES = frozenset({"max", "min"})
ROW_LETTERS = frozenset("eowt")
_WINNER = "CASE WHEN e = w THEN 1.0 / t ELSE 0.0 END"

# A deviation within the rounding of its values, as that of values that are all the same may come
# out: 0, where it has a kink.
_NO_SPREAD = "f <= 1e-15 * abs(m)"
# NULL where the aggregate is: of a single row, or of values of `o` that are all the same.
_N_LESS_1 = "CASE WHEN n > 1.0 THEN n - 1.0 END"
_SXX = "CASE WHEN a > 0.0 THEN a END"

# One for each argument; None: it does not count.
_WEIGHTS: dict[str, tuple[str | None, ...]] = {
    "sum": ("1.0",),
    "avg": ("1.0 / n",),
    "first_value": ("1.0 / n",),  # of rows that are alike: how one row of a subquery is joined
    "max": (_WINNER,),
    "min": (_WINNER,),
    "var_pop": ("2.0 * (e - m) / n",),
    "var_samp": (f"2.0 * (e - m) / {_N_LESS_1}",),
    "stddev_pop": (f"CASE WHEN {_NO_SPREAD} THEN 0.0 ELSE (e - m) / (n * f) END",),
    "stddev_samp": (f"CASE WHEN {_NO_SPREAD} THEN 0.0 ELSE (e - m) / ({_N_LESS_1} * f) END",),
    "covar_pop": ("(o - q) / n", "(e - m) / n"),
    "covar_samp": (f"(o - q) / {_N_LESS_1}", f"(e - m) / {_N_LESS_1}"),
    "corr": ("(o - q) / sqrt(a * b) - f * (e - m) / b", "(e - m) / sqrt(a * b) - f * (o - q) / a"),
    "regr_avgx": (None, "1.0 / n"),
    "regr_avgy": ("1.0 / n", None),
    "regr_sxx": (None, "2.0 * (o - q)"),
    "regr_syy": ("2.0 * (e - m)", None),
    "regr_sxy": ("o - q", "e - m"),
    "regr_slope": (f"(o - q) / {_SXX}", f"((e - m) - 2.0 * f * (o - q)) / {_SXX}"),
    "regr_intercept": (
        f"1.0 / n - q * (o - q) / {_SXX}",
        f"-s / n - q * ((e - m) - 2.0 * s * (o - q)) / {_SXX}",
    ),
    "regr_r2": (
        "2.0 * (x * (o - q) / (a * b) - f * (e - m) / b)",
        "2.0 * (x * (e - m) / (a * b) - f * (o - q) / a)",
    ),
}


def is_count(call: exp.Anonymous) -> bool:
    """Whether an aggregate is the same whatever the values of its argument are."""
    return call.name.lower() in ("count", "regr_count")


def has_weights(call: exp.Anonymous) -> bool:
    """Whether a row's weight in an aggregate is known."""
    return len(_WEIGHTS.get(_name(call), ())) == len(call.expressions) > 0


def is_extreme(call: exp.Anonymous) -> bool:
    """Whether only the rows with the greatest or the least argument count."""
    return call.name.lower() in EXTREMES


def is_of_group(call: exp.Anonymous) -> bool:
    """Whether it has one argument, of which all rows of a group have the same weight."""
    return len(call.expressions) == 1 and letters_of(call).isdisjoint(ROW_LETTERS)


def letters_of(call: exp.Anonymous) -> set[str]:
    """The letters in the weights of an aggregate."""
    weights = (weight for weight in weights_of(call) if weight is not None)
    return {column.name for weight in weights for column in nodes_of(weight, exp.Column)}


def weights_of(call: exp.Anonymous) -> tuple[exp.Expr | None, ...]:
    """The weight of a row by each argument, in the names above; None: it is 0."""
    texts = _WEIGHTS[_name(call)]
    return tuple(None if text is None else _parsed(text).copy() for text in texts)


def _name(call: exp.Anonymous) -> str:
    name = call.name.lower()
    return AGGREGATE_SYNONYMS.get(name, name)


@cache
def _parsed(text: str) -> exp.Expr:
    tree: exp.Expr = parse(f"SELECT {text}")[0].expressions[0]
    return tree
