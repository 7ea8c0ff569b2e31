"""DataFusion in this process: one context per client, over the tables each statement is handed.

A context costs 0.2 ms; it holds one client's tables and settings and nothing else, so nothing
leaks from one client to another. What the engine's errors mean is told by `faults`, how a running
query is read and stopped by `running`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
from datafusion import DataFrame, SessionConfig, SessionContext, SQLOptions, udf
from datafusion.catalog import Schema

from gateway.engine.faults import translated
from gateway.engine.functions import register_functions
from gateway.engine.placeholders import inferred, numbers
from gateway.engine.provider import as_dataset, kept
from gateway.engine.running import Run
from gateway.engine.zones import in_zone
from gateway.errors import GatewayError, QueryCanceled
from gateway.sources.table import Table, TableName

_CATALOG = "datafusion"

# What differs from DataFusion's defaults, and why.
_SETTINGS = {
    # The dialect in which gateway/sql prints. In its PostgreSQL dialect the parser reads the
    # argument of a call twice, so calls nested n deep take 2^n: 0.2 s at 16, minutes at 26.
    "datafusion.sql_parser.dialect": "Generic",
    # Its own 50 stops nested derivatives. The parser grows its stack as it goes: 1000 nested
    # operators, parentheses, CASEs or subqueries plan and run; planning is what gets slow (0.3 s
    # at 1000), so the limit stands where the wait ends, not where the stack does.
    "datafusion.sql_parser.recursion_limit": "4000",
    # As PostgreSQL: text is text, not a view into a buffer; timestamps without a zone are UTC.
    "datafusion.sql_parser.map_string_types_to_utf8view": "false",
    "datafusion.execution.time_zone": "UTC",
}

# One partition per fragment and nothing shuffled, for results that keep storage order; every
# subquery a join, for the types of the parameters in it.
_PLAIN = {
    "datafusion.optimizer.enable_round_robin_repartition": "false",
    "datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery": "false",
}

# Queries alone: everything else is the gateway's own work, and COPY would reach the server's files.
_QUERIES_ONLY = (
    SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)

# Plans made of these nodes alone read no table and take no time that could be cancelled: `collect`
# answers in half the time of a stream (120 against 250 us).
_INSTANT = frozenset(
    {"Projection", "EmptyRelation", "Values", "SubqueryAlias", "Limit", "Sort", "Filter", "Union",
     "Subquery", "Explain"}
)  # fmt: skip

# Plans made of these nodes keep the order of the rows they read when partitions are read in turn.
_IN_ORDER = frozenset(
    {"Projection", "Filter", "SubqueryAlias", "TableScan", "Union", "Values", "EmptyRelation"}
)
_LIMIT = re.compile(r"Limit: skip=(\d+), fetch=(\d+|None)$")


class Embedded:
    """DataFusion as an `Engine`.

    Args:
        threads: Partitions of one query that work at the same time; None takes one per core.
    """

    def __init__(self, threads: int | None = None) -> None:
        config = SessionConfig(_SETTINGS)
        self._config = config if threads is None else config.with_target_partitions(threads)
        self._plain = SessionContext(SessionConfig(_SETTINGS | _PLAIN).with_target_partitions(1))
        register_functions(self._plain)

    def new_session(self) -> EmbeddedSession:
        """A session of its own for one client."""
        context = SessionContext(self._config)
        register_functions(context)
        return EmbeddedSession(context, self._plain)

    def functions(self) -> frozenset[str]:
        """Names of every function, as DataFusion's information_schema.routines lists them."""
        return self._functions

    @cached_property
    def _functions(self) -> frozenset[str]:
        context = SessionContext(SessionConfig().with_information_schema(True))
        register_functions(context)
        names = context.sql("SELECT routine_name AS name FROM information_schema.routines")
        return frozenset(names.to_pydict()["name"])


