"""What the running statement of one session has come to: its own thread writes it down, any reads.

`Session` begins and ends a statement here; those who work on it add their times. When it ends it
goes into the server's `Ledger`, and into the log when it took long enough. It ends with its last
row, not with the Sync after it, so a client that thinks costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter_ns

from gateway.config import Settings
from gateway.observe.ledger import SUCCESS, Done, Ledger, Line
from gateway.session.activity.backends import CopyProgress, Doing, Progress
from gateway.session.result import Result
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.table import TableName
from gateway.sources.urls import told
from gateway.sql.shape.fingerprint import fingerprint
from gateway.sql.statements.statement import Statement

log = logging.getLogger("gateway.statements")

NEVER = 2**63 - 1
# Texts whose line a session finds without reading them again.
_MOST_KNOWN, _LONGEST_KNOWN = 256, 4_000

# Where a statement is; what runs says so itself.
READING, PLANNING, RUNNING, IDLE = "reading", "planning", "running", "idle"


@dataclass(frozen=True, slots=True)
class Watching:
    """How the statements of a server are watched.

    Args:
        ledger: Where they are added up.
        log_ns: Those that took as long are written to the log; NEVER writes none.
        log_text: Their texts with them, and the messages of their errors.
    """

    ledger: Ledger = field(default_factory=Ledger)
    log_ns: int = NEVER
    log_text: bool = False


def watching_of(settings: Settings) -> Watching:
    """What the settings say of it; log_min_duration_statement as PostgreSQL has it."""
    least = settings.log_min_duration_statement
    return Watching(
        Ledger(), NEVER if least < 0 else least * 1_000_000, settings.log_statement_text
    )


class Account:
    """The statement that a session works on.

    Args:
        watching: The server's.
        reads: The chunks that it reads, by table; emptied when a statement begins.
    """

    __slots__ = (
        "_doing", "_edition", "_known", "_name", "_reads", "_rows_before", "_sent_before",
        "_started_ns", "_watching", "done", "kept_ns", "phase", "result", "statement", "text",
    )  # fmt: skip

    def __init__(
        self, watching: Watching, reads: Callable[[], Mapping[TableName, TableReads]]
    ) -> None:
        self._watching, self._reads = watching, reads
        self._known: dict[str, Line] = {}
        self._edition = 0
        self.kept_ns = 0  # what Parse took to plan the statement that is executed next
        self.done = Done()
        self.introduce(Doing(), lambda: "")
        self.begin("")
        self.phase = IDLE

    def introduce(self, doing: Doing, application_name: Callable[[], str]) -> None:
        """Take whose statements they are."""
        self._doing, self._name = doing, application_name
        self._known.clear()

    @property
    def ledger(self) -> Ledger:
        """Where the server's statements are added up."""
        return self._watching.ledger

    # Its own thread

    def begin(self, text: str) -> None:
        """A message asks for what stands in `text`."""
        self._started_ns = perf_counter_ns()
        self.phase = READING
        self.text = text
        self.statement: Statement | None = None
        self.result: Result | None = None
        done = self.done
        done.plan_ns = done.rewrite_ns = done.markers = done.plans = done.plans_found = 0
        done.recalled = done.again = False
        done.calls = 1

    def run(self, statement: Statement) -> None:
        """It is this statement."""
        self.statement = statement
        self.phase = PLANNING

    def follow(self, result: Result, *, again: bool = False) -> None:
        """Its rows are these; `again`: some went out before."""
        self.result = result
        self.phase = RUNNING
        self._rows_before, self._sent_before = result.position, result.sent_bytes
        self.done.again = again
        result.on_end = self.end

    def parsed(self) -> None:
        """The message was a Parse: what it took belongs to the execution."""
        self.kept_ns = perf_counter_ns() - self._started_ns
        self.phase = IDLE

    @contextmanager
    def rewriting(self) -> Iterator[Done]:
        """While inside, its query is rewritten."""
        started = perf_counter_ns()
        try:
            yield self.done
        finally:
            self.done.rewrite_ns += perf_counter_ns() - started

    def planned(self, started_ns: int, *, kept: bool) -> None:
        """A query in it was planned, or a plan that was kept was found; what follows is its run.

        The rows of a write are read before it has a result to `follow`.
        """
        if self.phase == PLANNING:
            self.phase = RUNNING
        done = self.done
        done.plan_ns += perf_counter_ns() - started_ns
        done.plans += 1
        done.plans_found += kept

    def end(self, sqlstate: str = SUCCESS, error: BaseException | None = None) -> None:
        """It has ended; a second time nothing happens."""
        if self.phase == IDLE:
            return
        self.phase = IDLE
        done, statement, result = self.done, self.statement, self.result
        done.elapsed_ns = perf_counter_ns() - self._started_ns
        if self.kept_ns:
            done.plan_ns += self.kept_ns
            self.kept_ns = 0
        if result is not None:
            done.rows = result.position - self._rows_before or result.changed or 0
            done.sent_bytes = result.sent_bytes - self._sent_before
        else:
            done.rows = done.sent_bytes = 0
        reads = self._reads()
        if reads:
            done.chunks_read = sum(each.read for each in reads.values())
            done.chunks_skipped = sum(each.total for each in reads.values()) - done.chunks_read
        else:
            done.chunks_read = done.chunks_skipped = 0
        watching = self._watching
        line = self._other() if statement is None else self._line(statement)
        watching.ledger.add(done, line, sqlstate)
        if done.elapsed_ns >= watching.log_ns:
            self._log(done, line, sqlstate, error)
        if reads and log.isEnabledFor(logging.DEBUG):
            for name, each in reads.items():
                log.debug("%s: %s", name, each)

    def _other(self) -> Line:
        return self._watching.ledger.other("unread" if self.text.strip() else "empty")

    def _line(self, statement: Statement) -> Line:
        ledger, text = self._watching.ledger, statement.text
        if self._edition != ledger.edition:
            self._edition = ledger.edition
            self._known.clear()
        found = self._known.get(text)
        if found is None:
            shape = fingerprint(text)
            key = self._doing.user, self._doing.database, shape.number
            found = ledger.line(key, statement.kind.value, lambda: shape.text)
            if len(text) <= _LONGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[text] = found
        return found

    def _log(self, done: Done, line: Line, sqlstate: str, error: BaseException | None) -> None:
        here, statement = self._doing, self.statement
        fields: dict[str, object] = {
            "fingerprint": f"{line.number & (2**64 - 1):016x}" if line.number else None,
            "command": None if statement is None else statement.command,
            "duration_ms": round(done.elapsed_ns / 1e6, 3),
            "plan_ms": round(done.plan_ns / 1e6, 3),
            "rows": done.rows,
            "bytes": done.sent_bytes,
            "chunks_read": done.chunks_read,
            "sqlstate": sqlstate,
            "user": here.user,
            "database": here.database,
            "application_name": self._name(),
            "pid": here.connected.process_id,
        }
        if self._watching.log_text:
            fields["statement"] = told(self.text if statement is None else statement.text)
            fields["error"] = None if error is None else str(error)
        log.info("statement", extra={"fields": fields})

    # Any thread

    def progress(self) -> Progress | None:
        """Where the statement is at this moment; None when none runs."""
        phase, result = self.phase, self.result
        if phase == IDLE:
            return None
        rows = 0 if result is None else max(0, result.position - self._rows_before)
        reads = dict(self._reads())
        if phase == PLANNING and any(each.read for each in reads.values()):
            phase = RUNNING  # what is grouped before it is joined runs while the rest is planned
        return Progress(phase, rows, reads, _copied(result))


def _copied(result: Result | None) -> CopyProgress | None:
    copying = None if result is None else result.copy
    if result is None or copying is None:
        return None
    return copying.progress(result)
