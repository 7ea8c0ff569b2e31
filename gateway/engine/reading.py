"""What a plan reads, and so how it may be run and what of it may be kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum

from gateway.sources.aggregates.partials import PARTS, Partials
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held, Table, TableName

FEW_ROWS = 8192

# Of partial aggregates, so many are added up in one thread as soon as in several.
FEW_SUMS = 1 << 17


class Reading(Enum):
    """The tables of a plan."""

    FEW = "few rows, in memory"
    SUMS = "few partial aggregates of arrays"
    QUICK_SUMS = "the same of few values, in memory"
    STEADY = "rows that are the same at every run"
    ANY = "what makes its rows as it is planned"


def reading(tables: Mapping[TableName, Table]) -> Reading:
    """What a plan over these reads."""
    held = [table.held_rows.num_rows for table in tables.values() if isinstance(table, Held)]
    if 0 < len(held) == len(tables) and sum(held) <= FEW_ROWS:
        return Reading.FEW
    sums = [_rows(table) for table in tables.values() if isinstance(table, Partials)]
    if 0 < len(sums) == len(tables) and sum(sums) <= FEW_SUMS:
        return Reading.QUICK_SUMS if all(map(_is_quick, tables.values())) else Reading.SUMS
    steady = all(isinstance(table, Held | GridTable | Partials) for table in tables.values())
    return Reading.STEADY if steady else Reading.ANY


def all_held(tables: Mapping[TableName, Table]) -> bool:
    """Whether all of the tables' rows are in memory."""
    return all(isinstance(table, Held) for table in tables.values())


def _rows(table: Partials) -> int:
    return math.prod(table.groups) * PARTS


def _is_quick(table: Table) -> bool:
    return isinstance(table, Partials) and table.is_quick
