"""DataFusion in this process: one context per client, over the tables each statement is handed.

A context costs 0.2 ms; it holds one client's tables and settings and nothing else, so nothing
leaks from one client to another. What the engine's errors mean is told by `faults`, how a running
query is read and stopped by `running`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cached_property

import pyarrow as pa
from datafusion import (
    DataFrame,
    RuntimeEnvBuilder,
    SessionConfig,
    SessionContext,
    SQLOptions,
)
from datafusion.catalog import Schema
from datafusion.catalog import Table as EngineTable
from pyarrow.dataset import Dataset

from gateway.engine.clocks import UNSTABLE, Clocks, Moment
from gateway.engine.configured import (
    FINISHED,
    PLAIN,
    SETTINGS,
    context_of,
    keep_little,
    pool_of,
    without_functions,
    workers,
)
from gateway.engine.contexts import BATCH_SIZE, BySize, Contexts, Own
from gateway.engine.faults import translated
from gateway.engine.functions import Columnar, made, register_functions
from gateway.engine.interface import Plan
from gateway.engine.large_values import large_as_calls
from gateway.engine.lookups import Orders, Shelf
from gateway.engine.open_plans import OpenPlans, ValueCalls
from gateway.engine.plans import IN_ORDER, EmbeddedPlan, Plans, limited
from gateway.engine.provider import as_dataset
from gateway.engine.reading import all_held, reading
from gateway.engine.running import Run
from gateway.engine.session_functions import WATCHED, Compute, Provided, Watch, sleeper
from gateway.engine.zones import in_zone
from gateway.errors import GatewayError, QueryCanceled
from gateway.sources.aggregates.partials import Partials
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading.chunk_counts import Reads, TableReads
from gateway.sources.table import Held, Table, TableName
from gateway.types import BY_NAME

_CATALOG = "datafusion"
_REGISTERED = BY_NAME["regclass"].arrow
_ROUTINES = "SELECT routine_name AS name FROM information_schema.routines"

# Queries alone: everything else is the gateway's own work, and COPY would reach the server's files.
_QUERIES_ONLY = (
    SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)


class Embedded:
    """DataFusion as an `Engine`.

    Args:
        threads: Partitions of one query that work at the same time; None takes one per core.
        functions: More functions than the engine has of itself.
        memory_bytes: What all queries may hold together, beside the batches on their way; None:
            as much as there is. Sorts, joins and groupings spill to disk before they are refused.
    """

    def __init__(
        self,
        threads: int | None = None,
        functions: Sequence[Columnar] = (),
        memory_bytes: int | None = None,
    ) -> None:
        os.environ.setdefault("TOKIO_WORKER_THREADS", str(workers(memory_bytes)))
        keep_little(memory_bytes)
        # One pool for all: what is built of one builder shares it.
        self._runtime = None if memory_bytes is None else pool_of(memory_bytes)
        self._memory_bytes = memory_bytes
        self._more = made(functions)
        config = SessionConfig(SETTINGS)
        self._config = config if threads is None else config.with_target_partitions(threads)
        self._in_order = BySize(self._plain)
        self._finished = self._bare(self._runtime, memory_bytes)
        self._shelf, self._orders = Shelf(), Orders()

    def new_session(self) -> EmbeddedSession:
        """A session of its own for one client."""
        contexts = self._contexts(self._runtime, self._finished, self._memory_bytes)
        return EmbeddedSession(contexts, self._unstable, self._shelf, self._orders, self._limited)

    def _limited(self, memory_bytes: int) -> Contexts:
        pool = pool_of(memory_bytes)
        return self._contexts(pool, self._bare(pool, memory_bytes), memory_bytes)

    def _contexts(
        self, runtime: RuntimeEnvBuilder | None, finished: BySize, memory_bytes: int | None
    ) -> Contexts:
        context = context_of(self._config, runtime, memory_bytes)
        register_functions(context, self._more)
        return Contexts(Own(context), self._in_order, finished, memory_bytes)

    def _plain(self, rows: int) -> SessionContext:
        context = SessionContext(_sized(PLAIN, rows))
        register_functions(context, self._more)
        return context

    def _bare(self, runtime: RuntimeEnvBuilder | None, memory_bytes: int | None) -> BySize:
        return BySize(lambda rows: without_functions(_sized(FINISHED, rows), runtime, memory_bytes))

    def functions(self) -> frozenset[str]:
        """Names of every function, as DataFusion's information_schema.routines lists them."""
        return self._functions

    @cached_property
    def _functions(self) -> frozenset[str]:
        return self._routines(_ROUTINES)

    @cached_property
    def _unstable(self) -> frozenset[str]:
        """Names of the functions that may give something else the next time."""
        return self._routines(f"{_ROUTINES} WHERE is_deterministic IS DISTINCT FROM TRUE")

    def _routines(self, sql: str) -> frozenset[str]:
        context = SessionContext(SessionConfig().with_information_schema(True))
        register_functions(context, self._more)
        return frozenset(context.sql(sql).to_pydict()["name"])


