"""Parameters that are too large to stand in a plan.

The engine names an expression by the texts of its values, many times while it plans, and no other
thread of the interpreter goes on meanwhile: 100 MB of bytea stopped every client for minutes. So a
call stands in the place of such a value; it is not folded, and gives the value as the plan runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from datafusion import SessionContext, udf

from gateway.engine.placeholders import with_calls

# From where a value costs more to name than a call does to make.
LARGE_BYTES = 2**16


@contextmanager
def large_as_calls(
    context: SessionContext, sql: str, values: Sequence[pa.Scalar]
) -> Iterator[tuple[str, dict[str, pa.Scalar]]]:
    """The statement with a call in the place of each large value, and the other values by number.

    The functions are known to `context` until the block ends; plans made in it keep theirs.
    """
    large = {n: value for n, value in enumerate(values, 1) if _is_large(value)}
    # One call for equal values: GROUP BY is to know again what SELECT says.
    first = {n: next(m for m in large if large[m].equals(large[n])) for n in large}
    for n in set(first.values()):
        kind = large[n].type
        context.register_udf(udf(_telling(large[n]), [pa.int64()], kind, "volatile", _name(n)))
    calls = {n: f'"{_name(m)}"(1)' for n, m in first.items()}
    others = {str(n): value for n, value in enumerate(values, 1) if n not in large}
    try:
        yield (with_calls(sql, calls) if calls else sql), others
    finally:
        for n in set(first.values()):
            context.deregister_udf(_name(n))


def _name(number: int) -> str:
    return f"$large {number}"  # which no statement would have


def _is_large(value: pa.Scalar) -> bool:
    return (
        isinstance(value, pa.BinaryScalar)
        and value.is_valid
        and value.as_buffer().size > LARGE_BYTES
    )


def _telling(value: pa.Scalar) -> Callable[[pa.Array], pa.Array]:
    """One value for one constant argument: the engine takes it for a constant of the run."""
    told = pa.repeat(value, 1)
    return lambda numbers: told
