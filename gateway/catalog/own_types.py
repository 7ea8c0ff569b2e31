"""Enums and domains by the names and the numbers that a session gives them.

There is one type of each name in all schemas (`store.ddl.own_types`), so a name without its schema
means the same in every session: in a view's text, too, whatever the search_path is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.domain_values import bind_domain
from gateway.catalog.registry import Registry
from gateway.errors import UndefinedObject
from gateway.sql.text.datatypes import OWN, own_type, type_name
from gateway.sql.text.engine_types import ENGINE_TYPES
from gateway.sql.text.trees import nodes_of
from gateway.store.definitions.catalogue import OwnType
from gateway.store.definitions.domains import Domain
from gateway.types import Type, array_of, by_oid


def find_type(registry: Registry, parts: Sequence[str]) -> OwnType | None:
    """The type of that name, with its schema or without; None when there is none."""
    schema, name = registry.named(parts)
    for own in registry.store.own_types():
        if own.name.name == name and schema in ("", own.name.schema):
            return own
    return None


def type_of_oid(registry: Registry, oid: int) -> Type:
    """The type of that number, enums and their arrays among them; of a domain the one beneath.

    Raises:
        UndefinedObject: 42704.
    """
    for own in registry.store.own_types():
        if isinstance(own, Domain):
            if oid == own.oid:
                return own.base
        elif oid == own.oid:
            return own.type
        elif oid == own.array_oid:
            return array_of(own.type)
    return by_oid(oid)


def as_now(registry: Registry, types: tuple[Type, ...]) -> tuple[Type, ...]:
    """The types with the labels that enums among them have by now; one that is gone as it was."""
    if not any((kind.element or kind).is_enum for kind in types):
        return types
    found = []
    for kind in types:
        with suppress(UndefinedObject):
            kind = type_of_oid(registry, kind.oid)
        found.append(kind)
    return tuple(found)


def unlabelled(kind: Type) -> Type:
    """An enum, or the type of its arrays, whatever its labels are; another type as it is."""
    if kind.element is not None and kind.element.is_enum:
        return replace(kind, element=unlabelled(kind.element))
    return replace(kind, labels=()) if kind.is_enum else kind


def bind_types(registry: Registry, tree: exp.Expr) -> None:
    """Let each name of a user's own type mean it, in place; others are left to who reads them.

    A cast to a domain becomes one to the type beneath, whose value is held to the domain.

    Raises:
        FeatureNotSupported: 0A000, arrays of a domain, and a value that is drawn at each place.
    """
    if not registry.store.own_types():
        return
    for kind in nodes_of(tree, exp.DataType):
        if kind.this in ENGINE_TYPES or own_type(kind) is not None:
            continue
        parts = type_name(kind)
        found = find_type(registry, parts) if parts else None
        if isinstance(found, Domain):
            bind_domain(kind, found)
        elif found is not None:
            kind.set("this", exp.DType.USERDEFINED)
            kind.set(OWN, found.type)
