"""CREATE TABLE and the parts of it that ALTER TABLE shares, read from their tokens.

PostgreSQL manual, CREATE TABLE. What is read here is what was written: names as they were typed,
expressions as trees and as text. `catalog.definitions` makes of it what the store keeps. What
PostgreSQL has and this server has not is refused by name (0A000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InsufficientPrivilege,
    InvalidParameterValue,
)
from gateway.sql.statements.commands import ExecuteStatement, Name, Reader, words_of
from gateway.sql.statements.constraints import (
    ENDS,
    ConstraintSpec,
    read_column_constraint,
    read_table_constraint,
    read_tablespace,
    until,
)
from gateway.sql.text.habits import NUMBERING
from gateway.sql.text.words import is_reserved


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column: its type as text, and its constraints."""

    name: str
    type: str
    constraints: tuple[ConstraintSpec, ...] = ()
    position: int = 0


@dataclass(frozen=True, slots=True)
class LikeSpec:
    """LIKE table: `including` are the words after INCLUDING that hold, in lower case."""

    table: Name
    including: frozenset[str] = frozenset()


Item = ColumnSpec | ConstraintSpec | LikeSpec


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE; with a query CREATE TABLE AS, or CREATE MATERIALIZED VIEW.

    `names` are those of the query's columns; `source` is the query's text.
    """

    name: Name
    items: tuple[Item, ...] = ()
    if_not_exists: bool = False
    temporary: bool = False
    on_commit: str = "preserve"
    query: exp.Expr | None = None
    names: Name = ()
    source: str = ""
    with_data: bool = True
    materialized: bool = False
    executes: ExecuteStatement | None = None  # CREATE TABLE ... AS EXECUTE

    @property
    def is_filled(self) -> bool:
        """Whether a query gives its rows."""
        return self.query is not None or self.executes is not None


Inner = Callable[[Reader], tuple[exp.Expr | ExecuteStatement, str]]

LIKE_PARTS = (
    "comments", "compression", "constraints", "defaults", "generated", "identity", "indexes",
    "statistics", "storage",
)  # fmt: skip


def read_create_table(reader: Reader, temporary: bool, inner: Inner) -> CreateTable:
    """CREATE [TEMP] TABLE [IF NOT EXISTS] name (items) options, or name [(columns)] AS query."""
    exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified()
    if reader.one_of("OF", "PARTITION OF"):
        raise FeatureNotSupported("typed tables and partitions are not supported")
    start = reader.index
    names = _column_names(reader)
    if names is not None and _is_query_next(reader):
        on_commit = _table_options(reader)
        return _created_as(
            reader, CreateTable(name, (), exists, temporary, on_commit), names, inner
        )
    reader.index = start
    items: tuple[Item, ...] = ()
    if reader.accept("("):
        items = tuple([] if reader.accept(")") else list(reader.inside(_item)))
    elif names is None or start == reader.index:
        on_commit = _table_options(reader)
        created = CreateTable(name, (), exists, temporary, on_commit)
        return _created_as(reader, created, (), inner)
    on_commit = _table_options(reader)
    return CreateTable(name, items, exists, temporary, on_commit)


def read_materialized_view(reader: Reader, inner: Inner) -> CreateTable:
    """CREATE MATERIALIZED VIEW [IF NOT EXISTS] name [(columns)] AS query [WITH [NO] DATA]."""
    exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified()
    names = _column_names(reader) or ()
    _table_options(reader)
    created = CreateTable(name, (), exists, materialized=True)
    return _created_as(reader, created, names, inner)


def _created_as(reader: Reader, created: CreateTable, names: Name, inner: Inner) -> CreateTable:
    reader.need("AS")
    with_data = True
    words = [words_of(token) for token in reader.tokens[-3:]]
    for ending in (["WITH", "NO", "DATA"], ["WITH", "DATA"]):
        if [word for each in words for word in each][-len(ending) :] == ending:
            with_data = len(ending) == 2
            kept, reader.tokens = reader.tokens, reader.tokens[: -len(ending)]
            tree, source = inner(reader)
            reader.tokens, reader.index = kept, len(kept)
            break
    else:
        tree, source = inner(reader)
    made = replace(created, names=names, source=source, with_data=with_data)
    if isinstance(tree, ExecuteStatement):
        return replace(made, executes=tree)
    return replace(made, query=tree)


def _column_names(reader: Reader) -> Name | None:
    """(a, b) as plain names; None, and nothing passed, when it is anything else."""
    start = reader.index
    if not reader.accept("("):
        return ()
    names = []
    while True:
        token = reader.tokens[reader.index] if reader.more() else None
        if token is None or token.text in (")", ","):
            break
        names.append(reader.label())
        ending = reader.one_of(",", ")")
        if ending == ")":
            return tuple(names)
        if not ending:
            break
    reader.index = start
    return None


def _is_query_next(reader: Reader) -> bool:
    ahead = [word for token in reader.tokens[reader.index :][:8] for word in words_of(token)]
    return bool(ahead) and ahead[0] in ("AS", "WITH", "ON", "USING", "TABLESPACE") and "AS" in ahead


def _table_options(reader: Reader) -> str:
    """What may follow the parentheses; what becomes of a temporary table at COMMIT."""
    on_commit = "preserve"
    while reader.more():
        if reader.accept("ON", "COMMIT"):
            words = {"PRESERVE ROWS": "preserve", "DELETE ROWS": "delete", "DROP": "drop"}
            on_commit = words[reader.need(*words)]
        elif word := reader.one_of("INHERITS", "PARTITION BY"):
            raise FeatureNotSupported(
                f"CREATE TABLE ... {word} is not supported",
                hint="Leave it out: one table holds all rows." if word == "PARTITION BY" else "",
            )
        elif word := reader.one_of("LOCATION", "STORED AS"):
            raise _refusal(word)
        elif reader.accept("WITH", "("):
            read_storage(reader)
        elif reader.accept("WITHOUT", "OIDS") or read_tablespace(reader):
            continue
        elif reader.accept("USING"):
            if reader.label() != "heap":
                raise FeatureNotSupported("CREATE TABLE ... USING knows heap only")
        else:
            break
    return on_commit


def _refusal(word: str) -> GatewayError:
    if word == "LOCATION":
        return InsufficientPrivilege("CREATE TABLE with a LOCATION is not allowed")
    return FeatureNotSupported(f"CREATE TABLE ... {word} is not supported")


# Parameters of storage, which say nothing of what a table holds (manual, CREATE TABLE).
_STORAGE = (
    "fillfactor", "parallel_workers", "toast_tuple_target", "log_autovacuum_min_duration",
    "user_catalog_table", "deduplicate_items", "fastupdate", "buffering", "pages_per_range",
)  # fmt: skip


def read_storage(reader: Reader) -> None:
    """name [= value], ... ) of WITH and SET: read past, as DuckDB stores rows in its own way.

    Raises:
        InvalidParameterValue: 22023, a name that PostgreSQL does not know.
    """
    while True:
        name = ".".join(reader.qualified())
        bare = name.removeprefix("toast.")
        if bare == "oids":
            if reader.accept("=") and reader.label() not in ("false", "off"):
                raise FeatureNotSupported("tables declared WITH OIDS are not supported")
        elif not (bare in _STORAGE or bare.startswith(("autovacuum_", "vacuum_"))):
            raise InvalidParameterValue(f'unrecognized parameter "{name}"')
        elif reader.accept("="):
            reader.take()
            if reader.tokens[reader.index - 1].text == "-":
                reader.take()
        if reader.need(",", ")") == ")":
            return


def _item(reader: Reader) -> Item:
    if reader.accept("LIKE"):
        return _like(reader)
    constraint = read_table_constraint(reader)
    return constraint or read_column(reader)


def _like(reader: Reader) -> LikeSpec:
    table = reader.qualified()
    including: set[str] = set()
    while word := reader.one_of("INCLUDING", "EXCLUDING"):
        part = reader.label()
        parts = LIKE_PARTS if part == "all" else (part,)
        if part not in (*LIKE_PARTS, "all"):
            reader.back()
        including = including | set(parts) if word == "INCLUDING" else including - set(parts)
    return LikeSpec(table, frozenset(including))


def read_column(reader: Reader) -> ColumnSpec:
    """name type [constraints]."""
    position = reader.place
    name = reader.name()
    kind = read_type_text(reader)
    if reader.tokens[reader.index - 1].text.upper() in NUMBERING:
        reader.back()
    constraints = []
    while (constraint := read_column_constraint(reader)) is not None:
        constraints.append(constraint)
    return ColumnSpec(name, kind, tuple(constraints), position)


_OF_TYPES = ("ARRAY", "TO", "WITH")  # reserved words that some types have


def read_type_text(reader: Reader) -> str:
    """A type, up to where a constraint or the next column begins."""
    tokens = until(reader, ENDS)
    wrong = [
        n
        for n, each in enumerate(tokens)
        if is_reserved(each) and each.text.upper() not in _OF_TYPES
    ]
    if wrong or not tokens:
        reader.index -= len(tokens) - wrong[0] if wrong else 0
        reader.fail()
    return reader.text[tokens[0].start : tokens[-1].end + 1]
