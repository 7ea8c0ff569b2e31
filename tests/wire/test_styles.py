"""DateStyle and IntervalStyle: what PostgreSQL 15 writes and reads under each, so do we."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gateway.errors import GatewayError
from gateway.sql.inputs.notation import DATE_ORDERS, DATE_STYLES, INTERVAL_STYLES, Notation
from gateway.types import BY_NAME, array_of
from gateway.wire.decoding import decode_parameter
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.values import encode_column
from tests.conftest import Connect
from tests.wire.styled_values import AMBIGUOUS, DATES, INTERVALS, SIGNED, STAMPS

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Dubai", "<+05:30>-05:30")
MOMENTS = [("date", DATES), ("timestamp", STAMPS), ("timestamptz", STAMPS)]


@pytest.fixture(scope="module")
def reference(postgres: Connect) -> Iterator[psycopg.Connection[Any]]:
    with postgres(prepare_threshold=None) as connection:
        yield connection


def theirs(reference: psycopg.Connection[Any], kind: str, texts: tuple[str, ...]) -> list[str]:
    """Each text's value as PostgreSQL writes it."""
    columns = ", ".join(f"'{text}'::{kind}" for text in texts)
    answer = reference.pgconn.exec_(f"SELECT {columns}".encode())
    return [(answer.get_value(0, n) or b"").decode() for n in range(len(texts))]


def texts_of(values: list[pa.Scalar], kind: str, notation: Notation) -> list[str]:
    """The values as fields of format 0, as many of them at once as there are."""
    if kind == "interval":
        array = pa.array([value.as_py() for value in values])
    else:  # Python has not all of them
        width = pa.int32() if kind == "date" else pa.int64()
        array = pa.array([value.value for value in values], width).cast(BY_NAME[kind].arrow)
    fields = as_array(encode_column(array, BY_NAME[kind], 0, notation)).to_pylist()
    return [field.decode() for field in fields]


@pytest.mark.parametrize(("style", "order"), list(product(DATE_STYLES, DATE_ORDERS)))
def test_moments_are_written_as_postgresql_writes_them(
    style: str, order: str, reference: psycopg.Connection[Any]
) -> None:
    for kind, texts in MOMENTS:
        for zone in ZONES if kind == "timestamptz" else ZONES[:1]:
            reference.execute(f"SET DateStyle = ISO, MDY; SET TimeZone = '{zone}'")
            values = [decode_parameter(t.encode(), BY_NAME[kind], 0, Notation(zone)) for t in texts]
            reference.execute(f"SET DateStyle = {style}, {order}")
            wanted = theirs(reference, kind, texts)
            assert texts_of(values, kind, Notation(zone, style, order)) == wanted, (kind, zone)


@pytest.mark.parametrize("style", INTERVAL_STYLES)
def test_intervals_are_written_as_postgresql_writes_them(
    style: str, reference: psycopg.Connection[Any]
) -> None:
    reference.execute("SET IntervalStyle = postgres")
    plain = theirs(reference, "interval", INTERVALS)  # our range of hours is smaller than theirs
    values = [decode_parameter(text.encode(), BY_NAME["interval"], 0) for text in plain]
    reference.execute(f"SET IntervalStyle = {style}")
    columns = ", ".join(f"interval '{text}'" for text in plain)
    reference.execute("SET IntervalStyle = postgres")
    reference.execute(f"CREATE TEMP TABLE kept AS SELECT ARRAY[{columns}] AS i")
    reference.execute(f"SET IntervalStyle = {style}")
    answer = reference.pgconn.exec_(b"SELECT unnest(i) FROM kept")
    wanted = [(answer.get_value(n, 0) or b"").decode() for n in range(len(plain))]
    reference.execute("DROP TABLE kept")
    assert texts_of(values, "interval", Notation(intervals=style)) == wanted


@pytest.mark.parametrize("style", INTERVAL_STYLES)
def test_one_sign_of_an_interval(style: str, reference: psycopg.Connection[Any]) -> None:
    kind = BY_NAME["interval"]
    for text in SIGNED:
        reference.execute(f"SET IntervalStyle = {style}")
        answer = reference.pgconn.exec_params(b"SELECT $1::interval", [text.encode()])
        value = decode_parameter(text.encode(), kind, 0, Notation(intervals=style))
        ours = texts_of([value], "interval", Notation(intervals=style))[0]
        assert (text, ours) == (text, (answer.get_value(0, 0) or b"").decode())


def test_an_array_is_written_in_the_style() -> None:
    kind = array_of(BY_NAME["timestamptz"])
    array = pa.array([[0, None]], pa.list_(BY_NAME["timestamptz"].arrow))
    fields = as_array(encode_column(array, kind, 0, Notation("UTC", "SQL", "DMY"))).to_pylist()
    assert fields == [b'{"01/01/1970 00:00:00 UTC",NULL}']


# Statements


