"""SET, RESET and SHOW, done."""

from __future__ import annotations

import pyarrow as pa

from gateway.session.result import Field, Result
from gateway.session.settings.known_settings import known_setting
from gateway.session.settings.settings import BY_NAME, ClientSettings
from gateway.sql.statements.commands import ResetStatement, SetStatement, ShowStatement
from gateway.sql.statements.statement import Statement
from gateway.types import TEXT


def run_setting(settings: ClientSettings, statement: Statement) -> Result:
    """SET, SHOW and RESET."""
    tree = statement.tree
    if isinstance(tree, ShowStatement):
        return _show(settings, tree.name)
    if isinstance(tree, SetStatement):
        value = None if tree.values is None else ", ".join(tree.values)
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
