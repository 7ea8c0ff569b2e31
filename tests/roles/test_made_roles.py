"""Roles that statements made: their logins, what their sessions begin with, how long they last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.config import Role, Settings
from gateway.passwords import make_verifier

Connection = psycopg.Connection[Any]


@contextmanager
def serving(**settings: Any) -> Iterator[App]:
    with App(Settings(port=0, failed_login_seconds=0, **settings)) as app:
        yield app


def connect(app: App, user: str, password: str | None = None) -> Connection:
    host, port = app.address
    return psycopg.connect(
        host=host, port=port, user=user, password=password, dbname="postgres", autocommit=True
    )


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    """With one administrator, who has a password."""
    users = {"admin": make_verifier("adm")}
    with serving(users=users, superusers=["admin"], roles={"lab": Role()}) as app:
        yield app


@pytest.fixture
def admin(app: App) -> Iterator[Connection]:
    with connect(app, "admin", "adm") as connection:
        yield connection


def _refused(app: App, user: str, password: str | None = None) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(app, user, password)
    return str(caught.value)


def test_a_made_role_logs_in_by_its_password(app: App, admin: Connection) -> None:
    assert "password" in _refused(app, "logs_in", "one")
    admin.execute("CREATE USER logs_in PASSWORD 'one'")
    with connect(app, "logs_in", "one") as client:
        assert client.execute("SELECT current_user").fetchone() == ("logs_in",)
        assert client.execute("SHOW is_superuser").fetchone() == ("off",)
    assert "password authentication failed" in _refused(app, "logs_in", "two")
    admin.execute("ALTER ROLE logs_in PASSWORD 'two'")
    connect(app, "logs_in", "two").close()
    admin.execute(f"ALTER ROLE logs_in PASSWORD '{make_verifier('three')}'")
    connect(app, "logs_in", "three").close()
    with connect(app, "logs_in", "three") as client:
        client.execute("ALTER ROLE logs_in PASSWORD 'own'")
    connect(app, "logs_in", "own").close()
    for change in ("PASSWORD NULL", "PASSWORD 'own' VALID UNTIL '2020-01-01'"):
        admin.execute(f"ALTER ROLE logs_in {change}")
        assert "password authentication failed" in _refused(app, "logs_in", "own")
    admin.execute("ALTER ROLE logs_in VALID UNTIL 'infinity' NOLOGIN")
    assert "not permitted to log in" in _refused(app, "logs_in", "own")
    assert "password authentication failed" in _refused(app, "logs_in", "guessed")
    admin.execute("DROP ROLE logs_in")
    assert "password authentication failed" in _refused(app, "logs_in", "own")


def test_a_password_is_nowhere_to_be_read(app: App, admin: Connection) -> None:
    admin.execute("CREATE USER quiet PASSWORD 'S3cretWord'")
    for query in ("TABLE pg_authid", "TABLE pg_shadow", "SELECT query FROM gradwire.statements"):
        shown = str(admin.execute(query).fetchall())
        assert "SCRAM-SHA-256" not in shown
        assert "S3cretWord" not in shown
    admin.execute("DROP ROLE quiet")


def test_a_made_role_begins_with_its_settings_and_limits(app: App, admin: Connection) -> None:
    admin.execute("CREATE USER begins PASSWORD 'x' CONNECTION LIMIT 1")
    admin.execute("ALTER ROLE begins SET statement_timeout = '7s'")
    admin.execute("ALTER ROLE begins SET search_path TO pg_catalog, public")
    database = admin.info.dbname
    admin.execute("ALTER ROLE ALL SET statement_timeout = '9s'")
    admin.execute(f"ALTER DATABASE {database} SET statement_timeout = '8s'")
    admin.execute(f"ALTER DATABASE {database} SET extra_float_digits = 0")
    admin.execute(f"ALTER ROLE begins IN DATABASE {database} SET extra_float_digits = -1")
    with connect(app, "begins", "x") as client:
        assert client.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert client.execute("SHOW search_path").fetchone() == ("pg_catalog, public",)
        assert client.execute("SHOW extra_float_digits").fetchone() == ("-1",)
        client.execute("SET statement_timeout = 0")
        client.execute("RESET statement_timeout")
        assert client.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert "too many connections" in _refused(app, "begins", "x")
    with (
        connect(app, "begins", "x") as client,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of database"),
    ):
        client.execute(f"ALTER DATABASE {database} RESET ALL")
    admin.execute("DROP ROLE begins")
    kept = "SELECT setconfig FROM pg_db_role_setting ORDER BY setdatabase"
    settings = ["statement_timeout=8s", "extra_float_digits=0"]
    assert admin.execute(kept).fetchall() == [(["statement_timeout=9s"],), (settings,)]
    admin.execute(f"ALTER ROLE ALL RESET ALL; ALTER DATABASE {database} RESET ALL")


def test_who_is_dropped_can_do_nothing_more(app: App, admin: Connection) -> None:
    admin.execute("CREATE USER going PASSWORD 'x'")
    with connect(app, "going", "x") as client:
        for _ in range(4):
            assert client.execute("SELECT 1").fetchone() == (1,)
        admin.execute("DROP ROLE going")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="does not exist"):
            client.execute("SELECT 1")


def test_roles_of_the_configuration_stay_as_they_are(app: App, admin: Connection) -> None:
    for statement in ("ALTER ROLE lab SUPERUSER", "DROP ROLE lab", "ALTER ROLE lab RENAME TO x"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="configuration"):
            admin.execute(statement)
    admin.execute("CREATE ROLE joins; GRANT lab TO joins; GRANT joins TO admin")
    assert admin.execute("SELECT pg_has_role('joins', 'lab', 'USAGE')").fetchone() == (True,)
    admin.execute("DROP ROLE joins")


def test_roles_last(tmp_path: Path) -> None:
    users = {"admin": make_verifier("adm")}
    settings = {"users": users, "superusers": ["admin"], "data_dir": tmp_path}
    with serving(**settings) as app, connect(app, "admin", "adm") as admin:
        admin.execute("CREATE ROLE team; CREATE USER lasts PASSWORD 'x' IN ROLE team")
        admin.execute("CREATE TABLE kept AS SELECT 1 AS a; GRANT SELECT ON kept TO team")
    with serving(**settings) as app, connect(app, "lasts", "x") as client:
        assert client.execute("SELECT a FROM kept").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute("INSERT INTO kept VALUES (2)")


def test_without_configured_roles_those_that_are_made_are_asked() -> None:
    """Everyone else is an administrator still, and whoever has a password must give it."""
    with serving() as app, connect(app, "me") as me:
        me.execute("CREATE TABLE mine (a int)")
        me.execute("CREATE USER guest PASSWORD 'x'")
        assert "password" in _refused(app, "guest")
        with connect(app, "guest", "x") as guest:
            for statement in ("SELECT * FROM mine", "CREATE TABLE t (a int)", "CREATE ROLE other"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    guest.execute(statement)
            assert guest.execute("SELECT has_table_privilege('mine', 'SELECT')").fetchone() == (
                False,
            )
            me.execute("GRANT SELECT ON mine TO guest")
            assert guest.execute("SELECT * FROM mine").fetchall() == []
            acl = "SELECT relacl::text, tableowner FROM pg_class JOIN pg_tables"
            shown = f"{acl} ON tablename = relname WHERE relname = 'mine'"
            assert me.execute(shown).fetchone() == ("{me=arwdDxt/me,guest=r/me}", "me")
        with connect(app, "another") as another:
            another.execute("DROP TABLE mine")
