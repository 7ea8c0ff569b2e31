"""Arithmetic of moments and intervals, and AT TIME ZONE, as the engine computes them."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import cast_copy
from gateway.sql.types.inference import GIVES, Types
from gateway.types import DATE, INTERVAL, TIME, TIMESTAMPTZ

_MOMENTS = ("timestamp", "timestamptz", "date")


def scaled_interval(node: exp.Mul | exp.Div, known: Types) -> None:
    """An interval times a number, or by one, in place."""
    sides = [node.this, node.expression]
    types = [known.of(side) for side in sides]
    if INTERVAL not in types:
        return
    if isinstance(node, exp.Mul) and types[1] == INTERVAL:
        sides.reverse()
    name = "interval_times" if isinstance(node, exp.Mul) else "interval_over"
    arguments = [cast_copy(sides[0], "interval"), cast_copy(sides[1], "float8")]
    node.replace(exp.Anonymous(this=name, expressions=arguments))


def moved(node: exp.Add | exp.Sub, known: Types, zone: str) -> None:
    """A date and an interval or a time give a timestamp; the engine would leave out the hours.

    A moment and an interval go by the session's clocks, of which the engine knows not all. Between
    two moments are days and hours: the engine's own difference is a length without days.
    """
    sides = [node.this, node.expression]
    types = [known.of(side) for side in sides]
    both = all(kind is not None and kind.name in _MOMENTS for kind in types)
    if both and isinstance(node, exp.Sub) and types != [DATE, DATE]:
        node.replace(_between(node))
    elif INTERVAL in types and TIMESTAMPTZ in types and zone != "UTC":
        moment, interval = (sides[types.index(kind)] for kind in (TIMESTAMPTZ, INTERVAL))
        sign = exp.Literal.number(-1 if isinstance(node, exp.Sub) else 1)
        given = [cast_copy(moment, "timestamptz"), cast_copy(interval, "interval")]
        made = exp.Anonymous(
            this="moved_timestamptz", expressions=[*given, exp.Literal.string(zone), sign]
        )
        made.meta[GIVES] = TIMESTAMPTZ
        node.replace(made)
    elif INTERVAL in types and DATE in types:
        date = sides[types.index(DATE)]
        date.replace(cast_copy(date, "timestamp"))
    elif TIME in types and DATE in types:
        node.replace(cast_copy(node, "timestamp"))


def _between(difference: exp.Sub) -> exp.Expr:
    """The interval that a difference of moments is."""
    number: exp.Expr = difference.copy()
    for kind in ("Duration(Microsecond)", "Int64"):
        literal = exp.Literal.string(kind)
        number = exp.Anonymous(this="arrow_cast", expressions=[number, literal])
    made = exp.Anonymous(this="interval_between", expressions=[number])
    made.meta[GIVES] = INTERVAL
    return made


def at_time_zone(node: exp.AtTimeZone, known: Types) -> None:
    """A moment becomes the local time there, and a local time a moment.

    The engine would keep a moment one, and knows no rules after 2100; of UTC it needs none.
    """
    zone = node.args["zone"]
    kind = known.of(node.this)
    if kind is INTERVAL or known.of(zone) is INTERVAL:
        raise FeatureNotSupported(
            "AT TIME ZONE with an interval is not supported",
            hint="Write the offset in quotes: '+02:00'.",
            position=position_of(node),
        )
    utc = zone.is_string and zone.name.upper() in ("UTC", "GMT", "Z")
    if utc:  # which the engine knows in capitals alone
        node.set("zone", exp.Literal.string("UTC"))
    moment = kind in (TIMESTAMPTZ, DATE)  # a date is a moment first (manual, 10.2)
    name = "local_in_zone" if moment else "moment_in_zone"
    if kind is TIMESTAMPTZ and utc:
        node.replace(exp.Anonymous(this="to_local_time", expressions=[node.copy()]))
    elif kind is not None and (not utc or kind is DATE):
        given = cast_copy(node.this, "timestamptz" if moment else "timestamp")
        place = cast_copy(zone, "text") if not zone.is_string else zone.copy()
        node.replace(exp.Anonymous(this=name, expressions=[given, place]))
