"""to_char of numbers, and to_number.

PostgreSQL manual, 9.8, tables 9.29 to 9.31, checked against PostgreSQL 15 in the C locale: G is a
comma, D a point, L nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from gateway.engine.functions.datetime_text import ordinal
from gateway.errors import (
    FeatureNotSupported,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    SyntaxFault,
)

_PART = re.compile(
    r'"(?P<quoted>(?:\\.|[^"\\])*)"?|(?P<word>FM|EEEE|MI|PL|SG|PR|RN|TH|th|[09.,DGSVLB])'
    r"|(?P<lower>fm|eeee|mi|pl|sg|pr|rn|[dgsvlb])|(?P<other>.)",
    re.S,
)
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
          (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip
_DIGITS = ("9", "0")


@dataclass(frozen=True, slots=True)
class _Template:
    """A template taken apart: `parts` are patterns, or copied text behind an apostrophe."""

    parts: tuple[str, ...]
    before: int  # digits before the point
    after: int  # digits after it
    shifted: int  # digits behind V
    fill: bool  # no FM

    def has(self, *names: str) -> bool:
        return any(name in self.parts for name in names)


@lru_cache(maxsize=256)
def _read(text: str) -> _Template:
    parts: list[str] = []
    fill = True
    for match in _PART.finditer(text):
        if match["quoted"] is not None or match["other"]:
            copied = match["other"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
            parts.append("'" + copied)
            continue
        word = match["word"] or match["lower"].upper()
        if word == "FM":
            fill = False
        else:
            parts.append({"D": ".", "G": ","}.get(word, word))
    points = [n for n, part in enumerate(parts) if part in (".", "V")]
    if "EEEE" in parts and (not fill or {"S", "MI", "PL", "SG", "PR", "V", "RN"} & set(parts)):
        raise SyntaxFault('"EEEE" is incompatible with other formats')
    if len(points) > 1:
        raise SyntaxFault("multiple decimal points" if "V" not in parts else '"V" and "." together')
    if "B" in parts:
        raise FeatureNotSupported("the template pattern B is not supported")
    end = points[0] if points else len(parts)
    after = sum(part in _DIGITS for part in parts[end:])
    shift = "V" in parts
    before = sum(part in _DIGITS for part in parts[:end]) + (after if shift else 0)
    return _Template(tuple(parts), before, 0 if shift else after, after if shift else 0, fill)


def number_to_char(value: Decimal | float | int, template: str) -> str:
    """A number under the template.

    >>> number_to_char(1234567.891, "9,999,999.99"), number_to_char(-485, "999PR")
    (' 1,234,567.89', '<485>')

    Raises:
        SyntaxFault: 42601, a template that makes no sense.
        FeatureNotSupported: 0A000, the pattern B.
    """
    read = _read(template)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if read.has("RN"):
        return _roman(number, read)
    if read.has("EEEE"):
        return _scientific(number, read)
    if not number.is_finite():
        digits = "#" * read.before + ("." + "#" * read.after if read.has(".") else "")
        return " " + digits
    return _Writing(number, read).text()


def numeric_to_char(text: str, template: str) -> str:
    """The same of a numeric's text, which has all its digits."""
    return number_to_char(Decimal(text), template)


def _scientific(number: Decimal, read: _Template) -> str:
    if not number.is_finite():
        return " #" + ("." + "#" * read.after if read.after else "") + "####"
    power = number.adjusted() if number else 0
    mantissa = number.scaleb(-power).quantize(Decimal(1).scaleb(-read.after), ROUND_HALF_UP)
    if abs(mantissa) >= 10:
        power, mantissa = power + 1, mantissa.scaleb(-1).quantize(mantissa)
    text = f"{mantissa:f}e{'-' if power < 0 else '+'}{abs(power):02}"
    return text if number < 0 else " " + text


def _roman(number: Decimal, read: _Template) -> str:
    whole = int(number.to_integral_value(ROUND_HALF_UP)) if number.is_finite() else 0
    letters = "#" * 15
    if 0 < whole < 4000:
        letters = ""
        for value, letter in _ROMAN:
            count, whole = divmod(whole, value)
            letters += letter * count
    return letters.rjust(15) if read.fill else letters


