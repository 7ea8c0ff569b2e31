"""Which row of a column cannot be read."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import GatewayError


def first_failure(
    convert: Callable[[slice], object], count: int
) -> tuple[int, GatewayError] | None:
    """The first of `count` rows that `convert` refuses, and how; None when it refuses none."""
    low, high = 0, count
    try:
        convert(slice(0, count))
        return None
    except GatewayError as error:
        fault = error
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(slice(low, middle))
            low = middle
        except GatewayError:
            high = middle
    try:
        convert(slice(low, low + 1))
    except GatewayError as error:
        fault = error
    return low, fault
