"""Ways to ask one query: with parameters, prepared, as a cursor, a table, a view or a COPY.

Each way gives answers that two servers can be compared by: one for each time it asks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import pq

from tests.differential.answers import Answer, answer, read

Connection = psycopg.Connection[Any]
Way = Callable[[Connection, str], list[Answer]]
Value = Any

_TOKENS = re.compile(
    r"""(?:(?:date|timestamp|timestamptz|interval|time)\s+)?'(?:[^']|'')*'
      | "[^"]*" | [A-Za-z_][\w.]*(?=\W|$) | \d+(?:\.\d+)?(?:e[+-]?\d+)? | . """,
    re.S | re.X | re.I,
)
_CAST = re.compile(r"::(int|float8|text|real|numeric(?:\(\d+, ?\d+\))?|bool)(?![\w\[])")
# Before these a number is no value: ORDER BY 1, the bounds of a frame, the digits of a type.
_NO_VALUE = re.compile(r"(\bBY|BY [\d, ]*,|::\w+\(|::\w+\(\d+,)\s*$", re.I)
_NO_INTEGER = re.compile(r"(BY|,|LIMIT|OFFSET|FIRST|AND|BETWEEN|\(|ROWS|RANGE|GROUPS|\.)\s*$", re.I)


def numbered(query: str) -> tuple[str, list[Value]]:
    """The query with integers as `%s::int`, and the integers.

    >>> numbered("SELECT x + 2, '3' FROM a ORDER BY 1 LIMIT 4")
    ("SELECT x + %s::int, '3' FROM a ORDER BY 1 LIMIT 4", [2])
    """
    return _cut(query, _integer)


def untyped(query: str) -> tuple[str, list[Value]]:
    """The query with its constants as `%s`, and their values as Python has them.

    >>> untyped("SELECT x + 2, date '2020-01-31', 1.5::float8 FROM a ORDER BY 1 LIMIT 4")
    ('SELECT x + %s, %s, %s FROM a ORDER BY 1 LIMIT %s', [2, datetime.date(2020, 1, 31), 1.5, 4])
    """
    return _cut(query, _constant)


Reader = Callable[[str, str, str], "tuple[Value, int] | None"]


def _cut(query: str, read: Reader) -> tuple[str, list[Value]]:
    text, values, at = [], [], 0
    while at < len(query):
        token = _TOKENS.match(query, at)
        assert token is not None
        value = read(token[0], query[max(0, at - 40) : at], query[token.end() :])
        at = token.end()
        if value is None:
            text.append(token[0].replace("%", "%%"))
            continue
        text.append("%s::int" if read is _integer else "%s")
        values.append(value[0])
        at += value[1]
    return "".join(text), values


def _integer(token: str, before: str, after: str) -> tuple[Value, int] | None:
    if not token.isdigit() or int(token) >= 2**31 or after.startswith("::"):
        return None
    return None if _NO_INTEGER.search(before) or _NO_VALUE.search(before) else (int(token), 0)


def _constant(token: str, before: str, after: str) -> tuple[Value, int] | None:
    if _NO_VALUE.search(before):
        return None
    cast = _CAST.match(after)
    kind, length = (cast[1], cast.end()) if cast else ("", 0)
    word, _, quoted = token.partition("'")
    inner = quoted[:-1].replace("''", "'")
    if token[0].isdigit():
        if kind == "float8":
            return float(token), length
        if kind.startswith("numeric") or "." in token:
            return Decimal(token), length
        return None if "e" in token or kind == "real" else (int(token), length)
    if token in ("true", "false"):
        return token == "true", 0
    if token == "NULL":
        return (None, length) if cast else None
    if quoted and word.strip() == "date":
        return date.fromisoformat(inner), 0
    if quoted and word.strip() == "timestamp":
        return datetime.fromisoformat(inner), 0
    return (inner, length) if token.startswith("'") and (cast or after[:2] != "::") else None


def _others(values: list[Value]) -> list[Value]:
    """Other integers and truths."""
    return [not v if isinstance(v, bool) else v + 1 if isinstance(v, int) else v for v in values]


def _with_values(
    cut: Callable[[str], tuple[str, list[Value]]], times: int, binary: bool = False
) -> Way:
    def ask(connection: Connection, query: str) -> list[Answer]:
        text, values = cut(query)
        if not values:
            return []
        given = [values, _others(values), values][:times]
        return [_executed(connection, text, each, binary) for each in given]

    return ask


