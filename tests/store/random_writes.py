"""Random schemas and random writes, as statements: a table that refers to another one.

A view shows some rows of the first one. Values are small, so that keys collide, references dangle
and checks fail now and then. All are values of their types: PostgreSQL tells of others while it
plans, even where no row gets them. `wide_writes` has fewer schemas and more forms of statements.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable

ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")

_KINDS = {
    "int": lambda chance: str(chance.randint(-2, 6)),
    "text": lambda chance: f"'{chance.choice('abcd')}'",
    "float8": lambda chance: str(chance.choice((-1.5, 0.0, 2.25, 7.0))),
    "bool": lambda chance: chance.choice(("true", "false")),
    "bigint": lambda chance: str(chance.choice((-1, 3, 5, 2**40))),
    "numeric(6, 2)": lambda chance: chance.choice(("0.125", "-2", "'3.5'", "5.999")),
    "varchar(2)": lambda chance: f"'{chance.choice(('a', 'bc', 'b  '))}'",
    "date": lambda chance: f"'2020-02-{chance.randint(25, 29)}'",
    "timestamp": lambda chance: f"'2020-01-0{chance.randint(1, 3)} 12:00'",
}
_DEFAULTS = {
    "int": "1 + 1", "text": "upper('q')", "float8": "0.5", "bool": "true", "bigint": "7",
    "numeric(6, 2)": "1.005", "varchar(2)": "'zz'", "date": "'2020-01-01'::date + 1",
    "timestamp": "'2020-01-01'",
}  # fmt: skip

# Keys that DuckDB does not hold.
_UNIQUE = (
    "", "", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE", " NULLS NOT DISTINCT",
)  # fmt: skip
_INDEXES = (
    "CREATE UNIQUE INDEX ON {0} ((k % 5)) WHERE k > 2",
    "CREATE UNIQUE INDEX ON {0} ({1}) WHERE k > 3",
    "CREATE UNIQUE INDEX ON {0} (g, {1}) NULLS NOT DISTINCT",
)


class RandomWrites(ABC):
    """Random tables, and statements over them.

    Args:
        seed: Decides everything.
    """

    tables: tuple[str, ...]
    steps: tuple[int, int]  # how many statements a transaction has at least, and at most

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    @abstractmethod
    def creation(self) -> list[str]:
        """The statements that make the tables."""

    @abstractmethod
    def _kinds(self) -> tuple[Callable[[], str], ...]:
        """What makes a statement, one for each kind."""

    def dropping(self) -> list[str]:
        """The statements that take them away."""
        return [f"DROP TABLE {', '.join(self.tables)} CASCADE"]

    def statement(self) -> str:
        """One write."""
        return self._chance.choice(self._kinds())()

    def block(self) -> list[str]:
        """A transaction with savepoints."""
        chance, made = self._chance, ["BEGIN"]
        held: list[str] = []
        for _ in range(chance.randint(*self.steps)):
            step = chance.random()
            if step < 0.25:
                held.append(f"s{chance.randint(1, 2)}")
                made.append(f"SAVEPOINT {held[-1]}")
            elif step < 0.5 and held:
                name = chance.choice(held)
                made.append(f"{chance.choice(('ROLLBACK TO', 'RELEASE'))} {name}")
            else:
                made.append(self.statement())
        return [*made, chance.choice(("COMMIT", "COMMIT", "ROLLBACK"))]

    def _key(self) -> str:
        return str(self._chance.randint(0, 7))


class Writes(RandomWrites):
    """One random pair of tables and a view; their names begin with `name`."""

    steps = (3, 7)

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(seed)
        self.parent, self.child, self.view = f"{name}_p", f"{name}_c", f"{name}_v"
        self.tables = (self.parent, self.child)
        names = ("a", "b", "c", "d")[: self._chance.randint(2, 4)]
        self._columns = {n: self._chance.choice(list(_KINDS)) for n in names}

    def creation(self) -> list[str]:
        chance = self._chance
        parts = []
        for name, kind in self._columns.items():
            part = f"{name} {kind}"
            if chance.random() < 0.3:
                part += f" DEFAULT {_DEFAULTS[kind]}"
            if chance.random() < 0.2:
                part += " NOT NULL"
            if chance.random() < 0.25 and kind != "bool":
                part += f" UNIQUE{chance.choice(_UNIQUE)}"
            if chance.random() < 0.25 and kind in ("int", "float8"):
                part += f" CHECK ({name} < 6)"
            parts.append(part)
        action = f" ON DELETE {chance.choice(ACTIONS)} ON UPDATE {chance.choice(ACTIONS)}"
        action += chance.choice(("", " DEFERRABLE INITIALLY DEFERRED"))
        computed = "g int GENERATED ALWAYS AS (k * 2 + 1) STORED"
        columns = ", ".join(["k int PRIMARY KEY", *parts, computed])
        first = next(iter(self._columns))
        check = chance.choice(("", " WITH CHECK OPTION"))
        indexes = [index.format(self.parent, first) for index in _INDEXES if chance.random() < 0.2]
        reference = f"p int DEFAULT 1 REFERENCES {self.parent}{action}"
        return [
            f"CREATE TABLE {self.parent} ({columns})",
            f"CREATE TABLE {self.child} (id int, {reference}, v float8 DEFAULT 1, UNIQUE (id, p))",
            f"CREATE VIEW {self.view} AS SELECT {first} AS x, k AS n FROM {self.parent}"
            f" WHERE k > 2{check}",
            *indexes,
        ]

    def _kinds(self) -> tuple[Callable[[], str], ...]:
        return (
            self._insert, self._insert, self._insert_child, self._insert_child, self._update,
            self._update_key, self._update_child, self._delete, self._delete_child,
            self._conflict, self._conflict_child, self._merge, self._insert_select,
            self._with_moved, self._with_deleted, self._returning, self._view_insert,
            self._view_update, self._view_delete, self._set_row, self._merge_parent,
            self._given_back, self._upsert_back, self._from_query,
        )  # fmt: skip

    def _value(self, kind: str) -> str:
        if self._chance.random() < 0.15:
            return "NULL"
        made: str = _KINDS[kind](self._chance)
        return made

    def _row(self) -> str:
        values = [self._value(kind) for kind in self._columns.values()]
        if self._chance.random() < 0.2:
            values[-1] = "DEFAULT"
        return f"({', '.join([self._key(), *values])})"

    def _insert(self) -> str:
        rows = ", ".join(self._row() for _ in range(self._chance.randint(1, 2)))
        return f"INSERT INTO {self.parent} VALUES {rows}"

    def _insert_child(self) -> str:
        rows = ", ".join(f"({self._key()}, {self._value('int')})" for _ in range(2))
        return f"INSERT INTO {self.child} (id, p) VALUES {rows}"

    def _where(self) -> str:
        return self._chance.choice(
            (
                f"k = {self._key()}", f"k > {self._key()}", "k > NULL", "1 = 0",
                f"k IN (SELECT id FROM {self.child})", f"k NOT IN (SELECT p FROM {self.child})",
                f"k = {self._key()} AND 1 = 0", "k % 2 = 0",
                f"EXISTS (SELECT 1 FROM {self.child} AS e WHERE e.p = k)",
            )
        )  # fmt: skip

    def _update(self) -> str:
        name = self._chance.choice(list(self._columns))
        value = self._value(self._columns[name])
        return f"UPDATE {self.parent} SET {name} = {value} WHERE {self._where()}"

    def _update_key(self) -> str:
        return f"UPDATE {self.parent} SET k = {self._key()} WHERE k = {self._key()}"

    def _update_child(self) -> str:
        return (
            f"UPDATE {self.child} SET v = v + x.k, p = {self._value('int')}"
            f" FROM {self.parent} AS x WHERE x.k = {self.child}.id AND x.k < {self._key()}"
        )

    def _delete(self) -> str:
        return f"DELETE FROM {self.parent} WHERE {self._where()}"

    def _delete_child(self) -> str:
        return (
            f"DELETE FROM {self.child} USING {self.parent} AS x WHERE p = k AND id > {self._key()}"
        )

    def _conflict(self) -> str:
        name = next(iter(self._columns))
        does = self._chance.choice(
            ("DO NOTHING", f"DO UPDATE SET {name} = excluded.{name} WHERE {self.parent}.k > 2")
        )
        target = "(k) " if does != "DO NOTHING" or self._chance.random() < 0.5 else ""
        return f"{self._insert()} ON CONFLICT {target}{does}"

    def _conflict_child(self) -> str:
        return f"{self._insert_child()} ON CONFLICT (p, id) DO UPDATE SET v = {self.child}.v + 1"

    def _merge(self) -> str:
        return (
            f"MERGE INTO {self.child} AS t USING {self.parent} AS s ON t.id = s.k"
            f" WHEN MATCHED AND s.k > {self._key()} THEN DELETE"
            f" WHEN MATCHED THEN UPDATE SET v = t.v + s.k"
            f" WHEN NOT MATCHED AND s.k < 3 THEN INSERT (id, p) VALUES (s.k, s.k)"
        )

    def _view_insert(self) -> str:
        value = self._value(next(iter(self._columns.values())))
        return f"INSERT INTO {self.view} VALUES ({value}, {self._key()}) RETURNING *"

    def _view_update(self) -> str:
        return (
            f"UPDATE {self.view} SET n = n + {self._chance.randint(0, 2)}"
            f" WHERE n = {self._key()} RETURNING n, x"
        )

    def _view_delete(self) -> str:
        return f"DELETE FROM {self.view} WHERE n IN (SELECT id FROM {self.child}) RETURNING n"

    def _set_row(self) -> str:
        return (
            f"UPDATE {self.child} SET (id, v) = (SELECT x.k, x.g FROM {self.parent} AS x"
            f" WHERE x.k = {self.child}.p) WHERE id < {self._key()} RETURNING id, p, v"
        )

    def _merge_parent(self) -> str:
        name = next(iter(self._columns))
        return (
            f"MERGE INTO {self.parent} AS t USING (SELECT DISTINCT id FROM {self.child}) AS s"
            f" ON t.k = s.id WHEN MATCHED AND t.g > {self._key()} THEN UPDATE SET {name} = DEFAULT"
            f" WHEN MATCHED THEN DO NOTHING"
            f" WHEN NOT MATCHED AND s.id > 2 THEN INSERT (k) VALUES (s.id)"
        )

    def _given_back(self) -> str:
        name = self._chance.choice(list(self._columns))
        return (
            f"UPDATE {self.parent} AS t SET {name} = DEFAULT WHERE {self._where()}"
            f" RETURNING t.k, g, {name} IS NULL, t.*"
        )

    def _upsert_back(self) -> str:
        return (
            f"{self._insert()} ON CONFLICT (k) DO UPDATE SET k = excluded.k + 10"
            f" WHERE excluded.k < {self._key()} RETURNING k, g"
        )

    def _from_query(self) -> str:
        return (
            f"DELETE FROM {self.parent} USING (SELECT p, count(*) AS n FROM {self.child}"
            f" GROUP BY p) AS c WHERE k = c.p AND c.n > 1 RETURNING k, c.n"
        )

    def _insert_select(self) -> str:
        query = f"SELECT k + 1, k FROM {self.parent} WHERE {self._where()}"
        return f"INSERT INTO {self.child} (id, p) {query}"

    def _with_moved(self) -> str:
        return (
            f"WITH d AS (DELETE FROM {self.child} WHERE id > {self._key()} RETURNING *)"
            f" INSERT INTO {self.child} (id, p, v) SELECT id + 10, p, v + 1 FROM d"
        )

    def _with_deleted(self) -> str:
        """A child is deleted for its parent, whichever of them goes first."""
        first, then = (self.parent, self.child) if self._chance.random() < 0.5 else (
            self.child, self.parent)  # fmt: skip
        column = {self.parent: "k", self.child: "p"}
        return (
            f"WITH d AS (DELETE FROM {first} WHERE {column[first]} = {self._key()}"
            f" RETURNING {column[first]} AS gone),"
            f" e AS (INSERT INTO {self.child} (id, p) SELECT 30, gone FROM d WHERE gone > 5)"
            f" DELETE FROM {then} USING d WHERE {column[then]} = gone"
        )

    def _returning(self) -> str:
        return (
            f"WITH u AS (UPDATE {self.child} SET v = {self._key()} FROM {self.parent} AS x"
            f" WHERE x.k = {self.child}.id RETURNING x.k AS parent, {self.child}.v, x.*)"
            f" UPDATE {self.parent} SET k = k + 20 FROM u WHERE k = u.parent AND u.v > 3"
        )
