"""A bounded run of the random schedules; `python -m tests.store.interleavings` runs more."""

from __future__ import annotations

import pytest

from gateway.engine.embedded import Embedded
from gateway.session.gateway import Gateway
from gateway.store.tables import Store
from gateway.store.transactions.isolation import Isolation
from tests.store.interleavings import run


@pytest.fixture
def gateway(store: Store) -> Gateway:
    return Gateway(Embedded(), store, {})


@pytest.mark.parametrize("level", Isolation)
def test_schedules_answer_as_the_model_says(gateway: Gateway, level: Isolation) -> None:
    for seed in range(5):
        assert run(gateway, level, seed) == []


def test_what_commits_at_serializable_is_serial_in_some_order(gateway: Gateway) -> None:
    for seed in range(8):
        assert run(gateway, Isolation.SERIALIZABLE, seed, check_serial=True) == []
