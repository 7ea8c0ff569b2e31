"""A client's cursors and prepared statements as rows of pg_cursors and pg_prepared_statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.session.portals.portals import Portals
from gateway.session.portals.prepared import PreparedStatements

Row = dict[str, Any]


def held_rows(portals: Portals, prepared: PreparedStatements) -> Mapping[str, list[Row]]:
    """The rows, by the name under which the catalogue reads them.

    The first row of each has no name, and is there for its types alone.
    """
    return {"held_cursors": _cursors(portals), "held_statements": _statements(prepared)}


def _cursors(portals: Portals) -> list[Row]:
    none = _cursor(None, "", (False, False, False), datetime.now(UTC))
    kept = [
        _cursor(name, each.prepared.source, (each.hold, each.binary, each.scroll), each.made)
        for name, each in portals.all()
    ]
    return [none, *kept]


def _cursor(name: str | None, text: str, is_: tuple[bool, bool, bool], made: datetime) -> Row:
    hold, binary, scroll = is_
    return {
        "name": name, "statement": text, "is_holdable": hold, "is_binary": binary,
        "is_scrollable": scroll, "made": made,
    }  # fmt: skip


def _statements(prepared: PreparedStatements) -> list[Row]:
    none = {
        "name": None, "statement": "", "made": datetime.now(UTC), "types": [0], "from_sql": False,
        "generic": 0, "custom": 0,
    }  # fmt: skip
    kept = [
        {
            "name": name, "statement": each.source, "made": each.made,
            "types": [kind.oid for kind in each.described.parameters], "from_sql": each.from_sql,
            "generic": each.generic, "custom": each.custom,
        }
        for name, each in prepared.all()
    ]  # fmt: skip
    return [none, *kept]
