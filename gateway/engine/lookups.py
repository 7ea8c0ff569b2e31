"""Rows of tables in memory found by the value of one column, where a scan would read them all.

`SELECT a, b FROM t WHERE key = $1` is what applications ask most. Where a query has this shape the
engine is not asked for its rows: they are found in the column's order, which is made once for the
rows as they are, and shared by all sessions.

Such rows are a table of the engine's own, which it scans without a call into Python: beside a
dataset (`provider`) that halves the time of a query for one row, plans in a third of it, and lets
the engine count rows and choose the smaller side of a join. Nothing is copied.
"""

from __future__ import annotations

import itertools
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import SessionContext
from datafusion.catalog import Table as EngineTable
from datafusion.expr import Expr
from datafusion.plan import LogicalPlan

from gateway.sources.table import Held, Table, TableName

# To find the order of a column costs what so many scans of the table cost.
_SCANS_FOR_AN_ORDER = 40
# More rows of one value than these, and a scan does as well.
_MOST_FOUND = 100


class _Order(Protocol):
    def find(self, value: Any) -> Sequence[int] | None:
        """The positions of a value, ascending; None: too many."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """Of integers: those that are not NULL in order, and where each stands; None: in order too."""

    values: npt.NDArray[Any]
    places: npt.NDArray[np.int64] | None

    def find(self, value: int) -> Sequence[int] | None:
        values = self.values
        half = 1 << 8 * values.itemsize - 1
        if not -half <= value < half:
            return ()
        wanted = values.dtype.type(value)
        first, last = values.searchsorted(wanted), values.searchsorted(wanted, "right")
        return _between(self.places, int(first), int(last))


@dataclass(frozen=True, slots=True)
class _Texts:
    """Of texts: the same."""

    values: pa.Array
    places: npt.NDArray[np.int64] | None

    def find(self, value: str) -> Sequence[int] | None:
        first = bisect_left(self, value)
        return _between(self.places, first, bisect_right(self, value, first))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: int) -> str:
        return str(self.values[place].as_py())


def _between(places: npt.NDArray[np.int64] | None, first: int, last: int) -> Sequence[int] | None:
    if last - first > _MOST_FOUND:
        return None
    return range(first, last) if places is None else places[first:last].tolist()


def order_of(column: pa.Array, *, sort: bool) -> _Order | None:
    """The order of a column of integers or texts.

    Args:
        column: It.
        sort: Whether to sort it; else None comes back where it is in no order by itself.
    """
    places = None
    if column.null_count:
        places = np.flatnonzero(np.asarray(column.is_valid()))
        column = column.drop_null()
    whole = pa.types.is_integer(column.type)
    values = column.to_numpy() if whole else column
    sorted_ = np.all(values[1:] >= values[:-1]) if whole else _are_sorted(column)
    if not sorted_:
        if not sort:
            return None
        order = np.argsort(values, kind="stable") if whole else np.asarray(pc.sort_indices(values))
        places = order.astype(np.int64) if places is None else places[order]
        values = values[order] if whole else values.take(pa.array(order))
    return _Whole(values, places) if whole else _Texts(values, places)


def _are_sorted(texts: pa.Array) -> bool:
    return bool(pc.all(pc.greater_equal(texts[1:], texts[:-1])).as_py() is not False)


class Orders:
    """The orders of columns of tables, for as long as the tables are there; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Held, dict[str, int | _Order]] = WeakKeyDictionary()

    def find(self, table: Held, column: str, value: Any) -> Sequence[int] | None:
        """Positions of the rows that have a value; None where a scan is to find them."""
        kept = self._kept.get(table)
        found = None if kept is None else kept.get(column)
        if found is None or isinstance(found, int):
            found = self._made(table, column)
        return None if isinstance(found, int) else found.find(value)

    def _made(self, table: Held, column: str) -> int | _Order:
        with self._lock:
            kept = self._kept.setdefault(table, {})
            asked = kept.get(column, 0)
            if not isinstance(asked, int):
                return asked
            # What is in order by itself is found so at once, what is not after some scans.
            if asked in (0, _SCANS_FOR_AN_ORDER):
                values = table.held_rows.column(column).combine_chunks()
                made = order_of(values, sort=asked > 0)
                if made is not None:
                    kept[column] = made
                    return made
            kept[column] = asked + 1
            return asked + 1


