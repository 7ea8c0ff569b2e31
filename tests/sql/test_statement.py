"""Messages -> statements: where they split, what they are called, where an error stands."""

from __future__ import annotations

from typing import Any

import pytest
from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InsufficientPrivilege,
    InvalidGrantOperation,
    InvalidParameterValue,
    SyntaxFault,
)
from gateway.sql.statements import commands as c
from gateway.sql.statements import cursors, reading
from gateway.sql.statements.reading import statements
from gateway.sql.statements.schemas import CreateSchema
from gateway.sql.statements.statement import CreateView, Explain, Kind, Prepare
from gateway.sql.text.dialect import Marker, parse
from gateway.types import FLOAT8, INT4, TEXT, array_of

# Text -> the command of each statement.
COMMANDS = {
    "": [],
    " ; /* a */ ; -- b\n ;": [],
    "SELECT 1": ["SELECT"],
    "TABLE t; VALUES (1); (SELECT 1) UNION SELECT 2; WITH a AS (SELECT 1) TABLE a": ["SELECT"] * 4,
    "insert into t values (1); update t set a = b = c; delete from t": [
        "INSERT",
        "UPDATE",
        "DELETE",
    ],
    "WITH a AS (SELECT 1) INSERT INTO t TABLE a": ["INSERT"],
    "CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS s.t AS SELECT 1": [
        "CREATE TABLE",
        "CREATE TABLE AS",
    ],
    "CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW v AS TABLE t": ["CREATE VIEW"] * 2,
    "CREATE SCHEMA s; DROP SCHEMA s; DROP TABLE t; DROP VIEW v; TRUNCATE t": [
        "CREATE SCHEMA",
        "DROP SCHEMA",
        "DROP TABLE",
        "DROP VIEW",
        "TRUNCATE TABLE",
    ],
    "BEGIN; START TRANSACTION; COMMIT; END; ROLLBACK; ABORT; SAVEPOINT a; RELEASE a": [
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "COMMIT",
        "ROLLBACK",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
    ],
    "SELECT ';', $a$;$a$, E'\\';', \";\" /* ; /* ; */ */ -- ;\n; SHOW x": ["SELECT", "SHOW"],
    "PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p; EXPLAIN SELECT 1": [
        "PREPARE",
        "EXECUTE",
        "DEALLOCATE",
        "EXPLAIN",
    ],
    "DECLARE c CURSOR FOR SELECT 1; FETCH c; MOVE c; CLOSE c": [
        "DECLARE CURSOR",
        "FETCH",
        "MOVE",
        "CLOSE CURSOR",
    ],
    "SET a TO 1; RESET a; DISCARD ALL": ["SET", "RESET", "DISCARD"],
}


@pytest.mark.parametrize("text", COMMANDS)
def test_commands(text: str) -> None:
    found = statements(text)
    assert [row.command for row in found] == COMMANDS[text]
    assert all(text[row.offset :].startswith(row.text) for row in found)


def test_every_row_of_the_table_is_reached() -> None:
    """No row stands behind another that takes its words first."""
    for number, row in enumerate(reading.COMMANDS):
        for earlier in reading.COMMANDS[:number]:
            words = earlier.words.split()
            assert row.words.split()[: len(words)] != words


