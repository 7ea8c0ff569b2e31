"""Plans whose parameters are open until they run: a new value needs no planning at all.

In place of `$1` stands a call of a function of the session's, which tells the value of the run at
hand. The engine may not fold it, so what it makes is a physical plan that serves every value. Of
short plans alone: there a plan costs what its run does, and all rows are read before anything else
can ask for other values.

Whatever asks for a value while it is planned (VALUES, LIMIT) cannot be planned so; what
cannot, or fails as it runs, is planned with its values, as are texts that come for the first time.

A query whose one row is its parameters (`SELECT $1::int, $2::text`) asks nothing of an engine.
Pools and drivers send them to see whether a server is there, and applications to read a value as
the server does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
from datafusion import SessionContext, udf
from datafusion.expr import Expr
from datafusion.plan import LogicalPlan

from gateway.engine.interface import Plan
from gateway.engine.lookups import Lookup, Orders, lookup_of
from gateway.engine.placeholders import with_calls
from gateway.engine.plans import EmbeddedPlan
from gateway.errors import GatewayError, QueryCanceled
from gateway.sources.table import Table, TableName

# How much a client's session keeps.
MOST_OPEN = 128
_LONGEST_TEXT = 10_000


class Values:
    """The values of `$1`, `$2`, ... for the plan that runs now: one session's."""

    def __init__(self) -> None:
        self.now: Sequence[pa.Scalar] = ()
        self.asked = False

    def told(self, numbers: pa.Array) -> pa.Array:
        """One value for one constant argument: the engine takes it for a constant of the run."""
        self.asked = True
        return pa.repeat(self.now[numbers[0].as_py() - 1], 1)


class ValueCalls:
    """Calls that tell those values. What a context calls must not hold it; see `session_functions`.

    Args:
        context: The session's, which learns a function for each type.
    """

    def __init__(self, context: SessionContext) -> None:
        self.values = Values()
        self._context = context
        self._functions: dict[pa.DataType, str] = {}

    def in_place(self, sql: str, types: Sequence[pa.DataType]) -> str:
        """The text with a call in the place of each parameter."""
        return with_calls(
            sql, {n: f"{self._function(kind)}({n})" for n, kind in enumerate(types, 1)}
        )

    def _function(self, kind: pa.DataType) -> str:
        name = self._functions.get(kind)
        if name is None:
            # No name that a statement would have.
            name = self._functions[kind] = f"$value {len(self._functions)}"
            told = udf(self.values.told, [pa.int64()], kind, "volatile", name)
            self._context.register_udf(told)
        return f'"{name}"'


# The rows that some values come to, found without the engine; None where it must be asked.
_Find = Callable[[Sequence[pa.Scalar]], list[pa.RecordBatch] | None]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that were found, as a plan.

    Args:
        schema: Theirs.
        rows: They.
        types: Of the values that they were found for.
        find: Finds those of other values.
        found: Told when nothing had to be planned.
    """

    schema: pa.Schema
    rows: Sequence[pa.RecordBatch]
    types: Sequence[pa.DataType]
    find: _Find
    found: Callable[[], None]

    @property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """None is open to who asks."""
        return {}

    @property
    def keeps_order(self) -> bool:
        """Rows of a lookup come in the table's order."""
        return True

    def with_values(self, values: Sequence[pa.Scalar]) -> _Rows | None:
        """See `Plan`."""
        if [value.type for value in values] != self.types:
            return None
        rows = self.find(values)
        if rows is None:
            return None
        self.found()
        return _Rows(self.schema, rows, self.types, self.find, self.found)

    def stream(self) -> Iterator[pa.RecordBatch]:
        """They."""
        return iter(self.rows)


@dataclass(slots=True)
class _Known:
    """A text with types of its parameters: how often it came over tables as they are now."""

    schema: pa.Schema
    tables: Mapping[TableName, pa.Schema]
    times: int = 1
    looked: bool = False  # for what finds its rows
    found: Lookup | Echo | None = None
    open: EmbeddedPlan | None = None

    def has_columns_of(self, tables: Mapping[TableName, Table]) -> bool:
        """Whether these have the columns of those that it is known of."""
        return all(tables[name].schema == schema for name, schema in self.tables.items())


