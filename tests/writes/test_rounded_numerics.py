"""numeric without digits: kept as it is, refused, or rounded once more and told of."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Connect

REFUSED, TOLD = "22003", "01000"

#   statement, what is heard of it, and the values of `n` after it
ROWS: tuple[tuple[str, str, list[str | None]], ...] = (
    ("INSERT INTO told (n) VALUES (0.0000000001)", "", ["0.0000000001"]),
    ("INSERT INTO told (n) VALUES (0.1000000000000000)", "", ["0.1"]),
    ("INSERT INTO told (n) VALUES (0.12345678901)", REFUSED, []),
    ("INSERT INTO told (n) VALUES ('0.12345678901'), (1)", REFUSED, []),
    ("INSERT INTO told (n) VALUES (1e-12)", REFUSED, []),
    ("INSERT INTO told (n) SELECT 0.12345678901 + x FROM (VALUES (1)) v(x)", REFUSED, []),
    ("INSERT INTO told (n, m) VALUES (1e-11 + 1, 1 / 3.0)", REFUSED, []),
    ("INSERT INTO told (n, m) SELECT 1e-11 + 1, x / 3.0 FROM (VALUES (1)) v(x)", REFUSED, []),
    ("INSERT INTO told (a) SELECT ARRAY[0.12345678901, 1]", REFUSED, []),
    ("INSERT INTO told (a) VALUES ('{0.12345678901, 1}')", REFUSED, []),
    ("INSERT INTO told (n) VALUES ('1e-12'::float8)", REFUSED, []),
    ("INSERT INTO told (n) VALUES (1 / 3e12)", REFUSED, []),
    ("INSERT INTO told (n) VALUES (1 / 4.0)", "", ["0.25"]),
    ("INSERT INTO told (n) SELECT x / 4.0 FROM (VALUES (1)) v(x)", "", ["0.25"]),
    ("INSERT INTO told (n) VALUES (1 / 3.0)", TOLD, ["0.3333333333"]),
    ("INSERT INTO told (n) SELECT x / 3.0 FROM (VALUES (1)) v(x)", TOLD, ["0.3333333333"]),
    ("INSERT INTO told (n) SELECT avg(x) FROM (VALUES (1), (1), (2)) v(x)", TOLD, ["1.3333333333"]),
    ("INSERT INTO told (n) SELECT q FROM thirds", TOLD, ["0.3333333333"]),
    ("INSERT INTO told (n) VALUES (sqrt(2.0))", TOLD, ["1.4142135624"]),
    ("INSERT INTO told (n) VALUES (0.12345678901::float8)", TOLD, ["0.123456789"]),
    ("INSERT INTO told (m) VALUES (1 / 3.0)", "", [None]),
    ("INSERT INTO told (o) VALUES (1)", TOLD, [None]),
    ("INSERT INTO told (n) VALUES (1); UPDATE told SET n = n / 3", TOLD, ["0.3333333333"]),
    ("INSERT INTO told (n) VALUES (1); UPDATE told SET n = n * 1e-11", REFUSED, []),
    ("INSERT INTO told (k, n) VALUES (1, 1), (2, 2);"
     " INSERT INTO told (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET n = told.n / 3",
     TOLD, ["0.3333333333", "2"]),
    ("INSERT INTO told (k, n) VALUES (1, 1);"
     " INSERT INTO told (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET n = 0.12345678901",
     REFUSED, []),
    ("MERGE INTO told USING (VALUES (1)) v(x) ON x = k WHEN NOT MATCHED THEN INSERT (n)"
     " VALUES (x / 3.0)", TOLD, ["0.3333333333"]),
    ("MERGE INTO told USING (VALUES (1)) v(x) ON x = k WHEN NOT MATCHED THEN INSERT (n)"
     " VALUES (0.12345678901)", REFUSED, []),
    ("WITH w AS (INSERT INTO told (n) VALUES (1 / 3.0) RETURNING n) SELECT n FROM w",
     TOLD, ["0.3333333333"]),
    ("CREATE TABLE told_as AS SELECT 1e-30 AS n; INSERT INTO told (t) SELECT n::text FROM told_as;"
     " DROP TABLE told_as", "", [None]),
    ("CREATE TABLE told_as AS SELECT x / 3e12 AS n FROM (VALUES (1)) v(x); DROP TABLE told_as",
     TOLD, []),
)  # fmt: skip


@pytest.fixture
def connection(connect: Connect) -> psycopg.Connection[tuple[object, ...]]:
    made = connect()
    made.execute(
        "CREATE TABLE IF NOT EXISTS told (k serial UNIQUE, n numeric, m numeric(6, 4), a numeric[],"
        " t text, o int, g numeric GENERATED ALWAYS AS (o / 3.0) STORED)"
    )
    made.execute("CREATE OR REPLACE VIEW thirds AS SELECT avg(x) / 3 AS q FROM (VALUES (1)) v(x)")
    made.execute("TRUNCATE told")
    return made


@pytest.mark.parametrize(("statement", "heard", "kept"), ROWS)
def test_no_digit_is_lost_unheard(
    statement: str,
    heard: str,
    kept: list[str | None],
    connection: psycopg.Connection[tuple[object, ...]],
) -> None:
    notices: list[str | None] = []
    connection.add_notice_handler(lambda told: notices.append(told.sqlstate))
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        notices.append(error.sqlstate)
    assert notices == ([heard] if heard else [])
    found = connection.execute("SELECT n::text FROM told ORDER BY k").fetchall()
    assert [text for (text,) in found] == kept


@pytest.mark.parametrize("form", ["text", "binary"])
def test_parameters_and_copy_lose_none(
    form: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    value, mark = Decimal("0.12345678901"), "%b" if form == "binary" else "%t"
    ways = (f"INSERT INTO told (n) VALUES ({mark})", f"INSERT INTO told (n) SELECT {mark}::numeric")
    for way in ways:
        with pytest.raises(psycopg.errors.NumericValueOutOfRange, match='column "n"'):
            connection.execute(way.encode(), [value])
    with (
        pytest.raises(psycopg.errors.NumericValueOutOfRange, match='column "n"'),
        connection.cursor().copy(f"COPY told (n) FROM STDIN (FORMAT {form})") as copy,
    ):
        copy.set_types(["numeric"])
        copy.write_row([value])
    with connection.cursor().copy(f"COPY told (o) FROM STDIN (FORMAT {form})") as copy:
        copy.set_types(["int4"])
        copy.write_row([1])
    assert connection.execute("SELECT g FROM told").fetchall() == [(Decimal("0.3333333333"),)]
