"""What one row of a group counts in an aggregate: the slope of it by each argument there.

In the text of a weight `e` is the argument in the row and `o` the second of two; of the group, `f`
is the aggregate, `n` the number of rows that count, `m` the mean of the first argument and `q` of
the second; `a`, `b` and `x` are regr_sxx, regr_syy and regr_sxy of both, `s` the slope of their
line; `t` is the number of rows that win, where `e` is the extreme. Each is the derivative of the
aggregate's definition, such as var_pop = sum((e - m)^2) / n; ties share evenly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.queries import double
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.dialect import own_value
from gateway.sql.text.trees import copied, nodes_of
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
    return tuple(None if text is None else own_value(text).copy() for text in texts)


def _name(call: exp.Anonymous) -> str:
    name = call.name.lower()
    return AGGREGATE_SYNONYMS.get(name, name)


# What a letter of a weight is of the arguments in a group: a function, and which of them.
_OF_GROUP = {
    "n": ("count", "e"),
    "m": ("avg", "e"),
    "q": ("avg", "o"),
    "a": ("regr_sxx", "eo"),
    "b": ("regr_syy", "eo"),
    "x": ("regr_sxy", "eo"),
    "s": ("regr_slope", "eo"),
}


@dataclass(frozen=True, eq=False)
class Call:
    """An aggregate of a SELECT: as it is written, its arguments, and a number for its columns.

    An argument is NULL in the rows that the aggregate passes over.
    """

    written: exp.Expr
    call: exp.Anonymous
    arguments: tuple[exp.Expr, ...]
    number: int

    def named(self, letter: str) -> str:
        """What the column of a letter of its weights is called."""
        return f"{letter} {self.number}"

    def slope(self, place: int, name: str) -> str:
        """What the column is called that has the slope of an argument by `name`."""
        return f"d {self.number}.{place} {name}"

    @property
    def asked(self) -> list[str]:
        """What its weights ask of the group beside the aggregate itself."""
        names = letters_of(self.call)
        return [letter for letter in _OF_GROUP if letter in names]

    def of_group(self, letter: str) -> exp.Expr:
        """A letter of its weights, of the group; `f` is the aggregate itself."""
        if letter == "f":
            return copied(self.written)
        name, which = _OF_GROUP[letter]
        arguments = [double(self.arguments["eo".index(each)]) for each in which]
        return exp.Anonymous(this=name, expressions=arguments)


# Of each aggregate, what a row counts in it by each of its arguments; None: nothing.
Weights = Mapping[Call, Sequence[exp.Expr | None]]


def calls_in(values: Iterable[exp.Expr]) -> Iterator[Call]:
    """The aggregates in some values of a SELECT, each once."""
    seen: list[exp.Expr] = []
    for made in values:
        for call in nodes_of(made, exp.Anonymous):
            if not is_aggregate(call):
                continue
            written = call.parent if isinstance(call.parent, exp.Filter) else call
            if written in seen:
                continue
            seen.append(written)
            yield Call(written, call, _arguments(written, call), len(seen))


def _arguments(written: exp.Expr, call: exp.Anonymous) -> tuple[exp.Expr, ...]:
    given = call.expressions or [exp.null()]
    found = []
    for argument in given:
        others = [each for each in given if each is not argument]
        asked: list[exp.Expr] = [
            exp.Not(this=exp.Is(this=copied(o), expression=exp.null())) for o in others
        ]
        if isinstance(written, exp.Filter):
            asked.append(exp.paren(copied(written.expression.this), copy=False))
        made = copied(argument)
        if asked:
            chosen = exp.If(this=exp.and_(*asked, copy=False), true=made)
            made = exp.Case(ifs=[chosen])
        found.append(made)
    return tuple(found)
