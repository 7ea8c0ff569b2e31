"""What queries may hold: one pool for all sessions, another for a session that has its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from gateway.engine.embedded import Embedded, EmbeddedSession
from gateway.errors import OutOfMemory

SORTED = "SELECT (n * 7919) % 1000003 AS k, n FROM generate_series(1, 600000) AS t(n) ORDER BY k, n"
# The hashed side takes more than half of 24 MiB.
HASHED = (
    "SELECT a.n FROM generate_series(1, 800000) AS a(n)"
    " JOIN generate_series(1, 9000000) AS b(n) ON a.n = b.n - 7"
)


@pytest.fixture(scope="module")
def bounded() -> Embedded:
    return Embedded(threads=1, memory_bytes=24 << 20)


def _held(session: EmbeddedSession) -> Iterator[pa.RecordBatch]:
    batches = session.plan(HASHED, {}).stream()
    next(batches)
    return batches


def test_a_sort_of_more_than_memory_gives_every_row_in_order(bounded: Embedded) -> None:
    session = bounded.new_session()
    session.limit_memory(16 << 20)  # ten megabytes, which are written and merged
    found = pa.Table.from_batches(list(session.plan(SORTED, {}).stream()))
    numbers = np.arange(1, 600_001)
    wanted = numbers[np.argsort(numbers * 7919 % 1_000_003, kind="stable")]
    assert np.array_equal(found.column("n").to_numpy(), wanted)


def test_sessions_share_one_pool_but_those_with_their_own(bounded: Embedded) -> None:
    one, other, own = (bounded.new_session() for _ in range(3))
    own.limit_memory(24 << 20)
    held = _held(one)
    with pytest.raises(OutOfMemory):
        _held(other)
    _held(own).close()
    held.close()
    _held(other).close()
