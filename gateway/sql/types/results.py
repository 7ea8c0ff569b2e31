"""The type of a function's result: a row per function, by name.

Integers, texts and moments have PostgreSQL's types, although the engine counts most in 64 bits; an
average of integers and a literal with a point are doubles, as the engine computes them. A missing
row: the type is not known, and whoever asks must not guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from gateway.sql.types.numeric_spreads import SPREADS
from gateway.sql.types.overload_rows import GIVEN
from gateway.sql.types.signatures import meant, signatures
from gateway.types import (
    BOOL,
    BY_NAME,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT4,
    INT8,
    INTEGER,
    INTERVAL,
    NUMERIC,
    STRINGS,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    Type,
    array_of,
    by_name,
)

# The engine computes them in double precision, of whatever they are.
_AS_DOUBLES = frozenset(
    {"sqrt", "exp", "ln", "log", "log10", "power", "pow", "avg", "stddev", "stddev_pop",
     "stddev_samp", "variance", "var_pop", "var_samp", "sum"}
)  # fmt: skip
# Of the functions below those that are aggregates.
_AGGREGATES = frozenset(
    {"stddev", "stddev_pop", "stddev_samp", "var", "variance", "var_pop", "var_population",
     "var_samp", "var_sample", "corr", "covar", "covar_pop", "covar_samp", "regr_avgx",
     "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
     "count", "regr_count", "grouping", "bool_and", "bool_or", "every", "string_agg", "json_agg",
     "jsonb_agg", "json_object_agg", "jsonb_object_agg", "sum", "avg", "bit_and", "bit_or",
     "bit_xor"}
)  # fmt: skip
# Other names of the same aggregates.
AGGREGATE_SYNONYMS = {
    "mean": "avg", "covar": "covar_samp", "stddev": "stddev_samp", "var": "var_samp",
    "variance": "var_samp", "var_sample": "var_samp", "var_population": "var_pop",
}  # fmt: skip
# Each becomes those after it by itself.
MOMENTS = ("date", "timestamp", "timestamptz")
_RANK = ("int2", "int4", "int8", "numeric", "float4", "float8")

# Double precision for a double precision argument, and real for a real one.
_FLOATING = frozenset(
    {
        "sin", "cos", "tan", "cot", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
        "asinh", "acosh", "atanh", "exp", "ln", "log", "log2", "log10", "sqrt", "cbrt",
        "degrees", "radians", "rint", "power", "pow", "nanvl",
    }
)  # fmt: skip
# Along a dimension of a grid (autodiff/statements/neighbours.py): single precision stays single.
ALONG = ("differentiate", "integrate")
_LIKE_ARGUMENTS = frozenset(
    {
        "abs", "greatest", "least", "coalesce", "nvl", "ifnull", "mod", "gcd", "lcm",
        "stop_gradient",
    }
)  # fmt: skip
_LIKE_FIRST = frozenset(
    {
        "moved",
        "lag", "lead", "first_value", "last_value", "nth_value", "any_value", "nullif", "bit_and",
        "bit_or", "bit_xor", "array_except", "array_remove", "array_replace",
        "trim_array",
    }
)  # fmt: skip
# Of bytes they give bytes, else text.
_OF_BYTES = frozenset({"trim", "ltrim", "rtrim", "btrim", "substr", "overlay", "string_agg"})
# What PostgreSQL has of any type, the engine of its own, and what calls become (`overload_rows`).
_ALWAYS: tuple[tuple[Type, tuple[str, ...]], ...] = (
    (FLOAT8, ("stddev", "stddev_pop", "stddev_samp", "var", "variance", "var_pop",
              "var_population", "var_samp", "var_sample", "covar", "signum", "erf", "erfc")),
    (INT8, ("count", "row_number", "rank", "dense_rank", "nextval", "currval", "setval",
            "bits_of")),
    (INT4, ("length", "position", "ntile", "grouping", "width_bucket", "array_length",
            "cardinality", "array_ndims", "array_position", "array_upper", "array_lower",
            "num_nulls", "num_nonnulls", "bytes_length", "bytes_position", "bucket_among",
            "matches_counted", "match_place", "byte_of", "bit_of", "json_length", "digits_after",
            "digits_needed")),
    (BOOL, ("isnan", "is_matched", "json_path_exists", "json_path_matches")),
    (BYTEA, ("bytes_trimmed", "bytes_trimmed_left", "bytes_trimmed_right", "bytes_rest",
             "bytes_part", "bytes_overlaid", "with_byte", "with_bit", "bytes_read",
             "converted_to", "converted")),
    (by_name("uuid"), ("uuid",)),
    (array_of(TEXT), ("regexp_parts",)),
    (TEXT, ("concat", "concat_ws", "array_to_string", "to_char_timestamp", "to_char_timestamptz",
            "to_char_bigint", "to_char_double", "to_char_integer", "to_char_numeric",
            "to_char_real", "to_char_interval", "text_of_float4", "text_of_float8",
            "text_of_time", "text_of_timestamp", "text_of_timestamptz", "text_of_interval",
            "bytes_written", "converted_from", "match_part", "normalize_text", "json_kind",
            "json_pretty", "matches_replaced")),
    (NUMERIC, ("to_number_text",)),
    (DATE, ("to_date_text", "make_date_parts")),
    (TIME, ("make_time_parts",)),
    (TIMESTAMP, ("to_timestamp_text", "to_local_time", "local_in_zone", "make_timestamp_parts")),
    (TIMESTAMPTZ, ("moment_in_zone", "moment_of_seconds", "truncated_timestamptz")),
    (INTERVAL, ("age", "age_timestamp", "make_interval", "make_interval_parts", "interval_times",
                "interval_over", "interval_between", "truncated_interval")),
)  # fmt: skip
# sqrt, exp, ln, log and power of numerics, by PostgreSQL's own names, and deviations.
OF_NUMERICS = frozenset(
    {"numeric_sqrt", "numeric_exp", "numeric_ln", "numeric_log", "numeric_log10", "numeric_power",
     "numeric_pow", *(f"numeric_{name}" for name in SPREADS)}
)  # fmt: skip


def _named(name: str) -> Type | None:
    return array_of(BY_NAME[name[1:]]) if name.startswith("_") else BY_NAME.get(name)


def _fixed() -> dict[str, Type]:
    """The functions of PostgreSQL's that give one type, whatever they are given."""
    gives = {name: {each.gives for each in rows} for name, rows in signatures().items()}
    told = {name: _named(*kinds) for name, kinds in gives.items() if len(kinds) == 1}
    return {name: kind for name, kind in told.items() if kind and name not in _AS_DOUBLES}


