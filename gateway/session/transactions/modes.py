"""A transaction's modes: isolation, read-only, deferrable; and until when each may change.

They are settings of one transaction (`settings`); what they mean is the store's and `dispatch`'s.
DEFERRABLE changes nothing: what only reads never waits and is never undone here.
"""

from __future__ import annotations

from gateway.errors import ActiveTransaction
from gateway.session.settings.rows import OF_ONE_TRANSACTION
from gateway.session.settings.settings import ClientSettings
from gateway.session.transactions.transaction import TransactionBlock
from gateway.sql.statements.commands import TransactionModes

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
