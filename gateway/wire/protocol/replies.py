"""What the server sends: each message of the manual as a function that returns its bytes.

DataRow is not here: `values` writes whole batches of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from gateway.errors import GatewayError, IntegrityConstraintViolation, RaiseException
from gateway.observe.logs import raised_at
from gateway.session.activity.notifications import Notification
from gateway.session.result import Field, Notice
from gateway.sql.inputs.encodings import UTF8, Encoding
from gateway.types import Type

AUTHENTICATION_OK = b"R\0\0\0\x08\0\0\0\0"
BIND_COMPLETE = b"2\0\0\0\x04"
CLOSE_COMPLETE = b"3\0\0\0\x04"
COPY_DONE = b"c\0\0\0\x04"
EMPTY_QUERY_RESPONSE = b"I\0\0\0\x04"
NO_DATA = b"n\0\0\0\x04"
PARSE_COMPLETE = b"1\0\0\0\x04"
PORTAL_SUSPENDED = b"s\0\0\0\x04"

# One byte, no message: the answers to SSLRequest and GSSENCRequest.
AGREED_ENCRYPTION, REFUSED_ENCRYPTION = b"S", b"N"

_LONGEST_NAME = 63  # bytes; NAMEDATALEN - 1


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def _string(text: str) -> bytes:
    # A zero byte would end the field early and shift all that follows.
    return text.replace("\0", "").encode("utf-8", "replace") + b"\0"


def authentication_sasl(mechanisms: Iterable[str]) -> bytes:
    """The SASL mechanisms on offer, best first."""
    return _message(b"R", struct.pack(">i", 10) + b"".join(map(_string, mechanisms)) + b"\0")


def authentication_sasl_continue(data: bytes) -> bytes:
    """The server's next message in a SASL exchange."""
    return _message(b"R", struct.pack(">i", 11) + data)


def authentication_sasl_final(data: bytes) -> bytes:
    """The server's last message in a SASL exchange."""
    return _message(b"R", struct.pack(">i", 12) + data)


def backend_key_data(process_id: int, secret_key: bytes) -> bytes:
    """What a CancelRequest must repeat."""
    return _message(b"K", struct.pack(">i", process_id) + secret_key)


def command_complete(tag: str) -> bytes:
    """A statement has ended.

    >>> command_complete("SELECT 1")
    b'C\\x00\\x00\\x00\\rSELECT 1\\x00'
    """
    return _message(b"C", _string(tag))


def copy_in_response(form: int, columns: int) -> bytes:
    """Send the rows now; `form` is 0 for text and csv, 1 for binary."""
    return _message(b"G", _copy_formats(form, columns))


def copy_out_response(form: int, columns: int) -> bytes:
    """Rows follow, each a CopyData."""
    return _message(b"H", _copy_formats(form, columns))


def _copy_formats(form: int, columns: int) -> bytes:
    return struct.pack(f">bH{columns}H", form, columns, *[form] * columns)


def copy_data(data: bytes) -> bytes:
    """A piece of COPY data."""
    return _message(b"d", data)


def negotiate_protocol_version(newest: int, unknown: Sequence[str]) -> bytes:
    """The newest version we speak, and the `_pq_.` options we do not know."""
    body = struct.pack(">ii", newest, len(unknown))
    return _message(b"v", body + b"".join(map(_string, unknown)))


def parameter_description(types: Sequence[Type]) -> bytes:
    """The type of each parameter of a statement."""
    body = struct.pack(f">H{len(types)}I", len(types), *(row.oid for row in types))
    return _message(b"t", body)


def parameter_status(name: str, value: str) -> bytes:
    """A reported setting and its value."""
    return _message(b"S", _string(name) + _string(value))


def ready_for_query(status: str) -> bytes:
    """Waiting for the next query; `status` is I, T or E."""
    return _READY[status]


_READY = {status: b"Z\0\0\0\x05" + status.encode() for status in "ITE"}


def row_description(
    fields: Sequence[Field], formats: Sequence[int], encoding: Encoding = UTF8
) -> bytes:
    """Name, type and format of each column, and the table's column that it shows.

    Raises:
        UntranslatableCharacter: 22P05, a name that the client's encoding cannot spell.
    """
    parts = [struct.pack(">H", len(fields))]
    for field, form in zip(fields, formats, strict=True):
        kind = field.type
        parts.append(encoding.recode(_name(field.name)))
        parts.append(struct.pack(">IhIhih", *field.origin, kind.oid, kind.size, field.typmod, form))
    return _message(b"T", b"".join(parts))


def _name(text: str) -> bytes:
    """A column's name, cut as PostgreSQL cuts identifiers, between characters."""
    data = _string(text)[:-1]
    if len(data) > _LONGEST_NAME:
        data = data[:_LONGEST_NAME].decode(errors="ignore").encode()
    return data + b"\0"


def recoded(message: bytes, encoding: Encoding) -> bytes:
    """A message that is made of texts alone, in another encoding; the same when that is UTF8.

    NotificationResponse counts as one, since its number is left as it is.

    Raises:
        UntranslatableCharacter: 22P05, a character that the encoding does not have.
    """
    if encoding.is_utf8:
        return message
    start = 9 if message[:1] == b"A" else 5
    return _message(message[:1], message[5:start] + encoding.recode(message[start:]))


def error_response(error: GatewayError, severity: str = "ERROR") -> bytes:
    """The error with its severity (ERROR or FATAL), SQLSTATE and what else is known.

    >>> error_response(GatewayError("no")).replace(b"\\0", b"|")
    b'E|||\\x1eSERROR|VERROR|CXX000|Mno||'
    """
    return _message(b"E", _told(error, severity))


def notice_response(notice: Notice) -> bytes:
    """Something worth knowing; the statement goes on."""
    return _message(b"N", _told(notice, notice.severity))


def notification_response(notification: Notification) -> bytes:
    """What a channel was told that the client listens to."""
    number = struct.pack(">i", notification.process_id)
    return _message(b"A", number + _string(notification.channel) + _string(notification.payload))


def _told(error: GatewayError | Notice, severity: str) -> bytes:
    message = error.message if isinstance(error, Notice) else str(error)
    position = 0 if isinstance(error, Notice) else error.position
    rows = (
        (b"S", severity),
        (b"V", severity),
        (b"C", error.code),
        (b"M", message),
        (b"D", error.detail),
        (b"H", error.hint),
        (b"P", str(position) if position > 0 else ""),
        (b"W", "" if isinstance(error, Notice) else error.context),
        *_broken(error),
        *_place(error),
    )
    return b"".join(key + _string(text) for key, text in rows if text) + b"\0"


def _broken(error: GatewayError | Notice) -> tuple[tuple[bytes, str], ...]:
    """Which constraint of which table refused a row: clients branch on these fields."""
    if not isinstance(error, IntegrityConstraintViolation | RaiseException):
        return ()
    return (
        (b"s", error.schema),
        (b"t", error.table),
        (b"c", error.column),
        (b"d", error.domain),
        (b"n", error.constraint),
    )


def _place(error: GatewayError | Notice) -> tuple[tuple[bytes, str], ...]:
    """Where in this program it comes from."""
    place = error.place if isinstance(error, Notice) else raised_at(error)
    if place is None:
        return ()
    return ((b"F", place.file), (b"L", str(place.line)), (b"R", place.routine))
