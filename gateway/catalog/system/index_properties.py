"""pg_index_has_property and its kin: what a B-tree can do, the only kind of index there is.

PostgreSQL manual, tables 9.73 and 9.74. A property without a row is unknown: NULL.
"""

from __future__ import annotations

OF_INDEX = dict.fromkeys(("clusterable", "index_scan", "bitmap_scan", "backward_scan"), True)
_OF_COLUMN = {
    "orderable": True, "distance_orderable": False, "returnable": True,
    "search_array": True, "search_nulls": True,
}  # fmt: skip
# Of one that INCLUDE names.
OF_INCLUDED = {"orderable": False, "distance_orderable": False, "returnable": True}


_DOWN, _NULLS_FIRST = 1, 2


def of_column(name: str, option: int) -> bool | None:
    """A property of one column of an index, by what pg_index.indoption says of it."""
    down, first = bool(option & _DOWN), bool(option & _NULLS_FIRST)
    orders = {"asc": not down, "desc": down, "nulls_first": first, "nulls_last": not first}
    return (orders | _OF_COLUMN).get(name.lower())
