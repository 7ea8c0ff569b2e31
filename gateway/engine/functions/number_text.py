"""to_char of numbers, and to_number.

PostgreSQL manual, 9.8, tables 9.29 to 9.31, checked against PostgreSQL 15 in the C locale: G is a
comma, D a point, L a blank. What to_char makes of odd templates (src/backend/utils/adt/
formatting.c, NUM_processor) is no rule of the manual: a number that is too long is all #, a digit
of a template behind the last one of a double ends the text.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext

from gateway.engine.functions.number_template import Template, read_template
from gateway.errors import InvalidTextRepresentation, NumericValueOutOfRange

_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
          (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip


def integer_to_char(value: int, template: str) -> str:
    """An integer of at most 32 bits under the template; see `number_to_char`."""
    read = read_template(template)
    if read.has("EEEE"):
        return f"{value: .{read.after}e}"
    return number_to_char(value, template)


def number_to_char(value: Decimal | int, template: str) -> str:
    """An integer or a numeric under the template.

    >>> number_to_char(1234567, "9,999,999"), number_to_char(-485, "999PR")
    (' 1,234,567', '<485>')

    Raises:
        SyntaxFault: 42601, a template that makes no sense.
        NumericValueOutOfRange: 22003, a Roman number of more than 32 bits.
    """
    read, number = read_template(template), Decimal(value)
    if read.has("RN"):
        whole = int(number.to_integral_value(ROUND_HALF_UP))
        if not -(2**31) <= whole < 2**31:
            raise NumericValueOutOfRange("integer out of range")
        return _written(_roman(whole), read)
    if read.has("EEEE"):
        return _scientific(number, read)
    with localcontext() as context:
        context.prec = 400
        shifted = number.scaleb(read.shifted)
        rounded = shifted.quantize(Decimal(1).scaleb(-read.after), ROUND_HALF_UP)
    return _written(f"{rounded if rounded else abs(rounded):f}", read)


def numeric_to_char(text: str, template: str) -> str:
    """The same of a numeric's text, which has all its digits."""
    return number_to_char(Decimal(text), template)


def _of_reals(most: int, narrow: Callable[[float], float]) -> Callable[[float, str], str]:
    """to_char of reals that have at most so many digits."""

    def to_char(value: float, template: str) -> str:
        read = read_template(template)
        if read.has("RN"):
            return _written(_roman(round(value) if math.isfinite(value) else 0), read)
        if read.has("EEEE"):
            if not math.isfinite(value):
                hashes = "#" * (read.before + read.after + 5)
                return " " + hashes[: read.before] + "." + hashes[read.before + 1 :]
            return f"{value: .{read.after}e}"
        shifted = narrow(value * 10.0**read.shifted)
        if not math.isfinite(shifted):
            text = "NaN" if math.isnan(shifted) else "Infinity"
            return _written("-" * (shifted < 0) + text, read, most - len(text))
        before = len(f"{abs(shifted):.0f}")
        return _written(
            f"{shifted:.{max(min(read.after, most - before), 0)}f}", read, most - before
        )

    return to_char


def _single(value: float) -> float:
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return found


double_to_char = _of_reals(15, lambda value: value)
real_to_char = _of_reals(6, _single)


def _scientific(number: Decimal, read: Template) -> str:
    power = number.adjusted() if number else 0
    mantissa = number.scaleb(-power).quantize(Decimal(1).scaleb(-read.after), ROUND_HALF_UP)
    text = f"{mantissa:f}e{'-' if power < 0 else '+'}{abs(power):02}"
    return text if number < 0 else " " + text


def _roman(whole: int) -> str:
    if not 0 < whole < 4000:
        return "#" * 15
    letters = ""
    for value, letter in _ROMAN:
        count, whole = divmod(whole, value)
        letters += letter * count
    return letters


def _written(digits: str, read: Template, room: int | None = None) -> str:
    """Digits, with a sign where it is minus, laid on the patterns of a template."""
    if not read.parts:
        return ""
    text = _Writing(digits, read, room).text()
    return text.partition("\0")[0]


