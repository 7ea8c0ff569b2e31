"""A login that is not finished, and what a login tells: nothing of who there is."""

from __future__ import annotations

import re
import statistics
import time
from base64 import b64decode
from collections.abc import Iterator

import psycopg
import pytest

from gateway.errors import GatewayError, ProtocolViolation
from gateway.passwords import make_verifier
from gateway.roles import Made, MadeRole
from gateway.wire.connection.admission import Admission
from gateway.wire.connection.auth import Scram
from gateway.wire.connection.server import GatewayServer
from gateway.wire.protocol.messages import PasswordMessage
from tests.wire import scripted
from tests.wire.client import Client, send_bytes

STARTUP = send_bytes('StartupMessage 3 0 {"user": "alice", "database": "d"}')
SSL = send_bytes("SSLRequest")
FIRST = b"n,,n=,r=clientnonce"
_SASL = b"SCRAM-SHA-256\0" + len(FIRST).to_bytes(4, "big") + FIRST
SASL = b"p" + (len(_SASL) + 4).to_bytes(4, "big") + _SASL


# Who begins a login must end it in time


@pytest.fixture(scope="module")
def hasty() -> Iterator[GatewayServer]:
    admission = Admission({"alice": make_verifier("secret")})
    with scripted.running(admission=admission, authentication_seconds=0.15) as server:
        yield server


#   what is sent before the silence       what is heard: 57014 once a startup packet is whole
UNFINISHED = {
    "nothing": (b"", []),
    "half a length": (STARTUP[:2], []),
    "a length": (STARTUP[:4], []),
    "half a startup packet": (STARTUP[:20], []),
    "all but its last byte": (STARTUP[:-1], []),
    "a request for TLS": (SSL, ["N"]),
    "half a packet after it": (SSL, ["N", STARTUP[:9]]),
    "a startup packet": (STARTUP, ["R", "E"]),
    "half a password": (STARTUP + SASL[:7], ["R", "E"]),
    "half of the exchange": (STARTUP + SASL, ["R", "R", "E"]),
}


def assert_free(server: GatewayServer) -> None:
    """No thread is left."""
    with server._changed:
        assert server._changed.wait_for(lambda: server._threads_open == 0, 300)


@pytest.mark.parametrize("what", UNFINISHED)
def test_a_login_that_is_not_finished_ends(hasty: GatewayServer, what: str) -> None:
    sent, expected = UNFINISHED[what]
    with Client(hasty.address[1]) as client:
        client.socket.sendall(sent)
        for each in expected:
            if isinstance(each, bytes):
                client.socket.sendall(each)
            elif each == "N":
                assert client.byte() == 'Byte "N"'
            elif each == "R":
                assert client.hear().startswith("Authentication")
            else:
                heard = client.hear()
                assert '"S": "FATAL"' in heard and '"C": "57014"' in heard
                assert "canceling authentication due to timeout" in heard
        assert client.hear() == "(closed)"
    assert_free(hasty)


def test_a_byte_now_and_then_does_not_prolong_it(hasty: GatewayServer) -> None:
    began = time.monotonic()
    with Client(hasty.address[1]) as client:
        client.socket.settimeout(0.02)
        for byte in STARTUP * 9:
            try:
                client.socket.sendall(bytes([byte]))
                if not client.socket.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert time.monotonic() - began < 5  # it would take four times as long


def test_the_thread_of_a_half_packet_is_free_when_its_client_leaves(hasty: GatewayServer) -> None:
    for length in range(len(STARTUP)):
        with Client(hasty.address[1]) as client:
            client.socket.sendall(STARTUP[:length])
    assert_free(hasty)


# What a refusal tells


MADE = Made(
    {
        "asleep": MadeRole("asleep", login=False, verifier=make_verifier("secret")),
        "bare": MadeRole("bare", login=True),
        "late": MadeRole(
            "late", login=True, verifier=make_verifier("secret"), valid_until="2020-01-01T00:00:00Z"
        ),
    }
)
NOBODY = ("alice", "nobody", "asleep", "bare", "late", "public")


@pytest.fixture(scope="module")
def guarded() -> Iterator[GatewayServer]:
    users = {"alice": make_verifier("secret")}
    with scripted.running(admission=Admission(users, made=lambda: MADE)) as server:
        yield server


def refusal(server: GatewayServer, user: str, password: str) -> str:
    host, port = server.address
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(host=host, port=port, user=user, password=password, dbname="d")
    return re.sub(r"^.*FATAL:", "FATAL:", str(refused.value).strip(), flags=re.DOTALL)


