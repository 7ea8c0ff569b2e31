"""What writes found, kept so that ROLLBACK TO can take them back one by one.

To do all that came before them again costs as much as all that; taken back, each costs as much as
itself. What takes them back is written and kept as any other write is: done again, the whole comes
to the same rows under the same identifiers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gateway.store.definitions.definitions import TableDefinition
from gateway.store.transactions.applying import Applied, deleting, making_way, setting
from gateway.store.transactions.writes import MOST_BYTES

# Of so many savepoints in each other each may be gone back to.
_MANY_POINTS = 8

Identifiers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one write, and what stood in them.

    Args:
        oid: The table.
        place: DuckDB's.
        definition: What it is to the user.
        rows: Identifiers.
        before: Values of the columns that it set, by DuckDB's names; of all that it deleted, as the
            definition has them; None: it added the rows.
        deleted: Whether it deleted them.
    """

    oid: int
    place: str
    definition: TableDefinition
    rows: Identifiers
    before: pa.Table | None = None
    deleted: bool = False

    @property
    def nbytes(self) -> int:
        """What it takes in memory, about."""
        return self.rows.nbytes + (0 if self.before is None else self.before.nbytes)

    def back(self, rows: Identifiers) -> list[tuple[Applied, pa.Table]]:
        """What takes it back where nothing has to be added: statements, each with its delta.

        Args:
            rows: The identifiers as they are now.
        """
        named = pa.table({"row": rows})
        if self.before is None:
            return [(deleting(self.place, named), named)]
        delta = self.before.add_column(0, "row", named.column("row"))
        ways = [making_way(self.place, delta, name) for name in self.before.schema.names]
        first = [(Applied(way[0]), way[1]) for way in ways if way is not None]
        return [*first, (setting(self.place, delta), delta)]


class Finds:
    """What the writes of a transaction found since its oldest savepoint, in order.

    Args:
        always: Whether to look from the first savepoint on.
    """

    def __init__(self, always: bool) -> None:
        self._found: list[Found | None] = []  # None: it cannot be taken back
        self._bytes = 0
        self._moved: dict[int, dict[int, tuple[int, int]]] = {}
        self._went_back, self._points, self._rests = always, 0, False

    def __len__(self) -> int:
        return len(self._found)

    @property
    def wanted(self) -> bool:
        """Whether to look at what a write finds: the transaction has gone back once, or may often.

        Most never do, and what was there takes a statement of DuckDB's to read.
        """
        return not self._rests and self._points >= (1 if self._went_back else _MANY_POINTS)

    def follow(self, points: int) -> None:
        """There are so many savepoints."""
        self._points = points

    def went_back(self) -> None:
        """The transaction did all before a savepoint again, and may do so many times."""
        self._went_back = True

    def forget(self) -> None:
        """There is no savepoint any more."""
        self._found.clear()
        self._bytes, self._points = 0, 0

    def add(self, found: Found | None) -> None:
        """Keep what one more write found."""
        if self._rests:
            return
        if found is not None:
            self._bytes += found.nbytes
        self._found.append(found if self._bytes <= MOST_BYTES else None)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Keep nothing of the writes inside: they are done again, or take others back."""
        self._rests = True
        try:
            yield
        finally:
            self._rests = False

    def since(self, depth: int) -> list[Found] | None:
        """What was found after the first `depth`, newest first; None: not of all it is known."""
        later = self._found[depth:]
        known = [found for found in reversed(later) if found is not None]
        return known if len(known) == len(later) else None

    def cut(self, depth: int) -> None:
        """Leave out all but the first `depth`, whose writes are undone."""
        gone = self._found[depth:]
        self._bytes -= sum(found.nbytes for found in gone if found is not None)
        del self._found[depth:]

    def move(self, oid: int, old: Identifiers, first: int, writes: int) -> None:
        """Rows that were deleted are there again, numbered from `first` on.

        Args:
            oid: The table.
            old: What they were called before.
            first: The number of the first one.
            writes: How many writes the transaction had done before.
        """
        moved = self._moved.setdefault(oid, {})
        moved.update({int(row): (first + n, writes) for n, row in enumerate(old)})

    def stay(self, writes: int) -> None:
        """All but the first `writes` writes are undone, and so are their moves."""
        for oid, moved in self._moved.items():
            self._moved[oid] = {row: to for row, to in moved.items() if to[1] < writes}

    def now(self, found: Found) -> Identifiers:
        """The identifiers of its rows as they are now."""
        moved = self._moved.get(found.oid)
        if not moved:
            return found.rows
        return np.array([_followed(moved, int(row)) for row in found.rows], np.int64)


def _followed(moved: dict[int, tuple[int, int]], row: int) -> int:
    """The number that a row has come to."""
    while row in moved:
        row = moved[row][0]
    return row
