"""What the tests of the wire share: a real PostgreSQL, when there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire import postgres


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """Port of a real PostgreSQL 15."""
    reason = postgres.missing()
    if reason is not None:
        pytest.skip(reason)
    with postgres.running() as port:
        yield port
