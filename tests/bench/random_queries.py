"""Many random queries to a gateway and to a PostgreSQL: which are answered otherwise.

    python -m tests.bench.random_queries "host=127.0.0.1 port=5433" "host=127.0.0.1" 0 2000
    python -m tests.bench.random_queries GATEWAY REFERENCE 0 2000 --ways numbers cursor view

Four small tables are made in a schema of their own on both, and dropped at the end. A way is how
a query is asked: as it is, with its constants as parameters, through a cursor, a view, COPY.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from random import Random

import psycopg

from tests.bench.beside import parser
from tests.differential.answers import Answer, made, same
from tests.differential.queries import Queries
from tests.differential.ways import WAYS


def main() -> None:
    """Print each query that differs with both answers, and a count at the end."""
    arguments = parser(__doc__)
    arguments.add_argument("--ways", nargs="+", choices=[*WAYS, "all"], default=["plain"])
    asked = arguments.parse_args()
    ways = list(WAYS) if "all" in asked.ways else asked.ways
    outcomes: Counter[str] = Counter()
    schema = f"random_queries_{os.getpid()}"
    with (
        psycopg.connect(asked.gateway, autocommit=True) as gateway,
        psycopg.connect(asked.reference, autocommit=True) as reference,
        made(gateway, schema),
        made(reference, schema),
    ):
        for number in range(asked.first, asked.first + asked.numbers):
            drawn = Queries(Random(number))
            zone = f"SET TimeZone TO '{drawn.zone()}'".encode()
            for each in (gateway, reference):
                each.execute(zone)
            query = drawn.query()
            for way in ways:
                right, found = WAYS[way](reference, query), WAYS[way](gateway, query)
                for outcome, told in _compared(found, right):
                    outcomes[f"{way}: {outcome}"] += 1
                    if told:
                        print(f"{number} {way}: {query}\n{told}", flush=True)
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


def _compared(found: list[Answer], right: list[Answer]) -> Iterator[tuple[str, str]]:
    """What became of each answer, and both where they differ."""
    for ours, real in zip_longest(found, right, fillvalue="no answer"):
        if isinstance(real, str):
            yield f"the reference refuses: {real}", ""
        elif same(ours, real):
            yield "the same", ""
        else:
            outcome = ours if isinstance(ours, str) else "another answer"
            yield outcome, f"  gateway   {ours}\n  reference {real}"


if __name__ == "__main__":
    main()
