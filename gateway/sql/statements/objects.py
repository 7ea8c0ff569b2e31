"""CREATE INDEX, COMMENT ON, REFRESH and LOCK TABLE, read from their tokens."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from gateway.errors import FeatureNotSupported
from gateway.sql.statements.commands import Name, Reader, names_of, nesting
from gateway.sql.statements.constraints import (
    Written,
    read_expression,
    read_included,
    read_nulls_distinct,
    read_tablespace,
)
from gateway.sql.statements.routines import read_signature
from gateway.sql.statements.tables import read_storage
from gateway.sql.text.quoting import identifier
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE [UNIQUE] INDEX.

    Args:
        columns: Its keys as they were written, directions and all.
        names: The columns; "" where a key is an expression.
        values: The expressions, without directions.
        predicate: The text of its WHERE.
        included: The columns that INCLUDE names.
    """

    name: str
    table: Name
    columns: tuple[str, ...]
    names: Name
    values: tuple[Written, ...] = ()
    unique: bool = False
    if_not_exists: bool = False
    method: str = "btree"
    predicate: Written | None = None
    nulls_distinct: bool = True
    alone: bool = False  # CONCURRENTLY
    included: Name = ()


@dataclass(frozen=True, slots=True)
class CommentOn:
    """COMMENT ON kind name IS text; `text` None takes it away. A column's name is its last part."""

    kind: str
    name: Name
    text: str | None
    types: tuple[Type, ...] | None = None


@dataclass(frozen=True, slots=True)
class RefreshView:
    """REFRESH MATERIALIZED VIEW."""

    name: Name
    with_data: bool = True
    concurrently: bool = False


@dataclass(frozen=True, slots=True)
class LockTables:
    """LOCK TABLE; `mode` in capitals."""

    names: tuple[Name, ...]
    mode: str
    nowait: bool = False


_METHODS = ("btree", "hash", "gist", "gin", "brin", "spgist")


def read_create_index(reader: Reader, unique: bool) -> CreateIndex:
    """CREATE [UNIQUE] INDEX [CONCURRENTLY] [[IF NOT EXISTS] name] ON table [USING method] (...)."""
    alone = reader.accept("CONCURRENTLY")
    exists = reader.accept("IF", "NOT", "EXISTS")
    name = "" if not exists and reader.accept("ON") else reader.name()
    if name:
        reader.need("ON")
    reader.accept("ONLY")
    table = reader.qualified()
    method = reader.name() if reader.accept("USING") else "btree"
    if method not in _METHODS:
        raise FeatureNotSupported(f'access method "{method}" does not exist')
    reader.need("(")
    columns, names, values = zip(*reader.inside(_indexed), strict=True)
    included = read_included(reader)
    distinct = read_nulls_distinct(reader)
    if reader.accept("WITH", "("):
        read_storage(reader)
    read_tablespace(reader)
    predicate = read_expression(reader) if reader.accept("WHERE") else None
    return CreateIndex(
        name,
        table,
        columns,
        names,
        values,
        unique,
        exists,
        method,
        predicate,
        distinct,
        alone,
        included,
    )


def _indexed(reader: Reader) -> tuple[str, str, Written]:
    """One key as it was written; the column's name where it is one; and the expression alone."""
    first = reader.tokens[reader.index] if reader.more() else reader.fail()
    start = reader.index
    written = ""
    if first.text != "(":
        name = reader.name()
        if not reader.accept("("):
            written = name
    value = Written(exp.column(written, quoted=True), identifier(written))
    if not written:
        reader.index = start
        value = _expression(reader)
    if reader.accept("COLLATE"):
        reader.qualified()
    opclass = "" if _ends(reader) else reader.one_of("ASC", "DESC", "NULLS FIRST", "NULLS LAST")
    if not opclass and not _ends(reader):
        reader.qualified()  # an operator class
    while not _ends(reader):
        reader.need("ASC", "DESC", "NULLS FIRST", "NULLS LAST")
    last = reader.tokens[reader.index - 1]
    return reader.text[first.start : last.end + 1], written, value


def _expression(reader: Reader) -> Written:
    """A call or what stands in parentheses; an operator class may follow."""
    tokens, depth = reader.tokens, 0
    for place in range(reader.index, len(tokens)):
        depth += nesting(tokens[place])
        if depth == 0 and tokens[place].token_type == TokenType.R_PAREN:
            reader.tokens = tokens[: place + 1]
            break
    value = read_expression(reader)
    reader.tokens = tokens
    return value


def _ends(reader: Reader) -> bool:
    return not reader.more() or reader.ahead in (",", ")")


_COMMENTED = (
    "TABLE", "COLUMN", "MATERIALIZED VIEW", "VIEW", "SCHEMA", "FUNCTION", "SEQUENCE", "INDEX",
    "CONSTRAINT", "DATABASE", "EXTENSION", "TYPE", "ROLE", "TRIGGER", "DOMAIN", "AGGREGATE",
)  # fmt: skip


def read_comment(reader: Reader) -> CommentOn:
    """COMMENT ON kind name IS 'text' or NULL."""
    kind = reader.need(*_COMMENTED).lower()
    if kind in ("extension", "trigger", "aggregate"):
        raise FeatureNotSupported(f"COMMENT ON {kind.upper()} is not supported")
    if kind == "function":
        name, types = read_signature(reader)
    elif kind == "constraint":
        part = reader.name()
        reader.need("ON")
        kind = "domain constraint" if reader.accept("DOMAIN") else kind
        name, types = (*reader.qualified(), part), None
    else:
        name, types = reader.qualified(), None
    reader.need("IS")
    if reader.accept("NULL"):
        return CommentOn(kind, name, None, types)
    return CommentOn(kind, name, reader.string(), types)


def read_refresh(reader: Reader) -> RefreshView:
    """REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA]."""
    concurrently = reader.accept("CONCURRENTLY")
    name = reader.qualified()
    with_data = True
    if reader.accept("WITH"):
        with_data = not reader.accept("NO")
        reader.need("DATA")
    return RefreshView(name, with_data, concurrently)


_MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE ROW EXCLUSIVE",
    "SHARE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip


def read_lock(reader: Reader) -> LockTables:
    """LOCK [TABLE] [ONLY] names [IN mode MODE] [NOWAIT]."""
    reader.accept("TABLE")
    reader.accept("ONLY")
    names = names_of(reader)
    mode = "ACCESS EXCLUSIVE"
    if reader.accept("IN"):
        mode = reader.need(*_MODES)
        reader.need("MODE")
    return LockTables(names, mode, reader.accept("NOWAIT"))
