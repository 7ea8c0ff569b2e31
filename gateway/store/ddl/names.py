"""What there is, as a session sees it; and the values of its sequences."""

from __future__ import annotations

from gateway.sources.table import TableName
from gateway.sql.meaning.functions import Function, FunctionName
from gateway.store.ddl.domains import DomainKeeper
from gateway.store.definitions.catalogue import Relation, Routine
from gateway.store.definitions.definitions import Sequence, TableDefinition, View


class Names(DomainKeeper):
    """The part of a session that tells what there is."""

    @property
    def version(self) -> int:
        """A number that stands for the schemas, tables, views and functions that this session sees.

        It grows with every committed change; a transaction that changed them itself has negative
        numbers, which no other state ever has.
        """
        return self._catalogue.version

    def schemas(self) -> list[str]:
        """Names of all schemas, sorted; "public" is always there."""
        return sorted(self._catalogue.schemas)

    def tables(self) -> list[TableName]:
        """Names of all tables, sorted."""
        found = self._catalogue.relations
        return sorted(n for n, r in found.items() if isinstance(r.definition, TableDefinition))

    def views(self) -> list[View]:
        """All views, sorted by name."""
        found = [r.definition for r in self._catalogue.relations.values()]
        return sorted((d for d in found if isinstance(d, View)), key=lambda view: view.name)

    def table(self, name: TableName) -> TableDefinition | None:
        """The table of this name; None when there is none."""
        found = self._catalogue.find_table(name)
        return found[1] if found else None

    def view(self, name: TableName) -> View | None:
        """The view of this name; None when there is none."""
        found = self._catalogue.find_view(name)
        return found[1] if found else None

    def function(self, key: FunctionName) -> Function | None:
        """The function of this name and number of arguments; None when there is none."""
        found = self._catalogue.functions.get(key)
        return found.function if found else None

    def functions(self) -> list[Function]:
        """All functions, sorted by schema, name and number of arguments."""
        found = self._catalogue.functions
        return [found[key].function for key in sorted(found)]

    def oid(self, name: TableName) -> int | None:
        """The number a table or view keeps for life; None when there is none of this name."""
        found = self._catalogue.relations.get(name)
        return found.oid if found else None

    def relation(self, oid: int) -> Relation | None:
        """The relation of this number; None when there is none."""
        return self._catalogue.by_oid(oid)

    def relations(self) -> list[Relation]:
        """Everything that has rows or gives numbers, sorted by name."""
        found = self._catalogue.relations
        return [found[name] for name in sorted(found)]

    def routines(self) -> list[Routine]:
        """All functions with their numbers and comments, sorted as `functions` are."""
        found = self._catalogue.functions
        return [found[key] for key in sorted(found)]

    def schema_comment(self, name: str) -> str:
        """What COMMENT ON SCHEMA said; empty when it said nothing."""
        return self._catalogue.schemas.get(name, "")

    def names_in(self, schema: str) -> set[str]:
        """What no new relation of a schema may be called: its relations, indexes and keys."""
        return self._catalogue.names_in(schema)

    # Sequences

    def sequence(self, name: TableName) -> Sequence | None:
        """The sequence of this name; None when there is none."""
        found = self._catalogue.relations.get(name)
        kept = found.definition if found else None
        return kept if isinstance(kept, Sequence) else None

    def owned_sequence(self, oid: int, number: int) -> TableName | None:
        """The sequence that a table's column owns; None when it owns none."""
        found = self._catalogue.owned_by(oid, number)
        return found[0].definition.name if found else None

    def nextval(self, name: TableName, count: int = 1) -> list[int]:
        """The next values of a sequence, for good: no rollback gives them back.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809. SequenceLimitExceeded: 2200H.
        """
        return self._shared.sequences.next(*self._sequence(name), count)

    def setval(self, name: TableName, value: int, called: bool = True) -> None:
        """Have a sequence go on after `value`, or at it when not `called`; for good.

        Raises:
            NumericValueOutOfRange: 22003, it is outside the sequence's bounds.
        """
        self._shared.sequences.set(*self._sequence(name), value, called)

    def restart(self, name: TableName, value: int) -> None:
        """Have a sequence go on at `value`; undone with the transaction.

        Others are given its new values at once.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809.
        """
        with self._statement():
            oid, sequence = self._sequence(name)
            before = self._shared.sequences.restart(oid, sequence, value)
            self._restarts.append((oid, sequence, before))

    def stand(self, name: TableName) -> tuple[int, int, bool]:
        """A sequence's last value, how many after it are set aside, and whether it was given."""
        return self._shared.sequences.stand(*self._sequence(name))
