"""Random queries of one number over small tables, and what moves it: each value of them in turn.

A loss is a chain of WITH queries, each of which joins, groups, windows, unites or looks up what
stands before it. `gradients` writes the statements whose answer is its gradient, `moved` is the
loss over tables in which one value is another: the difference of two is what a gradient must be.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

WEIGHTS, DATA, PARAMETERS = "w", "d", "p"

Slopes = list[float | None]
STEPS = (1e-4, 5e-5)  # two: where they give other slopes there is a kink
MOST = 1e5  # of a loss: beyond, a difference has no digits left

Rows = tuple[tuple[float | int | None, ...], ...]


@dataclass(frozen=True)
class Known:
    """A relation that a later query may read: its columns, and about how many rows it has."""

    name: str
    keys: tuple[str, ...]  # integers, never NULL
    floats: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class Table:
    """A table of the loss, whose rows stand in the statement as VALUES; its first column is a key,
    but where there is one row."""

    columns: tuple[str, ...]
    rows: Rows

    def values(self) -> str:
        """Its rows, the type of each column told in the first."""
        first, *others = self.rows
        kinds = ["float8" if self.is_real(column) else "int" for column in self.columns]
        told = ", ".join(f"{_text(v)}::{kind}" for v, kind in zip(first, kinds, strict=True))
        rest = (f", ({', '.join(map(_text, row))})" for row in others)
        return f"(VALUES ({told}){''.join(rest)})"

    @staticmethod
    def is_real(column: str) -> bool:
        """Whether a column holds doubles."""
        return column in "abvxy"

    def with_value(self, row: int, column: str, value: float) -> Table:
        """The same with one value put in the place of another."""
        rows = [list(each) for each in self.rows]
        rows[row][self.columns.index(column)] = value
        return replace(self, rows=tuple(map(tuple, rows)))


def _text(value: float | int | None) -> str:
    return "NULL" if value is None else repr(value)


@dataclass(frozen=True)
class Loss:
    """One number that a query gives over some tables.

    Args:
        tables: By name.
        queries: Names and texts; the last is the loss, its column `l`.
        each: Whether the queries look at a row of the parameters around them: a number for each.
    """

    tables: dict[str, Table]
    queries: tuple[tuple[str, str], ...]
    each: bool = False

    def text(self, selected: str) -> str:
        """A statement over the queries."""
        tables = [f"{n}({', '.join(t.columns)}) AS {t.values()}" for n, t in self.tables.items()]
        queries = [f"{name} AS ({text})" for name, text in self.queries]
        if not self.each:
            return f"WITH {_listed(tables + queries)}\n{selected}"
        inner = f"WITH {_listed(queries)}\nSELECT l FROM loss"
        return f"WITH {_listed(tables)}\n{selected.format(inner)}"

    def value(self) -> str:
        """The statement that gives the loss, a row for each of the parameters' where they count."""
        if self.each:
            return self.text("SELECT l FROM p, LATERAL ({}) AS s ORDER BY c")
        return self.text("SELECT l FROM loss")

    def gradients(self) -> Iterator[tuple[str, str]]:
        """Of each real column of a table that is read, `table.column`, and statements that give the
        gradient by it, in the order of the rows."""
        if self.each:
            for column in ("a", "b"):
                yield f"p.{column}", self.text(f"SELECT grad(({{}}), {column}) FROM p ORDER BY c")
                lateral = f"SELECT grad(l, {column}) FROM p, LATERAL ({{}}) AS s ORDER BY c"
                yield f"p.{column}", self.text(lateral)
            return
        for name in self.read():
            table = self.tables[name]
            for column in filter(table.is_real, table.columns):
                if len(table.rows) == 1:
                    single = f"SELECT grad(l, {column}) FROM loss, {name}"
                    yield f"{name}.{column}", self.text(single)
                query = f"SELECT grad(loss, {column}) FROM {name} ORDER BY {table.columns[0]}"
                yield f"{name}.{column}", self.text(query)

    def read(self) -> list[str]:
        """The tables that the last query comes from."""
        wanted = {"loss"}
        for name, text in reversed(self.queries):
            if name in wanted:
                wanted |= set(re.findall(r"(?:FROM|JOIN|,) (\w+)", text))
        return [name for name in self.tables if name in wanted]

    def moved(self, column: str, row: int, by: float) -> Loss | None:
        """The loss where one value of `table.column` is moved; None if that value is NULL."""
        name, _, of = column.partition(".")
        table = self.tables[name]
        value = table.rows[row][table.columns.index(of)]
        if value is None:
            return None
        moved = table.with_value(row, of, value + by)
        return replace(self, tables={**self.tables, name: moved})


