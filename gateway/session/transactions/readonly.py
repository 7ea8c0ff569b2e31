"""What a read-only transaction refuses. PostgreSQL manual, SET TRANSACTION.

Temporary tables and sequences may be written in one, but not made; tables may be locked.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import ReadOnlyTable
from gateway.sql.statements.commands import Name
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Copy, Kind, Statement
from gateway.sql.writes.writes import parts_of, target_of

# The lock of a SELECT -> what PostgreSQL calls it.
_LOCKS = {
    (True, False): "FOR UPDATE",
    (True, True): "FOR NO KEY UPDATE",
    (False, False): "FOR SHARE",
    (False, True): "FOR KEY SHARE",
}


def refuse_changes(statement: Statement, registry: Registry) -> None:
    """Refuse what a read-only transaction may not do.

    Raises:
        ReadOnlyTable: 25006.
    """
    tree = statement.tree
    if isinstance(tree, LockTables):
        return
    command = "COPY FROM" if statement.kind == Kind.COPY else statement.command
    refused = statement.changes
    if isinstance(tree, exp.Select) and tree.args.get("locks"):
        lock = tree.args["locks"][0]
        command = "SELECT " + _LOCKS[bool(lock.args.get("update")), bool(lock.args.get("key"))]
        refused = True
    if refused and not _is_temporary(statement, registry):
        raise ReadOnlyTable(f"cannot execute {command} in a read-only transaction")


def _is_temporary(statement: Statement, registry: Registry) -> bool:
    """Whether all that is written or locked is a temporary table."""
    tree = statement.tree
    tables: list[Name] = []
    if isinstance(tree, Copy) and tree.statement is None:
        tables = [tree.table]
    elif isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        tables = [parts_of(target_of(tree))]
    elif isinstance(tree, exp.Select):
        tables = [parts_of(table) for table in tree.find_all(exp.Table)]
    held = [registry.find(*registry.named(name)) for name in tables]
    own = registry.store.temporary_schema
    return bool(held) and all(found is not None and found.name.schema == own for found in held)
