"""`ORDER BY v LIMIT 10 OFFSET 1000000`: rows far from the first, for which all rows are sorted.

For a LIMIT the engine (DataFusion 55) keeps as many rows as it and OFFSET say together, in memory
alone and each new one compared with them: of ten million values 0.5 s for 10,000, 3.4 s for
100,000, 21 s for a million, and 53200 where the memory ends. It sorts all of them in 2 s, and
spills.
So the sort is planned without the two, and its rows are counted as they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import Around, Plan
from gateway.session.queries.first_rows import MOST_ROWS, counts_of

# What a row that is kept may take of the memory: 650 bytes of four columns and their sort's keys,
# in each of several threads.
_ROW_BYTES = 4096


def far_counts(
    tree: exp.Expr, values: Sequence[pa.Scalar], memory_bytes: int | None
) -> tuple[int, int] | None:
    """LIMIT and OFFSET of a sorted query that the engine had better not know; None: it may.

    Args:
        tree: The query for the engine.
        values: Of `$1`, `$2`, ...
        memory_bytes: What queries may hold; None: as much as there is.
    """
    counts = counts_of(tree, values) if tree.args.get("order") is not None else None
    most = MOST_ROWS if memory_bytes is None else min(MOST_ROWS, memory_bytes // _ROW_BYTES)
    # What is no bigint the engine refuses.
    far = counts is not None and most < sum(counts) and max(counts) < 1 << 63
    return counts if far else None


def without_counts(tree: exp.Expr) -> exp.Expr:
    """The query without its LIMIT and OFFSET; it is not changed."""
    whole = tree.copy()
    whole.set("limit", None)
    whole.set("offset", None)
    return whole


def counted(plan: Plan, counts: tuple[int, int] | None) -> Plan:
    """The plan of a query `without_counts`, and its rows counted; None: as it is."""
    return plan if counts is None else _Counted(plan, *counts)


class _Counted(Around):
    """Some of the rows of a plan.

    Args:
        plan: The plan.
        most: How many rows.
        skipped: How many come before them.
    """

    def __init__(self, plan: Plan, most: int, skipped: int) -> None:
        super().__init__(plan)
        self._most, self._skipped = most, skipped

    @property
    def keeps_order(self) -> bool:
        """As the plan."""
        return self._plan.keeps_order

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Run the plan; see `gateway.engine.interface.Plan.stream`."""
        skipped, left = self._skipped, self._most
        batches: Any = self._plan.stream()
        with closing(batches):
            for batch in batches if left else ():
                if skipped >= batch.num_rows:
                    skipped -= batch.num_rows
                    continue
                found = batch.slice(skipped, left)
                skipped, left = 0, left - found.num_rows
                yield found
                if not left:
                    return