_BY_NAME = (
    _fixed()
    | {name: kind for kind, names in _ALWAYS for name in names}
    | GIVEN
    | dict.fromkeys(OF_NUMERICS, NUMERIC)
)


def fixed_type(name: str) -> Type | None:
    """The type that all calls of that name give; None where it depends on their arguments."""
    return _BY_NAME.get(name)


def result_type(name: str, arguments: Sequence[Type | None]) -> Type | None:
    """The type of a call's result; None when that cannot be told.

    Args:
        name: The function's name, folded.
        arguments: The types of its arguments, None for one that is not known.
    """
    if (gives := _given(name, arguments) or fixed_type(name)) is not None:
        return gives
    arguments = [TEXT if each is UNKNOWN else each for each in arguments]
    if name in _LIKE_ARGUMENTS:
        return common_type(arguments)
    first = arguments[0] if arguments else None
    if name in _OF_BYTES:
        return BYTEA if first is BYTEA else TEXT
    if name in ("avg", "mean"):
        return first if first in (NUMERIC, INTERVAL) else FLOAT8
    if name in _OF_FIRST:
        return None if first is None else _OF_FIRST[name](first)
    if name in ("array_append", "array_prepend", "array_cat") and len(arguments) == 2:
        return _joined_array(arguments)
    if name in ("date_trunc", "date_bin") and len(arguments) > 1:
        return _cut(arguments)
    if name in ALONG:
        return _floating(arguments[:1])
    if name in _FLOATING:
        return FLOAT8 if name in signatures() else _floating(arguments)
    return None


