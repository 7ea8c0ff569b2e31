"""TLS as clients ask for it, and SCRAM bound to it."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from gateway import passwords
from gateway.errors import AdminShutdown, ConfigurationFault
from gateway.wire.connection.admission import Admission
from gateway.wire.connection.server import GatewayServer
from gateway.wire.connection.tls import read_tls
from tests.wire import certificates, scripted
from tests.wire.client import Client

QUERY = "SELECT 1::int4 AS a"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    reason = certificates.missing()
    if reason is not None:
        pytest.skip(reason)
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(made: certificates.Certificates) -> Iterator[GatewayServer]:
    """Users alice and bob, TLS for localhost."""
    users = {name: passwords.make_verifier("secret") for name in ("alice", "bob")}
    admission = Admission(users, tls=read_tls(*made.server()))
    with scripted.running(admission=admission) as server:
        yield server


def connect(server: GatewayServer, **options: object) -> psycopg.Connection[object]:
    given = {"host": "localhost", "user": "alice", "password": "secret", "dbname": "d"} | options
    return psycopg.connect(port=server.address[1], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_libpq_connects(
    server: GatewayServer, made: certificates.Certificates, mode: str, binding: str
) -> None:
    root = str(made.authority)
    how = {"sslmode": mode, "sslrootcert": root, "channel_binding": binding}
    with connect(server, **how) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute(QUERY).fetchone() == (1,)


def test_many_rows_come_through_tls(server: GatewayServer, made: certificates.Certificates) -> None:
    with connect(server, sslmode="require") as connection:
        query = "SELECT generate_series(1, %s) AS n"
        rows = connection.execute(query, [100_000], binary=True).fetchall()
        assert rows == [(n,) for n in range(1, 100_001)]


def test_asyncpg_connects(server: GatewayServer, made: certificates.Certificates) -> None:
    context = ssl.create_default_context(cafile=str(made.authority))

    async def work() -> object:
        connection = await asyncpg.connect(
            host="localhost", port=server.address[1], user="bob", password="secret",
            database="d", ssl=context,
        )  # fmt: skip
        try:
            return await connection.fetchval(QUERY)
        finally:
            await connection.close()

    assert asyncio.run(work()) == 1


@pytest.mark.parametrize("options", [{"host": "127.0.0.1"}, {"sslrootcert": "elsewhere"}], ids=str)
def test_a_client_that_checks_the_name_finds_another(
    server: GatewayServer,
    made: certificates.Certificates,
    options: dict[str, str],
    tmp_path: Path,
) -> None:
    root = certificates.make(tmp_path).authority if "sslrootcert" in options else made.authority
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        connect(server, sslmode="verify-full", **options | {"sslrootcert": str(root)})
    with connect(server, sslmode="require") as connection:
        assert connection.execute(QUERY).fetchone() == (1,)


def test_without_tls_the_server_says_no() -> None:
    with scripted.running() as server:
        with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
            connect(server, sslmode="require")
        with connect(server, sslmode="prefer") as connection:
            assert not connection.pgconn.ssl_in_use


def test_tls_may_be_required(made: certificates.Certificates) -> None:
    admission = Admission(tls=read_tls(*made.server()), require_tls=True)
    with scripted.running(admission=admission) as server:
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            connect(server, sslmode="disable")
        with connect(server, sslmode="require") as connection:
            assert connection.execute(QUERY).fetchone() == (1,)


@pytest.mark.parametrize("request_", ["SSLRequest", "GSSENCRequest"])
def test_what_came_before_the_handshake_is_refused(server: GatewayServer, request_: str) -> None:
    with Client(server.address[1]) as client:
        client.send(request_, 'StartupMessage 3 0 {"user": "mallory"}')
        error = json.loads(client.hear().removeprefix("ErrorResponse "))
        assert (error["S"], error["C"]) == ("FATAL", "08P01")
        assert error["M"].startswith("received unencrypted data after")
        assert client.hear() == "(closed)"


def test_a_client_that_breaks_the_handshake_off_harms_nobody(server: GatewayServer) -> None:
    with Client(server.address[1]) as client:
        client.send("SSLRequest")
        assert client.byte() == 'Byte "S"'
        client.send("Sync")
        assert client.until("(closed)")
    with connect(server, sslmode="require") as connection:
        assert connection.execute(QUERY).fetchone() == (1,)


def test_an_idle_client_under_tls_hears_why_it_must_go(made: certificates.Certificates) -> None:
    with scripted.running(admission=Admission(tls=read_tls(*made.server()))) as server:
        connection = connect(server, sslmode="require")
        (client,) = server.clients()
        while client.busy:  # it has read our answer before its thread waits again
            pass
        client.stop(AdminShutdown("go away"))
        with pytest.raises(psycopg.errors.AdminShutdown, match="go away"):
            connection.execute(QUERY)


# SCRAM-SHA-256-PLUS, a message at a time over TLS without a check of the certificate.


class Bound(Client):
    """A client under TLS."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.send("SSLRequest")
        assert self.byte() == 'Byte "S"'
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket: socket.socket = context.wrap_socket(self.socket)
        self.stream = self.socket.makefile("rb")

    def first(self, mechanism: str, header: str) -> str:
        self.send('StartupMessage 3 0 {"user": "alice"}')
        assert self.hear() == 'Authentication 10 ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]'
        first = f"{header}n=,r=clientnonce".encode()
        body = mechanism.encode() + b"\0" + len(first).to_bytes(4, "big") + first
        self.send(json.dumps({"hex": body.hex()}).join(("PasswordMessage ", "")))
        return self.hear()


