"""What is put in place of a call: differentiable, each argument one operand, no guesses."""

from __future__ import annotations

import math

import psycopg
import pytest

from tests.functions.conftest import Connection

F8 = "double precision"
SIGMOID = f"CREATE FUNCTION sigmoid(x {F8}) RETURNS {F8} LANGUAGE sql RETURN 1.0 / (1.0 + exp(-x))"
SQUARE = f"CREATE FUNCTION square({F8}) RETURNS {F8} LANGUAGE sql AS 'SELECT $1 * $1'"
DSIGMOID = f"CREATE FUNCTION dsig(x {F8}) RETURNS {F8} LANGUAGE sql RETURN grad(sigmoid(x), x)"
POINTS = "(VALUES (0.5, -1.0, 2.0), (-1.5, 0.25, 0.0), (3.0, 1.0, -4.0)) AS p(x, a, b)"


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def slope(x: float) -> float:
    return sigmoid(x) * (1.0 - sigmoid(x))


def bend(x: float) -> float:
    return slope(x) * (1.0 - 2.0 * sigmoid(x))


def rewritten(client: Connection, query: str) -> str:
    """The engine's SQL on one line."""
    lines = client.execute(f"EXPLAIN (REWRITE) {query}").fetchall()
    return " ".join(" ".join(line for (line,) in lines).split())


def refused(client: Connection, query: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(query)
    return caught.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("grad(sigmoid(x), x)", lambda x, a, b: slope(x)),
        ("grad(sigmoid(a * x + b), a)", lambda x, a, b: x * slope(a * x + b)),
        ("grad(sigmoid(a * x + b), b)", lambda x, a, b: slope(a * x + b)),
        ("grad(grad(sigmoid(a * x + b), a), x)",
         lambda x, a, b: slope(a * x + b) + a * x * bend(a * x + b)),
        ("jvp(sigmoid(a * x), a, 2.0, x, -1.0)", lambda x, a, b: (2 * x - a) * slope(a * x)),
        ("vjp(square(sigmoid(x)), x, 3.0)", lambda x, a, b: 6 * sigmoid(x) * slope(x)),
        ("dsig(x)", lambda x, a, b: slope(x)),
        ("dsig(a * x + b)", lambda x, a, b: slope(a * x + b)),
        ("dsig(1.5)", lambda x, a, b: slope(1.5)),
        ("grad(dsig(a * x + b), a)", lambda x, a, b: x * bend(a * x + b)),
        ("grad(square(square(x)), x)", lambda x, a, b: 4 * x**3),
        ("square(x + a) - square(x - a)", lambda x, a, b: 4 * x * a),
        ("square(-x) * -square(a)", lambda x, a, b: -(x * x) * a * a),
        ("grad(1 - square(2 - x), x)", lambda x, a, b: 2 * (2 - x)),
    ],
)  # fmt: skip
def test_a_call_is_differentiable(client: Connection, expression: str, expected: object) -> None:
    for statement in (SIGMOID, SQUARE, DSIGMOID):
        client.execute(statement)
    rows = client.execute(f"SELECT {expression}, x, a, b FROM {POINTS}").fetchall()
    assert len(rows) == 3
    for value, *point in rows:
        x, a, b = map(float, point)
        assert callable(expected)
        assert value == pytest.approx(expected(x, a, b), rel=1e-12, abs=1e-15)


def test_columns_of_other_types_are_taken_as_double(client: Connection) -> None:
    client.execute(SIGMOID)
    client.execute("CREATE TABLE t (r real, n int)")
    client.execute("INSERT INTO t VALUES (0.5, 2), (NULL, NULL)")
    rows = client.execute(
        "SELECT grad(sigmoid(r), r), grad(sigmoid(n), n), sigmoid(n) FROM t ORDER BY n"
    ).fetchall()
    assert rows[0] == pytest.approx((slope(0.5), slope(2), sigmoid(2)))
    assert rows[1] == (None, None, None)


def test_the_text_is_what_one_would_have_written(client: Connection) -> None:
    for statement in (SIGMOID, SQUARE):
        client.execute(statement)
    client.execute("CREATE TABLE t (x double precision, n int)")
    query = "SELECT sigmoid(x), square(n) + 1, square(x - 1), sigmoid(-3) FROM t"
    found = rewritten(client, query).partition(" FROM ")[0]
    assert found == (
        "SELECT 1.0 / (1.0 + exp(-x)) AS sigmoid,"
        ' CAST(n AS DOUBLE PRECISION) * CAST(n AS DOUBLE PRECISION) + 1 AS "?column?",'
        " (x - 1) * (x - 1) AS square,"
        ' 1.0 / (1.0 + exp(-(-3.0))) AS "sigmoid:2"'
    )


