"""Random queries of PostgreSQL's language over four tables, typed so that they mean something.

A query has one answer: its outputs are compared without order, aggregates that depend on it are
left out, LIMIT comes with an order of every output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from tests.differential.vocabulary import (
    AGGREGATES,
    EXCLUSIONS,
    FRAMES,
    JOINS,
    LITERALS,
    MAKERS,
    RANGES,
    TABLES,
    TYPES,
    WINDOWS,
    ZONES,
)

Scope = list[tuple[str, str]]  # columns as they are written, and their types

_PART = re.compile("{(" + "|".join(MAKERS) + ")}")
_UNORDERED = {"jsonb"}  # types that give no keys for ORDER BY, DISTINCT and set operations here


@dataclass
class Queries:
    """Queries drawn from one source of chance."""

    random: Random
    names: int = 0

    def zone(self) -> str:
        """The TimeZone under which the query is to be run."""
        return self.random.choice(ZONES)

    def query(self, depth: int = 2) -> str:
        """A statement that gives rows."""
        kind = self.random.random()
        if kind < 0.12 and depth:
            return self._set_operation(depth)
        if kind < 0.24 and depth:
            return self._with(depth)
        if kind < 0.27:
            return self._recursive()
        if kind < 0.3:
            return self._values()
        sql, _ = self.select(depth, self._types())
        return sql

    def _values(self) -> str:
        types = self._types()
        rows = [
            ", ".join(self.expression(kind, [], 1, 0) for kind in types)
            for _ in range(self.random.randint(1, 4))
        ]
        order = ", ".join(map(str, range(1, len(types) + 1)))
        limit = f" LIMIT {self.random.randint(0, 3)}" if self._chance(0.5) else ""
        sorts = "jsonb" not in types
        listed = f"VALUES {', '.join(f'({row})' for row in rows)}"
        return listed + (f" ORDER BY {order}{limit}" if sorts else "")

    def _types(self) -> list[str]:
        return [self.random.choice(TYPES) for _ in range(self.random.randint(1, 3))]

    def _fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def _set_operation(self, depth: int) -> str:
        types = self._types()
        word = self.random.choice(
            ["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL"]
        )
        parts = [self.select(depth - 1, types) for _ in range(2)]
        if self._chance(0.2):  # the first rows of one side
            parts[1] = (f"SELECT * FROM ({parts[1][0]}) AS f" + self._limited(parts[1][1]), [])
        sql = f"({parts[0][0]}) {word} ({parts[1][0]})"
        if self._chance(0.2):
            other = self.select(depth - 1, types)[0]
            sql = f"{sql} {self.random.choice(['UNION', 'EXCEPT', 'INTERSECT'])} ({other})"
        if self._chance(0.3):
            sql += self._limited(parts[0][1])
        return sql

    def _with(self, depth: int) -> str:
        name, types = self._fresh("w"), self._types()
        inner, names = self.select(depth - 1, types)
        scope = [(f"{name}.{n}", t) for n, t in zip(names, types, strict=True)]
        word = self.random.choice(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
        clause = f"WITH {name} AS {word}({inner})"
        source = f"FROM {name}"
        if self._chance(0.4):  # one that reads the first, which is read beside it
            other, kinds = self._fresh("w"), self._types()
            second, others = self._over(source, scope, 0, kinds)
            clause += f", {other} AS ({second})"
            more = [(f"{other}.{n}", t) for n, t in zip(others, kinds, strict=True)]
            source += f" CROSS JOIN {other}" if self._chance(0.5) else ""
            scope = scope + more if "CROSS" in source else scope
        sql, _ = self._over(source, scope, depth - 1, self._types())
        return f"{clause} {sql}"

    def _recursive(self) -> str:
        name = self._fresh("r")
        step = self.expression("int", [(f"{name}.v", "int")], 2, self.random.randint(0, 1))
        seed = self.random.choice(["1", "3", "(SELECT min(id) FROM a)"])
        if self._chance(0.3):  # until nothing is new, round a circle of values
            circle = f"abs(coalesce({step}, 0)) % {self.random.randint(2, 9)}"
            return (
                f"WITH RECURSIVE {name}(v) AS (SELECT {seed}::bigint UNION "
                f"SELECT ({circle})::bigint FROM {name}) SELECT v FROM {name}"
            )
        return (
            f"WITH RECURSIVE {name}(n, v) AS (SELECT 1, {seed}::bigint UNION ALL "
            f"SELECT n + 1, ({step})::bigint FROM {name} WHERE n < {self.random.randint(2, 6)}) "
            f"SELECT n, v FROM {name}"
        )

    def _expression(self, scope: Scope, kind: str) -> str:
        return self.expression(kind, scope, 2, 0)

    def select(self, depth: int, types: list[str]) -> tuple[str, list[str]]:
        """A SELECT with outputs of those types, and their names."""
        source, scope = self._source(depth)
        return self._over(source, scope, depth, types)

    def _over(
        self, source: str, scope: Scope, depth: int, types: list[str]
    ) -> tuple[str, list[str]]:
        where = f" WHERE {self.expression('bool', scope, 2, depth)}" if self._chance(0.5) else ""
        names = [self._fresh("o") for _ in types]
        kind = self.random.random()
        if kind < 0.3:
            items, tail = self._grouped(scope, types)
        elif kind < 0.45:
            items, tail = [self._windowed(t, scope) for t in types], ""
        else:
            items = [self.expression(each, scope, 2, depth) for each in types]
            tail = ""
        listed = ", ".join(f"{item} AS {name}" for item, name in zip(items, names, strict=True))
        if 0.85 < kind <= 0.9:  # the first row of each key, in an order that tells which
            order = ", ".join(names[:1] + [name for name in names[1:]])
            return f"SELECT DISTINCT ON ({names[0]}) {listed} {source}{where}{tail} " \
                   f"ORDER BY {order}", names  # fmt: skip
        distinct = "DISTINCT " if kind > 0.9 else ""
        sql = f"SELECT {distinct}{listed} {source}{where}{tail}"
        if self._chance(0.15):
            sql += self._limited(names)
        return sql, names

    def _limited(self, names: list[str]) -> str:
        order = ", ".join(
            f"{name}{self.random.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}"
            for name in names
        )
        if self._chance(0.2):  # all that are like the last
            first = order.split(",")[0]
            count = self.random.randint(1, 4)
            return f" ORDER BY {first} FETCH FIRST {count} ROWS WITH TIES"
        limit = f" ORDER BY {order} LIMIT {self.random.randint(0, 6)}"
        return limit + (f" OFFSET {self.random.randint(0, 2)}" if self._chance(0.4) else "")

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _source(self, depth: int) -> tuple[str, Scope]:
        if self._chance(0.08):
            return self._merged()
        first, scope = self._relation(depth)
        text = f"FROM {first}"
        while self._chance(0.4) and len(scope) < 12:
            if self._chance(0.2):
                other, more = self._lateral(scope)
                text += f" {other}"
                scope = scope + more
                continue
            other, more = self._relation(depth)
            word = self.random.choice(JOINS)
            text += f" {word} {other}"
            if word != "CROSS JOIN":
                text += f" ON {self._join_condition(scope, more, word)}"
            scope = scope + more
        return text, scope

    def _merged(self) -> tuple[str, Scope]:
        """Two tables joined by USING or NATURAL."""
        one, other = self.random.choice([("a", "c"), ("a", "b"), ("b", "e"), ("a", "e")])
        shared = [n for n in TABLES[one] if n in TABLES[other]]
        word = self.random.choice(JOINS[:4])
        left, right = self._fresh(one), self._fresh(other)
        if self._chance(0.3):
            text, used = f"FROM {one} {left} NATURAL {word} {other} {right}", shared
        else:
            used = shared[: self.random.randint(1, len(shared))]
            text = f"FROM {one} {left} {word} {other} {right} USING ({', '.join(used)})"
        scope = [(n, TABLES[one][n]) for n in used]
        scope += [(f"{left}.{n}", t) for n, t in TABLES[one].items()]
        return text, scope + [(f"{right}.{n}", t) for n, t in TABLES[other].items()]

    def _lateral(self, scope: Scope) -> tuple[str, Scope]:
        """A FROM item that looks at what is before it."""
        name = self._fresh("l")
        if self._chance(0.4):
            kind, element = self.random.choice([("ints", "int"), ("texts", "text")])
            array = self._expression(scope, kind)
            return f"CROSS JOIN unnest({array}) AS {name}(v)", [(f"{name}.v", element)]
        table = self.random.choice(list(TABLES))
        own = self._fresh(table)
        inner = [(f"{own}.{n}", t) for n, t in TABLES[table].items()]
        types = self._types()
        names = [self._fresh("o") for _ in types]
        match self.random.randint(0, 2):
            case 0:
                items = [self._aggregate(t, inner + scope) for t in types]
            case 1:
                items = [self._windowed(t, inner) for t in types]
            case _:
                items = [self.expression(t, inner + scope, 1, 0) for t in types]
        listed = ", ".join(f"{item} AS {n}" for item, n in zip(items, names, strict=True))
        where = self.expression("bool", inner + scope, 1, 0)
        keys = [n for n, t in scope if t == "int"]
        if keys and self._chance(0.7):
            linked = "g" if table in "ac" else "id"
            where = f"{own}.{linked} = {self.random.choice(keys)}"
        sql = f"SELECT {listed} FROM {table} {own} WHERE {where}"
        if self._chance(0.5):
            sql += self._limited(names)
        word = self.random.choice(
            ["CROSS JOIN LATERAL ({}) {}", "LEFT JOIN LATERAL ({}) {} ON true"]
        )
        return word.format(sql, name), [
            (f"{name}.{n}", t) for n, t in zip(names, types, strict=True)
        ]

    def _join_condition(self, left: Scope, right: Scope, word: str) -> str:
        pairs = [(a, b) for a, s in left for b, t in right if s == t and s != "bool"]
        if not pairs:
            return "true"
        a, b = self.random.choice(pairs)
        condition = f"{a} = {b}"
        if word in ("JOIN", "LEFT JOIN") and self._chance(0.3):
            condition += f" AND {self.expression('bool', left + right, 1, 0)}"
        return condition

    def _relation(self, depth: int) -> tuple[str, Scope]:
        if depth and self._chance(0.25):
            types = self._types()
            alias = self._fresh("q")
            inner, names = self.select(depth - 1, types)
            return f"({inner}) AS {alias}", [
                (f"{alias}.{n}", t) for n, t in zip(names, types, strict=True)
            ]
        if self._chance(0.06):
            alias = self._fresh("v")
            rows = ", ".join(
                f"({self.expression('int', [], 1, 0)}, {self.expression('text', [], 1, 0)})"
                for _ in range(self.random.randint(1, 3))
            )
            return f"(VALUES {rows}) AS {alias}(p, q)", [
                (f"{alias}.p", "int"),
                (f"{alias}.q", "text"),
            ]
        table = self.random.choice(list(TABLES))
        alias = self._fresh(table)
        return f"{table} AS {alias}", [(f"{alias}.{n}", t) for n, t in TABLES[table].items()]

    def _grouped(self, scope: Scope, types: list[str]) -> tuple[list[str], str]:
        if self._chance(0.25):
            return self._grouping_sets(scope, types)
        depth = 1 if self._chance(0.2) else 0  # a key may be a subquery
        keys = [self.expression(t, scope, 1, depth) for t in types[: self.random.randint(0, 1)]]
        calls = [self._aggregate(t, scope) for t in types[len(keys) :]]
        if keys and self._chance(0.15):  # windows over the groups
            over = f"OVER (ORDER BY count(*), {keys[0]})"
            calls = [
                f"rank() {over}" if kind == "int" else f"lag({call}) {over}"
                for kind, call in zip(types[1:], calls, strict=True)
            ]
        # A constant stays in PostgreSQL's sets, where a set operation stands around.
        sets = ["ROLLUP ({})", "CUBE ({})"] if any(n in k for k in keys for n, _ in scope) else []
        form = self.random.choice(["{}", "{}", "{}", *sets])
        tail = f" GROUP BY {form.format(1)}" if keys else ""
        if calls and self._chance(0.3):
            tail += f" HAVING {self._having(scope)}"
        return [*keys, *calls], tail

    def _having(self, scope: Scope) -> str:
        most = self._filled("max({int})", scope, 1, 0)
        return self.random.choice(
            [f"count(*) > {self.random.randint(0, 2)}", f"{most} < (SELECT count(*) FROM b)",
             f"{most} IN (SELECT g FROM c)"]
        )  # fmt: skip

    def _grouping_sets(self, scope: Scope, types: list[str]) -> tuple[list[str], str]:
        one, other = (self.random.choice(scope) for _ in range(2))
        items: list[str] = []
        for kind in types:
            same = [n for n, t in (one, other) if t == kind]
            if same and self._chance(0.6):
                items.append(self.random.choice(same))
            elif kind == "int" and self._chance(0.4):
                items.append(f"grouping({one[0]}, {other[0]})")
            else:
                items.append(self._aggregate(kind, scope))
        form = self.random.choice(
            ["ROLLUP ({0}, {1})", "CUBE ({0}, {1})", "GROUPING SETS (({0}), ({1}), ())",
             "GROUPING SETS (({0}, {1}), ({1}))", "{0}, ROLLUP ({1})"]
        )  # fmt: skip
        having = f" HAVING {self._having(scope)}" if self._chance(0.2) else ""
        return items, " GROUP BY " + form.format(one[0], other[0]) + having

    def _aggregate(self, kind: str, scope: Scope) -> str:
        call = self.random.choice(AGGREGATES[kind])
        if "ORDER BY {text}" in call or "ORDER BY {int}" in call:
            same = self.expression("text" if "{text}" in call else "int", scope, 1, 0)
            return call.replace("{text}", same).replace("{int}", same)
        return self._filled(call, scope, 1, 0)

    def _windowed(self, kind: str, scope: Scope) -> str:
        if kind not in WINDOWS or self._chance(0.2):
            return self.expression(kind, scope, 1, 0)
        call = self.random.choice(WINDOWS[kind])
        ordered = [(n, t) for n, t in scope if t not in _UNORDERED]
        order = ", ".join(f"{name}{self._direction()}" for name, _ in ordered)
        parts = f"PARTITION BY {self.random.choice(scope)[0]} " if self._chance(0.5) else ""
        ranged = [(n, t) for n, t in scope if t in RANGES] or [("1::int", "int")]
        column, type_ = self.random.choice(ranged)
        one = self.random.choice(ordered or scope)[0]
        frame = f"{parts}ORDER BY {order} {self.random.choice(FRAMES)}"
        overs = {
            "{over}": f"({parts}ORDER BY {order})",
            "{loose}": f"({parts}ORDER BY {one})",
            "{whole}": f"({parts.strip()})",
            "{frame}": f"({frame})",
            "{excluding}": f"({frame} {self.random.choice(EXCLUSIONS)})",
            "{ranged}": f"({parts}ORDER BY {column} {self.random.choice(RANGES[type_])})",
        }
        for word, text in overs.items():
            call = call.replace(word, text)
        return self._filled(call, scope, 1, 0)

    def _direction(self) -> str:
        return (" DESC" if self._chance(0.2) else "") + (
            " NULLS FIRST" if self._chance(0.1) else ""
        )

    def expression(self, kind: str, scope: Scope, size: int, depth: int) -> str:
        """An expression of a type over the columns in scope."""
        chance = self.random.random()
        if kind in ("small", "size"):
            return self.random.choice(MAKERS[kind])
        if size and depth and chance < 0.08:
            return self._subquery(kind, scope, depth)
        if size == 0 or chance < 0.3:
            columns = [name for name, type_ in scope if type_ == kind]
            if columns and self._chance(0.8):
                return self.random.choice(columns)
            return self.random.choice(LITERALS[kind])
        return self._filled(self.random.choice(MAKERS[kind]), scope, size - 1, depth)

    def _subquery(self, kind: str, scope: Scope, depth: int) -> str:
        if kind == "bool":
            return self._condition(scope, depth)
        table = self.random.choice(list(TABLES))
        own = self._fresh(table)
        inner = [(f"{own}.{n}", t) for n, t in TABLES[table].items()]
        where = ""
        outer = [name for name, type_ in scope if type_ == "int"]
        if outer and self._chance(0.6):
            column = "g" if table in "ac" else "id"
            where = f" WHERE {own}.{column} = {self.random.choice(outer)}"
            if self._chance(0.3):
                where += f" AND {self.expression('bool', inner + scope, 1, depth - 1)}"
        if self._chance(0.25):
            value = self.expression(kind, inner + scope, 1, depth - 1)
            return f"(SELECT {value} AS m FROM {table} AS {own}{where} ORDER BY 1 LIMIT 1)"
        mixed = inner + scope if self._chance(0.2) else inner
        return f"(SELECT {self._aggregate(kind, mixed)} FROM {table} AS {own}{where})"

    def _condition(self, scope: Scope, depth: int) -> str:
        own = self._fresh("a")
        inner = [(f"{own}.{n}", t) for n, t in TABLES["a"].items()]
        seen = inner + scope if self._chance(0.3) else inner
        condition = self.expression("bool", seen, 1, depth - 1)
        outer = [name for name, type_ in scope if type_ == "int"]
        match self.random.randint(0, 2):
            case 0 if outer:
                linked = f"{own}.g = {self.random.choice(outer)}"
                return f"EXISTS (SELECT 1 FROM a AS {own} WHERE {linked} AND {condition})"
            case 1 if outer:
                word = self.random.choice(["IN", "NOT IN"])
                of = self.random.choice(outer)
                return f"({of} {word} (SELECT {own}.g FROM a AS {own} WHERE {condition}))"
            case _:
                return f"EXISTS (SELECT 1 FROM a AS {own} WHERE {condition})"

    def _filled(self, text: str, scope: Scope, size: int, depth: int) -> str:
        return _PART.sub(lambda found: self.expression(found[1], scope, size, depth), text)
