"""Literals whose meaning hangs on a session's settings, written so that it does not; `x::unknown`.
`'1/8/1999'::date` is a day of January or of August by DateStyle's second word (manual, 8.5.1.1);
`interval '-1 2:03'` has one sign or two by IntervalStyle (8.5.5). What is kept (a view, a default)
is read by other sessions too: there such a date is refused, as it is no ISO 8601.
"""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from gateway.errors import InvalidDatetimeFormat
from gateway.sql.inputs import literals
from gateway.sql.inputs.array_input import read_array
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.notation import Notation
from gateway.sql.text.trees import nodes, nodes_of
from gateway.sql.types.modifiers import fields_of

DType = exp.DType

# Mark of a literal of a view or a function, which was read when that was made.
KEPT = "kept"

_INTERVAL = exp.DataType(this=DType.INTERVAL)
_MOMENTS = (DType.DATE, DType.TIME, DType.TIMESTAMP, DType.TIMESTAMPTZ)


def keep_literals(tree: exp.Expr, zone: str = "") -> None:
    """Mark the literals of a kept query: they mean the same to every session.

    Args:
        zone: The TimeZone in which they were written; "": moments are of the reader's.
    """
    for literal in nodes_of(tree, exp.Literal):
        if literal.is_string:
            literal.meta[KEPT] = zone


def read_literals(tree: exp.Expr, notation: Notation) -> None:
    """Write the dates and intervals of a statement as every session reads them, in place.

    Raises:
        InvalidDatetimeFormat: 22007, an interval that is kept would be read in two ways.
    """
    for node in nodes(tree):
        literal = node.args.get("this") if isinstance(node, exp.Cast | exp.Interval) else None
        if not isinstance(literal, exp.Literal) or not literal.is_string:
            continue
        kind, zone = node.args.get("to") or _INTERVAL, literal.meta.get(KEPT)
        if zone is None:
            text = _settled(literal.name, kind, notation)
        elif zone and zone != notation.zone and kind.this in (DType.TIMESTAMPTZ, DType.ARRAY):
            # Under its other name UTC is a zone as any, whose offset is written.
            text = _settled(literal.name, kind, Notation("Etc/UTC" if zone == "UTC" else zone))
        else:
            continue
        if text is not None:
            literal.replace(exp.Literal.string(text))


def _settled(text: str, kind: exp.DataType, notation: Notation) -> str | None:
    """The text in its one meaning; None where it has no other."""
    if kind.this in _MOMENTS:
        return _moment(text, kind.this, notation)
    if kind.this == DType.INTERVAL and notation.intervals == "sql_standard":
        return _signed(text, fields_of(kind)[0] or "second", notation)
    if kind.this == DType.ARRAY and kind.expressions:
        return _settled_array(text, kind.expressions[0], notation)
    return None


_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?")


def _moment(text: str, kind: exp.DType, notation: Notation) -> str | None:
    """The moment in ISO 8601, and of timestamptz with how far the session's clocks are from UTC.

    The engine knows no rules for these after 2100, and refuses what its clocks show twice.
    """
    local = kind == DType.TIMESTAMPTZ and notation.zone != "UTC"
    if not notation.order or (_PLAIN.fullmatch(text) and not local):
        return None
    if kind == DType.DATE:
        return literals.date(text, notation.order)
    if kind == DType.TIME:
        return literals.time(text, notation.order)
    found = literals.timestamp(text, kind == DType.TIMESTAMPTZ, notation.order)
    return literals.with_offset(found, notation.zone) if local else found


def _signed(text: str, unit: str, notation: Notation) -> str | None:
    found = read_interval(text, notation.intervals, unit)
    if found == read_interval(text, unit=unit):
        return None
    written = literals.engine_interval(*found)
    if not notation.order:
        raise InvalidDatetimeFormat(
            f'the signs of interval "{text}" depend on IntervalStyle', hint=f"Write '{written}'."
        )
    return written


def _settled_array(text: str, element: exp.DataType, notation: Notation) -> str | None:
    while element.this == DType.ARRAY and element.expressions:
        element = element.expressions[0]
    if element.this not in (*_MOMENTS, DType.INTERVAL):
        return None

    def written(items: list[Any]) -> str:
        return "{" + ",".join(map(item, items)) + "}"

    def item(value: Any) -> str:
        if isinstance(value, list):
            return written(value)
        if value is None:
            return "NULL"
        found = _settled(value, element, notation) or value
        return '"' + found.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return written(read_array(text))


_UNTOLD = (exp.Literal, exp.Null, exp.Parameter)


def drop_unknown(tree: exp.Expr) -> None:
    """Take such casts off literals, NULL and parameters, in place; an output keeps the name."""
    for cast in list(nodes_of(tree, exp.Cast)):
        value = cast.this.unnest()
        if cast.to.this != exp.DType.UNKNOWN or not isinstance(value, _UNTOLD):
            continue
        named = isinstance(cast.parent, exp.Select) and cast.arg_key == "expressions"
        cast.replace(exp.alias_(value.copy(), "unknown", quoted=True) if named else value.copy())
