"""Functions that one session lends to its queries, and takes back when it ends.

The engine keeps what it is given to call where Python's collector does not look. A function that
held its session, which holds the context that the function is registered in, would keep all three
for ever: 40 kB a connection. So the engine is given one that finds its work in a mapping, and the
mapping is emptied when the session ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import pyarrow as pa
from datafusion import ScalarUDF, SessionContext, udf

from gateway.engine.provider import kept
from gateway.errors import GatewayError, QueryCanceled

# A list of values for each argument -> the list of results.
Compute = Callable[[Sequence[list[Any]]], list[Any]]

# Of one boolean, which it gives back; see `Provided.watch`.
WATCHED = "gradwire_watched"


class Watch:
    """Whether one planned query is still run; its threads ask, also after its statement has ended.

    A join's threads stop by themselves nowhere else, and the next statement of the session is not
    meant by a cancel that they hear of late.
    """

    def __init__(self) -> None:
        self.ended = False

    def end(self) -> None:
        """Let whatever runs of the query stop; it is not run again."""
        self.ended = True

    def heed(self) -> None:
        """Go on if the query is run.

        Raises:
            QueryCanceled: 57014; nobody is told.
        """
        if self.ended:
            raise QueryCanceled("canceling statement due to user request")


class Provided:
    """Those of one session.

    Args:
        failures: Where an error that one raises is kept; see `provider`.
    """

    def __init__(self, failures: list[GatewayError]) -> None:
        self._failures = failures
        self._work: dict[str, Compute] = {}
        self._watches: WeakSet[Watch] = WeakSet()
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

    def watch(self, context: SessionContext, check: Callable[[], None]) -> Watch:
        """A `WATCHED` for the query that `context` plans next, which raises what `check` does.

        Volatile, or the engine would ask it once, as it plans.
        """
        watch, failures = Watch(), self._failures

        def watched(column: pa.Array) -> pa.Array:
            watch.heed()
            try:  # no context around it: it is called for every 8,000 pairs
                check()
            except GatewayError as error:
                failures.append(error)
                raise
            return column

        context.register_udf(udf(watched, [pa.bool_()], pa.bool_(), "volatile", WATCHED))
        self._watches.add(watch)
        return watch

    def register(self, context: SessionContext) -> None:
        """Make all of them known to another context."""
        for function in self._functions:
            context.register_udf(function)

    def close(self) -> None:
        """The session has ended; nothing will be called any more."""
        self._functions.clear()
        self._work.clear()
        for watch in list(self._watches):
            watch.end()


# How long a cancel may have to wait for it.
_NAP_SECONDS = 0.005


def sleeper(check: Callable[[], None]) -> Callable[[Sequence[list[Any]]], list[Any]]:
    """The function of a session; `check` raises when its statement is to stop."""

    def sleep(arguments: Sequence[list[Any]]) -> list[Any]:
        (seconds,) = arguments
        for each in seconds:
            end = time.monotonic() + (each or 0.0)
            while (left := end - time.monotonic()) > 0:
                check()
                time.sleep(min(left, _NAP_SECONDS))
        check()
        return [None if each is None else "" for each in seconds]

    return sleep
