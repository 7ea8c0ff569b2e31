"""A transaction's modes: isolation, read-only, deferrable; and until when each may change.

They are settings of one transaction (`settings`); what they mean is the store's and `dispatch`'s.
DEFERRABLE changes nothing: what only reads never waits and is never undone here.

A read-only one (manual, SET TRANSACTION) may write temporary tables and sequences, but not make
them; tables may be locked.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.errors import ActiveTransaction, ReadOnlyTable
from gateway.session.settings.rows import OF_ONE_TRANSACTION
from gateway.session.settings.settings import ClientSettings
from gateway.session.transactions.transaction import TransactionBlock
from gateway.sql.statements.commands import Name, TransactionModes
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Copy, Kind, Statement
from gateway.sql.writes.writes import parts_of, target_of

# Setting -> what messages call its change once something was read or written, and once there is a
# savepoint. PostgreSQL's variable.c.
_LATE = {
    "transaction_isolation": (
        "SET TRANSACTION ISOLATION LEVEL must be called before any query",
        "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
    ),
    "transaction_read_only": (
        "transaction read-write mode must be set before any query",
        "cannot set transaction read-write mode inside a read-only transaction",
    ),
    "transaction_deferrable": (
        "SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
        "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction",
    ),
}


def modes_of(settings: ClientSettings) -> TransactionModes:
    """The modes of the transaction that runs, for AND CHAIN to set again."""
    isolation, read_only, deferrable = (
        settings.show(f"transaction_{name}")[1] for name in ("isolation", "read_only", "deferrable")
    )
    return TransactionModes(isolation, read_only == "on", deferrable == "on")


def set_modes(block: TransactionBlock, settings: ClientSettings, modes: TransactionModes) -> None:
    """Do what BEGIN, SET TRANSACTION or SET SESSION CHARACTERISTICS says.

    Raises:
        ActiveTransaction: 25001, it is too late for it.
    """
    prefix = "default_" if modes.session else ""
    for name in ("isolation", "read_only", "deferrable"):
        value = getattr(modes, name)
        if value is not None:
            text = value if isinstance(value, str) else ("on" if value else "off")
            refuse_late(block, settings, f"{prefix}transaction_{name}", text)
            settings.set(f"{prefix}transaction_{name}", text, local=not modes.session)


def refuse_late(block: TransactionBlock, settings: ClientSettings, name: str, value: str) -> None:
    """Refuse to change a mode after the first query, or beside a savepoint; but to read-only.

    Raises:
        ActiveTransaction: 25001.
    """
    name = name.lower()
    if name not in OF_ONE_TRANSACTION or value == settings.show(name)[1]:
        return
    if name == "transaction_read_only" and value == "on":
        return
    asked, nested = _LATE[name]
    if block.is_nested and (name == "transaction_read_only" or not block.asked):
        raise ActiveTransaction(nested)
    if block.asked:
        raise ActiveTransaction(asked)


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
