"""DROP: what goes, and what stands on it (PostgreSQL manual, 5.14, "Dependency Tracking").

A view stands on what its query reads, a foreign key on the table it refers to, a default on the
sequence it calls, a function on those its body is bound to. They stop a drop (2BP01), or go with it
(CASCADE). A sequence that a column owns goes with the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InvalidSchemaName,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.functions import Function, FunctionName
from gateway.store.ddl.calling import calling
from gateway.store.ddl.owning import Owning, function_key, relation_key
from gateway.store.definitions.catalogue import PUBLIC, Catalogue, Relation, Routine, written
from gateway.store.definitions.definitions import Sequence, TableDefinition
from gateway.store.definitions.privileges import Securable
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.transactions.locks import Mode
from gateway.store.transactions.transactions import Transaction

# What messages call all that DROP OWNED drops.
DESIRED = "desired object(s)"


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a DROP did: the names that were not there, and what went besides."""

    missing: tuple[TableName, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    """What goes: relations by number, foreign keys and defaults as (table, name)."""

    relations: dict[int, Relation] = field(default_factory=dict)
    references: dict[tuple[int, str], str] = field(default_factory=dict)
    defaults: set[tuple[int, str]] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)  # what stands, on what


class Dropper(Owning):
    """The part of a session that drops."""

    def drop_relations(
        self,
        kind: str,
        names: Collection[TableName],
        *,
        if_exists: bool = False,
        cascade: bool = False,
    ) -> Dropped:
        """Drop relations of one kind together; what stands on them stops it, or goes too.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809.
            DependentObjectsStillExist: 2BP01.
        """
        with self._defining() as transaction:
            found, missing = [], []
            for name in dict.fromkeys(names):
                relation = transaction.catalogue.relations.get(name)
                if relation is None:
                    missing.append(name)
                    continue
                _refuse_kind(relation, kind)
                found.append(relation)
            if missing and not if_exists:
                raise UndefinedTable(f'{kind} "{missing[0].name}" does not exist')
            return Dropped(tuple(missing), self._drop(transaction, found, cascade))

    def drop_schema(
        self,
        name: str,
        *,
        if_exists: bool = False,
        cascade: bool = False,
        types: Mapping[int, str] = MappingProxyType({}),
    ) -> Dropped | None:
        """Drop a schema, with `cascade` and what it holds; None when it was not there.

        Args:
            name: Its name.
            if_exists: It need not be there.
            cascade: What it holds goes with it.
            types: Number and title of its types, which the caller drops.

        Raises:
            InvalidSchemaName: 3F000. DependentObjectsStillExist: 2BP01.
        """
        if name == PUBLIC:
            raise FeatureNotSupported(f'schema "{PUBLIC}" cannot be dropped')
        with self._defining() as transaction:
            if name not in transaction.catalogue.schemas:
                if if_exists:
                    return None
                raise InvalidSchemaName(f'schema "{name}" does not exist')
            catalogue = transaction.catalogue
            inside = {r.oid: r for n, r in catalogue.relations.items() if n.schema == name}
            functions = {f.oid: k for k, f in catalogue.functions.items() if k.schema == name}
            titles = _titles(catalogue.functions, functions.values(), PUBLIC)
            titled = {oid: title(r) for oid, r in inside.items() if not is_owned(r)}
            titled |= dict(zip(functions, titles, strict=True))
            titled.update(types)
            plan = _Plan(dict(inside))
            for oid in sorted({*inside, *titled}, reverse=True):
                if oid in inside:
                    _collect(catalogue, inside[oid], plan)
                if oid in titled:
                    plan.found.append((titled[oid], f"schema {name}"))
            others = self._done(transaction, plan, cascade, f"schema {name}")
            callers = self._drop_functions(transaction, list(functions.values()))
            self._forget_schema(transaction, name)
            return Dropped((), (*others, *(f"function {each}" for each in callers)))

    def _forget_schema(self, transaction: Transaction, name: str) -> None:
        transaction.catalogue = transaction.catalogue.without_schema(name)
        with translated():
            transaction.define(0, "DELETE FROM gradwire.schemas WHERE name = ?", name)
        self._disown(transaction, Securable("schema", name))
        self._forget_defaults_in(transaction, name)

    def drop_functions(
        self, keys: Collection[FunctionName], *, cascade: bool = False
    ) -> list[Function]:
        """Drop functions that are there; with `cascade` also those bound to them, which it gives.

        Raises:
            DependentObjectsStillExist: 2BP01, the body of another function is bound to one.
        """
        with self._defining() as transaction:
            held = transaction.catalogue.functions
            callers = transaction.catalogue.callers(keys)
            if callers and not cascade:
                (first, *_) = (key for key in keys if transaction.catalogue.callers([key]))
                raise still_needed(
                    f"function {held[first].function}", _titles(held, callers, first.schema)
                )
            return self._drop_functions(transaction, keys)

    def _drop_functions(
        self, transaction: Transaction, keys: Collection[FunctionName]
    ) -> list[Function]:
        """Drop functions and all that are bound to them; the latter."""
        others: list[Function] = []
        while keys:
            callers = transaction.catalogue.callers(keys)
            for key in keys:
                oid = transaction.catalogue.functions[key].oid
                transaction.catalogue = transaction.catalogue.without_function(key)
                with translated():
                    self._forget_function(transaction, oid)
                self._disown(transaction, function_key(oid))
            held = transaction.catalogue.functions
            others += [held[caller].function for caller in callers]
            keys = callers
        return others

    def drop_owned(self, things: Collection[Securable], *, cascade: bool = False) -> list[str]:
        """Drop relations, functions and schemas by what their rights are kept under.

        Returns:
            The titles of what stood on them, which `cascade` lets go, too.

        Raises:
            DependentObjectsStillExist: 2BP01.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            found = [r for r in catalogue.relations.values() if relation_key(r.oid) in things]
            owned_by = {seq.oid for r in found for seq in catalogue.owned_by(r.oid)}
            roots = [relation for relation in found if relation.oid not in owned_by]
            others = list(self._drop(transaction, roots, cascade, DESIRED))
            keys = [k for k, f in catalogue.functions.items() if function_key(f.oid) in things]
            also = self.drop_functions(keys, cascade=cascade) if keys else []
            others += [f"function {each}" for each in also]
            for name in sorted(catalogue.schemas):
                if name != PUBLIC and Securable("schema", name) in things:
                    done = self.drop_schema(name, cascade=cascade)
                    others += done.others if done is not None else ()
            for thing in things:
                if thing.kind == "default":
                    self._disown(transaction, thing)
            return others

    def _save_function(self, transaction: Transaction, routine: Routine) -> None:
        """Write what a function is now in the place of what it was."""
        with translated():
            self._forget_function(transaction, routine.oid)
            statement, values = disk.saving_function(routine)
            transaction.define(0, statement, *values)

    def _forget_function(self, transaction: Transaction, oid: int) -> None:
        statement, values = disk.forgetting_function(oid)
        transaction.define(0, statement, *values)

    def _drop(
        self,
        transaction: Transaction,
        relations: Collection[Relation],
        cascade: bool,
        what: str = "",
    ) -> tuple[str, ...]:
        """Drop relations and, with `cascade`, what stands on them; the titles of the latter.

        Messages call them `what`, or one by its title.
        """
        plan = _Plan({relation.oid: relation for relation in relations})
        for relation in relations:
            _refuse_owned(transaction.catalogue, relation, plan.relations)
        for relation in relations:
            _collect(transaction.catalogue, relation, plan)
        what = what or next(map(title, relations), "")
        return self._done(transaction, plan, cascade, what)

    def _done(
        self, transaction: Transaction, plan: _Plan, cascade: bool, what: str
    ) -> tuple[str, ...]:
        """Carry out the plan to drop what messages call `what`; the titles of what stood on it."""
        if plan.found and not cascade:
            raise still_needed(what, (), plan.found[::-1])
        self._carry_out(transaction, plan)
        return tuple(dict.fromkeys(what for what, _ in plan.found[::-1]))

    def _carry_out(self, transaction: Transaction, plan: _Plan) -> None:
        lost = [*plan.references, *plan.defaults]
        touched = {oid for oid, _ in lost if oid not in plan.relations}
        for oid in sorted({*plan.relations, *touched}):
            self._lock_relation(oid, mode=Mode.EXCLUSIVE)
        for oid in touched:
            relation = transaction.catalogue.by_oid(oid)
            assert relation is not None and isinstance(relation.definition, TableDefinition)
            left = tuple(
                fk
                for fk in relation.definition.foreign_keys
                if (oid, fk.name) not in plan.references
            )
            columns = tuple(
                replace(column, default=None) if (oid, column.name) in plan.defaults else column
                for column in relation.definition.columns
            )
            changed = replace(relation.definition, columns=columns, foreign_keys=left)
            self._save(transaction, Relation(oid, changed))
        for relation in plan.relations.values():
            definition = relation.definition
            transaction.catalogue = transaction.catalogue.without_relation(definition.name)
            with translated():
                self._forget(transaction, relation.oid)
                if isinstance(definition, TableDefinition):
                    place = disk.physical(relation.oid, definition)
                    transaction.define(relation.oid, f"DROP TABLE {place}")
            self._disown(transaction, relation_key(relation.oid))

    def _save(self, transaction: Transaction, relation: Relation, rows: bool = False) -> None:
        """Keep a relation; `rows`: what reads its rows has to read them again."""
        name = relation.definition.name
        transaction.catalogue = transaction.catalogue.with_relation(name, relation)
        with translated():
            self._forget(transaction, relation.oid)
            statement, values = disk.saving(relation)
            transaction.define(relation.oid if rows else 0, statement, *values)

    def _forget(self, transaction: Transaction, oid: int) -> None:
        statement, values = disk.forgetting(oid)
        transaction.define(0, statement, *values)


def title(relation: Relation) -> str:
    """What messages call a relation."""
    return f"{relation.kind} {written(relation.definition.name)}"


def _refuse_kind(relation: Relation, kind: str) -> None:
    if relation.kind != kind:
        article = "an" if kind[0] in "aeiou" else "a"
        raise WrongObjectType(
            f'"{relation.definition.name.name}" is not {article} {kind}',
            hint=f"Use DROP {relation.kind.upper()} to remove a {relation.kind}.",
        )


def is_owned(relation: Relation) -> bool:
    """Whether it is the sequence of a column, which stands and falls with its table."""
    return isinstance(relation.definition, Sequence) and relation.definition.owner is not None


def _refuse_owned(catalogue: Catalogue, relation: Relation, going: Mapping[int, Relation]) -> None:
    """An identity column's sequence goes with its column alone; a serial's stands under a default.

    Raises:
        DependentObjectsStillExist: 2BP01.
    """
    sequence = relation.definition
    if not isinstance(sequence, Sequence) or sequence.owner is None or sequence.owner[0] in going:
        return
    table = catalogue.by_oid(sequence.owner[0])
    if table is None or not isinstance(table.definition, TableDefinition):
        return
    for column in table.definition.columns:
        if column.number == sequence.owner[1] and column.identity:
            on = f"column {column.name} of {title(table)}"
            raise DependentObjectsStillExist(
                f"cannot drop {title(relation)} because {on} requires it",
                hint=f"You can drop {on} instead.",
            )


def _collect(catalogue: Catalogue, relation: Relation, plan: _Plan) -> None:
    """Add what stands on a relation, and on that, to the plan.

    What was made last comes first, each after what stands on it; PostgreSQL tells it from the end
    (findDependentObjects in dependency.c).
    """
    for owned in catalogue.owned_by(relation.oid):
        if owned.oid not in plan.relations:
            plan.relations[owned.oid] = owned
    standing = [*_readers(catalogue, relation), *_keys_and_defaults(catalogue, relation, plan)]
    for oid, what, reader in sorted(standing, key=lambda each: each[0], reverse=True):
        if reader is not None:
            if oid in plan.relations:
                continue
            plan.relations[oid] = reader
            _collect(catalogue, reader, plan)
        plan.found.append((what, title(relation)))


# The number of a relation, what messages call it or what of it stands, and it where it goes whole.
_Standing = tuple[int, str, Relation | None]


def _readers(catalogue: Catalogue, relation: Relation) -> Iterator[_Standing]:
    for reader in catalogue.readers(relation.oid):
        yield reader.oid, title(reader), reader


def _keys_and_defaults(
    catalogue: Catalogue, relation: Relation, plan: _Plan
) -> Iterator[_Standing]:
    """The foreign keys that refer to a table, the defaults that call a sequence, into the plan."""
    definition = relation.definition
    if isinstance(definition, TableDefinition):
        for child in catalogue.referring(definition.name):
            assert isinstance(child.definition, TableDefinition)
            for fk in reversed(child.definition.foreign_keys):
                if fk.table == definition.name and child.oid not in plan.relations:
                    what = f"constraint {fk.name} on {title(child)}"
                    plan.references[child.oid, fk.name] = what
                    yield child.oid, what, None
    if isinstance(definition, Sequence):
        for table in catalogue.relations.values():
            if not isinstance(table.definition, TableDefinition) or table.oid in plan.relations:
                continue
            for column in reversed(calling(table.definition, definition.name)):
                plan.defaults.add((table.oid, column))
                yield table.oid, f"default value for column {column} of {title(table)}", None


def _titles(
    held: Mapping[FunctionName, Routine], keys: Iterable[FunctionName], home: str
) -> list[str]:
    return [f"function {held[key].function.shown(home)}" for key in keys]


def still_needed(
    what: str, others: Iterable[str], pairs: Iterable[tuple[str, str]] = ()
) -> DependentObjectsStillExist:
    """The refusal to drop `what`, on which `others` stand; `pairs` say what stands on what."""
    told = [f"{other} depends on {what}" for other in others]
    told += [f"{other} depends on {on}" for other, on in pairs]
    return DependentObjectsStillExist(
        f"cannot drop {what} because other objects depend on {'them' if what == DESIRED else 'it'}",
        detail="\n".join(told),
        hint="Use DROP ... CASCADE to drop the dependent objects too.",
    )
