"""Plans of a session's queries over grids, kept with all that they are spared.

To see what a query can be spared costs more than a small one does: its conditions are asked of
coordinates, its aggregates recognised, its text printed anew. All of that stands on the text,
on the tables, on TimeZone and on the settings, so while these are the same the plan is. What
parts of a query gave that were run first stands on the values in the tables, too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from gateway.engine.interface import Plan
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held, Table, TableName

# How many plans a session keeps.
MOST_PLANS = 64


class KeptGridPlans:
    """Those of one session; the one that was used least lately makes room."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Mapping[TableName, Table], Hashable, Plan]] = {}

    def find(
        self,
        standing: Hashable,
        tables: Mapping[TableName, Table],
        make: Callable[[], Plan],
        has_parts: bool = False,
    ) -> tuple[Plan, bool]:
        """The plan that `make` returned before under the same circumstances, else returns now.

        Args:
            standing: The text, and whatever else the plan stands on but the tables.
            tables: Every table that it reads. Where one of them makes its rows as they are asked
                for, the plan is made each time.
            make: Plans the query.
            has_parts: Whether some of it may be run to plan it.

        Returns:
            The plan, and whether it was kept.
        """
        known = self._kept.pop(standing, None)
        state = _state_of(tables) if has_parts else ()
        same = known is not None and all(
            known[0].get(name) is each for name, each in tables.items()
        )
        if known is not None and same and known[1] == state:
            self._kept[standing] = known
            return known[2], True
        plan = make()
        lasting = all(isinstance(table, GridTable | Held) for table in tables.values())
        if lasting and state is not None:
            self._kept[standing] = dict(tables), state, plan
            if len(self._kept) > MOST_PLANS:
                del self._kept[next(iter(self._kept))]
        return plan, False


def _are(tables: Mapping[TableName, Table], known: Mapping[TableName, Table]) -> bool:
    return all(known.get(name) is each for name, each in tables.items())


def _state_of(tables: Mapping[TableName, Table]) -> Hashable | None:
    """What tells the values of grids from others; None where that is not known."""
    states = [table.state() for table in tables.values() if isinstance(table, GridTable)]
    return None if None in states else tuple(states)
