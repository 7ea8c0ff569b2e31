"""Random schemas and writes to the gateway and to PostgreSQL 15: same counts, errors and rows.

`python -m tests.bench.random_writes` tries as many others as you like.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.writing_alike import KINDS, difference


@pytest.mark.parametrize(
    ("kind", "seed"), [*(("narrow", n) for n in range(5)), *(("wide", n) for n in range(3))]
)
def test_the_same_writes_do_the_same(
    kind: str, seed: int, connect: Connect, postgres: psycopg.Connection[Any]
) -> None:
    postgres.execute("ROLLBACK")  # of what another test left
    postgres.execute("CREATE SCHEMA IF NOT EXISTS public")
    writes = KINDS[kind](seed, f"rw_{kind}{seed}")
    assert difference(connect(), postgres, writes, 16 if kind == "narrow" else 10) == ""
