"""Domains: made and changed (PostgreSQL manual, 8.18, CREATE DOMAIN, ALTER DOMAIN).

What a domain refuses, `rows.domains` holds values to; the session computes its CHECKs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from gateway.errors import CheckViolation, NotNullViolation, WrongObjectType
from gateway.sources.table import TableName
from gateway.store.ddl.enums import EnumKeeper
from gateway.store.ddl.own_types import columns_of, refuse_taken, type_named
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.definitions.domains import Domain
from gateway.store.rows import row_lookups
from gateway.store.rows.expressions import hold


class DomainKeeper(EnumKeeper):
    """The part of a session that makes domains and changes them."""

    def create_domain(self, domain: Domain) -> None:
        """Keep a new domain, whose numbers are given here.

        Raises:
            GatewayError: 42710, 3F000, 0A000; what its CHECKs and its default raise.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            catalogue.refuse_no_schema(domain.name.schema)
            refuse_taken(catalogue, domain.name)
            self.expressions.refuse_wrong_domain(domain)
            oid, array_oid = next(self._shared.oids), next(self._shared.oids)
            self._make_type(transaction, replace(domain, oid=oid, array_oid=array_oid))

    def change_domain(self, name: TableName, change: Callable[[Domain], Domain]) -> None:
        """Put what `change` makes of a domain in its place, under its name.

        Raises:
            UndefinedObject: 42704; what `change`, its CHECKs and its default raise.
            CheckViolation: 23514, NotNullViolation: 23502: a column has what it refuses now.
        """
        with self._defining() as transaction:
            old = domain_named(transaction.catalogue, name)
            new = change(old)
            self.expressions.refuse_wrong_domain(new)
            valid = [check for check in new.checks if check.valid]
            added = [check for check in valid if check.expression not in _held(old)]
            refuses = new.not_null and not old.not_null
            held = replace(new, not_null=refuses, checks=tuple(added), over=None)
            if held.is_bound:
                for table, column in list(columns_of(transaction.catalogue, old)):
                    self._lock_tables(table.name, "UPDATE", whole=True)
                    oid, table = transaction.catalogue.table(table.name)
                    values = row_lookups.read(transaction, oid, table).column(column.name)
                    with _as_of_a_column(table, column):
                        hold(held, values.combine_chunks(), self.expressions)
            self._save_type(transaction, new)


def domain_named(catalogue: Catalogue, name: TableName) -> Domain:
    """The domain of that name.

    Raises:
        UndefinedObject: 42704. WrongObjectType: 42809, it is another type.
    """
    found = type_named(catalogue, name)
    if not isinstance(found, Domain):
        raise WrongObjectType(f"{found.sql} is not a domain")
    return found


def _held(domain: Domain) -> set[str]:
    """What values are held to already."""
    return {check.expression for check in domain.checks if check.valid}


@contextmanager
def _as_of_a_column(table: TableDefinition, column: Column) -> Iterator[None]:
    """What values that are there break is said of the column (typecmds.c)."""
    place = f'column "{column.name}" of table "{table.name.name}"'
    of = table.name.schema, table.name.name
    try:
        yield
    except CheckViolation as error:
        raise CheckViolation(
            f"{place} contains values that violate the new constraint", table=of, column=column.name
        ) from error
    except NotNullViolation as error:
        raise NotNullViolation(
            f"{place} contains null values", table=of, column=column.name
        ) from error
