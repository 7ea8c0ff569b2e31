"""COPY statements and the data that go into them, the same for the gateway and PostgreSQL 15.

What is compared is whether the data went in, the rows that are there afterwards, and else the
SQLSTATE, message, detail and context of the error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SETUP = """
CREATE TABLE copied (a int, b text, c float8);
CREATE TABLE copied_one (b text);
CREATE TABLE copied_keys (k int PRIMARY KEY, n text NOT NULL DEFAULT 'none', v varchar(5));
CREATE TABLE copied_types (
    i2 smallint, i8 bigint, f4 real, f8 float8, n numeric(8,3), t text, v varchar(6),
    y bytea, d date, tm time, ts timestamp, tz timestamptz, iv interval, bo bool, u uuid);
CREATE TABLE copied_pairs (a int, b text, UNIQUE (a, b));
CREATE TABLE copied_made (k int REFERENCES copied_keys, m int GENERATED ALWAYS AS (k * 2) STORED);
CREATE TABLE copied_checked (k int UNIQUE, b int CHECK (b > 0), c text);
INSERT INTO copied_pairs VALUES (1, 'x, y');
INSERT INTO copied_checked VALUES (7, 1, 'there');
CREATE VIEW copied_view AS SELECT a FROM copied;
"""
TEARDOWN = (
    "DROP VIEW copied_view; "
    "DROP TABLE copied, copied_one, copied_made, copied_keys, copied_types, copied_pairs, "
    "copied_checked"
)


@dataclass(frozen=True)
class In:
    """COPY `into` FROM STDIN `options`, fed with `data`."""

    data: bytes
    options: str = ""
    into: str = "copied"

    @property
    def statement(self) -> str:
        return f"COPY {self.into} FROM STDIN {self.options}"

    @property
    def table(self) -> str:
        return self.into.split()[0]


def binary(*rows: list[bytes | None], trailer: bytes = b"\xff\xff", flags: int = 0) -> bytes:
    data = b"PGCOPY\n\xff\r\n\0" + struct.pack(">Ii", flags, 0)
    for row in rows:
        data += struct.pack(">h", len(row))
        for field in row:
            data += struct.pack(">i", -1 if field is None else len(field)) + (field or b"")
    return data + trailer


_I, _F = struct.Struct(">i").pack, struct.Struct(">d").pack
CSV, ONE, KEYS, TYPES, BIN = "CSV", "copied_one", "copied_keys", "copied_types", "BINARY"
CHECKED = "copied_checked"

TEXT_IN = [
    In(b"1\tx\t1.5\n2\t\\N\t\\N\n"),
    In(b"1\tx\t1.5\n2\ty\t2"),
    In(b""),
    In(b"\n"),
    In(b"\\.\n"),
    In(b"1\tx\t1.5\n\\.\n2\ty\t3\n"),
    In(b"1\tx\t1.5\n\\.\nrubbish"),
    In(b"1\tx\t1.5\\.\n2\ty\t3\n"),
    In(b"1\tx\t1.5\n\\.x\n"),
    In(b"1\tx\t1.5\n\\."),
    In(b"1\tx\t1.5\r\n\\.\r\n"),
    In(b"1\tx\t1.5\r\n\\.\n"),
    In(b"1\tx\t1.5\n\\.\r\n"),
    In(b"1\tx\t1.5\r\n2\ty\t2\r\n"),
    In(b"1\tx\t1.5\r2\ty\t2\r"),
    In(b"1\tx\t1.5\r2\ty\t2"),
    In(b"1\tx\t1.5\n2\ty\t2\r\n"),
    In(b"1\tx\t1.5\r\n2\ty\t2\n"),
    In(b"1\tx\t1.5\r2\ty\t2\n"),
    In(b"1\tx\r\t1.5\n"),
    In(rb"1	\b\f\n\r\t\v\\\q\101\x41\x4\8\.x	1.5" + b"\n"),
    In(b"1\ta\\\nb\\\tc\\\rd\t1.5\n"),
    In(b"1\ta\\\n2\tb\t1\n"),
    In(rb"1	\303\244\xc3\xa4	1" + b"\n"),
    In(rb"1	\303	1" + b"\n"),
    In(rb"1	\0	1" + b"\n"),
    In(b"1\t\xc3\xa4\t1\n2\t\xff\t2\n"),
    In(b"1\tx\t1\n2\ta\0b\t2\n"),
    In(b"1\tx\n"),
    In(b"1\tx\t1\ty\n"),
    In(b"1\tx\t1\n\n2\ty\t3\n"),
    In(b"1\tx\t1\nz\ty\t2\n3\tq\n"),
    In(b"1\tx\t1\n2\ty\n z\tq\t1\n"),
    In(b"x\ty\tz\n"),
    In(b"1\ty\tz\n"),
    In(b"1\ty\t1e400\n"),
    In(b"99999999999\ty\t1\n"),
    In(b" 7 \t y \t 1.5 \n"),
    In(b"\tx\t1\n"),
    In(b"1\tx\t\n"),
    In(b"1\t" + b"long " * 50 + b"\tz\n"),
    In(b"1\t" + "ä".encode() * 60 + b"\tx\ty\n"),
    In(b"x\\N\tx\t1\n"),
    In(b"1\t\\N\\N\t1\n"),
    In(b"1\ta\\\\N\t1\n"),
    In(b"1|x|1.5\n", "DELIMITER '|'"),
    In(b"1|a\\|b|1.5\n", "WITH (DELIMITER '|')"),
    In(b"1;;\n2;x;3\n", "(DELIMITER ';', NULL '')"),
    In(b"1\tnull\tnull\n", "NULL 'null'"),
    In(b"1\tnull\tnu\\ll\n", "NULL AS 'null'"),
    In(b"1\t\\N\tx\n", "NULL 'x'"),
    In(b"a\tb\tc\n1\tx\t2\n", "(HEADER)"),
    In(b"a\tb\tc\n1\tx\t2\n", "(HEADER match)"),
    In(b"a\tb\n1\tx\t2\n", "(HEADER match)"),
    In(b"a\tb\td\n1\tx\t2\n", "(HEADER match)"),
    In(b"a\t\\N\tc\n1\tx\t2\n", "(HEADER match)"),
    In(b"anything\nat all\t1\n", "(HEADER)"),
    In(b"a\n", "(HEADER)"),
    In(b"", "(HEADER match)"),
    In(b"x\ty\n", "(HEADER match)", "copied (b)"),
    In(b"5\tx\n", into="copied (c, b)"),
    In(b"\\N\n\\\\N\nx\\N\n\n", into=ONE),
    In(b"a\nb\n", "(FREEZE false)", ONE),
    In("ä".encode("latin-1") + b"\n", "(ENCODING 'latin1')", ONE),
    In(b"\x81\n", "(ENCODING 'win1252')", ONE),
    In("日本\n".encode("shift_jis"), "(ENCODING 'SJIS')", ONE),
    In(b"\x95\x5c\n", "(ENCODING 'SJIS')", ONE),
]

CSV_IN = [
    In(b'1,x,1.5\n2,,\n3,"",3\n', CSV),
    In(b'1,"a,b",1.5\n2,"say ""hi""",2\n', CSV),
    In(b'1,"two\nlines",1.5\n2,"x",z\n', CSV),
    In(b'1,x,1\n2,"two\nlines",1.5\n3,"x",z\n', CSV),
    In(b'1,"two\r\nlines",1.5\r\n2,"x",2\r\n', CSV),
    In(b'1,ab"c,d"ef,1.5\n', CSV),
    In(b'1,"ab"cd,1.5\n', CSV),
    In(b'1,"ab,1.5\n', CSV),
    In(b'1,ab",1.5\n2,x,3\n', CSV),
    In(b"1,x,1.5\r\n2,y,2\r\n", CSV),
    In(b"1,x,1.5\n2,y,2\r\n", CSV),
    In(b"1,x,1.5\r2,y,2\r", CSV),
    In(b"1,x,1.5\r\n2,y,2\n", CSV),
    In(b"1,x,1.5\n\\.\n2,y,2\n", CSV),
    In(b"1,\\.,1.5\n2,\\.\n", CSV),
    In(b"\\.,x\n", CSV, "copied (b)"),
    In(b"\\.\n", CSV, ONE),
    In(b"\\.x\n", CSV, ONE),
    In(b'"\\."\n', CSV, ONE),
    In(b'\\N\n"\\N"\n\n""\n', CSV, ONE),
    In(b"\\N,\\N,\n", "CSV NULL '\\N'"),
    In(b"1;x;2\n", "CSV DELIMITER ';'"),
    In(b"1\tx\t2\n", "(FORMAT csv, DELIMITER E'\\t')"),
    In(b"1,'a,b',2\n", "(FORMAT csv, QUOTE '''')"),
    In(b'1,"a\\"b\\\\c\\d",2\n2,\\"x",3\n', "(FORMAT csv, ESCAPE '\\')"),
    In(b'1,"a\\\\",2\n2,"x",3\n', "(FORMAT csv, ESCAPE '\\')"),
    In(b"a,b,c\n1,x,2\n", "CSV HEADER"),
    In(b'"a","b",c\n1,x,2\n', "(FORMAT csv, HEADER match)"),
    In(b"a,,c\n1,x,2\n", "(FORMAT csv, HEADER match)"),
    In(b"a,c,b\n1,x,2\n", "(FORMAT csv, HEADER match)"),
    In(b"1,,2\n", "(FORMAT csv, FORCE_NOT_NULL (b))"),
    In(b"1,,2\n", "CSV FORCE NOT NULL b, c"),
    In(b'1,"",""\n', "(FORMAT csv, FORCE_NULL (b, c))"),
    In(b'1,"",""\n', "CSV FORCE NULL c"),
    In(b'1,"nil","nil"\n2,nil,nil\n', "(FORMAT csv, NULL 'nil', FORCE_NULL (b, c))"),
    In(b"1,nil,2\n", "(FORMAT csv, NULL 'nil', FORCE_NOT_NULL (b))"),
    In(b'1,,2\n2,"",3\n', "(FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b))"),
    In(b'1,N,2\n2,"N",3\n', "(FORMAT csv, NULL 'N', FORCE_NULL (b), FORCE_NOT_NULL (b))"),
    In(b"1,x\n", CSV),
    In(b"1,x,2,\n", CSV),
    In(b"1,x,\n2,y", CSV),
    In(b"1,x,\n2,y,", CSV),
    In(b"1,x,y\n", CSV),
    In(b"1, x ,2\n", CSV),
    In(b'1, "x" ,2\n', CSV),
    In(b"1,\xff,2\n", CSV),
    In(b"1,a\0b,2\n", CSV),
]

