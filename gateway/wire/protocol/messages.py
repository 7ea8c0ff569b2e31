"""What a client sends: bytes to message dataclasses, without a socket.

`read_startup` and `read_message` read one that `inbox` has cut out of the stream. Which message may
come when is `protocol`'s; what the server answers with is in `replies`. Names and layouts are
those of the PostgreSQL manual, "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import ProtocolViolation
from gateway.sql.inputs.encodings import UTF8, Encoding

# PostgreSQL's own bounds (src/include/libpq/pqcomm.h, libpq.h and libpq/auth.c).
PASSWORD_BYTES = 65_535

_SSL, _GSSENC, _CANCEL = 80877103, 80877104, 80877102


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """The first packet of a connection; `protocol` is (major, minor)."""

    protocol: tuple[int, int]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SSLRequest:
    """May we speak TLS?"""


@dataclass(frozen=True, slots=True)
class GSSENCRequest:
    """May we speak GSSAPI encryption?"""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Stop what that connection is running."""

    process_id: int
    secret_key: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """Simple query: any number of statements."""

    text: str


@dataclass(frozen=True, slots=True)
class Parse:
    """Prepare a statement; an oid of 0 leaves the parameter's type open."""

    name: str
    text: str
    parameter_oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """Make a portal of a statement; formats are 0 (text) or 1 (binary), one for all, or none."""

    portal: str
    statement: str
    parameter_formats: tuple[int, ...]
    parameters: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Describe:
    """`kind` is "S" for a statement, "P" for a portal."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a portal; `row_limit` of 0 or less is no limit."""

    portal: str
    row_limit: int


@dataclass(frozen=True, slots=True)
class Close:
    """`kind` is "S" for a statement, "P" for a portal."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Send what you have."""


@dataclass(frozen=True, slots=True)
class Sync:
    """End of a series; answer ReadyForQuery."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """The client leaves."""


@dataclass(frozen=True, slots=True)
class PasswordMessage:
    """Type `p`; which of its kinds it is, only the exchange under way can tell."""

    data: bytes

    def initial_response(self) -> SASLInitialResponse:
        """The message as the first one of a SASL exchange."""
        body = _Body(self.data)
        mechanism, length = body.text(), body.int32()
        data = None if length == -1 else body.take(length)
        body.end()
        return SASLInitialResponse(mechanism, data)

    def response(self) -> SASLResponse:
        """The message as a later one of a SASL exchange."""
        return SASLResponse(self.data)


@dataclass(frozen=True, slots=True)
class SASLInitialResponse:
    """The mechanism that the client chose, and its first message."""

    mechanism: str
    data: bytes | None


@dataclass(frozen=True, slots=True)
class SASLResponse:
    """The client's next message in a SASL exchange."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CopyData:
    """A piece of COPY data."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CopyDone:
    """End of COPY data."""


@dataclass(frozen=True, slots=True)
class CopyFail:
    """The client gives up a COPY."""

    reason: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """The fast-path call, of which only its arrival matters: it is refused."""

    oid: int


Startup = StartupMessage | SSLRequest | GSSENCRequest | CancelRequest
Message = (
    Query
    | Parse
    | Bind
    | Describe
    | Execute
    | Close
    | Flush
    | Sync
    | Terminate
    | PasswordMessage
    | CopyData
    | CopyDone
    | CopyFail
    | FunctionCall
)


class _Body:
    """A message's bytes after the length, read from left to right."""

    def __init__(self, data: bytes, encoding: Encoding = UTF8) -> None:
        self._data = data
        self._encoding = encoding
        self._place = 0

    def _unpack(self, form: str) -> tuple[int, ...]:
        try:
            values = struct.unpack_from(form, self._data, self._place)
        except struct.error as error:
            raise ProtocolViolation("insufficient data left in message") from error
        self._place += struct.calcsize(form)
        return values

    def int32(self) -> int:
        return int.from_bytes(self.take(4), "big", signed=True)

    def count(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def counted(self, code: str) -> tuple[int, ...]:
        """A 16-bit count, then that many numbers."""
        count = self.count()
        return self._unpack(f">{count}{code}") if count else ()

    def take(self, length: int) -> bytes:
        data = self._data[self._place : self._place + length]
        if length < 0 or len(data) < length:
            raise ProtocolViolation("insufficient data left in message")
        self._place += length
        return data

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._place)

    def text(self) -> str:
        """Text up to a zero byte."""
        end = self._data.find(b"\0", self._place)
        if end < 0:
            raise ProtocolViolation("invalid string in message")
        data = self._data[self._place : end]
        self._place = end + 1
        return self._encoding.decode(data)

    def end(self) -> None:
        if self._place != len(self._data):
            raise ProtocolViolation("invalid message format")


