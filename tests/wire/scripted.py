"""A session that knows a few statements by heart: the wire's own partner in its tests.

It keeps prepared statements, portals and a transaction as `gateway.session` promises, over plain
Arrow tables, so that what fails here is the wire.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from buenavista.core import Connection
from buenavista.core import Session as BuenaVistaSession

from gateway.errors import (
    DivisionByZero,
    GatewayError,
    InFailedTransaction,
    InvalidCursorName,
    InvalidStatementName,
    QueryCanceled,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.session.activity.backends import Connected
from gateway.session.activity.notifications import Channels, Notification, Notifier
from gateway.session.result import Field, Notice, Result
from gateway.sql.inputs.notation import PLAIN, Notation
from gateway.store.transactions.locks import Locks
from gateway.types import INT4, INT8, TEXT, Type, by_name
from gateway.wire.connection.server import GatewayServer

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Statement:
    """A text the session knows: its columns, its parameters, and how its rows are made."""

    command: str
    fields: tuple[Field, ...] | None = None
    run: Callable[[ScriptedSession, Sequence[pa.Scalar]], Batches] = lambda *_: iter(())
    parameters: tuple[Type, ...] = ()


def table(**columns: tuple[Type, list[object]]) -> Statement:
    fields = tuple(Field(name, kind) for name, (kind, _) in columns.items())
    arrays = {name: pa.array(values, kind.arrow) for name, (kind, values) in columns.items()}
    return Statement("SELECT", fields, lambda *_: iter([pa.record_batch(arrays)]))


def series(session: ScriptedSession, parameters: Sequence[pa.Scalar], last: int = 0) -> Batches:
    """1 .. last in batches of 1,000 rows, until someone cancels."""
    last = last or parameters[0].as_py()
    for start in range(1, last + 1, 1000):
        if session.cancelled.is_set():
            raise QueryCanceled("canceling statement due to user request")
        stop = min(start + 1000, last + 1)
        yield pa.record_batch({"n": pa.array(range(start, stop), pa.int32())})


def sleep(session: ScriptedSession, parameters: Sequence[pa.Scalar]) -> Batches:
    """Nothing, for at most a minute: until someone cancels."""
    session.server_runs.set()
    session.cancelled.wait(300)
    session.server_runs.clear()
    raise QueryCanceled("canceling statement due to user request")
    yield


def fault(session: ScriptedSession, parameters: Sequence[pa.Scalar]) -> Batches:
    raise ZeroDivisionError("a fault of the server's own")
    yield


def divide(session: ScriptedSession, parameters: Sequence[pa.Scalar]) -> Batches:
    raise DivisionByZero("division by zero")
    yield


def echo(session: ScriptedSession, parameters: Sequence[pa.Scalar]) -> Batches:
    yield pa.record_batch({"v": pa.array([parameters[0].as_py()], parameters[0].type)})


_N = (Field("n", INT4),)
STATEMENTS: dict[str, Statement] = {
    "": Statement(""),
    "SELECT 1::int4 AS a": table(a=(INT4, [1])),
    "SELECT 2::int4 AS b": table(b=(INT4, [2])),
    "SELECT 'x'::text AS t, NULL::int4 AS n": table(t=(TEXT, ["x"]), n=(INT4, [None])),
    "SELECT 1::int4 / (n - 1)::int4 AS q FROM generate_series(1, 1) AS t(n)": Statement(
        "SELECT", (Field("q", INT4),), divide
    ),
    "SELECT fault": Statement("SELECT", _N, fault),
    "SELECT pg_sleep(60)": Statement("SELECT", (Field("pg_sleep", by_name("void")),), sleep),
    "SELECT n::int4 AS n FROM generate_series(1, 5) AS t(n) LIMIT $1": Statement(
        "SELECT", _N, lambda s, p: series(s, p, min(p[0].as_py(), 5)), (INT8,)
    ),
    "SELECT generate_series(1, $1) AS n": Statement("SELECT", _N, series, (INT4,)),
    "SET application_name = 'changed'": Statement("SET"),
    "BEGIN": Statement("BEGIN"),
    "COMMIT": Statement("COMMIT"),
    "ROLLBACK": Statement("ROLLBACK"),
}
for _name in ("int4", "text", "float8", "timestamp", "bool", "numeric", "_int4", "bytea", "date"):
    _kind = by_name(_name[1:] + "[]") if _name.startswith("_") else by_name(_name)
    STATEMENTS[f"SELECT $1::{_kind.sql} AS v"] = Statement(
        "SELECT", (Field("v", _kind),), echo, (_kind,)
    )


class ScriptedSession(BuenaVistaSession):
    """Answers `STATEMENTS`, and refuses all other text as a syntax error."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = threading.Event()
        self.server_runs = threading.Event()
        self.closed = threading.Event()
        self.waiting_notices: list[Notice] = []
        self.notifier = Notifier(Channels(), Locks(), self)
        self._changed: dict[str, str] = {}
        self._statements: dict[str, Statement] = {}
        self._portals: dict[str, Result] = {}
        self._status = "I"

    def start(
        self,
        user: str,
        database: str,
        options: Mapping[str, str],
        connected: Connected | None = None,
    ) -> None:
        self.options = {"user": user, "database": database, **options}
        self.connected = connected

    def idle_limit(self) -> tuple[float, GatewayError] | None:
        return None

    @property
    def notation(self) -> Notation:
        return PLAIN

    def reported_settings(self) -> Mapping[str, str]:
        return {"server_version": "15.0", "client_encoding": "UTF8", "TimeZone": "UTC"}

    def changed_settings(self) -> Mapping[str, str]:
        changed, self._changed = self._changed, {}
        return changed

    def notices(self) -> Sequence[Notice]:
        notices, self.waiting_notices = self.waiting_notices, []
        return notices

    def speak_through(self, tell: Callable[[], None]) -> None:
        """No statement of a script speaks before it ends."""

    def told(self, error: GatewayError) -> GatewayError:
        return error

    def notifications(self) -> Sequence[Notification]:
        return self.notifier.drain()

    @property
    def status(self) -> str:
        return self._status

    def run_simple(self, text: str) -> Iterator[Result]:
        parts = [part.strip() for part in text.split(";")]
        statements = [self._find(part) for part in parts if part]
        for statement in statements:
            yield self._run(statement, ())

    def _find(self, text: str) -> Statement:
        statement = STATEMENTS.get(text)
        if statement is None:
            if text.startswith("SELECT nothing"):
                raise UndefinedColumn('column "nothing" does not exist', position=8)
            word = text.split()[0]
            raise SyntaxFault(f'syntax error at or near "{word}"', position=1)
        return statement

    def _run(self, statement: Statement, parameters: Sequence[pa.Scalar]) -> Result:
        self.cancelled.clear()
        if self._status == "E" and statement.command not in ("ROLLBACK", "COMMIT"):
            raise InFailedTransaction(
                "current transaction is aborted, commands ignored until end of transaction block"
            )
        command = statement.command
        if command == "BEGIN":
            self._status = "T"
        if command in ("COMMIT", "ROLLBACK"):
            command = "ROLLBACK" if self._status == "E" else command
            self._status = "I"
        if command == "SET":
            self._changed["application_name"] = "changed"
        return Result(command, statement.fields, statement.run(self, parameters))

    def admit(self, statement: str) -> None:
        pass

    def parse(self, name: str, text: str, parameter_oids: Sequence[int]) -> None:
        self._statements[name] = self._find(text.strip().rstrip(";"))

    def _prepared(self, name: str) -> Statement:
        if name not in self._statements:
            raise InvalidStatementName(
                f'prepared statement "{name}" does not exist'
                if name
                else "unnamed prepared statement does not exist"
            )
        return self._statements[name]

    def parameter_types(self, statement: str) -> tuple[Type, ...]:
        return self._prepared(statement).parameters

    def describe_statement(self, name: str) -> tuple[Field, ...] | None:
        return self._prepared(name).fields

    def bind(self, portal: str, statement: str, parameters: Sequence[pa.Scalar]) -> None:
        prepared = self._prepared(statement)
        self._portals[portal] = LateResult(lambda: self._run(prepared, parameters), prepared)

    def describe_portal(self, name: str) -> tuple[Field, ...] | None:
        return self._portal(name).fields

    def _portal(self, name: str) -> Result:
        if name not in self._portals:
            raise InvalidCursorName(f'portal "{name}" does not exist')
        return self._portals[name]

    def execute(self, portal: str, *, last: bool = False) -> Result:
        result = self._portal(portal)
        if isinstance(result, LateResult):
            result = self._portals[portal] = result.run()
        return result

    def close_statement(self, name: str) -> None:
        self._statements.pop(name, None)

    def close_portal(self, name: str) -> None:
        self._portals.pop(name, None)

    def sync(self) -> None:
        if self._status == "I":
            self._portals.clear()

    def fail(self, error: GatewayError) -> None:
        if self._status == "T":
            self._status = "E"
        self._portals.clear()

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.cancelled.set()
        self.closed.set()


class LateResult(Result):
    """A portal that was bound and not yet run."""

    def __init__(self, run: Callable[[], Result], statement: Statement) -> None:
        super().__init__(statement.command, statement.fields)
        self.run = run


class ScriptedGateway(Connection):
    """Makes scripted sessions, and keeps them for the test to look at."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[ScriptedSession] = []

    def new_session(self) -> ScriptedSession:
        session = ScriptedSession()
        self.sessions.append(session)
        return session


@contextmanager
def running(**options: object) -> Iterator[GatewayServer]:
    """A server over scripted sessions on a free port of 127.0.0.1."""
    server = GatewayServer(("127.0.0.1", 0), ScriptedGateway(), **options)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown_gracefully(2)
        thread.join()
