"""The same random writes to two servers: where they answer otherwise, or keep other rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg

from tests.store.random_writes import RandomWrites, Writes
from tests.store.wide_writes import WideWrites

Connection = psycopg.Connection[Any]
Outcome = str | tuple[str | None, list[tuple[Any, ...]]]

KINDS: dict[str, type[Writes] | type[WideWrites]] = {"narrow": Writes, "wide": WideWrites}


def outcome(connection: Connection, statement: str) -> Outcome:
    """The command tag and the rows, or the SQLSTATE of the error."""
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    rows = sorted(cursor.fetchall(), key=repr) if cursor.description else []
    return cursor.statusmessage, rows


def alike(one: object, other: object) -> bool:
    """The same answer; of several broken constraints another may be told, of another row.

    A value that its type cannot hold may be met before a row that a constraint refuses, or after;
    so may a second row of one key.
    """
    both = (str(one)[:2], str(other)[:2])
    return one == other or all(each in ("21", "22", "23", "44") for each in both)


def difference(
    ours: Connection,
    theirs: Connection,
    writes: RandomWrites,
    count: int,
    seen: Counter[str] | None = None,
) -> str:
    """The first difference in `count` statements, each fourth a transaction; "" where all is same.

    The tables are made before and dropped afterwards on both. `seen` counts what `theirs` answers.
    """
    both = (ours, theirs)
    for connection in both:
        connection.execute("ROLLBACK")  # of what another run left
    try:
        for done in _rounds(writes, count):
            for statement in done:
                mine, right = outcome(ours, statement), outcome(theirs, statement)
                if seen is not None:
                    seen[right if isinstance(right, str) else "done"] += 1
                if not alike(mine, right):
                    return f"{statement}\n  gateway   {mine}\n  reference {right}"
    finally:
        for connection in both:
            connection.execute("ROLLBACK")
            for statement in writes.dropping():
                outcome(connection, statement)
    return ""


def _rounds(writes: RandomWrites, count: int) -> Iterator[list[str]]:
    """What is done one after the other, each with a look at all rows."""
    looks = [f"SELECT * FROM {table}" for table in writes.tables]
    yield writes.creation()
    for number in range(count):
        yield [*(writes.block() if number % 4 == 3 else [writes.statement()]), *looks]
