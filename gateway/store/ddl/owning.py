"""Who owns what, and who was granted what: kept with the catalogue, and as durable.

Whether somebody may do a thing is not asked here: the session does, before it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from gateway.roles import Made
from gateway.store.definitions.privileges import Rights, Securable
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

    def _own(self, transaction: Transaction, thing: Securable, owner: str | None = None) -> None:
        """The session made it, for itself or another."""
        self._save_rights(transaction, thing, Rights(self.role if owner is None else owner))

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


def relation_key(oid: int) -> Securable:
    """What the rights to a relation of that number are kept under."""
    return Securable("relation", str(oid))


def function_key(oid: int) -> Securable:
    """What the rights to a function of that number are kept under."""
    return Securable("function", str(oid))
