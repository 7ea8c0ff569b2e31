"""A client that speaks in single messages: what it sends and what it hears, as lines of text.

A line is the manual's name of a message and its fields in JSON, `Bind "" "s" [0] ["5", null] []`;
bytes that are no text are `{"hex": "00ff"}`.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

Json = Any


def values(text: str) -> list[Json]:
    """The JSON values of a line, one after another."""
    found, place, decoder = [], 0, json.JSONDecoder()
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.append(value)
        place += len(text[place:]) - len(text[place:].lstrip())
    return found


def _string(text: str) -> bytes:
    return text.encode() + b"\0"


def _data(value: Json) -> bytes:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else str(value).encode()


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def _numbers(code: str, numbers: list[int]) -> bytes:
    return struct.pack(f">H{len(numbers)}{code}", len(numbers), *numbers)


def _field(value: Json) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    return struct.pack(">i", len(_data(value))) + _data(value)


def _bind(
    portal: str, statement: str, formats: list[int], fields: list[Json], results: list[int]
) -> bytes:
    body = _string(portal) + _string(statement) + _numbers("h", formats)
    body += struct.pack(">H", len(fields)) + b"".join(map(_field, fields))
    return _message(b"B", body + _numbers("h", results))


def _startup(major: int, minor: int, parameters: dict[str, str]) -> bytes:
    pairs = b"".join(_string(k) + _string(v) for k, v in parameters.items())
    return _packet(struct.pack(">HH", major, minor) + pairs + b"\0")


def _packet(body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 4) + body


SENDS: dict[str, Callable[..., bytes]] = {
    "Bind": _bind,
    "CancelRequest": lambda pid, key: _packet(struct.pack(">ii", 80877102, pid) + _data(key)),
    "Close": lambda kind, name: _message(b"C", kind.encode() + _string(name)),
    "CopyData": lambda data: _message(b"d", _data(data)),
    "CopyDone": lambda: _message(b"c", b""),
    "CopyFail": lambda reason: _message(b"f", _string(reason)),
    "Describe": lambda kind, name: _message(b"D", kind.encode() + _string(name)),
    "Execute": lambda portal, limit: _message(b"E", _string(portal) + struct.pack(">i", limit)),
    "Flush": lambda: _message(b"H", b""),
    "FunctionCall": lambda oid: _message(b"F", struct.pack(">IHHh", oid, 0, 0, 0)),
    "GSSENCRequest": lambda: _packet(struct.pack(">i", 80877104)),
    "Parse": lambda name, text, oids: _message(
        b"P", _string(name) + _string(text) + _numbers("I", oids)
    ),
    "PasswordMessage": lambda data: _message(b"p", _data(data)),
    "Query": lambda text: _message(b"Q", _string(text) if isinstance(text, str) else _data(text)),
    "Raw": _data,
    "SSLRequest": lambda: _packet(struct.pack(">i", 80877103)),
    "StartupMessage": _startup,
    "Sync": lambda: _message(b"S", b""),
    "Terminate": lambda: _message(b"X", b""),
}


def send_bytes(line: str) -> bytes:
    """The bytes of a message given as a line."""
    name, _, rest = line.partition(" ")
    return SENDS[name](*values(rest))


class Heard:
    """A message's body, read from left to right."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, form: str) -> tuple[Any, ...]:
        size = struct.calcsize(form)
        found = struct.unpack(form, self.data[:size])
        self.data = self.data[size:]
        return found

    def text(self) -> str:
        text, _, self.data = self.data.partition(b"\0")
        return text.decode("utf-8", "backslashreplace")  # other encodings are shown in hex

    def field(self) -> Json:
        (length,) = self.take(">i")
        if length < 0:
            return None
        data, self.data = self.data[:length], self.data[length:]
        return _shown(data)


def _shown(data: bytes) -> Json:
    text = data.decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else {"hex": data.hex()}


def _error(body: Heard) -> list[Json]:
    fields: dict[str, str] = {}
    place: list[str] = []
    while (key := chr(body.take("B")[0])) != "\0":
        text = body.text()
        # W of a parameter tells only its number.
        if key in "SVCMDHP" or (key == "W" and text.startswith("COPY ")):
            fields[key] = text
        if key in "FLR":
            place.append(key)
    assert "".join(place) == "FLR", fields  # where in the server it was: always told, as PostgreSQL
    return [fields]


