"""Functions are kept as tables and views are: durable, whole or not at all, seen when committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.errors import DependentObjectsStillExist, DuplicateFunction, GatewayError
from gateway.sql.meaning.functions import Argument, Function, FunctionName
from gateway.store.definitions.encoding import decode_function, encode_function
from gateway.store.disk.database import FILE
from gateway.store.tables import Store, StoreSession
from gateway.types import BOOL, FLOAT8, INT4, TEXT, array_of
from tests.conftest import Connect
from tests.functions.conftest import Connection

G = FunctionName("public", "g", 1)
WHOLE = Function(
    "public",
    'odd "name',
    (Argument("X", FLOAT8), Argument("", array_of(TEXT))),
    BOOL,
    "'ä' || $1 -- ;",
    strict=True,
    volatility="stable",
    bound=(("", G), ("public", G)),
    hidden=True,
)
PLAIN = Function("public", "f", (Argument("x", INT4),), INT4, "SELECT x")


def nothing() -> None:
    """No check."""


@pytest.mark.parametrize("function", [WHOLE, PLAIN], ids=["bound", "late"])
def test_a_row_of_the_catalogue(function: Function) -> None:
    assert decode_function(function.schema, function.name, encode_function(function)) == function


def test_it_outlives_the_server(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session = store.session()
    session.create_function(PLAIN, nothing)
    session.create_function(WHOLE, nothing)
    version = session.version
    session.close()
    store.close()
    store = Store(tmp_path)
    session = store.session()
    assert session.functions() == [PLAIN, WHOLE]
    assert session.function(PLAIN.key) == PLAIN
    assert session.function(FunctionName("public", "f", 2)) is None
    assert version > 0
    session.close()
    store.close()


def test_a_directory_from_before_there_were_functions(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with duckdb.connect(str(tmp_path / FILE)) as database:
        database.execute("DROP TABLE gradwire.functions")
    store = Store(tmp_path)
    session = store.session()
    session.create_function(PLAIN, nothing)
    assert session.functions() == [PLAIN]
    session.close()
    store.close()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[StoreSession]:
    store = Store(tmp_path)
    session = store.session()
    yield session
    session.close()
    store.close()


def test_what_the_check_raises_undoes_all(session: StoreSession) -> None:
    def check() -> None:
        assert session.function(PLAIN.key) == PLAIN
        raise DuplicateFunction("no")

    with pytest.raises(DuplicateFunction):
        session.create_function(PLAIN, check)
    assert session.functions() == []


def test_cascade_follows_every_caller(session: StoreSession) -> None:
    names = ("a", "b", "c", "d")
    keys = [FunctionName("public", name, 0) for name in names]
    for n, key in enumerate(keys):
        bound = (("", keys[n - 1]),) if n else ()
        session.create_function(Function("public", key.name, (), INT4, "1", bound=bound), nothing)
    with pytest.raises(DependentObjectsStillExist) as caught:
        session.drop_functions([keys[1]])
    assert caught.value.detail == "function c() depends on function b()"
    others = session.drop_functions([keys[1]], cascade=True)
    assert [function.name for function in others] == ["c", "d"]
    assert [function.name for function in session.functions()] == ["a"]


def test_a_schema_with_functions_is_not_empty(session: StoreSession) -> None:
    session.create_schema("s")
    session.create_function(Function("s", "f", (), INT4, "1"), nothing)
    with pytest.raises(DependentObjectsStillExist) as caught:
        session.drop_schema("s")
    assert caught.value.detail == "function s.f() depends on schema s"
    session.drop_schema("s", cascade=True)
    assert session.functions() == []


@pytest.mark.parametrize("schema", ["nope", "s"])
def test_a_schema_must_be_there(session: StoreSession, schema: str) -> None:
    with pytest.raises(GatewayError) as caught:
        session.create_function(Function(schema, "f", (), INT4, "1"), nothing)
    assert caught.value.code == "3F000"


# Through a client


def test_a_restarted_server_answers_the_same(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=tmp_path)
    answers: list[Any] = []
    for _ in range(2):
        with App(settings) as app:
            host, port = app.address
            with psycopg.connect(
                host=host, port=port, user="tester", dbname="gradwire", autocommit=True
            ) as client:
                if not answers:
                    client.execute(
                        "CREATE FUNCTION f(x double precision) RETURNS double precision"
                        " LANGUAGE sql RETURN x * exp(x)"
                    )
                    client.execute(
                        "CREATE FUNCTION df(x double precision) RETURNS double precision"
                        " LANGUAGE sql RETURN grad(f(x), x)"
                    )
                answers.append(client.execute("SELECT f(1.5), df(0.0)").fetchone())
    assert answers[0] == answers[1]
    assert answers[0] is not None and answers[0][1] == 1.0


def test_others_see_it_when_it_is_committed(client: Connection, connect: Connect) -> None:
    (path,) = client.execute("SHOW search_path").fetchone() or ("",)
    other = connect()
    other.execute(f"SET search_path TO {path}")
    client.execute("BEGIN")
    client.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1")
    assert client.execute("SELECT f()").fetchone() == (1,)
    with pytest.raises(psycopg.errors.UndefinedFunction):
        other.execute("SELECT f()")
    client.execute("COMMIT")
    assert other.execute("SELECT f()").fetchone() == (1,)


def test_a_failed_definition_fails_its_transaction(client: Connection) -> None:
    client.execute("BEGIN")
    client.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        client.execute("CREATE FUNCTION g() RETURNS int LANGUAGE sql RETURN x")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        client.execute("SELECT f()")
    client.execute("ROLLBACK")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        client.execute("SELECT f()")


def test_dropping_tells_what_went_with_it(client: Connection) -> None:
    notices: list[str] = []
    client.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    for name, body in {"a": "1", "b": "a()", "c": "b() + a()"}.items():
        client.execute(f"CREATE FUNCTION {name}() RETURNS int LANGUAGE sql RETURN {body}")
    client.execute("DROP FUNCTION c CASCADE")
    client.execute("CREATE FUNCTION c() RETURNS int LANGUAGE sql RETURN b()")
    client.execute("DROP FUNCTION a() CASCADE")
    client.execute("DROP FUNCTION IF EXISTS a, b(int)")
    assert notices == [
        "drop cascades to 2 other objects",
        "function a() does not exist, skipping",
        "function b(integer) does not exist, skipping",
    ]
