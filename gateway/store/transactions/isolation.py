"""Isolation levels, and which rows others changed since a snapshot was taken.

DuckDB finds two updates of one column of one row to be a conflict, and nothing else: it lets a
transaction update another column of a row that others changed since its snapshot, or a row that
they deleted, and delete one that they updated (measured with DuckDB 2.0.1). So who holds on to a
snapshot (REPEATABLE READ, SERIALIZABLE) asks here before it changes rows.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum

import numpy as np
import pyarrow as pa

from gateway.errors import SerializationFailure
from gateway.store.transactions.writes import FIRST_OF_OWN


class Isolation(Enum):
    """The levels, by PostgreSQL's names; READ UNCOMMITTED is READ COMMITTED there and here."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"

    @classmethod
    def named(cls, name: str) -> Isolation:
        """The level of a name in lower case."""
        return cls.READ_COMMITTED if name == "read uncommitted" else cls(name)

    @property
    def pins(self) -> bool:
        """Whether all statements of a transaction see one snapshot."""
        return self is not Isolation.READ_COMMITTED


# Identifiers of rows that were changed or deleted; None: of any row.
Touched = Sequence[pa.ChunkedArray] | None


class Overlaps:
    """Rows that commits changed while somebody held an older snapshot. Any thread may call.

    Identifiers mean the same to all as long as the snapshot is held: DuckDB renumbers no rows
    then. Nothing is kept while nobody holds one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[int] = Counter()  # clocks of the snapshots
        self._commits: list[tuple[int, Mapping[int, Touched]]] = []

    @property
    def are_held(self) -> bool:
        """Whether somebody holds an older snapshot now."""
        return bool(self._held)

    def hold(self, clock: int) -> None:
        """Somebody sees the commit `clock` from now on; call it under the lock of commits."""
        with self._lock:
            self._held[clock] += 1

    def let_go(self, clock: int) -> None:
        """Somebody sees it no more."""
        with self._lock:
            self._held[clock] -= 1
            self._held += Counter()  # leaves out what nobody holds
            oldest = min(self._held, default=None)
            if oldest is None:
                self._commits.clear()
            else:
                self._commits = [each for each in self._commits if each[0] > oldest]

    def note(self, clock: int, touched: Mapping[int, Touched]) -> None:
        """A commit changed these rows, by table."""
        with self._lock:
            if self._held and touched:
                self._commits.append((clock, touched))

    def changed(self, oid: int, clock: int, rows: pa.ChunkedArray | None) -> bool:
        """Whether a commit after `clock` changed one of `rows`; None: any row it could see."""
        with self._lock:
            later = [touched[oid] for at, touched in self._commits if at > clock and oid in touched]
        if not later or rows is None or None in later:
            return bool(later)
        mine = _known_to_all(rows)
        return any(
            np.isin(mine, _known_to_all(each), assume_unique=True).any()
            for touched in later
            for each in touched or ()
        )


def _known_to_all(rows: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    numbers = rows.to_numpy()
    return np.unique(numbers[numbers < FIRST_OF_OWN])


def note_rows(
    touched: dict[int, list[pa.ChunkedArray] | None], oid: int, delta: pa.Table | None
) -> None:
    """Note rows that a transaction changed or deleted, in what it touched.

    They are named by the column `row` of `delta`; without one any were.
    """
    rows = delta.column("row") if delta is not None and "row" in delta.column_names else None
    noted = touched.setdefault(oid, [])
    if rows is None or noted is None:
        touched[oid] = None
    else:
        noted.append(rows)


def concurrent_update() -> SerializationFailure:
    """What a transaction is told whose rows others changed."""
    return SerializationFailure(
        "could not serialize access due to concurrent update", hint="Run the transaction again."
    )
