"""What a client is told besides rows: its settings, notices, errors, in its own encoding.

Keeps what the client knows of its settings, and what follows from them for the values that go to
it and come from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateway.errors import GatewayError, UntranslatableCharacter
from gateway.sql.inputs.encodings import UTF8, named
from gateway.sql.inputs.notation import Notation
from gateway.wire.encoding.values import Bytes
from gateway.wire.protocol import replies

if TYPE_CHECKING:
    from gateway.session.session import Session


class Telling:
    """Tells one client of what is no row.

    Args:
        session: The client's session.
        send: Takes bytes for the client.

    `encoding` is that of the client's texts.
    """

    def __init__(self, session: Session, send: Callable[[Bytes], None]) -> None:
        self._session, self._send = session, send
        self._settings: dict[str, str] = {}  # as the client knows them
        self._changed: dict[str, str] = {}  # as it will at the next ReadyForQuery
        self.encoding = UTF8

    def begin(self) -> None:
        """Tell every reported setting."""
        self._settings = dict(self._session.reported_settings())
        self._follow_encoding(self._settings)
        for name, value in self._settings.items():
            self._say(replies.parameter_status(name, value))

    def news(self) -> None:
        """Tell notices, and note the settings that changed for the next ReadyForQuery."""
        changed = self._session.changed_settings()
        if changed:
            self._changed.update(changed)
            self._follow_encoding(changed)
        self.notices()

    def notices(self) -> None:
        """Tell notices.

        Raises:
            UntranslatableCharacter: 22P05, the client's encoding lacks a character of one.
        """
        for notice in self._session.notices():
            self._say(replies.notice_response(notice))

    def error(self, error: GatewayError) -> None:
        """Tell of notices and an error, or of a character that keeps from telling it."""
        try:
            self.notices()
            self._say(replies.error_response(self._session.told(error)))
        except UntranslatableCharacter as lost:
            self._send(replies.error_response(lost))

    def settings(self) -> None:
        """Tell the settings that changed."""
        if not self._changed:
            return
        for name, value in self._changed.items():
            if self._settings.get(name) == value:  # it was set, and set back
                continue
            self._settings[name] = value
            self._say(replies.parameter_status(name, value))
        self._changed.clear()

    def notifications(self) -> None:
        """Tell the notifications that have arrived, unless the client is in a transaction."""
        for notification in self._session.notifications():
            self._say(replies.notification_response(notification))

    def notation(self) -> Notation:
        """How values are written and read now."""
        notation = self._session.notation
        if self.encoding.is_utf8:
            return notation
        return notation._replace(encoding=self.encoding.name)

    def _follow_encoding(self, settings: Mapping[str, str]) -> None:
        name = settings.get("client_encoding")
        if name is not None:
            self.encoding = named(name) or UTF8

    def _say(self, message: bytes) -> None:
        self._send(replies.recoded(message, self.encoding))
