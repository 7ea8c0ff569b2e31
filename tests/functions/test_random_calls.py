"""Random calls of functions of numbers and texts give what they give in PostgreSQL 15.

Values, types and SQLSTATEs; a numeric of PostgreSQL's may be a double here, as docs/sql.md tells,
and then its first fourteen digits count. The calls are the same in each run;
`GRADWIRE_EXAMPLES=50 pytest tests/functions/test_random_calls.py` asks for 50 others of each row.
"""

from __future__ import annotations

import math
import random
from typing import Any

import psycopg
import pytest

from tests.examples import WANTED
from tests.functions.calls import NUMBERS, TEXTS, calls

NUMERIC, DOUBLE, NUMERICS, DOUBLES = 1700, 701, 1231, 1022
_ALIKE = {NUMERIC: DOUBLE, NUMERICS: DOUBLES}

Answer = tuple[int, str | None]


def _answer(connection: psycopg.Connection[Any], call: str) -> Answer | str:
    try:
        result = connection.execute(f"SELECT {call}".encode()).pgresult
    except psycopg.Error as error:
        return str(error.sqlstate)
    assert result is not None
    value = result.get_value(0, 0)
    return result.ftype(0), None if value is None else value.decode()


def _alike(found: Answer | str, right: Answer | str) -> bool:
    if isinstance(found, str) or isinstance(right, str):
        return found == right
    if found[0] not in (right[0], _ALIKE.get(right[0])):
        return False
    if found[1] == right[1]:
        return True
    numbers = found[0] in (NUMERIC, DOUBLE) and found[1] is not None and right[1] is not None
    return numbers and math.isclose(float(str(found[1])), float(str(right[1])), rel_tol=1e-14)


@pytest.mark.parametrize("table", [NUMBERS, TEXTS], ids=["numbers", "texts"])
def test_as_postgresql_computes(
    table: str, client: psycopg.Connection[Any], real: psycopg.Connection[Any]
) -> None:
    seed = random.randrange(2**32) if WANTED else 20
    asked = list(calls(table, seed, WANTED or 3))
    found = {call: (_answer(client, call), _answer(real, call)) for call in asked}
    assert {call: pair for call, pair in found.items() if not _alike(*pair)} == {}
