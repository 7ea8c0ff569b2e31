"""How many rows the parts of a query have at most, and how many pairs its joins make of them.

What is told is a bound, not a guess: tables tell their rows, keys that a row of one side goes with
one of the other, LIMIT and aggregates without groups the rest; anything else may be any number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import Tables, table_name
from gateway.session.queries.run_first import rows_of
from gateway.session.queries.sides import common, is_named
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held, Table, TableName
from gateway.sql.names.scope import column_node, is_aggregate
from gateway.sql.text.trees import conjuncts, own_nodes

_Key = frozenset[tuple[str, str]]  # columns, each after the name of its relation
# Rows of one value that those of another table may meet: the engine comes back for the next ones
# after some million rows, each of which makes so many pairs at most.
FEW_ALIKE = 1000.0
_SAMPLE = 4096
_SERIES = (exp.Unnest, exp.GenerateSeries, exp.Explode)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a table.

    Args:
        rows: How many it has, at most.
        column: One of its columns, cheap to carry; "" where it has none.
        key: Columns that no two rows agree in; empty where none are known.
        held: Its rows, where they are in memory: the engine knows how many there are then.
    """

    rows: float
    column: str
    key: tuple[str, ...] = ()
    held: pa.Table | None = None


def known_of(
    tables: Tables, key_of: Callable[[TableName], Sequence[str]] | None = None
) -> Mapping[TableName, Known]:
    """What is known of tables, their rows up to the next power of two, so that it seldom changes.

    Args:
        tables: They.
        key_of: Tells the primary key of a table of a user's.
    """
    return {
        name: Known(
            rounded(rows_of(table)),
            _cheapest(table.schema),
            _key(name, table, key_of),
            table.held_rows if isinstance(table, Held) else None,
        )
        for name, table in tables.items()
    }


def rounded(rows: float) -> float:
    """The next power of two."""
    return 2.0 ** math.ceil(math.log2(rows)) if 1 < rows < math.inf else rows


def _cheapest(schema: pa.Schema) -> str:
    plain = (each.name for each in schema if pa.types.is_primitive(each.type))
    return next(plain, schema.names[0] if schema.names else "")


def _key(
    name: TableName, table: Table, key_of: Callable[[TableName], Sequence[str]] | None
) -> tuple[str, ...]:
    if isinstance(table, GridTable):
        return tuple(map(str, table.dims))
    return tuple(key_of(name)) if key_of is not None else ()


@dataclass(frozen=True, slots=True)
class Side:
    """What stands on one side of a join.

    Args:
        rows: How many, at most.
        columns: One of each relation in it, as far as one is known.
        keys: Sets of columns that no two of its rows agree in.
        names: Of its relations.
        held: The rows of the one relation that it is, where they are in memory.
    """

    rows: float
    columns: tuple[exp.Column, ...] = ()
    keys: tuple[_Key, ...] = ()
    names: frozenset[str] = frozenset()
    held: pa.Table | None = None


# A join, its two sides, and how many pairs of theirs there are at most; None where each row may go
# with each.
Met = Callable[[exp.Join, Side, Side, float | None], None]