def _given(name: str, arguments: Sequence[Type | None]) -> Type | None:
    """What the function of PostgreSQL's gives that is meant."""
    if name not in signatures() or name in _AS_DOUBLES:
        return None
    given = ["" if each is None else each.name for each in arguments]
    found = {each.gives for each in meant(name, given) or signatures()[name]}
    return _named(*found) if len(found) == 1 else None


def _cut(arguments: Sequence[Type | None]) -> Type | None:
    """What date_trunc and date_bin give: of a date a moment, of a time of day an interval."""
    of = arguments[1]
    if of is DATE:
        return TIMESTAMP if list(arguments[2:]) == [TIMESTAMP] else TIMESTAMPTZ
    return INTERVAL if of is TIME else of


def ordered_set_type(tree: exp.Expr, of: Callable[[exp.Expr], Type | None]) -> Type | None:
    """The type of a call with WITHIN GROUP; None when that cannot be told.

    Args:
        tree: The call.
        of: Tells the type of what it sorts by.
    """
    call = tree.this
    kind = of(tree.expression.expressions[0].this)
    if call.name in ("rank", "dense_rank"):
        return INT8
    if call.name in ("percent_rank", "cume_dist"):
        return FLOAT8
    if call.name == "percentile_cont" and kind is not None and kind is not INTERVAL:
        kind = FLOAT8
    elif call.name not in ("mode", "percentile_disc", "percentile_cont"):
        return None
    several = call.expressions and of(call.expressions[0])
    return array_of(kind) if kind and several and several.element is not None else kind


# Calls about the labels of an enum.
ENUM_CALLS = frozenset({"enum_first", "enum_last", "enum_range"})
_WINDOWS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead",
     "first_value", "last_value", "nth_value"}
)  # fmt: skip


def is_scalar_function(name: str) -> bool:
    """Whether a function of PostgreSQL's is neither an aggregate nor a window function."""
    known = name in _BY_NAME or name in _FLOATING or name in _LIKE_ARGUMENTS or name in signatures()
    return known and name not in _AGGREGATES and name not in _WINDOWS


def common_type(types: Sequence[Type | None]) -> Type | None:
    """The type that a set of alternatives has together; None when one of them is not known.

    Of several kinds of text it is the first.
    """
    known = [each for each in types if each is not None]
    if len(known) != len(types) or not known:
        return None
    if all(each is known[0] for each in known):
        return known[0]
    if all(each.element is not None for each in known):
        element = common_type([each.element for each in known])
        return None if element is None else array_of(element)
    if all(each.name in STRINGS for each in known):
        return next((each for each in known if each.name != "char"), known[0])
    if all(each.name in MOMENTS for each in known):
        return max(known, key=lambda each: MOMENTS.index(each.name))
    return widest(known)


def widest(types: Sequence[Type | None]) -> Type | None:
    """The result of arithmetic: the widest side; a real and a literal with a point give double."""
    if any(each is None or each.name not in _RANK for each in types):
        return None
    return max((each for each in types if each), key=lambda each: _RANK.index(each.name))


def computed_type(tree: exp.Expr, left: Type | None, right: Type | None) -> Type | None:
    """The type of + - * / % between two: numbers give a number (for moments manual, table 9.32)."""
    if left is None or right is None:
        return None
    if left.name == "jsonb" and isinstance(tree, exp.Sub):
        return left
    if isinstance(tree, exp.Add) and left in (INTERVAL, TIME):
        left, right = right, left
    if isinstance(tree, exp.Add | exp.Sub) and left.name in MOMENTS:
        return _moved(isinstance(tree, exp.Sub), left, right)
    if INTERVAL in (left, right) or left is right is TIME:
        return TIME if {left, right} == {TIME, INTERVAL} else INTERVAL
    wide = widest([left, right])
    return FLOAT8 if left is not right and wide is FLOAT4 else wide


