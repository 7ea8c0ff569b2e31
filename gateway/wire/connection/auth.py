"""Who the client is: trust, or SCRAM-SHA-256, as exchanges of messages without a socket.

What is kept of a password is in `gateway.passwords`. An unknown user meets a verifier that no
password fits, with a salt that stays the same from one attempt to the next: same messages, same
work, same refusal.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from gateway.errors import (
    FeatureNotSupported,
    InvalidAuthorization,
    InvalidPassword,
    ProtocolViolation,
)
from gateway.passwords import ITERATIONS, MECHANISM, Verifier, read_verifier
from gateway.wire.protocol import replies
from gateway.wire.protocol.messages import PasswordMessage

BOUND_MECHANISM = "SCRAM-SHA-256-PLUS"  # bound to the TLS channel, RFC 5802, section 6


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
            FeatureNotSupported: 0A000, it wants an authorization identity or an extension.
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
    """SCRAM-SHA-256 (RFC 5802, RFC 7677), bound to the channel where there is TLS.

    scramp makes the verifiers; the exchange is here because scramp refuses the empty name that
    every client on libpq sends inside it.

    Args:
        user: Name from the startup packet; the one inside the exchange is ignored, as
            PostgreSQL does.
        verifiers: Name to stored verifier, "" where no password is good.
        mock_secret: Makes the salts of users without one, the same for ever.
        end_point: The channel's tls-server-end-point; empty where there is none.
    """

    def __init__(
        self,
        user: str,
        verifiers: Mapping[str, str],
        mock_secret: bytes,
        end_point: bytes = b"",
    ) -> None:
        self.done = False
        self._end_point = end_point
        self._bound = False  # the client chose the mechanism that is bound to the channel
        self._user = user
        stored = verifiers.get(user)
        self._verifier = read_verifier(stored) if stored else _mock(user, mock_secret)
        self._header = self._client_first = self._server_first = self._nonce = ""

    def start(self) -> bytes:
        return replies.authentication_sasl(self._mechanisms())

    def _mechanisms(self) -> list[str]:
        return [BOUND_MECHANISM, MECHANISM] if self._end_point else [MECHANISM]

    def receive(self, message: PasswordMessage) -> bytes:
        if self._server_first:
            return self._final(_text_of(message.response().data))
        initial = message.initial_response()
        if initial.mechanism not in self._mechanisms():
            raise ProtocolViolation("client selected an invalid SASL authentication mechanism")
        self._bound = initial.mechanism == BOUND_MECHANISM
        if initial.data is None:  # the client waits for an empty challenge
            return replies.authentication_sasl_continue(b"")
        return self._first(_text_of(initial.data))

    def _first(self, text: str) -> bytes:
        match = _CLIENT_FIRST.fullmatch(text)
        if match is None:
            raise _malformed("Unexpected attribute in client-first-message.")
        self._header, flag, identity, self._client_first, extension, client_nonce = match.groups()
        self._check_flag(flag)
        if identity:
            raise FeatureNotSupported("client uses authorization identity, but it is not supported")
        if extension:
            raise FeatureNotSupported("client requires an unsupported SCRAM extension")
        if client_nonce is None:
            raise _malformed('Expected attribute "r" in client-first-message.')
        if not _NONCE.fullmatch(client_nonce):
            raise ProtocolViolation("non-printable characters in SCRAM nonce")
        self._nonce = client_nonce + b64encode(secrets.token_bytes(18)).decode()
        salt = b64encode(self._verifier.salt).decode()
        self._server_first = f"r={self._nonce},s={salt},i={self._verifier.iterations}"
        return replies.authentication_sasl_continue(self._server_first.encode())

    def _check_flag(self, flag: str) -> None:
        """What the client says of channel binding must fit what it chose and was offered."""
        if flag.startswith("p=") != self._bound:
            raise _malformed(
                "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include"
                " channel binding data."
                if self._bound
                else "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM"
                " message includes channel binding data."
            )
        if flag == "y" and self._end_point:  # somebody between us took our offer out
            raise InvalidAuthorization(
                "SCRAM channel binding negotiation error",
                detail="The client supports SCRAM channel binding but thinks the server does not. "
                "However, this server does support channel binding.",
            )
        if self._bound and flag != "p=tls-server-end-point":
            raise ProtocolViolation(f'unsupported SCRAM channel-binding type "{flag[2:]}"')

    def _final(self, text: str) -> bytes:
        match = _CLIENT_FINAL.fullmatch(text)
        if match is None:
            raise _malformed("Malformed proof in client-final-message.")
        without_proof, binding, nonce, proof64 = match.groups()
        agreed = self._header.encode() + (self._end_point if self._bound else b"")
        if binding != b64encode(agreed).decode():
            if self._bound:  # the client sees another server's certificate
                raise InvalidAuthorization("SCRAM channel binding check failed")
            raise ProtocolViolation(
                "unexpected SCRAM channel-binding attribute in client-final-message"
            )
        if nonce != self._nonce:
            raise ProtocolViolation("invalid SCRAM response", detail="Nonce does not match.")
        signed = f"{self._client_first},{self._server_first},{without_proof}".encode()
        signature = hmac.digest(self._verifier.stored_key, signed, "sha256")
        try:
            proof = b64decode(proof64, validate=True)
            client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        except ValueError as error:
            raise _malformed("Malformed proof in client-final-message.") from error
        if not hmac.compare_digest(sha256(client_key).digest(), self._verifier.stored_key):
            raise InvalidPassword(f'password authentication failed for user "{self._user}"')
        self.done = True
        final = b"v=" + b64encode(hmac.digest(self._verifier.server_key, signed, "sha256"))
        return replies.authentication_sasl_final(final) + replies.AUTHENTICATION_OK


# gs2 header, with an authorization identity or none; then `m=`, an extension that we must know, or
# name and nonce.
_CLIENT_FIRST = re.compile(
    r"((n|y|p=[^,]*),(a=[^,]*)?,)((?:(m=.*)|n=[^,]*(?:,r=([^,]*)(?:,.*)?)?))", re.DOTALL
)
_NONCE = re.compile(r"[!-+\--~]*")
_CLIENT_FINAL = re.compile(r"(c=([^,]*),r=([^,]*)(?:,[a-oq-z]=[^,]*)*),p=([^,]*)")


def _text_of(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _malformed("The message is not UTF8.") from error


def _malformed(detail: str) -> ProtocolViolation:
    return ProtocolViolation("malformed SCRAM message", detail=detail)


def _mock(user: str, secret: bytes) -> Verifier:
    """A verifier no password fits; the same salt for the same name, as a real user's stays."""
    salt = hmac.digest(secret, user.encode(), "sha256")[:16]
    return Verifier(salt, secrets.token_bytes(32), secrets.token_bytes(32), ITERATIONS)
