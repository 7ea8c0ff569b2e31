"""Which cursors can turn round, and the rows that they keep for it.

PostgreSQL lets a cursor turn round where nobody said SCROLL or NO SCROLL if its plan can be read
backwards (`ExecSupportsBackwardScan` in execAmi.c): scans and sorts can, joins, aggregates and
functions that give rows cannot. Here no plan can; what was read is kept instead, all of it for
SCROLL and `KEPT_BYTES` where nobody said so, since most clients stream from such cursors. The
cursors of all clients share a `KeptRoom`.
"""

from __future__ import annotations

import weakref
from bisect import bisect_right
from collections.abc import Iterator
from threading import Lock

import pyarrow as pa
from sqlglot import exp

from gateway.errors import OutOfMemory
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import is_aggregate

# What a cursor keeps that was not declared SCROLL: so much that a person may page in it.
KEPT_BYTES = 16 * 2**20


def turns(tree: object) -> bool:
    """Whether PostgreSQL's plan of a query can be read backwards."""
    if isinstance(tree, exp.Subquery):
        return turns(tree.this)
    if isinstance(tree, exp.Values):
        return len(tree.expressions) > 1
    if not isinstance(tree, exp.Query) or tree.args.get("locks"):
        return False
    if isinstance(tree, exp.Select) and any(map(gives_rows, tree.expressions)):
        return False
    if tree.args.get("order"):
        return not (isinstance(tree, exp.Select) and tree.args.get("distinct"))
    if isinstance(tree, exp.Select):
        return _reads_one(tree)
    return isinstance(tree, exp.Union) and not tree.args.get("distinct") and _both(tree)


def _both(tree: exp.Union) -> bool:
    return turns(tree.this) and turns(tree.expression)


def _reads_one(select: exp.Select) -> bool:
    """Whether it is a scan of one thing, without joins or sums."""
    source, where = select.args.get("from_"), select.args.get("where")
    joined = select.args.get("joins") or select.args.get("laterals")
    grouped = any(select.args.get(each) for each in ("group", "having", "distinct"))
    if source is None or joined or grouped or any(map(_sums, select.expressions)):
        return False
    if where is not None and where.find(exp.Query) is not None:
        return False
    return not isinstance(source.this, exp.Subquery) or turns(source.this)


def _sums(output: exp.Expr) -> bool:
    return any(map(is_aggregate, output.find_all(exp.Anonymous))) or bool(output.find(exp.Window))


class KeptRoom:
    """How many bytes several cursors may keep together; from any thread.

    Args:
        most_bytes: So many.
        within: A larger room that this one is a part of.

    >>> room = KeptRoom(10)
    >>> room.take(8), room.take(8), room.give(8), room.take(8)
    (True, False, None, True)
    """

    def __init__(self, most_bytes: int, within: KeptRoom | None = None) -> None:
        self.most_bytes, self._within = most_bytes, within
        self._taken, self._lock = 0, Lock()

    def take(self, nbytes: int) -> bool:
        """Take so many; False: there are not as many left, and none were taken."""
        with self._lock:
            if self._taken + nbytes > self.most_bytes:
                return False
            if self._within is not None and not self._within.take(nbytes):
                return False
            self._taken += nbytes
            return True

    def lend(self, to: object, nbytes: int) -> bool:
        """Take so many until nothing refers to an object any more, of the half that is lent.

        False: as `take`. Nobody is refused a cursor because plans are kept.
        """
        if not (self._may_lend(nbytes) and self.take(nbytes)):
            return False
        weakref.finalize(to, self.give, nbytes)
        return True

    def _may_lend(self, nbytes: int) -> bool:
        with self._lock:
            half_full = self._taken + nbytes > self.most_bytes // 2
        return not half_full and (self._within is None or self._within._may_lend(nbytes))

    def give(self, nbytes: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._taken -= nbytes
            if self._within is not None:
                self._within.give(nbytes)


class Kept:
    """The rows that a cursor has read, so that it can go back to them.

    Args:
        batches: The rows, which are read as they are asked for.
        name: The cursor's.
        room: Where they are kept.
        most_bytes: How much is kept; beyond, nothing is. None: all, or the cursor fails.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        name: str,
        room: KeptRoom,
        most_bytes: int | None = None,
    ) -> None:
        self._left, self._most_bytes = batches, most_bytes
        self._name, self._room = name, room
        self._batches: list[pa.RecordBatch] = []
        self._starts: list[int] = []
        self._rows = self._nbytes = 0
        self.is_whole = True  # nothing of what was read is lost

    def since(self, position: int) -> Iterator[pa.RecordBatch]:
        """The rows after the first `position` ones, which have been read; then what is left."""
        number = bisect_right(self._starts, position) - 1
        if number >= 0:
            passed = self._batches[number].slice(position - self._starts[number])
            if passed.num_rows:
                yield passed
        number += 1
        while number < len(self._batches) or self._read():
            if not self.is_whole:
                yield self._last
                yield from self._left
                return
            yield self._batches[number]
            number += 1

    def _read(self) -> bool:
        """Read one batch more; False: there is none.

        Raises:
            OutOfMemory: 53200, there is no room for it, and all is to be kept.
        """
        batch = next(self._left, None)
        if batch is None:
            return False
        self._last = batch
        more, most = batch.nbytes, self._most_bytes
        if (most is not None and self._nbytes + more > most) or not self._room.take(more):
            self._forget()
            if most is None:
                raise self._refusal()
            return True
        self._batches.append(batch)
        self._starts.append(self._rows)
        self._rows += batch.num_rows
        self._nbytes += more
        return True

    def _forget(self) -> None:
        self._room.give(self._nbytes)
        self._batches, self._starts, self._nbytes, self.is_whole = [], [], 0, False

    def _refusal(self) -> OutOfMemory:
        return OutOfMemory(
            f'out of memory: cursor "{self._name}" keeps its rows, to turn round',
            detail=f"Such cursors may keep {self._room.most_bytes} bytes together, a quarter of"
            " memory_bytes of the configuration, or of the role.",
            hint="Declare it NO SCROLL, or make a table of the query: CREATE TEMP TABLE ... AS.",
        )

    def before(self, position: int, count: int) -> Iterator[pa.RecordBatch]:
        """The `count` rows that end with row `position`, from 1; the nearest first."""
        batches, starts = self._batches, self._starts
        number = bisect_right(starts, position - 1) - 1
        while count > 0:
            end = position - starts[number]
            given = min(end, count)
            rows = pa.array(range(end - 1, end - given - 1, -1), pa.int64())
            yield batches[number].take(rows)
            count, position, number = count - given, position - given, number - 1

    def close(self) -> None:
        """Stop the work behind what was not read, and keep nothing any longer."""
        self._forget()
        close = getattr(self._left, "close", None)
        if close is not None:
            close()
