"""LISTEN, NOTIFY and UNLISTEN: who listens, what a transaction tells, what has arrived.

PostgreSQL manual, "LISTEN" and "NOTIFY". A session's `Notifier` keeps what its transaction asks
for until that commits; the server's `Channels` then hands the notifications to every session that
listens, whose `arrived` is read by its own thread. `wake` tells that thread, which may be waiting
for its client. The session's advisory locks, the other thing that clients tell one another by, go
with it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import EngineSession
from gateway.errors import InvalidParameterValue, ProgramLimitExceeded, UndefinedFunction
from gateway.session.activity.advisory import Advisory
from gateway.sql.meaning.volatile import each_row
from gateway.sql.names.scope import position_of
from gateway.sql.statements.notifying import Listen, Notify, Unlisten
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse, parse_value
from gateway.sql.types.inference import GIVES
from gateway.store.transactions.locks import Locks
from gateway.types import BY_NAME, TEXT

# PostgreSQL's: NAMEDATALEN, and a page of its queue less what it needs itself (async.c).
_CHANNEL_BYTES, _PAYLOAD_BYTES = 64, 8000
# For one who does not read them; PostgreSQL bounds its queue at 8 GB.
MOST_ARRIVED = 100_000


@dataclass(frozen=True, slots=True)
class Notification:
    """What NotificationResponse says; `process_id` is the sender's."""

    process_id: int
    channel: str
    payload: str