class EmbeddedSession:
    """One client's context, the tables registered in it, and its running query."""

    def __init__(self, context: SessionContext, plain: SessionContext) -> None:
        self._context = context
        self._plain = plain
        self._zone = "UTC"
        self._failures: list[GatewayError] = []
        self._tables: dict[TableName, Table] = {}
        self._run: Run | None = None
        self._cancelled = False

    def begin(self) -> None:
        """A statement begins: what was cancelled before it is not meant for it."""
        self._cancelled = False

    def plan(
        self,
        sql: str,
        tables: Mapping[TableName, Table],
        parameters: Sequence[pa.Scalar] | None = None,
    ) -> EmbeddedPlan:
        """Plan `sql` over `tables`; a plan made before keeps reading the tables it was made with.

        Raises:
            GatewayError: what the engine refuses, with its SQLSTATE.
            QueryCanceled: 57014, once planning is over: it cannot be interrupted.
        """
        values = {str(number): value for number, value in enumerate(parameters or (), 1)}
        with translated(self._failures):
            for name, table in tables.items():
                self._register(name, table)
            frame = self._context.sql(sql, options=_QUERIES_ONLY, param_values=values)
        self._check()
        return EmbeddedPlan(self, sql, frame)

    def provide(
        self,
        name: str,
        compute: Callable[[Sequence[list[Any]]], list[Any]],
        arguments: Sequence[pa.DataType],
        result: pa.DataType,
    ) -> None:
        """Let statements of this session call a function; see `EngineSession.provide`."""

        def computed(*columns: pa.Array) -> pa.Array:
            with kept(self._failures):
                return pa.array(compute([column.to_pylist() for column in columns]), result)

        self._context.register_udf(udf(computed, list(arguments), result, "volatile", name))

    def set_time_zone(self, zone: str) -> None:
        """Reckon with dates and times of day in `zone` from now on; see `EngineSession`."""
        if zone != self._zone:
            self._context.sql(f"SET datafusion.execution.time_zone = '{zone}'").collect()
            self._zone = zone
            self._forget_tables()

    def cancel(self) -> None:
        """Stop the statement: its planning at its end, its stream at once; none is harmless."""
        self._cancelled = True  # before `_run` is read: a stream that starts now looks at it
        run = self._run
        if run is not None:
            run.cancel()

    def close(self) -> None:
        """Stop what runs and let go of the tables."""
        self.cancel()
        self._forget_tables()

    def _check(self) -> None:
        if self._cancelled:
            raise QueryCanceled("canceling statement due to user request")

    def _forget_tables(self) -> None:
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
            schema.deregister_table(name.name)
        schema.register_table(name.name, as_dataset(in_zone(table, self._zone), self._failures))
        self._tables[name] = table

    def _schema_of(self, frame: DataFrame) -> pa.Schema:
        with translated(self._failures):
            plan = frame.optimized_logical_plan()
            return self._context.create_dataframe_from_logical_plan(plan).schema()

    def _schema(self, name: str) -> Schema:
        catalog = self._context.catalog(_CATALOG)
        if name not in catalog.schema_names():
            catalog.register_schema(name, Schema.memory_schema())
        return catalog.schema(name)

    def _inferred_in_subqueries(self, frame: DataFrame) -> dict[int, pa.DataType]:
        frame = self._plain.create_dataframe_from_logical_plan(frame.logical_plan())
        try:
            with translated(self._failures):
                return inferred(repr(frame.optimized_logical_plan()))
        except GatewayError:  # no types are lost that planning itself had: LIMIT $1 ends here
            return {}

    def _stream(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        run = Run()
        self._run = run
        batches = self._batches(frame, run)
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

    def _batches(self, frame: DataFrame, run: Run) -> Generator[pa.RecordBatch]:
        plan = frame.logical_plan()
        limit, nodes = _nodes(plan.display_indent())
        if nodes <= _INSTANT:
            rows = frame.collect()
            self._check()
            yield from rows
        elif nodes <= _IN_ORDER:
            inner = plan.inputs()[0] if limit else plan
            frame = self._plain.create_dataframe_from_logical_plan(inner)
            batches = run.batches(frame.execute_stream_partitioned())
            yield from _limited(batches, *limit) if limit else batches
        else:
            yield from run.batches([frame.execute_stream()])


class EmbeddedPlan:
    """A planned query of one session."""

    def __init__(self, session: EmbeddedSession, sql: str, frame: DataFrame) -> None:
        self._session = session
        self._sql = sql
        self._frame = frame

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the result's columns.

        Read from the optimised plan: as first planned, CASE and UNION still have the type of their
        first branch, whatever the others widen it to.
        """
        return self._session._schema_of(self._frame)

    @cached_property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """Type that planning inferred for each `$n`; None where it could not tell."""
        wanted = numbers(self._sql)
        if not wanted:
            return {}
        found = inferred(repr(self._frame.logical_plan()))
        if not found.keys() >= set(wanted):
            found = self._session._inferred_in_subqueries(self._frame) | found
        return {number: found.get(number) for number in wanted}

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Run the plan; see `gateway.engine.interface.Plan.stream`.

        Rows of a plain scan, filtered, projected or limited, come in storage order.
        """
        return self._session._stream(self._frame)


def _nodes(display: str) -> tuple[tuple[int, int | None] | None, set[str]]:
    """A plan's outermost LIMIT as (skip, fetch), if it has a plain one, and its other nodes' names.

    A string literal with a line break in it can only add a name, never hide one.

    >>> limit, nodes = _nodes("Limit: skip=0, fetch=5\\n  Projection: t.x\\n    TableScan: t")
    >>> limit, sorted(nodes)
    ((0, 5), ['Projection', 'TableScan'])
    """
    lines = display.split("\n")
    limit = _LIMIT.match(lines[0])
    names = {line.strip().partition(":")[0] for line in lines[1 if limit else 0 :]}
    if limit is None:
        return None, names
    fetch = limit[2]
    return (int(limit[1]), None if fetch == "None" else int(fetch)), names


def _limited(
    batches: Iterator[pa.RecordBatch], skip: int, fetch: int | None
) -> Iterator[pa.RecordBatch]:
    """Rows `skip` to `skip + fetch`; reads no batch beyond them."""
    left = fetch
    while left is None or left > 0:
        batch = next(batches, None)
        if batch is None:
            return
        skipped = min(skip, batch.num_rows)
        skip -= skipped
        batch = batch.slice(skipped, left)
        if left is not None:
            left -= batch.num_rows
        if batch.num_rows:
            yield batch
