"""Character sets: PostgreSQL's names of them, and texts as bytes of each, as its conversions do.

A row of `ENCODINGS` per encoding that PostgreSQL 15 has (manual, 24.3.1; pg_enc2name_tbl in
src/common/encnames.c). In which characters a codec of Python's differs from PostgreSQL's map,
`encoding_quirks` tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.errors import CharacterNotInRepertoire, UntranslatableCharacter
from gateway.sql.inputs.encoding_quirks import LONGEST, quirks_of

# Of these two some codes stand for a letter and its accent.
_ACCENTED = re.compile("(?s).[\u0300\u0301\u02e5\u02e9\u309a]?")
_MOST_KEPT = 65_536  # characters of an encoding whose codes are remembered


@dataclass(frozen=True)
class Encoding:
    """One character set.

    Args:
        name: As PostgreSQL prints it.
        codec: Python's; "" where PostgreSQL knows no way from it to UTF8, or Python none.
        characters: Bytes of one character beyond ASCII, where that is more than one byte.
    """

    name: str
    codec: str = ""
    characters: str = ""
    _decoded: dict[bytes, str] = field(default_factory=dict, repr=False, compare=False)
    _encoded: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_utf8(self) -> bool:
        """Whether its bytes are taken as UTF8: of SQL_ASCII PostgreSQL only asks that they be."""
        return self.codec == "utf-8"

    def decode(self, data: bytes) -> str:
        """The text of those bytes.

        Raises:
            CharacterNotInRepertoire: 22021, bytes that are no characters, zero among them.
            UntranslatableCharacter: 22P05, a character that Unicode does not have.

        >>> named("latin1").decode(b"caf\\xe9")
        'café'
        """
        if self.characters and not data.isascii():
            return "".join(map(self._character, self._cut(data)))
        zero = data.find(b"\0")
        try:
            text = data.decode(self.codec if not self.characters else "ascii")
        except UnicodeDecodeError as error:
            if not 0 <= zero < error.start:
                if self.is_utf8:
                    raise _invalid("UTF8", data, error.start) from error
                raise self._unknown(data[error.start : error.end]) from error
        if zero >= 0:
            raise _invalid("UTF8" if self.is_utf8 else self.name, data, zero)
        return text

    def encode(self, text: str) -> bytes:
        """The bytes of that text.

        Raises:
            UntranslatableCharacter: 22P05, a character that the encoding does not have.

        >>> named("latin1").encode("café")
        b'caf\\xe9'
        """
        if self.is_utf8 or text.isascii():
            return text.encode()
        if not self.characters:
            try:
                return text.encode(self.codec)
            except UnicodeEncodeError as error:
                raise self._lacks(text[error.start]) from error
        known = self._encoded
        try:
            return b"".join([known[each] for each in self._pieces(text)])
        except KeyError:
            return b"".join(map(self._bytes, self._pieces(text)))

    def recode(self, data: bytes) -> bytes:
        """UTF8's bytes of a text as those of this encoding; see `encode`."""
        return data if self.is_utf8 or data.isascii() else self.encode(data.decode())

    # Codes of several bytes

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"[\x01-\x7f]+|" + self.characters.encode("ascii"), re.DOTALL)

    def _cut(self, data: bytes) -> list[bytes]:
        found, place = [], 0
        for match in self._pattern.finditer(data):
            if match.start() != place:
                break
            found.append(match.group())
            place = match.end()
        if place < len(data):
            raise _invalid(self.name, data, place)
        return found

    def _character(self, code: bytes) -> str:
        found = self._decoded.get(code)
        if found is None:
            found = self._decode_one(code)
            if len(self._decoded) < _MOST_KEPT:
                self._decoded[code] = found
        return found

    def _decode_one(self, code: bytes) -> str:
        if code.isascii():
            return code.decode("ascii")
        quirks = quirks_of(self.name)
        if code in quirks.decoded:
            return quirks.decoded[code]
        try:
            text = code.decode(self.codec)
        except UnicodeDecodeError as error:
            raise self._unknown(code) from error
        # Python reads codes of JIS X 0212 as well, and some of JIS X 0208 as ASCII.
        other = bool(quirks.within) and text.encode(self.codec) != code
        if other or text.isascii() or quirks.lacks(text):
            raise self._unknown(code)
        return text

    def _pieces(self, text: str) -> list[str] | str:
        return _ACCENTED.findall(text) if self.name.endswith("_2004") else text

    def _bytes(self, character: str) -> bytes:
        found = self._encoded.get(character)
        if found is None:
            found = self._encode_one(character)
            if len(self._encoded) < _MOST_KEPT:
                self._encoded[character] = found
        return found

    def _encode_one(self, character: str) -> bytes:
        if character.isascii():
            return character.encode("ascii")
        quirks = quirks_of(self.name)
        if character in quirks.encoded:
            return quirks.encoded[character]
        try:
            code = b"" if quirks.lacks(character) else character.encode(self.codec)
        except UnicodeEncodeError:
            code = b""
        if len(character) > 1 and not 0 < len(code) <= LONGEST[self.name]:
            return b"".join(map(self._encode_one, character))
        if not 0 < len(code) <= LONGEST.get(self.name, 4):
            raise self._lacks(character)
        return code

    # Words

    def _unknown(self, code: bytes) -> UntranslatableCharacter:
        return _untranslatable(code, self.name, "UTF8")

    def _lacks(self, character: str) -> UntranslatableCharacter:
        return _untranslatable(character.encode("utf-8", "replace"), "UTF8", self.name)


