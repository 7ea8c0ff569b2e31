"""Plans of a session's queries over grids, kept with all that they are spared.

To see what a query can be spared costs more than a small one does: its conditions are asked of
coordinates, its aggregates recognised, its text printed anew. All of that stands on the text,
on the tables, on TimeZone and on the settings, so while these are the same the plan is.
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
        self._kept: dict[Hashable, tuple[Mapping[TableName, Table], Plan]] = {}

    def find(
        self, standing: Hashable, tables: Mapping[TableName, Table], make: Callable[[], Plan]
    ) -> tuple[Plan, bool]:
        """The plan that `make` returned before under the same circumstances, else returns now.

        Args:
            standing: The text, and whatever else the plan stands on but the tables.
            tables: Every table that it reads. Where one of them makes its rows as they are asked
                for, the plan is made each time.
            make: Plans the query.

        Returns:
            The plan, and whether it was kept.
        """
        known = self._kept.pop(standing, None)
        if known is not None and all(known[0].get(name) is each for name, each in tables.items()):
            self._kept[standing] = known
            return known[1], True
        plan = make()
        if all(isinstance(table, GridTable | Held) for table in tables.values()):
            self._kept[standing] = dict(tables), plan
            if len(self._kept) > MOST_PLANS:
                del self._kept[next(iter(self._kept))]
        return plan, False
