"""ALTER DATABASE and ALTER ROLE with SET or RESET, done (pg_db_role_setting.c, guc.c)."""

from __future__ import annotations

from gateway.catalog.authority import DATABASE
from gateway.errors import InsufficientPrivilege, InvalidCatalogName, UndefinedObject
from gateway.roles import Pairs
from gateway.session.definitions.grants import role_named
from gateway.session.result import Result
from gateway.session.settings.known_settings import known_setting
from gateway.session.settings.rows import BY_NAME
from gateway.session.settings.settings import ClientSettings, listed
from gateway.session.writes.execution import Executor
from gateway.sql.statements.setting import KeepSetting


def keep_setting(executor: Executor, tree: KeepSetting) -> Result:
    """Keep what sessions begin with, or forget it."""
    authority = executor.authority
    role = "" if tree.role is None else role_named(authority, tree.role)
    _admit(executor, tree, role)
    place = bool(tree.database), authority.roles.keeper(role)
    store = executor.registry.store
    changed = _changed(executor, tree, store.made_roles.settings.get(place, ()))
    store.change_made(lambda made: made.with_settings(place, changed))
    return Result(tree.tag)


def _admit(executor: Executor, tree: KeepSetting, role: str) -> None:
    authority, database = executor.authority, executor.catalogue.client.session.database
    if tree.database and tree.database != database:
        raise InvalidCatalogName(f'database "{tree.database}" does not exist')
    roles = authority.roles
    if role:
        above = roles.is_superuser(role) and not roles.is_superuser(authority.role)
        if role != authority.role and above:
            raise InsufficientPrivilege("must be superuser to alter superusers")
        if role != authority.role and not roles.makes_roles(authority.role):
            raise InsufficientPrivilege("permission denied")
    elif tree.database:
        authority.require_owner_of(DATABASE, database)
    elif not roles.is_superuser(authority.role):
        raise InsufficientPrivilege("must be superuser to alter settings globally")


def _changed(executor: Executor, tree: KeepSetting, before: Pairs) -> Pairs:
    """What is kept afterwards.

    Raises:
        UndefinedObject: 42704, there is no such setting. InvalidParameterValue: 22023.
        CannotChangeParameter: 55P02, sessions cannot set it.
    """
    if tree.name == "all":
        return ()
    kept = dict(before)
    if tree.values is None and not tree.current:
        _check_name(tree.name, bool(before))
        kept.pop(_spelt(tree.name), None)
        return tuple(kept.items())
    value = _current(executor, tree.name) if tree.current else ""
    value = listed(tree.name, tree.values) if tree.values is not None else value
    authority = executor.authority
    trial = ClientSettings(authority.role, authority.roles.is_superuser(authority.role))
    trial.set(tree.name, value)
    kept[_spelt(tree.name)] = value
    return tuple(kept.items())


def _check_name(name: str, held: bool) -> None:
    """PostgreSQL looks whether there is a setting only where something is kept."""
    if held and "." not in name and known_setting(name) is None:
        raise UndefinedObject(f'unrecognized configuration parameter "{name}"')


def _spelt(name: str) -> str:
    """A setting's name as pg_settings has it."""
    row, known = BY_NAME.get(name.lower()), known_setting(name)
    return row.name if row is not None else known.name if known is not None else name.lower()


def _current(executor: Executor, name: str) -> str:
    """What a setting is now, as SHOW prints it."""
    session = executor.catalogue.client.session
    spelt, known = _spelt(name), known_setting(name)
    raw = session.settings.get(spelt)
    if raw is None and known is None:
        raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
    return (raw or "") if known is None else known.shown(known.value if raw is None else raw)