class _Writing:
    """One number under one template: digits are laid on the positions from the point outwards."""

    def __init__(self, number: Decimal, read: _Template) -> None:
        self.read = read
        with localcontext() as context:
            context.prec = 400
            scaled = number.scaleb(read.shifted)
            rounded = scaled.quantize(Decimal(1).scaleb(-read.after), ROUND_HALF_UP)
        self.negative = rounded < 0
        whole, _, self.fraction = f"{abs(rounded):f}".partition(".")
        self.whole = "" if whole == "0" and (read.after or not read.fill) else whole
        if whole == "0" and not read.after:
            self.whole = "0"
        self.overflow = len(self.whole) > read.before
        self.kept = self._kept_fraction()
        if not read.fill and not self.kept and not self.whole and "9" in self._places():
            self.whole = "0"  # FM would leave nothing of a zero
        self.first = self._first_position()

    def _first_position(self) -> int:
        """The position of the first digit that is printed: a significant one, or a 0 pattern."""
        zero = next((n for n, part in enumerate(self._places()) if part == "0"), self.read.before)
        return 0 if self.overflow else min(self.read.before - len(self.whole), zero)

    def _places(self) -> list[str]:
        return [part for part in self.read.parts if part in _DIGITS][: self.read.before]

    def _kept_fraction(self) -> int:
        """How many digits stay behind the point: FM drops zeros under 9."""
        if self.read.fill:
            return self.read.after
        places = [part for part in self.read.parts if part in _DIGITS][self.read.before :]
        kept = len(self.fraction.rstrip("0")) if not self.overflow else self.read.after
        zeros = [n + 1 for n, part in enumerate(places) if part == "0"]
        return max([kept, *zeros])

    def text(self) -> str:
        out: list[str] = []
        position, behind = 0, False
        sign = self._floating_sign()
        for part in self.read.parts:
            if part.startswith("'"):
                out.append(part[1:])
            elif part in _DIGITS:
                if behind:
                    out.append(self._behind(position - self.read.before))
                else:
                    if position == self.first:
                        out.append(sign)
                        sign = ""
                    out.append(self._digit(position))
                position += 1
            elif part == ".":
                out.append(sign + ".")
                sign, behind = "", True
            else:
                out.append(self._pattern(part, position))
        return self._bracketed("".join(out) + sign)

    def _digit(self, position: int) -> str:
        if position < self.first:
            return " " if self.read.fill else ""
        if self.overflow:
            return "#"
        at = position - (self.read.before - len(self.whole))
        return self.whole[at] if at >= 0 else "0"

    def _behind(self, position: int) -> str:
        if self.overflow:
            return "#"
        return self.fraction[position] if position < self.kept else ""

    def _floating_sign(self) -> str:
        """The sign that stands right before the first digit."""
        if self.read.has("PR"):
            if self.negative:
                return "<"
            return " " if self.read.fill else ""
        if self.read.has("S"):
            leading = self.read.parts.index("S") < self._first_digit_part()
            return ("-" if self.negative else "+") if leading else ""
        if self.read.has("MI", "SG"):
            return ""
        if self.read.has("PL") and not self.negative:
            return " " if self.read.fill else ""
        if self.negative:
            return "-"
        return " " if self.read.fill else ""

    def _first_digit_part(self) -> int:
        return next((n for n, part in enumerate(self.read.parts) if part in _DIGITS), 0)

    def _pattern(self, part: str, position: int) -> str:
        blank = " " if self.read.fill else ""
        if part == ",":
            return "," if position > self.first else blank
        if part == "S":
            trailing = self.read.parts.index("S") > self._first_digit_part()
            return ("-" if self.negative else "+") if trailing else ""
        if part == "MI":
            return "-" if self.negative else blank
        if part == "PL":
            return blank if self.negative else "+"
        if part == "SG":
            return "-" if self.negative else "+"
        if part in ("TH", "th"):
            number = int(self.whole or "0")
            none = self.negative or self.overflow or self.read.after
            return "" if none else ordinal(number, part)
        if part == "L":
            return blank
        return ""

    def _bracketed(self, text: str) -> str:
        if not self.read.has("PR"):
            return text
        return text + (">" if self.negative else (" " if self.read.fill else ""))


_GROUPED = re.compile(r"[,$\s]")


def read_number(text: str, template: str) -> Decimal:
    """The number that `text` tells, in as many digits as the template has.

    Signs and brackets may stand wherever the template has them.

    >>> read_number("12,454.8-", "99G999D9S")
    Decimal('-12454.8')

    Raises:
        InvalidTextRepresentation: 22P02, no number.
        NumericValueOutOfRange: 22003, more digits before the point than the template has.
    """
    read = _read(template)
    plain = _GROUPED.sub("", text)
    negative = "-" in plain or (read.has("PR") and plain.startswith("<"))
    digits = re.sub(r"[^0-9.]", "", plain)
    whole, point, fraction = digits.partition(".")
    fraction = fraction[: read.after]
    if not (whole + fraction):
        raise InvalidTextRepresentation(f'invalid input syntax for type numeric: "{text}"')
    if read.after and len(whole) > read.before:
        raise NumericValueOutOfRange("numeric field overflow")
    whole = whole[: read.before] or "0"
    number = Decimal(f"{whole}.{fraction or '0'}" if point else whole)
    return -number if negative else number
