"""PostgreSQL's functions that the engine has under another name, or as an operator.

Where the types of the arguments decide, it is `overloads` that tells.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
    IntervalFieldOverflow,
    InvalidDatetimeFormat,
)
from gateway.sql.inputs import literals
from gateway.sql.inputs.far_moments import DAY_MICROS
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.lowered.groups.collected import filtered_text, ordered_text, sliding_text
from gateway.sql.lowered.patterns import groups_apart, match_lines, write_replacement
from gateway.sql.lowered.relations.subqueries import array_of_query
from gateway.sql.lowered.values.rooms import checked, repeated
from gateway.sql.meaning.volatile import each_row
from gateway.sql.names.scope import is_one_row
from gateway.sql.text.building import beside, cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.modifiers import fields_of

# PostgreSQL's names of what the engine calls otherwise, and of what it writes as an operator.
_NAMES = {
    "some": "any",
    "sign": "signum",
    "ceiling": "ceil",
    "variance": "var_samp",
    "every": "bool_and",
    "gen_random_uuid": "uuid",
    "statement_timestamp": "statement_now",
    "transaction_timestamp": "now",
}
_OPERATORS: dict[str, type[exp.Binary]] = {"mod": exp.Mod, "div": exp.Div}

# The engine counts these without a sign, and knows no arithmetic of that and an integer: the type
# that PostgreSQL gives them.
_COUNTED = ("row_number", "rank", "dense_rank", "regr_count")
_RANKS = {"ntile": "int", **dict.fromkeys(_COUNTED, "bigint")}
_MEASURES = ("array_length", "array_upper", "array_ndims", "array_position", "cardinality")
# PostgreSQL knows none of these of an empty array.
_NULL_OF_EMPTY = ("array_length", "array_upper", "array_ndims")


def call(node: exp.Expr) -> exp.Expr | None:
    """The engine's form of a call; None where it is the same but for its name."""
    name, arguments = node.name, node.expressions
    if name in _OPERATORS and len(arguments) == 2:
        whole = _OPERATORS[name](this=arguments[0], expression=arguments[1])
        return whole if name == "mod" else exp.Anonymous(this="trunc", expressions=[whole])
    if name == "array" and len(arguments) == 1 and isinstance(arguments[0], exp.Query):
        return array_of_query(arguments[0])
    if name == "regexp_match":
        match_lines(node)
        return groups_apart(node)
    if name == "array_lower" and len(arguments) == 2:
        return _lower_bound(arguments)
    if name == "string_agg" and (ordered := ordered_text(node)) is not None:
        return ordered
    if name == "unnest" and len(arguments) == 1:
        node.set("expressions", [flat(arguments[0])])
        return None
    if name in _MEASURES and arguments:
        return _measure(name, arguments)
    if name == "generate_series" and not isinstance(node.parent, exp.Table | exp.Unnest):
        # In a SELECT list it gives a row each; the engine's function gives one array.
        node.set("expressions", checked(name, arguments))
        return exp.Anonymous(this="unnest", expressions=[series_array(node)])
    if name in _WHOLE and (made := _WHOLE[name](node)) is not None:
        return made
    _rename(node)
    return None


def _rename(node: exp.Expr) -> None:
    name, arguments = node.name, node.expressions
    if name == "date_bin" and len(arguments) == 3:
        _check_stride(arguments[0])
        if arguments[2].is_string:
            plain = literals.timestamp(arguments[2].name, zoned=True)
            arguments[2].replace(exp.Literal.string(plain))
            arguments = node.expressions
    write_replacement(node)
    node.set("this", _NAMES.get(node.name, node.this))
    if not isinstance(node.parent, exp.Table):
        node.set("expressions", checked(name, arguments))


def is_series_of_moments(node: exp.Expr) -> bool:
    """Whether `overloads` found a generate_series of moments."""
    return isinstance(node, exp.Anonymous) and bool(node.args.get("moments"))


def series_array(series: exp.Expr) -> exp.Expr:
    """A copy of a generate_series as an array; the engine's own moments count nanoseconds."""
    kind = series.args.get("moments")
    array = series.copy()
    return exp.Cast(this=array, to=data_type(f"{kind}[]")) if kind else array


def _first_of(count: int) -> Callable[[exp.Expr], exp.Expr | None]:
    """What a call of so many arguments is where only derivatives see the others: its first."""

    def first(node: exp.Expr) -> exp.Expr | None:
        return exp.paren(node.expressions[0]) if len(node.expressions) == count else None

    return first


def _clock(node: exp.Expr) -> exp.Expr | None:
    return None if node.expressions else exp.Anonymous(this="clock_now", expressions=[each_row()])


def _counted(node: exp.Expr) -> exp.Expr | None:
    alone = not isinstance(node.parent, exp.Filter | exp.Window)
    return _bigint(node) if alone else None


def filtered(node: exp.Expr) -> exp.Expr | None:
    """A text put together of some rows in order, a count of PostgreSQL's type, a correlation."""
    if (ordered := filtered_text(node)) is not None:
        return ordered
    made = _FILTERED.get(node.this.name) if isinstance(node.this, exp.Anonymous) else None
    return None if made is None or isinstance(node.parent, exp.Window) else made(node)


def _correlated(node: exp.Expr) -> exp.Expr | None:
    """corr by the sums of a regression.

    The engine's own, where it has groups, adds up squares as they are: at a mean of a million times
    the deviation it is wrong in the third digit, and further off NaN.
    """
    alone = not isinstance(node.parent, exp.Filter | exp.Window)
    return _correlation(node) if alone and len(node.expressions) == 2 else None


