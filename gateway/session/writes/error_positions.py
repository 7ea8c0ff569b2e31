"""Where in an INSERT, UPDATE or DELETE an error of its columns or values belongs.

What finds these errors sees names, types and values, not the statement. PostgreSQL points at the
column that is named, or at the value for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlglot import exp

from gateway.errors import (
    DatatypeMismatch,
    GatewayError,
    InvalidTextRepresentation,
    SyntaxFault,
    UndefinedTable,
)
from gateway.sql.names.scope import position_of
from gateway.sql.writes.writes import parts_of, target_of

ColumnsOf = Callable[[exp.Table], list[str]]
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)


@contextmanager
def placed(tree: object, columns_of: ColumnsOf) -> Iterator[None]:
    """Errors that are raised inside get their place in a write, where they have none.

    Args:
        tree: The write; errors inside anything else are left as they are.
        columns_of: The columns of a table, in order.
    """
    try:
        yield
    except GatewayError as error:
        if error.position == 0 and isinstance(tree, exp.Insert | exp.Update | exp.Delete):
            error.position = _place(error, tree, columns_of)
        raise


def _place(
    error: GatewayError, tree: exp.Insert | exp.Update | exp.Delete, columns_of: ColumnsOf
) -> int:
    message = str(error)
    if isinstance(error, UndefinedTable):
        table = target_of(tree)
        return position_of(table) if f'"{".".join(parts_of(table))}"' in message else 0
    if isinstance(error, DatatypeMismatch) and message.startswith("column "):
        name = message.partition('" is of type ')[0].removeprefix('column "')
        return _of_value(tree, name, columns_of)
    if isinstance(error, InvalidTextRepresentation):
        return _of_literal(tree, message)
    return _of_width(tree, message, columns_of) if isinstance(error, SyntaxFault) else 0


def _named(tree: exp.Insert) -> list[exp.Expr]:
    return list(tree.this.expressions) if isinstance(tree.this, exp.Schema) else []


def _rows(tree: exp.Insert) -> list[list[exp.Expr]]:
    """The values of each row that it gives, of a SELECT its outputs."""
    query = tree.args.get("expression")
    if isinstance(query, exp.Values):
        return [list(row.expressions) for row in query.expressions]
    return [list(query.expressions)] if isinstance(query, exp.Select) else []


def _of_value(tree: exp.Expr, name: str, columns_of: ColumnsOf) -> int:
    """Where the first value for a column stands."""
    if isinstance(tree, exp.Update):
        for each in tree.expressions:
            if isinstance(each, exp.EQ) and each.this.name == name:
                return position_of(each.expression)
    if not isinstance(tree, exp.Insert):
        return 0
    names = [column.name for column in _named(tree)] or columns_of(target_of(tree))
    number = names.index(name) if name in names else len(names)
    values = (row[number] for row in _rows(tree) if number < len(row))
    return next((place for value in values if (place := position_of(value))), 0)


def _of_literal(tree: exp.Expr, message: str) -> int:
    """Where the text in quotes stands that a message shows."""
    found = _QUOTED.search(message)
    if found is None or not isinstance(tree, exp.Insert | exp.Update):
        return 0
    literals = (node for node in tree.find_all(exp.Literal) if node.is_string)
    return min((position_of(node) for node in literals if node.name == found[1]), default=0)


def _of_width(tree: exp.Expr, message: str, columns_of: ColumnsOf) -> int:
    """Where the first expression stands that no column takes, or the first column without one."""
    rows = _rows(tree) if isinstance(tree, exp.Insert) else []
    if not rows or not isinstance(tree, exp.Insert) or not message.startswith("INSERT has more "):
        return 0
    named = _named(tree)
    if "more expressions" in message:
        taken = len(named) or len(columns_of(target_of(tree)))
        return position_of(rows[0][min(taken, len(rows[0]) - 1)])
    return position_of(named[min(len(rows[0]), len(named) - 1)])
