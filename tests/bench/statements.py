"""Files of statements to a gateway and to a PostgreSQL: which are answered otherwise.

    python -m tests.bench.statements "host=127.0.0.1 port=5433" "host=127.0.0.1" FILE.sql ...

The files are run as psql runs them, one after the other on one connection, in a database of each
that has nothing of theirs. psql's own commands are left out, and rows for COPY FROM STDIN. A table
that only one server made lets all that follow differ: read the first difference first.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg

from gateway.sql.text.dialect import split
from tests.differential.answers import Answer, answer, same

_COPIED = re.compile(r"(?ims)^\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;.*?^\\\.$")
_ENDS = re.compile(r"\\g\w*.*$", re.MULTILINE)  # \gset and its like end a statement
_OF_PSQL = re.compile(r"(?m)^\s*\\.*$")


def statements(text: str) -> Iterator[str]:
    """What psql would send of a file."""
    plain = _OF_PSQL.sub("", _ENDS.sub(";", _COPIED.sub("", text)))
    for tokens in split(plain):
        yield plain[tokens[0].start : tokens[-1].end + 1]


def outcome(found: Answer, right: Answer) -> str:
    """In a few words what the gateway's answer is beside PostgreSQL's."""
    if isinstance(found, str) and isinstance(right, str):
        return "both refuse" if found == right else "refused otherwise"
    if isinstance(found, str):
        return f"only the gateway refuses: {found}"
    if isinstance(right, str):
        return f"only PostgreSQL refuses: {right}"
    return "the same" if same(found, right) else "another answer"


def main() -> None:
    """Print each statement that differs with both answers, and a count at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("reference")
    parser.add_argument("files", nargs="+", type=Path)
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with (
        psycopg.connect(asked.gateway, autocommit=True) as gateway,
        psycopg.connect(asked.reference, autocommit=True) as reference,
    ):
        for file in asked.files:
            for statement in statements(file.read_text()):
                right, found = answer(reference, statement), answer(gateway, statement)
                what = outcome(found, right)
                outcomes[what] += 1
                if what not in ("the same", "both refuse"):
                    print(f"{file.name}: {what}\n{statement}\n  {found}\n  {right}", flush=True)
                if gateway.info.transaction_status != reference.info.transaction_status:
                    for each in (gateway, reference):
                        each.execute("ROLLBACK")
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


if __name__ == "__main__":
    main()