def _correlation(node: exp.Expr) -> exp.Expr:
    """Of a call of corr, or of one with FILTER; NULL where a side has one value."""
    xy, xx, yy = (beside(node, name) for name in ("regr_sxy", "regr_sxx", "regr_syy"))
    product = exp.Mul(
        this=_called("nullif", xx, exp.Literal.number("0.0")),
        expression=_called("nullif", yy, exp.Literal.number("0.0")),
    )
    return exp.paren(exp.Div(this=xy, expression=_called("sqrt", product)), copy=False)


def _bigint(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=exp.DataType.build("bigint"))


def _keep_order(node: exp.Expr) -> None:
    """Let the engine sort for this window itself, by a part of which it knows nothing.

    Else it reads the rows of a window of the opposite order backwards, and puts them together so.
    """
    call = node.this.this if isinstance(node.this, exp.Filter) else node.this
    gathers = isinstance(call, exp.Anonymous) and call.name in ("array_agg", "string_agg")
    if gathers and node.args.get("order") is not None:
        first = node.args["order"].expressions[0]
        none, start = exp.Literal.number(0), exp.Literal.number(2 if first.args.get("desc") else 1)
        nothing = _called("substr", cast_copy(first.this, "text"), start, none)
        one = _called("coalesce", _called("octet_length", nothing), none.copy())
        node.set("partition_by", [*(node.args.get("partition_by") or ()), one])


def _called(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


_FILTERED = {"regr_count": _bigint, "corr": _correlation}
_WHOLE = {
    "stop_gradient": _first_of(1),
    "moved": _first_of(3),  # `autodiff.relational.directions`
    "corr": _correlated,
    "regr_count": _counted,
    "clock_timestamp": _clock,
    "repeat": repeated,
}


def _drop_values(node: exp.Expr) -> None:
    """Leave out what is one value for all rows, as in `row_number() OVER (ORDER BY (SELECT 1))`.

    The engine finds no column to read then, and fails.
    """
    order, spec = node.args.get("order"), node.args.get("spec")
    if order is None or (spec is not None and spec.args.get("kind") != "ROWS"):
        return
    kept = [key for key in order.expressions if not _is_one_value(key.this.unnest())]
    node.set("order", exp.Order(expressions=kept) if kept else None)


def _is_one_value(key: exp.Expr) -> bool:
    if isinstance(key, exp.Anonymous) and key.name == "nullif":  # which `clauses` puts around it
        key = key.expressions[0]
    query = key.this if isinstance(key, exp.Subquery) else key
    return isinstance(query, exp.Select) and (
        query.args.get("from_") is None or (is_one_row(query) and not query.args.get("having"))
    )


def window(node: exp.Expr) -> exp.Expr | None:
    """A rank of PostgreSQL's type; array_agg and string_agg in the order of their window."""
    _drop_values(node)
    _keep_order(node)
    if (joined := sliding_text(node)) is not None:
        return joined
    kind = _RANKS.get(node.this.name) if isinstance(node.this, exp.Anonymous) else None
    return None if kind is None else exp.Cast(this=node.copy(), to=exp.DataType.build(kind))


def flat(array: exp.Expr) -> exp.Expr:
    """An array that the text shows to have several dimensions, with one: unnest goes into all."""
    for _ in range(_dimensions(array) - 1):
        array = exp.Anonymous(this="flatten", expressions=[array.copy()])
    return array


def _dimensions(array: exp.Expr) -> int:
    if isinstance(array, exp.Paren):
        return _dimensions(array.this)
    if isinstance(array, exp.Array):
        return 1 + (_dimensions(array.expressions[0]) if array.expressions else 0)
    kind = array.args["to"] if isinstance(array, exp.Cast) else None
    count = 0
    while isinstance(kind, exp.DataType) and kind.this == exp.DType.ARRAY and kind.expressions:
        count, kind = count + 1, kind.expressions[0]
    return count


def _measure(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    own = "array_length" if name == "array_upper" else name
    call = exp.Anonymous(this=own, expressions=arguments)
    measured = exp.Cast(this=call, to=data_type("int"))
    if name not in _NULL_OF_EMPTY:
        return measured
    return _unless_empty(arguments[0], measured)


def _lower_bound(arguments: list[exp.Expr]) -> exp.Expr:
    """Arrays begin at 1 here, in each dimension that they have."""
    items = exp.Anonymous(this="array_length", expressions=arguments)
    there = exp.GT(this=items, expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=there, true=exp.Literal.number(1))])


def _unless_empty(array: exp.Expr, value: exp.Expr) -> exp.Expr:
    items = exp.Anonymous(this="cardinality", expressions=[array.copy()])
    there = exp.GT(this=items, expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=there, true=value)])


def _check_stride(stride: exp.Expr) -> None:
    """Refuse a literal that bins no moments; the engine would take it.

    Raises:
        FeatureNotSupported: 0A000, it has months. DatetimeFieldOverflow: 22008, it is no longer
            than nothing.
    """
    unit = "second"
    while isinstance(stride, exp.Cast | exp.Paren | exp.Interval):
        if isinstance(stride, exp.Cast):
            unit = fields_of(stride.args["to"])[0] or unit
        stride = stride.this
    if not stride.is_string:
        return
    try:
        months, days, micros = read_interval(stride.name, unit=unit)
    except (InvalidDatetimeFormat, IntervalFieldOverflow):
        return  # which the engine refuses
    if months:
        raise FeatureNotSupported(
            "timestamps cannot be binned into intervals containing months or years"
        )
    if days * DAY_MICROS + micros <= 0:
        raise DatetimeFieldOverflow("stride must be greater than zero")
