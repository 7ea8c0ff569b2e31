"""A few of the catalogue's operators, casts and functions over edge values, as PostgreSQL has them.

All of them: `python -m tests.bench.operators`.
"""

from __future__ import annotations

from random import Random

from tests.conftest import Connect
from tests.differential.answers import answer, same
from tests.differential.catalogue import calls, listed

_OF = ("date + integer", 'integer::"char"', '"char"::integer', "array_lower", "timestamp < date",
       "real::numeric", "interval * double precision", "jsonb || jsonb")  # fmt: skip


def test_no_call_is_silently_another(connect: Connect, postgres: Connect) -> None:
    ours, random = connect(), Random(0)
    tried = 0
    with postgres() as real:
        for one in (each for each in listed(real) if each.name.startswith(_OF)):
            for query in (f"SELECT {call}" for call in calls(one, random, 4)):
                right, found = answer(real, query), answer(ours, query)
                if isinstance(right, str) or isinstance(found, str):
                    continue
                tried += 1
                assert same(found, right), (query, found, right)
    assert tried > 20
