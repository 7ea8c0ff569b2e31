"""VACUUM, ANALYZE and their like, done: nothing, since the store keeps itself in order.

CREATE EXTENSION finds what every database here has: PostgreSQL's own, and that of the datasets.

Rows are in memory, written to disk with each commit; there are no dead rows, no statistics and no
index that could grow apart from its table. Who listens to nothing has nothing to unlisten.
"""

from __future__ import annotations

from gateway.catalog.system.oids import EXTENSION
from gateway.errors import ActiveTransaction, DuplicateObject, FeatureNotSupported
from gateway.session.definitions.naming import placed
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sql.statements.maintenance import Maintenance
from gateway.sql.statements.statement import Statement


def refuse_inside(statement: Statement, in_transaction: bool) -> None:
    """Refuse CREATE INDEX CONCURRENTLY and its like, whose steps are transactions, inside one.

    Raises:
        ActiveTransaction: 25001.
    """
    if in_transaction and getattr(statement.tree, "alone", False):
        raise ActiveTransaction(
            f"{statement.command} CONCURRENTLY cannot run inside a transaction block"
        )


def maintain(executor: Executor, tree: Maintenance, in_transaction: bool) -> Result:
    """The command's tag.

    Raises:
        ActiveTransaction: 25001, it runs by itself alone. UndefinedTable: 42P01.
        DuplicateObject: 42710. FeatureNotSupported: 0A000, an extension that there is not.
    """
    if tree.extension:
        _find_extension(executor, tree)
    if tree.alone and in_transaction:
        raise ActiveTransaction(f"{tree.command} cannot run inside a transaction block")
    for name in tree.tables:
        executor.registry.relation(*placed(executor, name))
    return Result(tree.command)


def _find_extension(executor: Executor, tree: Maintenance) -> None:
    if tree.extension not in ("plpgsql", EXTENSION):
        raise FeatureNotSupported(f'extension "{tree.extension}" is not available')
    found = f'extension "{tree.extension}" already exists'
    if not tree.optional:
        raise DuplicateObject(found)
    executor.notices.append(Notice(f"{found}, skipping", code="42710"))
