"""A domain: a type of a user's own with the values of another type that its constraints let be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.sources.table import TableName
from gateway.sql.text.quoting import identifier, seen
from gateway.types import Type, by_oid, dimensions, with_dimensions


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """CHECK (expression), in which VALUE is the value; `valid` as a table's is."""

    expression: str
    name: str
    valid: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """CREATE DOMAIN name AS a type, and the numbers of it and of its arrays.

    Args:
        oid, array_oid: Its numbers.
        name: Its name.
        base: The type of its values, which is no domain.
        typmod: Their length or digits, as PostgreSQL packs them; -1: none.
        not_null: Whether it refuses NULL itself.
        default: The text of its DEFAULT; None: NULL.
        checks: Its own, as they were added.
        comment: What COMMENT ON DOMAIN said.
        over: The domain that it was made of; None: of `base` itself.
    """

    oid: int
    array_oid: int
    name: TableName
    base: Type
    typmod: int = -1
    not_null: bool = False
    default: str | None = None
    checks: tuple[DomainCheck, ...] = ()
    comment: str = ""
    over: Domain | None = None

    @property
    def sql(self) -> str:
        """Its name as SQL writes it."""
        return identifier(self.name.name)

    @property
    def shown(self) -> str:
        """Its name in messages: without the schema that the search path has."""
        return seen(self.name.schema, self.name.name)

    @property
    def oids(self) -> tuple[int, ...]:
        """All its numbers; its checks have theirs of its own (`catalog.system.oids`)."""
        return (self.oid, self.array_oid)

    @property
    def line(self) -> tuple[Domain, ...]:
        """It and the domains that it stands on, the last of which is over the base type."""
        return (self, *(self.over.line if self.over is not None else ()))

    @property
    def refuses_null(self) -> bool:
        """Whether it, or one that it stands on, refuses NULL."""
        return any(each.not_null for each in self.line)

    @property
    def rules(self) -> tuple[DomainCheck, ...]:
        """All CHECKs in the order in which they are asked: those beneath first, then by name."""
        return tuple(
            check
            for each in reversed(self.line)
            for check in sorted(each.checks, key=lambda check: check.name)
        )

    @property
    def is_bound(self) -> bool:
        """Whether it refuses any value at all."""
        return self.refuses_null or bool(self.rules)

    @property
    def default_value(self) -> str | None:
        """Its default; that of the domain beneath where it has none."""
        return next((each.default for each in self.line if each.default is not None), None)

    def on(self, kind: Type | Domain) -> Domain:
        """The same, with the enum or the domain of that number that it stands on as it is now."""
        if isinstance(kind, Type):
            own = kind if self.base.oid == kind.oid else self.base
            return replace(self, base=own, over=self.over and self.over.on(kind))
        if self.over is None or kind.oid not in (each.oid for each in self.over.line):
            return self
        return replace(self, over=kind if self.over.oid == kind.oid else self.over.on(kind))


def encode_domain(domain: Domain) -> str:
    """JSON of everything but name and number."""
    kept = {
        "array": domain.array_oid,
        "base": domain.base.oid,
        "dimensions": dimensions(domain.base),
        "typmod": domain.typmod,
        "not_null": domain.not_null,
        "default": domain.default,
        "checks": [
            [check.expression, check.name, check.valid, check.comment] for check in domain.checks
        ],
        "comment": domain.comment,
        "over": domain.over.oid if domain.over is not None else 0,
    }
    return json.dumps(kept)


def decode_domain(
    oid: int, name: TableName, text: str, types: Mapping[int, Type], made: Mapping[int, Domain]
) -> Domain:
    """The domain that `encode_domain` wrote.

    Args:
        oid, name, text: Its row.
        types: Enums and arrays of them, by number.
        made: The domains of lower numbers, one of which it may stand on.
    """
    kept = json.loads(text)
    base = types.get(kept["base"]) or by_oid(kept["base"])
    return Domain(
        oid,
        kept["array"],
        name,
        with_dimensions(base, kept["dimensions"]) if base.element is not None else base,
        kept["typmod"],
        kept["not_null"],
        kept["default"],
        tuple(DomainCheck(*each) for each in kept["checks"]),
        kept["comment"],
        made.get(kept["over"]),
    )
