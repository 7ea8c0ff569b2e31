"""Who a session acts for: SET ROLE, SET SESSION AUTHORIZATION, and what a role may use.

The two are settings, so they follow transactions and savepoints as the others do. Limits are those
of the role that logged in, whichever it acts for.
"""

from __future__ import annotations

import re
from contextlib import suppress

from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.errors import (
    ForeignKeyViolation,
    GatewayError,
    InsufficientPrivilege,
    IntegrityConstraintViolation,
    InvalidParameterValue,
    UndefinedTable,
)
from gateway.roles import READS_SETTINGS, Roles
from gateway.session.access.permission import Permission
from gateway.session.settings.rows import in_milliseconds
from gateway.session.settings.settings import ClientSettings
from gateway.sources.table import TableName
from gateway.sql.statements.statement import Statement

_NO_ROLE = "none"
# The values of a foreign key's error, before what may be told all the same.
_VALUES = re.compile(r"Key \(.*\)=\(.*\) (is (?:not present|still referenced).*)", re.DOTALL)
_READ_ONLY = ("default_transaction_read_only", "transaction_read_only")


class Identity:
    """One client's roles.

    Args:
        registry: Its names.
        roles: The server's roles.

    Attributes:
        authority: Who may do what; it knows for whom the session acts now.
    """

    def __init__(self, registry: Registry, roles: Roles) -> None:
        self.authority = Authority(registry, roles)
        self._store = registry.store
        self._registry = registry
        self._login = ""

    @property
    def roles(self) -> Roles:
        """The roles that there are now."""
        return self.authority.roles

    def begin(self, user: str, database: str) -> ClientSettings:
        """Take who logged in; the settings that the session begins with."""
        self._login = user
        made = self.roles.made.roles.get(user)
        self._was_made = made is not None
        self._permission = Permission(self.authority, self._registry, database)
        settings = ClientSettings(user, self.roles.is_superuser(user))
        role = self.roles.of(user)
        if role.statement_timeout_seconds is not None:
            settings.set("statement_timeout", f"{round(role.statement_timeout_seconds * 1000)}ms")
        if role.read_only:
            settings.set(_READ_ONLY[0], "on")
        settings.admit, settings.examines = self.admit, self._examines
        for name, value in self.roles.made.settings_of(self.roles.keeper(user)).items():
            with suppress(GatewayError):  # one that is no good any more locks nobody out
                settings.set(name, value)
        settings.fix_start()
        self.follow(settings)
        return settings

    def _examines(self) -> bool:
        """Whether who acts may see the settings that are not told to everyone."""
        roles, role = self.roles, self.authority.role
        return roles.is_superuser(role) or READS_SETTINGS in roles.memberships(role)

    def admit(self, name: str, value: str, settings: ClientSettings) -> None:
        """Let a setting be given this value.

        Raises:
            InvalidParameterValue: 22023, there is no such role.
            InsufficientPrivilege: 42501, the role may not.
        """
        if name == "role" and value != _NO_ROLE:
            self._refuse_no_role(value)
            if not self.roles.may_become(settings.show("session_authorization")[1], value):
                raise InsufficientPrivilege(f'permission denied to set role "{value}"')
        elif name == "session_authorization":
            self._refuse_no_role(value)
            if value != self._login and not self.roles.is_superuser(self._login):
                raise InsufficientPrivilege(
                    f'permission denied to set session authorization "{value}"'
                )
        elif name in _READ_ONLY and value == "off" and self.reads_only:
            raise InsufficientPrivilege(
                f'permission denied to set parameter "{name}"', hint="The role is read-only."
            )
        elif name == "statement_timeout":
            self._refuse_longer(value)

    def _refuse_no_role(self, name: str) -> None:
        if not self.roles.exists(name) and name != self._login:
            raise InvalidParameterValue(f'role "{name}" does not exist')

    def _refuse_longer(self, value: str) -> None:
        most = self.roles.of(self._login).statement_timeout_seconds
        wanted = in_milliseconds(value)
        if most is not None and not 0 < wanted <= round(most * 1000):
            raise InsufficientPrivilege(
                'permission denied to set parameter "statement_timeout"',
                hint=f"Statements of this role may run for {most:g} s at most.",
            )

    def follow(self, settings: ClientSettings) -> None:
        """Act for the roles that the settings name now."""
        user, role = settings.show("session_authorization")[1], settings.show("role")[1]
        authority = self.authority
        acting = user if role == _NO_ROLE else role
        authority.session_user, authority.role, self._store.role = user, acting, acting
        superuser = "on" if self.roles.is_superuser(acting) else "off"
        if settings.show("is_superuser")[1] != superuser:
            settings.derive("is_superuser", superuser)

    def check(self, statement: Statement) -> None:
        """Let a statement run.

        Raises:
            InsufficientPrivilege: 42501, the role may not.
        """
        if self._was_made and not self.roles.exists(self._login):
            raise InsufficientPrivilege(f'role "{self._login}" does not exist any more')
        self._permission.check(statement)

    def hide(self, error: GatewayError) -> GatewayError:
        """An error as the role may see it: without values of a table that it may not read."""
        if not (self.authority.asks and isinstance(error, IntegrityConstraintViolation)):
            return error
        name = TableName(error.schema, error.table)
        if isinstance(error, ForeignKeyViolation) and "still referenced" in error.detail:
            name = self._referenced(name, error.constraint)
        try:
            self.authority.require("r", name)
        except InsufficientPrivilege:
            shown = _VALUES.match(error.detail)
            error.detail = f"Key {shown[1]}" if shown is not None else ""
        except UndefinedTable:
            error.detail = ""
        return error

    def _referenced(self, name: TableName, constraint: str) -> TableName:
        definition = self._store.table(name)
        keys = getattr(definition, "foreign_keys", ())
        return next((key.table for key in keys if key.name == constraint), name)

    @property
    def reads_only(self) -> bool:
        """Whether the role changes nothing: the one that logged in, or the one it acts for."""
        return any(self.roles.of(name).read_only for name in (self._login, self.authority.role))
