"""VACUUM, ANALYZE and their like, done: nothing, since the store keeps itself in order.

Rows are in memory, written to disk with each commit; there are no dead rows, no statistics and no
index that could grow apart from its table. Who listens to nothing has nothing to unlisten.
"""

from __future__ import annotations

from gateway.catalog.registry import Registry
from gateway.errors import ActiveTransaction
from gateway.session.result import Result
from gateway.sql.statements.maintenance import Maintenance


def maintain(registry: Registry, tree: Maintenance, in_transaction: bool) -> Result:
    """The command's tag.

    Raises:
        ActiveTransaction: 25001, it runs by itself alone. UndefinedTable: 42P01.
    """
    if tree.alone and in_transaction:
        raise ActiveTransaction(f"{tree.command} cannot run inside a transaction block")
    for name in tree.tables:
        registry.relation(name[-2] if len(name) > 1 else "", name[-1])
    return Result(tree.command)