class Channels:
    """Who listens to what, in one server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Notifier]] = {}

    def listen(self, channel: str, who: Notifier) -> None:
        """From now on `who` gets what is sent to the channel."""
        with self._lock:
            self._listeners.setdefault(channel, set()).add(who)

    def unlisten(self, channel: str, who: Notifier) -> None:
        """The end of that; nothing where it did not listen."""
        with self._lock:
            listening = self._listeners.get(channel, set())
            listening.discard(who)
            if not listening:
                self._listeners.pop(channel, None)

    def is_full(self, channel: str) -> bool:
        """Whether one who listens to it has read too little of what came."""
        with self._lock:
            listening = self._listeners.get(channel, ())
            return any(len(listener.arrived) >= MOST_ARRIVED for listener in listening)

    def send(self, notifications: Sequence[Notification]) -> None:
        """Hand each to those who listen to its channel, in order."""
        woken: set[Notifier] = set()
        with self._lock:  # so that everybody sees two transactions in one order
            for each in notifications:
                for listener in self._listeners.get(each.channel, ()):
                    listener.arrived.append(each)
                    woken.add(listener)
        for listener in woken:
            listener.wake()


@dataclass(slots=True)
class _Pending:
    """What a transaction has asked for; a savepoint remembers how much there was."""

    told: dict[tuple[str, str], None] = field(default_factory=dict)  # in order, each once
    acts: list[Listen | Unlisten] = field(default_factory=list)

    def copy(self) -> _Pending:
        return _Pending(dict(self.told), list(self.acts))


class Notifier:
    """One session's part. It follows the session's transaction.

    Args:
        channels: Those of the server.
        locks: Those of all sessions.
        owner: As whom the session holds its own.
    """

    def __init__(self, channels: Channels, locks: Locks, owner: object) -> None:
        self._channels = channels
        self.advisory = Advisory(locks, owner)
        self._pending = _Pending()
        self._savepoints: list[tuple[str, _Pending]] = []
        self.process_id = 0
        self.listening: dict[str, None] = {}  # in the order of LISTEN
        self.arrived: deque[Notification] = deque()
        self.wake: Callable[[], None] = lambda: None  # called from any thread

    def provide(self, engine: EngineSession) -> None:
        """Let the statements of an engine's session call pg_notify."""
        engine.provide(
            "pg_notify", self._notify_all, [pa.string(), pa.string(), pa.float64()], pa.string()
        )

    def run(self, tree: Listen | Notify | Unlisten) -> None:
        """Do one of the statements, once the transaction commits."""
        if isinstance(tree, Notify):
            self.notify(tree.channel, tree.payload)
        else:
            self._pending.acts.append(tree)

    def notify(self, channel: str, payload: str) -> None:
        """Tell a channel; the same twice in a transaction is told once.

        Raises:
            InvalidParameterValue: 22023, no name of a channel, or too long a payload.
        """
        if not channel:
            raise InvalidParameterValue("channel name cannot be empty")
        if len(channel.encode()) >= _CHANNEL_BYTES:
            raise InvalidParameterValue("channel name too long")
        if len(payload.encode()) >= _PAYLOAD_BYTES:
            raise InvalidParameterValue("payload string too long")
        if self._channels.is_full(channel):
            raise ProgramLimitExceeded(
                "too many notifications in the NOTIFY queue",
                detail=f'One who listens to "{channel}" has {MOST_ARRIVED} of them to read.',
            )
        self._pending.told[channel, payload] = None

    def _notify_all(self, columns: Sequence[list[str | None]]) -> list[str]:
        for channel, payload in zip(columns[0], columns[1], strict=True):
            self.notify(channel or "", payload or "")
        return [""] * len(columns[0])

    def functions(self) -> dict[str, Callable[[exp.Expr], exp.Expr]]:
        """What calls of the functions become in a statement."""
        return {
            "pg_notify": _notify_call,
            "pg_listening_channels": self._channels_call,
            "pg_notification_queue_usage": lambda call: exp.Cast(
                this=exp.Literal.number(0), to=data_type("float8")
            ),
        }

    def _channels_call(self, call: exp.Expr) -> exp.Expr:
        names = ", ".join(exp.Literal.string(name).sql() for name in self.listening)
        listed = f"unnest(ARRAY[{names}]::text[])"
        table = call.parent
        if isinstance(table, exp.Table):
            alias = exp.to_identifier(table.alias or call.name, quoted=True).sql()
            source = parse(f"SELECT * FROM {listed} AS {alias}")[0].args["from_"].this
            table.replace(source)
            return call
        made = parse_value(listed)
        made.meta[GIVES] = TEXT
        return made

    def drain(self) -> list[Notification]:
        """What has arrived since the last call."""
        found = []
        while self.arrived:
            found.append(self.arrived.popleft())
        return found

    def close(self) -> None:
        """The session ends."""
        self.advisory.close()
        for channel in list(self.listening):
            self._stop(channel)

    # A follower of the transaction.

    def savepoint(self, name: str) -> None:
        self._savepoints.append((name, self._pending.copy()))
        self.advisory.savepoint(name)

    def release(self, name: str) -> None:
        del self._savepoints[self._place(name) :]
        self.advisory.release(name)

    def rollback_to(self, name: str) -> None:
        place = self._place(name)
        self._pending = self._savepoints[place][1].copy()
        del self._savepoints[place + 1 :]
        self.advisory.rollback_to(name)

    def _place(self, name: str) -> int:
        return max(n for n, (each, _) in enumerate(self._savepoints) if each == name)

    def commit(self) -> None:
        """Listen and stop listening as asked, then tell."""
        if not (self._pending.told or self._pending.acts):
            self._savepoints.clear()
            self.advisory.commit()
            return
        pending = self._pending
        self.rollback()
        for act in pending.acts:
            self._act(act)
        self._channels.send([Notification(self.process_id, *each) for each in pending.told])

    def rollback(self) -> None:
        """Forget what was asked."""
        self._pending = _Pending()
        self._savepoints.clear()
        self.advisory.rollback()

    def _act(self, act: Listen | Unlisten) -> None:
        if isinstance(act, Listen):
            self.listening[act.channel] = None
            self._channels.listen(act.channel, self)
            return
        for channel in [act.channel] if act.channel is not None else list(self.listening):
            self._stop(channel)

    def _stop(self, channel: str) -> None:
        self.listening.pop(channel, None)
        self._channels.unlisten(channel, self)


def _notify_call(call: exp.Expr) -> exp.Expr:
    """pg_notify as the engine takes it: with an argument that differs in each row."""
    if len(call.expressions) != 2:
        raise UndefinedFunction("function pg_notify takes (text, text)", position=position_of(call))
    arguments = [*call.expressions, each_row()]
    made = exp.Anonymous(this="pg_notify", expressions=arguments, resolved=True)
    made.meta[GIVES] = BY_NAME["void"]
    return made
