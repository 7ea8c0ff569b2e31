"""Casts as the engine needs them: of literals, to integers, to texts with a length.

A row of `lowering.LOWERINGS`. What PostgreSQL reads in a literal is read here, once; what the
engine's own cast would do otherwise (truncate, ignore a length) is written out.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs import jsontext, literals, networks, number_input
from gateway.sql.inputs.array_input import dimensions_of, read_array
from gateway.sql.lowered.values.moment_casts import (
    MOMENTS,
    ROUNDED,
    cast_of,
    clock_of,
    cut,
    interval_of,
    moment_of,
    time_of,
)
from gateway.sql.lowered.values.rooms import checked, refuse_long
from gateway.sql.text.datatypes import data_type, own_type
from gateway.sql.types.numerals import is_point_literal, plain

DType = exp.DType


def cast(node: exp.Expr) -> exp.Expr | None:
    """What to print for a cast; None where it is the engine's own."""
    value, kind = node.this.unnest(), _with_length(node.args["to"])
    refuse_long(kind)
    if value.is_string and (own := own_type(kind)) is not None:
        label = exp.Literal.string(literals.label_of(value.name, own))
        return cast_of(label, exp.DataType(this=DType.TEXT))
    if value.is_string and _is_letter(node.args["to"]):
        value = exp.Literal.string(literals.char(value.name))
    if kind.expressions and kind.this in (*ROUNDED, DType.INTERVAL):
        return cut(node.this, value, kind)
    if value.is_string:
        return _literal_cast(value.name, kind)
    if kind.this == DType.DECIMAL:
        return _numeric_cast(value, kind)
    if kind.this in _INTEGERS:
        return _integer_cast(node, value, kind)
    if kind.this == DType.TIME:
        return time_of(node.this)
    if kind.this == DType.ARRAY and isinstance(value, exp.Array):
        return _sized_items(value, kind)
    return _sized(node, kind) if kind.this in _SIZED and kind.expressions else None


def _is_letter(kind: exp.DataType) -> bool:
    """Whether it is `"char"`, in quotes."""
    name = kind.args.get("kind") if kind.this == DType.USERDEFINED else None
    return getattr(name, "name", name) == "char"


def _with_length(kind: exp.DataType) -> exp.DataType:
    """A character without a length has one character; `"char"`, in quotes, at most one."""
    if kind.this == DType.CHAR and not kind.expressions:
        return _length_of(DType.CHAR)
    return _length_of(DType.VARCHAR) if _is_letter(kind) else kind


def _length_of(kind: exp.DType) -> exp.DataType:
    return exp.DataType(this=kind, expressions=[exp.DataTypeParam(this=exp.Literal.number(1))])


_INTEGERS = (DType.SMALLINT, DType.INT, DType.BIGINT)
_SIZED = (DType.VARCHAR, DType.CHAR, DType.BPCHAR, DType.NCHAR)


def _literal_cast(text: str, kind: exp.DataType) -> exp.Expr | None:
    if kind.this in MOMENTS:
        return moment_of(text, kind)
    if kind.this in _NUMBERS:
        number = _number_text(text, kind)
        return _number_of(number, kind)
    if kind.this == DType.INTERVAL:
        return interval_of(text)
    if kind.this == DType.ARRAY and kind.expressions:
        return array_of(read_array(text), kind)
    if kind.this in (DType.JSON, DType.JSONB):
        return exp.Literal.string(jsontext.READERS[kind.this.name.lower()](text))
    if kind.this == DType.TIME:
        return clock_of(text)
    if kind.this in _FORMS:
        return exp.Literal.string(_FORMS[kind.this](text))
    if kind.this in (DType.VARBINARY, DType.BINARY):
        return exp.HexString(this=literals.bytea(text).hex())
    if kind.this in _SIZED and kind.expressions:
        size = int(kind.expressions[0].name)
        short = text[:size] if kind.this == DType.VARCHAR else text[:size].ljust(size)
        return cast_of(exp.Literal.string(short), exp.DataType(this=DType.VARCHAR))
    return None


# What the engine holds as a text of one form.
_FORMS = {DType.UUID: literals.uuid, DType.INET: networks.canonical}
_FLOATS = (DType.FLOAT, DType.DOUBLE)
_WIDEST = 76  # digits of the engine's decimals of 256 bits
_SPLIT = (DType.SMALLINT, DType.INT, DType.BIGINT, DType.DOUBLE, DType.TEXT)
_NUMBERS: dict[DType, Callable[[str], object]] = {
    DType.BOOLEAN: number_input.read_bool,
    DType.SMALLINT: number_input.read_int2,
    DType.INT: number_input.read_int4,
    DType.BIGINT: number_input.read_int8,
    DType.FLOAT: number_input.read_float4,
    DType.DOUBLE: number_input.read_float8,
    DType.DECIMAL: number_input.read_numeric,
}


