"""Gradients of random losses beside differences of the losses, both by this engine.

`python -m tests.bench.random_gradients` compares many more with a PostgreSQL.
"""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.errors import GatewayError
from tests.autodiff.random_losses import STEPS, Losses, Slopes, judged, slopes
from tests.autodiff.relations import run


def values(text: str) -> Slopes:
    rows = [value for row in run(text, {}) for value in row.values()]
    return [None if value is None else float(str(value)) for value in rows]


@pytest.mark.parametrize("seed", [9, 32, 42])
def test_gradients_are_differences(seed: int) -> None:
    loss = Losses(seed).loss()
    seen: Counter[str] = Counter()
    for column, text in loss.gradients():
        try:
            found = values(text)
        except GatewayError as error:
            assert error.code == "0A000"
            continue
        wanted = [slopes(loss, column, step, values) for step in STEPS]
        seen[judged(found, wanted, values(loss.value()))] += 1
    assert seen["right"] > 0
    assert seen["wrong"] == 0, text
