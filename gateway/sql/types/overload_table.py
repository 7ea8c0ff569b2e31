"""Which calls depend on the types of their arguments: the kinds of arguments, and all rows.

A row of `OVERLOADS` is a call as PostgreSQL lists it (manual, chapter 9), its arguments named a, b,
c ..., and what the engine is to compute; `overload_rows` has more of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from sqlglot import exp

from gateway.sql.text.dialect import own_value
from gateway.sql.types.overload_rows import OVERLAP_ROWS, ROWS, numeric_series
from gateway.types import FLOATING, INTEGER, NUMBERS, Type

# A kind of argument -> the types that are of it, and the type that a quoted literal becomes.
KINDS: dict[str, tuple[frozenset[str], str]] = {
    "timestamp": (frozenset({"timestamp"}), "timestamp"),
    "timestamptz": (frozenset({"timestamptz"}), "timestamptz"),
    "date": (frozenset({"date"}), "date"),
    "interval": (frozenset({"interval"}), "interval"),
    "time": (frozenset({"time"}), "time"),
    "integer": (INTEGER, "int4"),
    "bigint": (INTEGER, "int8"),
    "decimal": (frozenset({"numeric"}), ""),
    "int4": (INTEGER, "int4"),
    "whole": (INTEGER, ""),  # unknown: as the others are
    "numeric": (frozenset({"numeric"}), "numeric"),
    "short": (frozenset({"int2", "int4"}), ""),  # of a literal it is not asked
    "real": (frozenset({"float4"}), ""),
    "double": (FLOATING, "float8"),
    "number": (NUMBERS, "float8"),
    "text": (frozenset({"text", "varchar", "bpchar", "name", "unknown"}), "text"),
    "json": (frozenset({"json"}), "json"),
    "jsonb": (frozenset({"jsonb"}), "jsonb"),
    "bytea": (frozenset({"bytea"}), "bytea"),
    "inet": (frozenset({"inet"}), "inet"),
    "bytes": (frozenset({"bytea"}), ""),
    "fraction": (NUMBERS - INTEGER, ""),
    "texts": (frozenset({"_text", "_varchar"}), "text[]"),
    "numbers": (frozenset({"_int2", "_int4", "_int8", "_numeric", "_float4", "_float8"}), ""),
    "boolean": (frozenset({"bool"}), "boolean"),
    "any": (frozenset(), ""),
}

# Kinds that no quoted literal and no parameter is of.
_KNOWN = ("bytes", "fraction", "decimal", "short", "real")

OVERLOADS: tuple[tuple[str, str], ...] = (
    ("to_char(timestamp, text)",      "to_char_timestamp(a, b)"),
    ("to_char(date, text)",           "to_char_timestamp(a::timestamp, b)"),
    ("to_char(timestamptz, text)",    "to_char_timestamptz(a, b, session_zone)"),
    ("to_char(interval, text)",       "to_char_interval(a, b)"),
    ("to_char(time, text)",           "to_char_interval(interval_of_time(a), b)"),
    ("to_char(short, text)",          "to_char_integer(a, b)"),
    ("to_char(bigint, text)",         "to_char_bigint(a, b)"),
    ("to_char(numeric, text)",        "to_char_numeric(a::text, b)"),
    ("to_char(real, text)",           "to_char_real(a::double precision, b)"),
    ("to_char(double, text)",         "to_char_double(a, b)"),
    ("to_timestamp(text, text)",      "to_timestamp_text(a, b)::timestamptz"),
    ("to_timestamp(number)",          "moment_of_seconds(a::double precision)"),
    ("to_date(text, text)",           "to_date_text(a, b)"),
    ("to_number(text, text)",         "to_number_text(a, b)"),
    *(
        (f"age({late}, {early})", "age_timestamp(a::timestamp, b::timestamp)")
        for late, early in product(("timestamp", "timestamptz", "date"), repeat=2)
    ),
    ("age(timestamp)",                "age_timestamp(current_date::timestamp, a::timestamp)"),
    ("age(date)",                     "age_timestamp(current_date::timestamp, a::timestamp)"),
    ("age(timestamptz)",              "age_timestamp(current_date::timestamp, a::timestamp)"),
    ("make_date(int4, int4, int4)", "make_date_parts(a, b, c)"),
    ("make_time(integer, integer, number)", "make_time_parts(a, b, c::double precision)"),
    ("make_timestamp(integer, integer, integer, integer, integer, number)",
     "make_timestamp_parts(a, b, c, d, e, f::double precision)"),
    ("date_trunc(text, date)",        "date_trunc(a, b::timestamptz)"),
    ("date_trunc(text, interval)",    "truncated_interval(a, b)"),
    ("date_trunc(text, time)",        "truncated_interval(a, interval_of_time(b))"),
    ("date_trunc(text, any)",         "date_trunc(a, b)"),
    ("date_trunc(text, timestamptz, text)", "truncated_timestamptz(a, b, c)"),
    # Of constants the engine's counts nanoseconds.
    ("date_bin(any, timestamp, any)", "date_bin(a, b, c)::timestamp"),
    ("date_bin(any, timestamptz, any)", "date_bin(a, b, c)::timestamptz"),
    ("date_part(text, any)",          "date_part(a, b)::double precision"),
    ("generate_series(timestamp, timestamp, interval)",
     "generate_series(a, room_for_moments(a, b, c), c)"),
    ("generate_series(timestamptz, timestamptz, interval)",
     "generate_series(a, room_for_instants(a, b, c), c)"),
    ("generate_series(date, date, interval)",
     "generate_series(a::timestamptz,"
     " room_for_instants(a::timestamptz, b::timestamptz, c), c)"),
    ("generate_series(whole, whole)", "generate_series(a, b)"),
    ("generate_series(whole, whole, whole)", "generate_series(a, b, c)"),
    *numeric_series(),
    ("generate_series(any, any)",     "generate_series(a, b)"),
    ("generate_series(any, any, any)", "generate_series(a, b, c)"),
    ("round(bigint)",                 "round(a::double precision)"),
    ("round(any)",                    "round(a)"),
    ("round(any, any)",               "round(a, b)"),
    ("substring(text, text)",         "(regexp_match(a, b))[1]"),
    ("substring(any, any)",           "substring(a, b)"),
    ("substring(any, any, any)",      "substring(a, b, c)"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A call, and what the engine computes in its place."""

    kinds: tuple[str, ...]
    written: str

    @property
    def becomes(self) -> exp.Expr:
        """The same as a tree, which is not to be changed."""
        return own_value(self.written)

    def fits(self, arguments: Sequence[exp.Expr], types: Sequence[Type | None]) -> bool:
        """Whether it is meant by arguments of these types."""
        pairs = zip(self.kinds, arguments, types, strict=True)
        return all(_fits(kind, argument, known) for kind, argument, known in pairs)


def _fits(kind: str, argument: exp.Expr, known: Type | None) -> bool:
    if kind == "any" or (is_unknown(argument) and kind not in _KNOWN):
        return True
    return known is not None and known.name in KINDS[kind][0]


def is_unknown(argument: exp.Expr) -> bool:
    """A quoted literal or NULL: PostgreSQL's type unknown."""
    return argument.is_string or isinstance(argument, exp.Null | exp.Parameter)


@cache
def rows() -> dict[str, list[Row]]:
    """By name."""
    found: dict[str, list[Row]] = {}
    for call, becomes in (*OVERLOADS, *OVERLAP_ROWS, *ROWS):
        name, _, rest = call.partition("(")
        kinds = tuple(kind for kind in rest.rstrip(")").split(", ") if kind)
        found.setdefault(name, []).append(Row(kinds, becomes))
    return found