@dataclass(frozen=True, slots=True)
class _Bound:
    """An open plan with its values.

    Args:
        known: Whose open plan it is.
        open: It.
        values: They.
        types: Theirs.
        cell: Where the running plan finds them.
        ordinary: Plans it with values.
        found: Told when nothing had to be planned.
    """

    known: _Known
    open: EmbeddedPlan
    values: Sequence[pa.Scalar]
    types: Sequence[pa.DataType]
    cell: Values
    ordinary: Callable[[Sequence[pa.Scalar]], Plan]
    found: Callable[[], None]

    @property
    def schema(self) -> pa.Schema:
        """What a plan of the same with values gives."""
        return self.known.schema

    @property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """None is open to who asks."""
        return {}

    @property
    def keeps_order(self) -> bool:
        """See `Plan`."""
        return self.open.keeps_order

    def with_values(self, values: Sequence[pa.Scalar]) -> _Bound | None:
        """See `Plan`; an open plan that was let go of serves no more."""
        same = [value.type for value in values] == self.types
        if not same or self.known.open is not self.open:
            return None
        self.found()
        return replace(self, values=values)

    def stream(self) -> Iterator[pa.RecordBatch]:
        """All rows, read at once."""
        self.cell.now = self.values
        try:
            rows = list(self.open.stream())
        except QueryCanceled:
            raise
        except GatewayError:  # if it is not for the values, some function wants a constant
            rows = list(self.ordinary(self.values).stream())
            self.known.open = None
        finally:
            self.cell.now = ()
        for batch in rows:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)


_Key = tuple[str, tuple[pa.DataType, ...]]
_Tables = Mapping[TableName, Table]


class OpenPlans:
    """Those of one session, and the texts that may come to be some.

    Args:
        calls: How plans ask for their values.
        orders: Finds rows by a value.
        make: Plans a text over tables with values, or with its parameters open for none.
        found: Told when nothing had to be planned; may raise QueryCanceled.
    """

    def __init__(
        self,
        calls: ValueCalls,
        orders: Orders,
        make: Callable[[str, _Tables, Sequence[pa.Scalar]], EmbeddedPlan],
        found: Callable[[], None],
    ) -> None:
        self._calls, self._orders, self._make, self._found = calls, orders, make, found
        self._values = calls.values
        self._kept: dict[_Key, _Known] = {}

    def plan(self, sql: str, tables: _Tables, values: Sequence[pa.Scalar], same: bool) -> Plan:
        """The plan of a text with values.

        Args:
            sql: The text.
            tables: Those it names, all in memory.
            values: Of `$1`, `$2`, ...
            same: Whether the tables are those that plans were made with.
        """
        key = sql, tuple([value.type for value in values])
        known = self._kept.pop(key, None)
        if known is None or not (same or known.has_columns_of(tables)):
            plan = self._make(sql, tables, values)
            if len(sql) <= _LONGEST_TEXT:
                columns = {name: table.schema for name, table in tables.items()}
                self._keep(key, _Known(plan.schema, columns))
            return plan
        self._keep(key, known)
        find = self._finder(known, key, tables)
        rows = None if find is None else find(values)
        if find is not None and rows is not None:
            self._found()
            return _Rows(known.schema, rows, list(key[1]), find, self._found)
        known.times += 1
        if known.times == 2 and same:
            known.open = self._opened(key, tables, values)
        if known.open is None or not same:
            return self._make(sql, tables, values)
        self._found()
        return _Bound(
            known,
            known.open,
            values,
            list(key[1]),
            self._values,
            lambda values: self._make(sql, tables, values),
            self._found,
        )

    def _finder(self, known: _Known, key: _Key, tables: _Tables) -> _Find | None:
        """What finds the rows of a text without the engine, if anything does."""
        sql, types = key
        if not known.looked:
            known.looked = True
            plan = self._tried(sql, tables)
            if plan is not None:
                known.found = _found_by(plan, tables, types, known.schema)
        if isinstance(known.found, Lookup):
            return partial(known.found.rows, tables, self._orders)
        return None if known.found is None else known.found.rows

    def _opened(
        self, key: _Key, tables: _Tables, values: Sequence[pa.Scalar]
    ) -> EmbeddedPlan | None:
        """The plan with its parameters open; None where there is none that serves all values."""
        self._values.now, self._values.asked = values, False
        plan = self._tried(self._calls.in_place(*key), tables, shared=True)
        return None if self._values.asked else plan

    def _tried(self, sql: str, tables: _Tables, *, shared: bool = False) -> EmbeddedPlan | None:
        """The plan of a text without values; `shared`: if runs of any values can share it."""
        try:
            plan = self._make(sql, tables, ())
            return plan if not shared or plan.serves_all_values() else None
        except QueryCanceled:
            raise
        except GatewayError:  # with its values the text tells what is wrong, if anything is
            return None

    def _keep(self, key: _Key, known: _Known) -> None:
        self._kept[key] = known
        if len(self._kept) > MOST_OPEN:
            del self._kept[next(iter(self._kept))]

    def forget(self, table: TableName) -> None:
        """Let go of the plans over a table that is another one now."""
        for known in self._kept.values():
            if table in known.tables:
                known.times, known.open = 0, None

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()


