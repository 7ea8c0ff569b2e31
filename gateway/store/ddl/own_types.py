"""What enums and domains share: their names, their comments, what stands on them, and their end.

Columns know their type by its number. Views, defaults, CHECKs and functions are kept as text, in
which the type stands by name: what they name keeps its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlglot import exp

from gateway.errors import DuplicateObject, FeatureNotSupported, GatewayError, UndefinedObject
from gateway.sources.table import TableName
from gateway.sql.text.datatypes import type_name
from gateway.sql.text.dialect import parse
from gateway.store.ddl.commenting import Commenter
from gateway.store.ddl.dropping import Dropped, still_needed, title
from gateway.store.definitions.catalogue import Catalogue, OwnType, Relation, written
from gateway.store.definitions.definitions import Column, TableDefinition, View
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.enums import Enum
from gateway.store.definitions.privileges import Securable
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.transactions.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Dependent:
    """What stands on a type: `what` messages call it.

    Args:
        what: "column c of table t", "type d", "view v", ....
        kind: "column", "type", or what else it is.
        relation: The relation, or the type, that it is or is of.
        name: Of a column, or of a part of a table; "" for what is whole.
    """

    what: str
    kind: str
    relation: TableName
    name: str = ""


class TypeKeeper(Commenter):
    """The part of a session that keeps users' own types."""

    def enums(self) -> list[Enum]:
        """All enums, sorted by name."""
        return sorted(
            (each for each in self._catalogue.types.values() if isinstance(each, Enum)),
            key=lambda enum: enum.name,
        )

    def domains(self) -> list[Domain]:
        """All domains, by number."""
        return self._catalogue.domains

    def own_types(self) -> list[OwnType]:
        """All of both, sorted by name."""
        found = self._catalogue.types
        return [found[name] for name in sorted(found)]

    def comment_on_type(self, name: TableName, text: str) -> None:
        """Keep what COMMENT ON TYPE said.

        Raises:
            UndefinedObject: 42704.
        """
        with self._defining() as transaction:
            own = type_named(transaction.catalogue, name)
            self._save_type(transaction, replace(own, comment=text))

    def rename_type(self, name: TableName, new: TableName) -> None:
        """Give a type another name, or move it to another schema.

        Raises:
            GatewayError: 42704, 42710, 3F000; 0A000, a text that is kept names it.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            own = type_named(catalogue, name)
            catalogue.refuse_no_schema(new.schema)
            if new.name != name.name or TableName(new.schema, new.name) in catalogue.relations:
                refuse_taken(catalogue, new)
            told = [each.what for each in _naming(catalogue, name)]
            if told:
                raise FeatureNotSupported(
                    f'type "{name.name}" cannot be renamed or moved: {told[0]} names it',
                    hint="Drop that first, and make it again afterwards.",
                )
            transaction.catalogue = catalogue.without_type(name)
            self._save_type(transaction, replace(own, name=new))

    def on_type(self, name: TableName) -> list[Dependent]:
        """What stands on a type: columns and domains of it, and what has its name in its text.

        Raises:
            UndefinedObject: 42704.
        """
        own = type_named(self._catalogue, name)
        return _dependents(self._catalogue, own)

    @contextmanager
    def defining(self) -> Iterator[None]:
        """Several definitions inside: all of them or none."""
        with self._defining():
            yield

    def drop_types(self, names: Sequence[TableName]) -> None:
        """Drop types on which nothing stands but others of these.

        Raises:
            UndefinedObject: 42704. DependentObjectsStillExist: 2BP01.
        """
        with self._defining() as transaction:
            for name in names:
                own = type_named(transaction.catalogue, name)
                held = [
                    each.what
                    for each in _dependents(transaction.catalogue, own)
                    if each.kind != "type" or each.relation not in names
                ]
                if held:
                    raise still_needed(f"type {own.shown}", held)
            for name in names:
                own = type_named(transaction.catalogue, name)
                transaction.catalogue = transaction.catalogue.without_type(name)
                with translated():
                    statement, values = disk.forgetting_type(own)
                    transaction.define(0, statement, *values)
                self._disown(transaction, type_key(own.oid))

    def drop_schema(
        self,
        name: str,
        *,
        if_exists: bool = False,
        cascade: bool = False,
        types: Mapping[int, str] = MappingProxyType({}),
    ) -> Dropped | None:
        """Drop a schema, with `cascade` and what it holds; None when it was not there."""
        with self._defining() as transaction:
            inside = {n: own for n, own in transaction.catalogue.types.items() if n.schema == name}
            titles = {own.oid: f"type {own.shown}" for own in inside.values()}
            done = super().drop_schema(
                name, if_exists=if_exists, cascade=cascade, types={**titles, **types}
            )
            self.drop_types(list(inside))
            return done

    def rename_schema(self, name: str, new: str) -> None:
        """Give a schema another name, and its types with it."""
        with self._defining() as transaction:
            inside = [each for each in sorted(transaction.catalogue.types) if each.schema == name]
            super().rename_schema(name, new)
            for each in inside:
                self.rename_type(each, TableName(new, each.name))

    def _make_type(self, transaction: Transaction, own: OwnType) -> None:
        """Keep a new type, which is the session's."""
        self._save_type(transaction, own)
        self._own(transaction, type_key(own.oid))

    def _save_type(self, transaction: Transaction, own: OwnType) -> None:
        transaction.catalogue = transaction.catalogue.with_type(own)
        with translated():
            statement, values = disk.forgetting_type(own)
            transaction.define(0, statement, *values)
            statement, values = disk.saving_type(own)
            transaction.define(0, statement, *values)


