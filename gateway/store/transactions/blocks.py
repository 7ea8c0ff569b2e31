"""Transactions of the user's own: from BEGIN to COMMIT or ROLLBACK, and their savepoints."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.errors import (
    InFailedTransaction,
    InternalError,
    InvalidSavepoint,
    ObjectInUse,
    UndefinedObject,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import Check, TableDefinition
from gateway.store.rows.keys import check_put_off
from gateway.store.transactions.deferral import Constraint
from gateway.store.transactions.locking import Locking
from gateway.store.transactions.scope import Savepoint


class Blocks(Locking):
    """The part of a session that a user's BEGIN, SAVEPOINT and their ends call."""

    def begin(self) -> None:
        """Begin a transaction of `isolation`; it takes no snapshot and no lock yet."""
        if self._in_block or self._is_running:
            raise InternalError("there is already a transaction in progress")
        self._in_block = True

    def take_snapshot(self) -> None:
        """At the start of a statement: fix what a transaction sees that is to see one commit.

        Another one is shown the names that others made or dropped since.
        """
        if self._in_block and (self._pins == (self._transaction is None)):
            with self._statement():
                if self._pins:
                    self._open()
                self._catch_up(())

    @property
    def has_savepoints(self) -> bool:
        """Whether the transaction has come to a savepoint that was not released."""
        return bool(self._savepoints)

    def commit(self) -> None:
        """Make the transaction durable, then visible, and give up its locks; or undo it and raise.

        Raises:
            InFailedTransaction: 25P02, a statement in it failed; it is undone.
            GatewayError: 53100, ...; it is undone.
        """
        self._refuse_outside()
        try:
            if self._failed:
                raise InFailedTransaction(
                    "the transaction was rolled back, because a statement in it failed"
                )
            self._commit()
        finally:
            self._end()

    def rollback(self) -> None:
        """Undo the transaction and give up its locks."""
        self._refuse_outside()
        self._end()

    def fail(self) -> None:
        """Refuse everything until the end of the transaction, or ROLLBACK TO a savepoint of it.

        For a statement that failed elsewhere; locks are given up as if it had failed here.
        """
        self._refuse_outside()
        if not self._failed:
            self._failed = True
            self._abandon()

    def savepoint(self, name: str) -> None:
        """Remember this moment of the transaction; an older savepoint of that name is hidden."""
        self._refuse_outside()
        self._refuse_stopped()
        transaction, held = self._transaction, self._shared.locks.held(self)
        done = found = 0
        own = None
        if transaction is not None:
            transaction.finds.follow(len(self._savepoints) + 1)
            done, found = len(transaction.writes), len(transaction.finds)
            own = transaction.own_catalogue
        chosen, restarts = dict(self._deferral.chosen), len(self._restarts)
        self._savepoints.append(Savepoint(name, done, found, own, held, chosen, restarts))

    def is_new(self, name: TableName) -> bool:
        """Whether a table was made or emptied by TRUNCATE since the last savepoint, or BEGIN."""
        if self._transaction is None:
            return False
        catalogue = self._savepoints[-1].catalogue if self._savepoints else None
        before = catalogue or self._transaction.moment.catalogue
        oid = self._transaction.catalogue.table(name)[0]
        return before.by_oid(oid) is None or self._emptied.get(oid) == len(self._savepoints)

    def set_constraints(self, names: Sequence[tuple[str, str]], deferred: bool) -> None:
        """Have constraints be checked at COMMIT, or from now on at the end of each statement.

        Args:
            names: (schema, name) of each; schema "" is any; none: all that are deferrable.
            deferred: Whether they wait. If not, what was put off is checked now.

        Raises:
            UndefinedObject: 42704. WrongObjectType: 42809, it is not deferrable.
            ForeignKeyViolation: 23503. UniqueViolation: 23505.
        """
        with self._statement():
            chosen = [each for name in names for each in _deferrable(self._catalogue, *name)]
            if not names:
                self._deferral.choose(None, deferred)
            for constraint in chosen:
                self._deferral.choose(constraint, deferred)
            if self._transaction is not None and not deferred:
                check_put_off(self._transaction, self.expressions, only_due=True)

    def refuse_in_use(self, names: Collection[TableName], deed: str) -> None:
        """Refuse to change tables whose foreign keys are to be checked at COMMIT, or cursors read.

        Args:
            names: What is changed; what is no table stands in no one's way.
            deed: The command, for the message.

        Raises:
            ObjectInUse: 55006.
        """
        catalogue = self._catalogue
        busy: set[TableName] = set()
        for (oid, name), is_parents in self._deferral.pending.items():
            relation = catalogue.by_oid(oid)
            if relation is None or not isinstance(relation.definition, TableDefinition):
                continue
            for key in relation.definition.foreign_keys:
                if key.name == name:
                    busy.add(key.table if is_parents else relation.definition.name)
        for each in names:
            if each in busy:
                raise ObjectInUse(
                    f'cannot {deed} "{each.name}" because it has pending trigger events'
                )
        read = self.read_by_cursors()
        for each in names:
            if each in read:
                raise ObjectInUse(
                    f'cannot {deed} "{each.name}" because it is being used by active queries'
                    " in this session"
                )

    def release(self, name: str) -> None:
        """Forget the newest savepoint of that name and all after it; what they saw stays.

        Raises:
            InvalidSavepoint: 3B001.
        """
        self._refuse_outside()
        self._refuse_stopped()
        number = self._savepoint_named(name)
        del self._savepoints[number:]
        self._emptied = {oid: min(depth, number) for oid, depth in self._emptied.items()}
        if self._transaction is not None and not self._savepoints:
            self._transaction.finds.forget()

    def rollback_to(self, name: str) -> None:
        """Undo what came after the newest savepoint of that name, which stays; also a failure.

        Raises:
            InvalidSavepoint: 3B001.
            GatewayError: 40001, ...: it could not be restored, and has failed. Where all of it is
                to see one commit, that is so when a table that it read has changed since.
        """
        self._refuse_outside()
        if self._lost is not None:
            raise self._lost
        number = self._savepoint_named(name)
        self._depth += 1
        try:
            del self._savepoints[number + 1 :]
            self._emptied = {oid: n for oid, n in self._emptied.items() if n <= number}
            self._restore()
            self._failed = False
        except BaseException:
            self._failed = True
            raise
        finally:
            self._leave()

    def _savepoint_named(self, name: str) -> int:
        for number in reversed(range(len(self._savepoints))):
            if self._savepoints[number].name == name:
                return number
        raise InvalidSavepoint(f'savepoint "{name}" does not exist')

    def _refuse_outside(self) -> None:
        if not self._in_block or self._is_running:
            raise InternalError("there is no transaction in progress")


def _deferrable(catalogue: Catalogue, schema: str, name: str) -> list[Constraint]:
    """The constraints of a name, which must be keys that may wait."""
    found = [
        (relation.oid, constraint)
        for relation in catalogue.relations.values()
        if isinstance(relation.definition, TableDefinition)
        and schema in ("", relation.definition.name.schema)
        for constraint in relation.definition.constraints
        if constraint.name == name
    ]
    if not found:
        raise UndefinedObject(f'constraint "{name}" does not exist')
    if any(isinstance(each, Check) or not each.deferrable for _, each in found):
        raise WrongObjectType(f'constraint "{name}" is not deferrable')
    return [(oid, name) for oid, _ in found]
