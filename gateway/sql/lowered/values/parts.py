"""extract and date_part: PostgreSQL's units (manual, 9.9.1), as double precision.

The engine cuts seconds to integers, lacks the units above the year, has a year 0 where PostgreSQL
goes from 1 BC to 1 AD, and counts 360 days for a year of an interval in its epoch. Here a unit is
written out, a row per type and unit, in terms of what the engine gives rightly.
"""

from __future__ import annotations

from functools import cache

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sql.inputs.notation import Notation
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.sql.types.part_units import BELOW_DAY, IS_PART, UNITS, no_unit
from gateway.types import DATE, INTERVAL, TIME, TIMESTAMP, TIMESTAMPTZ, Type

# `a` is the moment or the interval; engine(unit) is what the engine gives for it, as a double.
_CLOCK = {
    "hour": "engine(hour)",
    "minute": "engine(minute)",
    "second": "engine(microsecond) / 1e6",
    "milliseconds": "engine(microsecond) / 1e3",
    "microseconds": "engine(microsecond)",
    "epoch": "engine(epoch)",
}


def _of_microseconds(count: str) -> dict[str, str]:
    """The parts of a number of microseconds that need no day and no hour."""
    return {
        "second": f"({count} % 60000000)::float8 / 1e6",
        "milliseconds": f"({count} % 60000000)::float8 / 1e3",
        "microseconds": f"({count} % 60000000)::float8",
        "epoch": f"{count}::float8 / 1e6",
    }


# The end of the day, 24:00:00, is a time whose parts the engine calls NULL.
_MICROS = "arrow_cast(arrow_cast(a, 'Time64(Microsecond)'), 'Int64')"
_OF_DAY = {
    "hour": f"({_MICROS} / 3600000000)::float8",
    "minute": f"({_MICROS} / 60000000 % 60)::float8",
    **_of_microseconds(_MICROS),
}
_CALENDAR = {
    **{unit: f"engine({unit})" for unit in ("month", "day", "quarter", "week", "dow", "doy")},
    "isodow": "CASE WHEN engine(dow) = 0 THEN 7.0 ELSE engine(dow) END",
    "epoch": "engine(epoch)",
    "year": "CASE WHEN engine(year) > 0 THEN engine(year) ELSE engine(year) - 1.0 END",
    "isoyear": "CASE WHEN engine(isoyear) > 0 THEN engine(isoyear) ELSE engine(isoyear) - 1.0 END",
    "decade": "floor(engine(year) / 10.0)",
    "century": "CASE WHEN engine(year) > 0 THEN ceil(engine(year) / 100.0)"
    " ELSE -floor((100.0 - engine(year)) / 100.0) END",
    "millennium": "CASE WHEN engine(year) > 0 THEN ceil(engine(year) / 1000.0)"
    " ELSE -floor((1000.0 - engine(year)) / 1000.0) END",
    "julian": "engine(epoch) / 86400.0 + 2440588.0",
}
_OFFSET = "(date_part('epoch', a::timestamp)::float8 - engine(epoch))"
_ZONE = {
    "julian": "date_part('epoch', a::timestamp)::float8 / 86400.0 + 2440588.0",
    "timezone": _OFFSET,
    "timezone_hour": f"trunc({_OFFSET} / 3600.0)",
    "timezone_minute": f"trunc(mod({_OFFSET}, 3600.0) / 60.0)",
}
# Of the time alone, whose sign need not be that of the days and months.
_TIME = "(engine(epoch) - 86400.0 * (engine(day) + 30.0 * (engine(month) + 12.0 * engine(year))))"
_SECONDS = f"round(mod({_TIME}, 60.0) * 1e6)"
_SPAN = {
    **{unit: f"engine({unit})" for unit in ("year", "month", "day", "hour", "minute")},
    "second": f"{_SECONDS} / 1e6 + 0.0",
    "milliseconds": f"{_SECONDS} / 1e3 + 0.0",
    "microseconds": f"{_SECONDS} + 0.0",
    "quarter": "trunc(engine(month) / 3.0) + 1.0",
    "decade": "trunc(engine(year) / 10.0) + 0.0",
    "century": "trunc(engine(year) / 100.0) + 0.0",
    "millennium": "trunc(engine(year) / 1000.0) + 0.0",
    "epoch": "engine(epoch) + engine(year) * 453600.0",  # 365.25 days for a year, not 360
}
# A timedelta of a dataset has days and hours, but no months; the engine counts all its hours.
_DIFFERENCE = "arrow_cast(arrow_cast(a, 'Duration(Microsecond)'), 'Int64')"
_BETWEEN = {
    "day": f"({_DIFFERENCE} / 86400000000)::float8",
    "hour": f"({_DIFFERENCE} % 86400000000 / 3600000000)::float8",
    "minute": f"({_DIFFERENCE} % 3600000000 / 60000000)::float8",
    **_of_microseconds(_DIFFERENCE),
    "quarter": f"({_DIFFERENCE} * 0)::float8 + 1.0",
    **{unit: f"({_DIFFERENCE} * 0)::float8"
       for unit in ("year", "month", "decade", "century", "millennium")},
}  # fmt: skip
# What a column is made of the engine alone can tell.
_EITHER = {
    unit: f"CASE WHEN arrow_typeof(a) LIKE 'Duration%' THEN {_BETWEEN[unit]} ELSE {span} END"
    for unit, span in _SPAN.items()
}
_ROWS = {
    TIMESTAMP: {**_CLOCK, **_CALENDAR},
    TIMESTAMPTZ: {**_CLOCK, **_CALENDAR, **_ZONE},
    DATE: _CALENDAR,
    TIME: _OF_DAY,
    INTERVAL: _SPAN,
}


