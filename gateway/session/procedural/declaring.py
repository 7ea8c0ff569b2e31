"""DECLARE: a variable or a record of the type that is written, with its first value."""

from __future__ import annotations

import re
from functools import partial

from gateway.catalog.definitions import read_type
from gateway.catalog.own_types import bind_types
from gateway.catalog.registry import Registry
from gateway.errors import FeatureNotSupported, SyntaxFault, UndefinedColumn
from gateway.session.procedural.embedded import Embedded
from gateway.session.procedural.variables import Record, Scope, Variable, null
from gateway.sql.procedural.steps import Declaration
from gateway.types import TEXT, Type

_LIKE = re.compile(r"(?P<of>[^%]+?)\s*%\s*(?P<what>TYPE|ROWTYPE)", re.IGNORECASE)


class Declaring:
    """Reads the types of one block.

    Args:
        registry: What `%TYPE` looks into.
        sql: What computes defaults.
    """

    def __init__(self, registry: Registry, sql: Embedded) -> None:
        self._registry, self._sql = registry, sql

    def declare(self, tree: Declaration, scope: Scope) -> None:
        """Make a variable known in its scope.

        Raises:
            GatewayError: 42704, no such type; 22004, NULL for one that is NOT NULL; what its
                default raises.
        """
        like = _LIKE.fullmatch(tree.type)
        if tree.type.lower() == "record" or (like and like["what"].upper() == "ROWTYPE"):
            if tree.default:
                raise FeatureNotSupported("a default of a record is not supported in DO")
            record = Record(tree.name)
            if like:
                self._fill(record, _parts(like["of"]))
            scope.own[tree.name] = record
            return
        kind, typmod = self._like(like["of"], scope) if like else self._type(tree.type)
        made = Variable(tree.name, null(kind), typmod, tree.constant, tree.not_null)
        if tree.default:  # which one that is NOT NULL has
            made.put(self._sql.assigned(tree.default, scope, kind, typmod, tree.name))
        scope.own[tree.name] = made

    def _type(self, text: str) -> tuple[Type, int]:
        registry = self._registry
        bind = partial(bind_types, registry)
        kind, typmod, domain = read_type(text, bind, 0, registry.store.domains())
        if domain is not None:
            raise FeatureNotSupported(
                f'a variable of domain "{domain.name.name}" is not supported in DO',
                hint="Declare it as the type beneath.",
            )
        return kind, typmod

    def _like(self, text: str, scope: Scope) -> tuple[Type, int]:
        parts = _parts(text)
        if len(parts) <= 2:
            found = scope.find(parts[0])
            if isinstance(found, Record) and len(parts) == 2:
                return found.get(parts[1]).type, -1
            if isinstance(found, Variable) and len(parts) == 1:
                return found.value.type, found.typmod
        if len(parts) == 1:
            raise SyntaxFault(f'invalid type name "{text}%TYPE"')
        relation = self._registry.relation(*self._registry.named(parts[:-1]))
        info = relation.columns.get(parts[-1])
        if info is None:
            raise UndefinedColumn(
                f'column "{parts[-1]}" of relation "{relation.name.name}" does not exist'
            )
        return info.type or TEXT, info.typmod

    def _fill(self, record: Record, parts: tuple[str, ...]) -> None:
        relation = self._registry.relation(*self._registry.named(parts))
        columns = relation.columns.items()
        record.row = {name: null(info.type or TEXT) for name, info in columns}
        record.typmods = {name: info.typmod for name, info in columns}


_NAME = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def _parts(text: str) -> tuple[str, ...]:
    """The parts of a name, folded."""
    found = _NAME.finditer(text)
    return tuple(
        each[1].replace('""', '"') if each[1] else each[2].strip().lower() for each in found
    )
