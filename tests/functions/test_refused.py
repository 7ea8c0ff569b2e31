"""docs/sql.md lists what is refused by name: each line of its ```refused block is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
BLOCK = re.compile(r"^```refused\n(.*?)^```", re.M | re.S)
STATEMENTS = [line for block in BLOCK.findall(PAGE.read_text()) for line in block.splitlines()]


def test_the_page_lists_some() -> None:
    assert len(STATEMENTS) > 10


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_the_page_lists_is_refused_by_name(
    statement: str, client: psycopg.Connection[Any]
) -> None:
    client.execute("CREATE TABLE t (id int, name text)")
    client.execute("INSERT INTO t VALUES (1, 'a')")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        client.execute(statement.encode())