class Lookup:
    """A query of the shape: columns of one table, where one of them has the value of a parameter.

    Args:
        name: The table.
        column: The column that has the value.
        kind: Its type.
        number: The parameter, from 0.
        outputs: The columns that come out.
        schema: What comes out.
    """

    def __init__(
        self,
        name: TableName,
        column: str,
        kind: pa.DataType,
        number: int,
        outputs: Sequence[str],
        schema: pa.Schema,
    ) -> None:
        self._name, self._column, self._kind, self._number = name, column, kind, number
        self._outputs, self._schema = outputs, schema
        self._table: Table | None = None
        self._batches: list[pa.RecordBatch] = []

    def rows(
        self, tables: Mapping[TableName, Table], orders: Orders, values: Sequence[pa.Scalar]
    ) -> list[pa.RecordBatch] | None:
        """The rows, in the order of the table's; None where the engine is to find them."""
        table = tables[self._name]
        if table is not self._table and not self._take(table):
            return None
        value = values[self._number].as_py()
        if value is None:
            return []
        assert isinstance(table, Held)
        found = orders.find(table, self._column, value)
        if found is None:
            return None
        rows = [self._row(place) for place in found]
        return rows if len(rows) < 2 else [pa.concat_batches(rows)]

    def _take(self, table: Table) -> bool:
        """Read this table from now on, if it still has the columns."""
        assert isinstance(table, Held)
        rows = table.held_rows
        names = rows.schema.names
        if not {self._column, *self._outputs} <= set(names):
            return False
        kinds = [rows.schema.field(name).type for name in (*self._outputs, self._column)]
        if kinds != [*self._schema.types, self._kind]:
            return False
        self._table = table
        self._batches = [
            pa.record_batch([batch.column(name) for name in self._outputs], schema=self._schema)
            for batch in rows.to_batches()
        ]
        return True

    def _row(self, place: int) -> pa.RecordBatch:
        for batch in self._batches:
            if place < batch.num_rows:
                return batch.slice(place, 1)
            place -= batch.num_rows
        raise IndexError(place)


# How the engine shows a parameter, and the cast of one to the type it has.
_PARAMETER = re.compile(r"Expr\((?:\$(\d+)|CAST\(\$(\d+) AS (\w+)\))\)")
_NAMES = {"Int16": pa.int16(), "Int32": pa.int32(), "Int64": pa.int64(), "Utf8": pa.string()}
_WHOLE = frozenset({pa.int16(), pa.int32(), pa.int64()})

_SHAPES = (
    ["Projection", "Filter", "TableScan"],
    ["Projection", "Filter", "SubqueryAlias", "TableScan"],
)


def lookup_of(
    plan: LogicalPlan,
    tables: Mapping[TableName, Table],
    types: Sequence[pa.DataType],
    schema: pa.Schema,
) -> Lookup | None:
    """The lookup that a plan comes to; None when it is of another shape.

    Args:
        plan: As it was first made, its parameters open.
        tables: Those it names, in memory.
        types: Of the parameters' values.
        schema: What it gives.
    """
    nodes = list(_chain(plan))
    if len(tables) != 1 or [type(node).__name__ for node in nodes] not in _SHAPES:
        return None
    ((name, table),) = tables.items()
    outputs = [_column(expr) for expr in nodes[0].projections()]
    compared = _compared(nodes[1].predicate(), types)
    if compared is None or "" in outputs or compared[0] not in table.schema.names:
        return None
    column, number = compared
    kind, wanted = table.schema.field(column).type, types[number]
    alike = (kind in _WHOLE and wanted in _WHOLE) or kind == wanted == pa.string()
    return Lookup(name, column, kind, number, outputs, schema) if alike else None


def _chain(plan: LogicalPlan) -> Iterator[Any]:
    """The nodes of a plan from its top down to the first that has several below it, or none."""
    while True:
        yield plan.to_variant()
        inputs = plan.inputs()
        if len(inputs) != 1:
            return
        plan = inputs[0]


def _column(expr: Expr) -> str:
    """The column that an expression is, under whatever name it comes out; empty for others."""
    if expr.variant_name() == "Alias":
        expr = expr.to_variant().expr()
    return str(expr.to_variant().name()) if expr.variant_name() == "Column" else ""


def _compared(predicate: Expr, types: Sequence[pa.DataType]) -> tuple[str, int] | None:
    """The column, and the parameter from 0, of `column = $1`."""
    if predicate.variant_name() != "BinaryExpr":
        return None
    compared = predicate.to_variant()
    sides = compared.left(), compared.right()
    if compared.op() != "=":
        return None
    for one, other in (sides, sides[::-1]):
        parameter = _PARAMETER.fullmatch(str(other))
        if parameter is not None and (column := _column(one)):
            number = int(parameter[1] or parameter[2]) - 1
            same = parameter[3] is None or _NAMES.get(parameter[3]) == types[number]
            return (column, number) if same else None
    return None


# Rows in one batch; the engine cuts them smaller where it wants to.
_BATCH_ROWS = 131_072


class Shelf:
    """Makes tables; any thread may call it."""

    def __init__(self) -> None:
        # The binding makes such a table only by registering it somewhere: here, for a moment.
        self._context = SessionContext()
        self._numbers = itertools.count()

    def table(self, rows: pa.Table) -> EngineTable:
        """The rows as a table that any context can register.

        Args:
            rows: At least one column. Metadata are left out, as the engine drops them in part.
        """
        plain = pa.schema([field.remove_metadata() for field in rows.schema])
        batches = [
            pa.record_batch(batch.columns, schema=plain)
            for batch in rows.to_batches(max_chunksize=_BATCH_ROWS)
        ] or [pa.RecordBatch.from_pylist([], plain)]
        name = f"held{next(self._numbers)}"
        self._context.register_record_batches(name, [batches])
        try:
            return self._context.catalog().schema().table(name)
        finally:
            self._context.deregister_table(name)
