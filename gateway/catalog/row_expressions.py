"""What DEFAULT, CHECK, keys and generated columns may not be made of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.catalog.renaming import columns_in
from gateway.errors import (
    FeatureNotSupported,
    GroupingError,
    InvalidObjectDefinition,
    WindowingError,
)
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.names.row_functions import refuse_sets
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.statements.constraints import Written
from gateway.store.definitions.definitions import Column


def refuse_in_default(expression: Written) -> None:
    """Refuse what a DEFAULT may not be made of.

    Raises:
        FeatureNotSupported: 0A000, a column, a subquery or a set.
        GroupingError: 42803, an aggregate.
    """
    refuse_subquery(expression, "DEFAULT expression")
    column = expression.tree.find(exp.Column)
    if column is not None and column.name not in ("current_user", "session_user", "user"):
        raise FeatureNotSupported(
            "cannot use column reference in DEFAULT expression", position=position_of(column)
        )
    refuse_sets(expression.tree, "DEFAULT expressions")


def refuse_in_generated(expression: Written) -> None:
    """Refuse what is not told by the other columns of a row alone (manual, 5.3).

    Raises:
        InvalidObjectDefinition: 42P17. FeatureNotSupported: 0A000. GroupingError: 42803.
        WindowingError: 42P20.
    """
    refuse_subquery(expression, "column generation expression")
    tree = expression.tree
    window = tree.find(exp.Window)
    if window is not None:
        raise WindowingError(
            "window functions are not allowed in column generation expressions",
            position=position_of(window),
        )
    refuse_sets(tree, "column generation expressions")
    calls = tree.find_all(exp.Anonymous)
    if volatile_call(tree) is not None or any(call_name(each) in _OF_THE_MOMENT for each in calls):
        raise InvalidObjectDefinition("generation expression is not immutable")


# Functions whose value the moment of a statement decides, or who runs it.
_OF_THE_MOMENT = frozenset(
    {
        "now", "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp",
        "statement_timestamp", "transaction_timestamp", "current_user", "session_user",
        "current_setting", "currval", "lastval", "setval",
    }
)  # fmt: skip


def refuse_generated_of_generated(columns: Sequence[Column]) -> None:
    """Refuse generated columns that are computed from such.

    Raises:
        InvalidObjectDefinition: 42P17.
    """
    generated = {column.name for column in columns if column.generated is not None}
    for column in columns:
        for name in columns_in(column.generated) if column.generated is not None else ():
            if name in generated:
                raise InvalidObjectDefinition(
                    f'cannot use generated column "{name}" in column generation expression',
                    detail="A generated column cannot reference another generated column.",
                )


def refuse_subquery(expression: Written, where: str) -> None:
    """Refuse subqueries, parameters and aggregates in what is computed for one row."""
    for node in expression.tree.walk():
        if isinstance(node, exp.Query):
            raise FeatureNotSupported(f"cannot use subquery in {where}", position=position_of(node))
        if isinstance(node, exp.Parameter):
            raise FeatureNotSupported(f"parameters are not allowed in {where}")
        if is_aggregate(node):
            raise GroupingError(
                f"aggregate functions are not allowed in {where}s", position=position_of(node)
            )
