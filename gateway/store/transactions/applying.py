"""DuckDB's statements that apply a delta: rows named by its column `row` are set or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gateway.store.transactions.appending import plain_values


@dataclass(frozen=True, slots=True)
class Applied:
    """A statement over the table `delta`, or where it has `values` with these in its place.

    `together` is the statement that does several of its kind; see `Write`.
    """

    statement: str
    values: Sequence[object] | None = None
    together: str = ""


def setting(place: str, delta: pa.Table, *, told: bool = True) -> Applied:
    """Set the columns of `delta` in a table of DuckDB's; see `making_way` for zeros.

    Args:
        place: The table.
        delta: Its columns by DuckDB's names, after `row`.
        told: Whether one row may be told by values.
    """
    columns = [name for name in delta.schema.names if name != "row"]
    settings = ", ".join(f"{name} = delta.{name}" for name in columns)
    together = f"UPDATE {place} AS old SET {settings} FROM delta WHERE old.rowid = delta.row"
    values = plain_values(delta) if told and delta.num_rows == 1 else None
    if values is None:
        return Applied(together, None, together)
    settings = ", ".join(f"{name} = ?" for name in columns)
    statement = f"UPDATE {place} SET {settings} WHERE rowid = ?"
    return Applied(statement, [*values[1:], values[0]], together)


def deleting(place: str, delta: pa.Table, *, told: bool = True) -> Applied:
    """Delete the rows of `delta` from a table of DuckDB's."""
    values = plain_values(delta) if told else None
    if values is None:
        return Applied(f"DELETE FROM {place} AS old WHERE old.rowid IN (SELECT row FROM delta)")
    marks = ", ".join("?" * len(values))
    return Applied(f"DELETE FROM {place} WHERE rowid IN ({marks})", values)


def making_way(place: str, delta: pa.Table, column: str) -> tuple[str, pa.Table] | None:
    """What to do, over which delta, before zeros are set: take out those of the other sign.

    DuckDB leaves a value as it is that is equal, also one that was there under a NULL.
    """
    values = delta.column(column)
    if not pa.types.is_floating(values.type):
        return None
    zeros = delta.select(["row", column]).filter(pc.equal(values, 0))
    if not zeros.num_rows:
        return None
    statement = (
        f"UPDATE {place} AS old SET {column} = 1 FROM delta WHERE old.rowid = delta.row"
        f" AND (old.{column} = 0 AND signbit(old.{column}) <> signbit(delta.{column})"
        f" OR old.{column} IS NULL)"
    )
    return statement, zeros
