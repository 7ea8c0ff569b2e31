"""What of PostgreSQL's DDL and DML is refused: by its name, never as an error of syntax."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

#   statement, what the message names
REFUSED: tuple[tuple[str, str], ...] = (
    ("UPDATE refused SET n = generate_series(1, 2)", "not allowed in UPDATE"),
    ("UPDATE refused SET n = 1 RETURNING unnest(ARRAY[1])", "not allowed in RETURNING"),
    ("UPDATE refused SET s[1:2][1:1] = '{x}'", "only items and slices of one dimension"),
    ("UPDATE refused SET d[1][1] = 1, d[1][2] = 2", 'only one item of the array "d"'),
    ("INSERT INTO refused (d[1][1]) VALUES (1)", 'only one item of the array "d"'),
    ("UPDATE refused SET d[1] = 1", "of 2 dimensions cannot be assigned with subscripts for 1"),
    ("UPDATE refused SET (n, s) = (SELECT nextval('s'), 'x')", "nextval in SET"),
    ("CREATE VIEW v AS SELECT DISTINCT n FROM refused WITH CHECK OPTION", "WITH CHECK OPTION"),
    ("CREATE VIEW v WITH (security_barrier) AS SELECT 1 AS x", "with security_barrier"),
    ("CREATE VIEW v WITH (security_invoker = true) AS SELECT 1 AS x", "with security_invoker"),
    ("CREATE TABLE d (n int) PARTITION BY RANGE (n)", "PARTITION BY"),
    ("CREATE TABLE d () INHERITS (refused)", "INHERITS"),
    ("ALTER TABLE refused ENABLE ROW LEVEL SECURITY", "ENABLE ROW"),
    ("INSERT INTO no_columns DEFAULT VALUES", "tables without columns hold no rows"),
    ("CREATE VIEW v AS SELECT * FROM no_columns", "views without columns"),
    ("CREATE TYPE pair AS (a int, b int)", "CREATE TYPE"),
    ("CREATE TRIGGER t BEFORE INSERT ON refused EXECUTE FUNCTION f()", "CREATE TRIGGER"),
    ("CREATE RULE r AS ON INSERT TO refused DO NOTHING", "CREATE RULE"),
)


@pytest.fixture
def connection(connect: Connect) -> psycopg.Connection[tuple[object, ...]]:
    made = connect()
    made.execute("CREATE TABLE IF NOT EXISTS refused (n int, s text, d int[][])")
    made.execute("CREATE TABLE IF NOT EXISTS no_columns ()")
    return made


@pytest.mark.parametrize(("statement", "name"), REFUSED)
def test_it_is_refused_by_name(
    statement: str, name: str, connection: psycopg.Connection[tuple[object, ...]]
) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
        connection.execute(statement.encode())
    assert name in str(caught.value.diag.message_primary)