def _found_by(
    plan: EmbeddedPlan, tables: _Tables, types: Sequence[pa.DataType], schema: pa.Schema
) -> Lookup | Echo | None:
    """What finds the rows of a plan whose parameters are open."""
    if tables:
        return lookup_of(plan.logical, tables, types, schema)
    return echo_of(plan.logical, types, schema)


# How the engine shows a cast of a parameter, and two casts of it to one type: `$1::int` is the
# cast that was written, of the parameter as what it is.
_CAST = re.compile(r"Expr\(CAST\((?:\$(\d+) AS .+|CAST\(\$(\d+) AS (.+)\) AS \3)\)\)")


@dataclass(frozen=True, slots=True)
class Echo:
    """A query of this shape.

    Args:
        numbers: The parameter that each column is, from 0.
        schema: What comes out.
    """

    numbers: Sequence[int]
    schema: pa.Schema

    def rows(self, values: Sequence[pa.Scalar]) -> list[pa.RecordBatch]:
        """The one row."""
        columns = [pa.array([values[n].as_py()], values[n].type) for n in self.numbers]
        return [pa.RecordBatch.from_arrays(columns, schema=self.schema)]


def echo_of(plan: LogicalPlan, types: Sequence[pa.DataType], schema: pa.Schema) -> Echo | None:
    """The echo that a plan without a table comes to; None when something is to be computed.

    Args:
        plan: As it was first made, its parameters open.
        types: Of the parameters' values.
        schema: What it gives with them.
    """
    top, below = plan.to_variant(), plan.inputs()
    names = [type(node).__name__ for node in (top, *(node.to_variant() for node in below))]
    if names != ["Projection", "EmptyRelation"]:
        return None
    numbers = [_number(expr) for expr in top.projections()]
    if not numbers or None in numbers or len(numbers) != len(schema):
        return None
    found = [number for number in numbers if number is not None]
    # A cast to the type that the value has already changes nothing.
    same = [types[number] for number in found] == schema.types
    return Echo(found, schema) if same else None


def _number(expr: Expr) -> int | None:
    """The parameter, from 0, that an expression is or casts, under whatever name it comes out."""
    if expr.variant_name() == "Alias":
        expr = expr.to_variant().expr()
    kind, shown = expr.variant_name(), str(expr)
    if kind == "Placeholder":
        return int(shown.removeprefix("Expr($").removesuffix(")")) - 1
    cast = _CAST.fullmatch(shown) if kind == "Cast" else None
    return None if cast is None else int(cast[1] or cast[2]) - 1
