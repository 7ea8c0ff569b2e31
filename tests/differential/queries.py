"""Random queries of PostgreSQL's language over three tables, typed so that they mean something.

A query has one answer: its outputs are compared without order, aggregates that depend on it are
left out, LIMIT comes with an order of every output.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SETUP = """
CREATE TABLE a (id int PRIMARY KEY, g int, x float8, s text, d date, b bool);
CREATE TABLE b (id int, k bigint, y float8, t timestamp, s text);
CREATE TABLE c (g int, w float8, name text, h smallint);
INSERT INTO a VALUES
  (1, 1, 0.5, 'red', '2020-01-31', true), (2, 1, -1.5, 'Green', '2020-02-29', false),
  (3, 2, NULL, 'blue', NULL, NULL), (4, 2, 2.25, NULL, '2021-12-31', true),
  (5, NULL, 0, '', '1999-12-31', false), (6, 3, 1e10, 'a%b_c', '2020-02-29', NULL),
  (7, 3, -0.125, 'Zed', '2024-06-15', true), (8, 1, 3, 'red', '2020-01-31', true);
INSERT INTO b VALUES
  (1, 10, 1.5, '2020-01-01 00:00:00', 'red'), (1, 20, 2.5, '2020-02-29 12:30:15.25', 'x'),
  (2, NULL, -1, '2021-03-28 01:30:00', 'Green'), (3, 5000000000, NULL, NULL, NULL),
  (4, -7, 0, '1970-01-01 00:00:00', 'blue '), (NULL, 3, 4, '2020-12-31 23:59:59', 'Zed'),
  (7, 2, -2.5, '2020-01-01 00:00:00', '7'), (9, 0, 100, '2019-07-04 18:00:00', 'red');
INSERT INTO c VALUES (1, 0.5, 'one', 1), (2, NULL, 'two', 2), (3, 1.5, NULL, -3),
  (NULL, 2, 'none', 0), (1, 2.5, 'uno', 7);
