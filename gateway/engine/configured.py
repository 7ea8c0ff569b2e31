"""How DataFusion is set up: its settings, threads and memory; and how little freed memory is kept.

Two allocators keep it at hand. The engine's has a heap for each of its threads, and what one thread
frees of another's waits until that one allocates again; the C library's, which NumPy uses, takes
ever larger blocks for small ones and keeps these. Ten million rows of four columns sorted under a
bound of 64 MiB grew the process by 338 MiB, of which 312 stayed, with 16 threads and as the C
library has it; by 140 with four threads and large blocks given back, and by 55 when sorted again.
"""

from __future__ import annotations

import ctypes
import os

from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext

# What differs from DataFusion's defaults, and why.
SETTINGS = {
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
    # The plan of an aggregate is refused, as a fault of the engine, where its logical half knows
    # that a CASE is never NULL and its physical half does not: sum(CASE WHEN a < b THEN b ELSE 2
    # END) twice over one such CASE. The values do not depend on it.
    "datafusion.execution.skip_physical_aggregate_schema_check": "true",
    # It bounds the keys of one side by what it takes for the least and the greatest of the other's,
    # and among arrays with NULL in them takes the wrong ones: rows are lost. Nothing is slower.
    "datafusion.optimizer.enable_join_dynamic_filter_pushdown": "false",
    # A side of a join up to these is gathered once, and the other streams by. Above its defaults,
    # 1 MiB and 131,072 rows, both sides are copied into partitions first: twice the work of the
    # whole join for 3 million rows beside half a million.
    "datafusion.optimizer.hash_join_single_partition_threshold": str(32 << 20),
    "datafusion.optimizer.hash_join_single_partition_threshold_rows": "1000000",
}

# One partition per fragment and nothing shuffled, for results that keep storage order; every
# subquery a join, for the types of the parameters in it.
PLAIN = {
    "datafusion.optimizer.enable_round_robin_repartition": "false",
    "datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery": "false",
    # A plan that is run again would begin with the filters that its last run ended with.
    "datafusion.optimizer.enable_dynamic_filter_pushdown": "false",
}

# For plans that are finished, or are only to be typed: the analyser widens types, and without a
# pass of the optimiser behind it takes 15 us for what took 65 to 200.
FINISHED = PLAIN | {"datafusion.optimizer.max_passes": "0"}

# What each of the spilled files that are merged at a time may take of the bound. The engine merges
# as many as it finds room for, and holds batches of each: ten million rows sorted under a bound of
# 64 MiB grew the process by 188 MiB, four files at a time by 139, two by 133 in twice the time.
_MERGED_BYTES = 16 << 20
_FEWEST_MERGED = 4


def pool_of(memory_bytes: int) -> RuntimeEnvBuilder:
    """A pool of so much memory, which queries share evenly, and spill to files beside it."""
    return RuntimeEnvBuilder().with_disk_manager_os().with_fair_spill_pool(memory_bytes)


def context_of(
    config: SessionConfig, runtime: RuntimeEnvBuilder | None, memory_bytes: int | None
) -> SessionContext:
    """A context whose queries hold their memory in a pool of so much; None: as much as there is."""
    context = SessionContext(config, runtime)
    if memory_bytes is not None:
        merged = max(_FEWEST_MERGED, memory_bytes // _MERGED_BYTES)
        context.sql(f"SET datafusion.runtime.max_spill_merge_fan_in = {merged}")
    return context


def without_functions(
    config: SessionConfig, runtime: RuntimeEnvBuilder | None, memory_bytes: int | None
) -> SessionContext:
    """A context that knows no function: plans hold those that they call."""
    context = context_of(config, runtime, memory_bytes)
    for name in context.udfs():
        context.deregister_udf(name)
    for name in context.udafs():
        context.deregister_udaf(name)
    for name in context.udwfs():
        context.deregister_udwf(name)
    return context


# How long the engine's allocator keeps freed memory, in milliseconds; it is asked as it is loaded.
# With its own second a statement that makes and drops blocks of megabytes holds all that it made in
# that time, and a server that is idle then keeps it. Ten million rows sorted under 64 MiB grew the
# process by 152 MiB with a tenth of it, by 111 with a hundredth, which costs no time, and
# by 64 with none, where reading all columns of a grid took 1.4 times as long.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "10")

# Bounds from here on leave room for what is kept; giving large blocks back costs page faults, which
# are some tenths of a scan.
PLENTY_BYTES = 1 << 30

# The engine's threads, for all queries; it reads this once, when the first is planned. A join that
# makes its pairs keeps a thread of each partition: with as many threads as cores two such kept
# everybody else waiting.
_MOST_WORKERS = max(16, 2 * (os.cpu_count() or 1))
_FEWEST_WORKERS = max(4, os.cpu_count() or 1)
_WORKER_BYTES = 32 << 20

# Larger than the megabyte in which aggregates are computed, smaller than chunks and blocks.
_GIVEN_BACK_BYTES = 9 << 17
_M_MMAP_THRESHOLD = -3  # malloc.h


def workers(memory_bytes: int | None) -> int:
    """How many threads the engine is to have under that bound; None: as much as there is.

    >>> workers(1 << 40) >= workers(64 << 20) >= 4
    True
    """
    if memory_bytes is None:
        return _MOST_WORKERS
    return min(_MOST_WORKERS, max(_FEWEST_WORKERS, memory_bytes // _WORKER_BYTES))


def keep_little(memory_bytes: int | None) -> None:
    """From now on give large blocks back as they are freed, where the bound is below plenty.

    It holds for the whole process. Nothing is done where the C library is not GNU's.
    """
    if memory_bytes is None or memory_bytes >= PLENTY_BYTES:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
