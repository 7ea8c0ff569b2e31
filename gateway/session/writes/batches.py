"""Executions of one INSERT, UPDATE or DELETE that come one after another, done together.

A client's executemany sends the same statement with other values hundreds of times before its Sync.
Until then nobody can tell whether they were done one by one, so they are gathered and done as one
statement. What can be gathered gives nothing back but its tag, and is an INSERT of one row of
parameters and constants, or a change of the one row that a key names, each of another, to such
values. An error among the rows of an INSERT undoes what was done together; the halves are done by
themselves, down to the one execution that meets it, so what the client is told, and when, is what
it would have been told. Changes that cannot be done together are done one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.errors import GatewayError
from gateway.session.client import Client
from gateway.session.computation import Bound, Computation
from gateway.session.portals.portals import Portal
from gateway.session.portals.prepared import parameters_now
from gateway.session.result import Result
from gateway.session.writes.by_key import key_of
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.writes.given import joined
from gateway.types import Type

# As many wait at most, and as much of them.
_MOST_WAITING, _MOST_BYTES = 8192, 16 * 2**20
# So few changes are done as quickly one by one: together they take some 3 ms, each 0.5 ms.
_FEWEST_CHANGES = 8
# Nobody can write a savepoint of this name.
SAVEPOINT = ""
# Classes of errors that a row may meet and another may not.
_OF_ROWS = ("22", "23")

# The values of an execution, and what it will give.
Waiting = tuple[Sequence[pa.Scalar], Result]


class Batches:
    """The executions of one client that wait.

    Args:
        client: Does them.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.statement: Statement | None = None  # that of those that wait
        self.done = 0  # of those that waited last
        self._waiting: list[Waiting] = []
        self._keys: set[tuple[object, ...]] = set()  # of the rows that they change
        self._key: tuple[object, ...] | None = None  # of what `takes` was asked for last
        self._types: tuple[Type, ...] = ()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should wait."""
        return len(self._waiting) >= _MOST_WAITING or self._bytes >= _MOST_BYTES

    def binds(self, statement: str) -> bool:
        """Whether executions wait, and a prepared statement is theirs."""
        found = self._client.prepared.find(statement)
        if found is None or found.rows is not None:
            return False
        return found.statement is self.statement

    def takes(self, portal: Portal) -> bool:
        """Whether a portal's execution can wait, with those that do."""
        statement = portal.prepared.statement
        if statement is None or portal.prepared.rows is not None or portal.result is not None:
            return False
        if self._client.block.status == "E":
            return False
        waits = self.statement is not None
        if waits and statement is not self.statement:
            return False
        # Going back to a savepoint may fail where a transaction sees one commit.
        pinned = self._client.block.status == "T" and self._client.store.isolation.pins
        if not waits and (pinned or not portal.values):
            return False
        if isinstance(statement.tree, exp.Update | exp.Delete):
            return self._changes_another(portal, statement)
        return waits or self._is_plain(portal, statement)

    def _changes_another(self, portal: Portal, statement: Statement) -> bool:
        """Whether an UPDATE or DELETE is of one row by its key, and none that waits is of that."""
        query = self._computation(statement)
        self._key = None if query is None else key_of(query, Bound(portal.values))
        return self._key is not None and self._key not in self._keys

    def _computation(self, statement: Statement) -> Computation | None:
        try:
            return self._client.executor.computation(statement)
        except GatewayError:  # its execution will tell
            return None

    def _is_plain(self, portal: Portal, statement: Statement) -> bool:
        """Whether an INSERT is of a row of values alone, and done with before the next."""
        if statement.kind is not Kind.WRITE or not isinstance(statement.tree, exp.Insert):
            return False
        query = self._computation(statement)
        if query is None or query.given is None or query.target is None or query.write is None:
            return False
        to_itself = any(key.table == query.target.name for key in query.target.foreign_keys)
        several = query.given.count != 1 or query.upsert is not None or to_itself
        types = parameters_now(self._client.executor.registry, portal.prepared)
        several = several or not query.given.takes([kind.arrow for kind in types])
        return not several and query.write.returning is None

    def add(self, portal: Portal) -> Result:
        """Let a portal's execution wait, which `takes` must have agreed to; what it will give."""
        statement = portal.prepared.statement
        assert statement is not None
        self.statement = statement
        self._types = parameters_now(self._client.executor.registry, portal.prepared)
        portal.result = Result(_command(statement), changed=1)
        portal.result.waits = True
        self._waiting.append((portal.values, portal.result))
        if self._key is not None:
            self._keys.add(self._key)
        self._bytes += portal.nbytes
        return portal.result

    def forget(self) -> None:
        """Leave out those that wait."""
        self.statement, self._waiting, self._bytes = None, [], 0
        self._keys, self._key = set(), None

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
        changed = sum(result.changed or 0 for _, result in todo)
        client.account.follow(Result(_command(statement), changed=changed))
        client.account.end()

    def _do(self, statement: Statement, todo: list[Waiting], alone: bool) -> None:
        if len(todo) == 1:
            ((values, result),) = todo
            result.changed = self._client.run(statement, Bound(values, self._types)).changed
            self.done += 1
            return
        inserts = isinstance(statement.tree, exp.Insert)
        columns = _columns(todo) if inserts or len(todo) >= _FEWEST_CHANGES else None
        counts = None
        if columns is not None and not inserts:
            bound = Bound(types=self._types, columns=columns)
            counts = self._client.run(statement, bound).counts
        elif columns is not None and self._are_done(statement, columns, alone):
            counts = [1] * len(todo)
        if counts is not None:
            for (_, result), count in zip(todo, counts, strict=True):
                result.changed = count
            self.done += len(todo)
            return
        if alone:
            self._client.begin_implicit(statement)
        size = (len(todo) + 1) // 2 if inserts else 1
        for start in range(0, len(todo), size):
            self._do(statement, todo[start : start + size], False)

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


def _command(statement: Statement) -> str:
    return type(statement.tree).__name__.upper()


def _columns(executions: Sequence[Waiting]) -> list[pa.Array] | None:
    """The values of each parameter; None where they are of several kinds."""
    columns = []
    for values in zip(*(values for values, _ in executions), strict=True):
        column = joined(values)
        if column is None:
            return None
        columns.append(column)
    return columns
