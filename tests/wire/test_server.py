"""The server's own work: who gets in, cancel, limits, faults, and how it stops."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Iterator

import psycopg
import pytest

from gateway import passwords
from gateway.session.result import Field, Notice, Result
from gateway.types import INT4
from gateway.wire.connection import auth
from gateway.wire.connection.admission import Admission
from gateway.wire.connection.client import ClientGone
from gateway.wire.connection.conversation import Conversation
from gateway.wire.connection.server import GatewayServer
from gateway.wire.encoding.values import Bytes
from gateway.wire.protocol.messages import Query
from gateway.wire.protocol.states import Protocol
from tests.wire import scripted
from tests.wire.client import Client
from tests.wire.test_messages import MESSAGES

FAULT = "SELECT fault"
READY = 'ReadyForQuery "I"'


@pytest.fixture(scope="module")
def server() -> Iterator[GatewayServer]:
    with scripted.running() as server:
        yield server


def port_of(server: GatewayServer) -> int:
    return server.address[1]


def session_of(server: GatewayServer) -> scripted.ScriptedSession:
    """The session of the client that connected last."""
    return server.conn.sessions[-1]


def fields_of(line: str) -> dict[str, str]:
    """An error's fields."""
    name, _, fields = line.partition(" ")
    assert name in ("ErrorResponse", "NoticeResponse"), line
    found: dict[str, str] = json.loads(fields)
    return found


# Who gets in


@pytest.fixture(scope="module")
def guarded() -> Iterator[GatewayServer]:
    users = {
        "alice": passwords.make_verifier("se cret"),
        "bob": passwords.make_verifier("pässword"),
    }
    with scripted.running(admission=Admission(users)) as server:
        yield server


def connect(server: GatewayServer, user: str, password: str) -> psycopg.Connection[object]:
    host, port = server.address
    return psycopg.connect(host=host, port=port, user=user, password=password, dbname="d")


@pytest.mark.parametrize(("user", "password"), [("alice", "se cret"), ("bob", "pässword")])
def test_a_password_lets_in(guarded: GatewayServer, user: str, password: str) -> None:
    with connect(guarded, user, password) as connection:
        assert connection.execute("SELECT 1::int4 AS a").fetchone() == (1,)
    assert session_of(guarded).options["user"] == user


@pytest.mark.parametrize("user", ["alice", "nobody"])
def test_a_wrong_password_and_an_unknown_user_hear_the_same(
    guarded: GatewayServer, user: str
) -> None:
    with pytest.raises(psycopg.OperationalError) as refusal:
        connect(guarded, user, "wrong")
    assert f'FATAL:  password authentication failed for user "{user}"' in str(refusal.value)


def scram_first(port: int, user: str) -> list[str]:
    """Salt and iterations that the server tells a user."""
    with Client(port) as client:
        client.send(f'StartupMessage 3 0 {{"user": "{user}"}}')
        assert client.hear() == 'Authentication 10 ["SCRAM-SHA-256"]'
        first = b"n,,n=,r=clientnonce"
        body = b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
        client.send('PasswordMessage {"hex": "' + body.hex() + '"}')
        challenge = json.loads(client.hear().removeprefix("Authentication 11 "))
        return [part for part in challenge.split(",") if part[0] in "si"]


