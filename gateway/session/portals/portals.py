"""Portals of one client: Bind and DECLARE make them, Execute and FETCH read them.

Both share one namespace (PostgreSQL manual, 55.2.3 and DECLARE): a cursor is a portal. A portal
ends with its transaction, unless it was declared WITH HOLD; going back to a savepoint ends the
portals made since. Moving about in one is `cursors`' part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import DuplicateCursor, InvalidCursorName, OutOfMemory
from gateway.session.portals.current_rows import Standing
from gateway.session.portals.prepared import Prepared
from gateway.session.portals.scrolling import Kept, KeptRoom
from gateway.session.result import Result
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.writes import parts_of


@dataclass(slots=True)
class Portal:
    """A statement with its values; `result` from the first Execute or FETCH on, or from DECLARE.

    Args:
        depth: How many savepoints stood around it when it was made.
        hold: It was declared WITH HOLD.
        held: And its transaction has committed.
        failed: Its transaction has failed: it stands, but cannot be run.
        scroll: It may be read backwards; `kept` is then what it has read.
        binary: It was declared BINARY.
        starting: Its statement is being run for the first time.
        made: When.
        fetched: What the last FETCH gave, which may not have been read to its end.
        standing: Which rows of a table its rows are.
        nbytes: What it counts for: its parameters, and something for itself.
    """

    prepared: Prepared
    values: Sequence[pa.Scalar] = ()
    result: Result | None = None
    depth: int = 0
    hold: bool = False
    held: bool = False
    failed: bool = False
    scroll: bool = False
    binary: bool = False
    kept: Kept | None = None
    starting: bool = False
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    fetched: Result | None = None
    standing: Standing | None = None
    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.nbytes = 1000 + sum(map(_bytes_of, self.values))

    def close(self) -> None:
        """Stop the work behind it."""
        if self.result is not None:
            self.result.close()
        if self.kept is not None:
            self.kept.close()


# Cursors may keep one part in so many of the memory that queries have.
KEPT_SHARE = 4


class Portals:
    """Name -> portal; follows the client's transactions.

    Args:
        most_bytes: What their parameters may have together; a new one is refused beyond.
        room: For the rows that cursors keep, all clients' together.
    """

    def __init__(self, most_bytes: int, room: KeptRoom) -> None:
        self._most_bytes, self.room = most_bytes, room
        self._open: dict[str, Portal] = {}
        self._bytes = 0
        self._savepoints: list[str] = []

    def limit(self, memory_bytes: int) -> None:
        """Let cursors keep their share of so much memory, and no more."""
        self.room = KeptRoom(memory_bytes // KEPT_SHARE, self.room)

    def admit(self, name: str) -> None:
        """Make room for a new portal: a name is taken once, but for the unnamed one.

        Raises:
            DuplicateCursor: 42P03. OutOfMemory: 53200, too much is open already.
        """
        if name and name in self._open:
            raise DuplicateCursor(f'cursor "{name}" already exists')
        self.close(name)
        if self._bytes > self._most_bytes:
            raise OutOfMemory(
                "too many portals are open in this session",
                detail=f"{len(self._open)} portals and their parameters have more than "
                f"{self._most_bytes} bytes (portal_bytes of the configuration).",
                hint="Close some, or end the transaction.",
            )

    def keep(self, name: str, portal: Portal) -> None:
        """Keep a portal under a name that was admitted."""
        portal.depth = len(self._savepoints)
        self._open[name] = portal
        self._bytes += portal.nbytes

    def named(self, name: str, word: str = "portal") -> Portal:
        """The portal of that name; `word` is what the error calls it.

        Raises:
            InvalidCursorName: 34000.
        """
        found = self._open.get(name)
        if found is None:
            raise InvalidCursorName(f'{word} "{name}" does not exist')
        return found

    def close(self, name: str) -> None:
        """Forget it, and stop its work; no error when there is none."""
        portal = self._open.pop(name, None)
        if portal is not None:
            self._bytes -= portal.nbytes
            portal.close()

    def close_all(self, running: Statement | None = None) -> None:
        """Forget every portal, held ones too, but not the one that runs this statement."""
        for name, portal in self.all():
            own = portal.prepared.statement
            if portal.result is not None or own is None or running is None or own is not running:
                self.close(name)

    def all(self) -> Iterator[tuple[str, Portal]]:
        """Every one, under its name."""
        return iter(list(self._open.items()))

    def read(self, registry: Registry) -> set[TableName]:
        """The relations that the open cursors of a transaction name."""
        found = set[TableName]()
        for name, portal in self.all():
            query = portal.prepared.statement
            if name and not portal.held and query is not None and isinstance(query.tree, exp.Query):
                named = (registry.named(parts_of(table)) for table in named_tables(query.tree))
                held = (registry.find(*each) for each in named)
                found |= {relation.name for relation in held if relation is not None}
        return found

    # The client's transaction

    def commit(self) -> None:
        """The transaction ended well: what was declared WITH HOLD stays."""
        if not self._open and not self._savepoints:
            return
        for portal in self._open.values():
            portal.held = portal.hold
        self.rollback()

    def rollback(self) -> None:
        """The transaction ended: only what earlier ones left stays."""
        self._close_from(0)
        self._savepoints.clear()

    def fail(self) -> None:
        """A statement failed: what was made since the last savepoint cannot be run any more."""
        for portal in self._made_since(len(self._savepoints)).values():
            portal.close()
            portal.failed = True

    def savepoint(self, name: str) -> None:
        """SAVEPOINT was done."""
        self._savepoints.append(name)

    def release(self, name: str) -> None:
        """RELEASE was done: what was made since belongs to what is around the savepoint."""
        depth = self._depth_of(name)
        for portal in self._open.values():
            portal.depth = min(portal.depth, depth - 1)
        del self._savepoints[depth - 1 :]

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO was done: what was made since the savepoint ends."""
        depth = self._depth_of(name)
        self._close_from(depth)
        del self._savepoints[depth:]

    def _close_from(self, depth: int) -> None:
        for name in self._made_since(depth):
            self.close(name)

    def _made_since(self, depth: int) -> dict[str, Portal]:
        return {n: each for n, each in self._open.items() if each.depth >= depth and not each.held}

    def _depth_of(self, name: str) -> int:
        """1 for the outermost; of several with one name, the newest."""
        return max(n for n, each in enumerate(self._savepoints, 1) if each == name)


def _bytes_of(value: pa.Scalar) -> int:
    """The bytes of a parameter's value."""
    if not value.is_valid:
        return 0
    if isinstance(value, pa.ListScalar):
        return int(value.values.nbytes)
    return value.as_buffer().size if isinstance(value, pa.BinaryScalar) else 16
