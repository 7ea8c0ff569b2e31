"""What would choke a differentiator is answered: with rows, or with 54001 and what to do."""

from __future__ import annotations

import pytest
from psycopg import errors

from tests.bench.bombs import BOMBS, FUNCTION
from tests.conftest import Connect

# These take seconds to read, and are refused for what others are: `python -m tests.bench.bombs`.
LONG = ("10,000 factors", "2,000 terms", "grad 12 times of a choice",
        "grad 12 times of a product", "grad 12 times of a function")  # fmt: skip
NAMES = [name for name in BOMBS if name not in LONG]


@pytest.mark.parametrize("name", NAMES)
def test_rows_or_a_refusal(connect: Connect, name: str) -> None:
    client, other = connect(), connect()
    client.execute(FUNCTION)
    query = f"SELECT {BOMBS[name]} FROM (VALUES (0.5, 0.7), (1.5, -1.0)) AS bombs(x, y)"
    try:
        assert len(client.execute(query).fetchall()) == 2
    except errors.StatementTooComplex as error:
        hint = error.diag.message_hint or ""
        assert "raise planning_steps" in hint or "raise statement_nodes" in hint
    assert client.execute("SELECT 1").fetchall() == other.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["60 calls deep", "grad 12 times", "grad 12 times of tan"])
def test_what_must_not_be_refused(connect: Connect, name: str) -> None:
    query = f"SELECT {BOMBS[name]} FROM (VALUES (0.5, 0.7)) AS bombs(x, y)"
    assert connect().execute(query).fetchone() is not None


def test_a_limit_is_a_setting(connect: Connect) -> None:
    with pytest.raises(errors.StatementTooComplex, match="too deep") as refused:
        connect().execute(f"SELECT {BOMBS['10,000 terms']} FROM (VALUES (0.5)) AS bombs(x)")
    assert refused.value.diag.message_hint == (
        "Name parts of them in subqueries, or raise planning_steps in the server's configuration."
    )
