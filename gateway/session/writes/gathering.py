"""Executions of one INSERT that come one after another, done together.

A client's executemany sends the same INSERT with other values hundreds of times before its Sync.
Until then nobody can tell whether they were done one by one, so they are gathered and done as one
statement. What can be gathered is an INSERT of one row of parameters and constants that gives
nothing back but its tag. An error among the rows undoes what was done together; the halves are done
by themselves, down to the one execution that meets it, so what the client is told, and when, is
what it would have been told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from gateway.errors import GatewayError
from gateway.session.activity.account import Account
from gateway.session.computation import Bound
from gateway.session.portals.portals import Portal
from gateway.session.portals.prepared import parameters_now
from gateway.session.result import Result
from gateway.session.transactions.transaction import TransactionBlock
from gateway.session.writes.execution import Executor
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.writes.given import joined
from gateway.store.tables import StoreSession
from gateway.types import Type

# As many wait at most, and as much of them.
_MOST_WAITING, _MOST_BYTES = 8192, 16 * 2**20
# Nobody can write a savepoint of this name.
SAVEPOINT = ""
# Classes of errors that a row may meet and another may not.
_OF_ROWS = ("22", "23")


class Gathers(Protocol):
    """What of a client does the work."""

    account: Account
    block: TransactionBlock
    executor: Executor
    store: StoreSession

    def begin(self) -> None: ...

    def begin_implicit(self, statement: Statement) -> None: ...

    def run(self, statement: Statement, bound: Bound) -> Result: ...


class Gathering:
    """The executions of one client that wait.

    Args:
        client: Does them.
    """

    def __init__(self, client: Gathers) -> None:
        self._client = client
        self.statement: Statement | None = None  # that of those that wait
        self.done = 0  # of those that waited last
        self._waiting: list[Sequence[pa.Scalar]] = []
        self._types: tuple[Type, ...] = ()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should wait."""
        return len(self._waiting) >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    def takes(self, portal: Portal) -> bool:
        """Whether a portal's execution can wait, with those that do."""
        statement = portal.prepared.statement
        if statement is None or portal.prepared.rows is not None or portal.result is not None:
            return False
        if self._client.block.status == "E":
            return False
        if self.statement is not None:
            return statement is self.statement
        # Going back to a savepoint may fail where a transaction sees one commit.
        pinned = self._client.block.status == "T" and self._client.store.isolation.pins
        if not portal.values or pinned:
            return False
        types = parameters_now(self._client.executor.registry, portal.prepared)
        return self._is_plain(statement, types)

    def _is_plain(self, statement: Statement, types: Sequence[Type]) -> bool:
        """Whether its rows are values alone, and each is done with before the next."""
        if statement.kind is not Kind.WRITE or not isinstance(statement.tree, exp.Insert):
            return False
        try:
            query = self._client.executor.computation(statement)
        except GatewayError:  # its execution will tell
            return False
        if query is None or query.given is None or query.target is None or query.write is None:
            return False
        to_itself = any(key.table == query.target.name for key in query.target.foreign_keys)
        several = query.given.count != 1 or query.upsert is not None or to_itself
        several = several or not query.given.takes([kind.arrow for kind in types])
        return not several and query.write.returning is None

    def add(self, portal: Portal) -> Result:
        """Let a portal's execution wait, which `takes` must have agreed to; what it will give."""
        self.statement = portal.prepared.statement
        self._types = parameters_now(self._client.executor.registry, portal.prepared)
        self._waiting.append(portal.values)
        self._bytes += portal.nbytes
        portal.result = Result("INSERT", changed=1)
        portal.result.waits = True
        return portal.result

    def forget(self) -> None:
        """Leave out those that wait."""
        self.statement, self._waiting, self._bytes = None, [], 0

    def settle(self, *, alone: bool) -> None:
        """Do those that wait; `alone` they need no transaction for others to come.

        `done` of them came before the first that met an error.

        Raises:
            GatewayError: That error.
        """
        statement, todo, client = self.statement, self._waiting, self._client
        if statement is None:
            return
        self.forget()
        self.done = 0
        client.begin()
        client.account.begin(statement.text)
        client.account.run(statement)
        client.account.done.calls = len(todo)
        alone = alone and client.block.is_free
        if not alone:
            client.begin_implicit(statement)
        self._do(statement, todo, alone)
        client.account.follow(Result("INSERT", changed=self.done))
        client.account.end()

    def _do(self, statement: Statement, todo: list[Sequence[pa.Scalar]], alone: bool) -> None:
        if len(todo) == 1:
            self._client.run(statement, Bound(todo[0], self._types))
            self.done += 1
            return
        columns = _columns(todo)
        if columns is not None and self._are_done(statement, columns, alone):
            self.done += len(todo)
            return
        if alone:
            self._client.begin_implicit(statement)
        middle = len(todo) // 2
        self._do(statement, todo[:middle], False)
        self._do(statement, todo[middle:], False)

    def _are_done(self, statement: Statement, columns: list[pa.Array], alone: bool) -> bool:
        """Do several at once; whether no row met an error. If one did, none is done."""
        store, bound = self._client.store, Bound(types=self._types, columns=columns)
        if not alone:
            store.savepoint(SAVEPOINT)
        try:
            self._client.run(statement, bound)
        except GatewayError as error:
            if not alone:
                store.rollback_to(SAVEPOINT)
                store.release(SAVEPOINT)
            if error.code[:2] not in _OF_ROWS:
                raise
            return False
        if not alone:
            store.release(SAVEPOINT)
        return True


def _columns(executions: list[Sequence[pa.Scalar]]) -> list[pa.Array] | None:
    """The values of each parameter; None where they are of several kinds."""
    columns = []
    for values in zip(*executions, strict=True):
        column = joined(values)
        if column is None:
            return None
        columns.append(column)
    return columns
