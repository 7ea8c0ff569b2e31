"""VACUUM, ANALYZE, CHECKPOINT, REINDEX, CLUSTER, CREATE EXTENSION: what they name.

The store needs none of them, and tools send them all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.sql.statements.commands import Name, Reader


@dataclass(frozen=True, slots=True)
class Maintenance:
    """One such command; `tables` must be there, and `alone` is what no transaction may hold.

    `extension` is what is to be made, `optional` if it is not there.
    """

    command: str
    tables: tuple[Name, ...] = ()
    alone: bool = False
    extension: str = ""
    optional: bool = False


def _vacuum(reader: Reader) -> Maintenance:
    _options(reader, "FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE")
    return Maintenance("VACUUM", _tables(reader), alone=True)


def _analyze(reader: Reader) -> Maintenance:
    _options(reader, "VERBOSE")
    return Maintenance("ANALYZE", _tables(reader))


def _reindex(reader: Reader) -> Maintenance:
    _options(reader)
    what = reader.need("INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM")
    alone = reader.accept("CONCURRENTLY") or what in ("SCHEMA", "DATABASE", "SYSTEM")
    name = reader.qualified()
    return Maintenance("REINDEX", (name,) if what == "TABLE" else (), alone)


def _cluster(reader: Reader) -> Maintenance:
    _options(reader, "VERBOSE")
    if not reader.more():
        return Maintenance("CLUSTER", alone=True)
    table = reader.qualified()
    if reader.accept("USING"):
        reader.name()
    return Maintenance("CLUSTER", (table,))


def _extension(reader: Reader) -> Maintenance:
    """[IF NOT EXISTS] name [WITH SCHEMA ... VERSION ... CASCADE]."""
    optional = reader.accept("IF", "NOT", "EXISTS")
    name = reader.name()
    while reader.more():
        reader.take()
    return Maintenance("CREATE EXTENSION", extension=name, optional=optional)


def _options(reader: Reader, *words: str) -> None:
    """What tells how: in parentheses, or as words of old."""
    if reader.accept("("):
        while not reader.accept(")"):
            reader.take()
        return
    while reader.one_of(*words):
        pass


def _tables(reader: Reader) -> tuple[Name, ...]:
    """`table [(columns)] [, ...]`."""
    found: list[Name] = []
    while reader.more():
        found.append(reader.qualified())
        if reader.accept("("):
            while not reader.accept(")"):
                reader.take()
        if reader.more():
            reader.need(",")
    return tuple(found)


READERS: dict[str, Callable[[Reader], Maintenance]] = {
    "VACUUM": _vacuum,
    "ANALYZE": _analyze,
    "ANALYSE": _analyze,
    "CHECKPOINT": lambda reader: Maintenance("CHECKPOINT"),
    "REINDEX": _reindex,
    "CLUSTER": _cluster,
    "CREATE EXTENSION": _extension,
}