def _invalid(name: str, data: bytes, place: int) -> CharacterNotInRepertoire:
    """What PostgreSQL's report_invalid_encoding says of the character that begins there."""
    length = 1
    lead = data[place : place + 2]
    if name == "UTF8":
        length = 1 + (lead[0] >= 0xC0) + (lead[0] >= 0xE0) + (lead[0] >= 0xF0)
        length = 1 if lead[0] >= 0xF8 else length
    elif name == "GB18030" and len(lead) > 1 and 0x30 <= lead[1] <= 0x39:
        length = 4
    elif name in ("EUC_JP", "EUC_JIS_2004", "EUC_KR", "JOHAB") and lead[0] == 0x8F:
        length = 3
    elif not (name.startswith(("SJIS", "SHIFT")) and 0xA1 <= lead[0] <= 0xDF):
        length = 1 + (lead[0] >= 0x80)
    spelt = _spelt(data[place : place + length])
    return CharacterNotInRepertoire(f'invalid byte sequence for encoding "{name}": {spelt}')


def _untranslatable(code: bytes, source: str, target: str) -> UntranslatableCharacter:
    return UntranslatableCharacter(
        f'character with byte sequence {_spelt(code)} in encoding "{source}" has no equivalent in'
        f' encoding "{target}"'
    )


def _spelt(data: bytes) -> str:
    return " ".join(f"0x{byte:02x}" for byte in data)


_EUC = r"[\xa1-\xfe][\xa1-\xfe]"
_EUC_JP = rf"\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe][\xa1-\xfe]|{_EUC}"
_SJIS = r"[\xa1-\xdf]|[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]"
_ANY = r"[\x80-\xff][\x01-\xff]"

