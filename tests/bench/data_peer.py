"""xarray-sql for `tests.bench.data`, in a Python of its own: SQL in, milliseconds and rows out."""

from __future__ import annotations

import sys
import time


def main(kind: str, path: str, clock_name: str) -> None:
    """Answer a statement a line, timed by a clock of `time`."""
    import xarray
    from xarray_sql import XarrayContext  # only that Python has it

    clock = getattr(time, clock_name)
    dataset = xarray.open_zarr(path, consolidated=False, chunks=None)
    context = XarrayContext()
    context.from_dataset("t", dataset.load() if kind == "memory" else dataset, chunks={"time": 31})
    for sql in sys.stdin:
        start = clock()
        try:
            rows = sum(batch.num_rows for batch in context.sql(sql).collect())
        except BaseException as error:  # a refusal is one result of many
            print(error, file=sys.stderr)
            print("nan", 0, flush=True)
            continue
        print((clock() - start) * 1000, rows, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
