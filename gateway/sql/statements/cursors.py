"""DECLARE, FETCH, MOVE and CLOSE, read from their tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.sql.statements.commands import Reader
from gateway.sql.statements.statement import Statement

ALL_ROWS = 2**63 - 1  # PostgreSQL's FETCH_ALL


@dataclass(frozen=True, slots=True)
class Declare:
    """DECLARE name [options] CURSOR FOR query; `source` is the whole text that it came in."""

    name: str
    statement: Statement
    options: frozenset[str] = frozenset()
    hold: bool = False
    source: str = ""

    @property
    def scroll(self) -> bool | None:
        """Whether it may turn round; None leaves it to the server."""
        given = self.options & {"SCROLL", "NO SCROLL"}
        return "SCROLL" in given if given else None


@dataclass(frozen=True, slots=True)
class FetchStatement:
    """FETCH or MOVE: `count` rows on (back when negative), None for all; or to `absolute`."""

    cursor: str
    count: int | None = 1
    move: bool = False
    absolute: int | None = None
    relative: bool = False


@dataclass(frozen=True, slots=True)
class CloseStatement:
    """CLOSE cursor; None is ALL."""

    cursor: str | None


def read_declare(reader: Reader, inner: Callable[[Reader], Statement]) -> Declare:
    """DECLARE name [options] CURSOR [WITH HOLD] FOR query."""
    name, options = reader.name(), set()
    while word := reader.one_of("BINARY", "INSENSITIVE", "ASENSITIVE", "NO SCROLL", "SCROLL"):
        options.add(word)
    reader.need("CURSOR")
    hold = reader.one_of("WITH HOLD", "WITHOUT HOLD") == "WITH HOLD"
    reader.need("FOR")
    return Declare(name, inner(reader), frozenset(options), hold, reader.text)


def read_fetch(reader: Reader, move: bool) -> FetchStatement:
    """FETCH or MOVE [direction [count]] [FROM | IN] cursor."""
    count, absolute, relative = _direction(reader)
    reader.one_of("FROM", "IN")
    return FetchStatement(reader.name(), count, move, absolute, relative)


def _direction(reader: Reader) -> tuple[int | None, int | None, bool]:
    fixed = {"NEXT": (1, None), "PRIOR": (-1, None), "FIRST": (1, 1), "LAST": (1, -1)}
    word = reader.one_of(*fixed)
    if word:
        return (*fixed[word], False)
    if reader.accept("ALL"):
        return None, None, False
    word = reader.one_of("ABSOLUTE", "RELATIVE", "FORWARD", "BACKWARD")
    if word == "ABSOLUTE":
        return 1, reader.number(), False
    sign = -1 if word == "BACKWARD" else 1
    if word and reader.accept("ALL"):
        return None if sign > 0 else -ALL_ROWS, None, False
    ahead = reader.ahead
    count = reader.number() if ahead == "-" or ahead.isdigit() else 1
    return sign * count, None, word == "RELATIVE"


def read_close(reader: Reader) -> CloseStatement:
    """CLOSE cursor or ALL."""
    return CloseStatement(None if reader.accept("ALL") else reader.name())
