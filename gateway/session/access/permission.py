"""What a statement needs leave for, besides what its query reads: a row per kind of statement.

Reading is asked for where a query is planned (`Executor.allow`), since only there it is known what
names mean. Here is the rest: the rights to write, to lock, to make, to change and to drop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from sqlglot import exp

from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.catalog.system.routing import is_system
from gateway.session.access.written_columns import (
    assigned,
    inserted,
    read_by_merge,
    read_on_conflict,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.meaning.columns_named import columns_named
from gateway.sql.statements.altering import AlterRelation
from gateway.sql.statements.commands import DropStatement, Name, RenameSchema
from gateway.sql.statements.cursors import Declare
from gateway.sql.statements.datasets import AttachDataset, DetachDataset, RefreshDataset
from gateway.sql.statements.maintenance import Maintenance
from gateway.sql.statements.objects import CommentOn, CreateIndex, LockTables, RefreshView
from gateway.sql.statements.routines import CreateFunction, DropFunction
from gateway.sql.statements.schemas import CreateSchema
from gateway.sql.statements.sequences import AlterSequence, CreateSequence
from gateway.sql.statements.statement import Copy, CreateView, Explain, Statement
from gateway.sql.statements.tables import CreateTable, LikeSpec
from gateway.sql.text.trees import nodes_of
from gateway.sql.writes.writes import parts_of, target_of
from gateway.store.ddl.owning import function_key
from gateway.store.definitions.privileges import Securable

# LOCK TABLE's modes -> any of these privileges (LockTableAclCheck).
_LOCKING = {"ACCESS SHARE": "r", "ROW EXCLUSIVE": "awdD"}
_LOCKING_OTHERS = "wdD"


class Permission:
    """One client's statements, asked for before they run.

    Args:
        authority: Who may do what.
        registry: The client's names.
        database: The database's name, for messages.
    """

    def __init__(self, authority: Authority, registry: Registry, database: str = "") -> None:
        self._authority, self._registry, self._database = authority, registry, database

    def check(self, statement: Statement) -> None:
        """Let the statement run.

        Raises:
            InsufficientPrivilege: 42501.
        """
        if self._authority.asks:
            self._check(statement.tree)

    def _check(self, tree: object) -> None:
        for clause in nodes_of(tree, exp.With) if isinstance(tree, exp.Expr) else ():
            for cte in clause.expressions:
                if isinstance(cte.this, exp.Insert | exp.Update | exp.Delete | exp.Merge):
                    self._need(cte.this)
        self._need(tree)

    def _need(self, tree: object) -> None:
        """What a statement needs itself, whatever is done in its WITH."""
        found = next((each for kind, each in _NEEDS.items() if isinstance(tree, kind)), None)
        if found is not None:
            found(self, tree)

    # Names

    def _relation(self, letters: str, parts: Name) -> TableName | None:
        """Ask for one of these privileges on a relation; None: there is none of that name."""
        schema, name = self._registry.named(parts)
        found = self._registry.find(schema, name)
        if found is None:
            return None
        self._authority.require_schema("U", found.name.schema)
        self._authority.require(letters, found.name)
        return found.name

    def _columns(self, letter: str, parts: Name, columns: Collection[str] | None) -> None:
        """Ask for a privilege on columns of a relation, if it is there; None: on all of them."""
        found = self._registry.find(*self._registry.named(parts))
        if found is not None:
            self._authority.require_schema("U", found.name.schema)
            self._authority.require_columns(letter, found.name, columns)

    def _reads(self, tree: exp.Expr, table: exp.Table, parts: Iterable[exp.Expr | None]) -> None:
        """Ask to read the columns of a write's table that may be meant in parts of it.

        What else the write reads is asked for where its query is planned, but for its table: where
        that is named again, all of it is asked for here.
        """
        found = self._registry.find(*self._registry.named(parts_of(table)))
        if found is None:
            return
        if any(self._same(table, each) for each in named_tables(tree) if each is not table):
            self._relation("r", parts_of(table))
            return
        trees = [part for part in parts if part is not None]
        for alias in {table.alias_or_name, "excluded"}:
            named = columns_named(trees, alias, found.names)
            self._columns("r", parts_of(table), named)

    def _owner(
        self, parts: Name, word: str = "", *, or_of_schema: bool = False
    ) -> TableName | None:
        schema, name = self._registry.named(parts)
        found = self._registry.find(schema, name)
        place = found.name if found is not None else self._registry.find_sequence(schema, name)
        if place is None:
            return None
        if or_of_schema and self._owns_schema(place.schema):
            return place
        self._authority.require_owner(place, word)
        return place

    def _owns_schema(self, schema: str) -> bool:
        authority = self._authority
        return authority.owns(authority.role, Securable("schema", schema))

    def _place(self, parts: Name, *, temporary: bool = False) -> TableName:
        """Ask to make a relation of that name."""
        place = self._registry.new_name(*self._registry.named(parts), temporary=temporary)
        if place.schema == self._registry.store.temporary_schema:
            self._authority.require_database("T", self._database)
        elif place.schema in self._registry.store.schemas():
            self._authority.require_schema("C", place.schema)
        return place

    # Queries and writes

    def _query(self, tree: exp.Expr) -> None:
        """A query: what it locks, and what of the catalogue is for administrators alone."""
        for table in named_tables(tree):
            self._shown(*self._registry.named(parts_of(table)))
        self._locking_query(tree)

    def _shown(self, schema: str, name: str) -> None:
        full = is_system(schema, name, self._registry)
        if full is not None:
            self._authority.require_shown(TableName(*full.split(".")))

    def _locking_query(self, tree: exp.Expr) -> None:
        for select in tree.find_all(exp.Select):
            for lock in select.args.get("locks") or ():
                wanted = {table.name for table in lock.expressions}
                for table in named_tables(select):
                    if table.find_ancestor(exp.Select) is not select:
                        continue
                    if not wanted or table.alias_or_name in wanted:
                        self._columns("w", parts_of(table), ())
                        self._lock_under(TableName(*self._registry.named(parts_of(table))))

    def _lock_under(self, name: TableName) -> None:
        """Ask for a view's owner to lock rows of what the view reads."""
        found = self._registry.find(name.schema, name.name)
        view = self._registry.store.view(found.name) if found is not None else None
        if found is None or view is None:
            return
        owner = self._authority.rights(self._authority.relation(found.name)).owner
        for under in self._registry.names_read(view).values():
            if owner and self._registry.store.oid(under) is not None:
                self._authority.require_columns("w", under, (), owner)
            self._lock_under(under)

    def _insert(self, tree: exp.Insert) -> None:
        table, returning = target_of(tree), tree.args.get("returning")
        self._columns("a", parts_of(table), inserted(tree))
        conflict = tree.args.get("conflict")
        if conflict is not None and conflict.expressions:  # DO UPDATE SET
            self._columns("w", parts_of(table), assigned(conflict.expressions))
        read = [] if conflict is None else read_on_conflict(conflict)
        if read or returning is not None:
            self._reads(tree, table, [*read, returning])

    def _update(self, tree: exp.Update) -> None:
        table = target_of(tree)
        self._columns("w", parts_of(table), assigned(tree.expressions))
        values = [e.expression if isinstance(e, exp.EQ) else e for e in tree.expressions]
        self._read_target(tree, table, values)

    def _delete(self, tree: exp.Delete) -> None:
        table = target_of(tree)
        self._relation("d", parts_of(table))
        self._read_target(tree, table, [])

    def _read_target(self, tree: exp.Expr, table: exp.Table, values: list[exp.Expr]) -> None:
        """UPDATE and DELETE read their table where a column of it may stand in an expression."""
        others = [each for each in named_tables(tree) if each is not table]
        if any(self._same(table, each) for each in others):
            self._relation("r", parts_of(table))
        read = [tree.args.get(key) for key in ("where", "returning")]
        read += [*values, *(join.args.get("on") for join in tree.find_all(exp.Join))]
        aliases = {each.alias_or_name for each in others} - {table.alias_or_name}
        for part in read:
            for node in part.find_all(exp.Column, exp.Star) if part is not None else ():
                if isinstance(node, exp.Star) or node.table not in aliases:
                    self._reads(tree, table, read)
                    return

    def _same(self, one: exp.Table, other: exp.Table) -> bool:
        mine, theirs = (
            self._registry.find(*self._registry.named(parts_of(table))) for table in (one, other)
        )
        return mine is not None and theirs is not None and mine.name == theirs.name

    def _merge(self, tree: exp.Merge) -> None:
        table = target_of(tree)
        name = parts_of(table)
        self._reads(tree, table, read_by_merge(tree))
        for when in tree.args["whens"].expressions:
            then = when.args.get("then")
            if isinstance(then, exp.Insert):
                self._columns("a", name, inserted(then))
            elif isinstance(then, exp.Update):
                self._columns("w", name, assigned(then.expressions))
            elif str(getattr(then, "this", then)).upper().startswith("DELETE"):
                self._relation("d", name)

    def _copy(self, tree: Copy) -> None:
        if tree.incoming:
            self._columns("a", tree.table, tree.columns)
        elif tree.statement is not None:
            self._check(tree.statement.tree)
        else:
            self._shown(*self._registry.named(tree.table))

    def _inner(self, tree: Explain | Declare) -> None:
        self._check(tree.statement.tree)

    def _lock(self, tree: LockTables) -> None:
        for parts in tree.names:
            self._relation(_LOCKING.get(tree.mode, _LOCKING_OTHERS), parts)

    # Making

    def _create_table(self, tree: CreateTable) -> None:
        self._place(tree.name, temporary=tree.temporary)
        for item in tree.items:
            if isinstance(item, LikeSpec):
                self._relation("r", item.table)
                continue
            for constraint in [*getattr(item, "constraints", ()), item]:
                table = getattr(constraint, "table", ())
                if table:
                    self._refer(table, tree.name)

    def _refer(self, table: Name, own: Name) -> None:
        if table != own:
            self._relation("x", table)

    def _create_view(self, tree: CreateView) -> None:
        place = self._place(tree.name, temporary=tree.temporary)
        if tree.replace and self._registry.store.oid(place) is not None:
            self._authority.require_owner(place)

    def _create_sequence(self, tree: CreateSequence) -> None:
        self._place(tree.name, temporary=tree.temporary)
        if tree.options.owner:
            self._owner(tree.options.owner[:-1])

    def _create_function(self, tree: CreateFunction) -> None:
        schema, name = self._registry.named(tree.name)
        place = schema or self._registry.home()
        if place in self._registry.store.schemas():
            self._authority.require_schema("C", place)
        for routine in self._registry.store.routines():
            of = routine.function
            if (of.schema, of.name, len(of.arguments)) == (place, name, len(tree.arguments)):
                self._authority.require_owner_of(function_key(routine.oid), name)

    def _create_schema(self, tree: CreateSchema) -> None:
        self._authority.require_database("C", self._database)

    def _rename_schema(self, tree: RenameSchema) -> None:
        if tree.name in self._registry.store.schemas():
            self._authority.require_owner_of(Securable("schema", tree.name), tree.name)
            self._authority.require_database("C", self._database)

    def _create_index(self, tree: CreateIndex) -> None:
        place = self._owner(tree.table)
        if place is not None and place.schema in self._registry.store.schemas():
            self._authority.require_schema("C", place.schema)

    # Changing and dropping

    def _alter(self, tree: AlterRelation) -> None:
        if tree.kind == "index":
            self._drop_index(tree.name)
            return
        place = self._owner(tree.name)
        for action in tree.actions:
            if place is not None and action.kind == "rename to":
                self._authority.require_schema("C", place.schema)
            elif action.kind == "set schema":
                self._authority.require_schema("C", action.name)
            table = getattr(action.constraint, "table", ()) if action.constraint else ()
            if table:
                self._refer(table, tree.name)

    def _named(self, tree: RefreshView | AlterSequence) -> None:
        self._owner(tree.name)

    def _comment(self, tree: CommentOn) -> None:
        if tree.kind == "schema":
            thing = Securable("schema", tree.name[-1])
            self._authority.require_owner_of(thing, tree.name[-1])
        elif tree.kind == "function":
            self._functions(tree.name)
        elif tree.kind == "column":
            self._owner(tree.name[:-1], "relation")
        elif tree.kind == "constraint":
            self._owner(tree.name[:-1])
        elif tree.kind == "index":
            self._drop_index(tree.name)
        elif tree.kind not in ("role", "database"):  # which are asked for where they are found
            self._owner(tree.name)

    def _functions(self, parts: Name) -> None:
        schema, name = self._registry.named(parts)
        for function in self._registry.functions(schema, name):
            for routine in self._registry.store.routines():
                if routine.function == function and not self._owns_schema(function.schema):
                    self._authority.require_owner_of(function_key(routine.oid), name)

    def _drop_functions(self, tree: DropFunction) -> None:
        for name, _ in tree.functions:
            self._functions(name)

    def _drop(self, tree: DropStatement) -> None:
        for parts in tree.names:
            if tree.kind == "truncate":
                self._truncate(parts, tree.cascade)
            elif tree.kind == "schema":
                if parts[0] in self._registry.store.schemas():
                    self._authority.require_owner_of(Securable("schema", parts[0]), parts[0])
            elif tree.kind == "index":
                self._drop_index(parts)
            else:
                self._owner(parts, or_of_schema=True)

    def _truncate(self, parts: Name, cascade: bool) -> None:
        name = self._relation("D", parts)
        if name is not None and cascade:
            for other in self._registry.store.referring([name]):
                self._authority.require("D", other)

    def _drop_index(self, parts: Name) -> None:
        table = self._registry.find_index(*self._registry.named(parts))
        if table is not None and not self._owns_schema(table.schema):
            self._authority.require_owner(table, "index", parts[-1])

    def _maintain(self, tree: Maintenance) -> None:
        """VACUUM and ANALYZE pass over what is another's, with a warning: they do nothing here."""
        if tree.command == "CHECKPOINT":
            self._authority.require_superuser("do CHECKPOINT")
        for name in tree.tables if tree.command in ("REINDEX", "CLUSTER") else ():
            self._owner(name)

    def _administer(self, tree: AttachDataset | DetachDataset | RefreshDataset) -> None:
        words = {AttachDataset: "ATTACH", DetachDataset: "DETACH", RefreshDataset: "REFRESH"}
        self._authority.require_superuser(f"{words[type(tree)]} a dataset")


_NEEDS: Mapping[type | tuple[type, ...], Callable[..., None]] = {
    exp.Insert: Permission._insert,
    exp.Update: Permission._update,
    exp.Delete: Permission._delete,
    exp.Merge: Permission._merge,
    exp.Expr: Permission._query,
    Copy: Permission._copy,
    (Explain, Declare): Permission._inner,
    LockTables: Permission._lock,
    CreateTable: Permission._create_table,
    CreateView: Permission._create_view,
    CreateSequence: Permission._create_sequence,
    CreateFunction: Permission._create_function,
    CreateSchema: Permission._create_schema,
    RenameSchema: Permission._rename_schema,
    CreateIndex: Permission._create_index,
    AlterRelation: Permission._alter,
    (RefreshView, AlterSequence): Permission._named,
    CommentOn: Permission._comment,
    Maintenance: Permission._maintain,
    DropStatement: Permission._drop,
    DropFunction: Permission._drop_functions,
    (AttachDataset, DetachDataset, RefreshDataset): Permission._administer,
}
