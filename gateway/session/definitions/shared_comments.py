"""COMMENT ON ROLE and DATABASE: what is not of one database."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.authority import DATABASE
from gateway.errors import InsufficientPrivilege, InvalidCatalogName
from gateway.roles import Made
from gateway.session.definitions.grants import known_role, no_such_role
from gateway.session.result import Notice
from gateway.session.writes.execution import Executor
from gateway.sql.statements.objects import CommentOn


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
