"""LOCK TABLE and SELECT ... FOR UPDATE: writers wait; readers never do.

There is one lock for each table, whoever asks for it. So FOR UPDATE and FOR SHARE lock the tables
whose rows they read, whole, until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import FeatureNotSupported, LockNotAvailable, NoActiveTransaction
from gateway.session.computation import Bound
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.meaning.relation import Relation
from gateway.sql.meaning.scope import position_of
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.writes import parts_of


def lock_tables(executor: Executor, tree: LockTables, in_transaction: bool) -> Result:
    """LOCK TABLE: the one lock there is, for every mode that stops writers.

    Raises:
        NoActiveTransaction: 25P01. LockNotAvailable: 55P03, NOWAIT.
    """
    if not in_transaction:
        raise NoActiveTransaction("LOCK TABLE can only be used in transaction blocks")
    for parts in tree.names:
        name = executor.registry.definition(*executor.registry.named(parts)).name
        if tree.mode not in ("ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE"):
            with _waiting(executor, tree.nowait, f'relation "{name.name}"'):
                executor.registry.store.lock(name)
    return Result("LOCK TABLE")


def locking_query(executor: Executor, statement: Statement, bound: Bound) -> Result | None:
    """SELECT ... FOR UPDATE and its like; None for a query that locks nothing.

    Raises:
        ReadOnlyTable: 25006, a table of a dataset or a materialized view.
        FeatureNotSupported: 0A000, SKIP LOCKED: there are no locks of rows.
        LockNotAvailable: 55P03, NOWAIT.
    """
    tree = statement.tree
    if not isinstance(tree, exp.Select) or not tree.args.get("locks"):
        return None
    tree = tree.copy()
    for lock in tree.args["locks"]:
        wait = lock.args.get("wait")
        if wait is not None and not isinstance(wait, bool):
            raise FeatureNotSupported("FOR UPDATE WAIT is not PostgreSQL's")
        if wait is False:
            raise FeatureNotSupported(
                "SKIP LOCKED is not supported",
                hint="Tables are locked whole; use NOWAIT and try again.",
            )
        for table in _locked(tree, lock):
            relation = executor.registry.relation(*executor.registry.named(parts_of(table)))
            for name in _tables_under(executor.registry, relation):
                with _waiting(executor, wait is True, f'row in relation "{name.name}"'):
                    executor.registry.store.lock_rows(name)
    tree.set("locks", None)
    return executor.query(replace(statement, tree=tree), bound)


def _tables_under(registry: Registry, relation: Relation) -> list[TableName]:
    """The table itself, or the user tables that a view reads."""
    view = registry.store.view(relation.name) if relation.view is not None else None
    if view is None:
        return [registry.definition(relation.name.schema, relation.name.name).name]
    read = [registry.relation(n.schema, n.name) for n in registry.names_read(view).values()]
    kept = [r for r in read if r.view is not None or registry.store.table(r.name) is not None]
    return list(dict.fromkeys(name for each in kept for name in _tables_under(registry, each)))


def _locked(tree: exp.Select, lock: exp.Lock) -> list[exp.Table]:
    """The tables after OF, or else all of FROM."""
    found = [table for table in named_tables(tree) if table.find_ancestor(exp.Select) is tree]
    wanted = [table.name for table in lock.expressions]
    for name in wanted:
        if all(table.alias_or_name != name for table in found):
            raise FeatureNotSupported(
                f'relation "{name}" in FOR UPDATE clause not found in FROM clause',
                position=position_of(lock),
            )
    return [table for table in found if not wanted or table.alias_or_name in wanted]


@contextmanager
def _waiting(executor: Executor, nowait: bool, what: str) -> Iterator[None]:
    """With `nowait` a lock that another session has is refused at once."""
    store = executor.registry.store
    before = store.lock_seconds
    try:
        store.lock_seconds = 0.001 if nowait else before
        yield
    except LockNotAvailable as error:
        if not nowait:
            raise
        raise LockNotAvailable(f"could not obtain lock on {what}") from error
    finally:
        store.lock_seconds = before