def _listed(texts: Sequence[str]) -> str:
    return ",\n  ".join(texts)


@dataclass
class Losses:
    """Makes the losses of a seed; `each` is that of `Loss`."""

    seed: int
    each: bool = False
    draw: random.Random = field(init=False)
    known: list[Known] = field(init=False)
    made: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)

    def loss(self) -> Loss:
        """A loss of two to five queries, and one that sums up."""
        draw = self.draw
        weights = tuple((k, k % 3, self.real()) for k in range(1, 6))
        data = tuple((i, draw.randint(0, 2), self.sometimes(i), self.real()) for i in range(1, 8))
        several = tuple((c, self.real(), self.real()) for c in range(1, 4))
        tables = {
            WEIGHTS: Table(("k", "g", "v"), weights),
            DATA: Table(("i", "g", "x", "y"), data),
            PARAMETERS: Table(("c", "a", "b"), several)
            if self.each
            else Table(("a", "b"), (several[0][1:],)),
        }
        self.known = [Known(WEIGHTS, ("k", "g"), ("v",), 5), Known(DATA, ("i", "g"), ("x", "y"), 7)]
        self.made = []
        for _ in range(draw.randint(2, 5)):
            text, known = draw.choice(QUERIES)(self)
            name = f"q{len(self.made) + 1}"
            self.made.append((name, text))
            self.known.append(replace(known, name=name))
        self.made.append(("loss", self.summed()))
        return Loss(tables, tuple(self.made), self.each)

    def real(self) -> float:
        """A value of a table."""
        return round(self.draw.uniform(-1.5, 2), 3)

    def sometimes(self, row: int) -> float | None:
        """A value, now and then NULL, but in the first row."""
        return None if row > 1 and self.draw.random() < 0.1 else self.real()

    def one(self) -> Known:
        """A relation, rather the last one."""
        if self.made and self.draw.random() < 0.75:
            return self.known[-1]
        return self.draw.choice(self.known)

    def with_keys(self) -> Known:
        """A relation that has keys."""
        found = self.one()
        return found if found.keys else self.known[0]

    # What stands in a query

    def expression(self, columns: Sequence[str], depth: int = 2) -> str:
        """An expression over columns of doubles, smooth or with a kink."""
        draw = self.draw
        if depth == 0 or draw.random() < 0.15:
            if self.each and draw.random() < 0.3:
                return draw.choice(("p.a", "p.b"))
            return draw.choice(columns) if draw.random() < 0.8 else draw.choice(CONSTANTS)
        first, second = (self.expression(columns, depth - 1) for _ in range(2))
        if draw.random() < 0.4:
            return draw.choice(UNARY).format(first)
        return draw.choice(BINARY).format(first, second)

    def condition(self, key: str) -> str:
        """A condition on a key."""
        return self.draw.choice(CONDITIONS).format(key)

    def aggregate(self, of: Known, columns: Sequence[str]) -> str:
        """An expression of one aggregate over `columns`, of which `of` has the keys."""
        draw = self.draw
        first, second = (self.expression(columns, 1) for _ in range(2))
        call = draw.choice(AGGREGATES).format(first, second)
        if of.keys and draw.random() < 0.2:
            call += f" FILTER (WHERE {self.condition(draw.choice(of.keys))})"
        return draw.choice(UNARY).format(call) if draw.random() < 0.3 else call

    def some(self, keys: Sequence[str]) -> list[str]:
        """Some of the keys, in order."""
        return [key for key in keys if self.draw.random() < 0.7]

    # The queries

    def maps(self) -> tuple[str, Known]:
        """SELECT of expressions over one relation."""
        of = self.one()
        keys = self.some(of.keys)
        items = [f"{self.expression(of.floats)} AS f{n}" for n in range(self.draw.randint(1, 2))]
        where = f" WHERE {self.condition(of.keys[0])}" if of.keys and self.rarely() else ""
        source = f"{of.name}{where}"
        if self.rarely():
            source = f"(SELECT * FROM {of.name}{where}) AS s"
        text = f"SELECT {', '.join(keys + items)} FROM {source}"
        return text, Known("", tuple(keys), _names(items), of.rows)

    def joins(self) -> tuple[str, Known]:
        """Two relations, or one twice, by a key, or each row with each; or the parameters."""
        left, right = self.with_keys(), self.draw.choice(self.known)
        if not self.each and self.rarely():
            right = Known(PARAMETERS, (), ("a", "b"), 1)
        shared = [key for key in left.keys if key in right.keys]
        rows = left.rows * right.rows
        if shared:
            how, key = self.draw.choice(("JOIN", "LEFT JOIN")), self.draw.choice(shared)
            on = self.draw.choice(("USING ({0})", "ON l.{0} = r.{0}")).format(key)
            source, rows = f"{left.name} AS l {how} {right.name} AS r {on}", max(rows // 3, 1)
        elif right.keys:
            more = f"WHERE l.{left.keys[0]} >= r.{right.keys[0]}"
            source = f"{left.name} AS l, {right.name} AS r {more}"
        else:
            source = f"{left.name} AS l CROSS JOIN {right.name} AS r"
        if rows > 400:
            return self.maps()
        columns = [f"l.{c}" for c in left.floats] + [f"r.{c}" for c in right.floats]
        keys = self.some(left.keys)
        items = [f"{self.expression(columns)} AS f{n}" for n in range(self.draw.randint(1, 2))]
        text = f"SELECT {', '.join([*(f'l.{key}' for key in keys), *items])} FROM {source}"
        return text, Known("", tuple(keys), _names(items), rows)

    def groups(self) -> tuple[str, Known]:
        """GROUP BY some keys; now and then with totals."""
        of = self.with_keys()
        keys = self.some(of.keys) or [of.keys[0]]
        counts = range(self.draw.randint(1, 2))
        items = [f"{self.aggregate(of, of.floats)} AS f{n}" for n in counts]
        listed, shown = ", ".join(keys), keys
        if self.draw.random() < 0.1:
            shown, listed = [f"coalesce({key}, -1) AS {key}" for key in keys], f"ROLLUP ({listed})"
        elif self.rarely():
            listed += f" HAVING {self.condition(keys[0])}"
        text = f"SELECT {', '.join([*shown, *items])} FROM {of.name} GROUP BY {listed}"
        return text, Known("", tuple(keys), _names(items), max(of.rows // 2, 1))

    def windows(self) -> tuple[str, Known]:
        """A value of a window, times one of the row."""
        of, draw = self.with_keys(), self.draw
        first, second = (self.expression(of.floats, 1) for _ in range(2))
        part = f"PARTITION BY {draw.choice(of.keys)}" if draw.random() < 0.6 else ""
        call, over = draw.choice(WINDOWS if of.name in (WEIGHTS, DATA) else TIED_WINDOWS)
        order = (
            f"ORDER BY {draw.choice((of.keys[0], ', '.join(of.keys)))}" if over is not None else ""
        )
        window = f"{call.format(first)} OVER ({' '.join(filter(None, (part, order, over)))})"
        items = f"{', '.join(of.keys)}, {second} * {window} AS f0, {second} AS f1"
        return f"SELECT {items} FROM {of.name}", Known("", of.keys, ("f0", "f1"), of.rows)

    def unions(self) -> tuple[str, Known]:
        """Rows of two relations together."""
        both = self.with_keys(), self.with_keys()
        halves = [
            f"SELECT {of.keys[0]} AS n, {self.expression(of.floats)} AS f0 FROM {of.name}"
            for of in both
        ]
        text = " UNION ALL ".join(halves)
        if self.rarely():
            text = f"SELECT n, f0 FROM ({text}) AS u WHERE n > 0"
        return text, Known("", ("n",), ("f0",), sum(of.rows for of in both))

    def looks_up(self) -> tuple[str, Known]:
        """A subquery for each row, or LATERAL."""
        outer, inner = self.with_keys(), self.with_keys()
        columns = [f"i.{c}" for c in inner.floats]
        compared = self.draw.choice(("=", "<=", "<>"))
        where = f"WHERE i.{inner.keys[0]} {compared} o.{outer.keys[0]}"
        item = self.aggregate(Known("", (), (), 0), columns)
        own = self.expression([f"o.{c}" for c in outer.floats], 1)
        start = f"SELECT {', '.join(f'o.{key}' for key in outer.keys)}, {own} AS f0"
        query = f"SELECT {item} AS f1 FROM {inner.name} AS i {where}"
        how, on = self.draw.choice(LATERALS)
        if how:
            text = f"{start}, s.f1 FROM {outer.name} AS o{how} ({query}) AS s{on}"
        else:
            text = f"{start}, ({query}) AS f1 FROM {outer.name} AS o"
        return text, Known("", outer.keys, ("f0", "f1"), outer.rows)

    def filters(self) -> tuple[str, Known]:
        """Rows that another relation has, or the first few."""
        of, other = self.with_keys(), self.with_keys()
        columns, key, there = ", ".join([*of.keys, *of.floats]), of.keys[0], other.keys[0]
        more = self.draw.choice(FILTERS).format(
            key=key, there=there, other=other.name, columns=columns, asked=self.condition(there)
        )
        return f"SELECT {columns} FROM {of.name} AS t {more}", replace(of, name="")

    def summed(self) -> str:
        """The loss: of all rows of a relation, or an expression over two such."""
        of, other = self.one(), self.one()
        first, second = (self.aggregate(each, each.floats) for each in (of, other))
        kind = self.draw.random()
        if kind < 0.6:
            return f"SELECT {first} AS l FROM {of.name}"
        if kind < 0.8:
            return (
                f"SELECT (SELECT {first} FROM {of.name}) * (SELECT {second} FROM {other.name}) AS l"
            )
        return f"SELECT {first} + 0.1 * (SELECT sum(v * v) FROM w) AS l FROM {of.name}"

    def rarely(self) -> bool:
        """Once in four times."""
        return self.draw.random() < 0.25


def slopes(loss: Loss, column: str, step: float, values: Callable[[str], Slopes]) -> Slopes:
    """Differences of a loss by each value of a column; None where it, or the loss, is NULL.

    Args:
        loss: The loss.
        column: `table.column`.
        step: How far each value is moved, both ways.
        values: Runs a statement of one column.
    """
    found: Slopes = []
    for row in range(len(loss.tables[column.partition(".")[0]].rows)):
        both: Slopes = []
        for by in (step, -step):
            moved = loss.moved(column, row, by)
            both.append(None if moved is None else values(moved.value())[row if loss.each else 0])
        up, down = both
        found.append(None if up is None or down is None else (up - down) / (2 * step))
    return found


def judged(found: Slopes, wanted: Sequence[Slopes], values: Slopes) -> str:
    """What a gradient is, beside differences by two steps, of a loss of these values."""
    coarse, fine = wanted
    if len(found) != len(fine):
        return "wrong"
    if any(not _near(a, b, 1e-3) for a, b in zip(coarse, fine, strict=True)):
        return "a kink"
    for one, other in zip(found, fine, strict=True):
        known = other is not None and not (one is None and None in values)
        if known and not _near(one, other, 2e-4):
            return "wrong"
    return "right" if any(found) else "right, all 0"


def _near(one: float | None, other: float | None, relative: float) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=relative, abs_tol=relative / 10)


def _names(items: Sequence[str]) -> tuple[str, ...]:
    return tuple(item.rpartition(" ")[2] for item in items)


QUERIES: tuple[Callable[[Losses], tuple[str, Known]], ...] = (
    Losses.maps, Losses.joins, Losses.joins, Losses.groups, Losses.groups, Losses.windows,
    Losses.unions, Losses.looks_up, Losses.filters,
)  # fmt: skip
CONSTANTS = ("0.5", "2", "1.5", "3")
UNARY = (
    "sin({0})", "cos({0})", "tanh({0})", "exp(tanh({0}))", "sqrt(1 + ({0}) ^ 2)", "power({0}, 2)",
    "ln(1 + ({0}) ^ 2)", "-({0})", "abs({0})", "1 / (1 + exp(-({0})))", "atan({0})",
    "({0} - 0.25)",
)  # fmt: skip
BINARY = (
    "({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} * {1})", "({0} / (1 + ({1}) ^ 2))",
    "greatest({0}, {1})", "least({0}, {1})", "coalesce({0}, {1})",
    "CASE WHEN {0} > 0.4 THEN {1} ELSE {0} END", "atan2({0}, 2 + ({1}) ^ 2)",
)  # fmt: skip
AGGREGATES = (
    "sum({0})", "sum({0})", "avg({0})", "avg({0})", "max({0})", "min({0})", "stddev({0})",
    "var_pop({0})", "count({0})", "covar_pop({0}, {1})", "corr({0}, {1})", "regr_slope({0}, {1})",
    "sum({0} * {1})",
)  # fmt: skip
# A call, and what stands after ORDER BY; None: the window has no order. The same of rows that may
# be alike in it.
TIED_WINDOWS = (
    ("sum({0})", ""), ("avg({0})", "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW"),
    ("max({0})", "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"), ("var_pop({0})", ""),
    ("sum({0})", None), ("avg({0})", None), ("stddev_pop({0})", None), ("var_samp({0})", None),
    ("count({0})", None),
)  # fmt: skip
WINDOWS = (
    ("lag({0})", ""), ("lead({0}, 1, 0.5)", ""), ("first_value({0})", ""), ("lag({0}, 2)", ""),
    ("avg({0})", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING"), ("min({0})", "ROWS 2 PRECEDING"),
    ("sum({0})", "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"), *TIED_WINDOWS,
)  # fmt: skip
CONDITIONS = ("{0} > 0", "{0} <> 2", "{0} BETWEEN 1 AND 4", "{0} IN (0, 1, 3)", "{0} % 2 = 1")
LATERALS = (
    ("", ""), ("", ""), (", LATERAL", ""), (" CROSS JOIN LATERAL", ""),
    (" LEFT JOIN LATERAL", " ON true"),
)  # fmt: skip
FILTERS = (
    "WHERE {key} IN (SELECT {there} FROM {other} WHERE {asked})",
    "WHERE EXISTS (SELECT 1 FROM {other} AS s WHERE s.{there} = t.{key})",
    "WHERE NOT EXISTS (SELECT 1 FROM {other} AS s WHERE s.{there} = t.{key} + 1)",
    "WHERE t.{key} <> 2",
    "ORDER BY {columns} LIMIT 3",
    "ORDER BY {key} DESC FETCH FIRST 3 ROWS WITH TIES",
)
