"""Gradients of many random losses by a gateway, beside differences of the losses by PostgreSQL 15.

    python -m tests.bench.random_gradients "host=127.0.0.1 port=5433" "host=127.0.0.1" 0 200
    python -m tests.bench.random_gradients GATEWAY REFERENCE 0 200 --each

With `--each` the loss is one for each row of a table of parameters, in a subquery and in LATERAL.
What is refused is counted by its message; where two steps give other slopes there is a kink.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial

import psycopg

from tests.autodiff.random_losses import MOST, STEPS, Loss, Losses, Slopes, judged, slopes
from tests.bench.beside import parser


def main() -> None:
    """Print each statement whose answer is no gradient, and at the end how many were what."""
    arguments = parser(__doc__)
    arguments.add_argument("--each", action="store_true")
    asked = arguments.parse_args()
    seen: Counter[str] = Counter()
    options = "-c statement_timeout=60000"
    with (
        psycopg.connect(asked.gateway, autocommit=True, options=options) as gateway,
        psycopg.connect(asked.reference, autocommit=True, options=options) as reference,
    ):
        gateway.prepare_threshold = reference.prepare_threshold = None
        for number in range(asked.first, asked.first + asked.numbers):
            _compare(gateway, reference, Losses(number, asked.each).loss(), number, seen)
    print(*(f"{count:>6} {what}" for what, count in seen.most_common()), sep="\n")
    raise SystemExit(seen["wrong"] > 0)


def _compare(
    gateway: psycopg.Connection, reference: psycopg.Connection, loss: Loss, number: int,
    seen: Counter[str],
) -> None:  # fmt: skip
    value_of = partial(_values, reference)
    try:
        values = value_of(loss.value())
    except psycopg.Error as error:
        seen[f"PostgreSQL: {_words(error)}"] += 1
        return
    if any(value is not None and abs(value) > MOST for value in values):
        return
    wanted: dict[str, list[Slopes]] = {}
    for column, text in loss.gradients():
        try:
            found = _values(gateway, text)
        except psycopg.Error as error:
            seen[f"{error.sqlstate}: {_words(error)}"] += 1
            continue
        if column not in wanted:
            wanted[column] = [slopes(loss, column, step, value_of) for step in STEPS]
        told = judged(found, wanted[column], values)
        seen[told] += 1
        if told == "wrong":
            print(f"{number} {column}: {found}, not {wanted[column][-1]}\n{text}\n", flush=True)


def _values(connection: psycopg.Connection, text: str) -> Slopes:
    rows = connection.execute(text.encode()).fetchall()
    return [None if value is None else float(value) for (value,) in rows]


def _words(error: psycopg.Error) -> str:
    """The message, without what it names."""
    return re.sub(r'"[^"]*"|\(.*', "...", str(error).splitlines()[0])


if __name__ == "__main__":
    main()
