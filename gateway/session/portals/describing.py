"""Types of a statement's parameters and columns, told without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from gateway.errors import InvalidCursorName, InvalidStatementName
from gateway.session.client import Client
from gateway.session.computation import Described
from gateway.session.portals.declared import check_declared
from gateway.session.portals.prepared import (
    Prepared,
    argument_row,
    changed,
    parameters_now,
)
from gateway.session.result import Field
from gateway.session.settings.showing import show_fields
from gateway.session.writes.error_positions import placed
from gateway.session.writes.merges import describe_merge
from gateway.session.writes.modifying import describe_modifying
from gateway.sql.statements.commands import ExecuteStatement, ShowStatement
from gateway.sql.statements.cursors import Declare, FetchStatement
from gateway.sql.statements.explaining import plan_type
from gateway.sql.statements.frame_offsets import parameters_in_frames, with_any_offsets
from gateway.sql.statements.statement import Explain, Kind, Statement
from gateway.sql.writes.writes import modifying_parts
from gateway.types import TEXT, Type


def describe(client: Client, statement: Statement, declared: Mapping[int, Type]) -> Described:
    """Types of parameters and columns, without running anything."""
    # What EXECUTE and FETCH give depends on names of the session's own.
    alone = statement.kind in (Kind.QUERY, Kind.WRITE)
    return client.executor.kept_queries.described(
        statement,
        declared,
        client.executor.standing() if alone else None,
        lambda: _described_with_frames(client, statement, declared),
    )


def _described_with_frames(
    client: Client, statement: Statement, declared: Mapping[int, Type]
) -> Described:
    offsets = parameters_in_frames(statement, declared)
    told = {**declared, **offsets}
    return _with_unused(_described(client, with_any_offsets(statement, offsets), told), told)


def look_again(client: Client, prepared: Prepared) -> None:
    """Refuse a prepared statement that has other columns by now, or names what is gone.

    Raises:
        FeatureNotSupported: 0A000. UndefinedTable: 42P01, UndefinedColumn: 42703, ...
    """
    holding = client.executor.registry.holding()
    if prepared.holding in (None, holding) or not prepared.names_objects:
        return
    assert prepared.statement is not None
    types = dict(enumerate(parameters_now(client.executor.registry, prepared), 1))
    now = describe(client, prepared.statement, types)
    if not prepared.gives(now.fields):
        raise changed()
    prepared.holding = holding


def _with_unused(described: Described, declared: Mapping[int, Type]) -> Described:
    """The same, and the parameters that are declared but do not stand in the text."""
    count = max(declared, default=0)
    if count <= len(described.parameters):
        return described
    unused = range(len(described.parameters) + 1, count + 1)
    more = tuple(declared.get(n, TEXT) for n in unused)
    return Described(described.parameters + more, described.fields)


def _described(client: Client, statement: Statement, declared: Mapping[int, Type]) -> Described:
    tree = statement.tree
    if isinstance(tree, ShowStatement):
        return Described((), show_fields(tree.name))
    if isinstance(tree, Declare):
        check_declared(tree)
        return replace(client.executor.describe(tree.statement, declared), fields=None)
    if isinstance(tree, FetchStatement):
        return _described_fetch(client, tree)
    if isinstance(tree, ExecuteStatement):
        return _described_execute(client, statement, tree, declared)
    if modifying_parts(tree):
        return describe_modifying(client.executor, statement, declared)
    if isinstance(tree, exp.Merge):
        return describe_merge(client.executor, statement, dict(declared))
    if isinstance(tree, Explain) and isinstance(tree.statement.tree, exp.Merge):
        told = describe_merge(client.executor, tree.statement, dict(declared))
        return replace(told, fields=(Field("QUERY PLAN", plan_type(tree)),))
    with placed(tree, client.executor.columns_of):
        return client.executor.describe(statement, declared)


def _described_fetch(client: Client, tree: FetchStatement) -> Described:
    try:
        portal = client.portals.named(tree.cursor)
    except InvalidCursorName:  # FETCH will say so; Describe has no rows to tell of
        return Described()
    return Described((), None if tree.move else portal.prepared.described.fields)


def _described_execute(
    client: Client, statement: Statement, tree: ExecuteStatement, declared: Mapping[int, Type]
) -> Described:
    parameters: tuple[Type, ...] = ()
    if tree.arguments:
        parameters = client.executor.describe(argument_row(statement), declared).parameters
    try:
        return Described(parameters, client.prepared.named(tree.name).described.fields)
    except InvalidStatementName:  # EXECUTE will say so
        return Described(parameters)