"""

TABLES: dict[str, dict[str, str]] = {
    "a": {"id": "int", "g": "int", "x": "float", "s": "text", "d": "date", "b": "bool"},
    "b": {"id": "int", "k": "int", "y": "float", "t": "timestamp", "s": "text"},
    "c": {"g": "int", "w": "float", "name": "text", "h": "int"},
}

LITERALS: dict[str, list[str]] = {
    "int": ["0", "1", "2", "-3", "7", "100", "NULL::int"],
    "float": ["0::float8", "1.5::float8", "-2::float8", "1e3::float8", "NULL::float8"],
    "text": ["'red'", "''", "'a%b_c'", "'Zed '", "'日本'", "NULL::text", "'7'"],
    "date": ["date '2020-02-29'", "date '1999-12-31'", "NULL::date"],
    "timestamp": ["timestamp '2020-02-29 12:30:15.25'", "timestamp '1970-01-01'"],
    "bool": ["true", "false", "NULL::bool"],
}

# For each type: what makes it, with the types of the parts in braces.
MAKERS: dict[str, list[str]] = {
    "int": [
        "({int} + {int})", "({int} - {int})", "({int} * {small})", "(- {int})", "abs({int})",
        "({int} / nullif({int}, 0))", "({int} % nullif({int}, 0))", "length({text})",
        "coalesce({int}, {int})", "nullif({int}, {int})", "greatest({int}, {int})",
        "least({int}, {int}, {int})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
        "CASE {int} WHEN {int} THEN {int} END", "extract(year FROM {date})::int",
        "({date} - {date})", "position({text} IN {text})", "strpos({text}, {text})",
        "sign({int})::int", "mod({int}, 5)", "ascii({text})", "({int} & {int})", "({int} | 3)",
        "char_length({text})", "({bool})::int", "date_part('month', {timestamp})::int",
        "round({float})::bigint", "floor({float} / 7)::bigint", "octet_length({text})",
        "extract(dow FROM {timestamp})::int", "extract(doy FROM {date})::int",
        "array_length(string_to_array({text}, 'e'), 1)", "div({int}, 3)::int",
    ],
    "float": [
        "({float} + {float})", "({float} - {float})", "({float} * {float})",
        "({float} / nullif({float}, 0))", "abs({float})", "floor({float})", "ceil({float})",
        "round({float})", "sqrt(abs({float}))", "({int}::float8)", "coalesce({float}, {float})",
        "nullif({float}, {float})", "greatest({float}, {float})", "least({float}, {float})",
        "CASE WHEN {bool} THEN {float} ELSE {float} END", "trunc({float})", "sin({float})",
        "(- {float})", "sign({float})", "power(abs({float}), 0.5)", "({int} + {float})",
        "({float} * {int})", "atan2({float}, {float})", "cbrt({float})", "degrees({float})",
        "extract(epoch FROM {timestamp})::float8", "ln(abs({float}) + 1)",
    ],
    "text": [
        "({text} || {text})", "upper({text})", "lower({text})", "substr({text}, {small})",
        "substring({text} FROM 2 FOR 2)", "left({text}, {small})", "right({text}, {small})",
        "trim({text})", "ltrim({text}, 'r')", "rtrim({text})", "replace({text}, 'e', 'EE')",
        "reverse({text})", "coalesce({text}, {text})", "nullif({text}, {text})",
        "CASE WHEN {bool} THEN {text} ELSE {text} END", "({int}::text)", "concat({text}, {int})",
        "concat_ws('-', {text}, {text}, {int})", "lpad({text}, 5, '*')", "rpad({text}, 4)",
        "repeat({text}, 2)", "initcap({text})", "split_part({text}, 'e', 1)", "({date}::text)",
        "to_char({date}, 'YYYY-MM')", "greatest({text}, {text})", "translate({text}, 'abe', 'xy')",
        "md5({text})", "({bool}::text)", "regexp_replace({text}, '[aeiou]', '.')",
        "overlay({text} placing 'X' from 2 for 1)", "quote_literal({text})", "({text} || {int})",
        "({timestamp}::text)", "chr(65 + abs({small}))", "starts_with({text}, 'r')::text",
        "to_hex(abs({small}))", "format('%s/%s', {text}, {int})",
    ],
    "date": [
        "({date} + {small})", "({date} - {small})", "coalesce({date}, {date})",
        "({timestamp}::date)", "greatest({date}, {date})", "make_date(2020, 2, 1 + abs({small}))",
        "CASE WHEN {bool} THEN {date} END", "date_trunc('month', {timestamp})::date",
    ],
    "timestamp": [
        "({timestamp} + interval '1 month')", "({date}::timestamp)",
        "({timestamp} - interval '36 hours')", "date_trunc('day', {timestamp})",
        "date_trunc('quarter', {timestamp})", "coalesce({timestamp}, {timestamp})",
        "({date} + interval '90 minutes')", "least({timestamp}, {timestamp})",
        "({timestamp} + ({small} || ' days')::interval)", "({date} + time '06:30')",
    ],
    "bool": [
        "({int} = {int})", "({int} < {int})", "({float} >= {float})", "({text} = {text})",
        "({text} < {text})", "({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})",
        "({int} IS NULL)", "({text} IS NOT NULL)", "({float} IS DISTINCT FROM {float})",
        "({int} IN (1, 2, {int}))", "({int} NOT IN (1, {int}))", "({int} BETWEEN {int} AND {int})",
        "({text} LIKE '%e%')", "({text} ILIKE 'r%')", "({text} NOT LIKE '_e%')",
        "({date} > {date})", "({timestamp} <= {date})", "({bool} IS TRUE)", "({bool} IS NOT FALSE)",
        "({bool} IS UNKNOWN)", "({text} ~ '^[a-z]+$')", "({text} ~* 'RED')", "({int} <> {float})",
        "({float} BETWEEN SYMMETRIC {float} AND {float})", "({int} = ANY (ARRAY[1, 2, {int}]))",
        "({text} SIMILAR TO '(r|z)%')", "({int} < ALL (ARRAY[{int}, 5]))", "({bool} = {bool})",
        "({date} = {timestamp})", "(({int}, {text}) = ({int}, {text}))", "({text} > {text})",
        "(({int}, {int}) < ({int}, {int}))", "({text} LIKE 'a\\%b\\_%')",
        "starts_with({text}, 'r')", "({bool} <> {bool})", "({text} IN ('red', {text}))",
    ],
    "small": ["0", "1", "2", "3", "-1"],
}  # fmt: skip

AGGREGATES: dict[str, list[str]] = {
    "int": ["count(*)", "count({text})", "count(DISTINCT {int})", "sum({int})", "min({int})",
            "max({int})", "bit_or({int})", "count(*) FILTER (WHERE {bool})"],
    "float": ["sum({float})", "avg({float})", "min({float})", "max({float})", "stddev({float})",
              "var_pop({float})", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {float})",
              "regr_slope({float}, {float})", "covar_pop({float}, {float})",
              "sum({float}) FILTER (WHERE {bool})", "avg(DISTINCT {float})"],
    "text": ["min({text})", "max({text})", "string_agg({text}, ',' ORDER BY {text})",
             "array_to_string(array_agg({int} ORDER BY {int}), ',')",
             "string_agg(DISTINCT {text}, '+' ORDER BY {text})"],
    "date": ["min({date})", "max({date})"],
    "timestamp": ["max({timestamp})"],
    "bool": ["bool_and({bool})", "bool_or({bool})", "every({bool})"],
}  # fmt: skip

WINDOWS: dict[str, list[str]] = {
    "int": ["row_number() OVER {over}", "rank() OVER {over}", "dense_rank() OVER {over}",
            "ntile(3) OVER {over}", "count({int}) OVER {over}", "sum({int}) OVER {over}",
            "lag({int}) OVER {over}", "lead({int}, 2, -99) OVER {over}",
            "first_value({int}) OVER {over}", "count(*) OVER {frame}", "max({int}) OVER {frame}"],
    "float": ["percent_rank() OVER {over}", "cume_dist() OVER {over}", "avg({float}) OVER {frame}",
              "sum({float}) OVER {frame}"],
    "text": ["lag({text}) OVER {over}", "last_value({text}) OVER {over}",
             "nth_value({text}, 2) OVER {over}", "min({text}) OVER {frame}"],
}  # fmt: skip

FRAMES = ["ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS UNBOUNDED PRECEDING",
          "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
          "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
          "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
          "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING"]  # fmt: skip

JOINS = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]
TYPES = ["int", "float", "text", "date", "timestamp", "bool"]

Scope = list[tuple[str, str]]  # columns as they are written, and their types


@dataclass
class Queries:
    """Queries drawn from one source of chance."""

    random: Random
    names: int = 0

    def query(self, depth: int = 2) -> str:
        """A statement that gives rows."""
        kind = self.random.random()
        if kind < 0.12 and depth:
            return self._set_operation(depth)
        if kind < 0.24 and depth:
            return self._with(depth)
        sql, _ = self.select(depth, self._types())
        return sql

    def _types(self) -> list[str]:
        return [self.random.choice(TYPES) for _ in range(self.random.randint(1, 3))]

    def _fresh(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def _set_operation(self, depth: int) -> str:
        types = self._types()
        word = self.random.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"])
        one, other = (self.select(depth - 1, types)[0] for _ in range(2))
        return f"({one}) {word} ({other})"

    def _with(self, depth: int) -> str:
        name, types = self._fresh("w"), self._types()
        inner, names = self.select(depth - 1, types)
        scope = [(f"{name}.{n}", t) for n, t in zip(names, types, strict=True)]
        sql, _ = self._over(f"FROM {name}", scope, depth - 1, self._types())
        return f"WITH {name} AS ({inner}) {sql}"

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
            items, tail = self._windowed(scope, types), ""
        else:
            items = [self.expression(each, scope, 2, depth) for each in types]
            tail = ""
        distinct = "DISTINCT " if kind > 0.9 else ""
        listed = ", ".join(f"{item} AS {name}" for item, name in zip(items, names, strict=True))
        sql = f"SELECT {distinct}{listed} {source}{where}{tail}"
        if self._chance(0.15):
            order = ", ".join(
                f"{name}{self.random.choice(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])}"
                for name in names
            )
            sql += f" ORDER BY {order} LIMIT {self.random.randint(0, 6)}"
            if self._chance(0.4):
                sql += f" OFFSET {self.random.randint(0, 2)}"
        return sql, names

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _source(self, depth: int) -> tuple[str, Scope]:
        first, scope = self._relation(depth)
        text = f"FROM {first}"
        while self._chance(0.4) and len(scope) < 12:
            other, more = self._relation(depth)
            word = self.random.choice(JOINS)
            text += f" {word} {other}"
            if word != "CROSS JOIN":
                text += f" ON {self._join_condition(scope, more, word)}"
            scope = scope + more
        return text, scope

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
        table = self.random.choice(list(TABLES))
        alias = self._fresh(table)
        return f"{table} AS {alias}", [(f"{alias}.{n}", t) for n, t in TABLES[table].items()]

    def _grouped(self, scope: Scope, types: list[str]) -> tuple[list[str], str]:
        keys = [self.expression(t, scope, 1, 0) for t in types[: self.random.randint(0, 1)]]
        items = [*keys, *(self._aggregate(t, scope) for t in types[len(keys) :])]
        tail = " GROUP BY 1" if keys else ""
        if len(types) == len(keys):
            return items, tail
        if self._chance(0.3):
            tail += f" HAVING count(*) > {self.random.randint(0, 2)}"
        return items, tail

    def _aggregate(self, kind: str, scope: Scope) -> str:
        call = self.random.choice(AGGREGATES[kind])
        if "ORDER BY {text}" in call or "ORDER BY {int}" in call:
            same = self.expression("text" if "{text}" in call else "int", scope, 1, 0)
            return call.replace("{text}", same).replace("{int}", same)
        return self._filled(call, scope, 1, 0)

    def _windowed(self, scope: Scope, types: list[str]) -> list[str]:
        return [
            self._window(t, scope) if t in WINDOWS else self.expression(t, scope, 1, 0)
            for t in types
        ]

    def _window(self, kind: str, scope: Scope) -> str:
        call = self.random.choice(WINDOWS[kind])
        order = ", ".join(name for name, _ in scope)
        parts = f"PARTITION BY {self.random.choice(scope)[0]} " if self._chance(0.5) else ""
        over = f"({parts}ORDER BY {order})"
        frame = f"({parts}ORDER BY {order} {self.random.choice(FRAMES)})"
        return self._filled(call.replace("{over}", over).replace("{frame}", frame), scope, 1, 0)

    def expression(self, kind: str, scope: Scope, size: int, depth: int) -> str:
        """An expression of a type over the columns in scope."""
        chance = self.random.random()
        if kind == "small":
            return self.random.choice(MAKERS["small"])
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
            own = self._fresh("a")
            inner = [(f"{own}.{n}", t) for n, t in TABLES["a"].items()]
            condition = self.expression("bool", inner, 1, 0)
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
        table = self.random.choice(list(TABLES))
        own = self._fresh(table)
        inner = [(f"{own}.{n}", t) for n, t in TABLES[table].items()]
        where = ""
        outer = [name for name, type_ in scope if type_ == "int"]
        if outer and self._chance(0.6):
            column = "g" if table != "b" else "id"
            where = f" WHERE {own}.{column} = {self.random.choice(outer)}"
        return f"(SELECT {self._aggregate(kind, inner)} FROM {table} AS {own}{where})"

    def _filled(self, text: str, scope: Scope, size: int, depth: int) -> str:
        while "{" in text:
            before, _, rest = text.partition("{")
            kind, _, after = rest.partition("}")
            text = before + self.expression(kind, scope, size, depth).replace("{", "\0") + after
        return text.replace("\0", "{")
