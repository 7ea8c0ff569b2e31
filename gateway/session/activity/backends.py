"""The clients of the server as one of their sessions sees them: who they are, and how to stop one.

The server hands each session a `Connected`; what needs other clients (pg_cancel_backend,
pg_terminate_backend, pg_stat_activity) asks there. PostgreSQL calls a client's process a backend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Protocol

from gateway.catalog.authority import Authority
from gateway.errors import InsufficientPrivilege
from gateway.roles import SIGNALS
from gateway.session.activity.lock_waits import Standing
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.table import TableName
from gateway.sources.urls import told


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far a COPY is: `relation` is the oid of the table, 0 of a query."""

    relation: int
    incoming: bool
    moved_bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A running statement at one moment: rows sent so far, and what it reads of grids."""

    phase: str
    rows: int
    reads: Mapping[TableName, TableReads]
    copy: CopyProgress | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """One client at one moment, named as pg_stat_activity names it.

    `state` is "active", "idle", "idle in transaction" or "idle in transaction (aborted)"; a time is
    None before there was one, and in a failed transaction. `query` is the last text the client
    sent, `wait_event` what its session waits for: a message, another's lock, None for neither.
    """

    process_id: int
    user: str
    database: str
    application_name: str
    client_host: str
    client_port: int
    cipher: tuple[str, str, int] | None  # of TLS: its name, the protocol, the bits of its key
    superuser: bool
    state: str
    query: str
    backend_start: datetime
    query_start: datetime | None = None
    transaction_start: datetime | None = None
    state_change: datetime | None = None
    wait_event: tuple[str, str] | None = None  # its type, and it
    progress: Progress | None = None
    locks: Standing = field(default_factory=Standing)


class Backends(Protocol):
    """Every client of a server."""

    def all(self) -> Sequence[Backend]:
        """Who is connected now, by process id."""
        ...

    def cancel(self, process_id: int) -> bool:
        """Stop its statement (57014); False when there is no such client."""
        ...

    def terminate(self, process_id: int) -> bool:
        """End its connection (57P01); False when there is no such client."""
        ...


class Nobody:
    """No server: a session that is used without one."""

    def all(self) -> Sequence[Backend]:
        return ()

    def cancel(self, process_id: int) -> bool:
        return False

    def terminate(self, process_id: int) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Connected:
    """Where a session's client is: in which server, as which process, from where."""

    process_id: int = 0
    superuser: bool = True
    host: str = ""
    port: int = 0
    cipher: tuple[str, str, int] | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    backends: Backends = field(default_factory=Nobody)


_IDLE = {"I": "idle", "T": "idle in transaction", "E": "idle in transaction (aborted)"}


_CLIENT = ("Client", "ClientRead")  # PostgreSQL's words for waiting for its next message


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether a client awaits an answer or its server a message, since when, and for whose locks.

    `since` is in seconds of the Unix epoch.
    """

    busy: bool
    since: float
    locks: Standing

    @property
    def wait_event(self) -> tuple[str, str] | None:
        """What is waited for, as PostgreSQL names it."""
        if not self.busy:
            return _CLIENT
        return ("Lock", self.locks.event) if self.locks.event else None


# Those of a server that starts later are larger.
_NUMBERS = count(time.time_ns() // 1000)


@dataclass(slots=True)
class Doing:
    """Who a session's client is, and what it asked for last; written by its own thread."""

    user: str = ""
    database: str = ""
    connected: Connected = field(default_factory=Connected)
    query: str = ""
    query_start: datetime | None = None
    transaction_start: datetime | None = None
    locks: Callable[[], Standing] = Standing
    _numbered: tuple[datetime | None, int] | None = None
    _status: str = "I"
    _settled: bool = True

    def note(self, query: str, status: str) -> None:
        """The client asks for this now, where its transaction stands so."""
        self.query, self.query_start = query, datetime.now(UTC)
        if status == "I" and (self._settled or self._status != "I"):
            self.transaction_start = self.query_start
        self._status, self._settled = status, False

    def settle(self) -> None:
        """A Sync: what comes next is no part of what came before, but in a transaction block."""
        self._settled = True

    def begin_again(self, inside: bool) -> None:
        """Another transaction begins, with this statement (AND CHAIN), or now, `inside` it (DO)."""
        self.transaction_start = datetime.now(UTC) if inside else self.query_start

    def transaction_number(self, give: bool = True) -> int | None:
        """What txid_current() tells: a number that no other transaction has; None: none was given.

        Args:
            give: Whether to give it one, if it has none.
        """
        if self._numbered is None or self._numbered[0] != self.transaction_start:
            if not give:
                return None
            self._numbered = self.transaction_start, next(_NUMBERS)
        return self._numbered[1]

    def transaction_moment(self) -> datetime:
        """What now() tells."""
        return self.transaction_start or self.statement_moment()

    def statement_moment(self) -> datetime:
        """What statement_timestamp() tells."""
        return self.query_start or datetime.now(UTC)

    def _changed(self, activity: Activity) -> datetime:
        """When it became active or idle; the bytes of a statement come a moment before it does."""
        since = datetime.fromtimestamp(activity.since, UTC)
        return since if self.query_start is None else max(since, self.query_start)

    def backend(
        self,
        application_name: str,
        status: str,
        activity: Activity,
        progress: Progress | None = None,
    ) -> Backend:
        """The client at this moment."""
        here, busy = self.connected, activity.busy
        begun = status == "T" or (busy and status == "I")
        return Backend(
            process_id=here.process_id,
            user=self.user,
            database=self.database,
            application_name=application_name,
            client_host=here.host,
            client_port=here.port,
            cipher=here.cipher,
            superuser=here.superuser,
            state="active" if busy else _IDLE[status],
            query=told(self.query),
            backend_start=here.since,
            query_start=self.query_start,
            transaction_start=self.transaction_start if begun else None,
            state_change=self._changed(activity),
            wait_event=activity.wait_event,
            progress=progress,
            locks=activity.locks,
        )


def check_may_stop(authority: Authority, target: Backend, deed: str) -> None:
    """Let who acts stop the target, or refuse.

    Args:
        authority: Who acts.
        target: Whom.
        deed: What the refusal calls it: "cancel" or "terminate".

    Raises:
        InsufficientPrivilege: 42501, it is another user's, or a superuser's.
    """
    thing = "query" if deed == "cancel" else "process"
    roles = authority.roles
    if roles.is_superuser(authority.role):
        return
    if target.superuser:
        raise InsufficientPrivilege(f"must be a superuser to {deed} superuser {thing}")
    known = roles.memberships(authority.role)
    if target.user not in known and SIGNALS not in known:
        done = "canceled" if deed == "cancel" else "terminated"
        raise InsufficientPrivilege(
            f"must be a member of the role whose {thing} is being {done}"
            " or member of pg_signal_backend"
        )