def _named(value: pa.Scalar) -> pa.Scalar:
    """Of a reg type its text, which functions look up; any other as it is."""
    if value.type != _REGISTERED:
        return value
    return value["text"] if value.is_valid else pa.scalar(None, pa.string())


def _sized(more: Mapping[str, str], rows: int) -> SessionConfig:
    """One partition under the settings and more of them, so many rows at a time."""
    return SessionConfig(SETTINGS | dict(more) | {BATCH_SIZE: str(rows)}).with_target_partitions(1)


def _bindable(value: pa.Scalar) -> pa.Scalar:
    """The binding takes the length of every array, and a NULL one has none."""
    is_null_array = pa.types.is_list(value.type) and not value.is_valid
    return pa.scalar(None, pa.null()) if is_null_array else value


class EmbeddedSession:
    """One client's context, the tables registered in it, and its running query."""

    def __init__(
        self,
        contexts: Contexts,
        unstable: frozenset[str],
        shelf: Shelf,
        orders: Orders,
        limited_to: Callable[[int], Contexts],
    ) -> None:
        self._orders, self._zone = orders, "UTC"
        self._clocks: Clocks | None = None  # the engine's own, until it is told others
        self._use(contexts)
        self._limited_to = limited_to
        self._shelf = shelf
        self._unstable = unstable | UNSTABLE
        self._plans = Plans()
        self._failures: list[GatewayError] = []
        self._lent = Provided(self._failures)
        self._tables: dict[TableName, Table] = {}
        self._run: Run | None = None
        self._cancelled = False
        self.provide("pg_sleep", sleeper(self._check), [pa.float64()], pa.string())
        self._reads = Reads()
        self.plans_found = 0

    def _use(self, contexts: Contexts) -> None:
        self._contexts, self._context = contexts, contexts.own
        self._open = OpenPlans(ValueCalls(contexts.own), self._orders, self._made, self._found)
        self._set_clocks()

    def _set_clocks(self) -> None:
        for function in self._clocks.functions(self._zone) if self._clocks is not None else ():
            self._context.register_udf(function)

    def begin(self) -> None:
        """A statement begins: what was cancelled before it is not meant for it."""
        self._cancelled = False
        self._reads.clear()

    @property
    def memory_bytes(self) -> int | None:
        """What its queries may hold; see `EngineSession`."""
        return self._contexts.memory_bytes

    @property
    def reads(self) -> Mapping[TableName, TableReads]:
        """The chunks that the statement has read so far, and will; from any thread."""
        return self._reads.used

    def plan(
        self,
        sql: str,
        tables: Mapping[TableName, Table],
        parameters: Sequence[pa.Scalar] | None = None,
    ) -> Plan:
        """Plan `sql` over `tables`; a plan made before keeps reading the tables it was made with.

        Raises:
            GatewayError: what the engine refuses, with its SQLSTATE.
            QueryCanceled: 57014, once planning is over: it cannot be interrupted.
        """
        if parameters:
            parameters = [_named(value) for value in parameters]
            # A table that is scanned piece by piece is asked about the values as it is planned.
            if not all_held(tables):
                return self._made(sql, tables, parameters)
            return self._open.plan(sql, tables, parameters, self._are_known(tables))
        kept = self._plans.find(sql) if self._are_known(tables) else None
        if kept is not None:
            self._found()
            return kept
        plan = self._made(sql, tables, ())
        self._plans.keep(sql, plan, list(tables))
        return plan

    def _made(
        self, sql: str, tables: Mapping[TableName, Table], values: Sequence[pa.Scalar]
    ) -> EmbeddedPlan:
        contexts = self._contexts.fit_for(sql)
        watch = self._lent.watch(contexts.own, self._check) if WATCHED in sql else None
        with translated(self._failures):
            for name, table in tables.items():
                self._register(name, table)
            frame = self._planned(sql, contexts.own, values)
        self._check()
        reads = reading(tables)
        return EmbeddedPlan(
            contexts, sql, frame, self._unstable, self._failures, self._stream, reads, watch
        )

    def _planned(self, sql: str, context: SessionContext, values: Sequence[pa.Scalar]) -> DataFrame:
        with large_as_calls(context, sql, values) as (text, others):
            bound = {number: _bindable(value) for number, value in others.items()}
            return context.sql(text, options=_QUERIES_ONLY, param_values=bound)

    def _are_known(self, tables: Mapping[TableName, Table]) -> bool:
        """Whether they are the tables that plans were made with."""
        return all(self._tables.get(name) is table for name, table in tables.items())

    def _found(self) -> None:
        self._check()
        self.plans_found += 1

    def provide(
        self,
        name: str,
        compute: Compute,
        arguments: Sequence[pa.DataType],
        result: pa.DataType,
    ) -> None:
        """Let statements of this session call a function; see `EngineSession.provide`."""
        self._unstable |= {name}
        self._context.register_udf(self._lent.add(name, compute, arguments, result))

    def limit_memory(self, memory_bytes: int) -> None:
        """Give this session a pool of its own; see `EngineSession`."""
        self._use(self._limited_to(memory_bytes))
        self._lent.register(self._context)

    def set_clocks(self, transaction: Moment, statement: Moment) -> None:
        """Let now() and statement_timestamp() tell these; see `EngineSession`."""
        if self._clocks is not None:
            self._clocks.forget()
        self._clocks = Clocks(transaction, statement)
        self._set_clocks()

    def set_time_zone(self, zone: str) -> None:
        """Reckon with dates and times of day in `zone` from now on; see `EngineSession`."""
        if zone != self._zone:
            self._context.sql(f"SET datafusion.execution.time_zone = '{zone}'").collect()
            self._zone = zone
            self._set_clocks()
            self._forget_tables()

    def cancel(self) -> None:
        """Stop the statement: its planning at its end, its stream at once; none is harmless."""
        self._cancelled = True  # before `_run` is read: a stream that starts now looks at it
        self._reads.stop()
        run = self._run
        if run is not None:
            run.cancel()

    def close(self) -> None:
        """Stop what runs and let go of the tables and of what was provided."""
        self.cancel()
        self._forget_tables()
        self._lent.close()
        if self._clocks is not None:
            self._clocks.forget()

    def _check(self) -> None:
        if self._cancelled:
            raise QueryCanceled("canceling statement due to user request")

    def _forget_tables(self) -> None:
        self._plans.clear()
        self._open.clear()
        for name in self._tables:
            self._schema(name.schema).deregister_table(name.name)
        self._tables.clear()

    def _register(self, name: TableName, table: Table) -> None:
        before = self._tables.get(name)
        if before is table:
            return
        schema = self._schema(name.schema)
        if before is not None:
            del self._tables[name]
            self._plans.forget(name)
            self._open.forget(name)
            schema.deregister_table(name.name)
        watched = self._watched(name, table)
        schema.register_table(name.name, self._provided(in_zone(watched, self._zone)))
        self._tables[name] = table

    def _watched(self, name: TableName, table: Table) -> Table:
        if isinstance(table, Partials):
            table.watch(self._reads.of(table.base))
        if isinstance(table, GridTable):
            return table.watched(self._reads.of(table.base or name))
        return table

    def _provided(self, table: Table) -> EngineTable | Dataset:
        if isinstance(table, Held) and len(table.schema):
            return self._shelf.table(table.held_rows)
        return as_dataset(table, self._failures, self.memory_bytes)

    def _schema(self, name: str) -> Schema:
        catalog = self._context.catalog(_CATALOG)
        if name not in catalog.schema_names():
            catalog.register_schema(name, Schema.memory_schema())
        return catalog.schema(name)

    def _stream(self, plan: EmbeddedPlan) -> Iterator[pa.RecordBatch]:
        self._check()
        if plan.is_short:
            rows = plan.rows()
            self._check()
            yield from rows
            return
        run = Run()
        self._run = run
        batches = self._batches(plan, run)
        try:
            self._check()
            while True:
                with translated(self._failures):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch
                self._run = run
        finally:
            if self._run is run:
                self._run = None
            batches.close()
            if self._cancelled and plan.watch is not None:
                self._end(plan.watch)

    def _end(self, watch: Watch) -> None:
        """Let a cancelled join's threads stop, and keep no plan that would call their watch."""
        watch.end()
        self._plans.clear()
        self._open.clear()

    def _batches(self, plan: EmbeddedPlan, run: Run) -> Generator[pa.RecordBatch]:
        if plan.nodes <= IN_ORDER:
            batches = run.batches(plan.streams_in_order())
            yield from limited(batches, *plan.limit) if plan.limit else batches
        else:
            yield from run.batches(plan.streams())
