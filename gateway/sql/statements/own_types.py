"""What enums and domains share: RENAME TO, SET SCHEMA and DROP, from their tokens."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sql.statements.commands import Name, Reader, names_of


@dataclass(frozen=True, slots=True)
class MoveType:
    """ALTER TYPE or DOMAIN name RENAME TO new, or SET SCHEMA: what is not said is ""."""

    kind: str
    name: Name
    new: str = ""
    schema: str = ""


@dataclass(frozen=True, slots=True)
class DropTypes:
    """DROP TYPE or DOMAIN names."""

    kind: str
    names: tuple[Name, ...]
    if_exists: bool = False
    cascade: bool = False


def read_move(reader: Reader, kind: str, name: Name) -> MoveType | None:
    """RENAME TO new or SET SCHEMA schema; None, and nothing passed, where it is neither."""
    if reader.accept("RENAME", "TO"):
        return MoveType(kind, name, new=reader.name())
    if reader.accept("SET", "SCHEMA"):
        return MoveType(kind, name, schema=reader.name())
    return None


def read_drop_types(reader: Reader, kind: str) -> DropTypes:
    """DROP TYPE or DOMAIN, after these words."""
    exists = reader.accept("IF", "EXISTS")
    names = names_of(reader)
    return DropTypes(kind, names, exists, reader.one_of("CASCADE", "RESTRICT") == "CASCADE")
