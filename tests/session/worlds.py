"""Two servers that get the same statements: one remembers what it worked out, one never does.

What is kept of a statement, at any of the rooms that keep something, may save work and nothing
else: both give the same answers, to every client, whatever came between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from gateway.app import App
from gateway.config import Dataset, Role, Settings
from gateway.errors import GatewayError
from gateway.session.queries.kept_queries import KeptQueries
from gateway.session.queries.statement_cache import StatementCache
from gateway.session.result import Field, Result
from gateway.session.session import Session
from gateway.types import BY_NAME

_SETTINGS = Settings(
    port=0,
    superusers=["admin"],
    roles={"alice": Role(), "bob": Role(member_of=["alice"])},
    datasets=[Dataset(name="ncep", uri="bundled:ncep")],
)

Answer = tuple[object, ...]


class World:
    """A server and its clients, whose messages come without a socket.

    Args:
        remembers: Whether it keeps anything from one statement to the next.
    """

    def __init__(self, remembers: bool) -> None:
        self._app = App(_SETTINGS)
        self._remembers = remembers
        self._clients: dict[str, Session] = {}
        self._prepared: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._app.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()
        self._app.__exit__(kind, error, trace)

    def leave(self) -> None:
        """Every client goes."""
        for session in self._clients.values():
            session.close()
        self._clients.clear()
        self._prepared.clear()

    def ask(self, client: str, text: str) -> Answer:
        """What a Query message is answered; the client's name is its role's."""
        session = self._session(client)
        try:
            told = [_read(result) for result in session.run_simple(text)]
            session.sync()
            return (*told, session.status)
        except GatewayError as error:
            return self._failed(session, error)

    def bind(
        self, client: str, text: str, kinds: Sequence[str], values: Sequence[Any], named: bool
    ) -> Answer:
        """What Parse, for a named one if the client did not do so yet, Bind and Execute answer."""
        session = self._session(client)
        types = [BY_NAME[kind] for kind in kinds]
        name = " ".join([text, *kinds]) if named else ""
        try:
            if (client, name) not in self._prepared:
                session.parse(name, text, [kind.oid for kind in types])
                if named:
                    self._prepared.add((client, name))
            scalars = [pa.scalar(v, kind.arrow) for v, kind in zip(values, types, strict=True)]
            session.bind("", name, scalars)
            fields = session.describe_portal("")
            told = (_named(fields), *_read(session.execute("")))
            session.sync()
            return told, session.status
        except GatewayError as error:
            return self._failed(session, error)

    def _failed(self, session: Session, error: GatewayError) -> Answer:
        session.fail(error)
        session.sync()
        return error.code, str(error), session.status

    def _session(self, client: str) -> Session:
        session = self._clients.get(client)
        if session is None:
            session = self._clients[client] = self._app.gateway.new_session()
            session.start(client, "gradwire", {})
        if not self._remembers:
            _forget(session)
        return session


def _forget(session: Session) -> None:
    """As if the session had just begun, but for what a client can see of it."""
    statement_cache = _Forgetful(session._recall.limits)
    executor = session._client.executor
    session._recall = executor.statement_cache = statement_cache
    executor.kept_queries = KeptQueries()
    session._client.engine._forget_tables()  # type: ignore[attr-defined]


class _Forgetful(StatementCache[Any]):
    def knows(self, text: str) -> bool:
        return True  # a text is not taken for one of a shape that came before

    def query(self, tree: object, standing: object) -> None:
        return None


def _read(result: Result) -> Answer:
    rows = [tuple(row.values()) for batch in result.take() for row in _plain(batch)]
    return result.tag(len(rows)), _named(result.fields), sorted(rows, key=repr)


def _named(fields: Sequence[Field] | None) -> object:
    return fields and [(field.name, field.type.name, field.typmod) for field in fields]


def _plain(batch: pa.RecordBatch) -> Sequence[Mapping[str, object]]:
    named = batch.rename_columns([str(n) for n in range(batch.num_columns)])
    return list(named.to_pylist())
