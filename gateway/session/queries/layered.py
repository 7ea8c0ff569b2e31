"""The layers of a query: run before it, their rows kept while it runs.

They are those of a query's gradient, and queries of WITH that are to be run once. Each reads the
tables of the statement, as they were at its moment, and the layers before it. Of a layer without
rows the engine is not told that it has none: it is read for that (`Sweep`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import Plan, gathered
from gateway.errors import OutOfMemory
from gateway.rewrite import Rewritten
from gateway.session.portals.turning import KeptRoom
from gateway.sources.listing import Listing
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.meaning.recursion import check_recursive_types
from gateway.store.rows.snapshots import Snapshot

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
    for name, layer in rewritten.layers:
        made = plan(layer, tables=found)
        rows = made.schema.empty_table() if room is None else _rows(made, room)
        found[name] = Snapshot(rows) if len(rows) else Listing(rows.schema, list)
    return found


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
    for _, layer in rewritten.layers:
        check_recursive(layer, found, plan, plan_text)
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


def _rows(plan: Plan, room: KeptRoom) -> pa.Table:
    """All rows of a plan; their room is given back when nothing reads them any more."""
    batches, taken = [], 0
    try:
        for batch in plan.stream():
            if not room.take(batch.nbytes):
                raise OutOfMemory(
                    "out of memory for the layers of a gradient, or the rows of WITH",
                    detail=f"What is kept between statements and within them may take "
                    f"{room.most_bytes} bytes together.",
                    hint="Ask for fewer rows at a time, or raise memory_bytes.",
                )
            taken += batch.nbytes
            batches.append(batch)
        rows = gathered(batches, plan.schema)
    except BaseException:  # whatever it is, what was taken is free again
        room.give(taken)
        raise
    weakref.finalize(rows, room.give, taken)
    return rows
