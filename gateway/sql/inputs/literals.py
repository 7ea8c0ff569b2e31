"""Text inside quotes, from what PostgreSQL's input functions read to what the engine reads.

Each function takes the characters between the quotes and gives back text (or bytes) of one
canonical form. PostgreSQL manual, 8.5.1 "Date/Time Input", 8.5.4 "Interval Input", 8.4 "Binary
Data Types", 9.7 "Pattern Matching". What is not understood is refused, never passed on.
"""

from __future__ import annotations

import re
from uuid import UUID

from gateway.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
    InvalidEscapeSequence,
    InvalidParameterValue,
    InvalidTextRepresentation,
)
from gateway.sql.inputs.far_moments import (
    DAY_MICROS,
    END_DAY,
    END_MICROS,
    FIRST_DAY,
    FIRST_MICROS,
)
from gateway.sql.inputs.moment_input import clock_text, date_text, read_clock, read_moment
from gateway.sql.inputs.zones import known_zone, offset_at_local
from gateway.types import Type

_OCTAL = re.compile(r"\\[0-3][0-7]{2}")


def char(text: str) -> str:
    """The first character, all that a `"char"` holds; it may be three octal digits (charin).

    Raises:
        FeatureNotSupported: 0A000, digits of a byte that is no character.

    >>> char("ab"), char("\\\\101"), char("\\\\000")
    ('a', 'A', '')
    """
    if not _OCTAL.fullmatch(text):
        return text[:1]
    if not (first := chr(int(text[1:], 8))).isascii():
        raise FeatureNotSupported('a "char" beyond ASCII is not supported', hint="Use text.")
    return first.strip("\0")


def timestamp(text: str, zoned: bool, order: str = "") -> str:
    """`text` as `YYYY-MM-DD HH:MM:SS.ffffff`, with `+HH:MM` when `zoned` and a zone was given.

    Years before Christ end in ` BC`; infinity, -infinity, now, today, tomorrow and yesterday are
    left alone, the last three with a time of day behind them.

    As in PostgreSQL, a timestamp without time zone ignores the zone that its literal names.

    Args:
        order: DateStyle's, for dates that are numbers alone; "" refuses these: what they mean
            depends on who reads them.

    Raises:
        InvalidDatetimeFormat: 22007. DatetimeFieldOverflow: 22008.

    >>> timestamp("2013-01-01T06:00Z", zoned=True)
    '2013-01-01 06:00:00+00:00'
    >>> timestamp("Jan 1 06:00 2013 PST", zoned=True), timestamp("tomorrow 4:00 PM", zoned=False)
    ('2013-01-01 06:00:00-08:00', 'tomorrow 16:00:00')
    >>> timestamp("2013-01-01 06:00+05", zoned=False)
    '2013-01-01 06:00:00'
    """
    kind = "timestamp with time zone" if zoned else "timestamp"
    told = read_moment(text, kind, order)
    if told.end and told.end != "epoch":
        return told.end
    named = isinstance(told.zone, str)
    zone = known_zone(told.zone) if isinstance(told.zone, str) else None
    micros = told.micros or 0
    if told.days is None and told.relative is not None:
        if told.zone is not None and zoned:
            raise _settled_later(text)
        word = _RELATIVE[told.relative]
        return f"{word} {clock_text(micros)}" if micros else word
    days = (told.days or 0) + micros // DAY_MICROS
    micros %= DAY_MICROS
    offset = 0 if told.end else told.zone
    if zone is not None and named:
        offset = offset_at_local(zone, days, micros)
    east = offset if zoned and isinstance(offset, int) else 0
    if not FIRST_MICROS <= days * DAY_MICROS + micros - east * 1_000_000 < END_MICROS:
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    return _written(days, micros, offset if zoned and isinstance(offset, int) else None)


def _written(days: int, micros: int, offset: int | None) -> str:
    """A moment as the engine reads it, which knows offsets in whole minutes."""
    if offset is not None and offset % 60:
        more, micros = divmod(micros - offset * 1_000_000, DAY_MICROS)
        days, offset = days + more, 0
    ending = "" if offset is None else offset_of(offset)
    day, era, _ = date_text(days).partition(" BC")
    return f"{day} {clock_text(micros)}{ending}{era}"