def _number_text(text: str, kind: exp.DataType) -> str:
    """The literal as the engine reads it, once PostgreSQL would take it; it takes too much."""
    read = number_input.read_float4 if _is_real(kind) else _NUMBERS[kind.this]
    value = read(text)
    if kind.this == DType.DECIMAL:
        return plain(text.strip())
    if kind.this in _FLOATS and "x" not in text.lower():
        return text.strip()
    return str(value).lower()


def _number_of(number: str, kind: exp.DataType) -> exp.Expr:
    """A number as one of the type; a numeric without a scale has that of its digits.

    Raises:
        FeatureNotSupported: 0A000, more of them than the engine's widest decimal has.
    """
    literal = exp.Literal.string(number)
    if kind.this != DType.DECIMAL or kind.expressions:
        return cast_of(literal, kind.copy())
    whole, _, fraction = number.lstrip("+-").partition(".")
    wanted = len(whole.lstrip("0")) + len(fraction)
    if max(wanted, len(fraction)) > _WIDEST:
        raise FeatureNotSupported(
            f"a numeric of more than {_WIDEST} digits cannot be held here",
            hint="Use double precision.",
        )
    if wanted > 38 or len(fraction) > 38:
        wide = exp.Literal.string(f"Decimal256({_WIDEST}, {len(fraction)})")
        return exp.Anonymous(this="arrow_cast", expressions=[literal, wide])
    return cast_of(literal, data_type(f"decimal(38, {len(fraction)})"))


def _is_real(kind: exp.DataType) -> bool:
    """float(1) to float(24) is real."""
    return bool(
        kind.this == DType.DOUBLE and kind.expressions and int(kind.expressions[0].name) <= 24
    )


def array_of(values: list[Any], kind: exp.DataType) -> exp.Expr:
    """An array of the values; `kind` has one dimension or more, PostgreSQL counts none.

    An empty one has those of `kind`, since what it stands beside may have as many.
    """
    element, depth = kind.expressions[0], 1
    while element.this == DType.ARRAY and element.expressions:
        element, depth = element.expressions[0], depth + 1
    element = _of_items(values, element)

    def made(values: list[Any]) -> exp.Expr:
        return exp.Array(
            expressions=[made(v) if isinstance(v, list) else item_of(v, element) for v in values]
        )

    wanted = (
        exp.DataType(this=element.this) if element.this in (*ROUNDED, DType.INTERVAL) else element
    )
    for _ in range(dimensions_of(values) if values else depth):
        wanted = exp.DataType(this=DType.ARRAY, expressions=[wanted.copy()], nested=True)
    long = _split_by_engine(values, element) if len(values) > _LONG_ARRAY else None
    return cast_of(long or made(values), wanted.copy())


def _of_items(values: list[Any], element: exp.DataType) -> exp.DataType:
    """A numeric without a scale has as many digits after the point as the longest item."""
    if element.this != DType.DECIMAL or element.expressions:
        return element
    flat = [v for value in values for v in (value if isinstance(value, list) else [value])]
    if any(isinstance(value, list) for value in flat):
        return _of_items(flat, element)
    numbers = [_number_text(value, element) for value in flat if value is not None]
    whole = max((len(number.partition(".")[0]) for number in numbers), default=0)
    scale = max((len(number.partition(".")[2]) for number in numbers), default=0)
    if not numbers:
        return element
    if whole + scale > _MOST_DIGITS:
        raise FeatureNotSupported(
            f"items of an array of more than {_MOST_DIGITS} digits together cannot be held here",
            hint="Use double precision.",
        )
    return data_type(f"decimal({_MOST_DIGITS}, {scale})")


_MOST_DIGITS = 38
# An array of 10,000 numbers written out as so many casts takes 4 s to print and to plan.
_LONG_ARRAY = 100
_BETWEEN, _NULL = "\x1f", "\x1e"  # the unit and record separators of ASCII


def _split_by_engine(values: list[Any], kind: exp.DataType) -> exp.Expr | None:
    """A long array of one dimension as one text that the engine takes apart; None if it cannot."""
    if kind.this not in _SPLIT or isinstance(values[0], list):
        return None
    if kind.this != DType.TEXT:
        values = [None if each is None else _number_text(each, kind) for each in values]
    elif any(mark in each for each in values if each is not None for mark in (_BETWEEN, _NULL)):
        return None
    joined = _BETWEEN.join(_NULL if each is None else each for each in values)
    words = [exp.Literal.string(each) for each in (joined, _BETWEEN, _NULL)]
    return exp.Anonymous(this="string_to_array", expressions=words)


def item_of(text: str | None, kind: exp.DataType) -> exp.Expr:
    """An item of an array literal, as one of the type of its elements."""
    if text is None:  # the engine makes no list of bytes and a NULL without a type
        is_bytes = kind.this in (DType.VARBINARY, DType.BINARY)
        return cast_of(exp.Null(), kind.copy()) if is_bytes else exp.Null()
    item = exp.Literal.string(text)
    if (own := own_type(kind)) is not None:
        literals.label_of(text, own)
    if kind.expressions and kind.this in (*ROUNDED, DType.INTERVAL):
        return cut(item, item, kind)
    return _literal_cast(text, kind) or cast_of(item, kind.copy())