@dataclass(slots=True)
class Pairs:
    """Reckons over the tables of one query.

    Args:
        known: Of every table; one that is not here may have any number of rows.
    """

    known: Mapping[TableName, Known]
    _sides: dict[int, Side] = field(default_factory=dict)

    def meet(self, select: exp.Select, met: Met) -> None:
        """Call `met` for each join of a SELECT."""
        start = select.args.get("from_")
        if start is not None:
            side = self._side(start.this, select, met)
            self._joined(side, select.args.get("joins") or (), select, met)

    def read(self, select: exp.Select) -> float:
        """How many rows a SELECT reads, at most, before it groups or picks any."""
        return self._read(select).rows

    def is_counted(self, select: exp.Select) -> bool:
        """Whether it counts the rows of a product, which the engine does without making them."""
        picks = any(select.args.get(each) for each in ("where", "group", "having", "distinct"))
        joins = select.args.get("joins") or ()
        if (
            picks
            or not joins
            or not all(map(_counts, select.expressions))
            or not all(map(_is_product, joins))
        ):
            return False
        parts = [select.args["from_"].this, *(join.this for join in joins)]
        named = (self._told(part) if isinstance(part, exp.Table) else _ANY for part in parts)
        return all(each.held is not None for each in named)

    def _joined(
        self,
        side: Side,
        joins: Sequence[exp.Join],
        select: exp.Select,
        met: Met,
    ) -> Side:
        """A side with what is joined to it."""
        for join in joins:
            other = self._side(join.this, select, met)
            bound = _bound(side, other, [*_equalities(join, select, side, other)])
            pairs = side.rows * other.rows if bound is None else bound
            met(join, side, other, bound)
            side = _together(side, other, join, pairs)
        return side

    def _side(self, part: exp.Expr, select: exp.Select, met: Met) -> Side:
        """What one part of FROM is, with the joins inside it."""
        inside = part.this if isinstance(part, exp.Subquery | exp.Paren) else None
        group = inside is not None and not isinstance(inside, exp.Query)
        own = self._side(inside, select, met) if inside is not None and group else self._own(part)
        return self._joined(own, part.args.get("joins") or (), select, met)

    def _own(self, part: exp.Expr) -> Side:
        name = part.alias_or_name
        alias = part.args.get("alias")
        listed = [each.name for each in alias.columns] if alias else []
        told = self._told(part)
        first = listed[0] if listed else told.column
        columns = (column_node(name, first),) if name and first else ()
        keys = (frozenset((name, each) for each in told.key),) if told.key and not listed else ()
        held = told.held if not listed else None
        return Side(told.rows, columns, keys, frozenset([name]), held)

    def _told(self, part: exp.Expr) -> Known:
        if isinstance(part, exp.Subquery):
            return self._query(part.this)
        if is_named(part) and isinstance(part, exp.Table):
            named = common(part) if not part.db else None
            return self.known.get(table_name(part), _ANY) if named is None else self._query(named)
        if isinstance(part, exp.Values):
            return Known(float(len(part.expressions)), "")
        return Known(_length(part), "")

    def _query(self, query: exp.Expr) -> Known:
        """What the rows of a query are."""
        if isinstance(query, exp.Subquery | exp.Paren):
            return self._query(query.this)
        if isinstance(query, exp.SetOperation):
            sides = [self._query(query.this), self._query(query.expression)]
            return Known(sum(each.rows for each in sides), sides[0].column)
        if isinstance(query, exp.Values):
            return Known(float(len(query.expressions)), "")
        if not isinstance(query, exp.Select):
            return _ANY
        if id(query) not in self._sides:
            self._sides[id(query)] = Side(math.inf)  # to itself
            self._sides[id(query)] = self._read(query)
        side = self._sides[id(query)]
        first = query.expressions[0].alias_or_name if query.expressions else ""
        rows = min(side.rows, _most(query))
        return Known(rows, "" if first == "*" else first, _grouped_by(query))

    def _read(self, query: exp.Select) -> Side:
        start = query.args.get("from_")
        if query.args.get("laterals") or any(map(_gives_rows, query.expressions)):
            return Side(math.inf)
        if start is None:
            return Side(1.0)
        side = self._side(start.this, query, _not_met)
        return self._joined(side, query.args.get("joins") or (), query, _not_met)


_ANY = Known(math.inf, "")


def _counts(item: exp.Expr) -> bool:
    call = item.unalias()
    plain = isinstance(call, exp.Anonymous) and call.name.lower() == "count"
    return plain and [type(each) for each in call.expressions] == [exp.Star]


def _is_product(join: exp.Join) -> bool:
    return not any(join.args.get(each) for each in ("on", "using", "side", "method"))


def _not_met(join: exp.Join, side: Side, other: Side, bound: float | None) -> None:
    """What is reckoned alone."""


def _length(part: exp.Expr) -> float:
    """How many rows a function in FROM gives, where that is written there."""
    series = part.this if isinstance(part, exp.Table) else part
    if isinstance(series, exp.Anonymous) and series.name.lower() == "generate_series":
        ends = [int(each.this) for each in series.expressions if _is_count(each)]
        return float(max(0, ends[1] - ends[0] + 1)) if len(ends) == 2 else math.inf
    if isinstance(series, exp.Unnest) and len(series.expressions) == 1:
        listed = series.expressions[0]
        return float(len(listed.expressions)) if isinstance(listed, exp.Array) else math.inf
    return math.inf


def _gives_rows(item: exp.Expr) -> bool:
    calls = (each.name.lower() for each in item.find_all(exp.Anonymous))
    return item.find(*_SERIES) is not None or "unnest" in calls


