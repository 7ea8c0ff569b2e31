"""CREATE and DROP: what changes the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InsufficientPrivilege,
    InvalidSchemaDefinition,
    InvalidTableDefinition,
    SyntaxFault,
    WrongObjectType,
)
from gateway.session.access.permission import Permission
from gateway.session.computation import Bound, fields_of
from gateway.session.definitions.altering import alter
from gateway.session.definitions.datasets import attach, detach, refresh_dataset
from gateway.session.definitions.default_privileges import change_defaults
from gateway.session.definitions.domains import alter_domain, create_domain
from gateway.session.definitions.functions import (
    create_function,
    drop_functions,
    drop_readers,
    shapes_over_functions,
)
from gateway.session.definitions.grants import change_grants, change_owner, role_named
from gateway.session.definitions.kept_settings import keep_setting
from gateway.session.definitions.naming import (
    lacks_schema,
    missing,
    new_name,
    note_cascade,
    note_missing,
    placed,
    refuse_dataset,
)
from gateway.session.definitions.objects import (
    alter_sequence,
    comment,
    create_index,
    create_sequence,
    drop_indexes,
)
from gateway.session.definitions.own_types import (
    alter_enum,
    create_enum,
    drop_types,
    let_go,
    move_type,
)
from gateway.session.definitions.owned import drop_owned, reassign_owned
from gateway.session.definitions.roles import (
    alter_role,
    change_membership,
    create_role,
    drop_role,
)
from gateway.session.definitions.tables import (
    create_table,
    create_table_as,
    planned_fields,
    reads_of,
    refresh,
)
from gateway.session.definitions.view_texts import kept_text
from gateway.session.result import Field, Notice, Result
from gateway.session.writes.execution import Executor
from gateway.session.writes.updatable_views import bound_query
from gateway.sources.table import TableName
from gateway.sql.names.relation import zone_of
from gateway.sql.names.updatable import why_not
from gateway.sql.statements.altering import AlterRelation
from gateway.sql.statements.commands import DropStatement, Name, RenameSchema
from gateway.sql.statements.datasets import AttachDataset, DetachDataset, RefreshDataset
from gateway.sql.statements.grants import ChangeDefaults, ChangeGrants, ChangeOwner, Grantee
from gateway.sql.statements.objects import CommentOn, CreateIndex, RefreshView
from gateway.sql.statements.own_types import (
    AddLabel,
    AlterDomain,
    CreateDomain,
    CreateEnum,
    DropTypes,
    MoveType,
    RenameLabel,
)
from gateway.sql.statements.refused import DropAbsent
from gateway.sql.statements.roles import (
    AlterRole,
    ChangeMembership,
    DropOwned,
    DropRole,
    MakeRole,
    ReassignOwned,
)
from gateway.sql.statements.routines import CreateFunction, DropFunction
from gateway.sql.statements.schemas import CreateSchema
from gateway.sql.statements.sequences import AlterSequence, CreateSequence
from gateway.sql.statements.setting import KeepSetting
from gateway.sql.statements.statement import CreateView, Statement
from gateway.sql.statements.tables import CreateTable
from gateway.store.definitions.columntypes import spelt
from gateway.store.definitions.definitions import View


def define(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """Do a definition, or TRUNCATE; when this returns it is done."""
    tree = statement.tree
    if isinstance(tree, DropAbsent):
        executor.notices.append(f"{tree.words} does not exist, skipping")
        return Result(statement.command)
    if isinstance(tree, CreateTable) and tree.query is not None:
        return create_table_as(executor, statement, tree, bound)
    if isinstance(tree, CreateView):
        return _create_view(executor, statement, tree)
    if isinstance(tree, DropStatement):
        return _drop(executor, tree, statement.command)
    done = _RUNNERS[type(tree)](executor, tree)
    assert isinstance(done, Result)
    return done


def _create_schema(executor: Executor, tree: CreateSchema) -> Result:
    authority, owner = executor.authority, None
    if tree.owner is not None:
        owner = role_named(authority, Grantee(*tree.owner))
        if not authority.roles.may_become(authority.role, owner):
            raise InsufficientPrivilege(f'must be member of role "{owner}"')
    if tree.elements and owner not in (None, authority.role):
        raise FeatureNotSupported("CREATE SCHEMA of another role cannot include schema elements")
    name = tree.name or owner or ""
    store = executor.registry.store
    with store.defining():
        made = store.create_schema(name, if_not_exists=tree.if_not_exists, owner=owner)
        _make_inside(executor, name, tree.elements)
    if not made:
        message = f'schema "{name}" already exists, skipping'
        executor.notices.append(Notice(message, code="42P06"))
    return Result("CREATE SCHEMA")


def _make_inside(executor: Executor, schema: str, elements: Sequence[Statement]) -> None:
    """Make what a schema is made with, for which it is the first of the search_path.

    Raises:
        InvalidSchemaDefinition: 42P15, an element names another schema.
    """
    registry = executor.registry
    database = executor.catalogue.client.session.database
    permission = Permission(executor.authority, registry, database)
    path, registry.search_path = registry.search_path, [schema, *registry.search_path]
    try:
        for element in elements:
            named: Name = getattr(element.tree, "name", ())
            if isinstance(element.tree, CreateIndex):
                named = element.tree.table
            if len(named) > 1 and named[-2] != schema:
                raise InvalidSchemaDefinition(
                    f"CREATE specifies a schema ({named[-2]}) different from the one being created"
                    f" ({schema})"
                )
            permission.check(element)
            define(executor, element, Bound())
    finally:
        registry.search_path = path


def _rename_schema(executor: Executor, tree: RenameSchema) -> Result:
    if tree.name == "public":
        raise FeatureNotSupported('schema "public" cannot be renamed')
    for name in (tree.name, tree.new):
        refuse_dataset(executor, name)
    executor.registry.store.rename_schema(tree.name, tree.new)
    return Result("ALTER SCHEMA")


def _create_view(executor: Executor, statement: Statement, tree: CreateView) -> Result:
    """Keep the query as its author wrote it, but for stars, once it plans."""
    reads = reads_of(executor, tree.query)
    temporary = tree.temporary or any(
        read.name.schema == executor.registry.store.temporary_schema for read in reads
    )
    name = new_name(executor, tree.name, temporary=temporary)
    if temporary and not tree.temporary:
        executor.notices.append(f'view "{name.name}" will be a temporary view')
    query = executor.computation(statement)
    assert query is not None
    fields = fields_of(query.rewritten, executor.plan(query, Bound(), read=False).schema)
    if not fields:
        raise FeatureNotSupported("views without columns are not supported")
    if len(tree.columns) > len(fields):
        raise SyntaxFault("CREATE VIEW specifies more column names than columns")
    names = [*tree.columns, *(field.name for field in fields[len(tree.columns) :])]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise InvalidTableDefinition(f'column "{twice}" specified more than once')
    if tree.check:
        _refuse_check_option(tree.query)
    if tree.replace:
        _refuse_other_types(executor, name, names, fields)
    source = kept_text(executor, tree.source, fields)
    zone = zone_of(executor.constants)
    view = View(name, source, tuple(names), reads, check=tree.check, zone=zone)
    executor.registry.store.create_view(view, or_replace=tree.replace)
    return Result("CREATE VIEW")


def _refuse_other_types(
    executor: Executor, name: TableName, names: Sequence[str], fields: Sequence[Field]
) -> None:
    """Refuse another type for a column of a view that is there (tablecmds.c, checkViewColumns)."""
    old = executor.registry.store.view(name)
    if old is None:
        return
    try:
        before = planned_fields(executor, bound_query(executor.registry, old))
    except GatewayError:  # it is no query any more
        return
    for was, column, field, now in zip(old.columns, names, before, fields, strict=False):
        sized = min(field.typmod, now.typmod) >= 0 and field.typmod != now.typmod
        if was == column and (field.type != now.type or sized):
            raise InvalidTableDefinition(
                f'cannot change data type of view column "{column}" from'
                f" {spelt(field.type, field.typmod)} to {spelt(now.type, now.typmod)}"
            )


def _refuse_check_option(query: exp.Expr) -> None:
    reason = why_not(query)
    if reason:
        raise FeatureNotSupported(
            "WITH CHECK OPTION is supported only on automatically updatable views", hint=reason
        )


def _drop(executor: Executor, tree: DropStatement, command: str) -> Result:
    if tree.kind == "truncate":
        return _truncate(executor, tree)
    if tree.kind == "index":
        drop_indexes(executor, tree)
    elif tree.kind == "schema":
        _drop_schemas(executor, tree)
    else:
        _drop_relations(executor, tree)
    return Result(command)


def _truncate(executor: Executor, tree: DropStatement) -> Result:
    registry = executor.registry
    for parts in tree.names:
        if registry.relation(*placed(executor, parts)).view is not None:
            raise WrongObjectType(f'"{parts[-1]}" is not a table')
    names = [registry.definition(*registry.named(parts)).name for parts in tree.names]
    if tree.cascade:
        others = [n for n in registry.store.referring(names) if n not in names]
        executor.notices += [f'truncate cascades to table "{other.name}"' for other in others]
        names += others
    registry.store.refuse_in_use(names, "TRUNCATE")
    registry.store.truncate(names)
    for name in names if tree.restart else ():
        oid, definition = registry.store.oid(name), registry.store.table(name)
        for column in definition.columns if definition is not None else ():
            owned = registry.store.owned_sequence(oid or 0, column.number)
            sequence = registry.store.sequence(owned) if owned is not None else None
            if owned is not None and sequence is not None:
                registry.store.restart(owned, sequence.start)
    return Result("TRUNCATE TABLE")


def _drop_schemas(executor: Executor, tree: DropStatement) -> None:
    others: list[str] = []
    for parts in tree.names:
        refuse_dataset(executor, parts[0])
        store = executor.registry.store
        with store.defining():
            calling = any(each.schema == parts[0] for each in store.functions())
            shapes = shapes_over_functions(executor) if calling else {}
            types = [own.name for own in store.own_types() if own.name.schema == parts[0]]
            gone = let_go(executor, types, parts[0]) if tree.cascade else []
            done = store.drop_schema(parts[0], if_exists=tree.if_exists, cascade=tree.cascade)
            gone += drop_readers(executor, shapes, cascade=tree.cascade)
        if done is None:
            executor.notices.append(f'schema "{parts[0]}" does not exist, skipping')
        else:
            others = [*done.others, *gone, *others]
    note_cascade(executor, others)


def _drop_relations(executor: Executor, tree: DropStatement) -> None:
    registry, names, written = executor.registry, [], {}
    for parts in tree.names:
        schema, name = registry.named(parts)
        found = registry.find(schema, name)
        if found is None:
            registry.refuse_system(schema, name)
        if found is not None and found.view is None and registry.store.table(found.name) is None:
            registry.definition(schema, name)  # refuses a dataset
        sequence = registry.find_sequence(schema, name) if found is None else None
        # Where none is, under a name that no other session's can be.
        nowhere = TableName("" if registry.is_another_s(schema) else schema, name)
        full = found.name if found is not None else sequence or nowhere
        if full is nowhere and not tree.if_exists and lacks_schema(executor, parts):
            raise missing(executor, parts)
        names.append(full)
        written[full] = parts
    registry.store.refuse_in_use(names, "DROP TABLE")
    done = registry.store.drop_relations(
        tree.kind, names, if_exists=tree.if_exists, cascade=tree.cascade
    )
    for lost in done.missing:
        note_missing(executor, written[lost], f'{tree.kind} "{lost.name}"')
    note_cascade(executor, list(done.others))


_RUNNERS: dict[type, Callable[..., Result]] = {
    CreateSchema: _create_schema,
    RenameSchema: _rename_schema,
    CreateTable: create_table,
    CreateFunction: create_function,
    DropFunction: drop_functions,
    AlterRelation: alter,
    RefreshView: refresh,
    CreateIndex: create_index,
    CommentOn: comment,
    CreateSequence: create_sequence,
    AlterSequence: alter_sequence,
    AttachDataset: attach,
    DetachDataset: detach,
    RefreshDataset: refresh_dataset,
    ChangeGrants: change_grants,
    ChangeDefaults: change_defaults,
    ChangeOwner: change_owner,
    MakeRole: create_role,
    CreateEnum: create_enum,
    AddLabel: alter_enum,
    RenameLabel: alter_enum,
    CreateDomain: create_domain,
    AlterDomain: alter_domain,
    MoveType: move_type,
    DropTypes: drop_types,
    AlterRole: alter_role,
    KeepSetting: keep_setting,
    DropRole: drop_role,
    ChangeMembership: change_membership,
    ReassignOwned: reassign_owned,
    DropOwned: drop_owned,
}
