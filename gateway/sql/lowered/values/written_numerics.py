"""Literals with a point and averages of integers as numerics, where none beside them is a double.

PostgreSQL reads `1.10` as a numeric of its own scale and computes with it exactly: `id * 0.1 = 0.3`
holds for 3. The engine would read a double. So a literal becomes a decimal where all that it is
computed with are integers, numerics and such literals, and where what comes out surely has no more
digits than the engine's decimals; elsewhere (beside a double, as a function's argument, among more
digits) it stays the double that it was. The average of integers, which the engine gives as a
double, is their sum by their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from gateway.sql.lowered.values.numeric_calls import NUMERIC_CALLS, call_numerics
from gateway.sql.lowered.values.numeric_spreads import spread_numerics
from gateway.sql.lowered.values.numerics import as_decimal
from gateway.sql.names.scope import Analysis
from gateway.sql.text.building import beside, whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.sql.types.numerals import is_point_literal
from gateway.sql.types.numeric_forms import ALTERNATIVES, COMPUTED, MEANS, fits, form_of
from gateway.sql.types.numeric_parameters import cast_numbers
from gateway.sql.types.numeric_spreads import SPREADS
from gateway.sql.types.numerics_as_doubles import is_numeric_there
from gateway.sql.types.results import OF_NUMERICS
from gateway.sql.types.together import elements, together, value_columns
from gateway.types import NUMERIC

_SIGNS = (exp.Paren, exp.Neg)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_COMPARING = (*COMPARISONS, exp.Between, exp.In)
_KEYS = (exp.Ordered, exp.Group, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Tuple, exp.Window)
_OUTPUTS = (exp.Alias, exp.Select)
# Functions that take a numeric for what it is.
_TAKING = frozenset(
    {"to_json", "to_jsonb", "json_agg", "jsonb_agg", "json_build_array", "jsonb_build_array",
     "json_build_object", "jsonb_build_object", "array_agg", "format", "concat", "concat_ws",
     "row", "div", "sign", "count", "to_char", "pg_typeof"}
) | OF_NUMERICS | frozenset(SPREADS)  # fmt: skip

_OF_ARRAYS = frozenset({"unnest", "pg_typeof", "array_to_string"})

# Calls that may become numerics.
WRITTEN_CALLS = frozenset({*NUMERIC_CALLS, *SPREADS, *MEANS})


def keep_written(tree: exp.Expr, analysis: Analysis) -> bool:
    """Let literals with a point, averages, ln and its like be numerics where they can, in place.

    True if there was one; then there may be more, of what is a numeric by now.
    """
    cast_numbers(tree, analysis.block_of)
    called = call_numerics(analysis) | spread_numerics(analysis)
    found: list[exp.Expr] = []
    means: list[tuple[exp.Expr, bool]] = []
    for block in analysis.blocks:
        if _is_recursive(block.select):
            continue  # the engine gives every round the digits of the first
        here, types = own_nodes(block.select), Types(block)
        found += _literals(here, types)
        means += _means(here, types)
    if isinstance(tree, exp.Values):
        found += _literals(own_nodes(tree), Types(None))
    for literal in found:
        as_decimal(literal)
    for call, whole in means:
        _divide(call, whole)
    return bool(found or means or called)


def _is_recursive(select: exp.Select) -> bool:
    clause = select.find_ancestor(exp.With)
    return clause is not None and bool(clause.args.get("recursive"))


def _literals(here: Sequence[exp.Expr], types: Types) -> Iterator[exp.Expr]:
    """Those of one SELECT that become decimals."""
    decided: dict[int, bool] = {}
    for node in here:
        if not is_point_literal(node):
            continue
        root = _whole(node)
        if id(root) not in decided:
            decided[id(root)] = _is_exact(root, types)
        if decided[id(root)]:
            yield node


def _means(here: Sequence[exp.Expr], types: Types) -> Iterator[tuple[exp.Expr, bool]]:
    """Averages that become a sum by a number, and whether they are of integers."""
    for node in reversed(here):
        if not isinstance(node, exp.Anonymous) or node.name.lower() not in MEANS:
            continue
        if len(node.expressions) != 1 or form_of(node.expressions[0], types) is None:
            continue
        over = whole_call(node)
        if any(isinstance(each, exp.Query) for each in over.walk()):
            continue  # it would be run twice
        exact = types.of(node) is NUMERIC
        if exact or _is_exact(_whole(node), types):
            yield node, not exact and not is_numeric_there(node.expressions[0], types)


def _divide(call: exp.Expr, whole: bool) -> None:
    over = whole_call(call)
    total, number = (beside(over, name) for name in ("sum", "count"))
    if whole:
        total = exp.Cast(this=total, to=data_type("decimal(29, 0)"))
        total.meta[GIVES] = NUMERIC
    over.replace(exp.paren(exp.Div(this=total, expression=number), copy=False))


def _whole(node: exp.Expr) -> exp.Expr:
    """All that a literal is computed with."""
    while (around := _around(node)) is not None:
        node = around
    return node


def _around(node: exp.Expr) -> exp.Expr | None:
    """What the value goes into and comes out of as a numeric; None if that ends here."""
    parent = node.parent
    if isinstance(parent, (*_SIGNS, *_ARITHMETIC)):
        return parent
    if isinstance(parent, exp.Order) and node.arg_key == "this":  # of an aggregate
        return _around(parent)
    if isinstance(parent, exp.If) and node.arg_key == "true":
        return parent.parent
    if isinstance(parent, exp.Case) and node.arg_key == "default":
        return parent
    if isinstance(parent, exp.Filter | exp.Window | exp.Distinct) and node.arg_key != "order":
        inside = node.arg_key == "this" or isinstance(parent, exp.Distinct)
        return parent if inside and not isinstance(parent.parent, exp.Select) else None
    if isinstance(parent, exp.Anonymous):
        name = parent.name.lower()
        first = node.index == 0 or name in ALTERNATIVES or name == "mod"
        return parent if name in COMPUTED and first else None
    return None


def _is_exact(root: exp.Expr, types: Types) -> bool:
    """Whether the value is a numeric of few enough digits, where a numeric may stand."""
    if not is_numeric_there(root, types) or not _fits(root, types):
        return False
    parent = root.parent
    if isinstance(parent, exp.Order):  # of an aggregate
        parent = parent.parent
    if isinstance(parent, exp.Array):
        return _is_exact_item(parent, types)
    if isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.Values):
        columns = value_columns(parent.parent)
        return bool(columns) and _are_exact(columns[root.index or 0], types)
    if isinstance(parent, _COMPARING):
        return _are_exact(together(parent), types)
    if isinstance(parent, exp.Cast):
        return parent.to.this not in (exp.DType.DOUBLE, exp.DType.FLOAT)
    if isinstance(parent, exp.Anonymous):
        return parent.name.lower() in _TAKING
    if isinstance(parent, _KEYS):
        return not isinstance(bare(root), exp.Literal | exp.Neg)
    return isinstance(parent, _OUTPUTS)


def _is_exact_item(array: exp.Array, types: Types) -> bool:
    """Whether all items of an array are, of any dimensions, and of those beside it in VALUES."""
    while isinstance(array.parent, exp.Array):
        array = array.parent
    around = array.parent
    if isinstance(around, exp.Tuple) and isinstance(around.parent, exp.Values):
        columns = value_columns(around.parent)
        beside = [bare(each) for each in columns[array.index or 0]] if columns else []
        told = [e for e in beside if not (isinstance(e, exp.Null) or e.is_string)]
        arrays = [each for each in told if isinstance(each, exp.Array)]
        listed = bool(arrays) and len(arrays) == len(told)
        return listed and all(_are_exact(elements(each), types) for each in arrays)
    taken = isinstance(around, exp.Anonymous) and around.name.lower() in _OF_ARRAYS
    return (taken or isinstance(around, _OUTPUTS)) and _are_exact(elements(array), types)


def _are_exact(values: Iterable[exp.Expr], types: Types) -> bool:
    return all(isinstance(bare(value), exp.Null) or _fits(value, types) for value in values)


def _fits(value: exp.Expr, types: Types) -> bool:
    """Whether the engine has room for the value and for all it is computed of."""
    parts = [value, *value.find_all(*_ARITHMETIC)]
    return all(fits(form_of(part, types)) for part in parts)