def _row_description(body: Heard) -> list[Json]:
    columns = []
    for _ in range(body.take(">H")[0]):
        name = body.text()
        _, _, oid, size, typmod, form = body.take(">IhIhih")
        columns.append([name, oid, size, typmod, form])
    return columns


def _data_row(body: Heard) -> list[Json]:
    return [[body.field() for _ in range(body.take(">H")[0])]]


def _authentication(body: Heard) -> list[Json]:
    (code,) = body.take(">i")
    if code == 10:
        mechanisms = []
        while name := body.text():
            mechanisms.append(name)
        return [code, mechanisms]
    return [code, *([_shown(body.data)] if body.data else [])]


def _copy_formats(body: Heard) -> list[Json]:
    (overall,) = body.take("b")
    return [overall, list(body.take(f">{body.take('>H')[0]}h"))]


HEARS: dict[str, tuple[str, Callable[[Heard], list[Json]]]] = {
    "1": ("ParseComplete", lambda body: []),
    "2": ("BindComplete", lambda body: []),
    "3": ("CloseComplete", lambda body: []),
    "C": ("CommandComplete", lambda body: [body.text()]),
    "D": ("DataRow", _data_row),
    "E": ("ErrorResponse", _error),
    "G": ("CopyInResponse", _copy_formats),
    "H": ("CopyOutResponse", _copy_formats),
    "I": ("EmptyQueryResponse", lambda body: []),
    "K": ("BackendKeyData", lambda body: []),
    "N": ("NoticeResponse", _error),
    "R": ("Authentication", _authentication),
    "S": ("ParameterStatus", lambda body: [body.text(), body.text()]),
    "T": ("RowDescription", _row_description),
    "Z": ("ReadyForQuery", lambda body: [body.data.decode()]),
    "c": ("CopyDone", lambda body: []),
    "d": ("CopyData", lambda body: [_shown(body.data)]),
    "n": ("NoData", lambda body: []),
    "s": ("PortalSuspended", lambda body: []),
    "t": ("ParameterDescription", lambda b: [list(b.take(f">{b.take('>H')[0]}I"))]),
    "v": (
        "NegotiateProtocolVersion",
        lambda b: [b.take(">i")[0], [b.text() for _ in range(b.take(">i")[0])]],
    ),
}


class Client:
    """One connection."""

    def __init__(self, port: int, seconds: float = 300.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.stream = self.socket.makefile("rb")
        self.key = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def send(self, *lines: str) -> None:
        """Send messages in one go."""
        self.socket.sendall(b"".join(map(send_bytes, lines)))

    def hear(self) -> str:
        """The next message as a line; `(closed)` when the server has closed the connection."""
        try:
            kind = self.stream.read(1).decode("latin-1")
            if not kind:
                return "(closed)"
            size = self.stream.read(4)
        except ConnectionResetError:
            return "(closed)"
        body = self.stream.read(int.from_bytes(size, "big") - 4)
        if kind == "K":
            self.key = body
        name, read = HEARS[kind]
        shown = [json.dumps(value, ensure_ascii=False) for value in read(Heard(body))]
        return " ".join([name, *shown])

    def byte(self) -> str:
        """The answer to a request for encryption."""
        return f"Byte {json.dumps(self.stream.read(1).decode())}"

    def until(self, name: str) -> list[str]:
        """What comes, up to and including the first message of that name, or the end."""
        return list(self._until(name))

    def _until(self, name: str) -> Iterator[str]:
        while True:
            line = self.hear()
            yield line
            if line.split(" ")[0] in (name, "(closed)"):
                return

    def start(self, **parameters: str) -> list[str]:
        """Connect as a trusted user; what came up to ReadyForQuery."""
        settings = {"user": "postgres", "database": "postgres", **parameters}
        self.send(f"StartupMessage 3 0 {json.dumps(settings)}")
        return self.until("ReadyForQuery")

    def ask(self, *lines: str) -> list[str]:
        """Send messages; what comes up to the next ReadyForQuery."""
        self.send(*lines)
        return self.until("ReadyForQuery")