def test_strict_is_written_out_where_the_body_does_not_say_it(client: Connection) -> None:
    client.execute("CREATE TABLE t (x double precision)")
    client.execute(f"CREATE FUNCTION f(a {F8}) RETURNS {F8} LANGUAGE sql STRICT RETURN exp(a) + a")
    client.execute(f"CREATE FUNCTION g(a {F8}) RETURNS {F8} LANGUAGE sql STRICT RETURN 1.5")
    found = rewritten(client, "SELECT f(x), g(x) FROM t").partition(" FROM ")[0]
    assert found == ("SELECT exp(x) + x AS f, CASE WHEN x IS NOT NULL THEN 1.5 END AS g")


def test_an_integer_is_cast_without_rounding(client: Connection) -> None:
    client.execute("CREATE TABLE t (n int)")
    client.execute("CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a * 2")
    assert rewritten(client, "SELECT f(n) FROM t").startswith("SELECT n * 2 AS f")


def test_equal_texts_of_unequal_trees_are_not_one_value(client: Connection) -> None:
    """n / (n + 1) and n / n + 1, where a derivative takes both as constants."""
    slope = "grad(x * coalesce(quotient(n, n + 1), 1) + x * coalesce(n / n + 1, 1), x)"
    client.execute(
        "CREATE FUNCTION quotient(a bigint, b bigint) RETURNS bigint LANGUAGE sql RETURN a / b"
    )
    client.execute(
        f"CREATE FUNCTION inside(x {F8}, n bigint) RETURNS {F8} LANGUAGE sql RETURN {slope}"
    )
    client.execute(f"CREATE TABLE t (x {F8}, n bigint)")
    client.execute("INSERT INTO t VALUES (2, 3)")
    assert client.execute(f"SELECT {slope}, inside(x, n) FROM t").fetchone() == (2, 2)


def test_result_columns_are_called_as_the_function(client: Connection) -> None:
    client.execute(SIGMOID)
    cursor = client.execute("SELECT sigmoid(1), sigmoid(2) AS s, sigmoid(1) + 1")
    assert [column.name for column in cursor.description or ()] == ["sigmoid", "s", "?column?"]


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("SELECT square(random())", "square"),
        ("SELECT 1 + square(1 + random())", "square"),
        ("SELECT square(noise())", "square"),
        ("SELECT grad(square(x + random()), x) FROM (VALUES (1.0)) AS t(x)", "square"),
    ],
)
def test_one_draw_stays_one_draw(client: Connection, query: str, at: str) -> None:
    client.execute(SQUARE)
    client.execute(f"CREATE FUNCTION noise() RETURNS {F8} LANGUAGE sql RETURN random()")
    error = refused(client, query)
    assert error.sqlstate == "0A000"
    assert "random() cannot be an argument of function square" in str(error)
    assert query[int(error.diag.statement_position or 0) - 1 :].startswith(at)


