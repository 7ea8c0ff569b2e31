"""Messages byte by byte, the table of states, and the examples in the wire's docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway.wire
from gateway.errors import CharacterNotInRepertoire, GatewayError, ProtocolViolation
from gateway.session.result import Field
from gateway.types import BY_NAME
from gateway.wire.protocol import messages, replies
from gateway.wire.protocol.inbox import Inbox
from gateway.wire.protocol.messages import read_message, read_startup
from gateway.wire.protocol.states import TABLE, Action, Protocol, State
from tests.wire.client import send_bytes

MODULES = [
    importlib.import_module(f"gateway.wire.{module.name}")
    for module in pkgutil.iter_modules(gateway.wire.__path__)
]

#   line                                                what it is
MESSAGES = {
    'Bind "p" "s" [0, 1] ["1", null] [1]': messages.Bind("p", "s", (0, 1), (b"1", None), (1,)),
    'Bind "" "" [] [""] []': messages.Bind("", "", (), (b"",), ()),
    'Close "S" "s"': messages.Close("S", "s"),
    'CopyData "1,2"': messages.CopyData(b"1,2"),
    "CopyDone": messages.CopyDone(),
    'CopyFail "no"': messages.CopyFail("no"),
    'Describe "P" ""': messages.Describe("P", ""),
    'Execute "p" 7': messages.Execute("p", 7),
    "Flush": messages.Flush(),
    "FunctionCall 9": messages.FunctionCall(9),
    'Parse "s" "SELECT $1" [23, 0]': messages.Parse("s", "SELECT $1", (23, 0)),
    'PasswordMessage "x"': messages.PasswordMessage(b"x"),
    'Query "SELECT größe"': messages.Query("SELECT größe"),
    "Sync": messages.Sync(),
    "Terminate": messages.Terminate(),
}
# Their body is whatever is there, so it cannot be too short or too long.
SHAPELESS = (messages.CopyData, messages.PasswordMessage)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_of_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(("line", "message"), MESSAGES.items())
def test_a_message_is_read_whole(line: str, message: messages.Message) -> None:
    data = send_bytes(line)
    assert read_message(chr(data[0]), data[5:]) == message


def test_every_type_of_the_table_is_read_here() -> None:
    assert {chr(send_bytes(line)[0]) for line in MESSAGES} == set(TABLE)


@pytest.mark.parametrize("line", MESSAGES)
def test_a_message_cut_short_or_too_long_is_refused(line: str) -> None:
    data = send_bytes(line)
    kind, body = chr(data[0]), data[5:]
    if isinstance(MESSAGES[line], SHAPELESS):
        return
    for length in range(len(body)):
        with pytest.raises(ProtocolViolation):
            read_message(kind, body[:length])
    with pytest.raises(ProtocolViolation):
        read_message(kind, body + b"\0")


@given(st.sampled_from(sorted(TABLE)), st.binary(max_size=40))
def test_any_bytes_are_a_message_or_refused(kind: str, body: bytes) -> None:
    try:
        read_message(kind, body)
    except GatewayError as error:
        assert isinstance(error, ProtocolViolation | CharacterNotInRepertoire)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_startup_packet_or_refused(body: bytes) -> None:
    try:
        read_startup(body)
    except GatewayError as error:
        assert isinstance(error, ProtocolViolation | CharacterNotInRepertoire)


@given(st.lists(st.integers(1, 30), max_size=20))
def test_the_inbox_cuts_the_same_messages_however_they_arrive(sizes: list[int]) -> None:
    stream = b"".join(map(send_bytes, MESSAGES))
    inbox, found, place = Inbox(), [], 0
    for size in [*sizes, len(stream)]:
        inbox.feed(stream[place : place + size])
        place += size
        while (message := inbox.next(10_000)) is not None:
            found.append(read_message(*message))
    assert found == list(MESSAGES.values()) and inbox.empty


#   state                 kinds that are answered, ignored; all others are refused
STATES = {
    State.AUTHENTICATION: ("Xp", ""),
    State.READY: ("BCDEFHPQSX", "cdf"),
    State.SKIPPING: ("SX", "BCDEFHPQcdf"),
    State.COPYING: ("cdf", "HS"),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", [*sorted(TABLE), "y", "\0"])
def test_every_message_in_every_state(state: State, kind: str) -> None:
    answered, ignored = STATES[state]
    protocol = Protocol()
    protocol.state = state
    if kind in answered:
        assert protocol.action(kind) is Action.ANSWER
    elif kind in ignored:
        assert protocol.action(kind) is Action.IGNORE
    else:
        with pytest.raises(ProtocolViolation):
            protocol.action(kind)
    assert protocol.state is (State.READY if (state, kind) == (State.SKIPPING, "S") else state)


def test_a_long_column_name_is_cut_between_characters() -> None:
    described = replies.row_description([Field("ü" * 40, BY_NAME["int4"])], [0])
    assert described[7:].partition(b"\0")[0] == ("ü" * 31).encode()


def test_an_error_field_cannot_end_early() -> None:
    error = GatewayError("a\0b", detail="d", hint="h", position=3)
    told = replies.error_response(error, "FATAL")[5:]
    assert told == b"SFATAL\0VFATAL\0CXX000\0Mab\0Dd\0Hh\0P3\0\0"
