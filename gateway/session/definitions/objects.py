"""Indexes, comments, sequences: what stands beside the tables; comments on roles and databases."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.authority import DATABASE
from gateway.catalog.renaming import unqualified
from gateway.catalog.row_expressions import refuse_subquery
from gateway.catalog.sequence_numbers import changed_sequence, restart_of, sequence_of
from gateway.errors import (
    DatatypeMismatch,
    DependentObjectsStillExist,
    DuplicateTable,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidCatalogName,
    InvalidObjectDefinition,
    ReadOnlyTable,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedObject,
    WrongObjectType,
)
from gateway.roles import Made
from gateway.session.definitions.domains import comment_on_rule
from gateway.session.definitions.grants import known_role, no_such_role
from gateway.session.definitions.naming import (
    missing,
    new_name,
    note_missing,
    note_skipped,
    note_unaltered,
    placed,
)
from gateway.session.definitions.own_types import comment_on_type
from gateway.session.definitions.tables import planned_fields
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.meaning.naming import UNNAMED, output_name
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import position_of, table_node
from gateway.sql.statements.commands import DropStatement, Name
from gateway.sql.statements.objects import CommentOn, CreateIndex
from gateway.sql.statements.sequences import (
    AlterSequence,
    CreateSequence,
    SequenceOptions,
)
from gateway.store.definitions.constraints import chosen_name
from gateway.store.definitions.definitions import Index, Key, Sequence, TableDefinition
from gateway.types import from_arrow


def create_index(executor: Executor, tree: CreateIndex) -> Result:
    """CREATE INDEX; a unique one is held like a constraint, another kept for those who list it."""
    registry = executor.registry
    definition = registry.definition(*placed(executor, tree.table), materialized=True)
    taken = executor.registry.store.names_in(definition.name.schema)
    for name in (*filter(None, tree.names), *tree.included):
        if all(column.name != name for column in definition.columns):
            raise UndefinedColumn(f'column "{name}" does not exist')
    chosen = tree.name or chosen_name(
        definition.name.name, "_".join((*_key_names(tree), *tree.included)), "idx", taken
    )
    if chosen in taken:
        if tree.if_not_exists:
            note_skipped(executor, TableName("", chosen))
            return Result("CREATE INDEX")
        raise DuplicateTable(f'relation "{chosen}" already exists')
    _refuse_method(tree)
    _refuse_computed(executor, definition, tree)
    tree = _unqualified(tree, definition.name)

    def change(old: TableDefinition) -> TableDefinition:
        if tree.unique:
            return replace(old, keys=(*old.keys, _unique(tree, chosen)))
        predicate = "" if tree.predicate is None else tree.predicate.text
        index = Index(chosen, tree.columns, tree.method, predicate, tree.included)
        return replace(old, indexes=(*old.indexes, index))

    registry.store.alter_table(definition.name, change)
    if not tree.unique:
        executor.notices.append(
            f'index "{chosen}" is kept in the catalogue, and used by no query: tables are scanned'
        )
    return Result("CREATE INDEX")


def _key_names(tree: CreateIndex) -> list[str]:
    """What PostgreSQL calls the keys of an index (ChooseIndexColumnNames)."""
    made: list[str] = []
    for written in tree.values:
        name, number = output_name(written.tree), 0
        name = first = "expr" if name == UNNAMED else name
        while name in made:
            number += 1
            name = f"{first}{number}"
        made.append(name)
    return made


def _refuse_computed(executor: Executor, table: TableDefinition, tree: CreateIndex) -> None:
    """Refuse expressions and a WHERE that mean nothing, or not the same each time."""
    given = [written for written, name in zip(tree.values, tree.names, strict=True) if not name]
    for written in (*given, *([tree.predicate] if tree.predicate else [])):
        where = "index predicate" if written is tree.predicate else "index expression"
        refuse_subquery(written, where)
        if (call := volatile_call(written.tree)) is not None:
            raise InvalidObjectDefinition(
                f"functions in {where} must be marked IMMUTABLE", position=position_of(call)
            )
        none = pa.RecordBatch.from_pylist([], table.schema)
        values = executor.registry.store.expressions.compute(table, written.text, none)
        if written is tree.predicate and not pa.types.is_boolean(values.type):
            kind = from_arrow(values.type).sql
            raise DatatypeMismatch(f"argument of WHERE must be type boolean, not type {kind}")


def _unqualified(tree: CreateIndex, table: TableName) -> CreateIndex:
    """The same with columns as the table has them: it may be renamed."""
    values = [replace(each, text=unqualified(each.text, table)) for each in tree.values]
    where = tree.predicate and replace(tree.predicate, text=unqualified(tree.predicate.text, table))
    columns = tuple(unqualified(item, table) for item in tree.columns)
    return replace(tree, columns=columns, values=tuple(values), predicate=where)


def _unique(tree: CreateIndex, name: str) -> Key:
    """What a unique index holds rows to."""
    written = [*tree.values, *([tree.predicate] if tree.predicate else [])]
    reads = [column.name for each in written for column in each.tree.find_all(exp.Column)]
    columns = tree.names if all(tree.names) else ()
    return Key(
        columns,
        name,
        constraint=False,
        nulls_distinct=tree.nulls_distinct,
        items=() if columns == tree.columns else tree.columns,
        values=() if columns else tuple(each.text for each in tree.values),
        predicate=tree.predicate.text if tree.predicate else "",
        reads=tuple(dict.fromkeys(reads)),
        included=tree.included,
    )


def _refuse_method(tree: CreateIndex) -> None:
    """B-trees alone can be unique."""
    if tree.unique and tree.method != "btree":
        raise FeatureNotSupported(f'access method "{tree.method}" does not support unique indexes')


def drop_indexes(executor: Executor, tree: DropStatement) -> None:
    """DROP INDEX names."""
    for parts in tree.names:
        schema, name = executor.registry.named(parts)
        found = executor.registry.find_index(schema, name)
        if found is None:
            what = f'index "{name}"'
            if not tree.if_exists:
                raise missing(executor, parts, UndefinedObject, what)
            note_missing(executor, parts, what)
            continue
        _drop_index(executor, found, name)


def _drop_index(executor: Executor, table: TableName, name: str) -> None:
    definition = executor.registry.store.table(table)
    for key in definition.keys if definition is not None else ():
        if key.name == name and key.constraint:
            what = f"constraint {name} on table {table.name}"
            raise DependentObjectsStillExist(
                f"cannot drop index {name} because {what} requires it",
                hint=f"You can drop {what} instead.",
            )

    def change(old: TableDefinition) -> TableDefinition:
        return replace(
            old,
            keys=tuple(key for key in old.keys if key.name != name),
            indexes=tuple(index for index in old.indexes if index.name != name),
        )

    executor.registry.store.alter_table(table, change)


def comment(executor: Executor, tree: CommentOn) -> Result:
    """COMMENT ON: kept with the thing, and gone with it."""
    registry, text = executor.registry, tree.text or ""
    if tree.kind == "schema":
        if tree.name[-1] not in registry.store.schemas() and registry.is_dataset(tree.name[-1]):
            raise ReadOnlyTable(f'schema "{tree.name[-1]}" is an xarray dataset')
        registry.store.comment_on_schema(tree.name[-1], text)
    elif tree.kind == "function":
        _comment_on_function(executor, tree, text)
    elif tree.kind == "index":
        table = registry.find_index(*registry.named(tree.name))
        if table is None:
            raise missing(executor, tree.name)
        registry.store.comment_on_part(table, "index", tree.name[-1], text)
    elif tree.kind == "constraint":
        _comment_on_constraint(executor, tree, text)
    elif tree.kind in ("role", "database"):
        comment_on_shared(executor, tree)
    elif tree.kind == "domain constraint":
        comment_on_rule(executor, tree.name[:-1], tree.name[-1], text)
    elif tree.kind in ("type", "domain"):
        comment_on_type(executor, tree.name, tree.kind, text)
    else:
        _comment_on_relation(executor, tree, text)
    return Result("COMMENT")


def _comment_on_relation(executor: Executor, tree: CommentOn, text: str) -> None:
    column = tree.name[-1] if tree.kind == "column" else None
    parts = tree.name[:-1] if column is not None else tree.name
    name = _user_relation(executor, parts, tree.kind)
    if column is not None:
        _require_column(executor, name, column)
    executor.registry.store.comment_on(name, text, column)


def _require_column(executor: Executor, name: TableName, column: str) -> None:
    """Refuse a column that a view has not, and any of a sequence."""
    if executor.registry.store.sequence(name) is not None:
        raise WrongObjectType(
            f'cannot set comment on relation "{name.name}"',
            detail="This operation is not supported for sequences.",
        )
    if executor.registry.store.table(name) is None:
        fields = planned_fields(executor, exp.select("*").from_(table_node(name)))
        if all(each.name != column for each in fields):
            raise UndefinedColumn(f'column "{column}" of relation "{name.name}" does not exist')


def _comment_on_constraint(executor: Executor, tree: CommentOn, text: str) -> None:
    table = executor.registry.definition(*placed(executor, tree.name[:-1]))
    name = tree.name[-1]
    if all(each.name != name for each in table.constraints):
        raise UndefinedObject(f'constraint "{name}" for table "{table.name.name}" does not exist')
    executor.registry.store.comment_on_part(table.name, "constraint", name, text)


def _comment_on_function(executor: Executor, tree: CommentOn, text: str) -> None:
    found = executor.registry.functions(*executor.registry.named(tree.name))
    if tree.types is not None:
        found = [f for f in found if tuple(a.type for a in f.arguments) == tree.types]
    if not found:
        raise UndefinedFunction(f"function {'.'.join(tree.name)} does not exist")
    executor.registry.store.comment_on_function(found[0].key, text)


def _user_relation(executor: Executor, parts: Name, kind: str) -> TableName:
    registry = executor.registry
    schema, last = placed(executor, parts)
    if kind == "sequence":
        return _sequence_named(executor, parts)
    name = registry.relation(schema, last).name
    oid = registry.store.oid(name)
    relation = registry.store.relation(oid) if oid is not None else None
    if relation is None:
        raise ReadOnlyTable(
            f'"{name}" is an xarray dataset: its attributes are its comments',
            hint=f"Copy it first: CREATE TABLE mine AS SELECT * FROM {name}",
        )
    if kind not in ("column", relation.kind):
        raise WrongObjectType(f'"{last}" is not a {kind}')
    return name


# Sequences


def create_sequence(executor: Executor, tree: CreateSequence) -> Result:
    """CREATE SEQUENCE."""
    store = executor.registry.store
    name = new_name(executor, tree.name, temporary=tree.temporary)
    sequence = replace(sequence_of(name, tree.options), owner=_owner(executor, tree.options))
    if not store.create_sequence(sequence, if_not_exists=tree.if_not_exists):
        note_skipped(executor, name)
    return Result("CREATE SEQUENCE")


def _owner(executor: Executor, options: SequenceOptions) -> tuple[int, int] | None:
    if not options.owner:
        return None
    definition = executor.registry.definition(*executor.registry.named(options.owner[:-1]))
    oid = executor.registry.store.oid(definition.name)
    assert oid is not None
    return oid, definition.column(options.owner[-1]).number


def _sequence_named(executor: Executor, parts: Name) -> TableName:
    found = executor.registry.find_sequence(*executor.registry.named(parts))
    if found is None:
        raise missing(executor, parts)
    return found


def alter_sequence(executor: Executor, tree: AlterSequence) -> Result:
    """ALTER SEQUENCE: its bounds, where it goes on, its name."""
    store = executor.registry.store
    registry = executor.registry
    if tree.if_exists and registry.find_sequence(*registry.named(tree.name)) is None:
        note_unaltered(executor, tree.name)
        return Result("ALTER SEQUENCE")
    name, options = _sequence_named(executor, tree.name), tree.options
    if tree.rename or tree.schema:
        place = TableName(name.schema, tree.rename)
        if tree.schema:
            _refuse_owned(executor, name)
            place = registry.new_name(tree.schema, name.name)
        store.rename_relation(name, place)
        return Result("ALTER SEQUENCE")

    def change(old: Sequence) -> Sequence:
        changed = changed_sequence(old, options)
        if options.owner is None:
            return changed
        _refuse_identity(executor, old)
        return replace(changed, owner=_owner(executor, options))

    store.change_sequence(name, change)
    changed = store.sequence(name)
    if changed is not None and (value := restart_of(changed, options)) is not None:
        store.restart(name, value)
    return Result("ALTER SEQUENCE")


def _refuse_identity(executor: Executor, sequence: Sequence) -> None:
    """An identity column's sequence is its own for good (tablecmds.c, sequence.c)."""
    oid, number = sequence.owner or (0, 0)
    relation = executor.registry.store.relation(oid)
    definition = relation.definition if relation is not None else None
    if isinstance(definition, TableDefinition):
        table = definition.name.name
        if any(c.identity and c.number == number for c in definition.columns):
            raise FeatureNotSupported(
                "cannot change ownership of identity sequence",
                detail=f'Sequence "{sequence.name.name}" is linked to table "{table}".',
            )