# Adding and taking away 1.5 * 2^52 rounds a double to the nearest integer, ties to even, as
# PostgreSQL's dtoi4 does (rint); DataFusion's cast truncates and its round() rounds ties away.
_ROUNDER = "6755399441055744.0"
_EXACT = "2251799813685248.0"  # 2^51: at and above it the trick is not exact


def _integer_cast(node: exp.Expr, value: exp.Expr, kind: exp.DataType) -> exp.Expr | None:
    digits = _decimal_literal(value)
    if digits is not None:
        return cast_of(_number(digits), kind.copy())
    if _is_integral(value):
        return None
    double = cast_of(node.this.copy(), exp.DataType(this=DType.DOUBLE))
    shift = exp.Literal.number(_ROUNDER)
    rounded = exp.Sub(this=exp.Add(this=double, expression=shift), expression=shift.copy())
    narrow = cast_of(rounded, kind.copy())
    if kind.this != DType.BIGINT:
        return narrow
    small = exp.LT(
        this=exp.Anonymous(this="abs", expressions=[double.copy()]),
        expression=exp.Literal.number(_EXACT),
    )
    return exp.Case(ifs=[exp.If(this=small, true=narrow)], default=node.copy())


def _numeric_cast(value: exp.Expr, kind: exp.DataType) -> exp.Expr | None:
    """A literal with a point keeps its digits: the engine would read a double."""
    literal, minus = value, ""
    while isinstance(literal, exp.Neg | exp.Paren):
        minus = ("" if minus else "-") if isinstance(literal, exp.Neg) else minus
        literal = literal.this
    if not (is_point_literal(literal) or (_is_long(literal) and not kind.expressions)):
        return None
    written = minus + plain(literal.name)
    return _number_of(written, kind)


def _is_long(value: exp.Expr) -> bool:
    """A number as it was written, which the engine would read as a double if it is long."""
    made = value.type is not None and value.type.this == DType.DOUBLE  # by an earlier pass
    return isinstance(value, exp.Literal) and not value.is_string and not made


def _decimal_literal(value: exp.Expr) -> int | None:
    """A literal such as 2.5 or -0.5 rounded as PostgreSQL's numeric: ties away from zero."""
    sign = 1
    while isinstance(value, exp.Neg | exp.Paren):
        sign, value = (-sign if isinstance(value, exp.Neg) else sign), value.this
    if not isinstance(value, exp.Literal) or value.is_string or value.is_int:
        return None
    if value.type is not None and value.type.this == DType.DOUBLE:
        return None  # an earlier pass made it a double
    whole, remainder = divmod(Fraction(value.name), 1)
    return sign * (whole + (remainder * 2 >= 1))


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal


def _is_integral(value: exp.Expr) -> bool:
    """Whether the text, or a type that an earlier pass wrote on the node, says so."""
    if value.type is not None and value.type.this in (*_INTEGERS, DType.BOOLEAN, DType.TEXT):
        return True
    if isinstance(value, exp.Neg | exp.Paren):
        return _is_integral(value.this)
    if isinstance(value, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return _is_integral(value.this) and _is_integral(value.expression)
    if isinstance(value, exp.Cast):
        return value.args["to"].this in (*_INTEGERS, DType.BOOLEAN, *_SIZED, DType.TEXT)
    if isinstance(value, exp.Anonymous):
        return value.name in ("count", "length", "char_length", "row_number", "rank")
    return isinstance(value, exp.Null | exp.Boolean | exp.Predicate) or value.is_int


def _sized_items(array: exp.Array, kind: exp.DataType) -> exp.Expr | None:
    """An array whose items have the length of their type, which the engine ignores."""
    element = kind
    while element.this == DType.ARRAY and element.expressions:
        element = element.expressions[0]
    if element.this not in _SIZED or not element.expressions:
        return None
    cut_off = array.copy()
    for item in [each for each in cut_off.find_all(exp.Expr) if _is_item(each, cut_off)]:
        sized = exp.Cast(this=item.copy(), to=element.copy())
        item.replace(cast(sized) or sized)
    return cast_of(cut_off, kind.copy())


def _is_item(node: exp.Expr, array: exp.Array) -> bool:
    """Whether it is an item of the array or of one that stands in it."""
    around = node.parent
    if isinstance(node, exp.Array) or not isinstance(around, exp.Array):
        return False
    while around is not array and isinstance(around, exp.Array):
        around = around.parent
    return around is array


def _sized(node: exp.Expr, kind: exp.DataType) -> exp.Expr:
    text = cast_of(node.this.copy(), exp.DataType(this=DType.VARCHAR))
    size = exp.Literal.number(kind.expressions[0].name)
    name = "left" if kind.this == DType.VARCHAR else "rpad"
    return exp.Anonymous(this=name, expressions=checked(name, [text, size]))
