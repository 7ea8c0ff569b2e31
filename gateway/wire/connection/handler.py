"""One connection, in a thread of its own: from its first byte to its last.

Reads and writes the socket, logs the client in, and hands each message to a `conversation`; what
ends the connection ends here. Accepting, counting and stopping clients is the `server`'s.
"""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from buenavista.postgres import BuenaVistaHandler

from gateway.errors import (
    GatewayError,
    InternalError,
    InvalidAuthorization,
    InvalidPassword,
    ProtocolViolation,
    QueryCanceled,
)
from gateway.observe.logs import Withheld
from gateway.session.activity.backends import Connected
from gateway.wire.connection.client import Client, ClientGone
from gateway.wire.connection.conversation import Conversation
from gateway.wire.connection.startup import Login, read_login, unsupported
from gateway.wire.connection.wakeup import Bell
from gateway.wire.encoding.values import Bytes
from gateway.wire.protocol import replies
from gateway.wire.protocol.inbox import Inbox
from gateway.wire.protocol.messages import (
    PASSWORD_BYTES,
    CancelRequest,
    GSSENCRequest,
    PasswordMessage,
    SSLRequest,
    Startup,
    StartupMessage,
    Terminate,
    read_message,
    read_startup,
)
from gateway.wire.protocol.states import TABLE, Action, Protocol, State

if TYPE_CHECKING:  # it makes the handlers
    from gateway.wire.connection.server import GatewayServer

logger = logging.getLogger(__name__)

_RECEIVE_BYTES = 65_536
_KEPT_BYTES = 65_536  # of answers that wait to be sent together
_LAST_WORDS_SECONDS = 2.0  # who does not read them by then is not waited for