KEYS_IN = [
    In(b"1\ta\tx\n2\tb\ty\n", into=KEYS),
    In(b"1\t\\N\tx\n", into=KEYS),
    In(b"\\N\ta\tx\n", into=KEYS),
    In(b"1\n2\n", into="copied_keys (k)"),
    In(b"x\n", into="copied_keys (v)"),
    In(b"1\ta\tabcdef\n", into=KEYS),
    In(b"1\ta\tabc   \n", into=KEYS),
    In(b"1\ta\tabc      \n", into=KEYS),
    In(b"1\ta\tx\n1\tb\ty\n", into=KEYS),
    In(b"1\ta\tx\n2\t\\N\ty\nz\tc\tz\n", into=KEYS),
    In(b"1,,x\n", CSV, KEYS),
    In(b'1,"",x\n', CSV, KEYS),
    In(b"2\tx\n1\tx, y\n", into="copied_pairs"),
    In(b"\\N\n7\n", into="copied_made"),
    In(b"1\t1\ta\n2\t-5\tb\tc\n", into=CHECKED),
    In(b"1\t1\ta\n2\t-5\tb\n3\t0\tc\n", into=CHECKED),
    In(b"1,1,a\n2,-5,b\n", CSV, CHECKED),
    In(b"1\t1\ta\n7\t1\tb\n7\t1\tc\n", into=CHECKED),
    In(b"1\t1\ta\n2\t1\tb\n1\t1\tc\n", into=CHECKED),
    In(binary([_I(1), _I(1), b"a"], [_I(2), _I(-5), b"b"]), BIN, CHECKED),
]

