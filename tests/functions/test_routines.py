"""CREATE FUNCTION and DROP FUNCTION as records."""

from __future__ import annotations

import pytest

from gateway.errors import GatewayError
from gateway.sql.statements.reading import statements
from gateway.sql.statements.routines import CreateFunction, DropFunction
from gateway.sql.statements.statement import Kind

# The argument list -> names and types.
ARGUMENTS = {
    "": [],
    "x double precision": [("x", "double precision")],
    "double precision": [("", "double precision")],
    "float8, y real": [("", "double precision"), ("y", "real")],
    "IN a int, b pg_catalog.int8": [("a", "integer"), ("b", "bigint")],
    'date date, "Time" time': [("date", "date"), ("Time", "time without time zone")],
    "t timestamp with time zone": [("t", "timestamp with time zone")],
    "timestamp without time zone": [("", "timestamp without time zone")],
    "a numeric(10, 2), b varchar(3)": [("a", "numeric"), ("b", "character varying")],
    "character varying, c character varying (3)": [
        ("", "character varying"),
        ("c", "character varying"),
    ],
    "a float(24), float(25)": [("a", "real"), ("", "double precision")],
    "a int[], text []": [("a", "integer[]"), ("", "text[]")],
    "X INT": [("x", "integer")],
}

RESULTS = {
    "double precision": "double precision",
    "character varying(3)": "character varying",
    "numeric (10, 2)": "numeric",
    "timestamp with time zone": "timestamp with time zone",
    "pg_catalog.float8": "double precision",
    "int[]": "integer[]",
}

# What follows the result -> body, where it begins, quoted, strict, volatility.
CLAUSES = {
    "RETURN x + 1": ("x + 1", "x + 1", False, False, "volatile"),
    "LANGUAGE sql IMMUTABLE STRICT RETURN (x)": ("(x)", "(x)", False, True, "immutable"),
    "AS 'SELECT 1' LANGUAGE 'sql' STABLE": ("SELECT 1", "'SELECT 1'", True, False, "stable"),
    "LANGUAGE SQL AS $b$ SELECT '$$'; $b$": (
        " SELECT '$$'; ", "$b$", True, False, "volatile",
    ),
    "CALLED ON NULL INPUT NOT LEAKPROOF PARALLEL SAFE COST 10 RETURN 1": (
        "1", "1", False, False, "volatile",
    ),
    "RETURNS NULL ON NULL INPUT EXTERNAL SECURITY INVOKER RETURN 'a;b'": (
        "'a;b'", "'a;b'", False, True, "volatile",
    ),
    "LANGUAGE sql SECURITY INVOKER RETURN 1 /* all */": ("1", "1", False, False, "volatile"),
}  # fmt: skip


def read(text: str) -> CreateFunction:
    (statement,) = statements(text)
    assert statement.kind is Kind.DEFINITION
    assert statement.command == "CREATE FUNCTION"
    assert isinstance(statement.tree, CreateFunction)
    return statement.tree


@pytest.mark.parametrize("text", ARGUMENTS)
def test_arguments(text: str) -> None:
    found = read(f"CREATE FUNCTION f({text}) RETURNS int RETURN 1").arguments
    assert [(a.name, a.type.sql) for a in found] == ARGUMENTS[text]


@pytest.mark.parametrize("text", RESULTS)
def test_result(text: str) -> None:
    for rest in ("RETURN 1", "LANGUAGE sql RETURN 1", "STRICT RETURN 1", "AS 'x' LANGUAGE sql"):
        found = read(f"CREATE FUNCTION f() RETURNS {text} {rest}")
        assert found.returns.sql == RESULTS[text]


@pytest.mark.parametrize("text", CLAUSES)
def test_clauses(text: str) -> None:
    statement = f"CREATE OR REPLACE FUNCTION f(x int) RETURNS int {text}"
    found = read(statement)
    body, start, *rest = CLAUSES[text]
    assert found.body == body
    assert found.body_start == statement.rindex(start) or statement[found.body_start :].startswith(
        start
    )
    assert [found.quoted, found.strict, found.volatility] == rest
    assert found.replace


@pytest.mark.parametrize(
    ("text", "name"),
    [("f", ("f",)), ("S.F", ("s", "f")), ('s."F g"', ("s", "F g")), ("d.s.f", ("d", "s", "f"))],
)
def test_names(text: str, name: tuple[str, ...]) -> None:
    assert read(f"CREATE FUNCTION {text}() RETURNS int RETURN 1").name == name


def test_drop() -> None:
    (statement,) = statements("DROP FUNCTION IF EXISTS f(int, b text), s.g, h() CASCADE")
    assert statement.command == "DROP FUNCTION"
    tree = statement.tree
    assert isinstance(tree, DropFunction)
    shown = [(name, types and [t.sql for t in types]) for name, types in tree.functions]
    assert shown == [(("f",), ["integer", "text"]), (("s", "g"), None), (("h",), ())]
    assert tree.if_exists and tree.cascade


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("CREATE FUNCTION f(a int DEFAULT 1) RETURNS int RETURN 1", "0A000", "DEFAULT"),
        ("CREATE FUNCTION f(a nope) RETURNS int RETURN 1", "42704", "nope"),
        ("CREATE FUNCTION f() RETURNS SETOF int RETURN 1", "0A000", "SETOF"),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
            "0A000",
            "SECURITY",
        ),
        ("CREATE FUNCTION f() RETURNS int RETURN 1 +", "42601", ""),
        ("CREATE FUNCTION f() RETURNS int RETURN a b c", "42601", "c"),
        ("CREATE FUNCTION f() RETURNS int STRICT IMMUTABLE STRICT RETURN 1", "42601", "STRICT R"),
        ("CREATE FUNCTION f() RETURNS int NOPE RETURN 1", "42601", "NOPE"),
        ("DROP FUNCTION f(", "42601", ""),
        ("DROP FUNCTION f CASCADE g", "42601", "g"),
    ],
)
def test_refusals_have_a_place(text: str, code: str, at: str) -> None:
    with pytest.raises(GatewayError) as caught:
        statements(text)
    assert caught.value.code == code
    if at:
        assert text[caught.value.position - 1 :].startswith(at)
