"""pg_catalog's relations as tables in DuckDB, which moments share and which change with them.

A relation's rows come in parts (`pg_catalog.parts_of`); from one moment to the next few of them
differ, so the table of the older moment is changed into that of the newer one: PostgreSQL's own
rows and those of what stays are loaded once. A moment that is asked again after its table was
changed, as that of a transaction with tables of its own is, gets a copy; so does one that comes
while a query reads the table.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from gateway.catalog.system.pg_catalog import Part
from gateway.catalog.system.static import static

# Tables of one relation. With more moments than that taking turns, each turn changes one.
_MOST = 4
# Rows deleted after which a table is written anew, as DuckDB keeps them: some 25 ms for 200 tables
# of 50 columns.
_MOST_DELETED = 5_000
_PART = "@part"


@dataclass(slots=True, eq=False)
class _Table:
    """A table: its name in SQL, its parts with their numbers, the moments it serves.

    A part without rows, which is nothing to DuckDB, has number 0.
    """

    sql: str
    parts: dict[Hashable, tuple[int, Part]] = field(default_factory=dict)
    moments: set[str] = field(default_factory=set)
    numbers: int = 0
    deleted: int = 0

    def distance(self, parts: Mapping[Hashable, Part]) -> int:
        """How many parts it has too many or too few."""
        return len(self.parts.keys() ^ parts.keys())


class HeldRelations:
    """The tables. One thread at a time may ask.

    Args:
        connection: The database's, with PostgreSQL's own rows in the schema `static`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute("CREATE SCHEMA held")
        # By relation and base, those used lately last.
        self._tables: dict[tuple[str, str], list[_Table]] = {}
        self._robbed: set[tuple[str, str]] = set()  # moment, relation
        self._numbers = 0

    def table(
        self,
        moment: str,
        name: str,
        parts: Mapping[Hashable, Part],
        base: str,
        reading: Mapping[str, int],
    ) -> str:
        """The SQL name of a table with these rows, until the moment asks again.

        Args:
            moment: Who asks.
            name: schema.name of the relation.
            parts: Its rows.
            base: What gives the rows before them, PostgreSQL's own.
            reading: How many queries run on each moment: their tables stay.
        """
        tables = self._tables.setdefault((name, base), [])
        found = min(reversed(tables), key=lambda each: each.distance(parts), default=None)
        if found is None:
            found = self._made(name, base)
        elif found.distance(parts):
            idle = [each for each in tables if not any(reading.get(m) for m in each.moments)]
            if found not in idle or ((moment, name) in self._robbed and len(tables) < _MOST):
                found = self._copied(name, found) if len(tables) < _MOST or not idle else idle[0]
            elif (moment, name) in self._robbed:
                found = idle[0]
        if found in tables:
            tables.remove(found)
        self._change(name, found, parts)
        self._robbed.discard((moment, name))
        found.moments.add(moment)
        tables.append(found)
        return found.sql

    def forget(self, moment: str) -> None:
        """A moment asks no more."""
        self._robbed = {each for each in self._robbed if each[0] != moment}
        for tables in self._tables.values():
            for table in tables:
                table.moments.discard(moment)

    def _made(self, name: str, base: str) -> _Table:
        table = self._named(name)
        self._connection.execute(
            f'CREATE TABLE {table.sql} AS SELECT *, CAST(0 AS INTEGER) AS "{_PART}" FROM {base}'
        )
        return table

    def _copied(self, name: str, of: _Table) -> _Table:
        table = self._named(name)
        self._connection.execute(f"CREATE TABLE {table.sql} AS SELECT * FROM {of.sql}")
        table.parts, table.numbers = dict(of.parts), of.numbers
        return table

    def _named(self, name: str) -> _Table:
        self._numbers += 1
        return _Table(f'held."{name} {self._numbers}"')

    def _change(self, name: str, table: _Table, parts: Mapping[Hashable, Part]) -> None:
        """Give a table these parts and no others; one that fails is in no list any more."""
        gone = table.parts.keys() - parts.keys()
        new = [key for key in parts if key not in table.parts]
        if not gone and not new:
            return
        self._robbed |= {(moment, name) for moment in table.moments}
        table.moments.clear()
        numbers = [str(number) for key in gone if (number := table.parts.pop(key)[0])]
        if numbers:
            listed = ", ".join(numbers)
            sql = f'DELETE FROM {table.sql} WHERE "{_PART}" IN ({listed})'
            table.deleted += sum(count for (count,) in self._connection.execute(sql).fetchall())
        rows: list[tuple[int, dict[str, Any]]] = []
        for key in new:
            made = [(table.numbers + 1, row) for row in parts[key].make()]
            table.numbers += bool(made)
            table.parts[key] = table.numbers if made else 0, parts[key]
            rows += made
        if rows:
            self._insert(table.sql, name, rows)
        if table.deleted >= _MOST_DELETED:
            sql = f"CREATE OR REPLACE TABLE {table.sql} AS SELECT * FROM {table.sql}"
            self._connection.execute(sql)
            table.deleted = 0

    def _insert(self, sql: str, name: str, rows: list[tuple[int, dict[str, Any]]]) -> None:
        self._connection.from_arrow(_arrow(name, rows)).insert_into(sql)


def _arrow(name: str, rows: list[tuple[int, dict[str, Any]]]) -> pa.Table:
    """Rows of a relation, with their parts' numbers; what a row has not is null."""
    columns = dict(_columns(name, rows))
    return pa.table([*columns.values()], names=[*columns])


def _columns(name: str, rows: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[str, pa.Array]]:
    for column in static().columns[name]:
        kind = static().storage(column.type).arrow
        yield column.name, pa.array([row.get(column.name) for _, row in rows], kind)
    yield _PART, pa.array([number for number, _ in rows], pa.int32())
