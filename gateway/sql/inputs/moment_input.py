"""Dates, times and timestamps as people write them: what a text tells, and of what.

PostgreSQL's DecodeDateTime and DecodeTimeOnly (manual, 8.5.1 and appendix B): ISO 8601 and its
kin, `January 8, 1999 4:05 PM PST`, `19990108T040506`, `99-Jan-08`, `J2451187`, `1999.008`,
`tomorrow`, `infinity`. Which of two numbers is the month, DateStyle's order tells. What day `today`
is and how far the clocks of a zone are from UTC, whoever asks works out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as Date

from gateway.errors import (
    DatetimeFieldOverflow,
    InvalidDatetimeFormat,
    InvalidParameterValue,
    InvalidTimeZoneDisplacement,
)
from gateway.sql.inputs.far_moments import DAY_MICROS
from gateway.sql.inputs.moment_dates import Dates
from gateway.sql.inputs.moment_fields import Field, fields
from gateway.sql.inputs.moment_told import (
    DATE,
    HOUR,
    SECOND,
    OutOfRange,
    Told,
    Unreadable,
    micros_of,
    offset_seconds,
    whole_number,
)
from gateway.sql.inputs.moment_words import (
    ABBREVIATIONS,
    ALLBALLS,
    JULIAN,
    NOW,
    TIME,
    WORDS,
    Word,
)
from gateway.sql.inputs.zones import fixed_offset, zone_info

_JULIAN_EPOCH = 2_440_588  # the Julian day of 1970-01-01
_NOT_THERE = 'date/time field value out of range: "{}"'


def read_moment(text: str, kind: str, order: str = "MDY") -> Told:
    """What the text of a date or a timestamp tells; there is a day, or `end`.

    Args:
        text: The characters of the value.
        kind: What the message of an error calls the type.
        order: MDY, DMY or YMD; "" refuses what depends on it.

    Raises:
        InvalidDatetimeFormat: 22007, no moment.
        DatetimeFieldOverflow: 22008, no such day or time.

    >>> read_moment("Jan 8, 1999 04:05 PM", "timestamp")
    Told(days=10599, relative=None, micros=57900000000, zone=None, end='')
    >>> read_moment("1/8/1999 BC", "date", "DMY").days
    -1449070
    """
    return _read(text, kind, lambda: _Reader(order, text=text).moment())


def read_clock(text: str, kind: str = "time", order: str = "MDY") -> Told:
    """What the text of a time of day tells; there is a time, or `end` is now.

    >>> read_clock("04:05:06.789 PM -8").zone
    -28800
    """
    return _read(text, kind, lambda: _Reader(order, text=text, clock=True).moment())


def _read(text: str, kind: str, reading: Callable[[], Told]) -> Told:
    try:
        return reading()
    except Unreadable as error:
        raise InvalidDatetimeFormat(f'invalid input syntax for type {kind}: "{text}"') from error
    except OutOfRange as error:
        if error.zone:
            message = f'time zone displacement out of range: "{text}"'
            raise InvalidTimeZoneDisplacement(message) from error
        hint = 'Perhaps you need a different "datestyle" setting.' if error.order else ""
        raise DatetimeFieldOverflow(_NOT_THERE.format(text), hint=hint) from error


@dataclass(slots=True)
class _Reader(Dates):
    """One text being read, a field at a time."""

    text: str = ""
    clock: bool = False  # a time of day, beside which a date may stand
    found: list[tuple[Field, str]] = field(default_factory=list)
    half: bool | None = None  # whether it is PM
    waiting: str = ""  # what the number after J or T is
    summer: int = 0

    def moment(self) -> Told:
        found = fields(self.text)
        if not found:
            raise Unreadable
        self.found = found
        for place, (kind, word) in enumerate(found):
            before = set(self.known)
            told = _READERS[kind](self, word, place)
            if told & before:
                raise Unreadable
            self.known |= told
        return self._finished()

    # A field of each kind; what comes back is what it told.

    def _date(self, word: str, place: int) -> set[str]:
        beside = self._stands_beside(place) if self.clock else not self._has_day()
        if self.waiting == JULIAN:
            digits = len(word) - len(word.lstrip("0123456789"))
            self._julian(word[:digits])
            return self._offset(word[digits:]) | DATE
        if not self.waiting and beside:
            return self.numbers(word)
        if word[0].isdigit() or self.waiting:
            return self._run_together(word)
        self.told.zone = word
        return {"zone"}

    def _has_day(self) -> bool:
        return {"month", "day"} <= self.known

    def _stands_beside(self, place: int) -> bool:
        """Whether a time of day has a date before it."""
        return (
            place == 0
            and len(self.found) > 1
            and (self.found[-1][0] is Field.DATE or self.found[1][0] is Field.TIME)
        )

    def _run_together(self, word: str) -> set[str]:
        """`040506-08`, behind a date."""
        waiting, self.waiting = self.waiting, ""
        clock, mark, offset = word.partition("-")
        if waiting not in ("", TIME) or "time" in self.known or not mark:
            raise Unreadable
        return self._offset(mark + offset) | self.packed(clock, DATE | self.known)

    def _time(self, word: str, place: int) -> set[str]:
        if self.waiting not in ("", TIME):
            raise Unreadable
        self.waiting = ""
        parts = word.split(":")
        if "." in word and len(parts) == 2 and "." in parts[1]:  # mm:ss.sss
            parts.insert(0, "0")
        second, _, fraction = [*parts, "0"][2].partition(".")
        if len(parts) > 3 or not all(p.isdigit() for p in (*parts[:2], second)):
            raise Unreadable
        hour, minute, seconds = (whole_number(part) for part in (*parts[:2], second))
        self.at(hour, minute, seconds, micros_of("." + fraction))
        return {"time"}

    def _offset(self, word: str, place: int = 0) -> set[str]:
        self.told.zone = offset_seconds(word)
        return {"zone"}

    def _count(self, word: str, place: int) -> set[str]:
        if self.waiting:
            return self._awaited(word)
        whole, point, _ = word.partition(".")
        dated = self.known >= DATE
        if self.clock and not dated:
            return self._count_of_clock(word, place)
        if point and not self.known & DATE:
            return self.numbers(word)
        if (point and len(whole) > 2) or (len(word) >= 6 and not (dated and "time" in self.known)):
            return self.packed(word, self.known)
        return self.one(word, self.known)

    def _count_of_clock(self, word: str, place: int) -> set[str]:
        whole, point, _ = word.partition(".")
        if point and place == 0 and len(self.found) > 1 and self.found[-1][0] is Field.DATE:
            return self.numbers(word)
        if point and len(whole) <= 2:
            raise Unreadable
        return self.packed(word, DATE | self.known)

    def _awaited(self, word: str) -> set[str]:
        waiting, self.waiting = self.waiting, ""
        if waiting == TIME:
            return self.packed(word, DATE | self.known)
        whole, point, fraction = word.partition(".")
        self._julian(whole)
        if not point:
            return set(DATE)
        self.told.micros = round(float("0." + (fraction or "0")) * DAY_MICROS)
        return {*DATE, "time"}

    def _julian(self, digits: str) -> None:
        self.told.days = whole_number(digits) - _JULIAN_EPOCH

    def _word(self, word: str, place: int) -> set[str]:
        kind, value = ABBREVIATIONS.get(word) or WORDS.get(word) or (None, word)
        if kind is None:
            return self._named_zone(word)
        return _MEANINGS[kind](self, value, place)

    def _named_zone(self, word: str) -> set[str]:
        try:
            zone_info(word)
        except InvalidParameterValue as error:
            raise Unreadable from error  # a word like any; `_date` has those with a slash
        self.told.zone = word
        return {"zone"}

    # What words mean.

    def _named(self, value: object, place: int) -> set[str]:
        if self.clock:
            raise Unreadable
        told = {"month"}
        if "month" in self.known and not self.named_month and "day" not in self.known:
            self.day, told = self.month, {"day"}  # the number before was the day
        self.named_month, self.month = True, int(str(value))
        return told

    def _weekday(self, value: object, place: int) -> set[str]:
        if self.clock:
            raise Unreadable
        return {"weekday"}

    def _half_of_day(self, value: object, place: int) -> set[str]:
        self.half = bool(value)
        return {"half"}

    def _era(self, value: object, place: int) -> set[str]:
        self.before_christ = bool(value)
        return {"era"}

    def _relative(self, value: object, place: int) -> set[str]:
        if value == NOW:
            self.told.end = NOW
            return {*DATE, "time", "zone"}
        if value == ALLBALLS:
            self.told.micros, self.told.zone = 0, 0
            return {"time", "zone"}
        if self.clock:
            raise Unreadable
        self.told.relative = int(str(value))
        return set(DATE)

    def _end(self, value: object, place: int) -> set[str]:
        if self.clock:
            raise Unreadable
        self.told.end = str(value)
        return {"end"}

    def _unit(self, value: object, place: int) -> set[str]:
        follower = self.found[place + 1 : place + 2]
        timed = follower and follower[0][0] in (Field.NUMBER, Field.TIME, Field.DATE)
        if value == TIME and not (timed and (self.clock or self.known >= DATE)):
            raise Unreadable
        self.waiting = str(value)
        return set()

    def _summer(self, value: object, place: int) -> set[str]:
        self.summer = int(str(value))
        return {"summer"}

    def _zone(self, value: object, place: int) -> set[str]:
        self.told.zone = value if isinstance(value, str) else int(str(value))
        return {"zone"}

    def _nothing(self, value: object, place: int) -> set[str]:
        return set()

    # All of it.

    def _finished(self) -> Told:
        told = self.told
        counted = told.days is not None or told.relative is not None or told.end == NOW
        if self.known & DATE and not counted:
            self.settle_day()
        if told.end:
            return told
        if self.half is not None:
            self._settle_half()
        if self.summer and not isinstance(told.zone, int):
            raise Unreadable
        if isinstance(told.zone, int):
            told.zone += self.summer
        if self.clock and (told.micros is None or self._lacks_day(told)):
            raise Unreadable
        if not self.clock and told.days is None and told.relative is None:
            raise Unreadable
        return told

    def _lacks_day(self, told: Told) -> bool:
        """Whether how far the clocks of its zone are from UTC depends on a day it does not tell."""
        return isinstance(told.zone, str) and told.days is None and fixed_offset(told.zone) is None

    def _settle_half(self) -> None:
        micros = self.told.micros or 0
        hours = micros // HOUR
        self.refuse_unless(hours <= 12)
        if self.half and hours != 12:
            self.told.micros = micros + 12 * HOUR
        elif not self.half and hours == 12:
            self.told.micros = micros - 12 * HOUR


_READERS: dict[Field, Callable[[_Reader, str, int], set[str]]] = {
    Field.NUMBER: _Reader._count,
    Field.DATE: _Reader._date,
    Field.TIME: _Reader._time,
    Field.ZONE: _Reader._offset,
    Field.WORD: _Reader._word,
    Field.SIGNED: _Reader._word,
}
_MEANINGS: dict[Word, Callable[[_Reader, object, int], set[str]]] = {
    Word.MONTH: _Reader._named,
    Word.WEEKDAY: _Reader._weekday,
    Word.ERA: _Reader._era,
    Word.HALF: _Reader._half_of_day,
    Word.DAY: _Reader._relative,
    Word.END: _Reader._end,
    Word.UNIT: _Reader._unit,
    Word.SUMMER: _Reader._summer,
    Word.FILLER: _Reader._nothing,
    Word.OFFSET: _Reader._zone,
    Word.PLACE: _Reader._zone,
}


def date_text(days: int) -> str:
    """The day as `YYYY-MM-DD`, with ` BC` before Christ.

    >>> date_text(0), date_text(-719163), date_text(2932897)
    ('1970-01-01', '0001-12-31 BC', '10000-01-01')
    """
    eras, rest = divmod(days + 719_162, 146_097)
    day = Date.fromordinal(rest + 1)
    year = day.year + 400 * eras
    shown, ending = (year, "") if year > 0 else (1 - year, " BC")
    return f"{shown:04d}-{day.month:02d}-{day.day:02d}{ending}"


def clock_text(micros: int) -> str:
    """A time of day as `HH:MM:SS[.ffffff]`.

    >>> clock_text(57_906_500_000), clock_text(86_400_000_000)
    ('16:05:06.5', '24:00:00')
    """
    seconds, rest = divmod(micros, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{rest:06d}".rstrip("0") if rest else text