def write_parts(block: Block, notation: Notation) -> None:
    """Write out extract, date_part and date_trunc in this SELECT, in place.

    Args:
        block: A SELECT whose columns are known.
        notation: How the session writes moments: its time zone has their hours and days.

    Raises:
        InvalidParameterValue: 22023, no such unit.
        FeatureNotSupported: 0A000, the type has no such unit.
    """
    known = Types(block)
    for node in reversed(own_nodes(block.select)):
        if isinstance(node, exp.Extract):
            _write(node, node.this, node.expression, known, notation.zone)
        elif isinstance(node, exp.Anonymous) and node.name == "date_part":
            unit, *values = node.expressions
            if len(values) == 1:
                of = _write if unit.is_string else _write_told
                of(node, unit, values[0], known, notation.zone)
        elif isinstance(node, exp.Anonymous) and node.name == "date_trunc":
            _truncate(node, known, notation.zone)


# What the engine truncates to; below a day it is the same in nearly all zones.
_TRUNCATED = {
    **{unit: unit.removesuffix("s") for unit in BELOW_DAY},
    **{unit: unit for unit in ("day", "week", "month", "quarter", "year")},
}
_OURS = ("decade", "century", "millennium")


def _truncate(node: exp.Anonymous, known: Types, zone: str) -> None:
    unit, *values = node.expressions
    kind = known.of(values[0]) if values else None
    if kind is INTERVAL or len(values) != 1:
        return
    if not unit.is_string:
        if kind in (TIMESTAMP, TIMESTAMPTZ):
            _truncate_here(node, unit.copy(), kind, zone)
        return
    kind = TIMESTAMPTZ if kind is DATE else kind or TIMESTAMP
    name = UNITS.get(unit.name.lower())
    if name is None:
        raise InvalidParameterValue(
            f'unit "{unit.name.lower()}" not recognized for type {kind.sql}'
        )
    if name not in _TRUNCATED and name not in _OURS:
        raise FeatureNotSupported(
            f'unit "{unit.name.lower()}" not supported for type {kind.sql}',
            position=position_of(node),
        )
    zoned = kind is TIMESTAMPTZ and zone != "UTC" and name not in BELOW_DAY
    if zoned or name in _OURS:
        _truncate_here(node, exp.Literal.string(name), kind, zone)
    else:
        unit.replace(exp.Literal.string(_TRUNCATED[name]))