def scram_answer(port: int, **changes: str) -> str:
    """What the server says to a right proof for alice, but for the changes to its last message."""
    with Client(port) as client:
        client.send('StartupMessage 3 0 {"user": "alice"}')
        client.hear()
        bare = "n=,r=clientnonce"
        first = ("n,," + bare).encode()
        body = b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
        client.send('PasswordMessage {"hex": "' + body.hex() + '"}')
        challenge = json.loads(client.hear().removeprefix("Authentication 11 "))
        nonce, salt, iterations = (part[2:] for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", b"se cret", base64.b64decode(salt), int(iterations))
        key = hmac.digest(salted, b"Client Key", "sha256")
        final = {"c": "biws", "r": nonce} | changes
        without_proof = f"c={final['c']},r={final['r']}"
        signed = f"{bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True)))
        client.send(f'PasswordMessage "{without_proof},p={proof.decode()}"')
        return client.hear()


def test_the_proof_must_be_of_this_exchange(guarded: GatewayServer) -> None:
    port = port_of(guarded)
    assert scram_answer(port).startswith("Authentication 12")
    for changes in ({"r": "clientnonceother"}, {"c": "eSws"}):
        assert fields_of(scram_answer(port, **changes))["C"] == "08P01"


def test_an_unknown_user_has_a_salt_that_stays(guarded: GatewayServer) -> None:
    port = port_of(guarded)
    unknown, known = scram_first(port, "nobody"), scram_first(port, "alice")
    assert unknown == scram_first(port, "nobody") != scram_first(port, "noone")
    assert [len(part) for part in unknown] == [len(part) for part in known]


def test_a_verifier_is_postgresqls() -> None:
    salt, stored, server, iterations = passwords.read_verifier(passwords.make_verifier("pw"))
    salted = hashlib.pbkdf2_hmac("sha256", b"pw", salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert stored == hashlib.sha256(client_key).digest()
    assert server == hmac.digest(salted, b"Server Key", "sha256")


def test_postgresql_takes_our_verifier(postgres_port: int) -> None:
    dsn = f"host=127.0.0.1 port={postgres_port} user=postgres"
    verifier = passwords.make_verifier("pw")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE verified PASSWORD '{verifier}'")
        query = "SELECT rolpassword FROM pg_authid WHERE rolname = 'verified'"
        assert connection.execute(query).fetchone() == (verifier,)
        connection.execute("DROP ROLE verified")


@pytest.mark.parametrize(
    "line",
    [
        'PasswordMessage "nonsense"',
        'Raw {"hex": "7000ffffff"}',
        *(line for line in MESSAGES if not line.startswith(("PasswordMessage", "Terminate"))),
    ],
)
def test_before_the_password_nothing_else_is_heard(guarded: GatewayServer, line: str) -> None:
    with Client(port_of(guarded)) as client:
        client.send('StartupMessage 3 0 {"user": "alice"}')
        client.hear()
        client.send(line)
        error = fields_of(client.hear())
        assert (error["S"], error["C"]) == ("FATAL", "08P01")
        assert client.hear() == "(closed)"


def test_without_users_only_loopback_is_trusted(server: GatewayServer) -> None:
    exchange = server.admission.exchange
    assert isinstance(exchange("anyone", "127.0.0.1"), auth.Trust)
    assert isinstance(exchange("anyone", "::1"), auth.Trust)
    with pytest.raises(Exception, match="no entry for host"):
        exchange("anyone", "192.0.2.1")
    trusting = Admission(trust_everyone=True)
    assert isinstance(trusting.exchange("anyone", "192.0.2.1"), auth.Trust)


@pytest.mark.parametrize("verifier", ["md5abc", "SCRAM-SHA-256$4096:x$y:z", ""])
def test_a_verifier_of_another_form_is_refused(verifier: str) -> None:
    with pytest.raises(Exception, match="verifier must read"):
        passwords.read_verifier(verifier)


# Cancel


def running_client(server: GatewayServer, client: Client, *lines: str) -> scripted.ScriptedSession:
    """A client whose statement runs until someone cancels it."""
    client.start()
    session = session_of(server)
    client.send(*(lines or ('Query "SELECT pg_sleep(60)"',)))
    assert session.server_runs.wait(300)
    return session


def cancel(port: int, key: bytes, other: bool = False) -> None:
    process_id = int.from_bytes(key[:4], "big")
    secret = bytes(byte ^ other for byte in key[4:])
    with Client(port) as client:
        client.send(f'CancelRequest {process_id} {{"hex": "{secret.hex()}"}}')
        assert client.hear() == "(closed)"


def test_cancel_stops_the_statement_and_not_the_client(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        running_client(server, client)
        cancel(port_of(server), client.key)
        heard = client.until("ReadyForQuery")
        assert fields_of(heard[-2])["C"] == "57014"
        assert client.ask('Query "SELECT 1::int4 AS a"')[-1] == READY


def test_cancel_with_another_key_does_nothing(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        session = running_client(server, client)
        cancel(port_of(server), client.key, other=True)
        assert session.server_runs.is_set() and not session.cancelled.is_set()
        session.cancel()


def test_keys_are_positive_and_differ(server: GatewayServer) -> None:
    with Client(port_of(server)) as one, Client(port_of(server)) as other:
        one.start(), other.start()
        assert one.key[:4] != other.key[:4] and one.key[4:] != other.key[4:]
        assert int.from_bytes(one.key[:4], "big", signed=True) > 0


def test_a_client_that_hangs_up_frees_its_statement(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        session = running_client(server, client)
    assert session.closed.wait(300)


def test_what_a_client_sent_before_it_hung_up_does_not_begin(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        running_client(server, client, 'Query "SELECT pg_sleep(60)"', 'Query "SELECT 1::int4 AS a"')
        client.socket.shutdown(socket.SHUT_WR)
        heard = client.until("(closed)")
        assert fields_of(heard[-2])["C"] == "08006"
        assert not any(line.startswith("ReadyForQuery") for line in heard)


def test_a_client_that_stops_reading_and_leaves_frees_its_rows(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        client.start()
        session = session_of(server)
        client.send(
            'Parse "" "SELECT generate_series(1, $1) AS n" []',
            'Bind "" "" [] ["2000000000"] []',
            'Execute "" 0',
            "Sync",
        )
        assert client.hear() == "ParseComplete"
    assert session.closed.wait(300)


# Faults and limits


def test_a_fault_of_ours_is_told_and_logged(
    server: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(port_of(server)) as client:
        client.start()
        with caplog.at_level(logging.ERROR):
            heard = client.ask(f'Query "{FAULT}"')
        assert fields_of(heard[-2])["C"] == "XX000"
        assert "ZeroDivisionError" in caplog.text
        assert client.ask('Query "SELECT 1::int4 AS a"')[-1] == READY


def test_more_clients_than_allowed_are_refused() -> None:
    with scripted.running(max_connections=2) as server:
        port = port_of(server)
        with Client(port) as one, Client(port) as two, Client(port) as three:
            assert one.start()[-1] == two.start()[-1] == READY
            error = fields_of(three.start()[-2])
            assert (error["S"], error["C"]) == ("FATAL", "53300")
            assert one.ask('Query "SELECT 1::int4 AS a"')[-1] == READY


def test_a_message_beyond_the_limit_ends_the_connection() -> None:
    with scripted.running(message_bytes=1000) as server, Client(port_of(server)) as client:
        client.start()
        assert client.ask('Query "' + "x" * 900 + '"')[-1] == READY
        client.send('Query "' + "x" * 1000 + '"')
        assert fields_of(client.hear())["C"] == "08P01"


def test_a_silent_client_is_not_waited_for() -> None:
    with scripted.running(authentication_seconds=0.05) as server, Client(port_of(server)) as client:
        assert client.hear() == "(closed)"


def test_bytes_that_make_no_sense_end_that_connection_alone(server: GatewayServer) -> None:
    with Client(port_of(server)) as healthy:
        healthy.start()
        for data in ("00", "ffffffff", "0000000400000000", "474554202f20485454502f312e310d0a"):
            with Client(port_of(server)) as client:
                client.send(f'Raw {{"hex": "{data}"}}')
                client.socket.shutdown(1)
                assert client.until("(closed)")[-1] == "(closed)"
        assert healthy.ask('Query "SELECT 1::int4 AS a"')[-1] == READY


def test_messages_may_come_byte_by_byte(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        client.start()
        whole = client.ask('Query "SELECT 1::int4 AS a"')
        query = b"SELECT 1::int4 AS a" + b"\0"
        for byte in b"Q" + (len(query) + 4).to_bytes(4, "big") + query:
            client.send(f'Raw {{"hex": "{byte:02x}"}}')
        assert client.until("ReadyForQuery") == whole


def test_notices_come_before_the_tag(server: GatewayServer) -> None:
    with Client(port_of(server)) as client:
        client.start()
        session_of(server).waiting_notices.append(Notice("look", "WARNING", "01000", hint="there"))
        heard = client.ask('Query "SELECT 1::int4 AS a"')
        notice = {"S": "WARNING", "V": "WARNING", "C": "01000", "M": "look", "H": "there"}
        assert fields_of(heard[2]) == notice
        assert heard[3:] == ['CommandComplete "SELECT 1"', READY]


def test_many_rows_arrive_whole_and_in_order(server: GatewayServer) -> None:
    host, port = server.address
    with psycopg.connect(host=host, port=port, user="u", dbname="d") as connection:
        query = "SELECT generate_series(1, %s) AS n"
        for binary in (False, True):
            rows = connection.execute(query, [100_000], binary=binary).fetchall()
            assert rows == [(n,) for n in range(1, 100_001)]


def _no_more() -> tuple[str, bytes]:
    raise ClientGone


def test_rows_for_a_client_that_is_gone_are_stopped() -> None:
    closed = []

    class Rows(Result):
        def close(self) -> None:
            closed.append(self)

    class Session(scripted.ScriptedSession):
        def run_simple(self, text: str) -> Iterator[Result]:
            yield Rows("SELECT", (Field("n", INT4),), scripted.series(self, (), 10))

    def send(data: Bytes) -> None:
        if bytes(data[:1]) == b"D":
            raise ClientGone

    conversation = Conversation(Session(), Protocol(), send, lambda: None, _no_more)  # type: ignore[arg-type]
    with pytest.raises(ClientGone):
        conversation.answer(Query("SELECT"))
    assert len(closed) == 1


# Stopping


def test_an_idle_client_hears_that_the_server_stops() -> None:
    with scripted.running() as server, Client(port_of(server)) as client:
        client.start()
        server.shutdown_gracefully(1)
        error = fields_of(client.hear())
        assert (error["S"], error["C"]) == ("FATAL", "57P01")
        assert client.hear() == "(closed)"


def test_a_statement_that_does_not_end_is_cancelled_when_the_server_stops() -> None:
    with scripted.running() as server, Client(port_of(server)) as client:
        running_client(server, client)
        server.shutdown_gracefully(0.05)
        codes = [fields_of(line)["C"] for line in client.until("(closed)") if "Error" in line]
        assert codes == ["57P01"]


def test_a_statement_may_end_before_the_server_stops() -> None:
    with scripted.running() as server, Client(port_of(server)) as client:
        session = running_client(server, client)
        stopping = threading.Thread(target=server.shutdown_gracefully, args=(5,))
        stopping.start()
        assert server._stop.wait(300)
        session.cancel()
        stopping.join(300)
        assert not stopping.is_alive()
        assert "57P01" in client.until("(closed)")[-2]


def test_a_server_that_never_served_stops() -> None:
    server = GatewayServer(("127.0.0.1", 0), scripted.ScriptedGateway())
    server.shutdown_gracefully(1)


def test_ipv6_is_served() -> None:
    try:
        server = GatewayServer(("::1", 0), scripted.ScriptedGateway())
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    host, port = server.address
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with psycopg.connect(host=host, port=port, user="u", dbname="d") as connection:
            assert connection.execute("SELECT 1::int4 AS a").fetchone() == (1,)
    finally:
        server.shutdown_gracefully(1)
        thread.join()


def test_base64_of_a_verifier_is_strict() -> None:
    salt = base64.b64encode(b"x" * 16).decode()
    key = base64.b64encode(b"y" * 32).decode()
    assert passwords.read_verifier(f"SCRAM-SHA-256$4096:{salt}${key}:{key}").salt == b"x" * 16
    with pytest.raises(Exception, match="verifier must read"):
        passwords.read_verifier(f"SCRAM-SHA-256$1000:{salt}${key}:{key}")
