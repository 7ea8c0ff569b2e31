"""A statement of any kind -> the room that does it: a row per kind (`RUNNERS`)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from gateway.errors import ActiveTransaction
from gateway.session.client import Client, Runner
from gateway.session.computation import Bound
from gateway.session.definitions.definition import define
from gateway.session.definitions.maintenance import maintain, refuse_inside
from gateway.session.portals.current_of import write_at
from gateway.session.portals.cursors import run_cursor
from gateway.session.portals.executing import run_prepared, with_executed
from gateway.session.procedural.doing import run_do
from gateway.session.result import Result
from gateway.session.settings.showing import run_setting
from gateway.session.transactions import locking
from gateway.session.transactions.modes import modes_of, set_modes
from gateway.session.transactions.transaction import AT_SAVEPOINT
from gateway.session.writes.copying import copy
from gateway.session.writes.merges import explain, merge
from gateway.session.writes.modifying import modify
from gateway.sql.statements.commands import (
    DiscardStatement,
    DropStatement,
    TransactionStatement,
)
from gateway.sql.statements.maintenance import Maintenance
from gateway.sql.statements.notifying import Listen, Notify, Unlisten
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.writes.writes import modifying_parts


def _query(client: Client, statement: Statement, bound: Bound) -> Result:
    return locking.query_locking(client.executor, statement, bound)


def _write(client: Client, statement: Statement, bound: Bound) -> Result:
    if isinstance(statement.tree, DropStatement):  # TRUNCATE
        return define(client.executor, statement, bound)
    with locking.locking(client.executor, statement, bound) as plain:
        if modifying_parts(plain.tree):
            return modify(client.executor, plain, bound)
        if isinstance(plain.tree, exp.Merge):
            return merge(client.executor, plain, bound)
        return write_at(client, plain, bound)


def _define(client: Client, statement: Statement, bound: Bound) -> Result:
    if isinstance(statement.tree, LockTables):
        return locking.lock_tables(client.executor, statement.tree, client.in_transaction())
    refuse_inside(statement, client.in_transaction())
    return define(client.executor, *with_executed(client, statement, bound))


def _copy(client: Client, statement: Statement, bound: Bound) -> Result:
    return copy(client.executor, statement, lambda s: RUNNERS[s.kind](client, s, Bound()))


def _explain(client: Client, statement: Statement, bound: Bound) -> Result:
    return explain(client.executor, *with_executed(client, statement, bound))


def _transact(client: Client, statement: Statement, bound: Bound) -> Result:
    tree = statement.tree
    assert isinstance(tree, TransactionStatement)
    modes = modes_of(client.settings)
    if tree.verb == "BEGIN" and client.block.status == "I":
        set_modes(client.block, client.settings, tree.modes)  # one refused has not begun
    result = client.block.run(statement)
    if tree.savepoint is not None:
        for follower in client.followers:
            AT_SAVEPOINT[tree.verb](follower, tree.savepoint)
    elif tree.verb == "BEGIN":
        set_modes(client.block, client.settings, tree.modes)
    elif client.block.status == "I":
        client.end_transaction(committed=result.command == "COMMIT")
        if tree.chain:
            client.block.chain()
            set_modes(client.block, client.settings, modes)
    return result


def _setting(client: Client, statement: Statement, bound: Bound) -> Result:
    if isinstance(statement.tree, DiscardStatement):
        return _discard(client, statement.tree.what)
    return run_setting(client, statement)


def _discard(client: Client, what: str) -> Result:
    if what == "all":
        if client.in_transaction():
            raise ActiveTransaction("DISCARD ALL cannot run inside a transaction block")
        client.settings.set("session_authorization", None)
        client.settings.reset_all()
        client.prepared.deallocate(None)
        client.portals.close_all()
        client.notifier.close()
    if what in ("all", "sequences"):
        client.sequences.forget()
    if what in ("all", "temp", "temporary"):
        client.store.drop_temporary()
    return Result(f"DISCARD {what.upper()}")


def _maintain(client: Client, statement: Statement, bound: Bound) -> Result:
    assert isinstance(statement.tree, Maintenance)
    return maintain(client.executor, statement.tree, client.in_transaction())


def _notify(client: Client, statement: Statement, bound: Bound) -> Result:
    assert isinstance(statement.tree, Listen | Notify | Unlisten)
    client.notifier.run(statement.tree)
    return Result(statement.command)


RUNNERS: Mapping[Kind, Runner] = {
    Kind.QUERY: _query,
    Kind.WRITE: _write,
    Kind.DEFINITION: _define,
    Kind.EXPLAIN: _explain,
    Kind.COPY: _copy,
    Kind.SETTING: _setting,
    Kind.TRANSACTION: _transact,
    Kind.PREPARED: run_prepared,
    Kind.CURSOR: run_cursor,
    Kind.BLOCK: run_do,
    Kind.MAINTENANCE: _maintain,
    Kind.NOTIFICATION: _notify,
}
