"""No bytes harm anyone but their sender: mutated messages in every state of a connection.

pytest tests/fuzz                                         2,000 cases
GRADWIRE_FUZZ_CASES=200000 pytest tests/fuzz              a longer run
GRADWIRE_FUZZ_FIRST=1234 GRADWIRE_FUZZ_CASES=1 pytest ... one case again
"""

from __future__ import annotations

import gc
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.passwords import make_verifier
from tests.fuzz.cases import Case, case
from tests.wire.client import Client

FIRST = int(os.environ.get("GRADWIRE_FUZZ_FIRST", "0"))
CASES = int(os.environ.get("GRADWIRE_FUZZ_CASES", "2000"))
PARTS = 4  # tests that share the cases
# What the process may keep after its first cases: objects of the interpreter, of which 2,000 cases
# keep some hundreds; and in a longer run bytes, of which allocators keep some megabytes.
MOST_OBJECTS, MOST_BYTES = 4_000, 32 * 2**20
WARM_CASES = 100
ANSWER_SECONDS = 200.0


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[bool, App]]:
    """A gateway with users, and one that trusts."""
    users = {"fuzz": make_verifier("secret")}
    open_ = Settings(port=0, message_bytes=2**20, failed_login_seconds=0)
    guarded = Settings(port=0, users=users, failed_login_seconds=0)
    with App(open_) as trusting, App(guarded) as asking:
        yield {False: trusting, True: asking}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bytes_harm_anyone_else(part: int, servers: dict[bool, App]) -> None:
    numbers = range(FIRST + part, FIRST + CASES, PARTS)
    objects = size = 0
    with Client(servers[False].address[1], ANSWER_SECONDS) as healthy:
        healthy.start()
        for count, number in enumerate(numbers):
            found = case(number)
            guarded = found.state == "authentication"
            check(found, answer(found, servers[guarded].address[1]))
            heard = healthy.ask('Query "SELECT 1 AS one"')
            assert heard[1:] == ['DataRow ["1"]', 'CommandComplete "SELECT 1"', 'ReadyForQuery "I"']
            if count == WARM_CASES:
                objects, size = kept_objects(), resident_bytes()
        if len(numbers) > 2 * WARM_CASES:
            assert kept_objects() - objects < MOST_OBJECTS
        if CASES > 2000:
            assert resident_bytes() - size < MOST_BYTES
    for app in servers.values():
        wait_until_gone(app)


def answer(found: Case, port: int) -> bytes:
    """All that the server says; it must end the connection when the client has no more to say."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection:
        try:
            connection.sendall(found.before + found.data)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                heard += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # it has hung up with bytes of ours unread
        except TimeoutError:
            pytest.fail(f"case {found.number} ({found.state}) is not answered")
    return heard


def check(found: Case, heard: bytes) -> None:
    """What was said is whole messages, and no fault of the server's own."""
    place = 0
    if found.state == "nothing said":
        while heard[place : place + 1] == b"N":  # no encryption; a notice would follow a startup
            place += 1
    while place < len(heard):
        kind = heard[place : place + 1]
        length = int.from_bytes(heard[place + 1 : place + 5], "big")
        assert kind in b"123CDEGHIKNRSTZcdnstv" and length >= 4, case_text(found, heard)
        body = heard[place + 5 : place + 1 + length]
        place += 1 + length
        assert not (kind == b"E" and b"CXX000" in body), case_text(found, body)


def case_text(found: Case, heard: bytes) -> str:
    return json.dumps(
        {
            "case": found.number,
            "state": found.state,
            "sent": found.data.decode("latin-1"),
            "heard": heard.decode("latin-1"),
        }
    )


def kept_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def wait_until_gone(app: App) -> None:
    """Every case's connection has ended on the server's side too."""
    server = app._server
    deadline = time.monotonic() + ANSWER_SECONDS
    with server._changed:
        server._changed.wait_for(lambda: not server.ctxts, deadline - time.monotonic())
    assert server.clients() == []
