"""Edge values of every type, as a client may spell them; one row per type."""

from __future__ import annotations

_DATES = ("2013-01-02", "1970-01-01", "0001-01-01", "0044-03-15 BC", "9999-12-31", "10000-01-01")
_STAMPS = (
    "2013-01-02 03:04:05", "2013-01-02 03:04:05.1", "1969-12-31 23:59:59.999999",
    "2000-02-29 00:00", "0001-12-31 23:59:59 BC", "infinity", "-infinity", "12345-06-07 08:09",
)  # fmt: skip

#   type           inputs
EDGES: dict[str, tuple[str, ...]] = {
    "bool": ("t", "f", "true", "off", "Y", "0"),
    "int2": ("0", "-1", "32767", "-32768", " 7 "),
    "int4": ("0", "-1", "2147483647", "-2147483648", "+5"),
    "int8": ("0", "-1", "9223372036854775807", "-9223372036854775808"),
    "oid": ("0", "4294967295"),
    "xid": ("0", "4294967295"),
    "cid": ("7",),
    "int2vector": ("1 2", "-3", ""),
    "oidvector": ("23 4294967295", ""),
    "float4": (
        "0", "-0", "1", "-1.5", "1e-4", "9.9e-5", "1e-8", "123456.7", "999999", "1e6", "1234567",
        "3.4028235e38", "1e-45", "1.1754944e-38", "nan", "inf", "-inf", "0.1", "16777216",
    ),
    "float8": (
        "0", "-0", "1", "-1.5", "1e-4", "9.9e-5", "1.5e-5", "1e-8", "999999999999999", "1e15",
        "1e16", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "NaN", "Infinity",
        "-Infinity", "0.1", "9007199254740991", "1e22", "1e-300", "-1e-5", "100", "123456789.125",
    ),
    "numeric": (
        "0", "0.00", "1", "-1", "10000", "9999", "12345.60", "-0.00001", "0.0000000001", "1e10",
        "99999999999999999999999999999999999999", "-12345678901234567890.123456789", "1.5e-7",
        "0.5000", "100000000", "40000.0004", "123456789012345678901234567890123456789012.5",
    ),
    "text": ("", "a", "Größe", "a'b\"c\\d", "line\nline", "NULL", " "),
    "varchar": ("", "x", "日本"),
    "bpchar": ("a",),
    "name": ("relname",),
    "char": ("", "r"),
    "json": ('{"a": 1}', "null", "[1, 2]"),
    "jsonb": ('{"a": 1}', "null", "[1, 2]"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC999C0B4EF8BB6D6BB9BD380A12}"),
    "bytea": ("", "\\x00ff7f", "\\xDEAD beef", "abc\\\\d\\000", "a"),
    "date": (*_DATES, "infinity", "-infinity", "20130102", "epoch"),
    "time": ("00:00", "04:05:06.789", "23:59:59.999999", "24:00:00", "12:30:00.5", "T01:02:03"),
    "timestamp": (*_STAMPS, "2013-01-02T03:04", "2013-01-02 03:04:05Z", "2013-01-02"),
    "timestamptz": (
        *_STAMPS, "2013-01-02T03:04:05Z", "2013-01-02 03:04:05+05:30", "2013-01-02 03:04:05-0330",
        "2013-01-02 03:04:05 Europe/Berlin", "2013-07-02 03:04:05 America/New_York",
    ),
    "interval": (
        "0", "1 day", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06",
        "1 mon -1 day", "-00:00:00.000001", "@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago",
        "P1Y2M3DT4H5M6S", "1.5 days", "1.5 months", "1.5 years", "26:00:00", "1-2", "90 minutes",
        "2 weeks", "3 4:05", "-1 days +02:03:00", "1 day ago", "500 ms", "P3D", "PT0.5S", "1 day 2",
    ),
    "int4[]": (
        "{}", "{1}", "{1,NULL,-3}", " { 1 , 2 } ", "{{1,2},{3,NULL}}", "{{{1},{2}},{{3},{4}}}",
        "{{1},{2}}",
    ),
    "float8[]": ("{0.1,NaN,1e-8}", "{NULL}"),
    "bool[]": ("{t,f,NULL}",),
    "text[]": (
        '{"a b",NULL,"NULL",plain,"",null,"q\\"uo\\\\te","c,d","{e}"}', "{}", '{"tab\t"}',
        '{{"a b",NULL},{"",x}}',
    ),
    "timestamp[]": ('{"2013-01-02 03:04:05",infinity}',),
    "date[]": ('{2013-01-02,"0044-03-15 BC"}',),
    "numeric[]": ("{1.50,-2.25,NULL}", "{}", "{{1.50,2.25},{NULL,-4.00}}"),
    "bytea[]": ('{"\\\\x00ff","\\\\x"}',),
    "interval[]": ('{"1 day","02:00:00"}',),
}  # fmt: skip


def _array_of(texts: tuple[str, ...]) -> str:
    """One array of all of them, and NULL."""
    quoted = ('"' + text.replace("\\", r"\\").replace('"', r"\"") + '"' for text in texts)
    return "{" + ",".join([*quoted, "NULL"]) + "}"


# An array of every type, of all its edge values; vectors, the catalogue's own, have none, and the
# numerics of an array have one scale.
EDGES |= {
    f"{name}[]": (*EDGES.get(f"{name}[]", ()), _array_of(texts), "{}", "{NULL}")
    for name, texts in EDGES.items()
    if not name.endswith(("[]", "vector")) and name != "numeric"
}

#   type           what it refuses
REFUSED: dict[str, tuple[str, ...]] = {
    "bool": ("maybe", "", "o"),
    "int2": ("32768", "x", "1.5", ""),
    "int4": ("2147483648", "x", "1 2", "1e3", "", "٣"),
    "int8": ("9223372036854775808", "abc"),
    "float4": ("1e39", "1e-50", "x", "", "1_0"),
    "float8": ("1e400", "1e-400", "x", ""),
    "numeric": ("x", "", "1.2.3"),
    "json": ("{", "NaN", ""),
    "uuid": ("x", "a0eebc99-9c0b-4ef8-bb6d"),
    "bytea": ("\\x0", "\\xzz", "a\\b"),
    "date": ("x", "2013-02-30", "2013-13-01", "0000-01-01", "", "4800-01-01 BC"),
    "time": ("25:00", "x", "12:60"),
    "timestamp": ("x", "2013-02-30 00:00", "2013-01-02 25:00", "294277-01-01", "4714-01-01 BC"),
    "timestamptz": ("x", "2013-01-02 03:04:05 Nowhere/Land"),
    "interval": ("x", "", "1 fortnight", "P"),
    "int4[]": (
        "{{1},2}",
        "{{1,2},{3}}",
        "{{1},{}}",
        "{1}}",
        "{{1}",
        "",
        "1",
        "{1,2",
        "{1,}",
        "{1 2}",
        "{x}",
        '{"1"x}',
    ),
}