def type_key(oid: int) -> Securable:
    """What the rights to a type of that number are kept under."""
    return Securable("type", str(oid))


def type_named(catalogue: Catalogue, name: TableName) -> OwnType:
    """The type of that name.

    Raises:
        UndefinedObject: 42704.
    """
    found = catalogue.types.get(name)
    if found is None:
        raise UndefinedObject(f'type "{name.name}" does not exist')
    return found


def refuse_taken(catalogue: Catalogue, name: TableName) -> None:
    """Refuse the name of another type, or of a relation, which is a type, too.

    Names of types stand in kept texts without their schemas: there is one of each.

    Raises:
        DuplicateObject: 42710. FeatureNotSupported: 0A000.
    """
    if name in catalogue.types or name in catalogue.relations:
        raise DuplicateObject(f'type "{name.name}" already exists')
    for other in catalogue.types:
        if other.name == name.name:
            raise FeatureNotSupported(
                f'schema "{other.schema}" has a type "{name.name}", too',
                hint="Types of one name in several schemas are not supported.",
            )


def columns_of(catalogue: Catalogue, own: OwnType) -> Iterator[tuple[TableDefinition, Column]]:
    """The columns of a type, or of arrays of it, and of the domains over it."""
    for relation in _by_number(catalogue):
        table = relation.definition
        if isinstance(table, TableDefinition):
            yield from ((table, column) for column in table.columns if _is_of(column, own))


def _by_number(catalogue: Catalogue) -> list[Relation]:
    return sorted(catalogue.relations.values(), key=lambda relation: relation.oid)


def _is_of(column: Column, own: OwnType) -> bool:
    if column.domain is not None and isinstance(own, Domain):
        return own.oid in (each.oid for each in column.domain.line)
    return (column.type.element or column.type).oid == own.oid


def texts_kept(catalogue: Catalogue) -> Iterator[tuple[Dependent, str]]:
    """All texts of SQL that are kept, each with what it is of."""
    for relation in _by_number(catalogue):
        definition = relation.definition
        name = definition.name
        if isinstance(definition, View):
            texts = (f"({definition.sql})", *(text for _, text in definition.defaults))
            yield Dependent(title(relation), "view", name), _listed(texts)
        elif isinstance(definition, TableDefinition):
            if definition.query is not None:
                yield Dependent(title(relation), "materialized view", name), definition.query.sql
            yield from _texts_of(definition)
    for routine in catalogue.functions.values():
        function = routine.function
        place = TableName(function.schema, function.name)
        yield Dependent(f"function {function}", "function", place), function.body
    for domain in catalogue.domains:
        texts = (domain.default or "", *(check.expression for check in domain.checks))
        yield Dependent(f"type {domain.shown}", "type", domain.name), _listed(texts)


def _texts_of(table: TableDefinition) -> Iterator[tuple[Dependent, str]]:
    name = table.name
    place = f"table {written(name)}"
    for column in table.columns:
        what = f"default value for column {column.name} of {place}"
        yield Dependent(what, "default", name, column.name), column.default or ""
        what = f"column {column.name} of {place}"
        yield Dependent(what, "column", name, column.name), column.generated or ""
    for check in table.checks:
        what = f"constraint {check.name} on {place}"
        yield Dependent(what, "constraint", name, check.name), check.expression
    for key in table.keys:
        text = _listed((*key.items, *key.values, key.predicate))
        yield Dependent(f"index {key.name}", "index", name, key.name), text
    for index in table.indexes:
        text = _listed((*index.columns, index.predicate))
        yield Dependent(f"index {index.name}", "index", name, index.name), text


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(filter(None, texts))


def _dependents(catalogue: Catalogue, own: OwnType) -> list[Dependent]:
    found = [
        _of_column(table, column)
        for table, column in columns_of(catalogue, own)
        if column.domain is None or column.domain.oid == own.oid
    ]
    for domain in catalogue.domains:
        beneath = domain.over.oid if domain.over is not None else domain.base.oid
        if beneath == own.oid:
            found.append(Dependent(f"type {domain.shown}", "type", domain.name))
    held = {(each.relation, each.name) for each in found}
    found += [
        each
        for each in _naming(catalogue, own.name)
        if (each.relation, each.name) not in held and (each.relation, "") not in held
    ]
    numbers = {name: relation.oid for name, relation in catalogue.relations.items()}
    numbers |= {name: other.oid for name, other in catalogue.types.items()}
    others = (each for each in dict.fromkeys(found) if each.relation != own.name)
    return sorted(others, key=lambda each: numbers.get(each.relation, 0))


def _of_column(table: TableDefinition, column: Column) -> Dependent:
    if table.query is not None:
        what = f"materialized view {written(table.name)}"
        return Dependent(what, "materialized view", table.name)
    what = f"column {column.name} of table {written(table.name)}"
    return Dependent(what, "column", table.name, column.name)


def _naming(catalogue: Catalogue, name: TableName) -> list[Dependent]:
    """What names a type in its text."""
    word = re.compile(rf'(?<![\w"])"?{re.escape(name.name)}"?(?![\w"])', re.IGNORECASE)
    found = [(each, text) for each, text in texts_kept(catalogue) if word.search(text)]
    return [each for each, text in found if _names_type(text, name.name)]


def _names_type(text: str, name: str) -> bool:
    """Whether a type of that name stands in a text; of what cannot be read, that it may."""
    for sql in (text, f"SELECT {text}"):
        try:
            trees = parse(sql)
        except GatewayError:
            continue
        kinds = (kind for tree in trees if tree is not None for kind in tree.find_all(exp.DataType))
        return any(type_name(kind)[-1:] == (name,) for kind in kinds)
    return True
