"""Values that become text, written as PostgreSQL writes them: what `::text` gives a client sees.

The engine writes floats, moments, intervals and arrays in a notation of its own; in its place stand
calls of functions that are the wire's own encoders (wire/encoding/casts.py).
"""

from __future__ import annotations

from functools import partial, reduce

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.notation import Notation
from gateway.sql.lowered.values.arrays import joined_array
from gateway.sql.lowered.values.rooms import may_grow
from gateway.sql.lowered.values.typed_casts import BY_NOTATION, INTERVAL_OF_TEXT
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.dimensions import DEEP
from gateway.sql.types.inference import GIVES, Types
from gateway.sql.types.numerals import written_number
from gateway.types import NUMERIC, TEXT, dimensions

# Types whose text the engine writes otherwise -> the function that writes it as PostgreSQL does.
# An array's name begins with an underscore, as in pg_type.
WRITTEN = {
    name: f"text_of_{name.lstrip('_')}{'_array' if name.startswith('_') else ''}"
    for name in (
        "float4", "float8", "bytea", "date", "time", "timestamp", "timestamptz", "interval",
        "_bool", "_int2", "_int4", "_int8", "_float4", "_float8", "_text", "_date", "_timestamp",
        "_timestamptz", "_time", "_interval", "_bytea",
    )
}  # fmt: skip

# Of those whose text a setting changes, the function that is told the notation.
STYLED = {
    name: f"styled_{function}"
    for name, function in WRITTEN.items()
    if name.lstrip("_")
    in ("date", "timestamp", "timestamptz", "interval", "float4", "float8", "bytea")
}

# Calls that were made before the notation was known, in JSON and of deep arrays -> those that are
# told it. Dates in JSON are ISO 8601 whatever it says (json.c: JsonEncodeDateTime).
TOLD = {
    **{WRITTEN[name]: STYLED[name] for name in ("float4", "float8", "_float4", "_float8")},
    **{function: f"styled_{function}" for (name, _), function in DEEP.items() if "float" in name},
}

# Of the elements of an array, each by itself, for array_to_string.
ITEMS = {
    name: f"items_of_{name}"
    for name in (
        "bool", "float4", "float8", "bytea", "date", "time", "timestamp", "timestamptz",
        "interval",
    )
}  # fmt: skip

_JOINED = ("text", "varchar", "bpchar")
TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR, exp.DType.BPCHAR)


def write(value: exp.Expr, types: Types, notation: Notation) -> None:
    """Let a value that becomes text be written as PostgreSQL writes it, in place."""
    number = written_number(value)
    if number is not None:  # a numeric in PostgreSQL, with the digits that stand there
        value.replace(exp.Literal.string(number))
        return
    known = types.of(value)
    if known is NUMERIC and not isinstance(value.parent, exp.Cast):
        value.replace(exp.Cast(this=value.copy(), to=data_type("text")))
        return
    if known is None:
        _refuse_untold(value)
    function = WRITTEN.get(known.name) if known is not None else None
    if function is None and known is not None and dimensions(known) == 1:
        _write_items(value)
    if function is None or known is None:
        return
    further = [exp.Literal.string(notation.zone)] if known.name.endswith("timestamptz") else []
    if not notation.is_plain and known.name in STYLED:
        function, further = STYLED[known.name], [exp.Literal.string(notation.as_text)]
    given = value.copy()
    if known.name in ("timestamp", "interval"):  # of which the engine may count the nanoseconds
        given = exp.Cast(this=given, to=data_type(known.name))
    value.replace(exp.Anonymous(this=function, expressions=[given, *further]))


def _refuse_untold(value: exp.Expr) -> None:
    """Refuse an array of parameters of which nothing tells the type: the engine writes no arrays.

    Raises:
        FeatureNotSupported: 0A000.
    """
    call = value.unnest()
    if isinstance(call, exp.Anonymous) and call.name == "array_agg" and call.find(exp.Parameter):
        raise FeatureNotSupported(
            "a cast to text of an array of a parameter's values is not supported",
            hint="Cast the parameter: $1::integer.",
        )


def _write_items(array: exp.Expr) -> None:
    """Of an array whose elements the engine writes as PostgreSQL does, though not the array."""
    array.replace(exp.Anonymous(this=WRITTEN["_text"], expressions=[_texts_of(array)]))


def _texts_of(array: exp.Expr) -> exp.Expr:
    return exp.Cast(this=array.copy(), to=data_type("text[]"))


def write_arguments(call: exp.Anonymous, known: Types, notation: Notation) -> None:
    """Let what a call takes as text be written so, in place."""
    arguments = call.expressions
    if call.name in ("concat", "concat_ws"):
        for argument in arguments:
            write(argument, known, notation)
    elif call.name == "array_to_string" and arguments:
        kind = known.of(arguments[0])
        element = kind.element if kind is not None and dimensions(kind) == 1 else None
        if element is NUMERIC:
            arguments[0].replace(_texts_of(arguments[0]))
        elif element is not None and element.name in ITEMS:
            further = exp.Literal.string(notation.as_text)
            given = [arguments[0].copy(), further]
            arguments[0].replace(exp.Anonymous(this=ITEMS[element.name], expressions=given))
    elif call.name == WRITTEN["timestamptz"] and len(arguments) == 1:  # as JSON is made
        call.append("expressions", exp.Literal.string(notation.zone))
    elif call.name in TOLD and len(arguments) == 1 and not notation.is_plain:
        call.set("this", TOLD[call.name])
        call.append("expressions", exp.Literal.string(notation.as_text))
    elif call.name == INTERVAL_OF_TEXT and len(arguments) == 1:
        call.append("expressions", exp.Literal.string(notation.intervals))
    elif call.name in BY_NOTATION and len(arguments) == 1:
        call.append("expressions", exp.Literal.string(notation.as_text))


def write_beside(
    node: exp.DPipe, known: Types, notation: Notation, reads_query: bool = False
) -> None:
    """Whatever stands beside a text is written as one; beside an array it joins the array.

    Texts that may be large are joined by a function that looks whether there is room: subquery in
    subquery they double. `reads_query` tells whether columns may be such texts.
    """
    sides = [node.this, node.expression]
    joined = joined_array(sides, [known.of(side) for side in sides])
    if joined is not None:
        node.replace(joined)
        return
    kinds = [known.of(side) for side in sides]
    if any(kind is not None and kind.name in _JOINED for kind in kinds):
        for side in sides:
            write(side, known, notation)
    if kinds == [TEXT, TEXT] and all(may_grow(side, reads_query) for side in sides):
        node.replace(_joined(node.this, node.expression))


def join_all(concat: exp.Anonymous, known: Types, reads_query: bool) -> None:
    """Join the arguments of concat(), which are written as texts, as `write_beside` joins two."""
    given = concat.expressions
    large = [each for each in given if may_grow(each, reads_query)]
    if len(large) > 1 and all(known.of(each) == TEXT or each.is_string for each in given):
        concat.replace(reduce(partial(_joined, name="known_joined"), given))


def _joined(left: exp.Expr, right: exp.Expr, name: str = "text_joined") -> exp.Expr:
    joined = exp.Anonymous(this=name, expressions=[left, right])
    joined.meta[GIVES] = TEXT
    return joined