class GatewayHandler(BuenaVistaHandler):  # type: ignore[misc]  # buenavista carries no types
    """One connection, in a thread of its own."""

    disable_nagle_algorithm = True
    server: GatewayServer
    request: Any  # a socket, or the same under TLS
    client: Client | None = None
    conversation: Conversation | None = None
    _bell: Bell | None = None  # of a session that listens to channels

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.inbox = Inbox()
        self.protocol = Protocol()
        self.encrypted = False
        self._kept: list[Bytes] = []  # for the client, until the next flush
        self._kept_bytes = 0
        # When the client must have spoken, on the clock of `time.monotonic`; None leaves it time.
        self._deadline: float | None = None

    def handle(self) -> None:
        """From the first byte to the last."""
        try:
            self._deadline = time.monotonic() + self.server.authentication_seconds
            login = self._login()
            if login is not None:
                self._authenticate(login)
                self._in_time()
                self._converse(login)
        except (ClientGone, TimeoutError):
            logger.debug("client %s is gone", self.client_address)
        except GatewayError as error:
            logger.info("connection from %s ended: %s", self.client_address, Withheld(error))
            self._last_words(error)
        finally:
            if self.client is not None:
                self.server.conn.close_session(self.client.session)
                self.server.unregister(self.client)
            if self._bell is not None:
                self._bell.close()

    def finish(self) -> None:
        try:
            self.flush()
            super().finish()
        except (ClientGone, OSError):
            logger.debug("client %s left before it was answered", self.client_address)
        if self.encrypted:
            self.request.close()  # the server closes the socket that this one was made of

    # Bytes.

    def send(self, data: Bytes) -> None:
        """Take bytes for the client; many go out now, a few with the next flush."""
        self._kept.append(data)
        self._kept_bytes += len(data)
        if self._kept_bytes >= _KEPT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was kept."""
        if not self._kept:
            return
        kept, large = self._kept, self._kept_bytes >= _KEPT_BYTES
        self._kept, self._kept_bytes = [], 0
        try:
            for data in kept if large else (b"".join(kept),):
                self.request.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def _receive(self) -> None:
        """Wait for more bytes, after sending what the client may be waiting for itself.

        Raises:
            TimeoutError: There were none before the deadline.
            GatewayError: FATAL, the connection was told to end.
        """
        self.flush()
        client = self.client
        if client is not None:
            client.begin_waiting()
        try:
            self._await_bytes()
            data = self.request.recv(_RECEIVE_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise ClientGone from error
        finally:
            if client is not None:
                client.end_waiting()
        if not data:
            raise ClientGone
        self.inbox.feed(data)

    def _await_bytes(self) -> None:
        """Wait for bytes, and tell the client meanwhile what arrives for it."""
        while self._bell is not None and self._bell.wait(self.request, self._left()):
            assert self.conversation is not None
            self.conversation.notify()
            self.flush()
        if self._deadline is not None:
            self.request.settimeout(self._left())

    def _left(self) -> float | None:
        """Seconds to the deadline."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.001)

    def _in_time(self) -> None:
        """What was to come before the deadline has come; no other is set."""
        self._deadline = None
        self.request.settimeout(None)

    def _next(self, large_bytes: int) -> tuple[str, bytes]:
        """Type and bytes of the next message."""
        while (found := self.inbox.next(large_bytes)) is None:
            self._receive()
        return found

    def _last_words(self, error: GatewayError) -> None:
        try:
            self.request.settimeout(_LAST_WORDS_SECONDS)
            self.send(replies.error_response(error, "FATAL"))
            self.flush()
        except (ClientGone, OSError):
            logger.debug("client %s left before its last error", self.client_address)

    # Startup.

    def _login(self) -> Login | None:
        """The startup packet, after any requests for encryption; None when it was a cancel."""
        asked: set[type[Startup]] = set()
        while True:
            while (data := self.inbox.startup()) is None:
                self._receive()
            match read_startup(data):
                case SSLRequest() | GSSENCRequest() as request:
                    self._encrypt(request, asked)
                case CancelRequest() as request:
                    self.server.cancel(request.process_id, request.secret_key)
                    return None
                case StartupMessage() as message:
                    return read_login(message)

    def _encrypt(self, request: SSLRequest | GSSENCRequest, asked: set[type[Startup]]) -> None:
        """Answer a request for encryption with a byte, and begin TLS if that was a yes.

        Raises:
            FeatureNotSupported: 0A000, it was asked for before, or there is TLS already.
            ProtocolViolation: 08P01, more had arrived: whoever is in between could have put it
                there, to be taken for the client's own under TLS (CVE-2021-23222).
        """
        tls = isinstance(request, SSLRequest)
        if self.encrypted or type(request) in asked:
            raise unsupported(1234, 5679 if tls else 5680)
        asked.add(type(request))
        if not self.inbox.empty:
            raise ProtocolViolation(
                f"received unencrypted data after {'SSL' if tls else 'GSSAPI encryption'} request",
                detail="This could be either a client-software bug or evidence of an attempted "
                "man-in-the-middle attack.",
            )
        offered = self.server.admission.tls
        if not tls or offered is None:
            self.send(replies.REFUSED_ENCRYPTION)
            return
        self.send(replies.AGREED_ENCRYPTION)
        self.flush()
        try:
            self.request = offered.context.wrap_socket(self.request, server_side=True)
        except OSError as error:  # such as a client that does not trust the certificate
            logger.info("no TLS with %s: %s", self.client_address, error)
            raise ClientGone from error
        self.connection, self.encrypted = self.request, True

    def _authenticate(self, login: Login) -> None:
        self.send(login.negotiation)
        host = self.client_address[0]
        try:
            exchange = self.server.admission.exchange(login.user, host, encrypted=self.encrypted)
            self.send(exchange.start())
            while not exchange.done:
                kind, data = self._next(PASSWORD_BYTES)
                self.protocol.action(kind)
                message = read_message(kind, data)
                if not isinstance(message, PasswordMessage):
                    raise ClientGone
                self.send(exchange.receive(message))
            self.server.admission.permit(login.user)
        except TimeoutError as error:
            raise QueryCanceled("canceling authentication due to timeout") from error
        except (InvalidPassword, InvalidAuthorization) as error:
            self.server.refuse()
            logger.warning('user "%s" from %s was refused: %s', login.user, host, error)
            self.server.pause(self.server.admission.delay_seconds)  # guessing takes time
            raise

    # Messages.

    def _converse(self, login: Login) -> None:
        server = self.server
        client = Client(server.conn.create_session(), self.request, login.key_bytes)
        client.user = login.user
        client.superuser = server.admission.is_superuser(login.user)
        self.client = client
        server.register(client)
        connected = Connected(
            process_id=client.process_id,
            superuser=client.superuser,
            host=str(self.client_address[0]),
            port=int(self.client_address[1]),
            cipher=self.request.cipher() if self.encrypted else None,
            backends=server.backends,
        )
        client.session.start(login.user, login.database, login.settings, connected)
        conversation = Conversation(
            client.session,
            self.protocol,
            self.send,
            self.flush,
            lambda: self._next(server.message_bytes),
            self.inbox.put_back,
            lambda: self.inbox.ends_series,
        )
        self.conversation = conversation
        client.session.notifier.wake = self._ring
        self.protocol.state = State.READY
        conversation.begin()
        self.send(replies.backend_key_data(client.process_id, client.secret_key))
        conversation.ready()
        while True:
            if client.goodbye is not None:
                raise client.goodbye
            found = self.inbox.next(server.message_bytes)
            kind, data = self._next_in_time(client) if found is None else found
            if self.protocol.action(kind) is Action.IGNORE:
                continue
            if self._answer(conversation, client, kind, data):
                return

    def _ring(self) -> None:
        """Something has arrived; called from any thread."""
        if self._bell is not None:
            self._bell.ring()

    def _next_in_time(self, client: Client) -> tuple[str, bytes]:
        """The next message; who says nothing for longer than allowed is told to go."""
        if self._bell is None and client.session.notifier.listening:
            self._bell = Bell()
            self._bell.ring()  # for what has arrived before there was one
        limit = client.session.idle_limit() if self.inbox.empty else None
        if limit is None:
            return self._next(self.server.message_bytes)
        seconds, goodbye = limit
        self._deadline = time.monotonic() + seconds
        try:
            return self._next(self.server.message_bytes)
        except TimeoutError as error:
            raise goodbye from error
        finally:
            self._in_time()

    def _answer(self, conversation: Conversation, client: Client, kind: str, data: bytes) -> bool:
        """Answer one message; whether it was the client's last."""
        try:
            message = read_message(kind, data, conversation.encoding)
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
            if client.goodbye is not None and isinstance(error, QueryCanceled):
                raise client.goodbye from error  # it was cancelled to be ended
            conversation.fail(error, kind)
        except ClientGone:
            raise
        except Exception as error:  # the last floor: a fault of ours must not take the client along
            logger.exception("internal error in a %s message", TABLE[kind].name)
            fault = InternalError(f"internal error: {error}").with_traceback(error.__traceback__)
            conversation.fail(fault, kind)
        return False
