"""COPY data in text and csv, a line and its fields at a time: exactly as PostgreSQL 15 reads them.

CopyReadLineText and CopyReadAttributesText, -CSV of src/backend/commands/copyfromparse.c. What
most data need is done by whole blocks in `copy_blocks`; here is what is read when they hold
anything out of the ordinary, and what finds the line of an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import BadCopyFileFormat
from gateway.sql.statements.copy_options import CopyOptions
from gateway.wire.decoding import text_of

Fields = list[bytes | None]

# A pair that a backslash begins; only the first of more digits matters to where a line ends.
_PAIR = rb"\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|[\s\S])"
_LINE = re.compile(rb"[^\\\r\n]*(?:\\[\s\S][^\\\r\n]*)*")
_MARKER = re.compile(rb"[^\\]*(?:\\[^.][^\\]*)*\\\.", re.DOTALL)
_ESCAPE = re.compile(_PAIR)
_NAMED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; `after` is where the next begins."""

    data: bytes
    after: int


class LineReader:
    """Cuts lines and fields.

    `eol` is the end that the first line had, "" before; `number` is the last line's, as PostgreSQL
    counts them.

    >>> reader = LineReader(CopyOptions())
    >>> line = reader.line(b"a\\t1\\nb\\t2\\n", 0)
    >>> reader.fields(line.data), line.after
    ([b'a', b'1'], 4)
    """

    def __init__(self, options: CopyOptions) -> None:
        self.eol = b""
        self.number = 0
        self.ended = False  # a line of \. was read
        self._csv = options.format == "csv"
        self._null = options.null.encode()
        self._delimiter = delimiter = options.delimiter.encode()
        self._quote, self._escape = options.quote.encode(), options.escape.encode()
        inside = re.escape(delimiter)
        self._field = re.compile(rb"[^\\%s]*(?:%s[^\\%s]*)*" % (inside, _PAIR, inside))
        if self._csv:
            self._stop = re.compile(rb"[%s\r\n]" % re.escape(self._quote))
            both = re.escape(self._quote + self._escape)
            self._quoted_stop = re.compile(rb"[%s\r\n]" % both)

    # Lines

    def line(self, data: bytes, place: int) -> Line | None:
        """The line that begins at `place`; None when there is none left.

        Raises:
            BadCopyFileFormat: 22P04, another end of line than before, or a bad end marker.
        """
        if self.ended or place >= len(data):
            return None
        self.number += 1
        return self._csv_line(data, place) if self._csv else self._text_line(data, place)

    def _text_line(self, data: bytes, place: int) -> Line | None:
        match = _LINE.match(data, place)
        assert match is not None
        end = match.end()
        marker = _MARKER.match(data, place, end) if data.find(b"\\.", place, end) >= 0 else None
        if marker is not None:
            self._check_marker(data, marker.end())
            self.ended = True
            end = marker.end() - 2
            return Line(data[place:end], len(data)) if end > place else None
        if end < len(data) and data[end : end + 1] == b"\\":
            end = len(data)  # alone at the very end
        return Line(data[place:end], self._after(data, end))

    def _csv_line(self, data: bytes, place: int) -> Line | None:
        if data.startswith(b"\\.", place) and self._is_marker(data, place + 2):
            self.ended = True
            return None
        at, quoted = place, False
        while True:
            match = (self._quoted_stop if quoted else self._stop).search(data, at)
            if match is None:
                return Line(data[place:], len(data))
            at, found = match.end(), match[0]
            if quoted and found == self._escape != self._quote:
                at += data[at : at + 1] in (self._escape, self._quote)
            elif found == self._quote:
                quoted = not quoted
            elif not quoted:
                break
            elif found == (b"\n" if self.eol == b"\n" else b"\r"):
                self.number += 1
        end = match.start()
        return Line(data[place:end], self._after(data, end))

    def _after(self, data: bytes, end: int) -> int:
        """Where the next line begins, after the end of this one."""
        if end >= len(data):
            return end
        if data[end : end + 1] == b"\r":
            if self.eol in (b"", b"\r\n") and data[end + 1 : end + 2] == b"\n":
                self.eol = b"\r\n"
                return end + 2
            if self.eol not in (b"", b"\r"):
                raise self._stray("carriage return", "r")
            self.eol = b"\r"
            return end + 1
        if self.eol not in (b"", b"\n"):
            raise self._stray("newline", "n")
        self.eol = b"\n"
        return end + 1

    def _stray(self, what: str, letter: str) -> BadCopyFileFormat:
        if self._csv:
            hint = f"Use quoted CSV field to represent {what}."
            return BadCopyFileFormat(f"unquoted {what} found in data", hint=hint)
        hint = f'Use "\\{letter}" to represent {what}.'
        return BadCopyFileFormat(f"literal {what} found in data", hint=hint)

    def _is_marker(self, data: bytes, place: int) -> bool:
        """Whether csv's line of `\\.` ends here; else it is data."""
        if self.eol == b"\r\n":
            if data[place : place + 1] != b"\r":
                return False
            place += 1
        if data[place : place + 1] not in (b"\r", b"\n"):
            return False
        self._check_style(data[place : place + 1])
        return True

    def _check_marker(self, data: bytes, place: int) -> None:
        """Refuse a text's `\\.` that does not end as the lines do."""
        if self.eol == b"\r\n":
            if data[place : place + 1] == b"\n":
                raise _other_style()
            if data[place : place + 1] != b"\r":
                raise BadCopyFileFormat("end-of-copy marker corrupt")
            place += 1
        if data[place : place + 1] not in (b"\r", b"\n"):
            raise BadCopyFileFormat("end-of-copy marker corrupt")
        self._check_style(data[place : place + 1])

    def _check_style(self, found: bytes) -> None:
        if self.eol and found != self.eol[-1:]:
            raise _other_style()

    # Fields

    def fields(self, line: bytes) -> Fields:
        """The fields of a line, None for NULL.

        Raises:
            BadCopyFileFormat: 22P04, a quoted field that never ends.
            CharacterNotInRepertoire: 22021, escapes that make no text.
        """
        special = self._quote if self._csv else b"\\"
        if special not in line:
            return [None if f == self._null else f for f in line.split(self._delimiter)]
        return self._csv_fields(line) if self._csv else self._text_fields(line)

    def _text_fields(self, line: bytes) -> Fields:
        found: Fields = []
        place = 0
        while True:
            match = self._field.match(line, place)
            assert match is not None
            raw, place = match[0], match.end()
            found.append(None if raw == self._null else unescaped(raw))
            if line[place : place + 1] != self._delimiter:
                return found  # a backslash alone at the end counts for nothing
            place += 1

    def _csv_fields(self, line: bytes) -> Fields:
        found: Fields = []
        place = 0
        while True:
            value, place, quoted = self._csv_field(line, place)
            found.append(None if not quoted and value == self._null else value)
            if place >= len(line):
                return found
            place += 1
            if place == len(line):
                return [*found, None if self._null == b"" else b""]

    def _csv_field(self, line: bytes, place: int) -> tuple[bytes, int, bool]:
        """The field at `place`, where its delimiter stands, and whether it has quotes."""
        parts: list[bytes] = []
        quoted = False
        while True:
            end = line.find(self._delimiter, place)
            end = len(line) if end < 0 else end
            quote = line.find(self._quote, place, end)
            if quote < 0:
                return b"".join([*parts, line[place:end]]), end, quoted
            parts.append(line[place:quote])
            quoted = True
            inside, place = self._csv_inside(line, quote + 1)
            parts.append(inside)

    def _csv_inside(self, line: bytes, place: int) -> tuple[bytes, int]:
        """What stands between quotes, and where they end."""
        parts: list[bytes] = []
        while (match := self._quoted_stop.search(line, place)) is not None:
            parts.append(line[place : match.start()])
            place, found = match.end(), match[0]
            after = line[place : place + 1]
            if found == self._escape and after and after in (self._escape, self._quote):
                parts.append(after)
                place += 1
            elif found == self._quote:
                return b"".join(parts), place
            else:
                parts.append(found)
        raise BadCopyFileFormat("unterminated CSV quoted field")


def _other_style() -> BadCopyFileFormat:
    return BadCopyFileFormat("end-of-copy marker does not match previous newline style")


def unescaped(raw: bytes) -> bytes:
    r"""A field of COPY text with its backslashes read.

    Raises:
        CharacterNotInRepertoire: 22021, octal or hexadecimal digits that make no text.

    >>> unescaped(rb"a\tb\\c\x41\101")
    b'a\tb\\cAA'
    """
    if b"\\" not in raw:
        return raw
    value = _ESCAPE.sub(_character, raw)
    text_of(value)
    return value


def _character(match: re.Match[bytes]) -> bytes:
    pair = match[0][1:]
    if pair[:1] in b"01234567":
        return bytes([int(pair, 8) & 0xFF])
    if len(pair) > 1:
        return bytes([int(pair[1:], 16)])
    return _NAMED.get(pair, pair)