# Text -> the record.
RECORDS: dict[str, Any] = {
    'SET search_path TO "Foo", public': c.SetStatement("search_path", ("Foo", "public")),
    "SET LOCAL a.b = -1.5": c.SetStatement("a.b", ("-1.5",), local=True),
    "SET SESSION x TO DEFAULT": c.SetStatement("x", None),
    "SET TIME ZONE 'Europe/Berlin'": c.SetStatement("timezone", ("Europe/Berlin",)),
    "SET TIME ZONE LOCAL": c.SetStatement("timezone", None),
    "SET NAMES 'UTF8'": c.SetStatement("client_encoding", ("UTF8",)),
    "SET SESSION AUTHORIZATION DEFAULT": c.SetStatement("session_authorization", None),
    "SET x TO on": c.SetStatement("x", ("on",)),
    "SET TRANSACTION READ ONLY": c.TransactionModes(read_only=True),
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE": c.TransactionModes(
        isolation="serializable", session=True
    ),
    "SHOW ALL": c.ShowStatement("all"),
    "SHOW TIME ZONE": c.ShowStatement("timezone"),
    "SHOW TRANSACTION ISOLATION LEVEL": c.ShowStatement("transaction_isolation"),
    "RESET ALL": c.ResetStatement("all"),
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE": c.TransactionStatement(
        "BEGIN", c.TransactionModes("repeatable read", read_only=False)
    ),
    "COMMIT WORK AND CHAIN": c.TransactionStatement("COMMIT", chain=True),
    "ROLLBACK AND NO CHAIN": c.TransactionStatement("ROLLBACK"),
    'ROLLBACK TO SAVEPOINT "A"': c.TransactionStatement("ROLLBACK TO", savepoint="A"),
    "RELEASE SAVEPOINT A": c.TransactionStatement("RELEASE", savepoint="a"),
    "DROP TABLE IF EXISTS S.a, b CASCADE": c.DropStatement(
        "table", (("s", "a"), ("b",)), if_exists=True, cascade=True
    ),
    "TRUNCATE TABLE a, b RESTART IDENTITY": c.DropStatement(
        "truncate", (("a",), ("b",)), restart=True
    ),
    "CREATE SCHEMA IF NOT EXISTS s": CreateSchema("s", if_not_exists=True),
    "DISCARD TEMPORARY": c.DiscardStatement("temp"),
    "DEALLOCATE PREPARE ALL": c.DeallocateStatement(None),
    "FETCH 5 FROM c": cursors.FetchStatement("c", 5),
    "FETCH ALL IN c": cursors.FetchStatement("c", None),
    "MOVE BACKWARD 3 IN c": cursors.FetchStatement("c", -3, move=True),
    "FETCH ABSOLUTE -1 c": cursors.FetchStatement("c", 1, absolute=-1),
    "FETCH FORWARD ALL FROM c": cursors.FetchStatement("c", None),
    "FETCH c": cursors.FetchStatement("c"),
    "CLOSE ALL": cursors.CloseStatement(None),
}


@pytest.mark.parametrize("text", RECORDS)
def test_records(text: str) -> None:
    (found,) = statements(text)
    assert found.tree == RECORDS[text]


# Text -> error class, message, 1-based position.
REFUSED = {
    "SELECT 1; SELECT 1 +": (SyntaxFault, "syntax error at end of input", 21),
    "SELECT 1; SELECT a FORM t x": (SyntaxFault, 'syntax error at or near "t"', 25),
    "SELECT 1; EXPLAIN SELECT (": (SyntaxFault, "syntax error at end of input", 27),
    "frobnicate": (SyntaxFault, 'syntax error at or near "frobnicate"', 1),
    '"select" 1': (SyntaxFault, 'syntax error at or near ""select""', 1),
    "FROM t": (SyntaxFault, 'syntax error at or near "FROM"', 1),
    "COMMIT foo": (SyntaxFault, 'syntax error at or near "foo"', 8),
    "SHOW": (SyntaxFault, "syntax error at end of input", 5),
    "SET x": (SyntaxFault, "syntax error at end of input", 6),
    "EXPLAIN BEGIN": (SyntaxFault, 'syntax error at or near "BEGIN"', 9),
    "REASSIGN a": (FeatureNotSupported, "REASSIGN is not supported", 1),
    "GRANT SELECT (a) ON SCHEMA s TO alice": (
        InvalidGrantOperation,
        "column privileges are only valid for relations",
        0,
    ),
    "CREATE TEMP ROLE t": (SyntaxFault, 'syntax error at or near "ROLE"', 13),
    "COPY t TO '/etc/passwd'": (
        InsufficientPrivilege,
        "must be superuser or have privileges of the pg_write_server_files role to COPY to a file",
        0,
    ),
    "COPY t FROM PROGRAM 'ls'": (
        InsufficientPrivilege,
        "must be superuser or have privileges of the pg_execute_server_program role to COPY to or"
        " from an external program",
        0,
    ),
    "CREATE TABLE t (a int) WITH (location = '/x')": (
        InvalidParameterValue,
        'unrecognized parameter "location"',
        0,
    ),
    "CREATE TABLE t (a int) LOCATION '/x'": (
        InsufficientPrivilege,
        "CREATE TABLE with a LOCATION is not allowed",
        0,
    ),
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/x'": (
        InsufficientPrivilege,
        "tables over the server's files are set up by configuration",
        1,
    ),
    "PREPARE TRANSACTION 'x'": (FeatureNotSupported, "two-phase commit is not supported", 0),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(GatewayError) as caught:
        statements(text)
    assert (type(caught.value), str(caught.value), caught.value.position) == REFUSED[text]


