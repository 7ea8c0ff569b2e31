"""PREPARE, EXECUTE and DEALLOCATE, done."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    StatementTooComplex,
    WrongObjectType,
)
from gateway.session.client import Client
from gateway.session.computation import Bound
from gateway.session.portals.describing import describe, look_again
from gateway.session.portals.parsing import refuse_untold, to_run, typed
from gateway.session.portals.prepared import Prepared, arguments, parameters_now
from gateway.session.result import Result
from gateway.sql.statements.commands import DeallocateStatement, ExecuteStatement
from gateway.sql.statements.statement import Explain, Prepare, Statement
from gateway.sql.statements.tables import CreateTable


def run_prepared(owner: Client, statement: Statement, bound: Bound) -> Result:
    """PREPARE, EXECUTE and DEALLOCATE."""
    tree = statement.tree
    if isinstance(tree, DeallocateStatement):
        return Result(owner.prepared.deallocate(tree.name))
    if isinstance(tree, ExecuteStatement):
        return _execute(owner, statement, tree, bound)
    assert isinstance(tree, Prepare)
    owner.prepared.admit(tree.name)
    declared = {n: each for n, each in enumerate(tree.types, 1) if each and each.name != "unknown"}
    inner = typed(owner, tree.statement, declared)
    described = describe(owner, inner, declared)
    refuse_untold(inner, declared)
    kept = Prepared(inner, described, source=tree.source, from_sql=True)
    owner.prepared.keep(tree.name, kept)
    return Result("PREPARE")


def _execute(owner: Client, statement: Statement, tree: ExecuteStatement, bound: Bound) -> Result:
    inner, values = to_execute(owner, statement, tree, bound)
    owner.account.run(inner)
    try:
        with owner.executor.described(partial(look_again, owner, owner.prepared.named(tree.name))):
            result = owner.run(inner, values)
    except GatewayError as error:
        error.position = 0  # it counts in the text of PREPARE, which the client did not send
        raise
    except RecursionError:  # statements that execute each other
        raise StatementTooComplex("stack depth limit exceeded") from None
    owner.prepared.named(tree.name).check(result)
    return result


def with_executed(owner: Client, statement: Statement, bound: Bound) -> tuple[Statement, Bound]:
    """A statement that holds an EXECUTE with the query in its place, and the query's values.

    Raises:
        WrongObjectType: 42809, a table is to be filled by a statement that is no query.
    """
    tree = statement.tree
    if isinstance(tree, CreateTable) and tree.executes is not None:
        inner = replace(statement, tree=tree.executes)
        prepared, bound = to_execute(owner, inner, tree.executes, bound)
        if not isinstance(prepared.tree, exp.Query):
            raise WrongObjectType("prepared statement is not a SELECT")
        return replace(statement, tree=replace(tree, query=prepared.tree)), bound
    if isinstance(tree, Explain) and isinstance(tree.statement.tree, ExecuteStatement):
        inner = tree.statement
        prepared, bound = to_execute(owner, inner, tree.statement.tree, bound)
        return replace(statement, tree=replace(tree, statement=prepared)), bound
    return statement, bound


def to_execute(
    owner: Client, statement: Statement, tree: ExecuteStatement, bound: Bound
) -> tuple[Statement, Bound]:
    """What an EXECUTE runs, and with which values."""
    prepared = owner.prepared.named(tree.name)
    values = arguments(
        owner.executor, statement, parameters_now(owner.executor.registry, prepared), bound
    )
    if prepared.statement is None:
        raise FeatureNotSupported(f'prepared statement "{tree.name}" is empty')
    prepared.count()
    return to_run(owner, prepared, prepared.statement, values.values)
