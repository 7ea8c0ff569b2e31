"""What two or three transactions see of each other: the classic anomalies, turn by turn.

Each script runs against the gateway and, where it is installed, against PostgreSQL 15. A turn is
who sends what and what comes back; a fourth entry is what PostgreSQL says instead, and then the
script's comment tells why. Nobody waits in these scripts: locks of tables and of rows are alike.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

SETUP = (
    "DROP TABLE IF EXISTS iso_a, iso_b; CREATE TABLE iso_a (k int PRIMARY KEY, v int, w int);"
    " CREATE TABLE iso_b (k int PRIMARY KEY, v int);"
    " INSERT INTO iso_a VALUES (1, 10, 0), (2, 20, 0); INSERT INTO iso_b VALUES (1, 1)"
)
RC, RR, SR = (
    f"BEGIN ISOLATION LEVEL {level}"
    for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
)
A, B = "SELECT v FROM iso_a ORDER BY k", "SELECT v FROM iso_b ORDER BY k"

Turn = tuple[str, str, object] | tuple[str, str, object, object]

SCRIPTS: dict[str, list[Turn]] = {
    "no dirty read, no dirty write": [
        ("x", "BEGIN ISOLATION LEVEL READ UNCOMMITTED", "BEGIN"),
        ("y", RC, "BEGIN"),
        ("y", "UPDATE iso_a SET v = 11 WHERE k = 1", "UPDATE 1"),
        ("x", A, [10, 20]),
        ("y", "ROLLBACK", "ROLLBACK"),
        ("x", A, [10, 20]),
        ("x", "COMMIT", "COMMIT"),
    ],
    "non-repeatable read and phantom at read committed": [
        ("x", RC, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET v = 11 WHERE k = 1", "UPDATE 1"),
        ("y", "INSERT INTO iso_a VALUES (3, 30, 0)", "INSERT 0 1"),
        ("x", A, [11, 20, 30]),
        ("x", "INSERT INTO iso_b VALUES (2, 2)", "INSERT 0 1"),
        ("y", "UPDATE iso_a SET v = 12 WHERE k = 1", "UPDATE 1"),
        ("x", A, [12, 20, 30]),  # after its own write, too
        ("y", "CREATE TABLE iso_c AS SELECT 7 AS v", "SELECT 1"),
        ("x", "SELECT v FROM iso_c", [7]),
        ("x", "INSERT INTO iso_b SELECT 3, max(v) FROM iso_a", "INSERT 0 1"),
        ("y", "UPDATE iso_a SET v = 40 WHERE k = 1", "UPDATE 1"),
        ("x", "INSERT INTO iso_b SELECT 4, max(v) FROM iso_a", "INSERT 0 1"),
        ("x", B, [1, 2, 30, 40]),
        ("x", "COMMIT", "COMMIT"),
        ("y", "DROP TABLE iso_c", "DROP TABLE"),
    ],
    "neither at repeatable read": [
        ("x", RR, "BEGIN"),
        ("x", "SELECT 1", [1]),  # the first statement, whatever it reads
        ("y", "UPDATE iso_a SET v = 11 WHERE k = 1", "UPDATE 1"),
        ("y", "INSERT INTO iso_a VALUES (3, 30, 0)", "INSERT 0 1"),
        ("x", A, [10, 20]),
        ("x", "INSERT INTO iso_b VALUES (2, 2)", "INSERT 0 1"),
        ("x", "INSERT INTO iso_a VALUES (4, 40, 0)", "INSERT 0 1"),  # beside the others' row 3
        ("x", A, [10, 20, 40]),
        ("x", "COMMIT", "COMMIT"),
        ("x", A, [11, 20, 30, 40]),
    ],
    "lost update at repeatable read": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET v = v + 1 WHERE k = 1", "UPDATE 1"),
        ("x", "UPDATE iso_a SET v = v + 1 WHERE k = 2", "UPDATE 1"),  # another row
        ("x", "UPDATE iso_a SET v = v + 1 WHERE k = 1", "40001"),
        ("x", A, "25P02"),
        ("x", "COMMIT", "ROLLBACK"),
        ("x", A, [11, 20]),
    ],
    "another column of the row is the row": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET v = v + 1 WHERE k = 1", "UPDATE 1"),
        ("x", "UPDATE iso_a SET w = v WHERE k = 1", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "a row that is gone, or moved to another key": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "DELETE FROM iso_a WHERE k = 1", "DELETE 1"),
        ("y", "UPDATE iso_a SET k = 5 WHERE k = 2", "UPDATE 1"),
        ("x", A, [10, 20]),
        ("x", "UPDATE iso_a SET w = 1 WHERE k = 1", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "a row that moved to another key": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET k = 5 WHERE k = 2", "UPDATE 1"),
        ("x", "DELETE FROM iso_a WHERE k = 2", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "a row that changed is not deleted": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET v = 0 WHERE k = 1", "UPDATE 1"),
        ("x", "DELETE FROM iso_a WHERE v = 10", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "keys that cannot be seen": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "INSERT INTO iso_a VALUES (3, 30, 0)", "INSERT 0 1"),
        ("x", "INSERT INTO iso_a VALUES (3, 31, 0)", "23505"),
        ("x", "ROLLBACK", "ROLLBACK"),
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20, 30]),
        ("y", "INSERT INTO iso_a VALUES (4, 40, 0)", "INSERT 0 1"),
        ("x", "INSERT INTO iso_a VALUES (4, 0, 0) ON CONFLICT DO NOTHING", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
        ("x", RR, "BEGIN"),
        ("x", B, [1]),
        ("y", "UPDATE iso_a SET v = 41 WHERE k = 4", "UPDATE 1"),
        (
            "x",
            "INSERT INTO iso_a VALUES (4, 0, 0) ON CONFLICT (k) DO UPDATE SET v = 42",
            "40001",
        ),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "for update": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "INSERT INTO iso_a VALUES (3, 30, 0)", "INSERT 0 1"),
        ("x", A + " FOR UPDATE", [10, 20]),
        ("x", "COMMIT", "COMMIT"),
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20, 30]),
        ("y", "UPDATE iso_a SET v = 31 WHERE k = 3", "UPDATE 1"),
        ("x", A + " FOR UPDATE", "40001"),
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    # PostgreSQL's savepoints keep the snapshot whatever was undone. Here what was written has to be
    # written again on a newer commit, which must look the same as far as it was looked at.
    "savepoints at repeatable read": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("x", "INSERT INTO iso_a VALUES (3, 30, 0)", "INSERT 0 1"),
        ("x", "SAVEPOINT s", "SAVEPOINT"),
        ("x", "UPDATE iso_a SET v = 0", "UPDATE 3"),
        ("x", "ROLLBACK TO s", "ROLLBACK"),
        ("x", A, [10, 20, 30]),
        ("x", "SELECT 1 / 0", "22012"),
        ("x", "ROLLBACK TO s", "ROLLBACK"),
        ("x", A, [10, 20, 30]),
        ("x", B, [1]),
        ("y", "UPDATE iso_b SET v = 2", "UPDATE 1"),
        ("x", "SELECT 1 / 0", "22012"),
        ("x", "ROLLBACK TO s", "ROLLBACK"),  # nothing was written
        ("x", B, [1]),
        ("x", "INSERT INTO iso_a VALUES (4, 40, 0)", "INSERT 0 1"),
        ("x", "ROLLBACK TO s", "ROLLBACK"),
        ("x", A, [10, 20, 30]),
        ("x", "UPDATE iso_a SET v = 1 WHERE k = 3", "UPDATE 1"),
        ("x", "CREATE TEMP TABLE iso_c (k int)", "CREATE TABLE"),
        ("x", "ROLLBACK TO s", "40001", "ROLLBACK"),  # past a definition all is done again
        ("x", "ROLLBACK", "ROLLBACK"),
    ],
    "write skew at repeatable read": [
        ("x", RR, "BEGIN"),
        ("y", RR, "BEGIN"),
        ("x", "SELECT sum(v) FROM iso_a", [30]),
        ("y", "SELECT sum(v) FROM iso_b", [1]),
        ("x", "UPDATE iso_b SET v = 30", "UPDATE 1"),
        ("y", "UPDATE iso_a SET v = 1", "UPDATE 2"),
        ("x", "COMMIT", "COMMIT"),
        ("y", "COMMIT", "COMMIT"),
        ("x", A, [1, 1]),
        ("x", B, [30]),
    ],
    "write skew at serializable": [
        ("x", SR, "BEGIN"),
        ("y", SR, "BEGIN"),
        ("x", "SELECT sum(v) FROM iso_a", [30]),
        ("y", "SELECT sum(v) FROM iso_b", [1]),
        ("x", "UPDATE iso_b SET v = 30", "UPDATE 1"),
        ("y", "UPDATE iso_a SET v = 1", "UPDATE 2"),
        ("x", "COMMIT", "COMMIT"),
        ("y", "COMMIT", "40001"),
        ("x", A, [10, 20]),
        ("x", B, [30]),
    ],
    "phantom write skew at serializable": [
        ("x", SR, "BEGIN"),
        ("y", SR, "BEGIN"),
        ("x", "INSERT INTO iso_b SELECT 2, count(*) FROM iso_a", "INSERT 0 1"),
        ("y", "INSERT INTO iso_a SELECT 3, count(*), 0 FROM iso_b", "INSERT 0 1"),
        ("y", "COMMIT", "COMMIT"),
        ("x", "COMMIT", "40001"),
        ("x", A, [10, 20, 1]),
        ("x", B, [1]),
    ],
    # Fekete, O'Neil, O'Neil 2004. x: a withdrawal that sees neither account change; y: a deposit;
    # z reads both. PostgreSQL undoes x at its commit, and so does this.
    "read-only anomaly at serializable": [
        ("x", SR, "BEGIN"),
        ("x", "SELECT (SELECT sum(v) FROM iso_a) + (SELECT sum(v) FROM iso_b)", [31]),
        ("y", SR, "BEGIN"),
        ("y", "UPDATE iso_b SET v = v + 20 WHERE k = 1", "UPDATE 1"),
        ("y", "COMMIT", "COMMIT"),
        ("z", SR + " READ ONLY", "BEGIN"),
        ("z", B, [21]),
        ("z", A, [10, 20]),
        ("z", "COMMIT", "COMMIT"),
        ("x", "UPDATE iso_a SET v = v - 11 WHERE k = 1", "UPDATE 1", "40001"),
        ("x", "COMMIT", "40001", "ROLLBACK"),
    ],
    "one statement alone at serializable": [
        ("x", "SET default_transaction_isolation = 'serializable'", "SET"),
        ("x", "INSERT INTO iso_b SELECT 2, count(*) FROM iso_a", "INSERT 0 1"),
        ("x", "UPDATE iso_b SET v = v + 1", "UPDATE 2"),
        ("x", "RESET default_transaction_isolation", "RESET"),
    ],
    "what only reads is never undone": [
        ("x", SR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "UPDATE iso_a SET v = 0", "UPDATE 2"),
        ("x", A, [10, 20]),
        ("x", B, [1]),
        ("x", "COMMIT", "COMMIT"),
    ],
    # A definition is not compared row by row.
    "definitions of others": [
        ("x", RR, "BEGIN"),
        ("x", A, [10, 20]),
        ("y", "CREATE TABLE iso_c (k int REFERENCES iso_a)", "CREATE TABLE"),
        ("y", "INSERT INTO iso_c VALUES (1)", "INSERT 0 1"),
        ("x", "DELETE FROM iso_a WHERE k = 1", "40001", "23503"),
        ("x", "ROLLBACK", "ROLLBACK"),
        ("x", RC, "BEGIN"),
        ("x", "INSERT INTO iso_b VALUES (2, 2)", "INSERT 0 1"),
        ("y", "DROP TABLE iso_c", "DROP TABLE"),
        ("y", "CREATE TABLE iso_c (k int REFERENCES iso_a)", "CREATE TABLE"),
        ("y", "INSERT INTO iso_c VALUES (1)", "INSERT 0 1"),
        ("x", "DELETE FROM iso_a WHERE k = 1", "23503"),
        ("x", "ROLLBACK", "ROLLBACK"),
        ("y", "DROP TABLE iso_c", "DROP TABLE"),
    ],
}


def answer(connection: psycopg.Connection[Any], text: str) -> object:
    """The one column of the rows, the command's tag, or the SQLSTATE."""
    try:
        cursor = connection.execute(text)
    except psycopg.Error as error:
        return error.sqlstate
    if cursor.description is None:
        return cursor.statusmessage
    return [row[0] for row in cursor.fetchall()]


def run(script: str, connect: Connect, last: bool) -> None:
    sessions = {
        who: connect(prepare_threshold=None) for who in sorted({t[0] for t in SCRIPTS[script]})
    }
    first = next(iter(sessions.values()))
    try:
        for session in sessions.values():
            session.execute("SET lock_timeout = '5s'")
        first.execute(SETUP)
        for turn in SCRIPTS[script]:
            wanted = turn[-1] if last else turn[2]
            assert (turn[:2], answer(sessions[turn[0]], turn[1])) == (turn[:2], wanted)
    finally:
        for session in sessions.values():
            session.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_gateway(script: str, connect: Connect) -> None:
    run(script, connect, last=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_postgresql(script: str, postgres: Connect) -> None:
    run(script, postgres, last=True)
