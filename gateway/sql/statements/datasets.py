"""ATTACH, DETACH and REFRESH: the datasets that are served, changed by a statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot.tokenizer_core import TokenType

from gateway.sql.statements.commands import Reader


@dataclass(frozen=True, slots=True)
class AttachDataset:
    """ATTACH [IF NOT EXISTS] 'uri' AS name [(options)]."""

    uri: str
    name: str
    engine: str | None = None
    chunks: dict[str, int] | None = None
    tables: dict[str, list[str]] = field(default_factory=dict)
    refresh_seconds: float | None = None
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DetachDataset:
    """DETACH [IF EXISTS] name."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RefreshDataset:
    """REFRESH name."""

    name: str


def read_attach(reader: Reader) -> AttachDataset:
    """After ATTACH: [IF NOT EXISTS] 'uri' AS name [(option, ...)].

    Options: engine NAME; chunks (dimension length, ...); tables (table (dimension, ...), ...);
    refresh_seconds NUMBER.
    """
    exists = reader.accept("IF", "NOT", "EXISTS")
    uri = reader.of_type(TokenType.STRING).text
    reader.need("AS")
    name = reader.name()
    engine: str | None = None
    chunks: dict[str, int] | None = None
    tables: dict[str, list[str]] = {}
    refresh: float | None = None
    if reader.accept("("):
        while True:
            option = reader.need("ENGINE", "CHUNKS", "TABLES", "REFRESH_SECONDS")
            if option == "ENGINE":
                engine = _word(reader)
            elif option == "CHUNKS":
                chunks = _chunks(reader)
            elif option == "REFRESH_SECONDS":
                refresh = reader.number()
            else:
                tables = _tables(reader)
            if reader.need(",", ")") == ")":
                break
    return AttachDataset(uri, name, engine, chunks, tables, refresh, exists)


def read_detach(reader: Reader) -> DetachDataset:
    """After DETACH: [IF EXISTS] name."""
    exists = reader.accept("IF", "EXISTS")
    return DetachDataset(reader.name(), exists)


def read_refresh_dataset(reader: Reader) -> RefreshDataset:
    """After REFRESH: name."""
    return RefreshDataset(reader.name())


def _word(reader: Reader) -> str:
    """A name, or a string."""
    is_text = reader.more() and reader.tokens[reader.index].token_type == TokenType.STRING
    return reader.take().text if is_text else reader.label()


def _chunks(reader: Reader) -> dict[str, int]:
    reader.need("(")
    return dict(reader.inside(lambda each: (_word(each), each.number())))


def _tables(reader: Reader) -> dict[str, list[str]]:
    def table(reader: Reader) -> tuple[str, list[str]]:
        name = reader.label()
        reader.need("(")
        return name, list(reader.inside(_word))

    reader.need("(")
    return dict(reader.inside(table))
