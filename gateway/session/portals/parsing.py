"""What Parse makes of a text, and what is run when that is bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.own_types import type_of_oid
from gateway.catalog.registry import Registry
from gateway.errors import (
    GatewayError,
    IndeterminateDatatype,
    QueryCanceled,
    SyntaxFault,
    UndefinedParameter,
)
from gateway.session.client import Client
from gateway.session.computation import Bound, Described
from gateway.session.portals.describing import describe
from gateway.session.portals.portals import Portal
from gateway.session.portals.prepared import Prepared, parameters_now
from gateway.session.result import Result
from gateway.sql.names.scope import position_of
from gateway.sql.statements.frame_offsets import with_offsets
from gateway.sql.statements.statement import Statement
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.parameters import untold
from gateway.sql.writes import parameter_rows
from gateway.types import Type


def declared_types(registry: Registry, oids: Sequence[int]) -> dict[int, Type]:
    """Types of `$n` that were told by their numbers; 0 and `unknown` tell none."""
    types = {n: type_of_oid(registry, oid) for n, oid in enumerate(oids, 1) if oid}
    return {n: each for n, each in types.items() if each.name != "unknown"}


def prepare(client: Client, text: str, oids: Sequence[int]) -> Prepared:
    """A text read and described.

    Args:
        client: Whose it is.
        text: What it sent, one statement at most.
        oids: The types that it declared of the first parameters; 0 leaves one to be inferred.

    Raises:
        SyntaxFault: 42601, also for several statements. IndeterminateDatatype: 42P18, nothing
            tells the type of a parameter that is to be inferred. GatewayError: ...
    """
    declared = declared_types(client.executor.registry, oids)
    prepared = _of_rows(client, text, declared) or _as_it_stands(client, text, declared)
    beyond = range(len(prepared.described.parameters) + 1, len(oids) + 1)
    number = next((n for n in beyond if n not in declared), None)
    if number is not None and prepared.statement is not None:
        raise _undetermined(number)
    return prepared


def refuse_untold(statement: Statement, declared: Mapping[int, Type]) -> None:
    """Refuse a `$n` of which neither the client nor the statement tells anything.

    Raises:
        IndeterminateDatatype: 42P18.
    """
    if "$" in statement.text and isinstance(statement.tree, exp.Expr):
        number = untold(statement.tree, declared)
        if number is not None:
            raise _undetermined(number)


def _undetermined(number: int) -> IndeterminateDatatype:
    return IndeterminateDatatype(f"could not determine data type of parameter ${number}")


def refuse_parameters(statement: Statement) -> None:
    """Refuse a `$n` in a statement for which no values can come.

    Raises:
        UndefinedParameter: 42P02.
    """
    tree = statement.tree
    if "$" not in statement.text or not isinstance(tree, exp.Query | exp.DML | exp.Values):
        return
    where = tree.args.get("where") if isinstance(tree, exp.Update) else None  # PostgreSQL's order
    found = nodes_of(where or tree, exp.Parameter) or nodes_of(tree, exp.Parameter)
    parameter = next(iter(found), None)
    if parameter is not None:
        text, place = f"there is no parameter ${parameter.name}", position_of(parameter)
        raise UndefinedParameter(text, position=place)


def _as_it_stands(client: Client, text: str, declared: Mapping[int, Type]) -> Prepared:
    found = client.executor.statement_cache.read(text)
    if len(found) > 1:
        raise SyntaxFault("cannot insert multiple commands into a prepared statement")
    if not found:
        return _kept(client, None, Described(tuple(declared.values())), text)
    statement = typed(client, found[0], declared)
    return _kept(client, statement, _described(client, statement, declared), text)


def typed(client: Client, statement: Statement, declared: Mapping[int, Type]) -> Statement:
    """The statement with the types that were declared; the catalogue's queries tell their own."""
    tree = statement.tree
    if not isinstance(tree, exp.Expr) or client.executor.catalogue.answers(statement.text, tree):
        return statement
    return client.executor.statement_cache.typed(statement, declared)


def _described(client: Client, statement: Statement, declared: Mapping[int, Type]) -> Described:
    client.account.run(statement)
    client.block.admit(statement)
    described = describe(client, statement, declared)
    refuse_untold(statement, declared)
    return described


def _kept(client: Client, statement: Statement | None, described: Described, text: str) -> Prepared:
    return Prepared(statement, described, client.executor.registry.holding(), text)


def _of_rows(client: Client, text: str, declared: Mapping[int, Type]) -> Prepared | None:
    """An INSERT of many rows of parameters, read as that of one; None: it is none such."""
    rows = parameter_rows.read(text)
    if rows is None:
        return None
    try:
        statement = client.executor.statement_cache.read(rows.shape)[0]
        described = _described(client, statement, rows.declared(declared))
        query = client.executor.computation(statement)
    except QueryCanceled:
        raise
    except GatewayError:  # it will be told of the text as it was sent
        return None
    if query is None or query.given is None or query.write is None or query.target is None:
        return None
    if len(described.parameters) != rows.width or len(query.write.columns) != rows.width:
        return None
    target = client.executor.registry.target_columns(query.target)
    columns = [target[name].type for name in query.write.columns]
    row = rows.settled(declared, described.parameters, columns)
    if row is None:
        return None
    types = rows.types(declared, row)
    prepared = _kept(client, statement, Described(types, described.fields), text)
    prepared.rows = rows
    return prepared


def to_run(
    client: Client, prepared: Prepared, statement: Statement, values: Sequence[pa.Scalar]
) -> tuple[Statement, Bound]:
    """What a prepared `statement` runs with these values of its parameters, and on what."""
    types, rows = parameters_now(client.executor.registry, prepared), prepared.rows
    if rows is None:
        return with_offsets(statement, types, values), Bound(values, types)
    columns = rows.columns(values)
    if columns is None:
        return client.executor.statement_cache.read(prepared.source)[0], Bound(values, types)
    return statement, Bound(types=types[: rows.width], columns=columns)


def start(client: Client, portal: Portal, *, alone: bool = False) -> None:
    """Run a portal for the first time; `alone` it needs no implicit transaction."""
    prepared = portal.prepared
    if prepared.statement is None:
        portal.result = Result("")
        return
    if portal.failed:
        client.block.refuse_failed()
    if not alone:
        client.begin_implicit(prepared.statement)
    portal.starting = True
    try:
        portal.result = client.run(*to_run(client, prepared, prepared.statement, portal.values))
    finally:
        portal.starting = False
