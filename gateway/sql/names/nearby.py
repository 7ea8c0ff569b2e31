"""Columns that a name which means none may have been meant for.

PostgreSQL 15's rules (`searchRangeTableForCol` and `updateFuzzyAttrState` in
src/backend/parser/parse_relation.c): names up to three edits away, and no more than half of what
was written; the nearest one or two are told, of more none. Where there is none, a column is told
that begins so, or how strings and numbers are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_FARTHEST = 3
# What PostgreSQL keeps of each row besides.
_OF_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def hint_for(
    alias: str, name: str, relations: Sequence[tuple[str, Iterable[str]]], *, quoted: bool = False
) -> str:
    """What to say beside `alias.name`, which there is not; "" when nothing is near.

    Args:
        alias: The relation that was written; "" where none was.
        name: The column that was written.
        relations: Alias and columns of the relations around it, the innermost first.
        quoted: Whether it was in double quotes, as other systems write strings.
    """
    if name in _OF_SYSTEM:
        return "Rows have no such system column here; name them by a key."
    found: list[tuple[str, str]] = []
    nearest = _FARTHEST
    for table, columns in relations:
        penalty = edits(alias, table) if alias else 0
        for column in columns:
            distance = penalty + edits(name, column)
            if distance > nearest or distance > len(name) / 2:
                continue
            if distance < nearest:
                nearest, found = distance, []
            found.append((table, column))
    if not found and len(name) > 1:  # PostgreSQL tells none: `lat` for latitude
        found = [
            (table, column)
            for table, columns in relations
            for column in columns
            if column.lower().startswith(name.lower()) and alias in ("", table)
        ]
    if not found:
        return _written_otherwise(alias, name, quoted)
    if len(found) > 2:
        return ""
    meant = " or the column ".join(f'"{table}.{column}"' for table, column in found)
    return f"Perhaps you meant to reference the column {meant}."


def field_hint(table: str, name: str, relations: Iterable[tuple[str, Iterable[str]]]) -> str:
    """What to say beside `table.name` where `table` is a column, as in pandas' `time.month`."""
    if not any(table in columns for _, columns in relations):
        return ""
    return f"{table} is a column. A part of a moment is extract({name} FROM {table})."


def _written_otherwise(alias: str, name: str, quoted: bool) -> str:
    """What to write where no column was meant."""
    if alias:
        return ""
    if quoted:
        return f"A string is written in single quotes: '{name}'."
    return _VALUES.get(name, "")


_VALUES = {"nan": "Write 'NaN'::float8.", "none": "Write NULL.", "nil": "Write NULL."}


def edits(a: str, b: str) -> int:
    """The Levenshtein distance.

    >>> edits("uwind", "uwnd"), edits("", "ab"), edits("kitten", "sitting")
    (1, 2, 3)
    """
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]