def _parse(body: _Body) -> Parse:
    return Parse(body.text(), body.text(), body.counted("I"))


def _bind(body: _Body) -> Bind:
    portal, statement, formats = body.text(), body.text(), body.counted("h")
    values = tuple(_field(body) for _ in range(body.count()))
    return Bind(portal, statement, formats, values, body.counted("h"))


def _field(body: _Body) -> bytes | None:
    length = body.int32()
    return None if length == -1 else body.take(length)


def _kind_and_name(body: _Body) -> tuple[str, str]:
    kind = body.take(1).decode("latin-1")
    if kind not in "SP":
        raise ProtocolViolation(f"invalid message subtype {ord(kind)}")
    return kind, body.text()


def _function_call(body: _Body) -> FunctionCall:
    call = FunctionCall(body.int32())
    body.counted("h")
    for _ in range(body.count()):
        _field(body)
    body.count()
    return call


# Type byte -> how the body is read. A missing row is a type that no client may send.
_READERS: dict[str, Callable[[_Body], Message]] = {
    "B": _bind,
    "C": lambda body: Close(*_kind_and_name(body)),
    "D": lambda body: Describe(*_kind_and_name(body)),
    "E": lambda body: Execute(body.text(), body.int32()),
    "F": _function_call,
    "H": lambda body: Flush(),
    "P": _parse,
    "Q": lambda body: Query(body.text()),
    "S": lambda body: Sync(),
    "X": lambda body: Terminate(),
    "c": lambda body: CopyDone(),
    "d": lambda body: CopyData(body.rest()),
    "f": lambda body: CopyFail(body.text()),
    "p": lambda body: PasswordMessage(body.rest()),
}


def read_message(kind: str, data: bytes, encoding: Encoding = UTF8) -> Message:
    """The message of type `kind` whose bytes after the length are `data`.

    Args:
        encoding: Of its texts; the values of a Bind stay bytes.

    Raises:
        ProtocolViolation: 08P01, no such type, bytes missing or bytes left over.
        CharacterNotInRepertoire: 22021, text that is not of the encoding.
        UntranslatableCharacter: 22P05, text with a character that Unicode does not have.

    >>> read_message("E", bytes.fromhex("63 00 00 00 00 05"))
    Execute(portal='c', row_limit=5)
    """
    if kind in _WITHOUT_VALUES and len(data) < _SHORT_BYTES:
        return _read_once(kind, data, encoding)
    return _read(kind, data, encoding)


# Clients send a few of these again and again, byte for byte; nothing in them is worth hiding.
_WITHOUT_VALUES, _SHORT_BYTES = frozenset("CDEHS"), 100


def _read(kind: str, data: bytes, encoding: Encoding) -> Message:
    reader = _READERS.get(kind)
    if reader is None:
        raise ProtocolViolation(f"invalid frontend message type {ord(kind)}")
    body = _Body(data, encoding)
    message = reader(body)
    body.end()
    return message


_read_once = lru_cache(maxsize=512)(_read)


def read_startup(data: bytes) -> Startup:
    """The first packet of a connection, without its length.

    Raises:
        ProtocolViolation: 08P01, not such a packet.
    """
    body = _Body(data)
    code = body.int32()
    if code == _CANCEL:
        return CancelRequest(body.int32(), body.rest())
    if code in (_SSL, _GSSENC):
        body.end()
        return SSLRequest() if code == _SSL else GSSENCRequest()
    protocol = (code >> 16 & 0xFFFF, code & 0xFFFF)
    if protocol[0] != 3:  # its parameters may have any layout
        return StartupMessage(protocol, {})
    parameters: dict[str, str] = {}
    while name := body.text():
        parameters[name] = body.text()
    body.end()
    return StartupMessage(protocol, parameters)