def _refuse_owned(executor: Executor, name: TableName) -> None:
    """A sequence that a column owns stands where its table does (tablecmds.c)."""
    sequence = executor.registry.store.sequence(name)
    owner = sequence.owner if sequence is not None else None
    relation = executor.registry.store.relation(owner[0]) if owner is not None else None
    if relation is not None:
        raise FeatureNotSupported(
            "cannot move an owned sequence into another schema",
            detail=f'Sequence "{name.name}" is linked to table "{relation.definition.name.name}".',
        )


def comment_on_shared(executor: Executor, tree: CommentOn) -> None:
    """COMMENT ON ROLE and DATABASE: kept with the roles; of the database "" hides PostgreSQL's own.

    Raises:
        UndefinedObject: 42704.
        InsufficientPrivilege: 42501, for who makes no roles, or does not own the database.
    """
    authority, name, text = executor.authority, tree.name[-1], tree.text or ""
    acting = authority.role
    if tree.kind == "database":
        if name != executor.catalogue.client.session.database:
            message = f'database "{name}" does not exist'
            executor.notices.append(Notice(message, "WARNING", InvalidCatalogName.code))
            return
        if not authority.owns(acting, DATABASE):
            raise InsufficientPrivilege(f"must be owner of database {name}")
        name = ""
    elif not known_role(authority, name):
        raise no_such_role(name)
    elif authority.roles.is_superuser(name) and not authority.roles.is_superuser(acting):
        raise InsufficientPrivilege("must be superuser")
    elif not authority.roles.makes_roles(acting):
        raise InsufficientPrivilege("must have CREATEROLE privilege")

    def change(made: Made) -> Made:
        others = {of: held for of, held in made.comments.items() if of != name}
        return replace(made, comments={**others, name: text} if text or not name else others)

    executor.registry.store.change_made(change)