def rows(connection: psycopg.Connection[Any], text: str) -> list[list[bytes | None]] | str:
    """The fields of a statement's rows as they came; an error's SQLSTATE and message."""
    answer = connection.pgconn.exec_(text.encode())
    message = answer.error_field(77)
    if message is not None:
        return f"{(answer.error_field(67) or b'').decode()} {message.decode()}"
    return [[answer.get_value(n, m) for m in range(answer.nfields)] for n in range(answer.ntuples)]


SETTING = (
    "SET DateStyle = 'sql'", "SHOW DateStyle", "SET DateStyle = European", "SHOW DateStyle",
    "SET DateStyle TO iso, ymd", "SHOW DateStyle", "SET DateStyle = 'Postgres, US'",
    "SHOW datestyle",
    "SET DateStyle = german", "SHOW DateStyle", "SET DateStyle = 'PostgreSQL'", "SHOW DateStyle",
    "SET DateStyle = default", "SHOW DateStyle", "SET DateStyle = 'noneuropean, German'",
    "SHOW DateStyle", "SET DateStyle = ''", "SHOW DateStyle", "SET DateStyle = bogus",
    "SET DateStyle = 'iso, sql'", "SET DateStyle = 'mdy, dmy'", "SET DateStyle = 'iso,'",
    "RESET DateStyle", "SHOW DateStyle", "SET IntervalStyle = ISO_8601", "SHOW IntervalStyle",
    "SET IntervalStyle = bogus", "SET intervalstyle TO Postgres_Verbose", "SHOW intervalstyle",
    "SELECT set_config('datestyle', 'sql, dmy', false)", "SELECT current_setting('datestyle')",
    "BEGIN", "SET LOCAL DateStyle = German", "SELECT date '2013-01-02'", "COMMIT",
    "SELECT date '2013-01-02'", "BEGIN", "SET DateStyle = German", "ROLLBACK", "SHOW DateStyle",
    "RESET ALL", "SHOW DateStyle", "SHOW IntervalStyle",
)  # fmt: skip

TABLE = "CREATE TEMP TABLE styled (d date, t timestamp, z timestamptz, i interval)"
MAKING = (
    "INSERT INTO styled VALUES ('2013-01-02', '2013-01-02 03:04:05.6', '2013-07-02 03:04:05+00',"
    " '1 year 2 mons -3 days 04:05:06.7'), ('infinity', '0044-03-15 12:00 BC', '-infinity', '0'),"
    " (NULL, NULL, NULL, NULL)"
)
READING = (
    "SELECT * FROM styled ORDER BY d",
    "SELECT d::text, t::text, z::text, i::text FROM styled ORDER BY d",
    "SELECT 'x' || d, concat(t, '|', i), format('%s', z) FROM styled ORDER BY d",
    "SELECT array_agg(d ORDER BY d)::text FROM styled",
    "SELECT array_to_string(array_agg(t ORDER BY d), ',', '-') FROM styled",
    "SELECT array_agg(z ORDER BY d), string_agg(i::text, ';' ORDER BY d) FROM styled",
    "SELECT to_json(d), to_json(t), to_json(z), to_json(i) FROM styled ORDER BY d",
    "SELECT json_build_object('d', d, 'z', z), row_to_json(s) FROM styled s ORDER BY d",
    "SELECT length(d::text), i::varchar(7) FROM styled ORDER BY d",
    "SELECT count(*) FROM styled WHERE d::text LIKE '%/%'",
    "SELECT '01/02/2003'::date, timestamp '01/02/2003 04:05', '{01/02/2003,NULL}'::date[]",
    "SELECT interval '-1 2:03:04', '{-1 2:03:04}'::interval[], '-1 day 2 hours'::interval",
    "SELECT count(*) FROM styled WHERE d > '01/02/2003'",
    "SELECT count(*) FROM styled WHERE t BETWEEN '01/02/2003' AND '02/01/2014'",
    "SELECT coalesce(d, '01/02/2003') FROM styled ORDER BY 1",
    "PREPARE p(date, interval) AS SELECT $1, $2", "EXECUTE p('01/02/2003', '-1 2:03')",
    "DEALLOCATE p",
    "INSERT INTO styled(d, t, i) VALUES ('01/02/2003', '01/02/2003 04:05', '-1 2:03')",
    "SELECT d, t, i FROM styled WHERE d < '2004-01-01'",
    "UPDATE styled SET d = '03/04/2003' WHERE d < '2004-01-01'",
    "DELETE FROM styled WHERE d IN ('03/04/2003', '04/03/2003') RETURNING d",
)  # fmt: skip


def test_settings(connect: Connect, postgres: Connect) -> None:
    ours = connect(prepare_threshold=None)
    with postgres(prepare_threshold=None) as theirs:
        for text in SETTING:
            assert (text, rows(ours, text)) == (text, rows(theirs, text))
            told = [c.pgconn.parameter_status(b"DateStyle") for c in (ours, theirs)]
            assert told[0] == told[1]


STYLES = [
    ("ISO, DMY", "iso_8601", "UTC"), ("SQL, DMY", "sql_standard", "Europe/Berlin"),
    ("SQL, MDY", "postgres_verbose", "UTC"), ("Postgres, MDY", "postgres", "America/New_York"),
    ("Postgres, DMY", "postgres", "UTC"), ("German, YMD", "sql_standard", "Asia/Kolkata"),
]  # fmt: skip