# In the order of their numbers. The patterns are pg_wchar_table's verifiers (wchar.c).
ENCODINGS = (
    Encoding("SQL_ASCII", "utf-8"),
    Encoding("EUC_JP", "euc_jp", _EUC_JP),
    Encoding("EUC_CN", "gb2312", _EUC),
    Encoding("EUC_KR", "euc_kr", _EUC),
    Encoding("EUC_TW"),
    Encoding("EUC_JIS_2004", "euc_jis_2004", _EUC_JP),
    Encoding("UTF8", "utf-8"),
    Encoding("MULE_INTERNAL"),
    Encoding("LATIN1", "iso8859-1"),
    Encoding("LATIN2", "iso8859-2"),
    Encoding("LATIN3", "iso8859-3"),
    Encoding("LATIN4", "iso8859-4"),
    Encoding("LATIN5", "iso8859-9"),
    Encoding("LATIN6", "iso8859-10"),
    Encoding("LATIN7", "iso8859-13"),
    Encoding("LATIN8", "iso8859-14"),
    Encoding("LATIN9", "iso8859-15"),
    Encoding("LATIN10", "iso8859-16"),
    Encoding("WIN1256", "cp1256"),
    Encoding("WIN1258", "cp1258"),
    Encoding("WIN866", "cp866"),
    Encoding("WIN874", "cp874"),
    Encoding("KOI8R", "koi8-r"),
    Encoding("WIN1251", "cp1251"),
    Encoding("WIN1252", "cp1252"),
    Encoding("ISO_8859_5", "iso8859-5"),
    Encoding("ISO_8859_6", "iso8859-6"),
    Encoding("ISO_8859_7", "iso8859-7"),
    Encoding("ISO_8859_8", "iso8859-8"),
    Encoding("WIN1250", "cp1250"),
    Encoding("WIN1253", "cp1253"),
    Encoding("WIN1254", "cp1254"),
    Encoding("WIN1255", "cp1255"),
    Encoding("WIN1257", "cp1257"),
    Encoding("KOI8U", "koi8-u"),
    Encoding("SJIS", "cp932", _SJIS),
    Encoding("BIG5", "big5", _ANY),
    Encoding("GBK", "gbk", _ANY),
    Encoding("UHC", "cp949", _ANY),
    Encoding("GB18030", "gb18030",
             r"[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[\x30-\x39][\x81-\xfe][\x30-\x39])"),
    Encoding("JOHAB", "johab", r"\x8f[\xa1-\xfe][\xa1-\xfe]|[\x80-\x8e\x90-\xff][\xa1-\xfe]"),
    Encoding("SHIFT_JIS_2004", "shift_jis_2004", _SJIS),
)  # fmt: skip

# Other spellings, without what is no letter or digit (pg_encname_tbl).
_SPELLINGS: Mapping[str, str] = {
    "abc": "WIN1258", "alt": "WIN866", "koi8": "KOI8R", "mskanji": "SJIS", "shiftjis": "SJIS",
    "tcvn": "WIN1258", "tcvn5712": "WIN1258", "unicode": "UTF8", "vscii": "WIN1258",
    "win": "WIN1251", "win932": "SJIS", "win936": "GBK", "win949": "UHC", "win950": "BIG5",
    "windows932": "SJIS", "windows936": "GBK", "windows949": "UHC", "windows950": "BIG5",
    **{f"iso8859{part}": f"LATIN{n}" for n, part in
       enumerate((1, 2, 3, 4, 9, 10, 13, 14, 15, 16), start=1)},
    **{f"windows{n}": f"WIN{n}" for n in (866, 874, *range(1250, 1259))},
}  # fmt: skip

_BY_NAME = {encoding.name.lower().replace("_", ""): encoding for encoding in ENCODINGS}
_BY_NAME |= {word: _BY_NAME[name.lower().replace("_", "")] for word, name in _SPELLINGS.items()}
UTF8 = _BY_NAME["utf8"]

# What pg_char_to_encoding tells of each spelling.
NUMBERS = {word: ENCODINGS.index(encoding) for word, encoding in _BY_NAME.items()}


def named(spelling: str) -> Encoding | None:
    """The encoding of that name, in any spelling that PostgreSQL takes; None: there is none.

    >>> named("ISO-8859-1").name, named("shift_jis").name, named("ebcdic")
    ('LATIN1', 'SJIS', None)
    """
    return _BY_NAME.get(re.sub("[^a-z0-9]", "", spelling.lower()))