_ROW = (
    b"-32768\t9223372036854775807\t1.5e5\t-0\t12345.6785\t\xc3\xa4\tabcdef\t\\\\x00ff\t2024-02-29\t"
    b"23:59:59.999999\t2024-01-02 03:04:05.678\t2024-01-02 03:04:05+02\t1 mon -2 days 03:04:05\tt\t"
    b"123e4567-e89b-12d3-a456-426614174000\n"
)


def _with(number: int, value: bytes) -> bytes:
    fields = _ROW.rstrip(b"\n").split(b"\t")
    return b"\t".join([*fields[:number], value, *fields[number + 1 :]]) + b"\n"


TYPES_IN = [
    In(_ROW, into=TYPES),
    In(b"\t".join([b"\\N"] * 15) + b"\n", into=TYPES),
    *(
        In(_with(number, value), into=TYPES)
        for number, values in enumerate(
            [
                [b"32768", b"+5", b" 5", b"0x5", b"1.0", b""],
                [b"-9223372036854775808", b"9223372036854775808", b"007"],
                [b"NaN", b"-inf", b"1e39", b"1e-46", b"3.4e38", b"16777217"],
                [b"Infinity", b"nan", b"1e-400", b"1e-320", b".5", b"5.", b"1e", b"1_0"],
                [b"99999.9995", b"99999.9994", b"-0.0005", b"1e2", b"x", b" 1 ",
                 b"1e-60", b"-1E+4", b"1e1000000000000000000000", b"0e400", b"0" * 80],
                [b"", b"\\\\", b"a\\tb"],
                [b"1234567", b"123456   ", b""],
                [b"", b"abc", b"\\\\x0", b"\\\\xzz", b"\\\\x 00 ff", b"\\\\\\\\\\\\001"],
                [b"infinity", b"-infinity", b"2024-02-30", b"20240102", b"4000-01-01 BC", b"x"],
                [b"24:00:00", b"24:00:01", b"1:2", b"01:02:03.1234567", b"010203"],
                [b"2024-01-02", b"2024-01-02T03:04", b"infinity", b"2024-13-01 00:00", b"x",
                 b"2024-01-02 24:00:00", b"2024-01-02 03:04:05+05"],
                [b"2024-01-02 03:04:05", b"2024-01-02 03:04:05-0330", b"2024-01-02", b"-infinity",
                 b"2024-07-02 03:04:05 Europe/Berlin"],
                [b"1 day", b"-1 year 2 mons", b"PT1H", b"x", b"00:00:00"],
                [b"true", b"off", b"YES", b" f ", b"2", b"tr"],
                [b"123E4567E89B12D3A456426614174000", b"{123e4567-e89b-12d3-a456-426614174000}",
                 b"123e4567"],
            ]
        )
        for value in values
    ),
]  # fmt: skip

