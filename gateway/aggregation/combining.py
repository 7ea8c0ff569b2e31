"""Aggregates as what is kept of each part, and as what the engine makes of the parts.

`#` in a row stands for the number of the argument; `"sum #"` and its like are columns of
`partials`. The variance of all parts is that within them (`squares`) and that between
them, reckoned from one number near the mean (`away`, `pull`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlglot import exp

from gateway.sql.names.scope import column_node
from gateway.sql.text.dialect import parse_value

_DEVIATIONS = (
    'greatest(sum("squares #") + sum("pull #")'
    ' - power(sum("away #"), 2.0) / sum("count #"), 0.0::double precision)'
)
_POPULATION = f'CASE WHEN sum("count #") > 0 THEN {_DEVIATIONS} / sum("count #") END'
_SAMPLE = f'CASE WHEN sum("count #") > 1 THEN {_DEVIATIONS} / (sum("count #") - 1) END'


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How an aggregate is made of parts: what is kept of each, and the sum of them in SQL."""

    kinds: frozenset[str]
    combined: str


def _of(kind: str, combined: str) -> Aggregate:
    return Aggregate(frozenset({kind}), combined)


_MEAN = _of("avg", 'sum("avg #") / CAST(sum("count #") AS double precision)')
_VAR_SAMPLE, _VAR_POPULATION = _of("moments", _SAMPLE), _of("moments", _POPULATION)
_STDDEV = _of("moments", f"sqrt({_SAMPLE})")

# A missing row: the aggregate is the engine's.
AGGREGATES: dict[str, Aggregate] = {
    "count":          _of("count", 'coalesce(sum("count #"), 0)'),
    "sum":            _of("sum", 'sum("sum #")'),
    "avg":            _MEAN,
    "mean":           _MEAN,
    "min":            _of("min", 'min("min #")'),
    "max":            _of("max", 'max("max #")'),
    "var":            _VAR_SAMPLE,
    "variance":       _VAR_SAMPLE,
    "var_samp":       _VAR_SAMPLE,
    "var_sample":     _VAR_SAMPLE,
    "var_pop":        _VAR_POPULATION,
    "var_population": _VAR_POPULATION,
    "stddev":         _STDDEV,
    "stddev_samp":    _STDDEV,
    "stddev_pop":     _of("moments", f"sqrt({_POPULATION})"),
}  # fmt: skip
# Of reals: the engine begins each group with a finite number (`lowered.not_numbers`).
REAL_EXTREMES = {
    "min": """CASE WHEN bool_and("min #" = 'Infinity'::double precision) THEN max("min #")
              ELSE min("min #") END""",
    "max": """CASE WHEN bool_and("max #" = '-Infinity'::double precision) THEN min("max #")
              ELSE max("max #") END""",
}
# Of bigint: the sum of each part is one still, that of all may be beyond it.
EXACT_SUM = 'sum(CAST("sum #" AS DECIMAL(38, 0)))'
ROWS = 'coalesce(sum("rows"), 0)'


def combined(text: str, number: int, alias: str) -> exp.Expr:
    """The expression of a row, over the parts of argument `number` in the relation `alias`."""
    tree = _parsed(text).copy()
    for column in list(tree.find_all(exp.Column)):
        column.replace(column_node(alias, column.name.replace("#", str(number))))
    return exp.Paren(this=tree)


@cache
def _parsed(text: str) -> exp.Expr:
    root = exp.Paren(this=parse_value(text))
    found: exp.Expr = root.this.pop()
    return found