def test_explain_keeps_its_options_and_parses_its_statement() -> None:
    text = "EXPLAIN (ANALYZE, FORMAT json) SELECT grad(x, x) FROM t"
    (found,) = statements(text)
    assert isinstance(found.tree, Explain) and found.kind is Kind.EXPLAIN
    assert found.tree.options == {"analyze": "on", "format": "json"}
    marker = found.tree.statement.tree.find(Marker)  # type: ignore[attr-defined]
    assert text[marker.meta["start"] :].startswith("grad(")


def test_explain_of_a_query_in_brackets_has_no_options() -> None:
    (found,) = statements("EXPLAIN (SELECT 1)")
    assert isinstance(found.tree, Explain) and found.tree.options == {}


def test_a_view_keeps_the_text_of_its_query() -> None:
    (found,) = statements('CREATE VIEW s.V (a, "B") AS  SELECT /* c */ grad(x, x), 1 FROM t  ;')
    view = found.tree
    assert isinstance(view, CreateView)
    assert (view.name, view.columns) == (("s", "v"), ("a", "B"))
    assert view.source == "SELECT /* c */ grad(x, x), 1 FROM t"


def test_prepare_and_execute() -> None:
    prepare, execute = statements(
        "PREPARE p (int, double precision, text[]) AS SELECT $1; EXECUTE p (1, 'a')"
    )
    assert isinstance(prepare.tree, Prepare) and isinstance(execute.tree, c.ExecuteStatement)
    assert prepare.tree.types == (INT4, FLOAT8, array_of(TEXT))
    assert [value.name for value in execute.tree.arguments] == ["1", "a"]


def test_declare() -> None:
    (found,) = statements("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1")
    assert isinstance(found.tree, cursors.Declare)
    assert (found.tree.name, found.tree.scroll, found.tree.hold) == ("c", False, True)
    assert isinstance(found.tree.statement.tree, exp.Select)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t PIVOT (max(a) FOR b IN (1))",
        "SELECT a FROM (SELECT 1 AS a) AS t UNPIVOT (x FOR y IN (a))",
        "SELECT a FROM t SORT BY a",
        "SELECT a FROM t CLUSTER BY a",
        "SELECT a FROM t DISTRIBUTE BY a",
        "SELECT 1 FROM t WHERE a IN (SELECT a FROM t CONNECT BY a = 1)",
        "SELECT a FROM t WITH (NOLOCK)",
        "SELECT a FROM t GROUP BY a WITH ROLLUP",
        "SELECT a FROM t GROUP BY a GROUPING SETS ((a), ())",
        "SELECT a FROM t GROUP BY ALL ORDER BY a",
        "SELECT first_value(a) IGNORE NULLS OVER (ORDER BY a) FROM t",
        "SELECT first_value(a RESPECT NULLS) OVER (ORDER BY a) FROM t",
        "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1",
        "SELECT AS STRUCT 1",
        "SELECT * EXCEPT (a) FROM t",
        "SELECT * REPLACE (a + 1 AS a) FROM t",
        "SELECT a FROM t UNION BY NAME SELECT b FROM t",
        "SELECT CAST(a AS date FORMAT 'YYYY') FROM t",
        "SELECT TRY_CAST(a AS date) FROM t",
        "INSERT INTO t VALUES (1) RETURNING a INTO u",
        "SELECT a FROM t LEFT SEMI JOIN u ON t.a = u.a",
    ],
)
def test_clauses_of_other_dialects_are_refused(query: str) -> None:
    """Where, is in tests/golden/errors/foreign.test."""
    with pytest.raises(SyntaxFault):
        parse(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT a FROM t,", "syntax error at end of input"),
        ("SELECT a FROM t GROUP BY ALL", "syntax error at end of input"),
        ("SELECT @@version", "syntax error at end of input"),
        ("SELECT 1e", 'trailing junk after numeric literal at or near "1e"'),
        ("SELECT a <=> 1 FROM t", "operator does not exist: <=>"),
    ],
)
def test_what_is_no_sql_is_told_in_postgresqls_words(query: str, message: str) -> None:
    with pytest.raises(GatewayError, match=message):
        parse(query)
