"""kill -9 at random moments: everything acknowledged is there, nothing half is."""

from __future__ import annotations

from pathlib import Path

from tests.store.crash import run


def test_nothing_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    assert run(2, tmp_path / "data", seed=7) > 0