PLUS, PLAIN = "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"
END_POINT = "p=tls-server-end-point,,"


@pytest.mark.parametrize(
    ("mechanism", "header", "code", "words"),
    [
        (PLAIN, "y,,", "28000", "SCRAM channel binding negotiation error"),
        (PLUS, "n,,", "08P01", "malformed SCRAM message"),
        (PLUS, "y,,", "08P01", "malformed SCRAM message"),
        (PLAIN, END_POINT, "08P01", "malformed SCRAM message"),
        (PLUS, "p=tls-unique,,", "08P01", 'unsupported SCRAM channel-binding type "tls-unique"'),
        ("SCRAM-SHA-1", "n,,", "08P01", "invalid SASL authentication mechanism"),
    ],
)
def test_a_downgrade_is_noticed(
    server: GatewayServer, mechanism: str, header: str, code: str, words: str
) -> None:
    with Bound(server.address[1]) as client:
        error = json.loads(client.first(mechanism, header).removeprefix("ErrorResponse "))
        assert (error["S"], error["C"]) == ("FATAL", code) and words in error["M"]


def test_a_binding_to_another_certificate_is_refused(server: GatewayServer) -> None:
    with Bound(server.address[1]) as client:
        challenge = json.loads(client.first(PLUS, END_POINT).removeprefix("Authentication 11 "))
        nonce = challenge.partition(",")[0]
        binding = b64encode(END_POINT.encode() + bytes(32)).decode()
        client.send(f'PasswordMessage "c={binding},{nonce},p={b64encode(bytes(32)).decode()}"')
        error = json.loads(client.hear().removeprefix("ErrorResponse "))
        assert (error["C"], error["M"]) == ("28000", "SCRAM channel binding check failed")


def test_a_failed_login_is_logged_and_takes_its_time(
    made: certificates.Certificates, caplog: pytest.LogCaptureFixture
) -> None:
    admission = Admission({"alice": passwords.make_verifier("secret")}, delay_seconds=7.5)
    with scripted.running(admission=admission) as server:
        waited: list[float] = []
        server.pause = waited.append  # type: ignore[method-assign]
        for user in ("alice", "nobody"):
            with (
                caplog.at_level(logging.WARNING),
                pytest.raises(psycopg.OperationalError, match="password authentication failed"),
            ):
                connect(server, user=user, password="wrong")
            assert f'user "{user}" from 127.0.0.1 was refused' in caplog.text
        assert waited == [7.5, 7.5]


# Certificates and keys


@pytest.mark.parametrize("how", ["ec -pkeyopt ec_paramgen_curve:prime256v1", "ed25519"])
def test_other_kinds_of_keys(made: certificates.Certificates, how: str) -> None:
    pair = made.server(how.partition(" ")[0] + ".localhost", how)
    admission = Admission(tls=read_tls(*pair))
    with (
        scripted.running(admission=admission) as server,
        connect(server, sslmode="require") as connection,
    ):
        assert connection.execute(QUERY).fetchone() == (1,)


def test_a_certificate_signed_without_a_hash_binds_nothing(tmp_path: Path) -> None:
    reason = certificates.missing()
    if reason is not None:
        pytest.skip(reason)
    certificate, key = tmp_path / "own.crt", tmp_path / "own.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=own",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert read_tls(certificate, key).end_point == b""


def test_key_and_certificate_may_share_a_file(
    made: certificates.Certificates, tmp_path: Path
) -> None:
    certificate, key = made.server()
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    assert read_tls(both).end_point == read_tls(certificate, key).end_point != b""


def test_what_cannot_be_used_is_named(made: certificates.Certificates, tmp_path: Path) -> None:
    certificate, key = made.server()
    _, other = made.server("other.localhost")
    nothing, text = tmp_path / "nothing.pem", tmp_path / "text.pem"
    text.write_text("no certificate")
    for pair, words in (
        ((certificate, other), f"the key in {other} is not that of the certificate"),
        ((nothing, key), f"{nothing}: No such file"),
        ((certificate, nothing), f"{nothing}: No such file"),
        ((text, key), f"{text} holds no certificate"),
        ((certificate, text), f"{text} holds no private key"),
    ):
        with pytest.raises(ConfigurationFault, match=words):
            read_tls(*pair)
