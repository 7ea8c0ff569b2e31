"""How many digits a numeric can have, before the point and after it, as far as its text tells.

The engine's decimals have one scale for a column: after + the larger one of both sides, after *
their sum. What is told here is that scale, exactly, and before the point no fewer digits than can
come.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.inputs.number_input import read_numeric
from gateway.sql.names.scope import Output, resolve
from gateway.sql.types.inference import Types, bare
from gateway.sql.types.modifiers import cast_modifier, modifier_digits
from gateway.sql.types.numerals import COMPUTED_SCALE, digits
from gateway.sql.types.results import OF_NUMERICS
from gateway.sql.types.together import together, value_columns
from gateway.types import NUMERIC, Type

# Digits before and after the point.
Form = tuple[int, int]

# The engine adds up 38 digits without a look at what no longer fits; a sum may have ten more.
MOST_SUMMED = 28
# Digits after the point of a quotient, which has 76 in all, as whatever is made of it.
QUOTIENT_SCALE = 20
_COMPUTED_WHOLE = 40  # fewer than there is room for: what is computed of them has more
_MOST_DIGITS = 38
_INTEGERS = {"int2": (5, 0), "int4": (10, 0), "int8": (19, 0)}
# Of a column without digits.
UNKNOWN_NUMERIC = (28, 10)

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_LIKE_FIRST = frozenset({"abs", "min", "max", "lag", "lead", "first_value", "last_value"})
ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nullif"})
ROUNDING = frozenset({"round", "trunc"})
_WHOLE = frozenset({"floor", "ceil", "ceiling"})
# What a cast without digits becomes.
_READ = frozenset({"numeric_of_float", "numeric_of_text"})
MEANS = frozenset({"avg", "mean"})
# Functions that give a numeric of numerics, of which this is known.
COMPUTED = ALTERNATIVES | _LIKE_FIRST | ROUNDING | _WHOLE | MEANS | {"sum", "mod"}


def is_wide(form: Form | None) -> bool:
    """Whether the engine holds such a number in 256 bits."""
    return form is None or form[1] >= QUOTIENT_SCALE or sum(form) > _MOST_DIGITS


def kept_digits(tree: exp.Expr) -> int | None:
    """The second argument of round and trunc, where it is written."""
    sign = -1 if isinstance(tree, exp.Neg) else 1
    value = bare(tree.this if sign < 0 else tree)
    return sign * int(value.name) if isinstance(value, exp.Literal) and value.is_int else None


def fits(form: Form | None) -> bool:
    """Whether the engine holds all such numbers, in 38 digits, or in 76 where it divides."""
    if form is None:
        return False
    most = 2 * _MOST_DIGITS if form[1] >= QUOTIENT_SCALE else _MOST_DIGITS
    return sum(form) <= most


def form_of(tree: exp.Expr, types: Types) -> Form | None:
    """The most digits of an integer or a numeric before the point, and those after it.

    None where it is something else, or cannot be told.
    """
    tree = bare(tree)
    if isinstance(tree, exp.Literal):
        return None if tree.is_string else _written(tree)
    if isinstance(tree, exp.Neg | exp.Filter | exp.Window | exp.Distinct):
        inside = tree.expressions[0] if isinstance(tree, exp.Distinct) else tree.this
        return form_of(inside, types)
    if isinstance(tree, _ARITHMETIC) and (form := _computed(tree, types)) is not None:
        return form
    if isinstance(tree, exp.Case) or (
        isinstance(tree, exp.Anonymous) and tree.name.lower() in ALTERNATIVES
    ):
        return _widest(together(tree), types)
    kind = types.of(tree)
    if kind is not None and kind.name in _INTEGERS:
        return _INTEGERS[kind.name]
    if isinstance(tree, exp.Anonymous):
        return _of_call(tree, types)
    if isinstance(tree, exp.Column):
        return _of_column(tree, types)
    return _of_cast(tree, types) if kind is NUMERIC and isinstance(tree, exp.Cast) else None


def _of_cast(tree: exp.Cast, types: Types) -> Form | None:
    typmod = cast_modifier(tree)
    if typmod < 0 and isinstance(tree.this, exp.Literal):
        if tree.this.is_string:
            read_numeric(tree.this.name)
        return form_of(exp.Literal.number(tree.this.name), types)
    if typmod < 0 and (kind := types.of(tree.this)) is not None and kind.name not in _INTEGERS:
        return form_of(tree.this, types) if kind is NUMERIC else (_COMPUTED_WHOLE, COMPUTED_SCALE)
    return _of_modifier(typmod)


def _written(literal: exp.Expr) -> Form:
    precision, scale = digits(literal.name)
    return precision - scale, scale


def _computed(tree: exp.Binary, types: Types) -> Form | None:
    pair = (tree.this, tree.expression)
    forms = [form_of(side, types) for side in pair]
    if type(tree) is exp.Div and not all(map(_is_integer, map(types.of, pair))):
        return _quotient(forms)
    return _combined(type(tree), forms)


def _is_integer(kind: Type | None) -> bool:
    return kind is not None and kind.name in _INTEGERS


def _quotient(sides: Sequence[Form | None]) -> Form | None:
    left, right = sides
    return None if left is None or right is None else (left[0] + right[1], QUOTIENT_SCALE)


def _combined(operation: type[exp.Expr], sides: Sequence[Form | None]) -> Form | None:
    left, right = sides
    if left is None or right is None:
        return None
    scale = max(left[1], right[1])
    if operation is exp.Mul:
        left, right = factors(left, right)
        return left[0] + right[0], left[1] + right[1]
    return max(left[0], right[0]) + (operation is not exp.Mod), scale


def factors(left: Form, right: Form) -> tuple[Form, Form]:
    """What is multiplied: a product of what was computed has as many digits as each of them."""
    if left[1] + right[1] <= 2 * _MOST_DIGITS:
        return left, right
    return (left[0], min(left[1], COMPUTED_SCALE)), (right[0], min(right[1], COMPUTED_SCALE))


def _widest(values: Sequence[exp.Expr], types: Types) -> Form | None:
    forms = [form_of(value, types) for value in values if not isinstance(bare(value), exp.Null)]
    return _joined([form for form in forms if form is not None]) if all(forms) else None


def _joined(forms: Sequence[Form]) -> Form | None:
    return (max(f[0] for f in forms), max(f[1] for f in forms)) if forms else None


def _of_call(call: exp.Anonymous, types: Types) -> Form | None:
    name, given = call.name.lower(), call.expressions
    if name in OF_NUMERICS or name in _READ:
        return _COMPUTED_WHOLE, COMPUTED_SCALE
    if name == "numeric_of_double":
        return UNKNOWN_NUMERIC
    first = form_of(given[0], types) if given else None
    if name == "sign" and first is not None:
        return 1, 0
    if first is None or name not in COMPUTED:
        return None
    if name == "sum":
        return first[0] + 10, first[1]
    if name in MEANS:
        return first[0], QUOTIENT_SCALE
    if name in ROUNDING:
        kept = kept_digits(given[1]) if len(given) == 2 else 0
        return None if kept is None else (first[0] + 1, max(kept, 0))
    if name in _WHOLE:
        return first[0] + 1, 0
    return _combined(exp.Mod, [form_of(each, types) for each in given]) if name == "mod" else first


def _of_column(column: exp.Column, types: Types) -> Form | None:
    """That of a column of a table, or of what gives it in a subquery or in VALUES."""
    if types.block is None:
        return None
    try:
        source, name = resolve(types.block, column)
    except GatewayError:  # refused elsewhere
        return None
    info = source.info(name)
    given = source.tree if source.query is None else source.query.tree
    place = list(source.columns or (name,)).index(name)
    if isinstance(given, exp.Values):
        columns = value_columns(given)
        return _widest(columns[place], Types(None)) if columns else None
    if source.query is None:
        return _of_modifier(info.typmod) if info.type is NUMERIC else None
    if source.recursive or len(source.query.outputs) <= place:
        return None
    return _of_output(source.query.outputs[place])


def _of_output(output: Output) -> Form | None:
    """That of a query's column; of a set operation all that it joins."""
    if output.sides:
        forms = [_of_output(side) for side in output.sides]
        return _joined([form for form in forms if form is not None]) if all(forms) else None
    return None if output.expression is None else form_of(output.expression, Types(output.block))


def _of_modifier(typmod: int) -> Form:
    if typmod < 0:
        return UNKNOWN_NUMERIC
    precision, scale = modifier_digits(typmod)
    return precision - scale, scale
