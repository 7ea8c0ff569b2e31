"""Casts of literals and values to dates, times and intervals, as the engine needs them.

What PostgreSQL reads in a literal is read here, once; infinities, far years and 24:00:00 are the
numbers that stand for them.
"""

from __future__ import annotations

import re

from sqlglot import exp

from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs import far_moments, literals
from gateway.sql.inputs.interval_input import cut_to, read_interval
from gateway.sql.types.modifiers import fields_of, type_modifier

DType = exp.DType

MOMENTS = (DType.DATE, DType.TIMESTAMP, DType.TIMESTAMPTZ)
_NOW, _DAYS = "now", {"today": 0, "tomorrow": 1, "yesterday": -1}


def _spoken(text: str, kind: exp.DataType) -> exp.Expr:
    """now, today, tomorrow, yesterday, as the statement runs (manual, 8.5.1.4)."""
    word, _, clock = text.partition(" ")
    if word == _NOW and kind.this != DType.DATE:
        return exp.Cast(this=exp.Anonymous(this="now"), to=kind.copy())
    day: exp.Expr = exp.CurrentDate()
    days = _DAYS.get(word, 0)
    if days:
        moved = exp.Add if days > 0 else exp.Sub
        day = exp.paren(moved(this=day, expression=interval_of("1 day")), copy=False)
    day = exp.Cast(this=day, to=exp.DataType(this=DType.DATE))
    if clock:
        local = exp.Cast(this=day, to=exp.DataType(this=DType.TIMESTAMP))
        day = exp.paren(exp.Add(this=local, expression=interval_of(clock)), copy=False)
    return exp.Cast(this=day, to=kind.copy())


def moment_of(text: str, kind: exp.DataType) -> exp.Expr | None:
    if (sign := far_moments.infinity(text)) != 0:
        return held_moment(_INFINITE[kind.this == DType.DATE][sign], kind)
    if kind.this == DType.DATE:
        day = literals.date(text)
        if not day[0].isdigit():
            return _spoken(day, kind)
        if (far := far_moments.far_moment(day)) is not None:
            if far[0] >= far_moments.END_DAY:
                raise DatetimeFieldOverflow(f'date out of range: "{text}"')
            return held_moment(far[0], kind)
        return None if day == text else cast_of(exp.Literal.string(day), kind.copy())
    plain = literals.timestamp(text, zoned=kind.this == DType.TIMESTAMPTZ)
    if not plain[0].isdigit():
        return _spoken(plain, kind)
    if (far := far_moments.far_moment(plain)) is None:
        return cast_of(exp.Literal.string(plain), kind.copy())
    micros = far[0] * far_moments.DAY_MICROS + far[1]
    if not far_moments.FIRST_MICROS <= micros < far_moments.END_MICROS:
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    if kind.this == DType.TIMESTAMPTZ and not _OFFSET.search(plain):  # of the session's clocks
        return cast_of(held_moment(micros, exp.DataType(this=DType.TIMESTAMP)), kind.copy())
    return held_moment(micros, kind)


_OFFSET = re.compile(r"[+-]\d\d:\d\d(?::\d\d)?(?: BC)?$")
# Whether it is a date -> sign -> the number that stands for infinity.
_INFINITE = {
    True: {1: far_moments.DATE_INFINITY, -1: far_moments.DATE_MINUS_INFINITY},
    False: {1: far_moments.TIMESTAMP_INFINITY, -1: far_moments.TIMESTAMP_MINUS_INFINITY},
}
_HELD = {
    DType.DATE: "Date32",
    DType.TIMESTAMP: "Timestamp(Microsecond, None)",
    DType.TIMESTAMPTZ: 'Timestamp(Microsecond, Some("UTC"))',
}


def held_moment(number: int, kind: exp.DataType) -> exp.Expr:
    """The date or timestamp that the engine keeps as this number."""
    width = DType.INT if kind.this == DType.DATE else DType.BIGINT
    value = cast_of(exp.Literal.string(str(number)), exp.DataType(this=width))
    arguments = [value, exp.Literal.string(_HELD[kind.this])]
    held = exp.Anonymous(this="arrow_cast", expressions=arguments)
    return cast_of(held, kind.copy()) if kind.this == DType.TIMESTAMPTZ else held


def clock_of(text: str) -> exp.Expr:
    """A time of day; 24:00:00, which the engine does not read, as the number that it is."""
    text = literals.time(text)
    if text == _NOW:
        return time_of(exp.Cast(this=exp.Anonymous(this="now"), to=exp.DataType(this=DType.TIME)))
    if text != "24:00:00":
        return time_of(exp.Literal.string(text))
    return time_of(cast_of(exp.Literal.string(str(far_moments.DAY_MICROS)), _BIGINT.copy()))


_BIGINT = exp.DataType(this=DType.BIGINT)


def time_of(value: exp.Expr) -> exp.Expr:
    """The engine's TIME counts nanoseconds, and is not compared with microseconds."""
    unit = exp.Literal.string("Time64(Microsecond)")
    return exp.Anonymous(this="arrow_cast", expressions=[value.copy(), unit])


ROUNDED = {
    DType.TIMESTAMP: "rounded_timestamp",
    DType.TIMESTAMPTZ: "rounded_timestamptz",
    DType.TIME: "rounded_time",
}


def cut(given: exp.Expr, value: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """A moment to the digits that its type keeps, an interval to its fields and digits."""
    plain = exp.DataType(this=kind.this)
    if kind.this == DType.INTERVAL:
        fields, kept = fields_of(kind)
        if value.is_string:
            return interval_of(value.name, fields or "second", fields, kept)
        digits = exp.Literal.number(-1 if kept is None else kept)
        arguments: list[exp.Expr] = [
            cast_of(given.copy(), plain),
            exp.Literal.string(fields),
            digits,
        ]
        return exp.Anonymous(this="cut_interval", expressions=arguments)
    if value.is_string:
        moment = clock_of(value.name) if kind.this == DType.TIME else moment_of(value.name, plain)
    else:
        moment = time_of(given) if kind.this == DType.TIME else None
    arguments = [moment or cast_of(given.copy(), plain), exp.Literal.number(type_modifier(kind))]
    return exp.Anonymous(this=ROUNDED[kind.this], expressions=arguments)


def interval_of(
    text: str, unit: str = "second", fields: str = "", digits: int | None = None
) -> exp.Expr:
    """The interval that a literal means, in the engine's spelling.

    Args:
        unit: As in `read_interval`.
        fields: Those that its type keeps; "": all.
        digits: Of its seconds that its type keeps; None: all.
    """
    parts = cut_to(read_interval(text, unit=unit), fields, digits)
    return exp.Interval(this=exp.Literal.string(literals.engine_interval(*parts)))


def cast_of(value: exp.Expr, kind: exp.DataType) -> exp.Cast:
    """A cast of `value`."""
    return exp.Cast(this=value, to=kind)
