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
from gateway.types import (
    BOOL,
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
    Type,
    array_of,
    by_name,
)

# Of the functions below those that are aggregates.
_AGGREGATES = frozenset(
    {"stddev", "stddev_pop", "stddev_samp", "var", "variance", "var_pop", "var_population",
     "var_samp", "var_sample", "corr", "covar", "covar_pop", "covar_samp", "regr_avgx",
     "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
     "count", "regr_count", "grouping", "bool_and", "bool_or", "every", "string_agg", "json_agg",
     "jsonb_agg", "json_object_agg", "jsonb_object_agg"}
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
_ALWAYS: tuple[tuple[Type, tuple[str, ...]], ...] = (
    (FLOAT8, (
        "stddev", "stddev_pop", "stddev_samp", "var", "variance", "var_pop",
        "var_population", "var_samp", "var_sample", "corr", "covar", "covar_pop", "covar_samp",
        "regr_avgx", "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx",
        "regr_sxy", "regr_syy", "random", "pi", "signum", "erf", "erfc")),
    (INT8, ("count", "regr_count", "row_number", "rank", "dense_rank", "nextval", "currval",
            "lastval", "setval")),
    (INT4, (
        "length", "char_length", "character_length", "octet_length", "bit_length", "strpos",
        "position", "ascii", "ntile", "grouping", "width_bucket", "array_length", "cardinality",
        "array_ndims", "array_position", "array_upper", "array_lower", "num_nulls",
        "num_nonnulls", "pg_backend_pid")),
    (BOOL, ("bool_and", "bool_or", "every", "starts_with", "regexp_like", "isnan", "isfinite")),
    (BYTEA, ("decode", "sha224", "sha256", "sha384", "sha512")),
    (by_name("void"), ("pg_sleep", "pg_notify")),
    (by_name("uuid"), ("gen_random_uuid", "uuid")),
    (array_of(TEXT), ("string_to_array", "regexp_match", "regexp_split_to_array")),
    (TEXT, (
        "lower", "upper", "initcap", "concat", "concat_ws", "left", "right", "lpad", "rpad",
        "replace", "reverse", "repeat", "split_part",
        "translate", "md5", "chr", "to_hex", "regexp_replace",
        "array_to_string", "encode", "to_char", "to_char_timestamp", "to_char_timestamptz",
        "to_char_bigint", "to_char_double", "to_char_integer", "to_char_numeric", "to_char_real")),
    (TEXT, ("text_of_float4", "text_of_float8", "text_of_time", "text_of_timestamp",
            "text_of_timestamptz", "text_of_interval")),
    (NUMERIC, ("to_number", "to_number_text")),
    (DATE, ("to_date", "to_date_text", "make_date", "make_date_parts")),
    (TIME, ("make_time", "make_time_parts")),
    (TIMESTAMP, ("to_timestamp_text", "to_local_time", "local_in_zone", "make_timestamp",
                 "make_timestamp_parts")),
    # What calls become (`overload_rows`), where their types depend on no argument.
    (INT4, ("bytes_length", "bytes_position", "bucket_among", "matches_counted", "match_place",
            "byte_of", "bit_of", "json_length", "digits_after", "digits_needed")),
    (INT8, ("bits_of",)),
    (BYTEA, ("bytes_trimmed", "bytes_trimmed_left", "bytes_trimmed_right", "bytes_rest",
             "bytes_part", "bytes_overlaid", "with_byte", "with_bit", "bytes_read",
             "converted_to", "converted")),
    (TEXT, ("bytes_written", "converted_from", "match_part", "normalize_text", "json_kind",
            "json_pretty", "matches_replaced", "to_char_interval")),
    (BOOL, ("is_matched", "json_path_exists", "json_path_matches")),
    (array_of(TEXT), ("regexp_parts",)),
    (TIMESTAMPTZ, ("moment_in_zone", "moment_of_seconds", "to_timestamp", "now", "clock_timestamp",
                   "statement_timestamp", "transaction_timestamp", "truncated_timestamptz")),
    (INTERVAL, (
        "age", "age_timestamp", "make_interval", "make_interval_parts", "justify_days",
        "justify_hours", "justify_interval", "interval_times", "interval_over",
        "interval_between",
        "truncated_interval")),
)  # fmt: skip
# sqrt, exp, ln, log and power of numerics, by PostgreSQL's own names, and deviations.
OF_NUMERICS = frozenset(
    {"numeric_sqrt", "numeric_exp", "numeric_ln", "numeric_log", "numeric_log10", "numeric_power",
     "numeric_pow", *(f"numeric_{name}" for name in SPREADS)}
)  # fmt: skip
_BY_NAME = (
    {name: kind for kind, names in _ALWAYS for name in names}
    | GIVEN
    | dict.fromkeys(OF_NUMERICS, NUMERIC)
)


def result_type(name: str, arguments: Sequence[Type | None]) -> Type | None:
    """The type of a call's result; None when that cannot be told.

    Args:
        name: The function's name, folded.
        arguments: The types of its arguments, None for one that is not known.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
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
        of = arguments[1]
        return TIMESTAMPTZ if of is DATE else INTERVAL if of is TIME else of
    if name in ALONG:
        return _floating(arguments[:1])
    if name in _FLOATING:
        return _floating(arguments)
    return None


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
    known = name in _BY_NAME or name in _FLOATING or name in _LIKE_ARGUMENTS
    return known and name not in _AGGREGATES and name not in _WINDOWS


def is_of_reals(name: str) -> bool:
    """Whether a function computes in double precision, whatever it is given."""
    return name in _FLOATING and name not in ("nanvl", "power", "pow", "log")


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


def _itself(argument: Type) -> Type | None:
    return argument


def _sum(argument: Type) -> Type | None:
    """PostgreSQL sums bigint as numeric, for it would not fit."""
    if argument.name in ("int8", "numeric"):
        return NUMERIC
    if argument.name in INTEGER:
        return INT8
    if argument is INTERVAL:
        return INTERVAL
    return FLOAT8 if argument.name in _RANK else None


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
    "sum": (INT8, NUMERIC, FLOAT8),
    "date_trunc": (TIMESTAMPTZ,),
    "date_bin": (TIMESTAMPTZ,),
}  # fmt: skip
_GIVEN_NAMES = {name: frozenset({kind.name}) for name, kind in _BY_NAME.items()} | {
    name: frozenset(kind.name for kind in kinds) for name, kinds in _MORE_THAN_ARGUMENTS.items()
}


def types_given(name: str) -> frozenset[str] | None:
    """Names of the types that a call gives or those of its arguments; None: any other as well.

    >>> sorted(types_given("sum")), types_given("greatest"), types_given("array_agg")
    (['float8', 'int8', 'numeric'], frozenset(), None)
    """
    return _GIVEN_NAMES.get(name)


def _floating(arguments: Sequence[Type | None]) -> Type | None:
    if any(each is None for each in arguments):
        return None
    single = all(each is not None and each.name == "float4" for each in arguments)
    return FLOAT4 if single else FLOAT8
