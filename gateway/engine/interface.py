"""What an engine offers: plan a query over tables it is handed, stream it, stop it.

An engine is handed SQL in its own dialect and the tables that text names, already resolved; it
holds no catalogue of its own, so nothing leaks from one client to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.table import Table, TableName


class Plan(Protocol):
    """A planned query: nothing has run yet."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the result's columns."""
        ...

    @property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """Type that planning inferred for each `$n`; None where it could not tell."""
        ...

    @property
    def keeps_order(self) -> bool:
        """Whether its rows come in the order in which its one table gives them."""
        ...

    def with_values(self, values: Sequence[pa.Scalar]) -> Plan | None:
        """The same plan over the same rows with other values of its parameters.

        None: it must be planned, as most are.

        Raises:
            QueryCanceled: 57014.
        """
        ...

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Run the plan; batches as they come, each with `schema`.

        Closing the iterator stops the work.

        Raises:
            QueryCanceled: 57014, `EngineSession.cancel` was called.
            GatewayError: what the engine raised, with its SQLSTATE.
        """
        ...


class Around:
    """What gives other rows than the plan that it is made of, in the same columns.

    Args:
        plan: That plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the result's columns."""
        return self._plan.schema

    @property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """Type that planning inferred for each `$n`."""
        return self._plan.parameters

    def with_values(self, values: Sequence[pa.Scalar]) -> None:
        """None: what was done around the plan may be another thing for other values."""


class EngineSession(Protocol):
    """One client's share of an engine: its settings and its running query."""

    plans_found: int  # how often a plan was found that was kept

    def begin(self) -> None:
        """A statement begins; only a `cancel` after this stops it."""
        ...

    @property
    def memory_bytes(self) -> int | None:
        """What its queries may hold; None: as much as there is."""
        ...

    @property
    def reads(self) -> Mapping[TableName, TableReads]:
        """What it reads of each grid, since `begin`; from any thread."""
        ...

    def plan(
        self,
        sql: str,
        tables: Mapping[TableName, Table],
        parameters: Sequence[pa.Scalar] | None = None,
    ) -> Plan:
        """Plan `sql`, in which every table is written schema.name and stands in `tables`.

        Args:
            sql: One query in the engine's dialect.
            tables: The tables it names, as they are at this moment.
            parameters: Values of `$1`, `$2`, ...; None plans with the parameters open, to learn
                their types.

        Raises:
            GatewayError: 42P01, 42703, 42883, 42601, ... as the engine refuses it.
            QueryCanceled: 57014, `cancel` was called since the statement began.
        """
        ...

    def limit_memory(self, memory_bytes: int) -> None:
        """Let its queries hold so much and no more, whatever others hold; before the first one.

        A query that wants more spills, or is refused: OutOfMemory (53200).
        """
        ...

    def provide(
        self,
        name: str,
        compute: Callable[[Sequence[list[Any]]], list[Any]],
        arguments: Sequence[pa.DataType],
        result: pa.DataType,
    ) -> None:
        """Let statements of this session call a function, anew at each row.

        Args:
            name: Its name, in lower case.
            compute: A list of values for each argument -> the list of results. Any thread of the
                engine may call; what it raises ends the statement.
            arguments: Arrow types.
            result: Arrow type.
        """
        ...

    def set_clocks(
        self, transaction: Callable[[], datetime], statement: Callable[[], datetime]
    ) -> None:
        """Let now() tell when the transaction began, statement_timestamp() when the statement."""
        ...

    def set_time_zone(self, zone: str) -> None:
        """Reckon with dates and times of day in `zone` from now on: an IANA name, or `+05:30`."""
        ...

    def cancel(self) -> None:
        """Stop the statement that began last, from any thread; harmless when it has ended."""
        ...

    def close(self) -> None:
        """Give back what the session holds."""
        ...


class Engine(Protocol):
    """Makes sessions; one per server."""

    def new_session(self) -> EngineSession:
        """A session of its own for one client."""
        ...

    def functions(self) -> frozenset[str]:
        """Names of every function the engine has, as its information_schema.routines lists them."""
        ...


def gathered(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The batches of a plan as one table, in which any column may be NULL.

    The engine's plan and its batches do not always tell the same of that.
    """
    loose = pa.schema([field.with_nullable(True) for field in schema])
    parts = [pa.RecordBatch.from_arrays(batch.columns, schema=loose) for batch in batches]
    return pa.Table.from_batches(parts, loose)
