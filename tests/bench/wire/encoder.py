"""How fast Arrow columns become fields, and fields of parameters values: no socket, no engine.

    python -m tests.bench.wire.encoder

One thread, batches of 16,384 rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gateway.session.result import Field
from gateway.types import BOOL, FLOAT8, INT8, TEXT, TIMESTAMP, by_name
from gateway.wire.decoding import decode_parameter
from gateway.wire.encoding.values import encode_rows

BATCH_ROWS = 16_384


def columns(rows: int) -> dict[str, tuple[pa.RecordBatch, tuple[Field, ...]]]:
    """The tables that are measured."""
    random = np.random.default_rng(1)
    seconds = random.integers(0, 10**9, rows) * 10**6
    mixed = {
        "id": (pa.array(np.arange(rows)), INT8),
        "u": (pa.array(random.standard_normal(rows)), FLOAT8),
        "v": (pa.array(random.standard_normal(rows)), FLOAT8),
        "name": (pa.array([f"station {n % 1000}" for n in range(rows)]), TEXT),
        "good": (pa.array(random.integers(0, 2, rows) == 1), BOOL),
        "time": (pa.array(seconds, pa.timestamp("us")), TIMESTAMP),
    }
    doubles = {c: (pa.array(random.standard_normal(rows)), FLOAT8) for c in "abcd"}
    small = {c: (pa.array(random.standard_normal(rows) * 1e-8), FLOAT8) for c in "abcd"}
    tables = {"6 mixed": mixed, "4 doubles": doubles, "4 doubles of 1e-8": small}
    return {
        title: (
            pa.record_batch({name: array for name, (array, _) in table.items()}),
            tuple(Field(name, kind) for name, (_, kind) in table.items()),
        )
        for title, table in tables.items()
    }


def best(work: Callable[[], object], runs: int = 30) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def report_encoder() -> None:
    print(f"{'encoder, one thread':28}{'text':>14}{'binary':>14}")
    for title, (batch, fields) in columns(BATCH_ROWS).items():
        rates = [
            BATCH_ROWS / best(lambda b=batch, f=fields, n=form: encode_rows(b, f, [n] * len(f)))
            for form in (0, 1)
        ]
        print(f"{title:28}" + "".join(f"{rate / 1e6:8.1f} M r/s" for rate in rates))
        for rows in (1, 10, 100):
            piece = batch.slice(0, rows)
            times = [
                best(lambda p=piece, f=fields, n=form: encode_rows(p, f, [n] * len(f)), 200)
                for form in (0, 1)
            ]
            label = f"  {rows} row{'s' * (rows > 1)}"
            print(f"{label:28}" + "".join(f"{seconds * 1e6:11.0f} us" for seconds in times))


def report_decoder() -> None:
    print(f"\n{'one parameter':28}{'us':>14}")
    for name, text in (("int4", b"42"), ("float8", b"1.5"), ("timestamp", b"2013-01-02 03:04")):
        kind = by_name(name)
        seconds = best(lambda t=text, k=kind: [decode_parameter(t, k, 0) for _ in range(100)])
        print(f"{name:28}{seconds * 1e4:14.1f}")


if __name__ == "__main__":
    report_encoder()
    report_decoder()
