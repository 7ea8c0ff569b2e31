"""The numbers of a date, by their places: which is the year, the month and the day.

PostgreSQL's DecodeDate, DecodeNumber and DecodeNumberField (manual, appendix B.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sql.inputs.far_moments import DAY_MICROS, day_number
from gateway.sql.inputs.moment_told import (
    DATE,
    HOUR,
    MINUTE,
    SECOND,
    OutOfRange,
    Told,
    Unreadable,
    micros_of,
    whole_number,
)
from gateway.sql.inputs.moment_words import WORDS, Word


@dataclass(slots=True)
class Dates:
    """What is known of a date while its text is read."""

    order: str
    told: Told = field(default_factory=Told)
    known: set[str] = field(default_factory=set)  # year, month, day, time, zone, ...
    year: int = 0
    month: int = 0
    day: int = 0
    of_year: int = 0
    named_month: bool = False
    short_year: bool = False
    before_christ: bool = False

    def at(self, hour: int, minute: int, second: int, micros: int = 0) -> None:
        self.told.micros = hour * HOUR + minute * MINUTE + second * SECOND + micros
        if minute > 59 or second > 60 or self.told.micros > DAY_MICROS:
            raise OutOfRange

    def numbers(self, word: str) -> set[str]:
        """A date of several parts: names of months first, then numbers by their places."""
        parts = _parts(word)
        told: set[str] = set()
        for part in parts:
            if part.isalpha():
                kind, value = WORDS.get(part, (None, 0))
                if kind in (Word.WEEKDAY, Word.FILLER):
                    continue
                if kind is not Word.MONTH or "month" in self.known | told:
                    raise Unreadable
                self.named_month, self.month = True, int(value)
                told.add("month")
        for part in parts:
            if not part.isalpha():
                more = self.one(part, self.known | told)
                if more & (self.known | told):
                    raise Unreadable
                told |= more
        if (self.known | told) - {"zone", "of_year"} != DATE:  # nothing but a zone before it
            raise Unreadable
        return told

    def one(self, word: str, known: set[str]) -> set[str]:
        """A number alone, which the places of those before it tell."""
        digits, point, _ = word.partition(".")
        if point and not word.strip("."):
            raise Unreadable
        if point:
            return self.packed(word, known | DATE) if len(digits) > 2 else set()
        value, size, dates = whole_number(digits), len(digits), frozenset(known & DATE)
        if size == 3 and dates == {"year"} and 1 <= value <= 366:
            self.of_year = value
            return {"month", "day", "of_year"}
        if dates == DATE:
            return self.packed(word, known)
        place = self._place(size, dates)
        if place == "swap":
            self.day, self.year, self.short_year = self.year, value, False
            return {"day"}
        if place == "year":
            self.year, self.short_year = value, size <= 2
        else:
            setattr(self, place, value)
        return {place}

    def _place(self, size: int, dates: frozenset[str]) -> str:
        if dates == {"month"} and not self.named_month:
            return "day"
        if dates in ({"year"}, {"day"}):
            return "month"
        if dates == {"month", "day"}:
            if size <= 2 and not self.order and self.named_month:
                raise Unreadable  # it could be the day as well
            return "year"
        if dates == {"year", "month"}:
            return "swap" if self.named_month and size >= 3 and self.short_year else "day"
        if size >= 3 or self.order == "YMD":
            return "year"
        if dates == {"month"}:
            return "day"
        if not self.order:
            raise Unreadable
        return "day" if self.order == "DMY" else "month"

    def packed(self, word: str, known: set[str] | frozenset[str]) -> set[str]:
        """Digits of a whole date or a whole time."""
        digits, point, fraction = word.partition(".")
        micros = micros_of("." + fraction) if point else 0
        if not digits.isdigit():
            raise Unreadable
        if not (point or known >= DATE) and len(digits) >= 6:
            self.year, self.month, self.day = (
                whole_number(digits[:-4]), int(digits[-4:-2]), int(digits[-2:])
            )  # fmt: skip
            self.short_year = len(digits) == 6
            return set(DATE)
        if "time" in known or len(digits) not in (4, 6):
            raise Unreadable
        self.at(int(digits[:2]), int(digits[2:4]), int(digits[4:] or "0"), micros)
        return {"time"}

    def settle_day(self) -> None:
        if self.before_christ:
            self.refuse_unless(self.year > 0)
            self.year = 1 - self.year
        elif self.short_year:
            self.year += 2000 if self.year < 70 else 1900
        elif "year" in self.known:
            self.refuse_unless(self.year > 0)
        if self.of_year:
            self.told.days = day_number(self.year, 1, 1) + self.of_year - 1
            return
        month, day = "month" in self.known, "day" in self.known
        if (month and not 1 <= self.month <= 12) or (day and not 1 <= self.day <= 31):
            raise OutOfRange(order=True)
        if self.known >= DATE:
            try:
                self.told.days = day_number(self.year, self.month, self.day)
            except ValueError as error:
                raise OutOfRange from error

    def refuse_unless(self, right: bool) -> None:
        if not right:
            raise OutOfRange


def _parts(word: str) -> list[str]:
    parts, at = [], 0
    while at < len(word):
        start = at
        same = str.isdigit if word[at].isdigit() else str.isalpha
        while at < len(word) and same(word[at]):
            at += 1
        if at > start:
            parts.append(word[start:at])
        at += 1  # PostgreSQL reads past what ends a part, whatever it is
    return parts
