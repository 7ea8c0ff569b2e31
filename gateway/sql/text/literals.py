"""Text inside quotes, from what PostgreSQL's input functions read to what the engine reads.

Each function takes the characters between the quotes and gives back text (or bytes) of one
canonical form. PostgreSQL manual, 8.5.1 "Date/Time Input", 8.5.4 "Interval Input", 8.4 "Binary
Data Types", 9.7 "Pattern Matching". What is not understood is refused, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from uuid import UUID

from gateway.errors import InvalidDatetimeFormat, InvalidParameterValue, InvalidTextRepresentation
from gateway.sql.text.spelled_dates import as_iso

_TIMESTAMP = re.compile(
    r"""\s*(?P<year>\d{4,7})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
        (?:(?:[Tt]|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})
           (?::(?P<second>\d{2})(?:\.(?P<fraction>\d*))?)?)?
        \s*(?P<zone>[Zz]|UTC|utc|GMT|gmt|[+-]\d{1,2}(?::?\d{2})?)?
        (?:\s+(?P<era>BC|bc|AD|ad))?\s*""",
    re.VERBOSE,
)


def timestamp(text: str, zoned: bool) -> str:
    """`text` as `YYYY-MM-DD HH:MM:SS.ffffff`, with `+HH:MM` when `zoned` and a zone was given.

    Years before Christ end in ` BC`.

    As in PostgreSQL, a timestamp without time zone ignores the zone that its literal names.

    Raises:
        InvalidDatetimeFormat: 22007, neither ISO 8601 nor a month's name and numbers.

    >>> timestamp("2013-01-01T06:00Z", zoned=True)
    '2013-01-01 06:00:00+00:00'
    >>> timestamp("2013-01-01 06:00+05", zoned=False)
    '2013-01-01 06:00:00'
    """
    if text.strip().lower() == "epoch":
        return "1970-01-01 00:00:00" + ("+00:00" if zoned else "")
    match = _TIMESTAMP.fullmatch(text)
    if match is None:  # neither today nor DateStyle: a statement means the same to every client
        match = _TIMESTAMP.fullmatch(as_iso(text) or "")
    if match is None or len((match["fraction"] or "").rstrip("0")) > 6:
        kind = "timestamp with time zone" if zoned else "timestamp"
        raise InvalidDatetimeFormat(
            f'invalid input syntax for type {kind}: "{text}"',
            hint="Write it as YYYY-MM-DD HH:MM:SS.ffffff.",
        )
    day = f"{match['year']}-{int(match['month']):02d}-{int(match['day']):02d}"
    clock = f"{int(match['hour'] or 0):02d}:{match['minute'] or '00'}:{match['second'] or '00'}"
    fraction = (match["fraction"] or "").rstrip("0")
    zone = _zone(match["zone"]) if zoned and match["zone"] else ""
    era = " BC" if (match["era"] or "").upper() == "BC" else ""
    return f"{day} {clock}{'.' + fraction if fraction else ''}{zone}{era}"


_PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def date(text: str) -> str:
    """`text` as YYYY-MM-DD; what is in neither form of `timestamp` is left to the engine.

    >>> date("Jan 8, 1999"), date("2013-01-02 04:05"), date("2013-01-02")
    ('1999-01-08', '2013-01-02', '2013-01-02')
    """
    if _PLAIN_DATE.fullmatch(text):
        return text
    if re.fullmatch(r"\d{8}", text.strip()):
        text = f"{text.strip()[:4]}-{text.strip()[4:6]}-{text.strip()[6:]}"
    try:
        day, _, rest = timestamp(text, zoned=False).partition(" ")
        return f"{day} BC" if rest.endswith(" BC") else day
    except InvalidDatetimeFormat as error:
        raise InvalidDatetimeFormat(
            f'invalid input syntax for type date: "{text}"', hint="Write it as YYYY-MM-DD."
        ) from error


def _zone(text: str) -> str:
    if text[0] not in "+-":
        return "+00:00"
    digits = text[1:].replace(":", "")
    hours, minutes = (digits, "00") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    return f"{text[0]}{int(hours):02d}:{minutes}"


# Unit -> (months, days, microseconds) of one, and where a fraction of it goes.
_UNITS = {
    "microsecond": (0, 0, 1),
    "millisecond": (0, 0, 1_000),
    "second": (0, 0, 1_000_000),
    "minute": (0, 0, 60_000_000),
    "hour": (0, 0, 3_600_000_000),
    "day": (0, 1, 0),
    "week": (0, 7, 0),
    "month": (1, 0, 0),
    "year": (12, 0, 0),
    "decade": (120, 0, 0),
    "century": (1200, 0, 0),
    "millennium": (12000, 0, 0),
}
_SHORT = {
    "us": "microsecond",
    "usec": "microsecond",
    "usecs": "microsecond",
    "ms": "millisecond",
    "msec": "millisecond",
    "msecs": "millisecond",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "m": "minute",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "d": "day",
    "w": "week",
    "mon": "month",
    "mons": "month",
    "y": "year",
    "yr": "year",
    "yrs": "year",
    "dec": "decade",
    "decs": "decade",
    "c": "century",
    "cent": "century",
    "centuries": "century",
    "mil": "millennium",
    "mils": "millennium",
    "millennia": "millennium",
}
_ISO_DATE = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_ISO_TIME = {"H": "hour", "M": "minute", "S": "second"}
_DAY = 86_400_000_000
_CLOCK = re.compile(r"([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?")
_YEARS = re.compile(r"([+-]?)(\d+)-(\d{1,2})")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_ISO = re.compile(rf"P((?:{_NUMBER}[YMWD])*)(?:T((?:{_NUMBER}[HMS])+))?")


def interval(text: str, unit: str = "second") -> tuple[int, int, int]:
    """Months, days and microseconds of an interval literal.

    Args:
        text: PostgreSQL's, the SQL standard's or ISO 8601's form.
        unit: What a number without a unit counts, as in INTERVAL '5' DAY.

    Raises:
        InvalidDatetimeFormat: 22007, none of these forms.

    >>> interval("1 year 2 mons 3 days 04:05:06.5")
    (14, 3, 14706500000)
    >>> interval("P1Y2M3DT4H"), interval("1-2"), interval("2 hours ago"), interval("1.5 days")
    ((14, 3, 14400000000), (14, 0, 0), (0, 0, -7200000000), (0, 1, 43200000000))
    """
    months, days, micros = Fraction(0), Fraction(0), Fraction(0)
    words = text.replace("@", " ").split()
    sign = 1
    if words and words[-1].lower() == "ago":
        sign, words = -1, words[:-1]
    parts = list(_quantities(words, unit)) if words else []
    if not parts or None in parts:
        raise InvalidDatetimeFormat(f'invalid input syntax for type interval: "{text}"')
    for number, name in (part for part in parts if part is not None):
        per = _UNITS[name]
        months, days, micros = (
            total + number * each for total, each in zip((months, days, micros), per, strict=True)
        )
    # A fraction of a month is counted in days of a 30-day month, of a day in time (8.5.4).
    whole_months = int(months)
    days += (months - whole_months) * 30 if _spills(parts) else 0
    whole_days = int(days)
    micros += (days - whole_days) * _DAY
    return sign * whole_months, sign * whole_days, sign * round(micros)


def _spills(parts: list[tuple[Fraction, str] | None]) -> bool:
    # A fraction of a year or longer becomes whole months only.
    return any(part is not None and part[1] == "month" for part in parts)


def _quantities(words: list[str], unit: str) -> Iterator[tuple[Fraction, str] | None]:
    """(number, unit) pairs; None for a word that is neither."""
    joined = re.sub(rf"({_NUMBER})\s*([a-zA-Z]+)", r"\1 \2 ", " ".join(words))
    if joined[:1] in "Pp":
        yield from _iso("".join(words).upper())
        return
    pending: Fraction | None = None
    for word in joined.split():
        name = _unit(word)
        if pending is not None and name is not None:
            yield pending, name
            pending = None
        elif match := _CLOCK.fullmatch(word):
            if pending is not None:
                yield pending, "day"  # SQL's day-time form: 3 4:05:06
            pending = None
            yield from _clock(match)
        elif pending is not None:
            yield None
            return
        elif match := _YEARS.fullmatch(word):
            factor = -1 if match[1] == "-" else 1
            yield Fraction(factor * (12 * int(match[2]) + int(match[3]))), "month"
        elif re.fullmatch(_NUMBER, word):
            pending = Fraction(word)
        else:
            yield None
    if pending is not None:
        yield pending, unit


def _unit(word: str) -> str | None:
    lower = word.lower()
    name = _SHORT.get(lower, lower.removesuffix("s"))
    return name if name in _UNITS else None


def _clock(match: re.Match[str]) -> Iterator[tuple[Fraction, str]]:
    factor = -1 if match[1] == "-" else 1
    for digits, name in zip(match.groups()[1:], ("hour", "minute", "second"), strict=True):
        yield factor * Fraction(digits or 0), name


def _iso(text: str) -> Iterator[tuple[Fraction, str] | None]:
    match = _ISO.fullmatch(text)
    if match is None:
        yield None
        return
    for group, letters in ((match[1], _ISO_DATE), (match[2], _ISO_TIME)):
        for number, letter in re.findall(rf"({_NUMBER})([A-Z])", group or ""):
            yield Fraction(number), letters[letter]


def engine_interval(months: int, days: int, micros: int) -> str:
    """The engine's spelling of an interval; it reads no clock times and no ISO 8601.

    >>> engine_interval(14, 3, 14_706_500_000)
    '14 months 3 days 14706.5 seconds'
    """
    sign, whole = ("-" if micros < 0 else ""), abs(micros)
    fraction = f"{whole % 1_000_000:06d}".rstrip("0")
    seconds = f"{sign}{whole // 1_000_000}{'.' + fraction if fraction else ''}"
    parts = ((months, "months"), (days, "days"))
    words = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(words + [f"{seconds} seconds"] * (micros != 0)) or "0 seconds"


_LATER_SIGN = re.compile(r"(?<=[^\d])[+-]")
_UNSIGNED = re.compile(r"(?<![\d.:+-])(?=[\d.])")


def one_sign(text: str, style: str) -> str:
    """An interval's text, where IntervalStyle says so, with its one sign before each field.

    The SQL standard has one sign for all of an interval (manual, 8.5.5); a text with more of them
    is as it would be in any other style.

    >>> one_sign("-1-2 3 4:05", "sql_standard"), one_sign("-1 +2:03", "sql_standard")
    ('-1-2 -3 -4:05', '-1 +2:03')
    """
    spelt = text.strip()
    if style != "sql_standard" or spelt[:1] != "-" or _LATER_SIGN.search(spelt, 1):
        return text
    return _UNSIGNED.sub("-", spelt)


_BYTES = re.compile(r"\\\\|\\([0-3][0-7][0-7])|[^\\]")


def hexadecimal(text: str) -> bytes:
    """The bytes that pairs of digits write; blanks may stand between the pairs.

    Raises:
        InvalidParameterValue: 22023.

    >>> hexadecimal("41 42")
    b'AB'
    """
    digits = "".join(text.split())
    if bad := re.search("[^0-9A-Fa-f]", digits):
        raise InvalidParameterValue(f'invalid hexadecimal digit: "{bad[0]}"')
    if len(digits) % 2:
        raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
    return bytes.fromhex(digits)


def bytea(text: str) -> bytes:
    r"""The bytes of a bytea literal, in hex form (`\x41`) or escape form (`a\001`).

    Raises:
        InvalidParameterValue: 22023, no pairs of hexadecimal digits.
        InvalidTextRepresentation: 22P02, neither form.

    >>> bytea("\\x4142"), bytea("a\\\\b\\001")
    (b'AB', b'a\\b\x01')
    """
    if text.startswith("\\x"):
        return hexadecimal(text[2:])
    if "".join(match[0] for match in _BYTES.finditer(text)) != text:
        raise InvalidTextRepresentation("invalid input syntax for type bytea")
    pieces = (
        bytes([int(match[1], 8)]) if match[1] else match[0][-1].encode()
        for match in _BYTES.finditer(text)
    )
    return b"".join(pieces)


_UUID = re.compile(r"(?:[0-9a-f]{4}-?){7}[0-9a-f]{4}", re.IGNORECASE)


def uuid(text: str) -> str:
    """The uuid in its usual form: hyphens, lower case, no braces.

    Raises:
        InvalidTextRepresentation: 22P02.

    >>> uuid("{A0EEBC999C0B4EF8BB6D6BB9BD380A12}")
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'
    """
    braced = text.startswith("{") and text.endswith("}")
    if not _UUID.fullmatch(text[1:-1] if braced else text):
        raise InvalidTextRepresentation(f'invalid input syntax for type uuid: "{text}"')
    return str(UUID(text))


def like_pattern(pattern: str, escape: str) -> str:
    r"""A LIKE pattern with its own escape character, with the backslash instead.

    >>> like_pattern("10!%_", "!")
    '10\\%_'
    """
    out, letters = [], iter(pattern)
    for letter in letters:
        if letter == escape and escape:
            following = next(letters, None)
            if following is None:
                raise InvalidTextRepresentation("LIKE pattern must not end with escape character")
            letter = "\\" + following if following in "%_\\" else following
        elif letter == "\\":
            letter = "\\\\"
        out.append(letter)
    return "".join(out)


def similar_pattern(pattern: str, escape: str = "\\") -> str:
    r"""The regular expression for a SIMILAR TO pattern (9.7.2), anchored at both ends.

    >>> similar_pattern("a%(b|c)_.")
    '^(?s:a.*(b|c).\\.)$'
    """
    out, letters, inside = [], iter(pattern), False
    for letter in letters:
        if letter == escape and escape:
            letter = re.escape(next(letters, ""))
        elif inside:
            inside = letter != "]"
            letter = "\\\\" if letter == "\\" else letter
        elif letter == "[":
            inside = True
        else:
            letter = {"%": ".*", "_": "."}.get(
                letter, "\\" + letter if letter in ".^$\\" else letter
            )
        out.append(letter)
    return f"^(?s:{''.join(out)})$"
