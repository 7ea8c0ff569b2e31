"""Whether a role may do a thing with an object: the one place that answers (manual, 5.7, 22.2).

The session asks before it acts, the catalogue where has_table_privilege and its kin are called.
Privileges are PostgreSQL's letters (`store.privileges.WORDS`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from gateway.catalog.datasets import SCHEMA
from gateway.catalog.registry import Registry
from gateway.errors import InsufficientPrivilege, UndefinedTable
from gateway.roles import Roles, granted_all
from gateway.sources.table import TableName
from gateway.sql.names.relation import Read
from gateway.store.ddl.owning import relation_key
from gateway.store.definitions.catalogue import PUBLIC, TEMPORARY
from gateway.store.definitions.definitions import Sequence
from gateway.store.definitions.privileges import (
    KINDS,
    Acl,
    Rights,
    Securable,
    default_acl,
    grantable,
    held,
)

DATABASE = Securable("database")
SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")
# What PostgreSQL shows to administrators alone (system_views.sql), and what it calls it.
_SECRET: Mapping[str, str] = {
    "pg_authid": "table", "pg_shadow": "view", "pg_statistic": "table", "pg_user_mapping": "table",
    "pg_subscription": "table", "pg_file_settings": "view", "pg_hba_file_rules": "view",
    "pg_ident_file_mappings": "view", "pg_config": "view", "pg_backend_memory_contexts": "view",
    "pg_shmem_allocations": "view",
}  # fmt: skip


class Authority:
    """Who may do what, as one session sees it.

    Args:
        registry: The session's names.
        roles: The server's roles.

    Attributes:
        session_user: Who the client is; SET SESSION AUTHORIZATION changes it.
        role: Who acts, current_user; SET ROLE changes it.
    """

    def __init__(self, registry: Registry, roles: Roles) -> None:
        self._registry, self._configured = registry, roles
        self._known = registry.store.made_roles, roles.with_made(registry.store.made_roles)
        self.session_user = self.role = ""

    @property
    def roles(self) -> Roles:
        """The roles that there are now."""
        made = self._registry.store.made_roles
        if made is not self._known[0]:
            self._known = made, self._configured.with_made(made)
        return self._known[1]

    @property
    def asks(self) -> bool:
        """Whether anybody has to be asked: not where everyone is an administrator."""
        return self.roles.asks

    # What things there are

    def relation(self, name: TableName) -> Securable:
        """What the rights to a relation are kept under.

        Raises:
            UndefinedTable: 42P01.
        """
        if name in self._registry.grids:
            return Securable("dataset", str(name))
        oid = self._registry.store.oid(name)
        if oid is None:
            raise UndefinedTable(f'relation "{name}" does not exist')
        return relation_key(oid)

    def kind(self, thing: Securable) -> str:
        """The kind of a thing in `store.privileges.KINDS`."""
        if thing.kind != "relation":
            return thing.kind
        found = self._registry.store.relation(int(thing.key))
        return "sequence" if found and isinstance(found.definition, Sequence) else "table"

    def rights(self, thing: Securable) -> Rights:
        """A thing's owner and grants, as they are noted."""
        if thing.kind == "schema" and thing.key.startswith(TEMPORARY):
            own = thing.key == self._registry.store.temporary_schema
            return Rights(self.role) if own else Rights()
        return self._registry.store.rights(thing)

    def acl(self, thing: Securable) -> Acl:
        """A thing's grants, those of its kind where none are noted."""
        rights = self.rights(thing)
        return default_of(thing, self.kind(thing), rights) if rights.acl is None else rights.acl

    def default_privileges(self) -> list[tuple[Securable, Rights]]:
        """What ALTER DEFAULT PRIVILEGES said of roles."""
        return self._registry.store.all_default_privileges

    # Questions

    def may(self, role: str, letters: str, thing: Securable, *, every: bool = False) -> bool:
        """Whether a role has one of the privileges, or every one, on a thing.

        Args:
            role: Its name.
            letters: Privileges, a letter each.
            thing: On what.
        """
        if self.roles.is_superuser(role):
            return True
        own = self.roles.memberships(role)
        found = held(self.acl(thing), own) + granted_all(own, self.kind(thing))
        test = all if every else any
        return test(letter in found for letter in letters)

    def may_grant(self, role: str, thing: Securable) -> str:
        """The privileges that a role may grant to others."""
        if self.owns(role, thing):
            return KINDS[self.kind(thing)][0]
        return grantable(self.acl(thing), self.roles.memberships(role))

    def owns(self, role: str, thing: Securable) -> bool:
        """Whether a role has an owner's rights to a thing."""
        if self.roles.is_superuser(role):
            return True
        owner = self.rights(thing).owner
        return bool(owner) and owner in self.roles.memberships(role)

    def may_columns(
        self, role: str, letter: str, name: TableName, columns: Collection[str] | None
    ) -> bool:
        """Whether a role has a privilege on a relation, or on each of these columns.

        Args:
            role: Its name.
            letter: The privilege.
            name: The relation.
            columns: Its columns; none: any one will do; None: all of them.
        """
        thing = self.relation(name)
        if self.may(role, letter, thing):
            return True
        rights, numbers = self.rights(thing), self.column_numbers(name)
        own = self.roles.memberships(role)
        may = {c for c, n in numbers.items() if letter in held(rights.of_column(n), own)}
        return bool(may) and may >= set(numbers if columns is None else columns)

    def has_any(self, thing: Securable, number: int) -> bool:
        """Whether who acts has any privilege on a column, or on its whole relation."""
        acl = self.acl(thing) + self.rights(thing).of_column(number)
        return bool(held(acl, self.roles.memberships(self.role)))

    def column_numbers(self, name: TableName) -> dict[str, int]:
        """The columns of a relation with the numbers that their grants are kept under."""
        store = self._registry.store
        definition, view = store.table(name), store.view(name)
        if definition is not None:
            return {column.name: column.number for column in definition.columns}
        return {} if view is None else {c: n for n, c in enumerate(view.columns, 1)}

    # Refusals

    def require(self, letters: str, name: TableName, role: str | None = None) -> None:
        """Let a role, or who acts, do one of these things with a relation.

        Raises:
            InsufficientPrivilege: 42501.
        """
        thing = self.relation(name)
        if not self.may(self.role if role is None else role, letters, thing):
            raise denied(self._word(name, thing), name.name)

    def require_columns(
        self,
        letter: str,
        name: TableName,
        columns: Collection[str] | None,
        role: str | None = None,
    ) -> None:
        """Let a role, or who acts, do a thing with these columns of a relation; None: with all.

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not self.may_columns(self.role if role is None else role, letter, name, columns):
            raise denied(self._word(name, self.relation(name)), name.name)

    def require_schema(self, letter: str, schema: str) -> None:
        """Let who acts find names in a schema ("U"), or make things there ("C").

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not self.may(self.role, letter, Securable("schema", schema)):
            hint = f'An administrator may GRANT CREATE ON SCHEMA "{schema}" TO "{self.role}".'
            raise denied("schema", schema, hint if letter == "C" else "")

    def require_database(self, letter: str, database: str) -> None:
        """Let who acts make schemas ("C") or temporary tables ("T").

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not self.may(self.role, letter, DATABASE):
            raise denied("database", database)

    def require_owner(self, name: TableName, word: str = "", part: str = "") -> None:
        """Let who acts change or drop a relation, or what `part` of it a `word` names.

        Raises:
            InsufficientPrivilege: 42501, it is another's.
        """
        thing = self.relation(name)
        if not self.owns(self.role, thing):
            word = word or self._word(name, thing)
            raise InsufficientPrivilege(f"must be owner of {word} {part or name.name}")

    def require_owner_of(self, thing: Securable, shown: str) -> None:
        """Let who acts change or drop a schema or a function.

        Raises:
            InsufficientPrivilege: 42501, it is another's.
        """
        if not self.owns(self.role, thing):
            raise InsufficientPrivilege(f"must be owner of {thing.kind} {shown}")

    def require_superuser(self, deed: str) -> None:
        """Let an administrator do what others may not.

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not self.roles.is_superuser(self.role):
            raise InsufficientPrivilege(f"must be superuser to {deed}")

    def require_shown(self, name: TableName, role: str | None = None) -> None:
        """Let a role, or who acts, read a relation of the catalogue; most are everyone's.

        Raises:
            InsufficientPrivilege: 42501.
        """
        word = _SECRET.get(name.name) if name.schema == "pg_catalog" else None
        if word and not self.roles.is_superuser(self.role if role is None else role):
            raise denied(word, name.name)

    def require_reads(self, reads: Iterable[Read]) -> None:
        """Let a query read what it names; what stands in a view is read by the view's owner.

        Args:
            reads: Relations, as `Binder.all_read` has them.

        Raises:
            InsufficientPrivilege: 42501.
        """
        if not self.asks:
            return
        for name, view, columns in reads:
            if name.schema in SYSTEM_SCHEMAS:
                owner = self._registry.store.rights(relation_key(view)).owner if view else None
                self.require_shown(name, owner)
                continue
            if name.schema == SCHEMA and name not in self._registry.grids:
                continue  # the rows of a statement's own
            if not view:
                self.require_schema("U", name.schema)
                self.require_columns("r", name, columns)
                continue
            owner = self._registry.store.rights(relation_key(view)).owner
            if owner:  # else an administrator's
                self.require_columns("r", name, columns, owner)

    def _word(self, name: TableName, thing: Securable) -> str:
        if thing.kind == "dataset":
            return "table" if name.schema == SCHEMA else "foreign table"
        found = self._registry.store.relation(int(thing.key))
        return found.kind if found is not None else "table"


def default_of(thing: Securable, kind: str, rights: Rights) -> Acl:
    """What holds of a thing before anything was granted: schemas of the server are everyone's."""
    public = None
    if thing.kind == "schema" and (thing.key == PUBLIC or not rights.owner):
        public = "U"
    return default_acl(kind, rights.owner, public)


def denied(kind: str, name: str, hint: str = "") -> InsufficientPrivilege:
    """The refusal in PostgreSQL's words."""
    return InsufficientPrivilege(f"permission denied for {kind} {name}", hint=hint)
