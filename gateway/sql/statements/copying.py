"""COPY, read from its tokens: what is copied, which way, and its options in either spelling.

PostgreSQL manual, part VI, "COPY". The grammar is all that is checked here; what the options mean
is settled when the statement runs (gateway/sql/statements/copy_options.py), as in PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import InsufficientPrivilege, SyntaxFault
from gateway.sql.inputs.escapes import unicode_string
from gateway.sql.statements.commands import Reader
from gateway.sql.statements.statement import Copy, Option, Statement, Value

DATASETS = ("zarr", "netcdf", "parquet")  # the formats in which a dataset is written

ALL = "*"  # FORCE_QUOTE *: every column


def read_copy(reader: Reader, inner: Callable[[Reader], Statement]) -> Copy:
    """COPY [BINARY] table [(columns)] or (statement), FROM or TO, options, WHERE.

    Args:
        reader: After the word COPY.
        inner: Reads the statement in parentheses.

    Raises:
        SyntaxFault: 42601. InsufficientPrivilege: 42501, a file or a program of the server.
    """
    options: list[Option] = []
    if reader.accept("("):
        copy = Copy(False, statement=_statement(reader, inner))
        reader.need("TO")
    else:
        if place := _accepted(reader, "BINARY"):
            options.append(Option("format", "binary", place))
        name = reader.qualified()
        columns = reader.inside(Reader.name) if reader.accept("(") else None
        copy = Copy(reader.need("FROM", "TO") == "FROM", name, columns)
    path = _place(reader, incoming=copy.incoming)
    reader.accept("USING")
    if place := _accepted(reader, "DELIMITERS"):
        options.append(Option("delimiter", _string(reader), place))
    reader.accept("WITH")
    options += _listed(reader) if reader.accept("(") else _spelt(reader)
    if path:
        _refuse_text(options, incoming=copy.incoming)
    where: Sequence[Token] = ()
    if place := _accepted(reader, "WHERE"):
        where = reader.rest() or reader.fail()
        if not copy.incoming:
            raise SyntaxFault("WHERE clause not allowed with COPY TO", position=place)
    return replace(copy, options=tuple(options), where=tuple(where), path=path)


def _statement(reader: Reader, inner: Callable[[Reader], Statement]) -> Statement:
    start, depth = reader.index, 1
    while depth:
        text = reader.take().text if reader.more() else reader.fail()
        token = reader.tokens[reader.index - 1]
        if token.token_type in (TokenType.L_PAREN, TokenType.R_PAREN):
            depth += 1 if text == "(" else -1
    tokens = reader.tokens[start : reader.index - 1]
    if not tokens:
        reader.back()
    return inner(Reader(tokens, reader.text))


def _accepted(reader: Reader, *words: str) -> int:
    """The 1-based position of these words, passed; 0 where they are not."""
    place = reader.place
    return place if reader.accept(*words) else 0


_HINT = "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."

# To superusers, too, whom no other format is written for.
_DATASETS_HINT = f" Superusers write datasets: FORMAT {', '.join(DATASETS)}."


def _place(reader: Reader, *, incoming: bool) -> str:
    """A path on the server; STDIN and STDOUT, either of which means the client, are none."""
    program = reader.accept("PROGRAM")
    if reader.one_of("STDIN", "STDOUT"):
        if program:
            raise SyntaxFault("STDIN/STDOUT not allowed with PROGRAM")
        return ""
    path = _string(reader)
    if program:
        _refuse("pg_execute_server_program", "to or from an external program")
    return path or _refuse_text((), incoming=incoming)


def _refuse_text(options: Sequence[Option], *, incoming: bool) -> str:
    """Refuse a file of the server, unless it is written in one of DATASETS."""
    form = next((each.value for each in options if each.name == "format"), None)
    if incoming:
        _refuse("pg_read_server_files", "from a file")
    if form not in DATASETS:
        _refuse("pg_write_server_files", "to a file", _DATASETS_HINT)
    return ""


def _refuse(role: str, what: str, more: str = "") -> NoReturn:
    raise InsufficientPrivilege(
        f"must be superuser or have privileges of the {role} role to COPY {what}",
        hint=_HINT + more,
    )


_STRINGS: dict[TokenType, Callable[[str], str]] = {
    TokenType.STRING: str,
    TokenType.BYTE_STRING: str,  # E'...': its escapes are read
    TokenType.HEREDOC_STRING: str,
    TokenType.UNICODE_STRING: unicode_string,
}


def _string(reader: Reader) -> str:
    token = reader.of_type(*_STRINGS)
    return _STRINGS[token.token_type](token.text)


# The options of the older spelling: words -> option, and the value that they mean or who reads it.
_OLD: dict[str, tuple[str, str | Callable[[Reader], Value]]] = {
    "BINARY": ("format", "binary"),
    "FREEZE": ("freeze", "true"),
    "CSV": ("format", "csv"),
    "HEADER": ("header", "true"),
    "DELIMITER": ("delimiter", lambda reader: _as_string(reader)),
    "NULL": ("null", lambda reader: _as_string(reader)),
    "QUOTE": ("quote", lambda reader: _as_string(reader)),
    "ESCAPE": ("escape", lambda reader: _as_string(reader)),
    "ENCODING": ("encoding", lambda reader: _string(reader)),
    "FORCE QUOTE": ("force_quote", lambda reader: _star_or_columns(reader)),
    "FORCE NOT NULL": ("force_not_null", lambda reader: reader.listed(Reader.name)),
    "FORCE NULL": ("force_null", lambda reader: reader.listed(Reader.name)),
}


def _as_string(reader: Reader) -> str:
    reader.accept("AS")
    return _string(reader)


def _star_or_columns(reader: Reader) -> Value:
    return ALL if reader.accept("*") else reader.listed(Reader.name)


def _spelt(reader: Reader) -> list[Option]:
    """Options one after another: CSV HEADER DELIMITER AS ','."""
    found = []
    while reader.more():
        place = reader.place
        words = reader.one_of(*_OLD)
        if not words:
            break
        name, value = _OLD[words]
        found.append(Option(name, value if isinstance(value, str) else value(reader), place))
    return found


def _listed(reader: Reader) -> list[Option]:
    """Options in parentheses: FORMAT csv, HEADER, FORCE_QUOTE (a, b)."""
    return list(reader.inside(_option))


def _option(reader: Reader) -> Option:
    place = reader.place
    return Option(reader.label(), _argument(reader), place)


def _argument(reader: Reader) -> Value:
    token = reader.tokens[reader.index] if reader.more() else reader.fail()
    if token.text in (",", ")") and token.token_type not in _STRINGS:
        return None
    if reader.accept("("):
        return reader.inside(Reader.name)
    if reader.accept("*"):
        return ALL
    if token.token_type in _STRINGS:
        return _string(reader)
    sign = reader.one_of("-", "+").replace("+", "")
    if sign or (reader.more() and reader.tokens[reader.index].token_type == TokenType.NUMBER):
        return sign + reader.take().text
    return reader.fail() if token.token_type == TokenType.NULL else reader.label()
