"""UPDATE and DELETE ... WHERE CURRENT OF: writes to the row that a cursor stands on.

Such a write is one of the row with the identifier that the cursor has read (`current_rows`). What
PostgreSQL refuses is refused in its words (`execCurrentOf` in execCurrent.c); where the row is not
known here that is refused, too.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidCursorState
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.portals.current_rows import Standing, simple_table
from gateway.session.portals.portals import Portal
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.scope import column_node
from gateway.sql.statements.statement import Statement
from gateway.sql.statements.trees import CURRENT_OF
from gateway.sql.writes.writes import parts_of, target_of
from gateway.store.definitions.definitions import ROWID


def write_at(owner: Client, statement: Statement, bound: Bound) -> Result:
    """Do an UPDATE or DELETE, of the row that a cursor stands on if it is WHERE CURRENT OF.

    Raises:
        InvalidCursorName: 34000. InvalidCursorState: 24000, the cursor stands on no row of it.
        FeatureNotSupported: 0A000, which row it is is not known (any more).
    """
    tree = statement.tree
    name = tree.meta.get(CURRENT_OF) if isinstance(tree, exp.Expr) else None
    if name is None:
        return owner.executor.write(statement, bound)
    assert isinstance(tree, exp.Update | exp.Delete)
    target = target_of(tree)
    registry = owner.executor.registry
    relation, store = registry.relation(*registry.named(parts_of(target))), registry.store
    place = relation.name
    if relation.view is not None:
        raise FeatureNotSupported("WHERE CURRENT OF on a view is not implemented")
    portal = owner.portals.named(name, "cursor")
    standing, number = _row(owner.executor, portal, name, place)
    store.lock_rows(place)
    if store.row_version(place) != standing.version:
        raise _unknown(name, place, "another session has changed it since")
    tree = tree.copy()
    same = exp.EQ(
        this=column_node(target.alias_or_name, ROWID), expression=exp.Literal.number(number)
    )
    tree.set("where", exp.Where(this=same))
    result = owner.executor.write(replace(statement, tree=tree), bound)
    if not result.changed and number not in standing.deleted:
        raise _unknown(name, place, "the row was deleted, or written anew under another key, since")
    if isinstance(tree, exp.Delete):
        standing.deleted.add(number)
    return result


def _row(executor: Executor, portal: Portal, name: str, place: TableName) -> tuple[Standing, int]:
    """What is known of the cursor's rows, and the one that it stands on."""
    result, standing, query = portal.result, portal.standing, portal.prepared.statement
    tree = query.tree if query is not None else None
    if not isinstance(tree, exp.Query):
        raise InvalidCursorState(f'cursor "{name}" is not a SELECT query')
    if portal.held:
        raise InvalidCursorState(f'cursor "{name}" is held from a previous transaction')
    if standing is None or standing.table != place:
        locks = tree.args.get("locks")
        reads = place in _read_by(executor, tree)
        if locks and not reads:
            raise InvalidCursorState(
                f'cursor "{name}" does not have a FOR UPDATE/SHARE reference to table'
                f' "{place.name}"'
            )
        if not locks and (not reads or simple_table(tree) is None or tree.args.get("order")):
            raise _not_simple(name, place)
        raise _unknown(name, place, "it is large, or joined to others, or no table of the store")
    if not standing.locked and tree.args.get("order"):
        raise _not_simple(name, place)
    if result is None or result.position == 0 or result.exhausted:
        raise InvalidCursorState(f'cursor "{name}" is not positioned on a row')
    return standing, standing.at(result.position)


def _read_by(executor: Executor, tree: exp.Query) -> set[TableName]:
    """The relations that a query names."""
    registry = executor.registry
    return {
        registry.relation(*registry.named(parts_of(table))).name for table in named_tables(tree)
    }


def _not_simple(name: str, place: TableName) -> InvalidCursorState:
    return InvalidCursorState(
        f'cursor "{name}" is not a simply updatable scan of table "{place.name}"'
    )


def _unknown(name: str, place: TableName, reason: str) -> FeatureNotSupported:
    return FeatureNotSupported(
        f'cursor "{name}" does not know its row of table "{place.name}"',
        detail=reason[0].upper() + reason[1:] + ".",
        hint="Declare it FOR UPDATE over that table alone, or write WHERE with the row's key.",
    )
