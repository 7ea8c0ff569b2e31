"""The same definitions and calls, here and in PostgreSQL 15: values and error codes agree."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.functions.conftest import Connection

F8 = "double precision"

# Statements in order; the last one's outcome counts, and the others must succeed.
SAME: dict[str, list[str]] = {
    "return form": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN 1.0 / (1.0 + exp(-x))",
        "SELECT f(0), f(-3), f(1.5), f('2'), f(NULL), f(2::smallint), f(1::real), f(1::numeric)",
    ],
    "old form": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} AS $$ SELECT x * 2; $$ LANGUAGE sql",
        "SELECT f(4)",
    ],
    "old form in quotes": [
        "CREATE FUNCTION f(text) RETURNS text LANGUAGE 'sql' AS 'SELECT $1 || ''!'''",
        "SELECT f('a'), f(NULL)",
    ],
    "language is sql for RETURN": [
        f"CREATE FUNCTION f() RETURNS {F8} RETURN 2",
        "SELECT f()",
    ],
    "unnamed and named": [
        f"CREATE FUNCTION f(int, b {F8}) RETURNS {F8} LANGUAGE sql RETURN $1 + b * $2 - f.b",
        "SELECT f(1, 3)",
    ],
    "named notation": [
        f"CREATE FUNCTION f(a {F8}, b {F8}) RETURNS {F8} LANGUAGE sql RETURN a - b",
        "SELECT f(b => 1, a => 5), f(3, b => 1)",
    ],
    "named notation, wrong name": [
        f"CREATE FUNCTION f(a {F8}) RETURNS {F8} LANGUAGE sql RETURN a",
        "SELECT f(b => 1)",
    ],
    "quoted names": [
        'CREATE FUNCTION "My F"("X" int, "x" int) RETURNS int LANGUAGE sql RETURN "X" - x * 10',
        'SELECT "My F"(7, 2)',
    ],
    "quoted name, called without quotes": [
        "CREATE FUNCTION \"F\"(x int) RETURNS int LANGUAGE sql RETURN x",
        "SELECT F(7)",
    ],
    "overloads by arity": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 1",
        f"CREATE FUNCTION f(x {F8}, y {F8}) RETURNS {F8} LANGUAGE sql RETURN x + y",
        f"CREATE FUNCTION f() RETURNS {F8} LANGUAGE sql RETURN 0",
        "SELECT f(), f(1), f(1, 5)",
    ],
    "functions in functions": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 1",
        f"CREATE FUNCTION g(x {F8}) RETURNS {F8} LANGUAGE sql RETURN f(f(x)) * x",
        "SELECT g(f(2))",
    ],
    "an argument is one operand": [
        f"CREATE FUNCTION f(x {F8}, y {F8}) RETURNS {F8} LANGUAGE sql RETURN 1.0 / x - -y * 2",
        "SELECT f(1 + 3, -2 - 5), -f(2, 1) * 3, f(-2, 1) ^ 2, 2 ^ -f(2, 1)",
    ],
    "assignment of the result rounds": [
        f"CREATE FUNCTION f(x {F8}) RETURNS int LANGUAGE sql RETURN x",
        "SELECT f(1.5), f(2.5), f(-0.5), f(3.49)",
    ],
    "integers stay integers": [
        "CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql RETURN a / b",
        "SELECT f(7, 2), f(-7, 2), f(7, 2) / 2",
    ],
    "integers become double": [
        f"CREATE FUNCTION f(a {F8}, b {F8}) RETURNS {F8} LANGUAGE sql RETURN a / b",
        "SELECT f(7, 2), f(7::bigint, 2::smallint)",
    ],
    "real arguments round": [
        "CREATE FUNCTION f(a real) RETURNS double precision LANGUAGE sql RETURN a",
        "SELECT f(0.1), f(1e10)",
    ],
    "a result of real": [
        "CREATE FUNCTION f(a double precision) RETURNS real LANGUAGE sql RETURN a",
        "SELECT f(0.1) = 0.1::real, f(0.1)::double precision",
    ],
    "text from anything": [
        "CREATE FUNCTION f(a int) RETURNS text LANGUAGE sql RETURN a + 1",
        "SELECT f(41) || 'x'",
    ],
    "booleans": [
        "CREATE FUNCTION f(a int, b bool) RETURNS bool LANGUAGE sql RETURN a > 3 AND b",
        "SELECT f(4, true), f(3, true), f(NULL, false), f(5, NULL)",
    ],
    "dates": [
        "CREATE FUNCTION f(a date) RETURNS timestamp LANGUAGE sql RETURN a",
        "SELECT f('2020-02-29'), f(date '1999-12-31')",
    ],
    "body does not care for NULL": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN coalesce(x, 7)",
        "SELECT f(NULL), f(1)",
    ],
    "strict": [
        f"CREATE FUNCTION f(x {F8}, y {F8}) RETURNS {F8} LANGUAGE sql STRICT"
        " RETURN coalesce(x, 7) + coalesce(y, 1)",
        "SELECT f(NULL, 1), f(1, NULL), f(NULL, NULL), f(1, 2)",
    ],
    "strict with an argument that is not used": [
        "CREATE FUNCTION f(x int, y int) RETURNS int LANGUAGE sql"
        " RETURNS NULL ON NULL INPUT RETURN x",
        "SELECT f(1, NULL), f(1, 2)",
    ],
    "CASE": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} IMMUTABLE PARALLEL SAFE COST 5 LANGUAGE sql"
        " RETURN CASE WHEN x > 0 THEN sqrt(x) ELSE 0 END",
        "SELECT f(4), f(-4), f(NULL)",
    ],
    "in every clause": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x % 3",
        "SELECT f(v), sum(v) FROM (VALUES (1), (2), (3), (4), (7)) AS t(v) WHERE f(v) < 2"
        " GROUP BY f(v) HAVING f(count(*)::int) > 1 OR true ORDER BY f(v)",
    ],
    "around an aggregate": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x * x",
        "SELECT f(avg(v)), avg(f(v)), f(sum(f(v))) FROM (VALUES (1.0), (2.0)) AS t(v)",
    ],
    "over a window": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x * x",
        "SELECT f(sum(v) OVER (ORDER BY v)) FROM (VALUES (1.0), (2.0)) AS t(v) ORDER BY 1",
    ],
    "in subqueries and CTEs": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 0.5",
        "WITH c AS (SELECT f(v) AS w FROM (VALUES (1.0), (2.0)) AS t(v))"
        " SELECT f((SELECT max(w) FROM c)), (SELECT f(min(w)) FROM c)",
    ],
    "replaced": [
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 1",
        f"CREATE FUNCTION g(x {F8}) RETURNS {F8} LANGUAGE sql RETURN f(x) * 10",
        f"CREATE OR REPLACE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 2",
        "SELECT f(1), g(1)",
    ],
    "dropped and made again under a text body": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x)'",
        "DROP FUNCTION f",
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 5",
        "SELECT g(1)",
    ],
    "dropped under a text body": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x)'",
        "DROP FUNCTION f(int)",
        "SELECT g(1)",
    ],
    "dropped under a bound body": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql RETURN f(x)",
        "DROP FUNCTION f",
    ],
    "dropped under a bound body, RESTRICT": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql RETURN f(x)",
        "DROP FUNCTION f(int) RESTRICT",
    ],
    "dropped with what is bound to it": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql RETURN f(x)",
        "CREATE FUNCTION h(x int) RETURNS int LANGUAGE sql RETURN g(x)",
        "DROP FUNCTION f CASCADE",
        "SELECT h(1)",
    ],
    "dropped together": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1",
        "CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql RETURN f(x)",
        "DROP FUNCTION f(int), g(integer)",
        "SELECT f(1)",
    ],
    "the system's sin comes first": [
        f"CREATE FUNCTION sin(x {F8}) RETURNS {F8} LANGUAGE sql RETURN 42",
        "SELECT sin(0::double precision)",
    ],
    "the system has another arity": [
        f"CREATE FUNCTION sin(x {F8}, y {F8}) RETURNS {F8} LANGUAGE sql RETURN x - y",
        "SELECT sin(5, 3), sin(0::double precision)",
    ],
    "session functions": [
        "CREATE FUNCTION f() RETURNS bool LANGUAGE sql RETURN current_user = session_user",
        "SELECT f()",
    ],
    "a function in an UPDATE": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x * x + 1",
        "CREATE TABLE t (a int)",
        "INSERT INTO t VALUES (f(1)), (2)",
        "UPDATE t SET a = f(a) WHERE f(a) > 4 RETURNING a, f(a)",
    ],
    "a view over a function": [
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x * x + 1",
        "CREATE VIEW v AS SELECT f(a) AS b, f(2) FROM (VALUES (1), (5)) AS t(a)",
        "SELECT * FROM v ORDER BY b",
    ],
    # Refusals
    "made twice": ["CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN 1"] * 2,
    "another result": [
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE FUNCTION f(int) RETURNS bigint LANGUAGE sql RETURN 1",
    ],
    "another name of an argument": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE FUNCTION f(b int) RETURNS int LANGUAGE sql RETURN 1",
    ],
    "an argument gets a name": [
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql RETURN $1",
        "CREATE OR REPLACE FUNCTION f(b int) RETURNS int LANGUAGE sql RETURN b + 1",
        "SELECT f(1)",
    ],
    "no such column": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN b"],
    "no such column, old form": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT b'"
    ],
    "no such parameter": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN $2"],
    "no such function": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN nope(a)"],
    "itself": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN f(a - 1)"],
    "no such type": ["CREATE FUNCTION f(a nope) RETURNS int LANGUAGE sql RETURN 1"],
    "no such result type": ["CREATE FUNCTION f(a int) RETURNS nope LANGUAGE sql RETURN 1"],
    "no such schema": ["CREATE FUNCTION nope.f(a int) RETURNS int LANGUAGE sql RETURN 1"],
    "a result that does not fit": [
        "CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql RETURN a"
    ],
    "a result that does not fit, old form": [
        "CREATE FUNCTION f(a bool) RETURNS int LANGUAGE sql AS 'SELECT a'"
    ],
    "two columns": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1, 2'"],
    "no statement": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS ''"],
    "two arguments of one name": [
        "CREATE FUNCTION f(a int, a int) RETURNS int LANGUAGE sql RETURN 1"
    ],
    "no result type": ["CREATE FUNCTION f(a int) LANGUAGE sql RETURN 1"],
    "no language": ["CREATE FUNCTION f(a int) RETURNS int AS 'SELECT 1'"],
    "no such language": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE nope AS 'SELECT 1'"],
    "no body": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql"],
    "two bodies": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1' RETURN 1"],
    "twice strict": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql STRICT STRICT RETURN 1"],
    "contradicting": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql STABLE VOLATILE RETURN 1"
    ],
    "RETURN of two": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1, 2"],
    "RETURN with FROM": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1 FROM t"],
    "RETURN with a name": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1 AS b"],
    "RETURN of nothing": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN"],
    "body that is no SQL": ["CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELEC 1'"],
    "no brackets": ["CREATE FUNCTION f RETURNS int LANGUAGE sql RETURN 1"],
    "a comma too many": ["CREATE FUNCTION f(a int,) RETURNS int LANGUAGE sql RETURN 1"],
    "drop what is not there": ["DROP FUNCTION f"],
    "drop other arguments": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1",
        "DROP FUNCTION f(text)",
    ],
    "drop one of several": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN 1",
        "CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql RETURN 1",
        "DROP FUNCTION f",
    ],
    "drop if it is there": ["DROP FUNCTION IF EXISTS f(int), g"],
    "wrong type of an argument": [
        f"CREATE FUNCTION f(a {F8}) RETURNS {F8} LANGUAGE sql RETURN a",
        "SELECT f(v) FROM (VALUES ('a'::text)) AS t(v)",
    ],
    "a double for an integer": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(1.5)",
    ],
    "a boolean for an integer": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(true)",
    ],
    "a timestamp for a date": [
        "CREATE FUNCTION f(a date) RETURNS date LANGUAGE sql RETURN a",
        "SELECT f(timestamp '2020-01-01 00:00:00')",
    ],
    "a literal that is no number": [
        f"CREATE FUNCTION f(a {F8}) RETURNS {F8} LANGUAGE sql RETURN a",
        "SELECT f('x')",
    ],
    "too few arguments": [
        "CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(1)",
    ],
    "in a schema that is not searched": ["SELECT nope.f(1)"],
    "no function in this schema": ["SELECT public.nope(1)"],
    "DISTINCT": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(DISTINCT 1)",
    ],
    "OVER": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(1) OVER ()",
    ],
    "FILTER": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(1) FILTER (WHERE true)",
    ],
    "a star": [
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(*)",
    ],
    "undone": [
        "BEGIN",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SAVEPOINT s",
        "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a + 1",
        "ROLLBACK TO s",
        "COMMIT",
        "SELECT f(1)",
    ],
    "undone whole": [
        "BEGIN",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a",
        "SELECT f(1)",
        "ROLLBACK",
        "SELECT f(1)",
    ],
}  # fmt: skip

# PostgreSQL has it, this server refuses it by name.
REFUSED = {
    "default": f"CREATE FUNCTION f(a {F8} DEFAULT 1) RETURNS int LANGUAGE sql RETURN 1",
    "default with =": f"CREATE FUNCTION f(a {F8} = 1) RETURNS int LANGUAGE sql RETURN 1",
    "OUT": "CREATE FUNCTION f(OUT a int) LANGUAGE sql RETURN 1",
    "VARIADIC": "CREATE FUNCTION f(VARIADIC a int[]) RETURNS int LANGUAGE sql RETURN 1",
    "SETOF": "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql RETURN 1",
    "TABLE": "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE sql RETURN 1",
    "void": "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS ''",
    "anyelement": "CREATE FUNCTION f(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1'",
    "FROM": "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT typname FROM pg_type'",
    "WHERE": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 WHERE false'",
    "LIMIT": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 LIMIT 0'",
    "VALUES": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'VALUES (1)'",
    "several": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2'",
    "subquery": "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN (SELECT 1)",
    "aggregate": "CREATE FUNCTION f(a int) RETURNS bigint LANGUAGE sql RETURN count(a)",
    "window": "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN row_number() OVER ()",
    "set": "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN generate_series(1, 2)",
    "plpgsql": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
    "definer": "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
    "setting": "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET timezone = 'UTC' RETURN 1",
    "atomic": "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
}

Outcome = list[tuple[Any, ...]] | str | None


def outcome(connection: Connection, statements: list[str]) -> Outcome:
    """The last statement's rows, None for none, or its SQLSTATE."""
    for statement in statements[:-1]:
        connection.execute(statement)
    try:
        cursor = connection.execute(statements[-1])
        return cursor.fetchall() if cursor.description is not None else None
    except psycopg.Error as error:
        return error.sqlstate


def agree(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(agree, ours, theirs))
    if isinstance(theirs, float | Decimal) and isinstance(ours, float | int | Decimal):
        return math.isclose(ours, theirs, rel_tol=1e-12)
    return type(ours) is type(theirs) and bool(ours == theirs)


@pytest.mark.parametrize("case", SAME)
def test_as_postgresql(client: Connection, real: Connection, case: str) -> None:
    theirs = outcome(real, SAME[case])
    ours = outcome(client, SAME[case])
    assert agree(ours, theirs), f"here {ours}, PostgreSQL {theirs}"


@pytest.mark.parametrize("case", REFUSED)
def test_refused_here_and_taken_there(client: Connection, real: Connection, case: str) -> None:
    try:
        real.execute(REFUSED[case])
    except psycopg.Error as error:
        assert case == "OUT", error
    with pytest.raises(psycopg.Error) as caught:
        client.execute(REFUSED[case])
    assert caught.value.sqlstate == "0A000"
    assert "not supported" in str(caught.value) or "function f" in str(caught.value)
