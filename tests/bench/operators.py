"""Every operator, cast and immutable function of the catalogue on a gateway and on a PostgreSQL.

    python -m tests.bench.operators "host=127.0.0.1 port=5433" "host=127.0.0.1"

Which there are is read from the reference; each is called with values at the edges of its types.
"""

from __future__ import annotations

import argparse
from collections import Counter
from random import Random

import psycopg

from tests.differential.answers import answer, same
from tests.differential.catalogue import calls, listed

_ABSENT = {"42883", "0A000", "42704"}


def main() -> None:
    """Print of each that differs one call with both answers, and a count at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("reference")
    parser.add_argument("--calls", type=int, default=12, help="of each operator")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="what its name has in it")
    parser.add_argument("--zone", default="Europe/Berlin")
    parser.add_argument("--all", action="store_true", help="print each call, not the first alone")
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with (
        psycopg.connect(asked.gateway, autocommit=True) as gateway,
        psycopg.connect(asked.reference, autocommit=True) as reference,
    ):
        for each in (gateway, reference):
            each.execute(f"SET TimeZone TO '{asked.zone}'".encode())
        for one in listed(reference):
            if asked.only not in one.name:
                continue
            seen: Counter[str] = Counter()
            for call in calls(one, Random(f"{asked.seed} {one.name}"), asked.calls):
                query = f"SELECT {call}"
                right, found = answer(reference, query), answer(gateway, query)
                what = _difference(found, right)
                seen[what] += 1
                if what != "the same" and (asked.all or seen[what] == 1):
                    print(f"{what}: {call}\n  gateway   {found}\n  reference {right}", flush=True)
            outcomes += seen
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


def _difference(found: object, right: object) -> str:
    if same(found, right):  # type: ignore[arg-type]
        return "the same"
    if isinstance(found, str):
        if found in _ABSENT:
            return "absent"
        return "another refusal" if isinstance(right, str) else "refused"
    if isinstance(right, str):
        return "not refused"
    return "another value" if found[1] != right[1] else "another type"  # type: ignore[index]


if __name__ == "__main__":
    main()
