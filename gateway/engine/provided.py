"""Functions that one session lends to its queries, and takes back when it ends.

The engine keeps what it is given to call where Python's collector does not look. A function that
held its session, which holds the context that the function is registered in, would keep all three
for ever: 40 kB a connection. So the engine is given one that finds its work in a mapping, and the
mapping is emptied when the session ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from datafusion import ScalarUDF, SessionContext, udf

from gateway.engine.provider import kept
from gateway.errors import GatewayError

# A list of values for each argument -> the list of results.
Compute = Callable[[Sequence[list[Any]]], list[Any]]

# Of one boolean, which it gives back; see `add_watch`.
WATCHED = "gradwire_watched"


class Provided:
    """Those of one session.

    Args:
        failures: Where an error that one raises is kept; see `provider`.
    """

    def __init__(self, failures: list[GatewayError]) -> None:
        self._failures = failures
        self._work: dict[str, Compute] = {}
        self._watches: list[Callable[[], None]] = []
        self._functions: list[ScalarUDF] = []

    def add(
        self, name: str, compute: Compute, arguments: Sequence[pa.DataType], result: pa.DataType
    ) -> ScalarUDF:
        """The engine's function of that name; see `EngineSession.provide`."""
        self._work[name] = compute
        work, failures = self._work, self._failures

        def computed(*columns: pa.Array) -> pa.Array:
            with kept(failures):
                return pa.array(work[name]([column.to_pylist() for column in columns]), result)

        self._functions.append(udf(computed, list(arguments), result, "volatile", name))
        return self._functions[-1]

    def add_watch(self, check: Callable[[], None]) -> ScalarUDF:
        """`WATCHED`, which raises what `check` does.

        Volatile, or the engine would ask it once, as it plans.
        """

        self._watches.append(check)
        watches, failures = self._watches, self._failures

        def watched(column: pa.Array) -> pa.Array:
            try:  # no context around it: it is called for every 8,000 pairs
                for check in watches:
                    check()
            except GatewayError as error:
                failures.append(error)
                raise
            return column

        self._functions.append(udf(watched, [pa.bool_()], pa.bool_(), "volatile", WATCHED))
        return self._functions[-1]

    def register(self, context: SessionContext) -> None:
        """Make all of them known to another context."""
        for function in self._functions:
            context.register_udf(function)

    def close(self) -> None:
        """The session has ended; nothing will be called any more."""
        self._functions.clear()
        self._work.clear()
        self._watches.clear()
