"""Types of a user's own, from their tokens: enums, domains, and what both share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from gateway.errors import FeatureNotSupported, InvalidObjectDefinition, SyntaxFault
from gateway.sql.statements.commands import Name, Reader, names_of, words_of
from gateway.sql.statements.constraints import (
    ConstraintSpec,
    Written,
    read_column_constraint,
    read_expression,
    read_table_constraint,
)
from gateway.sql.statements.tables import read_type_text


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
    return DropTypes(kind, names, exists, reader.cascades())


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
    return CreateEnum(name, () if reader.accept(")") else reader.inside(Reader.string))


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


@dataclass(frozen=True, slots=True)
class CreateDomain:
    """CREATE DOMAIN name AS type, and its constraints in order."""

    name: Name
    type: str
    constraints: tuple[ConstraintSpec, ...]
    position: int = 0  # of the type


@dataclass(frozen=True, slots=True)
class AlterDomain:
    """ALTER DOMAIN.

    Args:
        name: The domain.
        action: "set default", "drop default", "set not null", "drop not null", "add",
            "drop constraint", "rename constraint" or "validate constraint".
        default: What SET DEFAULT says.
        constraint: What ADD adds.
        of: The name of the constraint that is meant.
        new: Its other name.
        if_exists: Whether that constraint may be missing.
    """

    name: Name
    action: str
    default: Written | None = None
    constraint: ConstraintSpec | None = None
    of: str = ""
    new: str = ""
    if_exists: bool = False


def read_create_domain(reader: Reader) -> CreateDomain:
    """CREATE DOMAIN, after these words.

    Raises:
        SyntaxFault: 42601, constraints that no domain has, or that contradict each other.
    """
    name = reader.qualified()
    reader.accept("AS")
    position = reader.place
    kind, constraints = read_type_text(reader), []
    while (constraint := read_column_constraint(reader)) is not None:
        constraints.append(_of_domain(constraint, reader))
    said = [each.kind for each in constraints]
    if {"not null", "null"} <= set(said):
        raise SyntaxFault("conflicting NULL/NOT NULL constraints")
    if said.count("default") > 1:
        raise SyntaxFault("multiple default expressions")
    return CreateDomain(name, kind, tuple(constraints), position)


def _of_domain(constraint: ConstraintSpec, reader: Reader) -> ConstraintSpec:
    """A constraint that was just read, which domains may have."""
    if constraint.kind in ("primary key", "unique", "foreign key"):
        raise SyntaxFault(f"{constraint.kind} constraints not possible for domains")
    if constraint.kind in ("identity", "generated"):
        raise SyntaxFault('syntax error at or near "GENERATED"', position=constraint.position)
    ending = [word for token in reader.tokens[: reader.index][-2:] for word in words_of(token)]
    if constraint.kind == "check" and ending == ["NO", "INHERIT"]:
        raise InvalidObjectDefinition("check constraints for domains cannot be marked NO INHERIT")
    return constraint


def read_alter_domain(reader: Reader) -> AlterDomain | MoveType:
    """ALTER DOMAIN, after these words; OWNER TO is read elsewhere."""
    name = reader.qualified()
    moved = read_move(reader, "domain", name)
    if moved is not None:
        return moved
    what = reader.need(
        "SET DEFAULT", "DROP DEFAULT", "SET NOT NULL", "DROP NOT NULL", "ADD", "DROP CONSTRAINT",
        "RENAME CONSTRAINT", "VALIDATE CONSTRAINT",
    ).lower()  # fmt: skip
    if what == "set default":
        return AlterDomain(name, what, default=read_expression(reader))
    if what == "add":
        return AlterDomain(name, what, constraint=_added(reader))
    if not what.endswith("constraint"):
        return AlterDomain(name, what)
    exists = what == "drop constraint" and reader.accept("IF", "EXISTS")
    of, new = reader.name(), ""
    if what == "rename constraint":
        reader.need("TO")
        new = reader.name()
    elif what == "drop constraint":
        reader.one_of("CASCADE", "RESTRICT")
    return AlterDomain(name, what, of=of, new=new, if_exists=exists)


def _added(reader: Reader) -> ConstraintSpec:
    """The CHECK that ADD adds."""
    constraint = read_table_constraint(reader)
    if constraint is None:
        reader.fail()
    return _of_domain(constraint, reader)