@pytest.mark.parametrize("user", NOBODY)
def test_whoever_gives_a_wrong_password_hears_the_same(guarded: GatewayServer, user: str) -> None:
    expected = f'FATAL:  password authentication failed for user "{user}"'
    assert refusal(guarded, user, "wrong") == expected


@pytest.mark.parametrize("user", ["bare", "late", "nobody", "public"])
def test_no_password_fits_who_has_none(guarded: GatewayServer, user: str) -> None:
    expected = f'FATAL:  password authentication failed for user "{user}"'
    assert refusal(guarded, user, "secret") == expected


def test_who_may_not_log_in_hears_so_after_the_right_password(guarded: GatewayServer) -> None:
    assert refusal(guarded, "asleep", "secret") == (
        'FATAL:  role "asleep" is not permitted to log in'
    )


def salt_of(admission: Admission, user: str) -> str:
    exchange = admission.exchange(user, "192.0.2.1")
    exchange.start()
    return exchange.receive(PasswordMessage(SASL[5:]))[9:].decode().split(",")[1]


def test_a_salt_tells_nothing_of_its_user(guarded: GatewayServer) -> None:
    salts = {user: salt_of(guarded.admission, user) for user in NOBODY}
    assert len({*salts.values()}) == len(NOBODY)
    assert {len(b64decode(salt[2:])) for salt in salts.values()} == {16}
    # Those that there are stay when the server starts again, and so do the others.
    again = Admission(guarded.admission.users, made=lambda: MADE)
    assert salts == {user: salt_of(again, user) for user in NOBODY}


def seconds_of_a_refusal(admission: Admission, user: str) -> float:
    """CPU of a whole exchange with a proof that is wrong."""
    began = time.thread_time()
    exchange = admission.exchange(user, "192.0.2.1")
    exchange.start()
    challenge = exchange.receive(PasswordMessage(SASL[5:]))[9:].decode()
    nonce = challenge.split(",")[0]
    try:
        exchange.receive(PasswordMessage(f"c=biws,{nonce},p={'A' * 43}=".encode()))
    except Exception as error:
        assert "password authentication failed" in str(error)
    return time.thread_time() - began


def test_an_unknown_user_costs_what_a_wrong_password_does(guarded: GatewayServer) -> None:
    """By the CPU that it takes, in turns: what else runs here says nothing of it."""
    times: dict[str, list[float]] = {"alice": [], "nobody": [], "late": []}
    for _ in range(400):
        for user, spent in times.items():
            spent.append(seconds_of_a_refusal(guarded.admission, user))
    known, unknown, late = (statistics.median(spent) for spent in times.values())
    assert 0.5 < unknown / known < 2 and 0.5 < late / known < 2


@pytest.mark.parametrize(
    ("first", "code", "message"),
    [
        (
            "n,a=bob,n=,r=abc",
            "0A000",
            "client uses authorization identity, but it is not supported",
        ),
        ("n,,m=x,n=,r=abc", "0A000", "client requires an unsupported SCRAM extension"),
        ("n,,n=,r=a\x01c", "08P01", "non-printable characters in SCRAM nonce"),
        ("n,,n=", "08P01", "malformed SCRAM message"),
        ("n,x,n=,r=abc", "08P01", "malformed SCRAM message"),
        ("", "08P01", "malformed SCRAM message"),
    ],
)
def test_what_scram_does_not_take_is_refused_as_by_postgresql(
    first: str, code: str, message: str
) -> None:
    data = first.encode()
    words = PasswordMessage(b"SCRAM-SHA-256\0" + len(data).to_bytes(4, "big") + data)
    with pytest.raises(GatewayError) as refused:
        Scram("alice", {}, b"secret").receive(words)
    assert (refused.value.code, str(refused.value)) == (code, message)


@pytest.mark.parametrize(
    ("final", "message", "detail"),
    [
        (
            "c=eSws,{nonce},p=AAAA",
            "unexpected SCRAM channel-binding attribute in client-final-message",
            "",
        ),
        ("c=biws,r=other,p=AAAA", "invalid SCRAM response", "Nonce does not match."),
        (
            "c=biws,{nonce},p=AAAA",
            "malformed SCRAM message",
            "Malformed proof in client-final-message.",
        ),
    ],
)
def test_a_last_word_that_does_not_fit_is_refused_as_by_postgresql(
    final: str, message: str, detail: str
) -> None:
    exchange = Scram("alice", {}, b"secret")
    challenge = exchange.receive(PasswordMessage(_SASL))[9:].decode()
    words = final.format(nonce=challenge.partition(",")[0]).encode()
    with pytest.raises(ProtocolViolation) as refused:
        exchange.receive(PasswordMessage(words))
    assert (str(refused.value), refused.value.detail) == (message, detail)