BINARY_IN = [
    In(binary([_I(1), b"x", _F(1.5)], [None, None, None]), BIN),
    In(binary([_I(1), b"x", _F(1.5)], [_I(2), b"", _F(-0.0)]), "(FORMAT binary)"),
    In(binary(), BIN),
    In(binary(trailer=b""), BIN),
    In(binary([_I(1), b"x", _F(1.5)], trailer=b""), BIN),
    In(binary([_I(1), b"x", _F(1.5)]) + b"more", BIN),
    In(binary([_I(1), b"x", _F(1.5)], trailer=b"\0"), BIN),
    In(binary([_I(1), b"x", _F(1.5)])[:-5], BIN),
    In(binary([_I(1), b"x", _F(1.5)])[:24], BIN),
    In(binary([_I(1), b"x"]), BIN),
    In(binary([_I(1), b"x", _F(1.5), b""]), BIN),
    In(binary([b"\0\1", b"x", _F(1.5)]), BIN),
    In(binary([b"\0\0\0\0\1", b"x", _F(1.5)]), BIN),
    In(binary([_I(1), b"x", _F(1.5)], [_I(1), b"\xff", _F(1.5)]), BIN),
    In(binary([_I(1), b"a\0b", _F(1.5)]), BIN),
    In(binary([_I(1), b"x", _F(1.5)], flags=1), BIN),
    In(binary([_I(1), b"x", _F(1.5)], flags=1 << 16), BIN),
    In(binary([_I(1), b"x", _F(1.5)], flags=1 << 17), BIN),
    In(binary([_I(1), b"x", _F(1.5)]).replace(b"\0\3\0\0\0\4", b"\0\3\xff\xff\xff\xf0"), BIN),
    In(b"", BIN),
    In(b"PGCOPY", BIN),
    In(b"PGCOPZ" + bytes(20), BIN),
    In(binary()[:13], BIN),
    In(binary()[:17], BIN),
    In(binary()[:15] + b"\0\0\0\5" + b"12345" + b"\xff\xff", BIN),
    In(binary()[:15] + b"\0\0\0\5" + b"123", BIN),
    In(binary()[:15] + b"\xff\0\0\5", BIN),
    In(binary([_I(1), b"a", b"toolong"]), BIN, KEYS),
    In(binary([_I(1), None, b"a"]), BIN, KEYS),
    In(binary([_I(1)]), BIN, "copied_keys (k)"),
]

