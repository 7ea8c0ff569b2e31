"""The type of an expression, as far as its syntax and the columns' types tell.

Only what a derivative must know is here: is this an integer (then ``/`` is a step function), is it
double precision already. None means that nothing tells, and whoever asks must not guess.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.grammar import Marker
from gateway.sql.parameters import postgres_type
from gateway.sql.relation import ColumnInfo
from gateway.sql.scope import Block, Output, resolve
from gateway.types import BOOL, FLOAT4, FLOAT8, INT8, INTEGER, TEXT, Type

_RANK = ("int2", "int4", "int8", "numeric", "float4", "float8")

# Functions whose result the engine gives in double precision for a double precision argument, and
# in real for a real one.
_FLOATING = frozenset(
    {
        "sin", "cos", "tan", "cot", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
        "asinh", "acosh", "atanh", "exp", "ln", "log", "log2", "log10", "sqrt", "cbrt",
        "degrees", "radians", "floor", "ceil", "ceiling", "trunc", "power", "pow", "nanvl",
    }
)  # fmt: skip
_LIKE_ARGUMENT = frozenset(
    {"abs", "greatest", "least", "coalesce", "nvl", "ifnull", "mod", "min", "max"}
)
_LIKE_FIRST = frozenset({"round", "lag", "lead"})
_DOUBLE = frozenset(
    {
        "avg", "mean", "stddev", "stddev_pop", "stddev_samp", "var", "variance", "var_pop",
        "var_population", "var_samp", "var_sample", "corr", "covar", "covar_pop", "covar_samp",
        "regr_avgx", "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
        "regr_sxy", "regr_syy", "random", "pi", "signum", "sign", "erf", "erfc",
    }
)  # fmt: skip
_COUNTS = frozenset({"count", "regr_count", "row_number", "rank", "dense_rank", "generate_series"})
# Along a dimension of a grid (autodiff/neighbours.py): single precision stays single.
ALONG = ("differentiate", "integrate")


def type_of(tree: exp.Expr, block: Block | None) -> Type | None:
    """The type of `tree` where it stands in `block`; None when that cannot be told."""
    if isinstance(tree, exp.Paren | exp.Neg | exp.Window | exp.Filter | exp.IgnoreNulls):
        return type_of(tree.this, block)
    if isinstance(tree, exp.Literal):
        return TEXT if tree.is_string else _literal(tree)
    if isinstance(tree, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return BOOL
    if isinstance(tree, exp.Column):
        return _column(tree, block)
    if isinstance(tree, exp.Cast):
        return _cast_target(tree)
    if isinstance(tree, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _number([type_of(tree.this, block), type_of(tree.expression, block)])
    if isinstance(tree, exp.Pow | Marker):
        return FLOAT8
    if isinstance(tree, exp.Case):
        values = [branch.args["true"] for branch in tree.args["ifs"]]
        values += [tree.args["default"]] if tree.args.get("default") is not None else []
        return common_type([type_of(v, block) for v in values if not isinstance(v, exp.Null)])
    if isinstance(tree, exp.Anonymous):
        return _call(tree, block)
    return None


def _literal(tree: exp.Literal) -> Type:
    """Digits are an integer as long as bigint holds them."""
    return INT8 if tree.is_int and int(tree.this) < 2**63 else FLOAT8


def info_of(output: Output) -> ColumnInfo:
    """Type and nullability of a query's column."""
    if output.expression is None or output.block is None:
        return ColumnInfo()
    tree = output.expression.unnest()
    if isinstance(tree, exp.Column):
        return _column_info(tree, output.block)
    return ColumnInfo(type_of(tree, output.block), not isinstance(tree, exp.Literal))


def common_type(types: Sequence[Type | None]) -> Type | None:
    """The type that a set of alternatives has together; None when one of them is not known."""
    known = [each for each in types if each is not None]
    if len(known) != len(types) or not known:
        return None
    if all(each is known[0] for each in known):
        return known[0]
    return _number(known)


def _number(types: Sequence[Type | None]) -> Type | None:
    """The result of arithmetic: the widest side; a real and a literal with a point give double."""
    if any(each is None or each.name not in _RANK for each in types):
        return None
    return max((each for each in types if each), key=lambda each: _RANK.index(each.name))


def _column(tree: exp.Column, block: Block | None) -> Type | None:
    return None if block is None else _column_info(tree, block).type


def _column_info(tree: exp.Column, block: Block) -> ColumnInfo:
    try:
        source, name = resolve(block, tree)
    except GatewayError:  # the engine reports it, in its turn
        return ColumnInfo()
    return (source.columns or {}).get(name, ColumnInfo())


def _cast_target(tree: exp.Cast) -> Type | None:
    try:
        return postgres_type(tree.to)
    except GatewayError:
        return None


def _call(tree: exp.Anonymous, block: Block | None) -> Type | None:
    name = tree.name.lower()
    if name in _COUNTS:
        return INT8
    if name in _DOUBLE:
        return FLOAT8
    arguments = [type_of(argument, block) for argument in tree.expressions]
    if name in _LIKE_ARGUMENT or name in _LIKE_FIRST:
        return common_type(arguments[:1] if name in _LIKE_FIRST else arguments)
    if name == "sum" and arguments[0] is not None:
        return INT8 if arguments[0].name in INTEGER else FLOAT8
    if name in ALONG:
        return _floating(arguments[:1])
    if name in _FLOATING:
        return _floating(arguments)
    return None


def _floating(arguments: Sequence[Type | None]) -> Type | None:
    if any(each is None for each in arguments):
        return None
    single = all(each is not None and each.name == "float4" for each in arguments)
    return FLOAT4 if single else FLOAT8