def _moved(minus: bool, moment: Type, by: Type) -> Type | None:
    if by in (INTERVAL, TIME):
        return TIMESTAMP if moment is DATE else moment
    if by.name in INTEGER:
        return DATE
    if minus and by.name in MOMENTS:
        return INT4 if moment is by is DATE else INTERVAL
    return None


def _itself(argument: Type) -> Type | None:
    return argument


def _sum(argument: Type) -> Type | None:
    """PostgreSQL sums bigint as numeric, for it would not fit."""
    if argument.name in ("int8", "numeric"):
        return NUMERIC
    if argument.name in INTEGER:
        return INT8
    return argument if argument in (INTERVAL, FLOAT4, FLOAT8) else None


def _rounded(argument: Type) -> Type | None:
    return FLOAT8 if argument.name in INTEGER else argument


def _extreme(argument: Type) -> Type | None:
    return TEXT if argument.name in ("varchar", "name", "char") else argument


def _element(argument: Type) -> Type | None:
    return argument.element


def _joined_array(sides: Sequence[Type | None]) -> Type | None:
    """The type of an array and of what is put to it, whose items come to one; None: of no array."""
    array = next((side for side in sides if side is not None and side.element is not None), None)
    if array is None or None in sides:
        return array
    wide = common_type([side.element or side for side in sides if side is not None])
    return array if wide is None else array_of(wide)


def _array(argument: Type) -> Type | None:
    return array_of(argument) if argument.array_oid or argument.element is not None else None


_OF_FIRST: dict[str, Callable[[Type], Type | None]] = {
    **dict.fromkeys(_LIKE_FIRST, _itself),
    "min": _extreme,
    "max": _extreme,
    "sum": _sum,
    **dict.fromkeys(("round", "floor", "ceil", "ceiling", "trunc", "sign"), _rounded),
    "unnest": _element,
    "substring": lambda first: BYTEA if first is BYTEA else TEXT,
    "array_agg": _array,
    "array_fill": _array,
    "enum_first": _itself,
    "enum_last": _itself,
    "enum_range": lambda first: array_of(first) if first.is_enum else None,
}


_MORE_THAN_ARGUMENTS: dict[str, tuple[Type, ...]] = {
    **dict.fromkeys((*_LIKE_ARGUMENTS, *_LIKE_FIRST), ()),
    **dict.fromkeys((*_OF_BYTES, "substring", "min", "max"), (TEXT,)),
    **dict.fromkeys(("round", "floor", "ceil", "ceiling", "trunc", "sign"), (FLOAT8,)),
    "avg": (FLOAT8,),
    "mean": (FLOAT8,),
    **dict.fromkeys(_FLOATING, (FLOAT4, FLOAT8)),
    "sum": (INT8, NUMERIC, FLOAT4, FLOAT8),
    "date_trunc": (TIMESTAMPTZ,),
    "date_bin": (TIMESTAMPTZ,),
}  # fmt: skip
_GIVEN_NAMES = {name: frozenset({kind.name}) for name, kind in _BY_NAME.items()} | {
    name: frozenset(kind.name for kind in kinds) for name, kinds in _MORE_THAN_ARGUMENTS.items()
}


def types_given(name: str) -> frozenset[str] | None:
    """Names of the types that a call gives or those of its arguments; None: any other as well.

    >>> sorted(types_given("sum")), types_given("greatest"), types_given("array_agg")
    (['float4', 'float8', 'int8', 'numeric'], frozenset(), None)
    """
    return _GIVEN_NAMES.get(name)


def _floating(arguments: Sequence[Type | None]) -> Type | None:
    if any(each is None for each in arguments):
        return None
    single = all(each is not None and each.name == "float4" for each in arguments)
    return FLOAT4 if single else FLOAT8
