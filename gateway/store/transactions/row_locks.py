"""Rows that sessions keep for themselves: those they locked, and those they have changed.

A row is named by its identifier. Identifiers mean the same to all while a transaction of DuckDB's
is open that began before they were read; `Locking.keeping_rows` sees to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gateway.errors import LockNotAvailable
from gateway.store.transactions.writes import FIRST_OF_OWN

Rows = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of a table that a session keeps.

    Args:
        owner: The session.
        shared: Whether others may keep them, too, so that nobody changes them.
        rows: Which, ascending; None: all.
        briefly: Whether that ends with a statement.
    """

    owner: object
    shared: bool
    rows: Rows | None
    briefly: bool = False


class RowsAreKept(LockNotAvailable, code="55P03"):
    """What a statement is to change or lock is kept by others, and it has changed nothing yet.

    So it may give up what it has locked, wait, and be done from its start; or without a wait, where
    a row was changed while it was about to lock it (`Locking.wait_for_rows`).

    Args:
        oid: The table; None: nothing is waited for.
        shared: Whether it is to be shared.
        rows: Which; None: all.
    """

    def __init__(
        self, oid: int | None = None, shared: bool = False, rows: Rows | None = None
    ) -> None:
        super().__init__("could not obtain lock on row")
        self.oid, self.shared, self.rows = oid, shared, rows


class KeptRows:
    """Who keeps which rows of which table; one thread at a time calls it."""

    def __init__(self) -> None:
        self._kept: dict[int, list[Kept]] = {}
        self._tables: dict[object, set[int]] = {}  # of each owner

    def add(self, oid: int, kept: Kept) -> None:
        """From now on `kept.owner` keeps them."""
        self._kept.setdefault(oid, []).append(kept)
        self._tables.setdefault(kept.owner, set()).add(oid)

    def of_others(self, oid: int, owner: object, shared: bool) -> Iterator[Kept]:
        """What others keep of a table, so that `owner` cannot."""
        for each in self._kept.get(oid, ()):
            if each.owner is not owner and not (shared and each.shared):
                yield each

    def holders(self, oid: int, owner: object, shared: bool, rows: Rows | None) -> set[object]:
        """The others who keep one of these rows; None: of all."""
        return {
            each.owner
            for each in self.of_others(oid, owner, shared)
            if rows is None or each.rows is None or np.isin(each.rows, rows).any()
        }

    def of(self, oid: int, owner: object) -> list[Kept]:
        """What a session keeps of a table."""
        return [each for each in self._kept.get(oid, ()) if each.owner is owner]

    def drop(self, oid: int, kept: Kept) -> None:
        """The end of one."""
        held = self._kept[oid]
        held[:] = [each for each in held if each is not kept]
        if not held:
            del self._kept[oid]

    def release(self, owner: object, but: Collection[object]) -> set[int]:
        """The end of all that a session keeps, but of some tables; the other tables."""
        tables = {oid for oid in self._tables.get(owner, ()) if oid not in but}
        if tables:
            self._tables[owner] -= tables
            if not self._tables[owner]:
                del self._tables[owner]
        for oid in tables:
            held = [each for each in self._kept.get(oid, ()) if each.owner is not owner]
            if held:
                self._kept[oid] = held
            else:
                self._kept.pop(oid, None)
        return tables


def rows_named(delta: pa.Table | None) -> Rows | None:
    """The rows that the column `row` of a delta names, but for those of its transaction's own."""
    if delta is None or "row" not in delta.column_names:
        return None
    return committed_rows(delta.column("row").to_numpy())


def committed_rows(rows: Rows) -> Rows:
    """Those that others see, too, ascending, each once."""
    return np.unique(rows[rows < FIRST_OF_OWN])
