"""What a statement will give and take, told without its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Protocol

from gateway.catalog.registry import Registry
from gateway.engine.interface import Plan
from gateway.rewrite import Rewritten
from gateway.session.computation import Computation
from gateway.session.queries.layered import parameters_of
from gateway.session.queries.parameter_types import settled
from gateway.session.writes.upserts import Upsert
from gateway.sources.table import Table, TableName
from gateway.types import Type


class Describes(Protocol):
    """Who plans it."""

    registry: Registry

    def described_plan(
        self,
        rewritten: Rewritten,
        tables: Mapping[TableName, Table],
        types: Mapping[int, Type] | None = None,
    ) -> Plan: ...

    def returning_plan(
        self,
        query: Computation,
        types: Mapping[int, Type],
        known: Mapping[TableName, Table],
    ) -> tuple[Rewritten, Plan]: ...

    def upsert_tables(self, upsert: Upsert) -> dict[TableName, Table]: ...


def infer(
    queries: Describes, query: Computation, known: Mapping[int, Type]
) -> tuple[tuple[Type, ...], Plan]:
    """Every parameter's type, and the plan under those types."""
    rewritten = query.rewritten
    tables = shapes(queries.registry, rewritten.tables, query.rowid_of)
    plan = queries.described_plan(rewritten, tables, known)
    plan_layer = partial(queries.described_plan, types=known)
    planned, trees = parameters_of(rewritten, tables, plan_layer, plan)
    if query.upsert is not None and (later := query.upsert.rewritten) is not None:
        others = queries.upsert_tables(query.upsert)
        planned.append(queries.described_plan(later, others, known).parameters)
        trees.append(later.tree)
    if query.returns_parameters:
        shown, returned = queries.returning_plan(query, known, {})
        known = {**shown.parameters, **known}
        planned.append(returned.parameters)
        trees.append(shown.tree)
    types = settled(known, planned, trees)
    if types.keys() - known.keys():
        plan = queries.described_plan(rewritten, tables, types)
    return tuple(types.values()), plan


def shapes(
    registry: Registry, names: Collection[TableName], rowid_of: TableName | None
) -> dict[TableName, Table]:
    """Tables for a plan that is not run; of user tables whose rows are not in memory none is read.

    Args:
        registry: What they are.
        names: Theirs.
        rowid_of: The one whose rows carry their identifier.
    """
    own = [name for name in names if registry.holds([name])]
    found = registry.store.shapes(own, rowid_of=rowid_of)
    return {**registry.tables(set(names) - found.keys()), **found}