def test_a_draw_used_once_is_taken(client: Connection) -> None:
    client.execute(f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN 2 + x")
    (row,) = client.execute("SELECT f(random()), f(0)").fetchall()
    assert 2 <= row[0] < 3 and row[1] == 2


def test_a_strict_check_is_a_use(client: Connection) -> None:
    client.execute(
        f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql STRICT RETURN coalesce(x, 1)"
    )
    assert refused(client, "SELECT f(random())").sqlstate == "0A000"


def test_functions_that_call_each_other_are_refused(client: Connection) -> None:
    client.execute("CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x'")
    client.execute("CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x) + 1'")
    client.execute("CREATE FUNCTION h(x int) RETURNS int LANGUAGE sql RETURN g(x)")
    for body in ("AS 'SELECT h(x)'", "AS 'SELECT f(x)'", "RETURN g(x)"):
        error = refused(
            client, f"CREATE OR REPLACE FUNCTION f(x int) RETURNS int LANGUAGE sql {body}"
        )
        assert error.sqlstate == "42P19"
        assert "calls itself" in str(error)
    assert client.execute("SELECT h(4)").fetchone() == (5,)


def test_a_circle_closed_behind_our_back_is_refused_at_the_call(client: Connection) -> None:
    """A function found by its bare name may come to mean another one with the search_path."""
    client.execute("CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT x'")
    client.execute("CREATE FUNCTION g(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x)'")
    (path,) = client.execute("SHOW search_path").fetchone() or ("",)
    client.execute("CREATE SCHEMA aside")
    try:
        client.execute("CREATE FUNCTION aside.f(x int) RETURNS int LANGUAGE sql AS 'SELECT g(x)'")
        client.execute(f"SET search_path TO aside, {path}")
        error = refused(client, "SELECT g(1)")
        assert error.sqlstate == "42P19"
        assert error.diag.statement_position == "8"
        client.execute(f"SET search_path TO {path}")
        assert client.execute("SELECT g(1)").fetchone() == (1,)
    finally:
        client.execute("DROP SCHEMA aside CASCADE")


def test_a_bound_body_keeps_its_functions_under_another_search_path(client: Connection) -> None:
    client.execute("CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql RETURN x + 1")
    client.execute("CREATE FUNCTION late(x int) RETURNS int LANGUAGE sql AS 'SELECT f(x)'")
    client.execute("CREATE FUNCTION early(x int) RETURNS int LANGUAGE sql RETURN f(x)")
    (path,) = client.execute("SHOW search_path").fetchone() or ("",)
    client.execute("CREATE SCHEMA aside2")
    try:
        client.execute("CREATE FUNCTION aside2.f(x int) RETURNS int LANGUAGE sql RETURN x + 100")
        client.execute(f"SET search_path TO aside2, {path}")
        assert client.execute("SELECT late(1), early(1), f(1)").fetchone() == (101, 2, 101)
    finally:
        client.execute(f"SET search_path TO {path}")
        client.execute("DROP SCHEMA aside2 CASCADE")


def test_a_name_of_the_engine(client: Connection) -> None:
    (path,) = client.execute("SHOW search_path").fetchone() or ("",)
    schema = path.split(",")[0]
    notices: list[str] = []
    client.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    client.execute(f"CREATE FUNCTION sin(x {F8}) RETURNS {F8} LANGUAGE sql RETURN 42.0")
    assert len(notices) == 1 and "function sin of its own" in notices[0]
    query = f"SELECT sin(0.0), {schema}.sin(0.0), pg_catalog.sin(0.0)"
    assert client.execute(query).fetchone() == (0.0, 42.0, 0.0)
    client.execute(f"SET search_path TO {path}, pg_catalog")
    assert client.execute(query).fetchone() == (42.0, 42.0, 0.0)


def test_what_grows_without_end_is_refused(client: Connection) -> None:
    client.execute(SQUARE)
    nested = "x"
    for _ in range(14):
        nested = f"square({nested})"
    error = refused(client, f"SELECT {nested} FROM (VALUES (1.0)) AS t(x)")
    assert error.sqlstate == "54001"
    assert "20000 nodes" in str(error)


def test_deeply_nested_calls(client: Connection) -> None:
    client.execute(f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + 1")
    nested = "x"
    for _ in range(60):
        nested = f"f({nested})"
    query = f"SELECT {nested}, grad({nested}, x) FROM (VALUES (1.0)) AS t(x)"
    assert client.execute(query).fetchone() == (61.0, 1.0)


def test_parameters_take_the_type_of_the_argument(client: Connection) -> None:
    client.execute(SIGMOID)
    client.execute("CREATE FUNCTION f(a int, b text) RETURNS text LANGUAGE sql RETURN b || a")
    cursor = client.execute("SELECT sigmoid(%s), f(%s, %s)", [2, 3, "x"])
    (row,) = cursor.fetchall()
    assert row == (pytest.approx(sigmoid(2)), "x3")


def test_differentiate_sql_knows_functions(client: Connection) -> None:
    client.execute(SQUARE)
    assert client.execute("SELECT differentiate_sql('square(x) * y', 'x')").fetchone() == (
        "2.0 * x * y",
    )


def test_a_view_over_a_function_is_seen_through(client: Connection) -> None:
    client.execute(SIGMOID)
    client.execute("CREATE TABLE t (x double precision)")
    client.execute("INSERT INTO t VALUES (0.5)")
    client.execute("CREATE VIEW v AS SELECT x, sigmoid(x) AS s FROM t")
    assert client.execute("SELECT grad(s * x, x) FROM v").fetchone() == (
        pytest.approx(sigmoid(0.5) + 0.5 * slope(0.5)),
    )


def test_training_with_a_function(client: Connection) -> None:
    """A step down the slope of a loss that is a function."""
    client.execute(
        f"CREATE FUNCTION loss(a {F8}, b {F8}, x {F8}, y {F8}) RETURNS {F8} LANGUAGE sql"
        " RETURN (y - (a * x + b)) ^ 2"
    )
    client.execute(f"CREATE TABLE p (a {F8}, b {F8})")
    client.execute("INSERT INTO p VALUES (0, 0)")
    for _ in range(60):
        client.execute(
            "UPDATE p SET a = a - 0.1 * (SELECT AVG(grad(loss(q.a, q.b, x, y), q.a))"
            " FROM p AS q CROSS JOIN (VALUES (0.0, 1.0), (1.0, 3.0), (2.0, 5.0)) AS d(x, y)),"
            " b = b - 0.1 * (SELECT AVG(grad(loss(q.a, q.b, x, y), q.b))"
            " FROM p AS q CROSS JOIN (VALUES (0.0, 1.0), (1.0, 3.0), (2.0, 5.0)) AS d(x, y))"
        )
    assert client.execute("SELECT a, b FROM p").fetchone() == pytest.approx((2, 1), abs=0.05)


@pytest.mark.parametrize(
    ("query", "code", "at"),
    [
        ("SELECT square('a'::text)", "42883", "square"),
        ("SELECT 1, square(true)", "42883", "square"),
        ("SELECT square(1) OVER ()", "42809", "square"),
        ("SELECT nope.square(1)", "3F000", "nope"),
        ("SELECT grad(square(x), y) FROM (VALUES (1.0)) AS t(x)", "42703", "y"),
    ],
)
def test_refusals_point_at_the_call(client: Connection, query: str, code: str, at: str) -> None:
    client.execute(SQUARE)
    error = refused(client, query)
    assert error.sqlstate == code
    assert query[int(error.diag.statement_position or 0) - 1 :].startswith(at)


def test_a_body_that_has_no_derivative_says_so_at_the_call(client: Connection) -> None:
    client.execute("CREATE FUNCTION f(x text) RETURNS text LANGUAGE sql RETURN upper(x)")
    query = "SELECT 1, grad(length(f(x::text)), x) FROM (VALUES (1.0)) AS t(x)"
    error = refused(client, query)
    assert error.sqlstate == "0A000"


def test_a_prepared_statement_sees_the_function_as_it_is(client: Connection) -> None:
    create = f"CREATE OR REPLACE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql RETURN x + "
    for step in (1, 2):
        client.execute(f"{create} {step}")
        cursor = client.execute("SELECT f(%s)", [10.0], prepare=True)
        assert cursor.fetchone() == (10.0 + step,)


def test_names_of_arguments_are_folded(client: Connection) -> None:
    client.execute('CREATE FUNCTION f(A int, "B" int) RETURNS int LANGUAGE sql RETURN a - "B"')
    assert client.execute('SELECT f("B" => 1, A => 5)').fetchone() == (4,)


def test_a_dataset_takes_no_functions(client: Connection) -> None:
    error = refused(client, "CREATE FUNCTION ncep.f() RETURNS int LANGUAGE sql RETURN 1")
    assert error.sqlstate == "25006"


@pytest.mark.parametrize(
    ("body", "code", "at"),
    [
        ("RETURN y + 1", "42703", "y + 1"),
        ("AS 'SELECT y'", "42703", "'SELECT"),
        ("RETURN nope(x)", "42883", "nope"),
        ("RETURN grad(x, y)", "42703", "grad"),
        ("RETURN grad(upper(x::text), x)", "0A000", "grad"),
        ("RETURN true", "42P13", "true"),
        ("AS 'SELECT avg(x)'", "0A000", "'SELECT"),
    ],
)
def test_a_body_that_cannot_be_is_refused_where_it_stands(
    client: Connection, body: str, code: str, at: str
) -> None:
    query = f"CREATE FUNCTION f(x {F8}) RETURNS {F8} LANGUAGE sql {body}"
    error = refused(client, query)
    assert error.sqlstate == code
    assert query[int(error.diag.statement_position or 0) - 1 :].startswith(at)


def test_many_calls_are_no_bomb(client: Connection) -> None:
    client.execute(SIGMOID)
    calls = ", ".join(f"sigmoid(x + {n}) AS s{n}" for n in range(300))
    cursor = client.execute(f"SELECT {calls} FROM (VALUES (0.0)) AS t(x)")
    assert cursor.fetchone() == pytest.approx([sigmoid(n) for n in range(300)])
