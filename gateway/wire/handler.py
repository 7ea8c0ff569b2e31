"""One connection, in a thread of its own: from its first byte to its last.

Reads and writes the socket, logs the client in, and hands each message to a `conversation`; what
ends the connection ends here. Accepting, counting and stopping clients is the `server`'s.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from buenavista.postgres import BuenaVistaHandler

from gateway.errors import GatewayError, InternalError, ProtocolViolation
from gateway.wire import replies
from gateway.wire.client import Client, ClientGone
from gateway.wire.conversation import Conversation
from gateway.wire.messages import (
    PASSWORD_BYTES,
    CancelRequest,
    GSSENCRequest,
    Inbox,
    PasswordMessage,
    SSLRequest,
    StartupMessage,
    Terminate,
    read_message,
    read_startup,
)
from gateway.wire.protocol import TABLE, Action, Protocol, State, most_bytes
from gateway.wire.startup import Login, read_login
from gateway.wire.values import Bytes

if TYPE_CHECKING:  # it makes the handlers
    from gateway.wire.server import GatewayServer

logger = logging.getLogger(__name__)

_RECEIVE_BYTES = 65_536


class GatewayHandler(BuenaVistaHandler):  # type: ignore[misc]  # buenavista carries no types
    """One connection, in a thread of its own."""

    wbufsize = 65_536
    disable_nagle_algorithm = True
    server: GatewayServer
    client: Client | None = None

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.inbox = Inbox()
        self.protocol = Protocol()

    def handle(self) -> None:
        """From the first byte to the last."""
        try:
            self.request.settimeout(self.server.authentication_seconds)
            login = self._login()
            if login is not None:
                self._authenticate(login)
                self.request.settimeout(None)
                self._converse(login)
        except ClientGone:
            logger.debug("client %s is gone", self.client_address)
        except GatewayError as error:
            logger.info("connection from %s refused: %s", self.client_address, error)
            self._last_words(error)
        finally:
            if self.client is not None:
                self.server.conn.close_session(self.client.session)
                self.server.unregister(self.client)

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            logger.debug("client %s left before it was answered", self.client_address)

    # Bytes.

    def send(self, data: Bytes) -> None:
        """Take bytes for the client; large ones go out now, small ones with the next flush."""
        try:
            self.wfile.write(data)
        except OSError as error:
            raise ClientGone from error

    def flush(self) -> None:
        """Send what was kept."""
        try:
            self.wfile.flush()
        except OSError as error:
            raise ClientGone from error

    def _receive(self) -> None:
        """Wait for more bytes, after sending what the client may be waiting for itself."""
        self.flush()
        try:
            data = self.request.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise ClientGone from error
        if not data:
            raise ClientGone
        self.inbox.feed(data)

    def _next(self, large_bytes: int) -> tuple[str, bytes]:
        """Type and bytes of the next message."""
        while (kind := self.inbox.kind()) is None:
            self._receive()
        if kind not in TABLE:  # what follows has no length we could trust
            raise ProtocolViolation(f"invalid frontend message type {ord(kind)}")
        while (data := self.inbox.message(most_bytes(kind, large_bytes))) is None:
            self._receive()
        return kind, data

    def _last_words(self, error: GatewayError) -> None:
        try:
            self.send(replies.error_response(error, "FATAL"))
            self.flush()
        except ClientGone:
            logger.debug("client %s left before its last error", self.client_address)

    # Startup.

    def _login(self) -> Login | None:
        """The startup packet, after any requests for encryption; None when it was a cancel."""
        while True:
            while (data := self.inbox.startup()) is None:
                self._receive()
            match read_startup(data):
                case SSLRequest() | GSSENCRequest():
                    self.send(replies.REFUSED_ENCRYPTION)
                case CancelRequest() as request:
                    self.server.cancel(request.process_id, request.secret_key)
                    return None
                case StartupMessage() as message:
                    return read_login(message)

    def _authenticate(self, login: Login) -> None:
        self.send(login.negotiation)
        exchange = self.server.exchange(login.user, self.client_address[0])
        self.send(exchange.start())
        while not exchange.done:
            kind, data = self._next(PASSWORD_BYTES)
            self.protocol.action(kind)
            message = read_message(kind, data)
            if not isinstance(message, PasswordMessage):
                raise ClientGone
            self.send(exchange.receive(message))

    def _converse(self, login: Login) -> None:
        client = Client(self.server.conn.create_session(), self.request)
        self.client = client
        self.server.register(client)
        client.session.process_id = client.process_id
        client.session.start(login.user, login.database, login.settings)
        conversation = Conversation(
            client.session,
            self.protocol,
            self.send,
            self.flush,
            lambda: self._next(self.server.message_bytes),
        )
        self.protocol.state = State.READY
        conversation.begin()
        self.send(replies.backend_key_data(client.process_id, client.secret_key))
        conversation.ready()
        while True:
            self._wait(client)
            kind, data = self._next(self.server.message_bytes)
            if self.protocol.action(kind) is Action.IGNORE:
                continue
            if self._answer(conversation, kind, data):
                return

    def _wait(self, client: Client) -> None:
        """Wait for a message to begin; meanwhile `Client.stop` may end the connection."""
        if not self.inbox.empty and not client.stopping:
            return
        self.flush()
        client.begin_waiting()
        try:
            if self.inbox.empty:
                self._receive()
        finally:
            client.end_waiting()

    def _answer(self, conversation: Conversation, kind: str, data: bytes) -> bool:
        """Answer one message; whether it was the client's last."""
        try:
            message = read_message(kind, data)
            if isinstance(message, Terminate):
                return True
        except ProtocolViolation:
            raise  # bytes that make no sense end the connection, an error in a statement does not
        except GatewayError as error:
            conversation.fail(error, kind)
            return False
        try:
            conversation.answer(message)
        except GatewayError as error:
            conversation.fail(error, kind)
        except ClientGone:
            raise
        except Exception as error:  # the last floor: a fault of ours must not take the client along
            logger.exception("internal error in a %s message", TABLE[kind].name)
            conversation.fail(InternalError(f"internal error: {error}"), kind)
        return False