@pytest.mark.parametrize(("dates", "intervals", "zone"), STYLES)
def test_statements(
    dates: str, intervals: str, zone: str, connect: Connect, postgres: Connect
) -> None:
    given = {"DateStyle": dates.replace(" ", ""), "IntervalStyle": intervals, "TimeZone": zone}
    options = " ".join(f"-c {name}={value}" for name, value in given.items())
    ours = connect(prepare_threshold=None, options=options)
    with postgres(prepare_threshold=None, options=options) as theirs:
        for connection in (ours, theirs):
            connection.execute(TABLE)
            connection.execute(MAKING)
        for text in READING:
            assert (text, rows(ours, text)) == (text, rows(theirs, text))


@pytest.mark.parametrize("style", INTERVAL_STYLES)
def test_texts_are_cast_to_intervals(style: str, connect: Connect, postgres: Connect) -> None:
    """Texts that are no literals; two that the engine's 292 years of time do not hold left out."""
    kept = [text for text in (*INTERVALS, *SIGNED) if "178000000" not in text]
    values = ", ".join(f"({n}, '{text}')" for n, text in enumerate(kept))
    asked = f"SELECT n, t::interval FROM (VALUES {values}) v(n, t) ORDER BY n"
    ours = connect(prepare_threshold=None, options=f"-c IntervalStyle={style}")
    with postgres(prepare_threshold=None, options=f"-c IntervalStyle={style}") as theirs:
        assert rows(ours, asked) == rows(theirs, asked)
        for text in (
            "SELECT (n || ' days')::interval FROM generate_series(1, 2) n ORDER BY 1",
            "SELECT t::interval FROM (VALUES ('soon'), ('1 day')) v(t)",
        ):
            assert rows(ours, text) == rows(theirs, text)


@pytest.mark.parametrize("order", DATE_ORDERS)
def test_ambiguous_dates_are_read_in_the_order(
    order: str, connect: Connect, postgres: Connect
) -> None:
    ours = connect(prepare_threshold=None)
    with postgres(prepare_threshold=None) as theirs:
        for connection in (ours, theirs):
            connection.execute(f"SET DateStyle = ISO, {order}")
        for text, kind in product(AMBIGUOUS, ("date", "timestamp")):
            found = [rows(each, f"SELECT '{text}'::{kind}") for each in (ours, theirs)]
            codes = [each[:5] if isinstance(each, str) else each for each in found]
            assert (text, codes[0]) == (text, codes[1])


@pytest.mark.parametrize("dates", ["SQL, DMY", "Postgres, MDY", "German, DMY"])
def test_copy_both_ways(dates: str, connect: Connect, postgres: Connect) -> None:
    ours = connect(prepare_threshold=None)
    told = []
    with postgres(prepare_threshold=None) as theirs:
        for connection in (ours, theirs):
            connection.execute(f"SET DateStyle = {dates}; SET IntervalStyle = sql_standard")
            connection.execute(TABLE)
            cursor = connection.cursor()
            with cursor.copy("COPY styled FROM STDIN") as copy:
                copy.write(b"01/02/2003\t01-02-2003 04:05\t1.2.2003 4:05\t-1 2:03:04\n")
            read = []
            for form in ("text", "csv", "csv, DELIMITER '/'"):
                with cursor.copy(f"COPY styled TO STDOUT (FORMAT {form})") as copy:
                    read.append(b"".join(bytes(piece) for piece in copy))
            told.append(read)
    assert told[0] == told[1]


def test_what_is_kept_means_the_same_to_all(connect: Connect) -> None:
    """A view and a default are read by sessions of any style: there such a date is refused."""
    one, other = connect(), connect(options="-c DateStyle=ISO,DMY -c IntervalStyle=sql_standard")
    for connection in (one, other):
        with pytest.raises(psycopg.errors.InvalidDatetimeFormat):
            connection.execute("CREATE VIEW kept_view AS SELECT date '01/02/2003' AS d")
        with pytest.raises(psycopg.Error):
            connection.execute("CREATE TABLE kept_table (d date DEFAULT '01/02/2003')")
    with pytest.raises(psycopg.errors.InvalidDatetimeFormat):
        other.execute("CREATE VIEW kept_view AS SELECT interval '-1 2:03' AS i")
    one.execute("CREATE VIEW kept_view AS SELECT interval '-1 2:03' AS i")
    try:
        asked = "SELECT extract(epoch FROM i) FROM kept_view"
        assert one.execute(asked).fetchone() == other.execute(asked).fetchone()
    finally:
        one.execute("DROP VIEW kept_view")


def test_a_parameter_of_another_style(connect: Connect) -> None:
    connection = connect(options="-c DateStyle=SQL,DMY")
    answer = connection.pgconn.exec_params(b"SELECT $1::date", [b"01/02/2003"])
    assert answer.get_value(0, 0) == b"01/02/2003"
    with pytest.raises(GatewayError):
        decode_parameter(b"13/13/2003", BY_NAME["date"], 0, Notation(order="DMY"))
