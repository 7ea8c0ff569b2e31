"""LOCK TABLE and SELECT ... FOR UPDATE: writers wait; readers never do.

FOR UPDATE and FOR SHARE lock the tables whose rows they read, whole, until the transaction ends;
and SKIP LOCKED leaves out all rows of a table that another session has locked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import (
    FeatureNotSupported,
    LockNotAvailable,
    NoActiveTransaction,
    UndefinedTable,
)
from gateway.session.computation import Bound
from gateway.session.result import Result
from gateway.session.transactions.row_locking import lock_rows, row_lock
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.relation import Relation
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Kind, Statement
from gateway.sql.writes.writes import parts_of, target_of
from gateway.store.tables import StoreSession
from gateway.store.transactions.locks import Mode
from gateway.store.transactions.row_locks import RowsAreKept


def lock_tables(executor: Executor, tree: LockTables, in_transaction: bool) -> Result:
    """LOCK TABLE, in each of PostgreSQL's modes.

    Raises:
        NoActiveTransaction: 25P01. LockNotAvailable: 55P03, NOWAIT.
    """
    if not in_transaction:
        raise NoActiveTransaction("LOCK TABLE can only be used in transaction blocks")
    for parts in tree.names:
        name = executor.registry.definition(*executor.registry.named(parts)).name
        with _waiting(executor, tree.nowait, f'relation "{name.name}"'):
            executor.registry.store.lock(name, Mode(tree.mode))
    return Result("LOCK TABLE")


# What a text has somewhere that may lock rows: no tree is walked for others.
_MAY_LOCK = re.compile(r"\bfor\s+(no\s+key\s+update|update|key\s+share|share)\b", re.IGNORECASE)


@contextmanager
def locking(executor: Executor, statement: Statement, bound: Bound) -> Iterator[Statement]:
    """Take the locks of FOR UPDATE and its like, wherever they stand; the statement without them.

    With SKIP LOCKED a query has no rows that others have locked. Inside, a write that is a
    transaction of its own holds what it locked.

    Args:
        executor: Whose.
        statement: A query, or a write, which locks by itself what it writes.
        bound: The values of its parameters.

    Raises:
        ReadOnlyTable: 25006, a table of a dataset or a materialized view.
        FeatureNotSupported: 0A000, rows that are none of a table's.
        LockNotAvailable: 55P03, NOWAIT.
    """
    tree = statement.tree
    if not _MAY_LOCK.search(statement.text) or not isinstance(tree, exp.Expr):
        yield statement
        return
    tree, target = tree.copy(), None
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        target = TableName(*executor.registry.named(parts_of(target_of(tree))))
    with ExitStack() as held:
        if statement.kind is Kind.WRITE and not executor.registry.store.in_block:
            held.enter_context(executor.registry.store.holding())
        for query in list(tree.find_all(exp.Query)):
            for lock in query.args.get("locks") or ():
                _lock(executor, query, lock, target, bound)
            query.set("locks", None)
        yield replace(statement, tree=tree)


def query_locking(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """Run a query, with the locks that it takes."""
    query = statement.tree
    if isinstance(query, exp.Select) and len(query.args.get("locks") or ()) == 1:
        lock = query.args["locks"][0]
        _refuse_grouped(query, lock)
        wanted = row_lock(executor, query, lock, bound)
        if wanted is not None:
            locked = lock_rows(executor, wanted, bound)
            if locked is not None:
                return locked.result()
    with locking(executor, statement, bound) as plain:
        return executor.query(plain, bound)


def _lock(
    executor: Executor,
    query: exp.Query,
    lock: exp.Lock,
    target: TableName | None,
    bound: Bound,
) -> None:
    _refuse_grouped(query, lock)
    assert isinstance(query, exp.Select)
    wait = lock.args.get("wait")  # True: NOWAIT; False: SKIP LOCKED
    if wait is not None and not isinstance(wait, bool):
        raise FeatureNotSupported("FOR UPDATE WAIT is not PostgreSQL's")
    wanted = row_lock(executor, query, lock, bound)
    if wanted is not None and wanted.key:
        locked = lock_rows(executor, wanted, bound)
        if locked is not None:
            locked.among(query, wanted.key_node)
            return
    registry = executor.registry
    names = [
        name
        for table in _locked(query, lock)
        for name in _tables_under(registry, registry.relation(*registry.named(parts_of(table))))
    ]
    for name in dict.fromkeys(names):
        if name == target:
            continue
        mode = Mode.ROWS if lock.args.get("update") else Mode.ROWS_SHARED
        if wait is False and not registry.store.is_free(name, mode):
            query.where(exp.false(), copy=False)
            return
        with _waiting(executor, wait is True, f'row in relation "{name.name}"'):
            registry.store.lock_rows(name, mode)


def _refuse_grouped(query: exp.Query, lock: exp.Lock) -> None:
    """Refuse to lock rows that are no table's own (CheckSelectLocking)."""
    words = ""
    if not isinstance(query, exp.Select) or isinstance(query.parent, exp.SetOperation):
        words = "UNION/INTERSECT/EXCEPT"
    else:
        for part, its_words in _GROUPED:
            if query.args.get(part) is not None:
                words = words or its_words
        if not words and any(is_aggregate(node) for node in _own(query)):
            words = "aggregate functions"
        if not words and any(isinstance(node, exp.Window) for node in _own(query)):
            words = "window functions"
    if words:
        raise FeatureNotSupported(f"{strength(lock)} is not allowed with {words}")


_GROUPED = (
    ("distinct", "DISTINCT clause"), ("group", "GROUP BY clause"), ("having", "HAVING clause"),
)  # fmt: skip


def _own(query: exp.Select) -> Iterator[exp.Expr]:
    """What a query's outputs are made of, subqueries left out."""
    for item in query.expressions:
        yield from item.walk(prune=lambda node: isinstance(node, exp.Query))


def strength(lock: exp.Lock) -> str:
    """FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE or FOR KEY SHARE."""
    update, key = bool(lock.args.get("update")), bool(lock.args.get("key"))
    keys = ("NO KEY " if update else "KEY ") if key else ""
    return f"FOR {keys}{'UPDATE' if update else 'SHARE'}"


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
    found = [
        table for table in named_tables(tree) if table.find_ancestor(exp.Select, exp.Lock) is tree
    ]
    wanted = [table.name for table in lock.expressions]
    for name in wanted:
        if all(table.alias_or_name != name for table in found):
            raise UndefinedTable(
                f'relation "{name}" in {strength(lock)} clause not found in FROM clause',
                position=position_of(lock),
            )
    parts = {cte.alias for cte in tree.root().find_all(exp.CTE)}
    mine = [t for t in found if not wanted or t.alias_or_name in wanted]
    return [table for table in mine if table.db or table.name not in parts]


def until_rows_are_free(store: StoreSession, work: Callable[[], Result]) -> Result:
    """What `work` gives, which is done again when others kept rows that it was to change."""
    while True:
        try:
            return work()
        except RowsAreKept as kept:
            store.wait_for_rows(kept)


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
