"""Numbers of rows that LIMIT and OFFSET compute: a negative one is refused."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.rows import Columnar
from gateway.errors import GatewayError, InvalidRowCountInLimit, InvalidRowCountInOffset


def _refusing(error: type[GatewayError], clause: str) -> Callable[[pa.Array], pa.Array]:
    """The numbers as they are.

    Raises:
        GatewayError: `error`, one is negative.
    """

    def checked(counts: pa.Array) -> pa.Array:
        least = pc.min(counts).as_py()
        if least is not None and least < 0:
            raise error(f"{clause} must not be negative")
        return counts

    return checked


ROW_COUNTS: tuple[Columnar, ...] = (
    ("rows_limited", [pa.int64()], pa.int64(), _refusing(InvalidRowCountInLimit, "LIMIT")),
    ("rows_skipped", [pa.int64()], pa.int64(), _refusing(InvalidRowCountInOffset, "OFFSET")),
)
