r"""Characters that a string writes as escapes: E'\n', U&'\0061', unistr('\u0061') (manual, 4.1.2).

PostgreSQL 15, src/backend/parser/scan.l and parser.c: what is no escape is refused, 42601, and an
unfinished \u in E'' is 22025.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.errors import InvalidEscapeSequence, SyntaxFault
from gateway.sql.inputs.encodings import UTF8

_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(?s:(.)))"
)


def escaped_string(text: str) -> str:
    r"""The characters of an E'' string, quotes within already single.

    Bytes written one by one are UTF-8, as the rest of the statement is.

    Raises:
        InvalidEscapeSequence: 22025, an unfinished \u.
        SyntaxFault: 42601, no character has such a number.

    >>> escaped_string(r"a\tb\x41\u00e9\101\'")
    "a\tbAéA'"
    """
    if "\\" not in text:
        return text
    return "".join(_joined(_parts(text)))


def _parts(text: str) -> Iterator[str | int | bytes]:
    """Plain text, numbers of characters, and single bytes, in order."""
    end = 0
    for found in _ESCAPE.finditer(text):
        yield text[end : found.start()]
        end = found.end()
        octal, byte, short, long, letter = found.groups()
        if octal or byte:
            yield bytes([int(octal, 8) & 255 if octal else int(byte, 16)])
        elif short or long:
            yield int(short or long, 16)
        elif letter in ("u", "U"):
            raise InvalidEscapeSequence(
                "invalid Unicode escape", hint=r"Unicode escapes must be \uXXXX or \UXXXXXXXX."
            )
        else:
            yield _LETTERS.get(letter, letter)
    yield text[end:]


def _joined(parts: Iterator[str | int | bytes]) -> Iterator[str]:
    """The parts as text: a character may be written as two halves, or as several bytes."""
    high, held = 0, b""
    for part in parts:
        if part == "":
            continue
        if held and not isinstance(part, bytes):
            yield UTF8.decode(held)
            held = b""
        if high and not (isinstance(part, int) and 0xDC00 <= part < 0xE000):
            raise SyntaxFault("invalid Unicode surrogate pair")
        if isinstance(part, bytes):
            held += part
        elif isinstance(part, str):
            yield part
        elif 0xD800 <= part < 0xDC00:
            high = part
        else:
            yield _character(part, high)
            high = 0
    if high:
        raise SyntaxFault("invalid Unicode surrogate pair")
    if held:
        yield UTF8.decode(held)


def _character(number: int, high: int) -> str:
    if high:
        return chr(0x10000 + ((high - 0xD800) << 10) + number - 0xDC00)
    if 0xDC00 <= number < 0xE000:
        raise SyntaxFault("invalid Unicode surrogate pair")
    if not 0 < number <= 0x10FFFF:
        raise SyntaxFault("invalid Unicode escape value")
    return chr(number)


_NO_ESCAPE = re.compile(r"[0-9A-Fa-f+'\"\s]")


def unicode_string(text: str, escape: str = "\\") -> str:
    r"""The characters of a U&'' string; `escape` is what UESCAPE says.

    Raises:
        SyntaxFault: 42601, no such escape, or no such character.

    >>> unicode_string("d\\0061t\\+000061")
    'data'
    """
    if len(escape) != 1 or _NO_ESCAPE.match(escape):
        raise SyntaxFault(f"invalid Unicode escape character at or near \"'{escape}'\"")
    return _numbered(text, escape, r"([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})", r"\XXXX or \+XXXXXX")


def unistr(text: str) -> str:
    r"""The function of that name: the escapes of E'' and of U&'' that are numbers of characters.

    >>> unistr(r"d\u0061t\U00000061\\")
    'data\\'
    """
    forms = r"u?([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|U([0-9A-Fa-f]{8})"
    return _numbered(text, "\\", forms, r"\XXXX, \+XXXXXX, \uXXXX, or \UXXXXXXXX")


def _numbered(text: str, escape: str, forms: str, shown: str) -> str:
    sign = re.escape(escape)

    def parts() -> Iterator[str | int]:
        end = 0
        for found in re.finditer(f"{sign}(?:{forms}|({sign}))", text):
            yield plain(text[end : found.start()])
            end = found.end()
            *numbers, doubled = found.groups()
            yield escape if doubled else int(next(filter(None, numbers)), 16)
        yield plain(text[end:])

    def plain(between: str) -> str:
        if escape in between:
            raise SyntaxFault("invalid Unicode escape", hint=f"Unicode escapes must be {shown}.")
        return between

    return "".join(_joined(parts()))
