"""Values of sequences: given once, to whoever asks first, whatever becomes of the transaction.

So they stand beside transactions: in memory, and on disk some ahead of what was given (PostgreSQL's
SEQ_LOG_VALS, as many). After a clean end a sequence goes on where it stood; after a crash it leaves
out what was set aside, as PostgreSQL does. A value on disk may outlive a sequence whose making was
undone; `load` forgets it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from gateway.errors import NumericValueOutOfRange, SequenceLimitExceeded
from gateway.store.definitions.definitions import Sequence
from gateway.store.disk.faults import translated

# How many values go to disk ahead of those given.
AHEAD = 32


@dataclass(slots=True)
class State:
    """`last` was given, or is to be given next when not `called`; `written` is on disk.

    While it `waits`, who restarted it has not committed: after a crash it goes on from before.
    """

    last: int
    called: bool
    written: int | None = None
    waits: bool = False


class SequenceValues:
    """The values of all sequences of a store. Any thread may call.

    Args:
        cursor: Its own, for what it writes.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._lock = threading.Lock()
        self._states: dict[int, State] = {}
        self._rows: set[int] = set()

    def load(self, known: Collection[int]) -> None:
        """Read where each sequence stands; `known` are the numbers of those there are."""
        kept = self._cursor.execute("SELECT oid, value FROM gradwire.sequences").fetchall()
        for oid, value in kept:
            if oid in known:
                self._states[oid] = State(value, True, value)
                self._rows.add(oid)
            else:
                self._cursor.execute("DELETE FROM gradwire.sequences WHERE oid = ?", [oid])

    def next(self, oid: int, sequence: Sequence, count: int = 1) -> list[int]:
        """The next `count` values, durable: no other call gives them, in this life or the next.

        Raises:
            SequenceLimitExceeded: 2200H, there are none left.
        """
        with self._lock:
            state = self._state(oid, sequence)
            values = _following(state, sequence, count)
            state.last, state.called = values[-1], True
            self._write(oid, state, sequence)
            return values

    def set(self, oid: int, sequence: Sequence, value: int, called: bool = True) -> None:
        """Go on after `value`, or at it when not `called`.

        Raises:
            NumericValueOutOfRange: 22003, it is outside the sequence's bounds.
        """
        if not sequence.minimum <= value <= sequence.maximum:
            raise NumericValueOutOfRange(
                f'setval: value {value} is out of bounds for sequence "{sequence.name.name}"'
                f" ({sequence.minimum}..{sequence.maximum})"
            )
        with self._lock:
            state = self._states[oid] = State(value, called)
            self._write(oid, state, sequence)

    def restart(self, oid: int, sequence: Sequence, value: int) -> State:
        """Give `value` next, on disk once it is `kept`; what `undo` goes back to."""
        with self._lock:
            before = self._state(oid, sequence)
            self._states[oid] = State(value, False, before.written, waits=True)
            return before

    def keep(self, oid: int, sequence: Sequence) -> None:
        """The transaction that restarted a sequence has committed."""
        with self._lock:
            state = self._state(oid, sequence)
            state.waits, state.written = False, None
            self._write(oid, state, sequence)

    def undo(self, oid: int, before: State) -> None:
        """It was undone."""
        with self._lock:
            self._states[oid] = before

    def stand(self, oid: int, sequence: Sequence) -> tuple[int, int, bool]:
        """The last value, how many after it are set aside, and whether it was given."""
        with self._lock:
            state = self._state(oid, sequence)
            ahead = 0 if state.written is None else state.written - state.last
            return state.last, ahead // sequence.increment if state.called else 0, state.called

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Nothing is written inside."""
        with self._lock:
            yield

    def close(self) -> None:
        """Write where each sequence stands; nothing is set aside."""
        with self._lock:
            for oid, state in self._states.items():
                if state.called and not state.waits and state.written != state.last:
                    self._save(oid, state, state.last)
            self._states.clear()

    def _state(self, oid: int, sequence: Sequence) -> State:
        return self._states.setdefault(oid, State(sequence.start, False))

    def _write(self, oid: int, state: State, sequence: Sequence) -> None:
        """Have at least what was given on disk, and some more."""
        if state.waits:
            return
        given = state.last if state.called else state.last - sequence.increment
        written = state.written
        up = sequence.increment > 0
        ahead = given + AHEAD * sequence.increment
        ahead = max(min(ahead, sequence.maximum), sequence.minimum)
        enough = written is not None and (
            given <= written <= ahead if up else ahead <= written <= given
        )
        if not enough:
            self._save(oid, state, ahead if state.called else given)

    def _save(self, oid: int, state: State, value: int) -> None:
        with translated():
            if oid in self._rows:
                self._cursor.execute(
                    "UPDATE gradwire.sequences SET value = ? WHERE oid = ?", [value, oid]
                )
            else:
                self._cursor.execute("INSERT INTO gradwire.sequences VALUES (?, ?)", [oid, value])
                self._rows.add(oid)
        state.written = value


def _following(state: State, sequence: Sequence, count: int) -> list[int]:
    step = sequence.increment
    first = state.last + step if state.called else state.last
    last = first + (count - 1) * step
    if sequence.minimum <= min(first, last) and max(first, last) <= sequence.maximum:
        return list(range(first, last + (1 if step > 0 else -1), step))
    values, value = [], first
    for _ in range(count):
        if not sequence.minimum <= value <= sequence.maximum:
            value = _around(sequence, value)
        values.append(value)
        value += step
    return values


def _around(sequence: Sequence, value: int) -> int:
    if sequence.cycle:
        return sequence.minimum if sequence.increment > 0 else sequence.maximum
    which = "maximum" if value > sequence.maximum else "minimum"
    bound = sequence.maximum if value > sequence.maximum else sequence.minimum
    raise SequenceLimitExceeded(
        f'nextval: reached {which} value of sequence "{sequence.name.name}" ({bound})'
    )
