"""Literals as PostgreSQL keeps them: read by their type's input, written by its output."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from gateway.catalog.deparsing.nodes import Kind, Node, Unprintable
from gateway.catalog.translation.resolution import (
    BOOL,
    BPCHAR,
    CHAR,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    NAME,
    NUMERIC,
    TEXT,
    UNKNOWN,
    VARCHAR,
    element_of,
)
from gateway.errors import GatewayError
from gateway.sql.inputs import jsontext, networks
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.literals import bytea

DATE, TIME, TIMESTAMP, INTERVAL, JSON, JSONB, UUID, REGCLASS, FLOAT4, BYTEA, TIMESTAMPTZ, INET = (
    1082, 1083, 1114, 1186, 114, 3802, 2950, 2205, 700, 17, 1184, 869,
)  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?)?")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)((?::\d\d(?:\.\d{1,6})?)?)([+-]\d\d)(?::?(\d\d))?"
)
_CLOCK = re.compile(r"(\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?")
_TRUE, _FALSE = ("t", "true", "y", "yes", "on", "1"), ("f", "false", "n", "no", "off", "0")


def number(text: str) -> Node:
    """A number as the parser takes it: int4, int8 or numeric."""
    if text.isdigit():
        value = int(text)
        if value < 2**31:
            return Node(Kind.CONSTANT, INT4, text=str(value))
        if value < 2**63:
            return Node(Kind.CONSTANT, INT8, text=str(value))
    return Node(Kind.CONSTANT, NUMERIC, text=_numeric(text))


def negative(node: Node) -> Node:
    """A number with a minus before it: one constant (gram.y, doNegate)."""
    return Node(Kind.CONSTANT, node.type, text=f"-{node.text}")


def typed(text: str | None, kind: int) -> Node:
    """A literal as a constant of a type.

    Raises:
        Unprintable: How the type's output writes it is not known here.
    """
    if text is None:
        return Node(Kind.CONSTANT, kind, text=None)
    read = _plain_array if is_array(kind) else _READERS.get(kind)
    if kind == UNKNOWN or read is None:
        raise Unprintable(f"a constant of type {kind}")
    try:
        return Node(Kind.CONSTANT, kind, text=read(text))
    except (ValueError, InvalidOperation, GatewayError) as error:
        raise Unprintable(text) from error


def _numeric(text: str) -> str:
    value = Decimal(text.strip().replace("_", ""))
    if not value.is_finite():
        raise Unprintable(text)
    return format(value, "f")


def _boolean(text: str) -> str:
    word = text.strip().lower()
    if word in _TRUE:
        return "true"
    if word in _FALSE:
        return "false"
    raise ValueError(text)


def _float(text: str) -> str:
    if text.strip().lower() == "nan":
        return "NaN"
    found = repr(float(text))
    if "e" in found or found in ("inf", "-inf", "nan"):
        raise ValueError(text)
    return found.removesuffix(".0")


def _whole(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text.strip()):
            raise ValueError(text)
        return text.strip()

    return read


def _clock(clock: str, seconds: str | None) -> str:
    seconds = seconds or ":00"
    return clock + (seconds.rstrip("0").rstrip(".") if "." in seconds else seconds)


def _time(text: str) -> str:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return _clock(*found.groups())


def _moment(text: str) -> str:
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return f"{found[1]} {_clock(found[2] or '00:00', found[3])}"


def _instant(text: str) -> str:
    """A moment of an offset that is written, as a session in UTC shows it."""
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    day, clock, seconds, hours, minutes = found.groups()
    written = f"{day} {clock}{seconds or ':00'}{hours}:{minutes or '00'}"
    moment = datetime.fromisoformat(written).astimezone(UTC)
    return f"{moment:%Y-%m-%d} {_clock(f'{moment:%H:%M}', f'{moment::%S.%f}')}+00"


def _interval(text: str) -> str:
    months, days, micros = read_interval(text)
    if min(months, days, micros) < 0:
        raise ValueError(text)
    parts = []
    for count, unit in ((months // 12, "year"), (months % 12, "mon"), (days, "day")):
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    if micros or not parts:
        seconds, rest = divmod(micros, 1_000_000)
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        parts.append(f"{clock}.{rest:06d}".rstrip("0") if rest else clock)
    return " ".join(parts)


def _plain_array(text: str) -> str:
    if not re.fullmatch(r"\{(\w+(,\w+)*)?\}", text.strip()) or "null" in text.lower():
        raise ValueError(text)
    return text.strip()


def _uuid(text: str) -> str:
    plain = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", plain):
        raise ValueError(text)
    return plain


_READERS: dict[int, Callable[[str], str]] = {
    **dict.fromkeys((TEXT, VARCHAR, BPCHAR, NAME, JSON, REGCLASS), str),
    **dict.fromkeys((INT2, INT4, INT8), lambda text: str(int(text))),
    **dict.fromkeys((FLOAT4, FLOAT8), _float),
    CHAR: lambda text: text[:1],
    BYTEA: lambda text: f"\\x{bytea(text).hex()}",
    BOOL: _boolean,
    NUMERIC: _numeric,
    DATE: _whole(_DATE),
    TIME: _time,
    TIMESTAMP: _moment,
    TIMESTAMPTZ: _instant,
    INTERVAL: _interval,
    JSONB: jsontext.READERS["jsonb"],
    UUID: _uuid,
    INET: networks.canonical,
}


def is_array(kind: int) -> bool:
    """Whether a type is an array type."""
    return bool(element_of(kind))
