"""Sizes and counters that catalogue queries ask for, as variables of the database.

What is not asked for is not measured: to look at a table's blocks takes some milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.catalog.system.queries import Translated
from gateway.store.rows.measures import Measures

_COMMANDS = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
_OF_VIEWS = ("pg_catalog.pg_stat_", "pg_catalog.pg_statio_")


def measures_of(
    measures: Measures, deadlocks: Callable[[], int], query: Translated
) -> Mapping[str, Any]:
    """The variables that a query reads: `measured_NAME`, and `measured_NAME_of` with the tables.

    Args:
        measures: Of the store.
        deadlocks: How many statements were ended by one.
        query: It.
    """
    if not query.shows_measures:
        return {}
    views = any(name.startswith(_OF_VIEWS) for name in query.used)

    def asked(name: str) -> bool:
        return views or f"'measured_{name}" in query.sql

    found: dict[str, Any] = {
        "measured_commits": measures.counts.committed,
        "measured_rollbacks": measures.counts.rolled_back,
        "measured_deadlocks": deadlocks(),
    }
    changed = measures.counts.rows.copy()
    by_table: dict[str, Mapping[int, int]] = {
        name: {oid: n for (oid, command), n in changed.items() if command == meant}
        for name, meant in _COMMANDS.items()
    }
    by_table["rows"] = measures.rows() if asked("rows") else {}
    by_table["bytes"] = measures.stored_bytes() if "'measured_bytes" in query.sql else {}
    if "'measured_database'" in query.sql:
        found["measured_database"] = measures.database_bytes()
    for name, values in by_table.items():
        found[f"measured_{name}_of"] = list(values)
        found[f"measured_{name}"] = list(values.values())
    return found
