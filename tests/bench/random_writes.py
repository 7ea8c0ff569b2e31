"""Many random writes to a gateway and to a PostgreSQL 15: which are answered otherwise.

    python -m tests.bench.random_writes "host=127.0.0.1 port=5433" "host=127.0.0.1" 0 200
    python -m tests.bench.random_writes GATEWAY REFERENCE 0 200 --kinds wide --count 40

Each number is other tables, made on both, with `--count` statements, of which each fourth is a
transaction with savepoints. Answers and rows are compared, and the tables dropped at the end.
"""

from __future__ import annotations

import os
from collections import Counter

import psycopg

from tests.bench.beside import parser
from tests.store.writing_alike import KINDS, difference


def main() -> None:
    """Print the first difference of each number, and at the end what the reference answered."""
    arguments = parser(__doc__)
    arguments.add_argument("--count", type=int, default=24)
    arguments.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    asked = arguments.parse_args()
    seen: Counter[str] = Counter()
    differing = 0
    options = "-c timezone=UTC -c client_min_messages=error"
    with (
        psycopg.connect(asked.gateway, autocommit=True, options=options) as gateway,
        psycopg.connect(asked.reference, autocommit=True, options=options) as reference,
    ):
        for number in range(asked.first, asked.first + asked.numbers):
            for kind in asked.kinds:
                writes = KINDS[kind](number, f"rw{os.getpid()}_{kind}{number}")
                if told := difference(gateway, reference, writes, asked.count, seen):
                    differing += 1
                    print(f"{number} {kind}: {told}", flush=True)
    print(*(f"{count:>6} {what}" for what, count in seen.most_common()), sep="\n")
    print(f"{differing:>6} differences")
    raise SystemExit(differing > 0)


if __name__ == "__main__":
    main()
