"""What a session may see of the server's statements: `gradwire.statements`, `gradwire.progress`.

As in pg_stat_statements and pg_stat_activity, the text of another user's statement is shown to
superusers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.catalog.datasets import PROGRESS, SCHEMA, STATEMENTS
from gateway.observe.ledger import Ledger, Line
from gateway.session.activity.backends import Backend, Connected
from gateway.sources.listing import Listing
from gateway.sources.table import TableName

_HIDDEN = "<insufficient privilege>"

Row = tuple[object, ...]


def own_tables(ledger: Ledger, user: str, connected: Connected) -> Mapping[TableName, Listing]:
    """The tables that tell `user` of the server's statements, their rows as of each scan."""

    def statements() -> list[Row]:
        return [
            _statement(line, connected.superuser or line.user == user) for line in ledger.lines()
        ]

    def progress() -> list[Row]:
        return [
            row
            for backend in connected.backends.all()
            for row in _running(backend, connected.superuser or backend.user == user)
        ]

    return {
        TableName(SCHEMA, "statements"): Listing(STATEMENTS, statements),
        TableName(SCHEMA, "progress"): Listing(PROGRESS, progress),
    }


def _statement(line: Line, allowed: bool) -> Row:
    return (
        line.number if allowed else None, line.user, line.database,
        line.text if allowed else _HIDDEN, line.kind, line.calls, line.errors, line.recalled,
        line.elapsed_ns / 1e6, line.least_ns / 1e6, line.most_ns / 1e6, line.mean_ms,
        line.stddev_ms, line.plan_ns / 1e6, line.rewrite_ns / 1e6, line.rows, line.sent_bytes,
        line.chunks_read, line.chunks_skipped, line.since,
    )  # fmt: skip


def _running(backend: Backend, allowed: bool) -> Iterator[Row]:
    """A row for each grid that a running statement reads; one alone when it reads none."""
    doing = backend.progress
    if doing is None:
        return
    who = (
        backend.process_id, backend.user, backend.database, backend.application_name, doing.phase,
        backend.query if allowed else _HIDDEN,
    )  # fmt: skip
    read: list[Row] = [
        (str(n), each.total, each.wanted, each.read) for n, each in doing.reads.items()
    ]
    for row in read or [(None, None, None, None)]:
        yield (*who, *row, doing.rows, backend.query_start)
