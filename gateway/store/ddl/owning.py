"""Who owns what, and who was granted what: kept with the catalogue, and as durable.

Whether somebody may do a thing is not asked here: the session does, before it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from gateway.roles import Made
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.privileges import (
    OBJECT_TYPES,
    Acl,
    Rights,
    Securable,
    default_about,
    default_acl,
    default_key,
    merged,
)
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.transactions.blocks import Blocks
from gateway.store.transactions.transactions import Transaction


class Owning(Blocks):
    """The part of a session that keeps owners and grants."""

    role = ""  # whose is what the session makes

    def rights(self, thing: Securable) -> Rights:
        """A thing's owner and grants."""
        return self._catalogue.rights_of(thing)

    def change_rights(
        self, things: Collection[Securable], change: Callable[[Securable, Rights], Rights]
    ) -> None:
        """Put what `change` makes of the owner and grants of each thing in their place, or none."""
        with self._defining() as transaction:
            for thing in things:
                before = transaction.catalogue.rights_of(thing)
                after = change(thing, before)
                if after != before:
                    self._save_rights(transaction, thing, after)

    @property
    def made_roles(self) -> Made:
        """The roles that statements made."""
        return self._catalogue.made

    def change_made(self, change: Callable[[Made], Made]) -> None:
        """Put what `change` makes of the roles in their place."""
        with self._defining() as transaction:
            made = change(transaction.catalogue.made)
            transaction.catalogue = transaction.catalogue.with_made(made)
            with translated():
                statement, values = disk.saving_made(made)
                transaction.define(0, statement, *values)

    def rights_with(self, role: str) -> dict[Securable, Rights]:
        """The things that a role owns, or has or gave grants of."""
        return {
            thing: rights
            for thing, rights in self._catalogue.rights.items()
            if role == rights.owner
            or any(role in (each.grantee, each.grantor) for each in rights.grants)
        }

    def _own(
        self,
        transaction: Transaction,
        thing: Securable,
        owner: str | None = None,
        *,
        made: tuple[str, str] | None = None,
    ) -> None:
        """The session made it, for itself or another.

        Args:
            transaction: In which.
            thing: It.
            owner: The other.
            made: A kind in `OBJECT_TYPES` and a schema, for what has default privileges.
        """
        owner = self.role if owner is None else owner
        acl = None if made is None else _from_beginning(transaction.catalogue, owner, *made)
        self._save_rights(transaction, thing, Rights(owner, acl))

    @property
    def all_default_privileges(self) -> list[tuple[Securable, Rights]]:
        """The default privileges of every role."""
        return [each for each in self._catalogue.rights.items() if each[0].kind == "default"]

    def change_default_privileges(
        self, role: str, letter: str, schema: str, change: Callable[[Acl | None], Acl | None]
    ) -> None:
        """Put what `change` makes of default privileges in their place; None: there are none."""
        with self._defining() as transaction:
            thing = _defaults(transaction.catalogue, role).get((letter, schema))
            before = None if thing is None else transaction.catalogue.rights_of(thing).acl
            after = change(before)
            if after is not None:
                thing = thing or default_key(next(self._shared.oids), letter, schema)
                self._save_rights(transaction, thing, Rights(role, after))
            elif thing is not None:
                self._disown(transaction, thing)

    def _forget_defaults_in(self, transaction: Transaction, schema: str) -> None:
        """A schema is gone, and with it the default privileges in it."""
        for thing in list(transaction.catalogue.rights):
            if thing.kind == "default" and default_about(thing)[2] == schema:
                self._disown(transaction, thing)

    def _disown(self, transaction: Transaction, thing: Securable) -> None:
        """It is gone."""
        transaction.catalogue = transaction.catalogue.with_rights(thing, None)
        with translated():
            self._forget_rights(transaction, thing)

    def _forget_columns(
        self, transaction: Transaction, thing: Securable, kept: Collection[int]
    ) -> None:
        """A relation has these columns alone."""
        rights = transaction.catalogue.rights_of(thing)
        left = tuple(each for each in rights.columns if each[0] in kept)
        if left != rights.columns:
            self._save_rights(transaction, thing, replace(rights, columns=left))

    def _save_rights(self, transaction: Transaction, thing: Securable, rights: Rights) -> None:
        transaction.catalogue = transaction.catalogue.with_rights(thing, rights)
        with translated():
            self._forget_rights(transaction, thing)
            statement, values = disk.saving_rights(thing, rights)
            transaction.define(0, statement, *values)

    def _forget_rights(self, transaction: Transaction, thing: Securable) -> None:
        statement, values = disk.forgetting_rights(thing)
        transaction.define(0, statement, *values)


def _defaults(catalogue: Catalogue, role: str) -> dict[tuple[str, str], Securable]:
    """A role's default privileges, by the letter of the kind and the schema."""
    return {
        default_about(thing)[1:]: thing
        for thing, rights in catalogue.rights.items()
        if thing.kind == "default" and rights.owner == role
    }


def _from_beginning(catalogue: Catalogue, owner: str, kind: str, schema: str) -> Acl | None:
    """The grants of what a role makes; None: those of its kind (get_user_default_acl)."""
    letter = next(each for each, of in OBJECT_TYPES.values() if of == kind)
    known = _defaults(catalogue, owner)
    found = [known.get((letter, place)) for place in ("", schema)]
    whole, inside = (None if each is None else catalogue.rights_of(each).acl for each in found)
    if whole is None and inside is None:
        return None
    plain = default_acl(kind, owner)
    acl = merged(plain if whole is None else whole, inside or ())
    return None if not acl or set(acl) == set(plain) else acl


def relation_key(oid: int) -> Securable:
    """What the rights to a relation of that number are kept under."""
    return Securable("relation", str(oid))


def function_key(oid: int) -> Securable:
    """What the rights to a function of that number are kept under."""
    return Securable("function", str(oid))
