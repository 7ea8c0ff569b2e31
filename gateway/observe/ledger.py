"""What all statements of a server came to: totals for /metrics, and a line per kind of statement.

A session adds each statement when it ends (`Ledger.add`), on its own thread, in about a
microsecond: plain sums in one line under one lock, which whoever asks adds up. Nothing here holds a
value that a client sent; what kinds of statements there are is told by their fingerprints.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

# PostgreSQL's default for pg_stat_statements.max; a line takes about 1 kB.
MOST_LINES = 5000
# As pg_stat_statements does: when all places are taken a twentieth of them is made free, and what
# was used long ago counts less and less.
_FREED, _DECAY = 20, 0.99

# Upper bounds of the buckets of durations, in seconds: from a recalled SELECT 1 to a long scan.
BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
_BUCKET_NS = [round(bound * 1e9) for bound in BUCKETS]

SUCCESS = "00000"


@dataclass(slots=True)
class Done:
    """What a statement came to; times in nanoseconds.

    Args:
        again: It is more of a statement that was added before: the next rows of a portal.
        calls: How many executions of it were done at once, each of which took its share.
        recalled: Its query was known from before.
    """

    elapsed_ns: int = 0
    rewrite_ns: int = 0
    plan_ns: int = 0
    rows: int = 0
    sent_bytes: int = 0
    markers: int = 0
    plans: int = 0
    plans_found: int = 0
    chunks_read: int = 0
    chunks_skipped: int = 0
    recalled: bool = False
    again: bool = False
    calls: int = 1


@dataclass(slots=True)
class Line:
    """What the statements of one fingerprint, sent by one user to one database, came to.

    `calls` and the times count those that failed too.
    """

    user: str
    database: str
    kind: str  # query, write, ...: as gateway.sql.statements.statement tells it
    number: int
    text: str
    calls: int = 0
    errors: int = 0
    recalled: int = 0
    rewritten: int = 0
    rows: int = 0
    sent_bytes: int = 0
    elapsed_ns: int = 0
    least_ns: int = 0
    most_ns: int = 0
    squares: float = 0.0  # of nanoseconds
    rewrite_ns: int = 0
    plan_ns: int = 0
    markers: int = 0
    plans: int = 0
    plans_found: int = 0
    chunks_read: int = 0
    chunks_skipped: int = 0
    usage: float = 0.0  # of earlier times, less and less
    counted: int = 0  # calls that `usage` has counted
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    @property
    def mean_ms(self) -> float:
        """Milliseconds of a call."""
        return self.elapsed_ns / 1e6 / self.calls if self.calls else 0.0

    @property
    def stddev_ms(self) -> float:
        """Their standard deviation over all calls there were."""
        if not self.calls:
            return 0.0
        return math.sqrt(max(0.0, self.squares / 1e12 / self.calls - self.mean_ms**2))

    def grow(self, other: Line) -> None:
        """Take in what another line came to."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.buckets = [a + b for a, b in zip(self.buckets, other.buckets, strict=True)]


_SUMS = ("calls", "errors", "recalled", "rewritten", "rows", "sent_bytes", "elapsed_ns",
         "rewrite_ns", "plan_ns", "markers", "plans", "plans_found", "chunks_read",
         "chunks_skipped")  # fmt: skip

Key = tuple[str, str, int]  # user, database, fingerprint


class Ledger:
    """The totals of one server; any thread may add and read.

    Args:
        most: How many lines are kept.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._lines: dict[Key, Line] = {}
        self._others: dict[str, Line] = {}  # by kind: what is no line any more, or never was
        self._failed: Counter[tuple[str, str]] = Counter()
        self.edition = 0  # grows when a line is kept no longer

    def line(self, key: Key, kind: str, text: Callable[[], str]) -> Line:
        """The line of a kind of statement, made when there is none."""
        with self._lock:
            found = self._lines.get(key)
            if found is None:
                if len(self._lines) >= self._most:
                    self._make_room()
                user, database, number = key
                found = self._lines[key] = Line(user, database, kind, number, text())
            return found

    def other(self, kind: str) -> Line:
        """Where statements of no fingerprint are added: those that could not be read."""
        with self._lock:
            return self._other(kind)

    def _other(self, kind: str) -> Line:
        found = self._others.get(kind)
        if found is None:
            found = self._others[kind] = Line("", "", kind, 0, "")
        return found

    def _make_room(self) -> None:
        for line in self._lines.values():
            line.usage = line.usage * _DECAY + line.calls - line.counted
            line.counted = line.calls
        by_use = sorted(self._lines, key=lambda key: self._lines[key].usage)
        for key in by_use[: max(1, self._most // _FREED)]:
            self._retire(self._lines.pop(key))

    def _retire(self, line: Line) -> None:
        """Keep what a line came to; sessions that hold it still must ask anew."""
        self._other(line.kind).grow(line)
        self.edition += 1

    def add(self, done: Done, line: Line, sqlstate: str = SUCCESS) -> None:
        """Add a statement that has ended."""
        calls = done.calls
        elapsed = done.elapsed_ns // calls
        with self._lock:
            if not done.again:
                line.calls += calls
                line.buckets[bisect_left(_BUCKET_NS, elapsed)] += calls
            line.elapsed_ns += done.elapsed_ns
            line.squares += elapsed * elapsed * calls
            if elapsed > line.most_ns:
                line.most_ns = elapsed
            if elapsed < line.least_ns or not line.least_ns:
                line.least_ns = elapsed
            line.plan_ns += done.plan_ns
            line.plans += done.plans
            line.plans_found += done.plans_found
            line.rows += done.rows
            line.sent_bytes += done.sent_bytes
            if done.recalled:
                line.recalled += 1
            if done.rewrite_ns:
                line.rewritten += 1
                line.rewrite_ns += done.rewrite_ns
                line.markers += done.markers
            if done.chunks_read or done.chunks_skipped:
                line.chunks_read += done.chunks_read
                line.chunks_skipped += done.chunks_skipped
            if sqlstate is not SUCCESS:
                line.errors += 1
                self._failed[line.kind, sqlstate] += 1

    def reset(self) -> None:
        """Begin all lines anew; the totals only grow."""
        with self._lock:
            for line in self._lines.values():
                self._retire(line)
            self._lines.clear()
            self.edition += 1

    def lines(self) -> list[Line]:
        """Every line; they go on changing."""
        with self._lock:
            return list(self._lines.values())

    def totals(self) -> dict[str, Line]:
        """What the statements of each kind came to since the server started."""
        with self._lock:
            return _by_kind([*self._others.values(), *self._lines.values()])

    def failed(self) -> dict[tuple[str, str], int]:
        """(kind, SQLSTATE) -> how many statements ended so."""
        with self._lock:
            return dict(self._failed)


def _by_kind(lines: Iterable[Line]) -> dict[str, Line]:
    found: dict[str, Line] = {}
    for line in lines:
        found.setdefault(line.kind, Line("", "", line.kind, 0, "")).grow(line)
    return found