class _Writing:
    """One number under one template, a pattern at a time; `at` is the next digit of the number."""

    def __init__(self, digits: str, read: Template, room: int | None) -> None:
        self.read = read
        self.roman = read.has("RN")
        self.sign = "\0" if self.roman else "-" if digits.startswith("-") else "+"
        self.number = digits.lstrip("-")
        self.before = read.before + read.shifted
        self.after = read.after if room is None else max(min(read.after, room), 0)
        whole = len(self.number.partition(".")[0])
        self.blanks = max(self.before - whole, 0)
        if whole > self.before and not self.roman:
            self.number = "#" * self.before + "." + "#" * self.after
        self.at = self.current = 0
        self.inside = False  # whether a digit was written last
        self.leading = read.leading is not None and read.leading != self.before
        self.zero = read.zero
        self.signed = self._needs_no_sign()
        self.last = self._last_digit()
        self.count = self.before + self.after - 1 + (not self.signed and not self.blanks)

    def _needs_no_sign(self) -> bool:
        if self.read.has("PL", "MI", "SG"):
            return self.read.has("MI", "SG")
        return self.sign == "+" and not self.read.fill and not self.read.has("S")

    def _last_digit(self) -> int | None:
        """Under FM, which digit behind the point is the last that tells, or is under a 0."""
        point = self.number.find(".")
        if self.read.fill or not self.read.has(".") or point < 0:
            return None
        last = max(point, len(self.number.rstrip("0")) - 1)
        if self.read.last_zero > self.blanks:
            last = max(last, min(len(self.number) - 1, self.read.last_zero - self.blanks))
        return last

    def text(self) -> str:
        out: list[str] = []
        for part in self.read.parts:
            if part.startswith("'"):
                out.append(part[1:])
            elif part in ("9", "0", "."):
                if not self.roman:
                    out += self._digit(part)
                    self.current += 1
            elif part.upper() == "RN":
                letters = self.number if part == "RN" else self.number.lower()
                out.append(letters.rjust(15) if self.read.fill else letters)
            else:
                out.append(self._pattern(part))
        return "".join(out)

    def _digit(self, part: str) -> list[str]:
        self.inside = False
        out = [self._sign_before()]
        blank = " " if self.read.fill else ""
        if self.current < self.blanks and (self.zero is None or self.zero > self.current):
            out.append(blank)
        elif self.current < self.blanks:
            out.append("0")
            self.inside = True
        else:
            out.append(self._next(part, blank))
            self.at += self.at < len(self.number)
        end = self.count + bool(self.blanks) + self.read.has(".")
        if self.last is not None and self.last == self.at:
            end = self.current
        if self.current + 1 == end:
            out.append(self._sign_behind())
        return out

    def _next(self, part: str, blank: str) -> str:
        digit = self.number[self.at : self.at + 1]
        if digit == ".":
            return "."
        if self.last is not None and self.at > self.last and part != "0":
            return ""
        if self._lacks_whole():
            point_last = self.last is not None and self.number[self.last] == "."
            return blank or ("0" if point_last else "")
        self.inside = True
        return digit or "\0"

    def _lacks_whole(self) -> bool:
        """Whether this is the 0 before the point, which is not written."""
        none = self.zero is None and self.at == 0 and self.after != 0
        return none and self.number.startswith("0")

    def _sign_before(self) -> str:
        here = self.current >= self.blanks or (self.zero is not None and self.zero == self.current)
        point_last = self.last is not None and self.number[self.last] == "."
        if self.signed or not here or (self._lacks_whole() and not point_last):
            return ""
        if self.read.has("S"):
            self.signed = self.leading
            return self.sign if self.leading else ""
        self.signed = True
        if self.read.has("PR") and (self.read.fill or self.sign == "-"):
            return "<" if self.sign == "-" else " "
        return "-" if self.sign == "-" else " " if self.read.fill else ""

    def _sign_behind(self) -> str:
        if self.read.has("PR"):
            if not self.signed or not (self.read.fill or self.sign == "-"):
                return ""
            return ">" if self.sign == "-" else " "
        trailing = self.read.has("S") and not self.leading
        return self.sign if trailing else ""

    def _pattern(self, part: str) -> str:
        blank = " " if self.read.fill else ""
        if part == ",":
            return "," if self.inside else blank
        if part == "L":
            return " "
        if part == "MI":
            return "-" if self.sign == "-" else blank
        if part == "PL":
            return "+" if self.sign == "+" else blank
        if part == "SG":
            return self.sign
        if part.upper() == "TH" and not self._is_no_ordinal():
            return self._ordinal(part)
        return ""

    def _is_no_ordinal(self) -> bool:
        beyond = self.number.startswith("#") or self.sign == "-"
        return self.roman or beyond or self.read.has(".")

    def _ordinal(self, part: str) -> str:
        """The ending of an ordinal.

        Raises:
            InvalidTextRepresentation: 22P02, of NaN and infinity.
        """
        last = self.number[-1:]
        if not last.isdigit():
            raise InvalidTextRepresentation(f'"{self.number}" is not a number')
        teen = self.number[-2:-1] == "1"
        ending = "TH" if teen else {"1": "ST", "2": "ND", "3": "RD"}.get(last, "TH")
        return ending if part == "TH" else ending.lower()


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
    read = read_template(template)
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
