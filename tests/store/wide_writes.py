"""Random writes of more forms: enums, arrays, expressions and subqueries wherever one may stand.

Three tables: a parent, a child that refers to it and to itself, and one with a key of two columns.
A join names its rows by a whole key, so that each row is changed by one other at most.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.store.random_writes import ACTIONS, RandomWrites


class WideWrites(RandomWrites):
    """Three tables and an enum, whose names begin with `name`."""

    steps = (4, 14)

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(seed)
        self.mood = f"{name}_mood"
        self.parent, self.child, self.pair = f"{name}_p", f"{name}_c", f"{name}_l"
        self.tables = (self.parent, self.child, self.pair)

    def creation(self) -> list[str]:
        chance = self._chance
        deed, change, own = (chance.choice(ACTIONS) for _ in range(3))
        late = chance.choice(("", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE"))
        checks = ("", " CHECK (n < 9)", " CHECK (n <> 4 OR s IS NULL)", " CHECK (m > 'sad')")
        generated = chance.choice(
            (
                "int GENERATED ALWAYS AS (k * 2 + coalesce(n, 0)) STORED",
                "text GENERATED ALWAYS AS (coalesce(s, '-') || k) STORED",
                "int GENERATED ALWAYS AS (cardinality(a)) STORED",
            )
        )
        return [
            f"CREATE TYPE {self.mood} AS ENUM ('sad', 'ok', 'glad')",
            f"CREATE TABLE {self.parent} (k int PRIMARY KEY, n int DEFAULT 2 + 1,"
            f" s text{chance.choice((' UNIQUE', '', ' DEFAULT upper($$q$$)'))},"
            f" m {self.mood} DEFAULT 'ok', a int[], q numeric(6, 2) DEFAULT 1.005,"
            f" g {generated}{chance.choice(checks)})",
            f"CREATE TABLE {self.child} (id int UNIQUE, p int DEFAULT 1 REFERENCES {self.parent}"
            f" ON DELETE {deed} ON UPDATE {change}{late}, v float8 DEFAULT 1,"
            f" up int REFERENCES {self.child} (id) ON DELETE {own}, w text[])",
            f"CREATE TABLE {self.pair} (x int, y text DEFAULT 'y', z int, PRIMARY KEY (x, y),"
            f" t timestamp DEFAULT '2020-01-01', b bool NOT NULL DEFAULT false)",
        ]

    def dropping(self) -> list[str]:
        return [*super().dropping(), f"DROP TYPE {self.mood}"]

    def _kinds(self) -> tuple[Callable[[], str], ...]:
        return (
            self._insert_parent, self._insert_parent, self._insert_child, self._insert_child,
            self._insert_pair, self._insert_pair, self._insert_query, self._update_parent,
            self._update_joined, self._update_row, self._update_child, self._update_pair,
            self._update_array, self._delete, self._delete_using, self._upsert, self._upsert_pair,
            self._merge, self._merge_child, self._with_all, self._insert_defaults,
        )  # fmt: skip

    # Values

    def _int(self, *columns: str) -> str:
        """An expression of integers over these columns."""
        chance = self._chance
        if columns and chance.random() < 0.6:
            one = chance.choice(columns)
            return chance.choice(
                (
                    one, f"{one} + 1", f"coalesce({one}, 3)", f"{one} % 3", f"-{one}",
                    f"CASE WHEN {one} > 2 THEN {one} - 1 END", f"nullif({one}, 2)",
                    f"greatest({one}, {chance.choice(columns)})",
                    f"(SELECT max(i.id) FROM {self.child} AS i WHERE i.p = {one})",
                    f"(SELECT count(*)::int FROM {self.pair} AS j WHERE j.x >= {one})",
                )
            )  # fmt: skip
        simple = (
            self._key(),
            self._key(),
            "NULL",
            f"(SELECT min(z) FROM {self.pair})",
            "length('abc')",
        )
        return chance.choice(simple)

    def _text(self, *columns: str) -> str:
        one = self._chance.choice(columns) if columns else "'e'"
        return self._chance.choice(
            (
                "'a'", "'b'", "'c'", "NULL", "''", f"{one} || 'x'", f"upper({one})",
                f"left({one}, 1)", f"(SELECT min(y) FROM {self.pair})", f"coalesce({one}, 'n')",
            )
        )  # fmt: skip

    def _mood(self, *columns: str) -> str:
        more = [f"(CASE WHEN {c} = 'sad' THEN 'glad' ELSE {c} END)" for c in columns]
        return self._chance.choice(("'sad'", "'ok'", "'glad'", "NULL", *columns, *more))

    def _array(self, *columns: str) -> str:
        more = [f"{c} || {self._key()}" for c in columns] + [f"{c}[2:3]" for c in columns]
        array = f"(SELECT array_agg(id ORDER BY id) FROM {self.child})"
        return self._chance.choice(
            ("'{1,2}'", "'{}'", "'{NULL,3}'", "NULL", array, *columns, *more)
        )

    def _numeric(self) -> str:
        return self._chance.choice(("0.125", "-2", "5.999", "NULL", "1e3", "q * 2 - q"))

    def _where(self, name: str, *columns: str) -> str:
        """A condition on rows of `name`."""
        chance = self._chance
        one = f"{name}.{chance.choice(columns)}"
        return chance.choice(
            (
                f"{one} = {self._key()}", f"{one} > {self._key()}", f"{one} IS NULL", "true",
                "1 = 0", f"{one} IS DISTINCT FROM {self._key()}", f"{one} > NULL",
                f"{one} IN (SELECT id FROM {self.child})", f"{one} = ANY (ARRAY[1, 3, 5, NULL])",
                f"{one} NOT IN (SELECT up FROM {self.child})", f"NOT ({one} < {self._key()})",
                f"EXISTS (SELECT 1 FROM {self.pair} AS e WHERE e.x = {one} AND NOT e.b)",
                f"({one}, 1) < ({self._key()}, 2)", f"{one} BETWEEN 1 AND {self._key()}",
            )
        )  # fmt: skip

    def _back(self, name: str, *columns: str) -> str:
        """A RETURNING of expressions, or none."""
        chance = self._chance
        one = f"{name}.{chance.choice(columns)}"
        return chance.choice(
            (
                "", "", f" RETURNING {name}.*", f" RETURNING {one} IS NULL AS e, {one}",
                f" RETURNING coalesce({one}::text, 'none'), {name}.*",
                f" RETURNING {one} + 1 AS {columns[0]}", f" RETURNING {one} IN (1, 2), {one}",
                f" RETURNING CASE WHEN {one} > 2 THEN 'more' ELSE 'less' END, {name}.{columns[0]}",
            )
        )  # fmt: skip

    # Statements

    def _parent_row(self) -> str:
        values = [
            self._int(),
            self._text(),
            self._mood(),
            self._array(),
            self._chance.choice(("0.125", "7", "NULL")),
        ]
        values = [v if self._chance.random() > 0.15 else "DEFAULT" for v in values]
        return f"({', '.join([self._key(), *values])})"

    def _insert_parent(self) -> str:
        rows = ", ".join(self._parent_row() for _ in range(self._chance.randint(1, 3)))
        into = f"INSERT INTO {self.parent} (k, n, s, m, a, q) VALUES {rows}"
        return into + self._back(self.parent, "k", "n")

    def _insert_child(self) -> str:
        texts = ("NULL", "'{a,b}'", "DEFAULT")
        rows = ", ".join(
            f"({self._key()}, {self._int()}, {self._int()}, {self._chance.choice(texts)})"
            for _ in range(2)
        )
        into = f"INSERT INTO {self.child} (id, p, up, w) VALUES {rows}"
        return into + self._back(self.child, "id", "p", "up")

    def _insert_pair(self) -> str:
        rows = ", ".join(f"({self._key()}, {self._text()}, {self._int()})" for _ in range(2))
        return f"INSERT INTO {self.pair} (x, y, z) VALUES {rows}" + self._back(self.pair, "x", "z")

    def _insert_defaults(self) -> str:
        return self._chance.choice(
            (
                f"INSERT INTO {self.pair} DEFAULT VALUES",
                f"INSERT INTO {self.child} DEFAULT VALUES RETURNING *",
                f"INSERT INTO {self.pair} (x) VALUES ({self._key()}) RETURNING y || 'r', t",
                f"INSERT INTO {self.parent} (k, g) VALUES ({self._key()}, DEFAULT) RETURNING *",
                f"INSERT INTO {self.parent} (k, g) VALUES ({self._key()}, '1')",
            )
        )

    def _insert_query(self) -> str:
        return self._chance.choice(
            (
                f"INSERT INTO {self.pair} (x, y, z) SELECT k, coalesce(s, 'none'), n"
                f" FROM {self.parent} AS p WHERE {self._where('p', 'k', 'n')}",
                f"INSERT INTO {self.parent} (k, n, m, a) SELECT x + 10, max(z), 'sad',"
                f" array_agg(y ORDER BY y)::text[]::int[] FROM {self.pair}"
                " WHERE y ~ '^[0-9]+$' GROUP BY x",
                f"INSERT INTO {self.child} (id, p) SELECT k + 20, k FROM {self.parent} AS p"
                f" WHERE {self._where('p', 'k')} ORDER BY k DESC LIMIT 2",
                f"INSERT INTO {self.parent} (k, m, a) SELECT i, m, a FROM {self.parent},"
                f" generate_series(30, 31) AS i WHERE k = {self._key()}",
                f"INSERT INTO {self.parent} SELECT k + 40, n, s || 'v', m, a, q FROM {self.parent}"
                " WHERE n > 3",
            )
        ) + self._chance.choice(("", " ON CONFLICT DO NOTHING"))

    def _update_parent(self) -> str:
        chance = self._chance
        settings = {
            "n": self._int("t.n", "t.k"), "s": self._text("t.s"), "m": self._mood("m"),
            "a": self._array("a"), "q": self._numeric(), "k": "t.k + 10",
        }  # fmt: skip
        names = chance.sample(list(settings), chance.randint(1, 3))
        given = ", ".join(
            f"{n} = {settings[n] if chance.random() > 0.1 else 'DEFAULT'}"
            for n in names
            if n != "k" or chance.random() < 0.3
        )
        given = given or "n = t.n"
        return (
            f"UPDATE {self.parent} AS t SET {given} WHERE {self._where('t', 'k', 'n')}"
            + self._back("t", "k", "n")
        )

    def _update_joined(self) -> str:
        return (
            f"UPDATE {self.parent} AS t SET n = {self._int('c.id', 'l.z', 't.n')},"
            f" s = {self._text('l.y', 't.s')} FROM {self.child} AS c"
            f" LEFT JOIN {self.pair} AS l ON l.x = c.id AND l.y = 'y'"
            f" JOIN {self.parent} AS o ON o.k = c.p"
            f" WHERE c.id = t.k AND {self._where('o', 'k', 'n')}"
        ) + self._chance.choice(
            ("", " RETURNING t.k, o.k, l.z, t.n", " RETURNING *", " RETURNING t.*, c.id + 1")
        )

    def _update_row(self) -> str:
        chance = self._chance
        query = chance.choice(
            (
                f"SELECT max(c.id), min(c.id)::text FROM {self.child} AS c WHERE c.p = t.k",
                f"SELECT l.z, l.y FROM {self.pair} AS l WHERE l.x = t.k ORDER BY l.y LIMIT 1",
                f"SELECT l.z, l.y FROM {self.pair} AS l WHERE l.x = t.k",
                "SELECT t.k, t.s || '!'",
            )
        )
        made = chance.choice(
            (
                f"({query})",
                f"ROW({self._int('t.n')}, {self._text('t.s')})",
                f"({self._int('t.k')}, DEFAULT)",
            )
        )
        return (
            f"UPDATE {self.parent} AS t SET (n, s) = {made} WHERE {self._where('t', 'k', 'n')}"
            + self._back("t", "n", "k")
        )

    def _update_child(self) -> str:
        name = self._chance.choice(("p", "up", "id"))
        return (
            f"UPDATE {self.child} SET {name} = {self._int('id', 'p', 'up')},"
            f" w = w || {self._text()} WHERE {self._where(self.child, 'id', 'p', 'up')}"
        ) + self._back(self.child, "id", "up")

    def _update_pair(self) -> str:
        return (
            f"UPDATE {self.pair} SET b = NOT b, z = {self._int('x', 'z')}, y = {self._text('y')}"
            f" WHERE {self._where(self.pair, 'x', 'z')}"
        ) + self._back(self.pair, "x", "z")

    def _update_array(self) -> str:
        chance = self._chance
        place = chance.choice(("a[1]", "a[1:2]", "a[:1]"))
        value = (
            self._int("n", "k")
            if ":" not in place
            else chance.choice(("'{7,8}'", "NULL", "'{NULL,9,10}'"))
        )
        more = (
            chance.choice(("", f", a[4] = {self._int('k')}", f", n = {self._int('n')}"))
            if ":" not in place
            else ""
        )
        rows = self._where(self.parent, "k", "n")
        return f"UPDATE {self.parent} SET {place} = {value}{more} WHERE {rows} RETURNING k, a"

    def _delete(self) -> str:
        name, columns = self._chance.choice(
            ((self.parent, ("k", "n")), (self.child, ("id", "p", "up")), (self.pair, ("x", "z")))
        )
        return f"DELETE FROM {name} WHERE {self._where(name, *columns)}" + self._back(
            name, *columns
        )

    def _delete_using(self) -> str:
        return self._chance.choice(
            (
                f"DELETE FROM {self.child} AS c USING {self.parent} AS p, {self.pair} AS l"
                f" WHERE c.p = p.k AND l.x = p.k AND l.y = 'a'"
                f" AND {self._where('p', 'n', 'k')} RETURNING c.id, p.n, l.z",
                f"DELETE FROM {self.pair} USING {self.parent} AS p"
                f" LEFT JOIN {self.child} AS c ON c.id = p.n"
                f" WHERE p.k = {self.pair}.x AND {self._where('c', 'id', 'p')}",
                f"DELETE FROM {self.parent} AS t"
                f" USING (SELECT p, count(*) AS n FROM {self.child} GROUP BY p) AS c"
                " WHERE c.p = t.k AND c.n > 1 RETURNING t.k, c.n, t.m",
            )
        )

    def _upsert(self) -> str:
        chance, name = self._chance, self.parent
        rows = ", ".join(self._parent_row() for _ in range(chance.randint(1, 2)))
        into = f"INSERT INTO {name} (k, n, s, m, a, q) VALUES {rows} ON CONFLICT"
        deed = chance.choice(
            (
                f"(k) DO UPDATE SET n = {self._int('excluded.n', name + '.n', 'excluded.k')},"
                f" s = {self._text('excluded.s', name + '.s')}",
                f"(k) DO UPDATE SET (n, m) = (excluded.k, {self._mood('excluded.m', name + '.m')})",
                f"(k) DO UPDATE SET a = excluded.a || {name}.a, q = DEFAULT",
                f"(k) DO UPDATE SET a[1] = {self._int('excluded.n')}",
                f"(k) DO UPDATE SET (n, s) = (SELECT z, y FROM {self.pair}"
                " WHERE x = excluded.k ORDER BY y LIMIT 1)",
                f"ON CONSTRAINT {name}_pkey DO UPDATE SET k = excluded.k + 10",
                "DO NOTHING", "(k) DO NOTHING",
            )
        )  # fmt: skip
        if "UPDATE" in deed and chance.random() < 0.4:
            deed += f" WHERE {self._where(name, 'k', 'n')} AND {self._where('excluded', 'k', 'n')}"
        return f"{into} {deed}" + self._back(name, "k", "n")

    def _upsert_pair(self) -> str:
        return (
            f"INSERT INTO {self.pair} AS l (x, y, z) SELECT k, 'y', n FROM {self.parent}"
            f" ON CONFLICT (y, x) DO UPDATE SET z = {self._int('l.z', 'excluded.z')},"
            f" b = l.z IS NULL WHERE {self._where('l', 'x', 'z')} RETURNING x, l.z, b"
        )

    def _merge(self) -> str:
        chance = self._chance
        source = chance.choice(
            (
                f"(SELECT DISTINCT id, up FROM {self.child}) AS s",
                f"(SELECT k AS id, n AS up FROM {self.parent} WHERE k < 4) AS s",
                "(VALUES (1, 2), (3, NULL), (6, 6)) AS s (id, up)",
            )
        )  # fmt: skip
        n, s, m = self._int("s.up", "t.n"), self._text("t.s"), self._mood()
        clauses = [
            f"WHEN MATCHED AND {self._where('t', 'k', 'n')} THEN DELETE",
            "WHEN MATCHED AND s.up IS NULL THEN UPDATE SET n = s.id, a = DEFAULT",
            f"WHEN MATCHED THEN UPDATE SET (n, s) = ({n}, {s})",
            f"WHEN MATCHED AND {self._where('s', 'id', 'up')} THEN DO NOTHING",
            "WHEN NOT MATCHED AND s.up IS NOT NULL"
            f" THEN INSERT (k, n, m) VALUES (s.id, {self._int('s.up')}, {m})",
            "WHEN NOT MATCHED THEN INSERT (k, s) VALUES (s.id + 10, DEFAULT)",
            "WHEN NOT MATCHED AND s.id > 2 THEN DO NOTHING",
        ]  # fmt: skip
        chosen = [c for c in clauses if chance.random() < 0.5] or [clauses[2]]
        chance.shuffle(chosen)
        return f"MERGE INTO {self.parent} AS t USING {source} ON t.k = s.id {' '.join(chosen)}"

    def _merge_child(self) -> str:
        return (
            f"MERGE INTO {self.child} USING {self.pair} AS s ON {self.child}.id = s.x AND s.y = 'y'"
            f" WHEN MATCHED AND s.b THEN DELETE"
            f" WHEN MATCHED THEN UPDATE SET up = {self._int('s.z')}"
            f" WHEN NOT MATCHED AND s.y = 'y' THEN INSERT (id, p) VALUES (s.x, {self._int('s.z')})"
        )

    def _with_all(self) -> str:
        chance = self._chance
        first = chance.choice(
            (
                f"d AS (DELETE FROM {self.child} AS c WHERE {self._where('c', 'id', 'up')}"
                " RETURNING id AS i, p AS j)",
                f"d AS (INSERT INTO {self.pair} (x, z) SELECT k, n FROM {self.parent} WHERE k > 4"
                f" ON CONFLICT DO NOTHING RETURNING x AS i, z AS j)",
                f"d AS (UPDATE {self.pair} AS l SET z = {self._int('l.x')}"
                f" WHERE {self._where('l', 'x', 'z')} RETURNING l.x AS i, l.z AS j)",
            )
        )
        last = chance.choice(
            (
                f"UPDATE {self.parent} AS t SET n = (SELECT max(j) FROM d WHERE d.i = t.k)"
                f" WHERE t.k IN (SELECT i FROM d) RETURNING t.k, t.n",
                f"INSERT INTO {self.parent} (k, n) SELECT i + 50, max(j) FROM d GROUP BY i"
                f" ON CONFLICT (k) DO UPDATE SET n = excluded.n RETURNING *",
                "SELECT count(*), min(i), max(j) FROM d",
            )
        )
        return f"WITH {first} {last}"
