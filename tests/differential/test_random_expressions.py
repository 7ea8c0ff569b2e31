"""Random expressions over the edges of each type: the same values as PostgreSQL 15, or a refusal.

More of them: other seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Connect
from tests.differential.answers import answer, same
from tests.differential.edges import KNOWN, expressions, over_columns, size


@pytest.mark.parametrize("drawn", [expressions, over_columns])
def test_no_value_is_silently_another(
    drawn: Callable[[int, int], list[str]], connect: Connect, postgres: Connect
) -> None:
    ours = connect()
    with postgres() as real:
        for expression in drawn(1, size()):
            query = f"SELECT {expression}"
            right, found = answer(real, query), answer(ours, query)
            if isinstance(right, str) or isinstance(found, str):
                continue
            alike = same((right[0], found[1]), right)  # extract is a double here
            assert alike or any(known in expression for known in KNOWN), (query, found, right)
