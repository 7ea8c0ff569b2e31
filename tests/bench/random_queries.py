"""Many random queries to a gateway and to a PostgreSQL: which are answered otherwise.

    python -m tests.bench.random_queries "host=127.0.0.1 port=5433" "host=127.0.0.1" 0 2000

Four small tables are made in a schema of their own on both, and dropped at the end.
"""

from __future__ import annotations

import argparse
from collections import Counter
from random import Random

import psycopg

from tests.differential.answers import answer, made, same
from tests.differential.queries import Queries


def main() -> None:
    """Print each query that differs with both answers, and a count at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("reference")
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with (
        psycopg.connect(asked.gateway, autocommit=True) as gateway,
        psycopg.connect(asked.reference, autocommit=True) as reference,
        made(gateway),
        made(reference),
    ):
        for number in range(asked.first, asked.first + asked.count):
            drawn = Queries(Random(number))
            zone = f"SET TimeZone TO '{drawn.zone()}'".encode()
            for each in (gateway, reference):
                each.execute(zone)
            query = drawn.query()
            right = answer(reference, query)
            if isinstance(right, str):
                outcomes[f"the reference refuses: {right}"] += 1
                continue
            found = answer(gateway, query)
            if same(found, right):
                outcomes["the same"] += 1
                continue
            outcomes[found if isinstance(found, str) else "another answer"] += 1
            print(f"{number}: {query}\n  gateway   {found}\n  reference {right}", flush=True)
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


if __name__ == "__main__":
    main()
