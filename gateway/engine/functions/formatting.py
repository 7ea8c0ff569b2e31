"""format(), and texts that quote: PostgreSQL manual, 9.4.1, "format"."""

from __future__ import annotations

import re

from gateway.errors import OutOfMemory
from gateway.sql.text.quoting import identifier, literal

_SPECIFIER = re.compile(r"%(?:(\d+)\$)?(-)?(?:(\d+)|\*(?:(\d+)\$)?)?([a-zA-Z%]?)")


_WIDEST = 2**24  # characters
_MOST = 2**28  # of one value: before more than that is put together it is refused


def format_text(template: str, arguments: list[str | None]) -> str:
    """The template with its specifiers filled in.

    Raises:
        ValueError: it is wrong, or has more specifiers than there are arguments.
        OutOfMemory: 53200, it makes or pads to more characters than there is room for.

    >>> print(format_text("%s: %I = %L, %2$s", ["a", "b c", "d'e"]))
    a: "b c" = 'd''e', b c
    """
    place, room = 0, _Room()

    def argument(number: str | None) -> str | None:
        nonlocal place
        place = int(number) if number is not None else place + 1
        if place == 0:
            raise ValueError("format specifies argument 0, but arguments are numbered from 1")
        if place > len(arguments):
            raise ValueError("too few arguments for format()")
        return arguments[place - 1]

    def filled(match: re.Match[str]) -> str:
        number, minus, width, width_from, kind = match.groups()
        if kind == "%" and match[0] == "%%":
            return "%"
        if not kind:
            raise ValueError("unterminated format() type specifier")
        if kind not in "sIL":
            raise ValueError(f'unrecognized format() type specifier "{kind}"')
        if "*" in match[0]:
            width = argument(width_from) or "0"
            minus, width = (minus, width) if int(width) >= 0 else ("-", str(-int(width)))
        text = _shown(kind, argument(number))
        return room.padded(text, int(width or 0), left=bool(minus))

    return _SPECIFIER.sub(filled, template)


class _Room:
    """For one value."""

    def __init__(self) -> None:
        self._made = 0

    def padded(self, text: str, width: int, *, left: bool) -> str:
        """A part of the value, where there is room for it."""
        if width > _WIDEST:
            raise OutOfMemory(f"out of memory: format would pad to {width} characters")
        self._made += max(len(text), width)
        if self._made > _MOST:
            raise OutOfMemory(f"out of memory: format would make more than {_MOST} characters")
        return text.ljust(width) if left else text.rjust(width)


def _shown(kind: str, value: str | None) -> str:
    if kind == "s":
        return value or ""
    if kind == "L":
        return "NULL" if value is None else literal(value)
    if value is None:
        raise ValueError("null values cannot be formatted as an SQL identifier")
    return identifier(value)
