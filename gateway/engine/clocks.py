"""What a session's clocks show: now(), current_date and their like.

The engine's own tell when it began to optimise a plan. PostgreSQL's tell when the transaction
began, or the message of the statement (manual, 9.9.5). The engine folds a stable function of no
arguments while it optimises, as it does its own now(), so that scans are still told plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from datafusion import ScalarUDF, udf

from gateway.sql.inputs.zones import zone_info

Moment = Callable[[], datetime]

# Names of what the transaction's clock shows, in its zone: a moment, or its date.
_MOMENTS = ("now", "current_timestamp")
_DATES = ("current_date", "today")
STATEMENT, CLOCK = "statement_now", "clock_now"
UNSTABLE = frozenset({STATEMENT, CLOCK})  # the engine has the others itself


class Clocks:
    """The clocks of one session.

    `transaction` and `statement` tell when each began. The engine keeps its functions where
    Python's collector does not look, so what they hold is this alone.
    """

    def __init__(self, transaction: Moment, statement: Moment) -> None:
        self.transaction, self.statement = transaction, statement

    def forget(self) -> None:
        """The session has ended."""
        self.transaction = self.statement = _now

    def functions(self, zone: str) -> list[ScalarUDF]:
        """The engine's functions that show them in a zone; see `EngineSession.set_time_zone`."""
        moment, local = pa.timestamp("us", zone), zone_info(zone)

        def shown(tell: Callable[[], Any], kind: pa.DataType, name: str) -> ScalarUDF:
            return udf(lambda: pa.array([tell()], kind), [], kind, "stable", name)

        def day() -> Any:
            return self.transaction().astimezone(local).date()

        found = [shown(lambda: self.transaction(), moment, name) for name in _MOMENTS]
        found += [shown(day, pa.date32(), name) for name in _DATES]
        found.append(shown(lambda: self.statement(), moment, STATEMENT))

        def clock(rows: pa.Array) -> pa.Array:
            return pa.array([_now() for _ in range(len(rows))], moment)

        return [*found, udf(clock, [pa.float64()], moment, "volatile", CLOCK)]


def _now() -> datetime:
    return datetime.now(UTC)