def _most(query: exp.Select) -> float:
    """How many rows it has at most, whatever it reads."""
    limit = query.args.get("limit")
    count = limit.expression if isinstance(limit, exp.Limit) else None
    if count is not None and _is_count(count):
        return float(count.this)
    if query.args.get("group"):
        return math.inf
    nodes = (each for item in query.expressions for each in own_nodes(item))
    return 1.0 if any(map(_aggregates, nodes)) else math.inf


def _is_count(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_int


def _aggregates(node: exp.Expr) -> bool:
    called = isinstance(node, exp.AggFunc) or (
        isinstance(node, exp.Anonymous) and is_aggregate(node)
    )
    return called and not isinstance(node.parent, exp.Window)


def _grouped_by(query: exp.Select) -> tuple[str, ...]:
    """The outputs that no two of its rows agree in."""
    names = [item.alias_or_name for item in query.expressions]
    if query.args.get("distinct") and not query.args["distinct"].args.get("on"):
        return tuple(names)
    group = query.args.get("group")
    if group is None or not group.expressions:
        return ()
    outputs = {item.unalias(): item.alias_or_name for item in query.expressions}
    found = [outputs.get(each) for each in group.expressions]
    return tuple(name for name in found if name) if all(found) else ()


def _equalities(
    join: exp.Join, select: exp.Select, side: Side, other: Side
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Columns of one side that must be equal to columns of the other."""
    where = select.args.get("where")
    conditions = [join.args.get("on"), where.this if where is not None and not join.side else None]
    for name in join.args.get("using") or ():
        yield from (((n, name.name), (m, name.name)) for n in side.names for m in other.names)
    for condition in conditions:
        for part in conjuncts(condition) if condition is not None else ():
            if isinstance(part, exp.EQ | exp.NullSafeEQ):
                one, two = _column(part.this), _column(part.expression)
                if one[0] in side.names and two[0] in other.names:
                    yield one, two
                elif two[0] in side.names and one[0] in other.names:
                    yield two, one


def _column(node: exp.Expr) -> tuple[str, str]:
    """The column that an expression is but for its NULLs and its type; ("", "") if it is none."""
    while isinstance(node, exp.Coalesce | exp.Paren | exp.Cast) or (
        isinstance(node, exp.Anonymous) and node.name.lower() in ("coalesce", "nanvl")
    ):
        node = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    return (node.table, node.name) if isinstance(node, exp.Column) else ("", "")


def _bound(
    side: Side, other: Side, equal: list[tuple[tuple[str, str], tuple[str, str]]]
) -> float | None:
    """How many pairs the join has at most; None where each row may go with each."""
    if not side.rows or not other.rows:
        return 0.0
    here, there = {one for one, _ in equal}, {two for _, two in equal}
    bounds = [side.rows for key in other.keys if key <= there]
    bounds += [other.rows for key in side.keys if key <= here]
    bounds += [side.rows * most for name in there if (most := _alike(other, name[1])) <= FEW_ALIKE]
    bounds += [other.rows * most for name in here if (most := _alike(side, name[1])) <= FEW_ALIKE]
    return min(bounds, default=None)


def _alike(side: Side, column: str) -> float:
    """About how many rows have the same value in a column, as a sample tells."""
    if side.held is None or column not in side.held.column_names:
        return math.inf
    values, rows = side.held.column(column), int(side.held.num_rows)
    if not pa.types.is_primitive(values.type) and not pa.types.is_string(values.type):
        return math.inf
    places = np.linspace(0, rows - 1, min(rows, _SAMPLE)).astype(np.int64)
    counts = values.take(pa.array(places)).value_counts().field("counts")
    most: int = max(counts.to_pylist(), default=0)
    return max(1.0, (most - 1) * rows / max(1, len(places)))


def _together(side: Side, other: Side, join: exp.Join, pairs: float) -> Side:
    kept = {"LEFT": side.rows, "RIGHT": other.rows, "FULL": side.rows + other.rows}
    if join.kind in ("SEMI", "ANTI"):
        return other if join.side == "RIGHT" else side
    one_each = pairs <= side.rows and not join.side
    return Side(
        max(pairs, kept.get(join.side, 0.0)),
        side.columns + other.columns,
        side.keys if one_each else (),
        side.names | other.names,
    )
