"""pg_index_has_property and its kin: what a B-tree can do, the only kind of index there is.

PostgreSQL manual, tables 9.73 and 9.74. A property without a row is unknown: NULL.
"""

from __future__ import annotations

OF_INDEX = dict.fromkeys(("clusterable", "index_scan", "bitmap_scan", "backward_scan"), True)
_OF_COLUMN = {
    "orderable": True, "distance_orderable": False, "returnable": True,
    "search_array": True, "search_nulls": True,
}  # fmt: skip


def of_column(name: str, descending: bool) -> bool | None:
    """A property of one column of an index; NULLs come first where it descends."""
    down = {"asc": False, "nulls_last": False, "desc": True, "nulls_first": True}
    name = name.lower()
    return descending is down[name] if name in down else _OF_COLUMN.get(name)
