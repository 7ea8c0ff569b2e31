"""CREATE and ALTER TYPE of enums, from their tokens (PostgreSQL manual, CREATE TYPE)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from gateway.errors import FeatureNotSupported
from gateway.sql.statements.commands import Name, Reader
from gateway.sql.statements.own_types import MoveType, read_move


@dataclass(frozen=True, slots=True)
class CreateEnum:
    """CREATE TYPE name AS ENUM (labels)."""

    name: Name
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddLabel:
    """ALTER TYPE name ADD VALUE label: at the end, or beside another one, `after` or before it."""

    name: Name
    label: str
    if_not_exists: bool = False
    beside: str = ""
    after: bool = False


@dataclass(frozen=True, slots=True)
class RenameLabel:
    """ALTER TYPE name RENAME VALUE old TO new."""

    name: Name
    old: str
    new: str


def read_create_type(reader: Reader) -> CreateEnum:
    """CREATE TYPE, after these words.

    Raises:
        FeatureNotSupported: 0A000, a type of another kind.
    """
    name = reader.qualified()
    if not reader.accept("AS", "ENUM"):
        _refuse(reader, "CREATE TYPE of what is no enum is not supported")
    reader.need("(")
    if reader.accept(")"):
        return CreateEnum(name, ())
    labels = [reader.string()]
    while reader.need(",", ")") == ",":
        labels.append(reader.string())
    return CreateEnum(name, tuple(labels))


def read_alter_type(reader: Reader) -> AddLabel | RenameLabel | MoveType:
    """ALTER TYPE, after these words; OWNER TO is read elsewhere."""
    name = reader.qualified()
    if reader.accept("ADD", "VALUE"):
        exists = reader.accept("IF", "NOT", "EXISTS")
        label, where = reader.string(), reader.one_of("BEFORE", "AFTER")
        return AddLabel(name, label, exists, reader.string() if where else "", where == "AFTER")
    if reader.accept("RENAME", "VALUE"):
        old = reader.string()
        reader.need("TO")
        return RenameLabel(name, old, reader.string())
    moved = read_move(reader, "type", name)
    return moved or _refuse(reader, "this ALTER TYPE is not supported")


def _refuse(reader: Reader, message: str) -> NoReturn:
    reader.rest()
    raise FeatureNotSupported(message, position=reader.tokens[0].start + 1)
