"""A SELECT over one grid, read as groups of positions and aggregates of arrays.

What it may be: one grid in FROM; WHERE of conditions on one coordinate each, or elementwise ones;
GROUP BY expressions of one dimension each, or nothing; aggregates of `combining.AGGREGATES` over
elementwise expressions, with FILTER. What is made of groups and aggregates (HAVING, ORDER BY,
windows, arithmetic) stays SQL, over the parts. Anything else is `Unsound`, and the engine's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from gateway.aggregation import combining
from gateway.aggregation.coordinates import Ask, dimension_of, is_pure, question
from gateway.aggregation.expressions import Reading
from gateway.aggregation.grouped import Grouped, check_alone
from gateway.sources.aggregates.partials import Key, Partials
from gateway.sources.aggregates.reducing import Codes
from gateway.sources.aggregates.regions import Asked, Operand, columns_read
from gateway.sources.arithmetic.elementwise import Call, Column, Expression, names
from gateway.sources.arithmetic.nullable import Unsound
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import TableName
from gateway.sql.names.scope import table_node
from gateway.sql.text.engine_types import engine_type
from gateway.sql.text.trees import conjuncts

# Rows for one group, at least: with fewer there is nothing to gain.
FEWEST_ROWS = 4
# Variances keep a number for each group of the whole.
MOST_MOMENTS = 1 << 20


def on_arrays(
    select: exp.Select, source: exp.Table, grid: GridTable, name: TableName,
    ask: Ask, values: Sequence[pa.Scalar],
) -> tuple[exp.Select, Partials]:  # fmt: skip
    """The SELECT over parts instead of rows, and the parts.

    Args:
        select: As the engine would run it; left as it is.
        source: Its one table.
        grid: What that names.
        name: What to call the parts.
        ask: Asks the engine about a coordinate.
        values: Of `$1`, `$2`, ...

    Raises:
        Unsound: it is not of that form.
        GatewayError: the engine refuses a question about a coordinate.
    """
    check_alone(select, source)
    return _Select(select, source, Reading(grid, source.alias_or_name, values), ask).over(name)


@dataclass
class _Select:
    select: exp.Select
    source: exp.Table
    reading: Reading
    ask: Ask
    operands: dict[tuple[Expression, Expression | None], frozenset[str]] = field(
        default_factory=dict
    )
    groups: list[exp.Expr] = field(default_factory=list)
    counts: bool = False  # COUNT(*) is asked for

    @property
    def alias(self) -> str:
        return self.reading.alias

    def over(self, name: TableName) -> tuple[exp.Select, Partials]:
        grouped = Grouped(self.select, self.alias, self.reading.is_column, exact_extremes=True)
        self.groups = grouped.keys()
        by_dim, condition = self._conditions()
        found = grouped.over(self.groups, self._aggregate)
        repeats = all(map(self._ignores_repeats, self.operands))
        if repeats and not self.counts and condition is None:
            raise Unsound("rows that differ in other dimensions alone are the same")
        grid, codes, keys = self._grouped(by_dim)
        found.set("where", None)
        found.set("from_", exp.From(this=table_node(name, self.alias)))
        return found, self._partials(grid, codes, keys, condition)

    def _partials(
        self, grid: GridTable, codes: dict[str, Codes], keys: list[Key],
        condition: Expression | None,
    ) -> Partials:  # fmt: skip
        operands = [Operand(*what, kinds) for what, kinds in self.operands.items()]
        dtypes = [self.reading.type_of(operand.argument) for operand in operands]
        read = columns_read(operands, condition)
        types = {name: self.reading.type_of(Column(name)) for name in read}
        parts = Partials(grid, codes, keys, Asked(operands, dtypes, condition, types))
        groups = int(np.prod(parts.groups, dtype=float))
        if groups * FEWEST_ROWS > self.reading.grid.rows:
            raise Unsound("groups of few rows")
        if groups > MOST_MOMENTS and any("moments" in each.kinds for each in operands):
            raise Unsound("variances of very many groups")
        return parts

    # WHERE

    def _conditions(self) -> tuple[dict[str, list[exp.Expr]], Expression | None]:
        """The conditions on one dimension each, and the others as one."""
        where = self.select.args.get("where")
        by_dim: dict[str, list[exp.Expr]] = {}
        rest: Expression | None = None
        for tree in conjuncts(where.this) if where is not None else ():
            dim = dimension_of(tree, self.source, self.reading.grid, alone=True)
            if dim and is_pure(tree):
                by_dim.setdefault(dim, []).append(tree)
                continue
            condition = self._truth(tree)
            rest = condition if rest is None else Call("and", (rest, condition))
        return by_dim, rest

    def _truth(self, tree: exp.Expr) -> Expression:
        condition = self.reading.expression(tree)
        if self.reading.type_of(condition).kind != "b":
            raise Unsound("a condition that is no truth value")
        return condition

    # GROUP BY

    def _grouped(
        self, by_dim: dict[str, list[exp.Expr]]
    ) -> tuple[GridTable, dict[str, Codes], list[Key]]:
        """The grid at the positions that count, and the groups they fall in."""
        grid = self.reading.grid
        keys_of: dict[str, list[int]] = {}
        for number, key in enumerate(self.groups):
            dim = dimension_of(key, self.source, grid, alone=True)
            if not dim or not is_pure(key):
                raise Unsound("a key that does not depend on one dimension")
            keys_of.setdefault(dim, []).append(number)
        codes, keys = {}, {}
        for dim in dict.fromkeys([*keys_of, *by_dim]):
            numbers = keys_of.get(dim, [])
            outputs = [self.groups[number] for number in numbers]
            if not by_dim.get(dim) and all(isinstance(key, exp.Column) for key in outputs):
                columns = [grid.axis(key.name) for key in outputs]
                positions = grid.positions(dim)
                columns = [column.take(pa.array(positions)) for column in columns]
            else:
                answer = self.ask(question(outputs, by_dim.get(dim, [])), grid.coordinates(dim), {})
                answer = answer.sort_by(GridTable.POSITION)
                here = np.isin(answer.column(0).to_numpy(), grid.positions(dim))
                answer = answer.filter(pa.array(here))
                positions = answer.column(0).to_numpy()
                columns = [column.combine_chunks() for column in answer.columns[1:]]
                grid = grid.restricted({dim: positions})
            if numbers:
                codes[dim], first = _coded(columns, positions, grid.size(dim))
                for number, column in zip(numbers, columns, strict=True):
                    named = pa.field(f"key {number}", column.type)
                    keys[number] = Key(named, dim, column.take(pa.array(first)))
        return grid, codes, [keys[number] for number in sorted(keys)]

    # Aggregates, and what is made of them

    def _ignores_repeats(self, what: tuple[Expression, Expression | None]) -> bool:
        """Whether rows that differ in other dimensions alone count as one: `session.sparing`."""
        axes = all(map(self.reading.grid.dimension_of, names(what[0])))
        return axes and what[1] is None and self.operands[what] <= {"min", "max"}

    def _aggregate(self, call: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
        row = combining.AGGREGATES.get(call.name.lower())
        if row is None or len(call.expressions) != 1 or call.args.get("order"):
            raise Unsound(f"{call.name} is the engine's")
        argument, exact = call.expressions[0], False
        if call.name.lower() == "sum" and self._is_exact(argument):
            argument, exact = argument.this, True
        if call.name.lower() == "count" and self._is_never_null(argument):
            if condition is None:
                self.counts = True
                return combining.combined(combining.ROWS, 0, self.alias)
            argument = exp.Literal.number(1)
        what = (
            self.reading.expression(argument),
            None if condition is None else self._truth(condition),
        )
        dtype = self.reading.type_of(what[0])
        whole = dtype.kind == "i" and isinstance(what[0], Call)
        if whole or (dtype.kind == "b" and row.kinds != {"count"}):
            raise Unsound("an argument that the engine reckons with otherwise")
        self.operands[what] = self.operands.get(what, frozenset()) | row.kinds
        text = combining.EXACT_SUM if exact else row.combined
        if dtype.kind == "f":
            text = combining.REAL_EXTREMES.get(call.name.lower(), text)
        return combining.combined(text, list(self.operands).index(what), self.alias)

    def _is_exact(self, argument: exp.Expr) -> bool:
        """Whether it is a column of bigint as the sum of one takes it: as a numeric."""
        if not isinstance(argument, exp.Cast) or not self.reading.is_column(argument.this):
            return False
        dtype = self.reading.grid.dtype(argument.this.name)
        return dtype == np.int64 and engine_type(argument.args["to"]) == "DECIMAL(38, 0)"

    def _is_never_null(self, argument: exp.Expr) -> bool:
        if isinstance(argument, exp.Star | exp.Literal):
            return True
        grid = self.reading.grid
        if not self.reading.is_column(argument) or grid.dimension_of(argument.name) is None:
            return False
        return bool(grid.axis(argument.name).null_count == 0)


def _coded(columns: Sequence[pa.Array], positions: Codes, size: int) -> tuple[Codes, Codes]:
    """Each position's group, -1 where it does not count; and where each group is first."""
    codes = np.full(size, -1, np.intp)
    columns = [_one_zero(column) for column in columns]
    if len(columns) == 1 and len(columns[0].unique()) == len(positions):
        codes[positions] = first = np.arange(len(positions))
        return codes, first
    own = np.zeros(len(positions), np.intp)
    for column in columns:
        indices = column.dictionary_encode(null_encoding="encode").indices.to_numpy()
        own = own * (int(indices.max(initial=0)) + 1) + indices
    _, first, numbers = np.unique(own, return_index=True, return_inverse=True)
    # Groups count in the order in which they come, so that neighbours have neighbouring numbers.
    order = np.argsort(first)
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    codes[positions] = place[numbers]
    return codes, first[order]


def _one_zero(column: pa.Array) -> pa.Array:
    """Reals with one zero and one NaN: the engine groups by their values, Arrow by their bits."""
    if not pa.types.is_floating(column.type):
        return column
    nan = pa.scalar(np.nan, column.type)
    return pc.if_else(pc.is_nan(column), nan, pc.add(column, pa.scalar(0.0, column.type)))
