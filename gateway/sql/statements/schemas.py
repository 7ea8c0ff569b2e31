"""CREATE SCHEMA and the elements that it may hold, from its tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token

from gateway.errors import FeatureNotSupported
from gateway.sql.statements.commands import Reader, nesting, words_of
from gateway.sql.statements.grants import ChangeGrants, read_role
from gateway.sql.statements.objects import CreateIndex
from gateway.sql.statements.sequences import CreateSequence
from gateway.sql.statements.statement import CreateView, Statement
from gateway.sql.statements.tables import CreateTable
from gateway.sql.text.dialect import syntax_fault

# What a schema may be made with, in the order in which it is made (transformCreateSchemaStmt).
ELEMENTS = (CreateSequence, CreateTable, CreateView, CreateIndex, ChangeGrants)


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA name.

    Args:
        name: Its name; "": the owner's.
        if_not_exists: Whether it may be there.
        owner: The role after AUTHORIZATION, as `grants.Grantee` has it.
        elements: What is made in it, in the order in which it is to be made.
    """

    name: str
    if_not_exists: bool = False
    owner: tuple[str, str] | None = None
    elements: tuple[Statement, ...] = ()


Read = Callable[[Sequence[Token], str], Statement]


def read_create_schema(reader: Reader, inner: Read) -> CreateSchema:
    """CREATE SCHEMA [IF NOT EXISTS] [name] [AUTHORIZATION role] elements.

    Raises:
        FeatureNotSupported: 0A000, elements beside IF NOT EXISTS, as in PostgreSQL.
    """
    exists = reader.accept("IF", "NOT", "EXISTS")
    named = not reader.accept("AUTHORIZATION")
    name = reader.name() if named else ""
    owner = read_role(reader) if not named or reader.accept("AUTHORIZATION") else None
    elements = [_element(tokens, reader, inner) for tokens in _parts(reader)]
    if exists and elements:
        raise FeatureNotSupported(
            "CREATE SCHEMA IF NOT EXISTS cannot include schema elements",
            position=elements[0].offset + 1,
        )
    elements.sort(key=lambda element: ELEMENTS.index(type(element.tree)))
    role = None if owner is None else (owner.name, owner.special)
    return CreateSchema(name, exists, role, tuple(elements))


def _parts(reader: Reader) -> list[Sequence[Token]]:
    """The tokens of each element: CREATE and GRANT begin one, but for WITH GRANT OPTION."""
    parts: list[list[Token]] = []
    depth, before = 0, ""
    for token in reader.rest():
        word = next(iter(words_of(token)), "")
        begins = depth == 0 and word in ("CREATE", "GRANT") and before != "WITH"
        if begins or not parts:
            parts.append([])
        parts[-1].append(token)
        depth += nesting(token)
        before = word
    return list(parts)


def _element(tokens: Sequence[Token], reader: Reader, inner: Read) -> Statement:
    statement = inner(tokens, reader.text)
    filled = isinstance(statement.tree, CreateTable) and statement.tree.is_filled
    if not isinstance(statement.tree, ELEMENTS) or filled:
        raise syntax_fault(tokens[0], reader.tokens, reader.text)
    return statement
