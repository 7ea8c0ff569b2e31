"""Who the client is: trust, or SCRAM-SHA-256, as exchanges of messages without a socket.

A user is stored as PostgreSQL stores one, `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`; the
password itself is never kept. An unknown user meets a verifier that no password fits, with a salt
that stays the same from one attempt to the next: same messages, same work, same refusal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from scramp import ScramException, ScramMechanism

from gateway.errors import (
    ConfigurationFault,
    GatewayError,
    InvalidPassword,
    ProtocolViolation,
)
from gateway.wire import replies
from gateway.wire.messages import PasswordMessage

MECHANISM = "SCRAM-SHA-256"
ITERATIONS = 4096  # PostgreSQL's own; RFC 7677 asks for no less

_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


class Verifier(NamedTuple):
    """What is known of a user's password."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int


def make_verifier(password: str) -> str:
    """The verifier to store for a password, in PostgreSQL's form, with a fresh salt.

    >>> make_verifier("secret").startswith("SCRAM-SHA-256$4096:")
    True
    """
    salt, stored_key, server_key, iterations = ScramMechanism(MECHANISM).make_auth_info(
        password, iteration_count=ITERATIONS, salt=secrets.token_bytes(16)
    )
    salt64, stored64, server64 = (b64encode(v).decode() for v in (salt, stored_key, server_key))
    return f"{MECHANISM}${iterations}:{salt64}${stored64}:{server64}"


def read_verifier(text: str) -> Verifier:
    """The parts of a stored verifier.

    Raises:
        ConfigurationFault: F0000, it has another form.
    """
    match = _VERIFIER.fullmatch(text)
    try:
        if match is None:
            raise ValueError("not of that form")
        salt, stored, server = (b64decode(part, validate=True) for part in match.groups()[1:])
        if len(salt) < 12 or len(stored) != 32 or len(server) != 32 or int(match[1]) < ITERATIONS:
            raise ValueError("a part has the wrong length")
    except (ValueError, Base64Error) as error:
        raise ConfigurationFault(
            "a user's verifier must read SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey",
            detail=f"The iterations are at least {ITERATIONS}, the salt at least 12 bytes.",
        ) from error
    return Verifier(salt, stored, server, int(match[1]))


class Exchange(Protocol):
    """One authentication under way."""

    done: bool

    def start(self) -> bytes:
        """The server's first words."""
        ...

    def receive(self, message: PasswordMessage) -> bytes:
        """The answer to the client's next message.

        Raises:
            InvalidPassword: 28P01, the client did not prove who it is.
            ProtocolViolation: 08P01, the message makes no sense.
        """
        ...


class Trust:
    """Whoever can connect is who they say; for loopback alone."""

    done = True

    def start(self) -> bytes:
        return replies.AUTHENTICATION_OK

    def receive(self, message: PasswordMessage) -> bytes:
        raise ProtocolViolation("no password was asked for")


class Scram:
    """SCRAM-SHA-256 (RFC 7677) without channel binding.

    Args:
        user: Name from the startup packet; the one inside the exchange is ignored, as
            PostgreSQL does.
        verifiers: Name to stored verifier.
        mock_secret: Makes the salts of users that do not exist; one per server.
    """

    def __init__(self, user: str, verifiers: Mapping[str, str], mock_secret: bytes) -> None:
        self.done = False
        self._user = user
        stored = verifiers.get(user)
        verifier = _mock(user, mock_secret) if stored is None else read_verifier(stored)
        self._server = ScramMechanism(MECHANISM).make_server(lambda _: tuple(verifier))
        self._begun = False

    def start(self) -> bytes:
        return replies.authentication_sasl([MECHANISM])

    def receive(self, message: PasswordMessage) -> bytes:
        try:
            return self._final(message) if self._begun else self._first(message)
        except (ScramException, UnicodeDecodeError) as error:
            if self._begun and not self.done:
                raise self._refusal() from error
            raise ProtocolViolation("malformed SCRAM message", detail=str(error)) from error

    def _first(self, message: PasswordMessage) -> bytes:
        initial = message.initial_response()
        if initial.mechanism != MECHANISM:
            raise ProtocolViolation("client selected an invalid SASL authentication mechanism")
        if initial.data is None:  # the client waits for an empty challenge
            return replies.authentication_sasl_continue(b"")
        self._server.set_client_first(initial.data.decode())
        self._begun = True
        return replies.authentication_sasl_continue(self._server.get_server_first().encode())

    def _final(self, message: PasswordMessage) -> bytes:
        self._server.set_client_final(message.response().data.decode())
        self.done = True
        final = self._server.get_server_final().encode()
        return replies.authentication_sasl_final(final) + replies.AUTHENTICATION_OK

    def _refusal(self) -> GatewayError:
        return InvalidPassword(f'password authentication failed for user "{self._user}"')


def _mock(user: str, secret: bytes) -> Verifier:
    """A verifier no password fits; the same salt for the same name, as a real user's stays."""
    salt = hmac.digest(secret, user.encode(), hashlib.sha256)[:16]
    return Verifier(salt, secrets.token_bytes(32), secrets.token_bytes(32), ITERATIONS)
