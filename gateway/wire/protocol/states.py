"""Which message may come now: the table of states, without a socket.

After an error in the extended protocol everything up to Sync is skipped; COPY messages outside a
COPY are ignored, since a client may still be sending when its COPY has failed; a type that the
table does not know ends the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.errors import ProtocolViolation

# What PostgreSQL allows a message without a long text to hold (PQ_SMALL_MESSAGE_LIMIT).
SMALL_BYTES = 10_000


class State(Enum):
    """Where a connection stands."""

    AUTHENTICATION = "authentication"  # waiting for the client's half of an exchange
    READY = "ready"  # any query may come
    SKIPPING = "skipping"  # an error in a series; waiting for its Sync
    COPYING = "copying"  # COPY FROM STDIN runs and waits for its data


class Action(Enum):
    """What to do with a message."""

    ANSWER = "answer"
    IGNORE = "ignore"
    REFUSE = "refuse"


_ANSWER, _IGNORE, _REFUSE = Action.ANSWER, Action.IGNORE, Action.REFUSE


@dataclass(frozen=True, slots=True)
class Row:
    """One type of message: is it long, does it open a series, and what it does in each state."""

    kind: str
    name: str
    large: bool
    extended: bool
    authentication: Action
    ready: Action
    skipping: Action
    copying: Action


TABLE = {
    row.kind: row
    for row in (
        #   kind name             large  extended authent.  ready    skipping copying
        Row("B", "Bind",          True,  True,    _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("C", "Close",         False, True,    _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("D", "Describe",      False, True,    _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("E", "Execute",       False, True,    _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("F", "FunctionCall",  True,  False,   _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("H", "Flush",         False, True,    _REFUSE,  _ANSWER, _IGNORE, _IGNORE),
        Row("P", "Parse",         True,  True,    _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("Q", "Query",         True,  False,   _REFUSE,  _ANSWER, _IGNORE, _REFUSE),
        Row("S", "Sync",          False, False,   _REFUSE,  _ANSWER, _ANSWER, _IGNORE),
        Row("X", "Terminate",     False, False,   _ANSWER,  _ANSWER, _ANSWER, _REFUSE),
        Row("c", "CopyDone",      False, False,   _REFUSE,  _IGNORE, _IGNORE, _ANSWER),
        Row("d", "CopyData",      True,  False,   _REFUSE,  _IGNORE, _IGNORE, _ANSWER),
        Row("f", "CopyFail",      False, False,   _REFUSE,  _IGNORE, _IGNORE, _ANSWER),
        Row("p", "PasswordMessage", True, False,  _ANSWER,  _REFUSE, _REFUSE, _REFUSE),
    )
}  # fmt: skip

# The same by state.
_ACTIONS = {
    state: {kind: getattr(row, state.value) for kind, row in TABLE.items()} for state in State
}


class Protocol:
    """The state of one connection.

    >>> protocol = Protocol()
    >>> protocol.state = State.READY
    >>> protocol.failed("P"), protocol.action("E"), protocol.action("S")
    (True, <Action.IGNORE: 'ignore'>, <Action.ANSWER: 'answer'>)
    """

    def __init__(self) -> None:
        self.state = State.AUTHENTICATION
        self.lost = False  # the two sides no longer speak of the same thing

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state, self._actions = state, _ACTIONS[state]

    def action(self, kind: str) -> Action:
        """What to do with a message of this type now; a Sync ends the skipping.

        Raises:
            ProtocolViolation: 08P01, the type is unknown or may not come now.
        """
        action: Action = self._actions.get(kind, Action.REFUSE)
        if action is Action.REFUSE:
            raise self._refusal(kind)
        if kind == "S" and self._state is State.SKIPPING:
            self.state = State.READY
        return action

    def _refusal(self, kind: str) -> ProtocolViolation:
        if kind in TABLE and self.state is State.AUTHENTICATION:
            return ProtocolViolation(f"expected password response, got message type {ord(kind)}")
        if kind in TABLE and self.state is State.COPYING:
            self.lost = True  # who sends it is somewhere else in the protocol
            return ProtocolViolation(
                f"unexpected message type 0x{ord(kind):02X} during COPY from stdin"
            )
        return ProtocolViolation(f"invalid frontend message type {ord(kind)}")

    def failed(self, kind: str) -> bool:
        """Note an error in answering this message; whether all up to Sync is skipped now."""
        if TABLE[kind].extended:
            self.state = State.SKIPPING
        return self.state is State.SKIPPING