def with_offset(text: str, zone: str) -> str:
    """What `timestamp` gave, as the clocks of a zone show it, with how far they are from UTC.

    >>> with_offset("2013-07-01 06:00:00", "Europe/Berlin")
    '2013-07-01 06:00:00+02:00'
    """
    if not text[0].isdigit() or _ZONED.search(text):
        return text
    told = read_moment(text, "timestamp with time zone")
    days, micros = told.days or 0, told.micros or 0
    return _written(days, micros, offset_at_local(known_zone(zone), days, micros))


_ZONED = re.compile(r"[+-]\d\d:\d\d(?::\d\d)?(?: BC)?$")
_RELATIVE = {-1: "yesterday", 0: "today", 1: "tomorrow"}
RELATIVE = frozenset(_RELATIVE.values())


def offset_of(seconds: int) -> str:
    """An offset as `+HH:MM`, with seconds where it has them.

    >>> offset_of(-28800), offset_of(-17762)
    ('-08:00', '-04:56:02')
    """
    minutes, second = divmod(abs(seconds), 60)
    shown = f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{shown}:{second:02d}" if second else shown


def _settled_later(text: str) -> FeatureNotSupported:
    return FeatureNotSupported(
        f'"{text}" beside a time zone is not supported', hint="Write the date in numbers."
    )


def date(text: str, order: str = "") -> str:
    """`text` as YYYY-MM-DD, with ` BC` before Christ; words as in `timestamp`.

    >>> date("Jan 8, 1999"), date("2013-01-02 04:05"), date("1/2/2013", "DMY")
    ('1999-01-08', '2013-01-02', '2013-02-01')
    """
    told = read_moment(text, "date", order)
    if isinstance(told.zone, str):
        known_zone(told.zone)
    if told.end and told.end != "epoch":
        return told.end
    if told.relative is not None:
        return _RELATIVE[told.relative]
    if not FIRST_DAY <= (told.days or 0) < END_DAY:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return date_text(told.days or 0)


def time(text: str, order: str = "") -> str:
    """A time of day as `HH:MM:SS.ffffff`; now is left alone.

    >>> time("4:05 PM"), time("040506.789")
    ('16:05:00', '04:05:06.789')
    """
    told = read_clock(text, "time", order)
    if isinstance(told.zone, str):
        known_zone(told.zone)
    return told.end or clock_text(told.micros or 0)


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


_BYTES = re.compile(r"\\\\|\\([0-3][0-7][0-7])|[^\\]")


def hexadecimal(text: str) -> bytes:
    """The bytes that pairs of digits write; blanks may stand between the pairs.

    Raises:
        InvalidParameterValue: 22023.

    >>> hexadecimal("41 42")
    b'AB'
    """
    digits = _PAIRS.sub(r"\1", text).strip(_BLANKS)
    if bad := re.search("[^0-9A-Fa-f]", digits):
        raise InvalidParameterValue(f'invalid hexadecimal digit: "{bad[0]}"')
    if len(digits) % 2:
        raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
    return bytes.fromhex(digits)


_BLANKS = " \n\t\r"
_PAIRS = re.compile(rf"[{_BLANKS}]*([0-9A-Fa-f]{{2}})")


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


def label_of(text: str, kind: Type) -> str:
    """`text`, where it is a label of an enum.

    Raises:
        InvalidTextRepresentation: 22P02.
    """
    if text not in kind.labels:
        raise InvalidTextRepresentation(f'invalid input value for enum {kind.sql}: "{text}"')
    return text


def like_pattern(pattern: str, escape: str) -> str:
    r"""A LIKE pattern with its own escape character, with the backslash instead.

    >>> like_pattern("10!%_", "!")
    '10\\%_'

    Raises:
        InvalidEscapeSequence: 22025, more than one escape character, or one that escapes nothing.
    """
    if len(escape) > 1:
        raise InvalidEscapeSequence(
            "invalid escape string", hint="Escape string must be empty or one character."
        )
    out, letters = [], iter(pattern)
    for letter in letters:
        if letter == escape and escape:
            following = next(letters, None)
            if following is None:
                raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
            letter = "\\" + following if following in "%_\\" else following
        elif letter == "\\":
            letter = "\\\\"
        out.append(letter)
    return "".join(out)


def similar_pattern(pattern: str, escape: str = "\\") -> str:
    r"""The regular expression for a SIMILAR TO pattern (9.7.2), anchored at both ends.

    >>> similar_pattern("a%(b|c)_.")
    '^(?:a.*(b|c).\\.)$'
    """
    out, letters, inside = [], iter(pattern), False
    for letter in letters:
        if letter == escape and escape:
            letter = "\\" + next(letters, "\\")
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
    return f"^(?:{''.join(out)})$"