WHERE_IN = [
    In(b"1\tx\t1.5\n2\ty\t2\n3\t\\N\t3\n", "WHERE a > 1"),
    In(b"1,xa,1\n2,y,\n3,z,4\n", "(FORMAT csv) WHERE b LIKE 'x%' OR c IS NULL"),
    In(b"1\tx\n", "WHERE c IS NULL", "copied (a, b)"),
    In(b"1\n2\n", "WHERE n = 'none' AND k > 1", "copied_keys (k)"),
    In(b"1\tx\t1\n2\txx\t2\n", "WHERE length(b) = 1 AND c BETWEEN 0 AND 10"),
    In(b"1\tx\t1\n2\tx\t2\n", "WHERE copied.a = 1"),
    In(b"1\tx\t1\n", "WHERE false"),
    In(b"1\tx\t1\n", "WHERE NULL"),
    In(b"1\tx\ty\n", "WHERE false"),
    In(b"\\N\ta\tx\n1\tb\ty\n", "WHERE k IS NOT NULL", KEYS),
    In(binary([_I(1), b"x", _F(1.5)], [_I(2), b"y", _F(2.5)]), "BINARY WHERE c > 2"),
    In(b"", "WHERE count(*) > 1"),
    In(b"", "WHERE row_number() OVER () > 1"),
    In(b"", "WHERE nothing > 1"),
    In(b"", "WHERE generate_series(1, 2) > a"),
    In(b"", "WHERE m > 1", "copied_made"),
    In(b"", "(ENCODING 'nosuch')", "copied (a, nothing)"),
    In(b"", "(FORMAT csv, ESCAPE 'ab') WHERE nothing > 1"),
    In(b"", "(FORCE_NULL (nothing)) WHERE 1"),
    In(b"", "(DELIMITER 'ab')", "copied (a, a)"),
    In(b"", "WHERE a >"),
    In(b"", "WHERE"),
]

ORDER_IN = [  # which of several faults is told, and where
    In(b"3\tx\ty\n1\tx\ty\n2\tx\ty\n1\tx\ty\n3\tx\ty\n", "", KEYS),
    In(b"1.5\n\nq\n", "(FORMAT csv)", "copied_keys (n)"),
    In(b"1,\n,x\n", "(FORMAT csv)", "copied_keys (k, n)"),
    In(b",x,1\n", "(FORMAT csv, FORCE_NOT_NULL (a))"),
    In(b"-,x,1\n", "(FORMAT csv, NULL '-', FORCE_NOT_NULL (a))"),
    In(b"1\n2\n", "(FORMAT csv, QUOTE E'\\n')", ONE),
]

CASES = [*WHERE_IN, *ORDER_IN, *TEXT_IN, *CSV_IN, *KEYS_IN, *TYPES_IN, *BINARY_IN]

