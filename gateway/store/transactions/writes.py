"""What a transaction did, kept to be done again.

A statement that may be all that a transaction is, is one `OneChange`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from gateway.errors import OutOfMemory
from gateway.store.definitions.definitions import TableDefinition

# DuckDB numbers rows that a transaction added itself from here on (MAX_ROW_ID, 2 ** 55 rounded).
FIRST_OF_OWN = 36_028_797_018_960_000


@dataclass(frozen=True, slots=True)
class Write:
    """One write as DuckDB got it, to be done again: an append of `rows`, or a statement.

    `place` is DuckDB's table that they are appended to, and `definition` what it is to the user;
    `count` is how many rows it changed, None for a definition. `together` is the statement that
    does several of its kind at once, over the table of what each was given; it finds rows by the
    columns `named` of that.
    """

    oid: int
    place: str = ""
    definition: TableDefinition | None = None
    rows: pa.RecordBatch | None = None
    statement: str = ""
    values: Sequence[object] = ()
    delta: pa.Table | None = None
    count: int | None = None
    together: str = ""
    named: tuple[str, ...] = ("row",)

    @property
    def nbytes(self) -> int:
        """What it takes in memory, about."""
        held = 0 if self.rows is None else self.rows.nbytes
        return _EACH_BYTES + held + (0 if self.delta is None else self.delta.nbytes)

    def joins(self, later: Write) -> bool:
        """Whether it and the write after it append to one table, or could be one statement."""
        if self.rows is not None and later.rows is not None:
            return (self.place, self.definition) == (later.place, later.definition)
        same = bool(self.together) and self.together == later.together
        return same and self.given().schema == later.given().schema

    def given(self) -> pa.Table:
        """What `together` is to read for it."""
        if self.delta is not None:
            return self.delta
        return pa.table({f"given{n}": [value] for n, value in enumerate(self.values)})

    def found(self) -> set[tuple[object, ...]]:
        """What names the rows of one that can be done together with others."""
        if not self.together:
            return set()
        given = self.given()
        return set(zip(*(given.column(name).to_pylist() for name in self.named), strict=True))


# What a transaction may keep, and what a write takes beside its rows.
MOST_BYTES, _EACH_BYTES = 512 * 2**20, 2_000
# From so many changes of a row on one statement does them all: it reads the whole table's keys.
_FEWEST_TOGETHER = 64


class KeptWrites:
    """The writes of a transaction, in order, as long as they fit in memory."""

    def __init__(self) -> None:
        self._writes: list[Write | None] = []  # None: it was done with the one before it
        self._wasted: list[bool] = []  # of each: it was undone, or undid another
        self._bytes, self._fit = 0, True

    def __len__(self) -> int:
        return len(self._writes)

    @property
    def are_too_many(self) -> bool:
        """Whether half of what may be kept is: to undo by more writes adds to it."""
        return self._bytes > MOST_BYTES / 2

    def add(self, write: Write | None) -> None:
        """Keep one more. Where that is too much none is kept any more, but counted."""
        self._writes.append(write if self._fit else None)
        self._wasted.append(False)
        self._bytes += write.nbytes if write is not None else 0
        if self._fit and self._bytes > MOST_BYTES:
            self._fit, self._writes = False, [None] * len(self._writes)

    def waste(self, count: int) -> None:
        """All but the first `count` came to nothing, together."""
        self._wasted[count:] = [True] * (len(self._wasted) - count)

    def needed(self, count: int) -> int:
        """So many of the first `count` come to the same: what was wasted at the end is left out.

        That before others is not: rows are numbered as they are added.
        """
        while count and self._wasted[count - 1]:
            count -= 1
        return count

    def first(self, count: int, marks: Collection[int]) -> list[Write | None]:
        """The first `count`; None where a write is done with the one before it.

        Args:
            count: How many.
            marks: After how many of them something will be gone back to, perhaps.

        Raises:
            OutOfMemory: 53200, they were too many to be kept.
        """
        if count and not self._fit:
            raise OutOfMemory(
                "the transaction has written too much to go back in it",
                detail=f"{MOST_BYTES} bytes of what it writes are kept.",
                hint="Write as much in several transactions.",
            )
        found: list[Write | None] = []
        run: list[Write] = []
        seen: set[tuple[object, ...]] = set()  # the rows that the run changes
        for number, write in enumerate(self._writes[:count]):
            if write is None:
                found.append(None)
                continue
            mine = write.found()
            if run and run[0].joins(write) and number not in marks and not mine & seen:
                run.append(write)
                found.append(None)
                seen |= mine
            else:
                _join(found, run)
                run, seen = [write], mine
                found.append(write)
        _join(found, run)
        return found


def _join(found: list[Write | None], run: list[Write]) -> None:
    """Put the rows of a run of appends into its first one, or what changes of rows were given."""
    if len(run) < 2:
        return
    first, count = run[0], sum(write.count or 0 for write in run)
    place = max(n for n, write in enumerate(found) if write is first)
    batches = [write.rows for write in run if write.rows is not None]
    if batches:
        rows = pa.concat_batches(batches)
        found[place] = replace(first, rows=rows, count=rows.num_rows)
        return
    given = pa.concat_tables(write.given() for write in run).combine_chunks()
    if given.num_rows >= _FEWEST_TOGETHER:
        found[place] = replace(first, statement=first.together, values=(), delta=given, count=count)
    else:
        found[place + 1 : place + len(run)] = run[1:]


@dataclass(slots=True)
class OneChange:
    """A statement of DuckDB's.

    Args:
        oid: The table that it changes.
        statement: Its text.
        values: Those of its parameters.
        asks_more: Whether it finds a row only under a condition of its own.
        count: How many rows it changed; None: it was not done yet.
        delta: Of several rows, the table of that name in the statement.
        key: Of several rows, the columns that name them, by DuckDB's names.
        rows: Those of the rows that it changed, once it was done.
        together: The statement that does several of its kind at once; see `Write`.
        named: What of its values names the row there.
    """

    oid: int
    statement: str
    values: Sequence[object]
    asks_more: bool = False
    count: int | None = None
    together: str = ""
    named: tuple[str, ...] = ()
    delta: pa.Table | None = None
    key: Sequence[str] = ()
    rows: pa.Table | None = None

    @property
    def command(self) -> str:
        """UPDATE or DELETE."""
        return self.statement.partition(" ")[0]

    @property
    def is_in_vain(self) -> bool:
        """Whether it found no row because of that condition, perhaps."""
        return self.asks_more and self.count == 0
