"""DECLARE, FETCH, MOVE, CLOSE: where a portal stands, and how it gets elsewhere.

Directions are PostgreSQL's (manual, FETCH; `DoPortalRunFetch` in pquery.c). A cursor reads its
query forwards, a batch at a time; `scrolling` says which keep what they read, to turn round.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from gateway.errors import (
    InvalidCursorState,
    NoActiveTransaction,
    ObjectNotInPrerequisiteState,
)
from gateway.session.client import Client
from gateway.session.computation import Bound, Described
from gateway.session.portals.current_rows import cursor_rows
from gateway.session.portals.declared import check_declared, locks_of
from gateway.session.portals.parsing import start
from gateway.session.portals.portals import Portal
from gateway.session.portals.prepared import Prepared
from gateway.session.portals.scrolling import KEPT_BYTES, Kept, turns
from gateway.session.result import Result
from gateway.session.transactions.locking import locking
from gateway.sql.statements.cursors import CloseStatement, Declare, FetchStatement
from gateway.sql.statements.statement import Statement

_HINT = "Declare it with SCROLL option to enable backward scan."


def run_cursor(owner: Client, statement: Statement, bound: Bound) -> Result:
    """DECLARE, FETCH, MOVE and CLOSE.

    Raises:
        NoActiveTransaction: 25P01. InvalidCursorName: 34000. DuplicateCursor: 42P03.
        InvalidCursorDefinition: 42P11. ObjectNotInPrerequisiteState: 55000, a portal that runs
            this statement; InvalidCursorState: 24000, the same of CLOSE.
    """
    tree = statement.tree
    if isinstance(tree, Declare):
        return _declare(owner, tree, bound)
    if isinstance(tree, FetchStatement):
        portal = owner.portals.named(tree.cursor, "cursor")
        if portal.starting:
            raise ObjectNotInPrerequisiteState(f'portal "{tree.cursor}" cannot be run')
        if portal.result is None:
            start(owner, portal)
        return fetch(portal, tree)
    assert isinstance(tree, CloseStatement)
    if tree.cursor is None:
        owner.portals.close_all(statement)
        return Result("CLOSE CURSOR ALL")
    if owner.portals.named(tree.cursor, "cursor").starting:
        raise InvalidCursorState(f'cannot drop active portal "{tree.cursor}"')
    owner.portals.close(tree.cursor)
    return Result("CLOSE CURSOR")


def _declare(owner: Client, tree: Declare, bound: Bound) -> Result:
    check_declared(tree)
    if not tree.hold and not owner.in_transaction():
        raise NoActiveTransaction("DECLARE CURSOR can only be used in transaction blocks")
    owner.portals.admit(tree.name)
    locks = locks_of(tree)
    with locking(owner.executor, tree.statement, bound) as plain:
        result, standing = cursor_rows(owner.executor, locks, plain, bound)
    described = Described(tuple(bound.types), result.fields)
    portal = Portal(Prepared(tree.statement, described, source=tree.source), bound.values, result)
    portal.standing = standing
    portal.hold, portal.binary = tree.hold, "BINARY" in tree.options
    portal.scroll = turns(tree.statement.tree) if tree.scroll is None else tree.scroll
    if portal.scroll:
        most = None if tree.scroll else KEPT_BYTES
        portal.kept = Kept(result.batches, tree.name, owner.portals.room, most)
        result.wrap(portal.kept.since(0))
    owner.portals.keep(tree.name, portal)
    return Result("DECLARE CURSOR")


def fetch(portal: Portal, statement: FetchStatement) -> Result:
    """The rows that FETCH asks for, read as they are sent; MOVE passes them and counts.

    Raises:
        ObjectNotInPrerequisiteState: 55000, backwards without SCROLL, or no rows to fetch.
    """
    result = _ready(portal, statement.cursor)
    if statement.move and statement.count == 0 and statement.absolute is None:
        return Result("MOVE", changed=int(result.position > 0 and not result.exhausted))
    rows = _rows(portal, result, statement)
    if statement.move:
        return Result("MOVE", changed=sum(batch.num_rows for batch in rows))
    portal.fetched = Result("FETCH", result.fields, rows)
    portal.fetched.binary = portal.binary
    return portal.fetched


def _ready(portal: Portal, name: str) -> Result:
    """The portal's rows, with nothing of an earlier FETCH left unread."""
    result = portal.result
    if result is None or result.fields is None or result.failed:
        raise ObjectNotInPrerequisiteState(f'portal "{name}" cannot be run')
    if portal.fetched is not None:
        portal.fetched.wrap(iter(list(portal.fetched.batches)))
        portal.fetched = None
    return result


def _rows(portal: Portal, result: Result, statement: FetchStatement) -> Iterator[pa.RecordBatch]:
    if statement.absolute is not None:
        return _absolute(portal, result, statement.absolute)
    count = statement.count
    if statement.relative and count is not None and abs(count) > 1:
        step = 1 if count > 0 else -1
        _pass(portal, result, count - step)
        count = step
    return _step(portal, result, count)


def _absolute(portal: Portal, result: Result, number: int) -> Iterator[pa.RecordBatch]:
    """Row `number`, from 1; from the end when negative; 0 is before the first."""
    if number < 0:
        _pass(portal, result, None)
        _pass(portal, result, number + 1)
        return _step(portal, result, -1)
    # Rewound, unless the goal lies ahead and is no nearer to the start.
    if number == 0 or number - 1 <= result.position // 2:
        _rewind(portal, result)
    if number == 0:
        return iter(())
    ahead = number - 1 - result.position
    if ahead < 0:
        _backward(portal, result, -ahead + result.exhausted)
    else:
        _pass(portal, result, ahead)
    return _step(portal, result, 1)


def _pass(portal: Portal, result: Result, count: int | None) -> None:
    """Go `count` rows on (None: to the end; negative: back), and show none."""
    if count != 0:
        for _ in _step(portal, result, count):
            pass


def _step(portal: Portal, result: Result, count: int | None) -> Iterator[pa.RecordBatch]:
    """The next `count` rows; all for None; the current one again for 0; backwards if negative."""
    if count is None:
        return result.take()
    if count == 0:
        if result.position == 0 or result.exhausted:
            return iter(())
        _backward(portal, result, 1)
        count = 1
    return result.take(count) if count > 0 else _backward(portal, result, -count)


def _backward(portal: Portal, result: Result, count: int) -> Iterator[pa.RecordBatch]:
    """The `count` rows before the current one, the nearest first."""
    if portal.kept is None or not portal.kept.is_whole:
        raise _forward_only(result)
    before = result.position if result.exhausted else max(result.position - 1, 0)
    given = min(count, before)
    _seek(portal, result, before - count + 1 if given == count else 0)
    return portal.kept.before(before, given)


def _rewind(portal: Portal, result: Result) -> None:
    if result.position == 0 and not result.exhausted:
        return
    if portal.kept is None or not portal.kept.is_whole:
        raise _forward_only(result)
    _seek(portal, result, 0)


def _forward_only(result: Result) -> ObjectNotInPrerequisiteState:
    result.failed = True  # a portal that has failed cannot be run again, whatever is rolled back
    return ObjectNotInPrerequisiteState("cursor can only scan forward", hint=_HINT)


def _seek(portal: Portal, result: Result, position: int) -> None:
    """Stand on row `position`, from 1; 0 is before the first."""
    assert portal.kept is not None
    result.seek(position, portal.kept.since(position))