# Statements that are refused before any data; one string each.
REFUSED = [
    "COPY nowhere FROM STDIN",
    "COPY nowhere TO STDOUT",
    "COPY no_place.copied FROM STDIN",
    "COPY no_place.copied TO STDOUT",
    "COPY pg_catalog.zzqqzzqq FROM STDIN",
    "COPY copied (a, z) FROM STDIN",
    "COPY copied (a, z) TO STDOUT",
    "COPY copied (a, a) FROM STDIN",
    "COPY copied (a, a) TO STDOUT",
    "COPY copied_view FROM STDIN",
    "COPY copied_view TO STDOUT",
    "COPY information_schema.tables TO STDOUT",
    "COPY pg_tables TO STDOUT",
    "COPY copied FROM STDIN (FREEZE)",
    "COPY copied FROM STDIN (FORMAT jason)",
    "COPY copied FROM STDIN (FORMAT 'csv', FORMAT csv)",
    "COPY copied FROM STDIN CSV CSV",
    "COPY copied FROM STDIN (bogus)",
    "COPY copied FROM STDIN (bogus 5)",
    "COPY copied FROM STDIN bogus",
    "COPY copied FROM STDIN (FORMAT)",
    "COPY copied FROM STDIN ()",
    "COPY copied FROM STDIN (DELIMITER)",
    "COPY copied FROM STDIN (DELIMITER 'ab')",
    "COPY copied FROM STDIN (DELIMITER '')",
    "COPY copied FROM STDIN (DELIMITER 'ä')",
    "COPY copied FROM STDIN (DELIMITER E'\\n')",
    "COPY copied FROM STDIN (DELIMITER 'a')",
    "COPY copied FROM STDIN (DELIMITER '.')",
    "COPY copied FROM STDIN (DELIMITER '\\')",
    "COPY copied FROM STDIN (FORMAT binary, DELIMITER ',')",
    "COPY copied FROM STDIN (FORMAT binary, NULL '')",
    "COPY copied FROM STDIN (FORMAT binary, HEADER)",
    "COPY copied FROM STDIN (NULL NULL)",
    "COPY copied FROM STDIN (NULL E'a\\nb')",
    "COPY copied FROM STDIN (NULL E'a\\tb')",
    "COPY copied FROM STDIN (HEADER maybe)",
    "COPY copied TO STDOUT (HEADER match)",
    "COPY copied FROM STDIN (HEADER 5)",
    "COPY copied FROM STDIN (FREEZE maybe)",
    "COPY copied FROM STDIN (QUOTE '\"')",
    "COPY copied FROM STDIN (ESCAPE '\"')",
    "COPY copied FROM STDIN (FORMAT csv, QUOTE 'ab')",
    "COPY copied FROM STDIN (FORMAT csv, QUOTE ',')",
    "COPY copied FROM STDIN (FORMAT csv, ESCAPE 'ab')",
    "COPY copied FROM STDIN (FORMAT csv, NULL '\"')",
    "COPY copied FROM STDIN (FORMAT csv, FORCE_QUOTE *)",
    "COPY copied FROM STDIN (FORMAT csv, FORCE_NULL *)",
    "COPY copied FROM STDIN (FORMAT csv, FORCE_NULL b)",
    "COPY copied FROM STDIN (FORCE_NULL (b))",
    "COPY copied FROM STDIN (FORCE_NOT_NULL (b))",
    "COPY copied FROM STDIN (FORMAT csv, FORCE_NULL (z))",
    "COPY copied (a) FROM STDIN (FORMAT csv, FORCE_NULL (b))",
    "COPY copied (a) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (b))",
    "COPY copied (a) TO STDOUT (FORMAT csv, FORCE_QUOTE (b))",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_QUOTE (z))",
    "COPY (SELECT 1 AS a) TO STDOUT (FORMAT csv, FORCE_QUOTE (z))",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_NULL (b))",
    "COPY copied TO STDOUT (FORMAT csv, FORCE_NOT_NULL (b))",
    "COPY copied TO STDOUT (FORCE_QUOTE *)",
    "COPY copied FROM STDIN (ENCODING 'klingon')",
    "COPY (SELECT 1) FROM STDIN",
    "COPY () TO STDOUT",
    "COPY (INSERT INTO copied_one VALUES ('x')) TO STDOUT",
    "COPY (CREATE TABLE copied_two (a int)) TO STDOUT",
    "COPY (CREATE TABLE copied_two AS SELECT 1) TO STDOUT",
    "COPY (SELECT 1 INTO copied_two) TO STDOUT",
    "COPY (SELECT nothing) TO STDOUT",
    "COPY (SELECT 1",
    "COPY copied FROM PROGRAM STDIN",
    "COPY copied TO STDOUT WHERE a > 1",
    "COPY copied SIDEWAYS STDIN",
    "COPY copied FROM",
    "COPY copied",
    "COPY",
]

# Cases where the gateway says otherwise, each with the reason.
DIFFERENT = {
    # A view takes no rows here whatever triggers PostgreSQL might give it: no hint.
    "COPY copied_view FROM STDIN",
    # A quote that ends the line is refused at once; PostgreSQL finds no end of any field.
    "COPY copied_one FROM STDIN (FORMAT csv, QUOTE E'\\n') b'1\\n2\\n'",
}
