"""Characters as bytes of PostgreSQL's encodings, and back: as PostgreSQL converts them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import psycopg
import pytest

from gateway.errors import GatewayError
from gateway.sql.inputs.encoding_quirks import quirks_of
from gateway.sql.inputs.encodings import ENCODINGS, UTF8, Encoding, named

# Encoding -> CRC of its table: every character of `CHARACTERS` with its bytes, every code of
# `codes` with its text or SQLSTATE. PostgreSQL's tables have these, every character asked.
RECORDED = json.loads((Path(__file__).parent / "encodings.json").read_text())
CHARACTERS = [chr(n) for n in range(0x80, 0x10000, 61) if not 0xD800 <= n < 0xE000]
SPOKEN = [row for row in ENCODINGS if row.codec and not row.is_utf8]
each = pytest.mark.parametrize("encoding", SPOKEN, ids=lambda row: row.name)


def characters(encoding: Encoding) -> list[str]:
    quirks = quirks_of(encoding.name)
    odd = [*quirks.encoded, *quirks.decoded.values(), *"¢£¥¦¬‖‾〜―⦅⦆ˍ╴￣￥\u2212\u00ad\u20ac"]
    return sorted({*CHARACTERS, *odd})


def codes(encoding: Encoding) -> list[bytes]:
    """Every byte, and in wide encodings every 53rd pair, and what is odd."""
    found = {bytes([n]) for n in range(0x80, 0x100)}
    if encoding.characters:
        found |= {n.to_bytes(2, "big") for n in range(0x8030, 0x10000, 53)}
        found |= set(quirks_of(encoding.name).decoded)
    return sorted(found)


def table(encoding: Encoding) -> list[str]:
    """What becomes of each character and each code."""
    return [_written(encoding, text) for text in characters(encoding)] + [
        _read(encoding, code) for code in codes(encoding)
    ]


def _written(encoding: Encoding, text: str) -> str:
    try:
        return encoding.encode(text).hex()
    except GatewayError as error:
        return f"{error.code} {error}"


def _read(encoding: Encoding, code: bytes) -> str:
    try:
        return encoding.decode(code)
    except GatewayError as error:
        return f"{error.code} {error}"


@each
def test_the_table_is_the_recorded_one(encoding: Encoding) -> None:
    assert zlib.crc32("\n".join(table(encoding)).encode()) == RECORDED[encoding.name]


def test_postgresql_has_the_same_tables(postgres_port: int) -> None:
    with psycopg.connect(f"host=127.0.0.1 port={postgres_port} user=postgres") as connection:
        connection.execute(_TRYING)
        for encoding in SPOKEN[:: len(SPOKEN) // 6]:  # a few of them: each character is a try
            rows = connection.execute(
                "SELECT pg_temp.written(t, %s) FROM unnest(%s::text[]) WITH ORDINALITY AS _(t, n)"
                " ORDER BY n",
                (encoding.name, characters(encoding)),
            ).fetchall()
            rows += connection.execute(
                "SELECT pg_temp.read(b, %s) FROM unnest(%s::bytea[]) WITH ORDINALITY AS _(b, n)"
                " ORDER BY n",
                (encoding.name, codes(encoding)),
            ).fetchall()
            assert [row[0] for row in rows] == table(encoding), encoding.name


_TRYING = """
CREATE FUNCTION pg_temp.written(t text, e name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN encode(convert_to(t, e), 'hex');
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
CREATE FUNCTION pg_temp.read(b bytea, e name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN convert_from(b, e);
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$
"""


def test_postgresql_knows_the_same_names(postgres_port: int) -> None:
    words = ["Latin-1", "iso 8859 2", "iso885915", "ISO_8859_5", "iso_8859_9", "koi8", "win", "alt",
             "windows-1252", "windows950", "win936", "shift_jis_2004", "mskanji", "utf-8",
             "unicode", "sql-ascii", "tcvn",
             "cp1252", "latin11", "big-5", "euc-tw", "mule_internal", "'utf8'",
             "", "johab", "gb18030", "vscii", "abc", "win932", "uhc", "windows874"]  # fmt: skip
    with psycopg.connect(f"host=127.0.0.1 port={postgres_port} user=postgres") as connection:
        for word in words:
            (number,) = connection.execute("SELECT pg_char_to_encoding(%s)", (word,)).fetchone()
            found = named(word)
            assert number == (-1 if found is None else ENCODINGS.index(found)), word


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a\xff", "0xff"),
        (b"\xc3(", "0xc3 0x28"),
        (b"\xe6\x97", "0xe6 0x97"),
        (b"\xf0\x9f\x98(", "0xf0 0x9f 0x98 0x28"),
        (b"\xed\xa0\x80", "0xed 0xa0 0x80"),
        (b"ab\0\xff", "0x00"),
        (b"ab\xc3\0", "0xc3 0x00"),
    ],
)
def test_bytes_that_are_not_utf8_are_shown_as_postgresql_shows_them(
    data: bytes, shown: str, postgres_port: int
) -> None:
    words = f'invalid byte sequence for encoding "UTF8": {shown}'
    with pytest.raises(GatewayError) as caught:
        UTF8.decode(data)
    assert str(caught.value) == words
    with (
        psycopg.connect(f"host=127.0.0.1 port={postgres_port} user=postgres") as connection,
        pytest.raises(psycopg.errors.CharacterNotInRepertoire, match=words),
    ):
        connection.execute("SELECT convert_from(%s, 'utf8')", (data,))
