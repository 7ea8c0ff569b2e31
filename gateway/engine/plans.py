"""Planned queries of one client, and those of them that are kept to be run again.

Planning costs what a short query costs, and clients send the same text over and over. A plan is
kept while every table it reads is the same object as when it was planned. Run again, it is
optimised anew, since the engine folds now() while it optimises; what names no such function keeps
its physical plan too, as long as all of its nodes can be run again, and what reads no table or few
rows, the few that came out: its tables are the same rows for as long as it is kept. To run a
physical plan takes 0.1 to 0.2 ms, to make one 0.4 to 2 ms, 2 to 5 ms over a grid, for which a
filter is settled and parts are cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import pyarrow as pa
from datafusion import DataFrame, SessionContext
from datafusion.plan import ExecutionPlan, LogicalPlan
from datafusion.record_batch import RecordBatchStream

from gateway.engine.contexts import Contexts
from gateway.engine.faults import translated
from gateway.engine.null_conditions import planned
from gateway.engine.placeholders import inferred, numbers
from gateway.engine.reading import Reading
from gateway.engine.session_functions import Watch
from gateway.errors import GatewayError
from gateway.sources.table import TableName

# Plans made of these nodes alone read no table and take no time that could be cancelled: `collect`
# answers in half the time of a stream (120 against 250 us).
INSTANT = frozenset(
    {"Projection", "EmptyRelation", "Values", "SubqueryAlias", "Limit", "Sort", "Filter", "Union",
     "Subquery", "Explain"}
)  # fmt: skip
_CONSTANT = INSTANT - {"Explain"}

_SCANNING = frozenset(
    {"Projection", "Filter", "SubqueryAlias", "TableScan", "Values", "EmptyRelation"}
)
# Plans made of these nodes keep the order of the rows they read when partitions are read in turn,
# and that of the steps of a recursive query.
IN_ORDER = _SCANNING | {"Union", "RecursiveQuery"}

_SUMS = (Reading.SUMS, Reading.QUICK_SUMS)
# Plans made of these nodes give no more rows than they read. Over few rows in memory they take no
# time that could be cancelled: they are read in the thread that asks, where a stream that can be
# cancelled wakes another one three times, for each of which a busy machine takes its time.
_NARROWING = _SCANNING | {"Limit", "Sort", "Aggregate", "Distinct"}
_GENERATORS = frozenset({"generate_series", "range"})  # tables of any size to the planner

# Nodes of a physical plan that keep nothing of a run but counts. Joins keep the side they built,
# recursive queries their working table.
_REPEATABLE = frozenset(
    {"ProjectionExec", "FilterExec", "PlaceholderRowExec", "EmptyExec", "DatasetExec",
     "DataSourceExec", "CooperativeExec", "UnionExec", "AggregateExec", "SortExec",
     "GlobalLimitExec", "LocalLimitExec", "CoalesceBatchesExec", "CoalescePartitionsExec",
     "SortPreservingMergeExec"}
)  # fmt: skip
# What else keeps something: a sort of the first rows alone, or an aggregate of so many groups, the
# value that later rows must pass, which those of another run would have to pass too.
_KEEPING = re.compile(r"TopK|\blim=\[|DynamicFilter")
# Each run adds to a physical plan's counts, which nothing clears.
_MOST_RUNS = 200

# How much a client's session keeps.
MOST_PLANS = 64
_LONGEST_TEXT = 10_000
_LARGEST_CONSTANT = 10_000  # bytes

# What makes much of little, so that it may take long; see `functions.result_sizes`.
_GROWING = frozenset({"at_run_time", "text_at_run_time"})

# Words of SQL without which the analysed plan's columns are those of the plan as it was made.
_WIDENING = frozenset({"case", "union", "intersect", "except", "recursive"})

_LIMIT = re.compile(r"Limit: skip=(\d+), fetch=(\d+|None)$")
_WORDS = re.compile(r"[a-z_][a-z0-9_]*")


class EmbeddedPlan:
    """A planned query of one session.

    Args:
        contexts: Where it is planned and run.
        sql: What was planned.
        frame: The engine's plan of it.
        unstable: Functions whose value is not that of an earlier run.
        failures: Errors that scans raised, for `translated`.
        run: What reads its batches, in the session's own way.
        reads: What its tables are.
        watch: What its joins' threads ask whether they are to go on.
    """

    def __init__(
        self,
        contexts: Contexts,
        sql: str,
        frame: DataFrame,
        unstable: frozenset[str],
        failures: list[GatewayError],
        run: Callable[[EmbeddedPlan], Iterator[pa.RecordBatch]],
        reads: Reading = Reading.ANY,
        watch: Watch | None = None,
    ) -> None:
        self.sql, self.watch = sql, watch
        self._run = run
        self._contexts, self._failures = contexts, failures
        self._logical = frame.logical_plan()
        self._frame: DataFrame | None = frame
        self._unstable = unstable
        self._rows: list[pa.RecordBatch] | None = None
        self._physical: ExecutionPlan | None = None
        self._runs = 0
        self._few, self._reads = reads is Reading.FEW, reads
        self._in_thread = reads in (Reading.FEW, Reading.QUICK_SUMS)
        self._open = False  # each run has values of its own
        self._was_run, self._may_keep = False, True

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the result's columns.

        As first planned, CASE and UNION still have the type of their first branch, whatever the
        others widen it to: where one stands, the plan tells once it is analysed.
        """
        with translated(self._failures):
            bare = self._contexts.bare
            frame = bare.create_dataframe_from_logical_plan(self._logical)
            if not _WIDENING.isdisjoint(_WORDS.findall(self.sql.lower())):
                analysed = frame.optimized_logical_plan()  # as far as `bare` goes
                frame = bare.create_dataframe_from_logical_plan(analysed)
            return frame.schema()

    @cached_property
    def parameters(self) -> Mapping[int, pa.DataType | None]:
        """Type that planning inferred for each `$n`; None where it could not tell."""
        wanted = numbers(self.sql)
        if not wanted:
            return {}
        found = inferred(repr(self._logical))
        if not found.keys() >= set(wanted):
            found = self._inferred_in_subqueries() | found
        return {number: found.get(number) for number in wanted}

    def _inferred_in_subqueries(self) -> dict[int, pa.DataType]:
        try:
            with translated(self._failures):
                return inferred(repr(self._fresh(self._contexts.plain).optimized_logical_plan()))
        except GatewayError:  # no types are lost that planning itself had: LIMIT $1 ends here
            return {}

    @cached_property
    def nodes(self) -> frozenset[str]:
        """Names of the plan's nodes, but for an outermost LIMIT."""
        return self._shape[1]

    @property
    def keeps_order(self) -> bool:
        """Whether its rows come in the order in which its one table gives them."""
        return self.nodes <= _SCANNING

    @property
    def logical(self) -> LogicalPlan:
        """The plan as it was first made."""
        return self._logical

    @property
    def limit(self) -> tuple[int, int | None] | None:
        """The plan's outermost LIMIT as (skip, fetch), if it has a plain one."""
        return self._shape[0]

    @cached_property
    def _shape(self) -> tuple[tuple[int, int | None] | None, frozenset[str]]:
        return shape(self._logical.display_indent())

    @cached_property
    def _is_stable(self) -> bool:
        """Whether a run later gives what one gives now, over the same tables."""
        return self._unstable.isdisjoint(_WORDS.findall(self.sql.lower()))

    @cached_property
    def is_short(self) -> bool:
        """Whether all of its rows are there sooner than a stream of them would begin."""
        words = _WORDS.findall(self.sql.lower())
        if self.nodes <= INSTANT and _GROWING.isdisjoint(words):
            return True
        narrow = self._in_thread and self.nodes <= _NARROWING
        return narrow and self._is_stable and _GENERATORS.isdisjoint(words)

    def rows(self) -> list[pa.RecordBatch]:
        """All rows of a short plan, which cannot be cancelled."""
        if self._rows is not None:
            return self._rows
        with translated(self._failures):
            if self._in_thread or self._physical is not None:
                rows = self._run_physical(self._logical)
            else:
                rows = planned(lambda: self._fresh(self._contexts.own).collect())
        if self._is_stable and not self._open and (self._few or self.nodes <= _CONSTANT):
            size = sum(batch.nbytes for batch in rows)
            self._rows = rows if size <= _LARGEST_CONSTANT else None
        return rows

    def with_values(self, values: Sequence[pa.Scalar]) -> None:
        """It holds those that it was made with."""

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Run the plan; see `gateway.engine.interface.Plan.stream`.

        Rows of a plain scan, filtered, projected or limited, come in storage order.
        """
        return self._run(self)

    def streams(self) -> list[RecordBatchStream]:
        """The one stream of any plan."""
        if self._reads in _SUMS and self.nodes <= _NARROWING:
            return self._executed(self._logical)  # in one part, which can be run again
        again, self._was_run = self._was_run, True
        kept = self._kept_stream() if again and self._reads is Reading.STEADY else None
        if kept is not None:
            return [kept]
        return [planned(lambda: self._fresh(self._contexts.own).execute_stream())]

    def _kept_stream(self) -> RecordBatchStream | None:
        """The stream of the physical plan that is kept; None: it cannot be run again."""
        if self._physical is None or self._runs >= _MOST_RUNS:
            if not self._may_keep:
                return None
            physical = planned(self._fresh(self._contexts.own).execution_plan)
            self._may_keep = physical.partition_count == 1 and self._may_repeat(physical)
            self._physical, self._runs = (physical if self._may_keep else None), 0
        if self._physical is None:
            return None
        self._runs += 1
        return self._contexts.bare.execute(self._physical, 0)

    def streams_in_order(self) -> list[RecordBatchStream]:
        """A stream for each partition of an `IN_ORDER` plan, without its LIMIT."""
        return self._executed(self._logical.inputs()[0] if self.limit else self._logical)

    def _run_physical(self, logical: LogicalPlan) -> list[pa.RecordBatch]:
        """All rows, read in this thread."""
        return [batch.to_pyarrow() for stream in self._executed(logical) for batch in stream]

    def _executed(self, logical: LogicalPlan) -> list[RecordBatchStream]:
        """A stream for each partition, of the physical plan that was kept if there is one."""
        physical = self._physical
        if physical is None or self._runs >= _MOST_RUNS:
            frame = self._contexts.plain.create_dataframe_from_logical_plan(logical)
            physical = planned(frame.execution_plan)
            self._physical, self._runs = (physical if self._may_repeat(physical) else None), 0
        self._runs += 1
        return [self._contexts.bare.execute(physical, n) for n in range(physical.partition_count)]

    def serves_all_values(self) -> bool:
        """Whether short runs of any values can share the plan.

        They share the physical one as well, unless that keeps something of a run; then it is made
        of the logical one for each, which saves a third of planning.
        """
        self._open = True
        if not (self.is_short and self._is_stable) or "Explain" in self.nodes:
            return False
        with translated(self._failures):
            self._executed(self._logical)
        return True

    def _may_repeat(self, physical: ExecutionPlan) -> bool:
        display = physical.display_indent()
        nodes = {line.strip().partition(":")[0] for line in display.splitlines()}
        return self._is_stable and nodes <= _REPEATABLE and not _KEEPING.search(display)

    def _fresh(self, context: SessionContext) -> DataFrame:
        """The plan to be optimised or run: of a moment of its own, which now() will tell."""
        frame, self._frame = self._frame, None
        if frame is not None and context is self._contexts.own:
            return frame
        return context.create_dataframe_from_logical_plan(self._logical)


class Plans:
    """The plans of one session by their text, the newest first to stay."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[EmbeddedPlan, frozenset[TableName]]] = {}

    def find(self, text: str) -> EmbeddedPlan | None:
        """The plan of that text, if it is kept."""
        found = self._kept.pop(text, None)
        if found is None:
            return None
        self._kept[text] = found
        return found[0]

    def keep(self, text: str, plan: EmbeddedPlan, tables: Sequence[TableName]) -> None:
        """Keep a plan over these tables; the one that was used least lately makes room."""
        if len(text) > _LONGEST_TEXT:
            return
        self._kept[text] = plan, frozenset(tables)
        if len(self._kept) > MOST_PLANS:
            del self._kept[next(iter(self._kept))]

    def forget(self, table: TableName) -> None:
        """Let go of all plans over a table that is another one now."""
        over = [sql for sql, (_, tables) in self._kept.items() if table in tables]
        for sql in over:
            del self._kept[sql]

    def clear(self) -> None:
        """Let go of every plan."""
        self._kept.clear()


def shape(display: str) -> tuple[tuple[int, int | None] | None, frozenset[str]]:
    """A plan's outermost LIMIT as (skip, fetch), if it has a plain one, and its other nodes' names.

    A string literal with a line break in it can only add a name, never hide one.

    >>> limit, nodes = shape("Limit: skip=0, fetch=5\\n  Projection: t.x\\n    TableScan: t")
    >>> limit, sorted(nodes)
    ((0, 5), ['Projection', 'TableScan'])
    """
    lines = display.split("\n")
    limit = _LIMIT.match(lines[0])
    names = frozenset(line.strip().partition(":")[0] for line in lines[1 if limit else 0 :])
    if limit is None:
        return None, names
    fetch = limit[2]
    return (int(limit[1]), None if fetch == "None" else int(fetch)), names


def limited(
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