def _truncate_here(node: exp.Anonymous, unit: exp.Expr, kind: Type, zone: str) -> None:
    """The same by a function of our own, which knows all units and the clocks of every zone."""
    value = exp.Cast(this=node.expressions[1].copy(), to=data_type(kind))
    further = [exp.Literal.string(zone)] if kind is TIMESTAMPTZ else []
    made = exp.Anonymous(this=f"truncated_{kind.name}", expressions=[unit, value, *further])
    made.meta[GIVES] = kind
    node.replace(made)


def _write(node: exp.Expr, spelt: exp.Expr, value: exp.Expr, known: Types, zone: str) -> None:
    kind = _kind_taken(node, value, known)
    rows = _rows(kind, value)
    if rows is None:  # for the engine, or the table of overloads, to refuse
        return
    unit = UNITS.get(spelt.name.lower())
    if unit is None or unit not in rows:
        raise no_unit(spelt.name, kind.sql, position=position_of(node))
    made = _part(rows, unit, value, kind, zone)
    if isinstance(node, exp.Extract):
        bare(made).meta[IS_PART] = True
    node.replace(made)


def _write_told(node: exp.Expr, spelt: exp.Expr, value: exp.Expr, known: Types, zone: str) -> None:
    """date_part of a unit that a parameter or a row tells: a CASE of all that its type has."""
    kind = _kind_taken(node, value, known)
    rows = _rows(kind, value)
    if rows is None:
        return
    texts = [exp.Literal.string(text) for text in (kind.sql, ",".join(rows))]
    case = exp.Case(this=exp.Anonymous(this="part_unit", expressions=[spelt.copy(), *texts]))
    for unit in rows:
        case.append(
            "ifs",
            exp.If(this=exp.Literal.string(unit), true=_part(rows, unit, value, kind, zone)),
        )
    node.replace(exp.paren(case))


def _kind_taken(node: exp.Expr, value: exp.Expr, known: Types) -> Type:
    kind = known.of(value) or TIMESTAMP
    # there is no date_part of a date
    return TIMESTAMP if kind is DATE and isinstance(node, exp.Anonymous) else kind


def _rows(kind: Type, value: exp.Expr) -> dict[str, str] | None:
    return _interval_rows(value) if kind is INTERVAL else _ROWS.get(kind)


def _part(rows: dict[str, str], unit: str, value: exp.Expr, kind: Type, zone: str) -> exp.Expr:
    if kind is TIMESTAMPTZ and zone != "UTC" and unit in _LOCAL:
        value = _local(value, zone)
    return _filled(rows[unit], value)


def _interval_rows(value: exp.Expr) -> dict[str, str]:
    """How the parts of an interval are told, by what it is made of."""
    if isinstance(value.unnest(), exp.Interval | exp.Cast | exp.Sub):
        return _SPAN
    # The engine works out both branches of what is of constants.
    return _EITHER if value.find(exp.Column, exp.Sub, exp.Query) else _SPAN


_LOCAL = (_CLOCK.keys() | _CALENDAR.keys()) - _ZONE.keys() - {"epoch"}


def _local(value: exp.Expr, zone: str) -> exp.Expr:
    """What the session's clocks show: the engine's own know no rules for summer after 2100."""
    given = [value.copy(), exp.Literal.string(zone)]
    return exp.Anonymous(this="local_in_zone", expressions=given)


def _filled(template: str, value: exp.Expr) -> exp.Expr:
    """The template with the value in it; what is to be filled is found before the value is."""
    tree = _parsed(template).copy()
    places = [column for column in tree.find_all(exp.Column) if column.name == "a"]
    calls = [call for call in tree.find_all(exp.Anonymous) if call.name == "engine"]
    for place in places:
        place.replace(value.copy())
    for call in calls:
        taken = exp.Extract(this=exp.var(call.expressions[0].name), expression=value.copy())
        call.replace(exp.cast(taken, exp.DType.DOUBLE))
    return tree


@cache
def _parsed(template: str) -> exp.Expr:
    tree: exp.Expr = parse(f"SELECT ({template})")[0].expressions[0]
    return tree
