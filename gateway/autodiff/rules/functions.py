"""One row per function: its partial derivatives, written in SQL over its arguments' names.

A missing row means the function is refused by name; a partial of None means that the function is
constant almost everywhere in that argument. `f` in a partial is the value of the call itself.
Sources: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.2-4.6. At a kink abs
has slope 0, as in PyTorch; JAX takes 1.

Partials are **total over the domain of the function**: where the call gives a number, so does the
partial, never an error. DataFusion raises on ``sqrt(-1.0)`` and ``power(0.0, -1.0)``, and one such
row would end the whole query, hence the CASE guards. Where the call gives NaN, so does the
partial. 'NaN' and 'Infinity' are the double precision numbers. A NULL argument needs no care here:
`linearize` guards what a partial forgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from gateway.autodiff.rules import simplify
from gateway.autodiff.rules.aggregates import Called
from gateway.autodiff.rules.graph import Graph, Node

Partial = str | Callable[[Graph, tuple[Node, ...]], Node | str] | None


@dataclass(frozen=True, slots=True)
class Rule(Called):
    """How one SQL function answers a small change of each argument."""

    call: str  # its arguments' names are the names used in the partials
    partials: tuple[Partial, ...]  # one per argument, in order


def _power_by_base(graph: Graph, arguments: tuple[Node, ...]) -> Node | str:
    """d/dx of power(x, y); a literal exponent is exact: 0 gives 0, 1 gives 1, 2 gives 2x."""
    base, exponent = arguments
    if exponent.number is None:
        return _POWER_BY_BASE
    lowered = exponent.number - 1
    if exponent.number == 0:
        return graph.number(0)
    if lowered == 0:
        return graph.number(1)
    if lowered == 1:
        return simplify.multiply(graph, exponent, base)
    slope = simplify.multiply(graph, exponent, graph.node("power", base, graph.number(lowered)))
    if lowered > 0 or exponent.number < 0:
        return slope
    # 0 < exponent < 1: the function is 0 at 0 and rises vertically there; power(0, < 0) raises.
    at_zero = graph.node("=", base, graph.number(0))
    return simplify.choose(graph, at_zero, graph.number(Decimal("Infinity")), slope)


# A column as exponent. At x = 0 and below an exponent of 1, power() would raise; the slope is 0 or
# infinite there. No other point is set apart: it would be a constant for the next derivative.
# NaN to the power of 0 is 1.
_POWER_BY_BASE = """CASE WHEN isnan(x) THEN x * y WHEN x = 0.0 AND y < 1.0
  THEN CASE WHEN y = 0.0 THEN 0.0 ELSE 'Infinity' END
  ELSE y * power(x, y - 1.0) END"""

# 0 to a positive power stays 0; ln(0) is -Infinity and would make it NaN. At 0 to the power of 0,
# where the function jumps, it is 0 as well, as in JAX.
# NaN is greater than Infinity.
_POWER_BY_EXPONENT = """CASE WHEN x = 0.0 AND y >= 0.0 AND y <= 'Infinity' THEN 0.0
  ELSE ln(x) * f END"""


def _mod_by_first(graph: Graph, arguments: tuple[Node, ...]) -> Node | str:
    """d/dx of mod(x, y) is 1, and NaN where y is 0."""
    divisor = arguments[1].number
    return graph.number(1) if divisor else "CASE WHEN y = 0.0 THEN 'NaN' ELSE 1.0 END"


_MOD_BY_SECOND = "CASE WHEN y = 0.0 THEN 'NaN' ELSE -trunc(x / y) END"

_ASIN = "CASE WHEN abs(x) > 1.0 THEN 'NaN' ELSE 1.0 / sqrt((1.0 - x) * (1.0 + x)) END"
_ACOS = "CASE WHEN abs(x) > 1.0 THEN 'NaN' ELSE -1.0 / sqrt((1.0 - x) * (1.0 + x)) END"
_ASIND = _ASIN.replace("1.0 /", "degrees(1.0) /")
_ACOSD = _ACOS.replace("-1.0 /", "-degrees(1.0) /")
_ATAN2D_BY_SECOND = "-degrees(y / (x * x + y * y))"
_ACOSH = "CASE WHEN x < 1.0 THEN 'NaN' ELSE 1.0 / sqrt((x - 1.0) * (x + 1.0)) END"
_ATANH = "CASE WHEN abs(x) > 1.0 THEN 'NaN' ELSE 1.0 / ((1.0 - x) * (1.0 + x)) END"
_LOG = "CASE WHEN x < 0.0 THEN 'NaN' ELSE 1.0 / (x * ln(b)) END"

RULES = (
    #    call              d/d first argument                          d/d second argument
    Rule("sin(x)",         ("cos(x)",)),
    Rule("cos(x)",         ("-sin(x)",)),
    Rule("tan(x)",         ("1.0 + f * f",)),
    Rule("cot(x)",         ("-(1.0 + f * f)",)),
    Rule("asin(x)",        (_ASIN,)),
    Rule("acos(x)",        (_ACOS,)),
    Rule("atan(x)",        ("1.0 / (1.0 + x * x)",)),
    Rule("atan2(y, x)",    ("x / (x * x + y * y)",                     "-y / (x * x + y * y)")),
    Rule("sinh(x)",        ("cosh(x)",)),
    Rule("cosh(x)",        ("sinh(x)",)),
    Rule("tanh(x)",        ("1.0 - f * f",)),
    Rule("asinh(x)",       ("1.0 / sqrt(x * x + 1.0)",)),
    Rule("acosh(x)",       (_ACOSH,)),
    Rule("atanh(x)",       (_ATANH,)),
    Rule("exp(x)",         ("f",)),
    Rule("ln(x)",          ("CASE WHEN x < 0.0 THEN 'NaN' ELSE 1.0 / x END",)),
    Rule("log2(x)",        ("CASE WHEN x < 0.0 THEN 'NaN' ELSE 1.0 / (x * ln(2.0)) END",)),
    Rule("log10(x)",       ("CASE WHEN x < 0.0 THEN 'NaN' ELSE 1.0 / (x * ln(10.0)) END",)),
    Rule("log(x)",         ("CASE WHEN x < 0.0 THEN 'NaN' ELSE 1.0 / (x * ln(10.0)) END",)),
    Rule("log(b, x)",      ("-f / (b * ln(b))",                        _LOG)),
    Rule("sqrt(x)",        ("0.5 / f",)),
    Rule("cbrt(x)",        ("1.0 / (3.0 * f * f)",)),
    Rule("abs(x)",         ("signum(x)",)),
    Rule("power(x, y)",    (_power_by_base,                            _POWER_BY_EXPONENT)),
    Rule("mod(x, y)",      (_mod_by_first,                             _MOD_BY_SECOND)),
    Rule("erf(x)",         ("2.0 / sqrt(pi()) * exp(-x * x)",)),
    Rule("erfc(x)",        ("-2.0 / sqrt(pi()) * exp(-x * x)",)),
    Rule("degrees(x)",     ("degrees(1.0)",)),
    Rule("radians(x)",     ("radians(1.0)",)),
    Rule("sind(x)",        ("radians(cosd(x))",)),
    Rule("cosd(x)",        ("-radians(sind(x))",)),
    Rule("tand(x)",        ("radians(1.0 + f * f)",)),
    Rule("cotd(x)",        ("-radians(1.0 + f * f)",)),
    Rule("asind(x)",       (_ASIND,)),
    Rule("acosd(x)",       (_ACOSD,)),
    Rule("atand(x)",       ("degrees(1.0) / (1.0 + x * x)",)),
    Rule("atan2d(y, x)",   ("degrees(x / (x * x + y * y))",            _ATAN2D_BY_SECOND)),
    Rule("signum(x)",      (None,)),
    Rule("floor(x)",       (None,)),
    Rule("ceil(x)",        (None,)),
    Rule("round(x)",       (None,)),
    Rule("rint(x)",        (None,)),
    Rule("round(x, n)",    (None,                                      None)),
    Rule("trunc(x)",       (None,)),
    Rule("trunc(x, n)",    (None,                                      None)),
)  # fmt: skip

# What casts to real and to numeric are in a subquery, as smooth as the casts; and `UNSIGNED`.
CASTS = (
    Rule("real_of_double(x)", ("1.0",)),
    Rule("six_digits(x)", ("1.0",)),
    Rule("numeric_of_float(x)", ("1.0",)),
    Rule("numeric_of_double(x, n)", ("1.0", None)),
    Rule("unsigned_nan(x)", ("1.0",)),
    Rule("moved(x, s, t)", ("1.0", "t", None)),
    Rule("one_of_each(x, n, s)", ("1.0", None, None)),
)

# x, which moves by t with s (`autodiff.relational.directions`).
MOVED = "moved"

# What takes the sign of a NaN away before it is compared (`sql.lowered.values.not_numbers`).
UNSIGNED = "unsigned_nan"

# Constant almost everywhere, whatever their arguments and however many: functions of integers,
# steps, questions, and what is to count as a constant. A call is a leaf that prints as it was
# written.
STEPS = frozenset({"factorial", "gcd", "lcm", "isnan", "iszero", "div", "width_bucket",
                   "stop_gradient"})  # fmt: skip

# Functions that raise for some arguments: what holds them may not be computed for a row that a
# CASE keeps from them.
RAISING = frozenset({"sqrt", "power", "asind", "acosd", "sind", "cosd", "tand", "cotd"})

# What SQL that is not looked into may be made of, and raise nothing.
_HARMLESS = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.EQ, exp.NEQ,
    exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.And, exp.Or, exp.Not,
)  # fmt: skip

# Other names of the same functions.
SYNONYMS = {
    "pow": "power", "ceiling": "ceil", "sign": "signum", "nvl": "coalesce", "ifnull": "coalesce",
}  # fmt: skip

BY_CALL = {(rule.name, len(rule.arguments)): rule for rule in (*RULES, *CASTS)}


def rule_for(name: str, arity: int) -> Rule | None:
    """The row for a call of `name` with `arity` arguments; None when it must be refused."""
    return BY_CALL.get((SYNONYMS.get(name, name), arity))


def may_raise(node: Node) -> bool:
    """Whether computing a node of its arguments may raise, which a CASE may keep it from."""
    if node.leaf is None:
        return node.op in RAISING
    return not all(isinstance(part, _HARMLESS) for part in node.leaf.sql.walk())
