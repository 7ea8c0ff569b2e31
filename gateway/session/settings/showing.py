"""SET, RESET and SHOW, done."""

from __future__ import annotations

import pyarrow as pa

from gateway.session.client import Client
from gateway.session.result import Field, Result
from gateway.session.settings.known_settings import known_setting
from gateway.session.settings.rows import BY_NAME
from gateway.session.settings.settings import ClientSettings, listed
from gateway.session.transactions.modes import refuse_late, set_modes
from gateway.sql.statements.commands import (
    ResetStatement,
    SetConstraints,
    SetStatement,
    ShowStatement,
    TransactionModes,
)
from gateway.sql.statements.statement import Statement
from gateway.types import TEXT


def run_setting(client: Client, statement: Statement) -> Result:
    """SET and its kinds, SHOW and RESET."""
    tree = statement.tree
    if isinstance(tree, TransactionModes):
        if not (tree.session or client.in_transaction()):
            client.block.warn_outside("SET TRANSACTION")
        set_modes(client.block, client.settings, tree)
        return Result(statement.command)
    if isinstance(tree, SetConstraints):
        if not client.in_transaction():
            client.block.warn_outside("SET CONSTRAINTS")
        names = [(n[-2] if len(n) > 1 else "", n[-1]) for n in tree.names]
        client.store.set_constraints(names, tree.deferred)
        return Result(statement.command)
    if isinstance(tree, SetStatement):
        refuse_late(client.block, client.settings, tree.name, ", ".join(tree.values or ()))
        if tree.local and not client.in_transaction():
            client.block.warn_outside("SET LOCAL")
    return _set_or_show(client.settings, statement)


def _set_or_show(settings: ClientSettings, statement: Statement) -> Result:
    tree = statement.tree
    if isinstance(tree, ShowStatement):
        return _show(settings, tree.name)
    if isinstance(tree, SetStatement):
        value = None if tree.values is None else listed(tree.name, tree.values)
        settings.set(tree.name, value, local=tree.local)
    elif isinstance(tree, ResetStatement) and tree.name == "all":
        settings.reset_all()
    elif isinstance(tree, ResetStatement):
        settings.set(tree.name, None)
    return Result(statement.command)


def show_fields(name: str) -> tuple[Field, ...]:
    """The columns that SHOW gives."""
    row = BY_NAME.get(name.lower())
    known = known_setting(name)
    names: tuple[str, ...] = (row.name if row else known.name if known else name.lower(),)
    names = ("name", "setting", "description") if name == "all" else names
    return tuple(Field(each, TEXT) for each in names)


def _show(settings: ClientSettings, name: str) -> Result:
    fields = show_fields(name)
    rows = settings.all() if name == "all" else [settings.show(name)[1:]]
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, pa.string()) for column in columns]
    batch = pa.record_batch(arrays, names=[field.name for field in fields])
    return Result("SHOW", fields, iter([batch]))