def _executed(connection: Connection, text: str, values: list[Value], binary: bool) -> Answer:
    try:
        cursor = connection.execute(text.encode(), values, prepare=True, binary=binary)
        return _python(cursor) if binary else read(cursor.pgresult)
    except psycopg.DataError as error:
        return error.sqlstate or "not in Python"
    except psycopg.Error as error:
        return error.sqlstate or str(error)


def _python(cursor: psycopg.Cursor[Any]) -> Answer:
    assert cursor.pgresult is not None
    kinds = [cursor.pgresult.ftype(n) for n in range(cursor.pgresult.nfields)]
    return kinds, [_told(row) for row in cursor]


def _told(row: tuple[Any, ...]) -> tuple[str | None, ...]:
    return tuple(
        None if v is None else f"{v.normalize():f}" if isinstance(v, Decimal) else str(v)
        for v in row
    )


def _in_pieces(connection: Connection, query: str) -> list[Answer]:
    """A cursor's rows, three at a time."""
    with _undone(connection):
        declared = answer(connection, f"DECLARE pieces CURSOR FOR {query}")
        if isinstance(declared, str):
            return [declared]
        kinds: list[int] = []
        rows = []
        while True:
            piece = answer(connection, "FETCH 3 FROM pieces")
            if isinstance(piece, str):
                return [piece]
            kinds = piece[0]
            rows += piece[1]
            if not piece[1]:
                return [(kinds, rows)]


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _through(*statements: str) -> Way:
    """The answer of the last statement; the query stands for {}."""

    def ask(connection: Connection, query: str) -> list[Answer]:
        with _undone(connection):
            for statement in statements:
                last = answer(connection, statement.replace("{}", query))
                if isinstance(last, str):
                    break
            return [last]

    return ask


def _wrapped(connection: Connection, query: str) -> list[Answer]:
    """The first rows by every column."""
    plain = answer(connection, f"SELECT * FROM ({query}) AS q LIMIT 0")
    if isinstance(plain, str):
        return [plain]
    order = ", ".join(str(n + 1) for n in range(len(plain[0])))
    return [answer(connection, f"SELECT * FROM ({query}) AS q ORDER BY {order} LIMIT 5")]


def _copied(form: str) -> Way:
    def ask(connection: Connection, query: str) -> list[Answer]:
        plain = answer(connection, f"SELECT * FROM ({query}) AS q LIMIT 0")
        if isinstance(plain, str):
            return [plain]
        try:
            cursor = connection.cursor()
            with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT {form})".encode()) as copy:
                if form == "csv":
                    return [(plain[0], _lines(b"".join(copy).decode()))]
                copy.set_types(plain[0])
                return [(plain[0], [_told(row) for row in copy.rows()])]
        except psycopg.DataError as error:
            return [error.sqlstate or "not in Python"]
        except psycopg.Error as error:
            return [error.sqlstate or str(error)]

    return ask


def _lines(text: str) -> list[tuple[str | None, ...]]:
    """The fields of csv; NULL and the empty text look alike."""
    rows = csv.reader(io.StringIO(text, newline=""))
    return [tuple(field or None for field in row) or (None,) for row in rows]


def _portal(connection: Connection, query: str) -> list[Answer]:
    """Described before it is executed: the types told there must be those of the rows."""
    pgconn = connection.pgconn
    for result in (pgconn.prepare(b"told", query.encode()), pgconn.describe_prepared(b"told")):
        if result.status != pq.ExecStatus.COMMAND_OK:
            return [(result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()] * 2
    kinds = [result.ftype(n) for n in range(result.nfields)]
    found = read(pgconn.exec_prepared(b"told", []))
    connection.execute("DEALLOCATE told")
    return [(kinds, []), found]


WAYS: dict[str, Way] = {
    "plain": lambda connection, query: [answer(connection, query)],
    "numbers": _with_values(numbered, 3),
    "untyped": _with_values(untyped, 2),
    "binary": _with_values(untyped, 1, binary=True),
    "described": _portal,
    "cursor": _in_pieces,
    "wrapped": _wrapped,
    "table": _through("CREATE TABLE kept AS {}", "SELECT * FROM kept"),
    "insert": _through(
        "CREATE TABLE kept AS {} WITH NO DATA", "INSERT INTO kept {}", "SELECT * FROM kept"
    ),
    "view": _through("CREATE VIEW kept AS {}", "SELECT * FROM kept"),
    "csv": _copied("csv"),
    "copy": _copied("binary"),
}
