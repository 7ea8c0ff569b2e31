"""Stopping other clients, idle clients' time, and who may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.passwords import make_verifier
from tests.conftest import Connect
from tests.wire import certificates
from tests.wire.client import Client

LONG = "SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)"


def pid_of(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None and row[0] == connection.info.backend_pid
    return int(row[0])


def running(connection: psycopg.Connection[Any], app: App) -> threading.Thread:
    """A thread in which the connection runs a statement that does not end by itself."""
    errors: list[type[BaseException]] = []

    def run() -> None:
        try:
            connection.execute(LONG)
        except psycopg.Error as error:
            errors.append(type(error))

    thread = threading.Thread(target=run)
    thread.errors = errors  # type: ignore[attr-defined]
    thread.start()
    while not any(
        (backend.process_id, backend.query) == (connection.info.backend_pid, LONG)
        for backend in app._server.backends.all()
    ):
        pass
    return thread


@pytest.mark.parametrize(
    "query",
    [
        "SELECT {function}({pid})",
        "SELECT {function}(pid) FROM pg_stat_activity WHERE pid = {pid}",
        "SELECT {function}(a.pid) AS done FROM pg_stat_activity AS a WHERE state = 'active'"
        " AND pid <> pg_backend_pid()",
    ],
)
@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("pg_cancel_backend", psycopg.errors.QueryCanceled),
        ("pg_terminate_backend", psycopg.errors.AdminShutdown),
    ],
)
def test_another_clients_statement_is_stopped(
    connect: Connect, gateway_app: App, query: str, function: str, error: type[psycopg.Error]
) -> None:
    victim, other = connect(), connect()
    pid = pid_of(victim)
    thread = running(victim, gateway_app)
    assert other.execute(query.format(function=function, pid=pid)).fetchone() == (True,)
    thread.join()
    assert thread.errors == [error]  # type: ignore[attr-defined]
    assert victim.closed == (error is psycopg.errors.AdminShutdown)


def test_an_idle_client_is_terminated(connect: Connect) -> None:
    victim, other = connect(), connect()
    row = other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid_of(victim)]).fetchone()
    assert row == (True,)
    with pytest.raises(psycopg.errors.AdminShutdown, match="administrator command"):
        victim.execute("SELECT 1")


def test_a_client_may_end_itself(connect: Connect) -> None:
    for number in ("pg_backend_pid()", "{pid}"):
        connection = connect()
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute(
                f"SELECT pg_terminate_backend({number})".format(pid=pid_of(connection))
            )


def test_a_process_that_is_none(connect: Connect) -> None:
    connection = connect()
    described = connection.execute(
        "SELECT *, pg_cancel_backend(NULL) AS done FROM pg_namespace WHERE nspname = 'pg_catalog'"
    )
    assert [(c.name, c.type_code) for c in described.description or ()][-1] == ("done", 16)
    assert described.fetchall()[0][-1] is None
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    for function in ("pg_cancel_backend", "pg_terminate_backend"):
        assert connection.execute(f"SELECT {function}(0)").fetchone() == (False,)
        assert connection.execute(f"SELECT {function}(NULL)").fetchone() == (None,)
    assert told == ["PID 0 is not a PostgreSQL backend process"] * 2
    connection.execute("SET client_min_messages = error")
    connection.execute("SELECT pg_cancel_backend(0)")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("setting", "before", "code"),
    [
        ("idle_in_transaction_session_timeout", "BEGIN", "25P03"),
        ("idle_in_transaction_session_timeout", "BEGIN; SELECT 1/0", "25P03"),
        ("idle_session_timeout", "SELECT 1", "57P05"),
    ],
)
def test_a_client_that_says_nothing_is_ended(
    gateway_address: tuple[str, int], setting: str, before: str, code: str
) -> None:
    with Client(gateway_address[1]) as client:
        client.start()
        client.ask(f'Query "SET {setting} = 30"')
        client.ask(f'Query "{before}"')
        assert code in client.hear()
        assert client.hear() == "(closed)"


# Superusers


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """alice is a superuser; two of three connections are for her. TLS is there where it can be."""
    files = dict.fromkeys(("tls_certificate", "tls_key"))
    if certificates.missing() is None:
        made = certificates.make(tmp_path_factory.mktemp("tls"))
        files = dict(
            zip(files, made.server(how="ec -pkeyopt ec_paramgen_curve:P-256"), strict=True)
        )
    users = {name: make_verifier(name) for name in ("alice", "bob", "carol")}
    settings = Settings(
        port=0, users=users, superusers=["alice"],
        max_connections=4, superuser_reserved_connections=1, **files,
    )  # fmt: skip
    with App(settings) as app:
        yield app


def login(app: App, user: str, sslmode: str = "disable") -> psycopg.Connection[Any]:
    host, port = app.address
    return psycopg.connect(
        host=host, port=port, user=user, password=user, dbname="d", autocommit=True,
        sslmode=sslmode,
    )  # fmt: skip


@pytest.mark.skipif(certificates.missing() is not None, reason="openssl is not installed")
@pytest.mark.parametrize(("sslmode", "wanted"), [
    ("disable", (False, None, None, None)),
    ("require", (True, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)),
])  # fmt: skip
def test_pg_stat_ssl_tells_how_a_client_is_encrypted(
    sslmode: str, wanted: tuple[object, ...], guarded: App
) -> None:
    with login(guarded, "bob", sslmode) as connection:
        told = "SELECT ssl, version, cipher, bits FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.execute(told).fetchone() == wanted


def test_others_may_stop_their_own_alone(guarded: App) -> None:
    with login(guarded, "alice") as alice, login(guarded, "bob") as bob:
        with login(guarded, "carol") as carol:
            assert alice.info.parameter_status("is_superuser") == "on"
            assert bob.info.parameter_status("is_superuser") == "off"
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="superuser query"):
                bob.execute("SELECT pg_cancel_backend(%s)", [alice.info.backend_pid])
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="whose process"):
                bob.execute("SELECT pg_terminate_backend(%s)", [carol.info.backend_pid])
        with login(guarded, "bob") as second:
            row = bob.execute("SELECT pg_terminate_backend(%s)", [second.info.backend_pid])
            assert row.fetchone() == (True,)
        row = alice.execute("SELECT pg_cancel_backend(%s)", [bob.info.backend_pid]).fetchone()
        assert row == (True,)


def test_the_last_connections_are_the_superusers(guarded: App) -> None:
    open_ones = [login(guarded, name) for name in ("bob", "carol", "bob")]
    try:
        with pytest.raises(psycopg.OperationalError, match="reserved for superusers"):
            login(guarded, "carol")
        with login(guarded, "alice") as alice:
            assert alice.execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(psycopg.OperationalError, match="too many clients already"):
                login(guarded, "alice")
    finally:
        for connection in open_ones:
            connection.close()


def test_what_is_secret_in_a_url_that_is_attached_is_shown_to_nobody(connect: Connect) -> None:
    one = connect()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        one.execute("ATTACH 'https://me:word@example.org/a.nc?sig=abc' AS a")
    shown = "SELECT query FROM pg_stat_activity WHERE pid = %s"
    found = connect().execute(shown, (one.info.backend_pid,)).fetchall()
    assert found == [("ATTACH 'https://example.org/a.nc' AS a",)]
