"""What the text of a date or a time tells, and what is wrong with it; the numbers in it."""

from __future__ import annotations

from dataclasses import dataclass

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
DATE = frozenset({"year", "month", "day"})


class Unreadable(Exception):
    """The text is no moment."""


class OutOfRange(Exception):
    """The text names a day or a time that there is not; `order` may be the reason."""

    def __init__(self, order: bool = False, zone: bool = False) -> None:
        super().__init__()
        self.order, self.zone = order, zone


@dataclass(slots=True)
class Told:
    """What a text tells.

    Args:
        days: Days since 1970-01-01; None where it names no day, or one by `relative`.
        relative: Days after today.
        micros: Microseconds since midnight; None where it names no time.
        zone: Seconds east of Greenwich, or the name of a zone; None where it names none.
        end: infinity, -infinity, epoch or now, which need nothing else.
    """

    days: int | None = None
    relative: int | None = None
    micros: int | None = None
    zone: int | str | None = None
    end: str = ""


def whole_number(text: str) -> int:
    if not text or len(text) > 10 or int(text) >= 2**31:
        raise OutOfRange() if text else Unreadable()
    return int(text)


def micros_of(text: str) -> int:
    """Microseconds of `.5`, rounded."""
    if not text.removeprefix(".").isdigit():
        if text == ".":
            return 0
        raise Unreadable
    return round(float(text) * SECOND)


def offset_seconds(text: str) -> int:
    """Seconds east of Greenwich of `+5`, `-0830` or `+05:30:15`.

    Raises:
        Unreadable: It is no offset. OutOfRange: No clocks are that far off.
    """
    digits, *more = text[1:].split(":")
    if text[0] not in "+-" or len(more) > 2 or not all(p.isdigit() for p in (digits, *more)):
        raise Unreadable
    hours, minutes, seconds = (int(part) for part in (digits, *more, "0", "0")[:3])
    if not more and len(digits) > 2:
        hours, minutes = divmod(hours, 100)
    if hours > 15 or minutes > 59 or seconds > 59:
        raise OutOfRange(zone=True)
    total = hours * 3600 + minutes * 60 + seconds
    return -total if text[0] == "-" else total
