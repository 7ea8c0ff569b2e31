"""The layers of a query: run before it, their rows kept while it runs.

They are those of a query's gradient, and queries of WITH that are to be run once. Each reads the
tables of the statement, as they were at its moment, and the layers before it. Of a layer without
rows the engine is not told that it has none: it is read for that (`Sweep`). A recursive query that
the engine does not run is one, which is run step by step.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.autodiff.relational.queries import KEY
from gateway.engine.interface import Plan, gathered
from gateway.errors import NumericValueOutOfRange, OutOfMemory
from gateway.interrupts import check_for_interrupts
from gateway.rewrite import Rewritten
from gateway.session.portals.scrolling import KeptRoom
from gateway.sources.listing import Listing
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.meaning.recursion import check_recursive_types, check_terms
from gateway.store.rows.snapshots import Snapshot
from gateway.types import Type

Tables = Mapping[TableName, Table]


def with_layers(
    rewritten: Rewritten,
    tables: Tables,
    plan: Callable[..., Plan],
    room: KeptRoom | None,
) -> Tables:
    """The tables of a query, and its layers.

    Args:
        rewritten: The query.
        tables: Every table that it and its layers name.
        plan: Plans a layer over some `tables`.
        room: Where rows are kept; None: the query is only described, and its layers have no rows.

    Raises:
        OutOfMemory: 53200, the rows of layers do not fit.
    """
    found = dict(tables)
    for name, either in rewritten.layers:
        layer = either if room is None else _chosen(either, found)
        made = plan(layer, tables=found)
        if room is None:
            rows = made.schema.empty_table()
        elif layer.step is None:
            rows = _rows(made.stream(), made.schema, room)
        else:
            rows = _rows(_in_rounds(name, layer, made, found, plan), made.schema, room)
        found[name] = Snapshot(rows) if len(rows) else Listing(rows.schema, list)
        if room is None and layer.step is not None:
            plan(layer.step.query, tables={**found, layer.step.rows: found[name]})
    return found


def _chosen(layer: Rewritten, tables: Tables) -> Rewritten:
    """A layer, or what is run in its place."""
    other = layer.otherwise
    if other is None:
        return layer
    told = tables[other.asked]
    assert isinstance(told, Snapshot)
    return layer if told.rows.column(0)[0].as_py() else other.query


def _in_rounds(
    name: TableName, layer: Rewritten, first: Plan, tables: Tables, plan: Callable[..., Plan]
) -> Iterator[pa.RecordBatch]:
    """The rows of a recursive query, step by step, until one gives none."""
    step = layer.step
    assert step is not None
    found: list[pa.Table] = []
    work = gathered(list(first.stream()), first.schema)
    bounds = [_bounds(info.type) for info in layer.columns]
    types = work.schema
    while work.num_rows:
        yield from work.to_batches()
        check_for_interrupts()
        found.append(work)
        before = {step.rows: Snapshot(work)}
        if step.reads_all:
            before[name] = Snapshot(pa.concat_tables(found))
        made = plan(step.query, tables={**tables, **before})
        work = _as_first(gathered(list(made.stream()), made.schema), types, bounds)


def _bounds(kind: Type | None) -> pa.DataType | None:
    """The engine counts in 64 bits where PostgreSQL counts in fewer."""
    arrow = None if kind is None else kind.arrow
    return arrow if arrow is not None and pa.types.is_integer(arrow) else None


def _as_first(rows: pa.Table, types: pa.Schema, bounds: Sequence[pa.DataType | None]) -> pa.Table:
    """Rows of a step in the types of the first term.

    Raises:
        NumericValueOutOfRange: 22003, an integer is none of its column's type.
    """
    columns = list(rows.columns)
    try:
        for number, bound in enumerate(bounds):
            columns[number] = columns[number] if bound is None else columns[number].cast(bound)
        return pa.table(columns, names=types.names).cast(types)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("integer out of range") from error


def check_recursive(
    rewritten: Rewritten,
    tables: Tables,
    plan: Callable[..., Plan],
    plan_text: Callable[[str, Tables], Plan],
) -> None:
    """Refuse a recursive query whose steps would lose what their first term cannot hold.

    Args:
        rewritten: The query.
        tables: Every table that it and its layers name.
        plan: Plans a layer over some `tables`.
        plan_text: Plans a term.

    Raises:
        DatatypeMismatch: 42804, naming the query, the column and both types.
    """
    found = with_layers(rewritten, tables, plan, None)
    for name, layer in rewritten.layers:
        check_recursive(layer, found, plan, plan_text)
        if layer.step is not None:
            held = {**found, layer.step.rows: found[name]}
            check_recursive(layer.step.query, held, plan, plan_text)
            step = plan(layer.step.query, tables=held).schema
            check_terms(layer.step.cte, found[name].schema.types, step)
    check_recursive_types(rewritten.tree, lambda term: plan_text(to_engine(term), found).schema)


def parameters_of(
    rewritten: Rewritten, tables: Tables, plan: Callable[..., Plan], whole: Plan
) -> tuple[list[Mapping[int, pa.DataType | None]], list[exp.Expr]]:
    """What planning a query and its layers told of parameters, and the trees that name them.

    Args:
        whole: The query's own plan.
    """
    told, trees = [whole.parameters], [rewritten.tree]

    def noted(layer: Rewritten, tables: Tables) -> Plan:
        made = plan(layer, tables=tables)
        told.append(made.parameters)
        trees.append(layer.tree)
        return made

    with_layers(rewritten, tables, noted, None)
    return told, trees


def _rows(stream: Iterator[pa.RecordBatch], schema: pa.Schema, room: KeptRoom) -> pa.Table:
    """All rows; their room is given back when nothing reads them any more."""
    batches, taken = [], 0
    try:
        for batch in stream:
            if not room.take(batch.nbytes):
                raise OutOfMemory(
                    "out of memory for the layers of a gradient, or the rows of WITH",
                    detail=f"What is kept between statements and within them may take "
                    f"{room.most_bytes} bytes together.",
                    hint="Ask for fewer rows at a time, or raise memory_bytes.",
                )
            taken += batch.nbytes
            batches.append(batch)
        rows = _keyed(gathered(batches, schema))
    except BaseException:  # whatever it is, what was taken is free again
        room.give(taken)
        raise
    weakref.finalize(rows, room.give, taken)
    return rows


def _keyed(rows: pa.Table) -> pa.Table:
    """The rows of a layer, those of its keys that are never NULL declared so.

    A join by such keys need not tell NULL from NULL. The user's own columns stay as they are: what
    the engine makes of them is the same whatever rows there are.
    """
    fields = [
        field.with_nullable(not field.name.startswith(KEY) or column.null_count > 0)
        for field, column in zip(rows.schema, rows.columns, strict=True)
    ]
    return rows.cast(pa.schema(fields))
