"""One row per aggregate: its derivative by a parameter, written in SQL over its arguments' names.

A parameter has one value in all rows of a group (or of a window's partition), so a small change of
it moves every row's argument at once: `dx` is the derivative of the argument `x` in each row. `f`
is the value of the call itself; inside an aggregate, where there is one value for each row, it is
that of the row's group. Every call in a rule gets the FILTER and the OVER of the call it is for.
A missing row means that the aggregate is refused by name; None that it changes in steps at most.

Rows that an aggregate passes over because an argument is NULL are passed over by its derivative:
`grouped` makes `dx` and `dy` NULL there. `n` and `c` are arguments that stand as they were written.
Sources: the definitions in the manual of PostgreSQL, 9.21; regr_sxy(y, x) is the sum of the
products of what y and x differ from their means, which is linear in either.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sql.types.results import AGGREGATE_SYNONYMS


class Called:
    """A row about one function, which its `call` shows: `name(argument, ...)`."""

    __slots__ = ()
    call: str

    @property
    def name(self) -> str:
        return self.call.partition("(")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        inside = self.call.partition("(")[2].rstrip(")")
        return tuple(part.strip() for part in inside.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class AggregateRule(Called):
    """How one aggregate, or function over a window, answers a small change of its arguments."""

    call: str  # `x` and `y` are differentiated
    tangent: str | None
    rows: int | None = 1  # it is NULL when fewer rows count; None: also for other reasons

    @property
    def takes_winners(self) -> bool:
        """Whether its derivative compares each row with the value of the call."""
        return self.name in ("max", "min")


# The mean over the rows that win; at a tie they share evenly, as JAX does.
_WINNERS = "avg(CASE WHEN x = f THEN dx ELSE NULL END)"

# A standard deviation of 0 is a kink, or there is one row only: the slope is 0, as that of abs.
# That of values that are all the same may be as far from 0 as they are rounded.
_STDDEV_POP = "CASE WHEN f <= 1e-15 * abs(avg(x)) THEN 0.0 ELSE covar_pop(x, dx) / f END"
_STDDEV_SAMP = "CASE WHEN f <= 1e-15 * abs(avg(x)) THEN 0.0 ELSE covar_samp(x, dx) / f END"

_CORR = """(regr_sxy(dy, x) + regr_sxy(y, dx)) / sqrt(regr_sxx(y, x) * regr_syy(y, x))
  - f * (regr_sxy(y, dy) / regr_syy(y, x) + regr_sxy(x, dx) / regr_sxx(y, x))"""
_SLOPE = "(regr_sxy(dy, x) + regr_sxy(y, dx) - 2.0 * f * regr_sxy(x, dx)) / regr_sxx(y, x)"
_INTERCEPT = """avg(dy) - regr_slope(y, x) * avg(dx) - regr_avgx(y, x) * (regr_sxy(dy, x)
  + regr_sxy(y, dx) - 2.0 * regr_slope(y, x) * regr_sxy(x, dx)) / regr_sxx(y, x)"""
_R2 = """2.0 * (regr_sxy(y, x) * (regr_sxy(dy, x) + regr_sxy(y, dx))
  / (regr_sxx(y, x) * regr_syy(y, x))
  - f * (regr_sxy(y, dy) / regr_syy(y, x) + regr_sxy(x, dx) / regr_sxx(y, x)))"""

AGGREGATE_RULES = (
    #             call                     derivative                                     rows
    AggregateRule("sum(x)",                "sum(dx)"),
    AggregateRule("avg(x)",                "avg(dx)"),
    AggregateRule("count(x)",              None),
    AggregateRule("min(x)",                _WINNERS),
    AggregateRule("max(x)",                _WINNERS),
    AggregateRule("var_pop(x)",            "2.0 * covar_pop(x, dx)"),
    AggregateRule("var_samp(x)",           "2.0 * covar_samp(x, dx)",                     2),
    AggregateRule("stddev_pop(x)",         _STDDEV_POP),
    AggregateRule("stddev_samp(x)",        _STDDEV_SAMP,                                  2),
    AggregateRule("covar_pop(y, x)",       "covar_pop(dy, x) + covar_pop(y, dx)"),
    AggregateRule("covar_samp(y, x)",      "covar_samp(dy, x) + covar_samp(y, dx)",       2),
    AggregateRule("corr(y, x)",            _CORR,                                         None),
    AggregateRule("regr_count(y, x)",      None),
    AggregateRule("regr_avgx(y, x)",       "avg(dx)"),
    AggregateRule("regr_avgy(y, x)",       "avg(dy)"),
    AggregateRule("regr_sxx(y, x)",        "2.0 * regr_sxy(x, dx)"),
    AggregateRule("regr_syy(y, x)",        "2.0 * regr_sxy(y, dy)"),
    AggregateRule("regr_sxy(y, x)",        "regr_sxy(dy, x) + regr_sxy(y, dx)"),
    AggregateRule("regr_slope(y, x)",      _SLOPE,                                        None),
    AggregateRule("regr_intercept(y, x)",  _INTERCEPT,                                    None),
    AggregateRule("regr_r2(y, x)",         _R2,                                           None),
    AggregateRule("lag(x)",                "lag(dx)",                                     None),
    AggregateRule("lag(x, n)",             "lag(dx, n)",                                  None),
    AggregateRule("lag(x, n, c)",          "lag(dx, n, 0.0)",                             None),
    AggregateRule("lead(x)",               "lead(dx)",                                    None),
    AggregateRule("lead(x, n)",            "lead(dx, n)",                                 None),
    AggregateRule("lead(x, n, c)",         "lead(dx, n, 0.0)",                            None),
)  # fmt: skip

# Functions that are nothing without OVER.
WINDOW_FUNCTIONS = frozenset({"lag", "lead"})

# What does not answer to an argument that is the same in every row.
COVARIANCES = frozenset({"covar_pop", "covar_samp", "regr_sxy"})

BY_CALL = {(rule.name, len(rule.arguments)): rule for rule in AGGREGATE_RULES}


def aggregate_rule(name: str, arity: int) -> AggregateRule | None:
    """The row for a call of `name` with `arity` arguments; None when it must be refused."""
    return BY_CALL.get((AGGREGATE_SYNONYMS.get(name, name), arity))
