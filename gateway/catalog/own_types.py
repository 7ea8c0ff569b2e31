"""Enums by the names and the numbers that a session gives them.

There is one enum of each name in all schemas (`store.ddl.enums`), so a name without its schema
means the same in every session: in a view's text, too, whatever the search_path is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import UndefinedObject
from gateway.sql.text.datatypes import OWN, own_type
from gateway.sql.text.engine_types import ENGINE_TYPES
from gateway.sql.text.trees import nodes_of
from gateway.store.definitions.enums import Enum
from gateway.types import Type, array_of, by_oid


def find_enum(registry: Registry, parts: Sequence[str]) -> Enum | None:
    """The enum of that name, with its schema or without; None when there is none."""
    schema, name = registry.named(parts)
    for enum in registry.store.enums():
        if enum.name.name == name and schema in ("", enum.name.schema):
            return enum
    return None


def type_of_oid(registry: Registry, oid: int) -> Type:
    """The type of that number, enums and their arrays among them.

    Raises:
        UndefinedObject: 42704.
    """
    for enum in registry.store.enums():
        if oid == enum.oid:
            return enum.type
        if oid == enum.array_oid:
            return array_of(enum.type)
    return by_oid(oid)


def as_now(registry: Registry, types: tuple[Type, ...]) -> tuple[Type, ...]:
    """The types with the labels that enums among them have by now; one that is gone as it was."""
    if not any((kind.element or kind).labels for kind in types):
        return types
    found = []
    for kind in types:
        with suppress(UndefinedObject):
            kind = type_of_oid(registry, kind.oid)
        found.append(kind)
    return tuple(found)


def unlabelled(kind: Type) -> Type:
    """An enum, or the type of its arrays, whatever its labels are; another type as it is."""
    if kind.element is not None and kind.element.labels:
        return replace(kind, element=unlabelled(kind.element))
    return replace(kind, labels=()) if kind.labels else kind


def bind_types(registry: Registry, tree: exp.Expr) -> None:
    """Let each name of an enum mean it, in place; other names are left to who reads them."""
    if not registry.store.enums():
        return
    for kind in nodes_of(tree, exp.DataType):
        if kind.this in ENGINE_TYPES or own_type(kind) is not None:
            continue
        parts = _parts(kind)
        found = find_enum(registry, parts) if parts else None
        if found is not None:
            kind.set("this", exp.DType.USERDEFINED)
            kind.set(OWN, found.type)


def _parts(kind: exp.DataType) -> tuple[str, ...]:
    """The name of a type that is none of the engine's, in its parts."""
    if kind.this != exp.DType.USERDEFINED:  # a word that some other system has as a type
        word = kind.this.value if isinstance(kind.this, exp.DType) else kind.this  # REGCLASS
        return () if kind.expressions else (str(word).lower(),)
    named = kind.args.get("kind")
    if isinstance(named, exp.Identifier):
        return (named.name,)
    if isinstance(named, exp.Expr):
        return tuple(part.name for part in named.find_all(exp.Identifier, bfs=False))
    return tuple(str(named).split(".")) if named else ()
