"""One engine for all its tests, a session for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.engine.embedded import Embedded, EmbeddedSession
from tests.engine.tables import T


@pytest.fixture(scope="session")
def engine() -> Embedded:
    return Embedded(threads=4)


@pytest.fixture
def session(engine: Embedded) -> Iterator[EmbeddedSession]:
    made = engine.new_session()
    yield made
    made.close()


@pytest.fixture
def rows(session: EmbeddedSession) -> Callable[..., list[tuple[Any, ...]]]:
    """Rows of a query; a table given without a name is public.t."""

    def run(sql: str, table: Any = None, parameters: Any = None) -> list[tuple[Any, ...]]:
        tables = {} if table is None else table if isinstance(table, dict) else {T: table}
        plan = session.plan(sql, tables, parameters)
        return [
            row
            for batch in plan.stream()
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]

    return run
