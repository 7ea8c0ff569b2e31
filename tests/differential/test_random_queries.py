"""Random queries to the gateway and to PostgreSQL 15: the same columns and the same rows.

`python -m tests.bench.random_queries` tries more of them.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.conftest import Connect
from tests.differential.answers import answer, made, same
from tests.differential.queries import Queries

# Two orders that the engine cannot keep in one plan are refused, never confused.
REFUSED = ("0A000",)


@pytest.mark.parametrize("first", [0, 40, 80])
def test_the_same_rows(first: int, connect: Connect, postgres: Connect) -> None:
    ours = connect()
    with postgres() as real, made(ours), made(real):
        for number in range(first, first + 40):
            drawn = Queries(Random(number))
            zone = f"SET TimeZone TO '{drawn.zone()}'"
            ours.execute(zone.encode())
            real.execute(zone.encode())
            query = drawn.query()
            right = answer(real, query)
            if isinstance(right, str):  # the grammar allows what PostgreSQL does not
                continue
            found = answer(ours, query)
            assert found in REFUSED or same(found, right), (number, query, found, right)
