"""What a statement will give and take, told without its rows.

The types of `$1`, `$2`, ... are what client, text and engine tell, put together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.catalog.system.answers import ResultColumn
from gateway.engine.interface import Plan
from gateway.session.computation import Computation, Described, fields_of
from gateway.session.queries.layered import parameters_of
from gateway.session.result import Field
from gateway.sources.table import Table, TableName
from gateway.sql.statements.explaining import plan_type
from gateway.sql.statements.statement import Explain, Kind, Statement
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.parameters import number
from gateway.types import TEXT, Type, from_arrow, with_dimensions

if TYPE_CHECKING:
    from gateway.session.queries.querying import Queries


def described(queries: Queries, statement: Statement, declared: Mapping[int, Type]) -> Described:
    """Types of parameters and columns; see `Queries.describe`."""
    tree = statement.tree
    if isinstance(tree, Explain) and queries.catalogue.answers(
        tree.statement.text, tree.statement.tree
    ):
        return Described((), (Field("QUERY PLAN", plan_type(tree)),))
    if isinstance(tree, exp.Expr) and queries.catalogue.answers(statement.text, tree):
        parameters, columns = queries.catalogue.describe(statement.text, tree, declared)
        return Described(parameters, shown(columns))
    query = queries.computation(statement)
    if query is None:
        return Described()
    known = {**query.known_types, **declared}
    if statement.kind == Kind.WRITE and query.is_told_by(known):
        types = tuple(known[n] for n in range(1, len(known) + 1))
        return Described(types, queries.returned_fields(query, known))
    types, plan = infer(queries, query, known)
    by_number = dict(enumerate(types, 1))
    if isinstance(tree, Explain):
        return Described(types, (Field("QUERY PLAN", plan_type(tree)),))
    if statement.kind == Kind.QUERY:
        return Described(types, fields_of(query.rewritten, plan.schema, by_number))
    return Described(types, queries.returned_fields(query, by_number))


def shown(columns: Sequence[ResultColumn]) -> tuple[Field, ...]:
    """The columns of a catalogue query."""
    return tuple(Field(c.name, c.type, c.typmod, c.origin) for c in columns)


def infer(
    queries: Queries, query: Computation, known: Mapping[int, Type]
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


Planned = Mapping[int, pa.DataType | None]


def settled(
    known: Mapping[int, Type], planned: Iterable[Planned], trees: Iterable[exp.Expr]
) -> dict[int, Type]:
    """Every parameter's type, by its number, without a gap.

    Args:
        known: What the client declared and the text tells.
        planned: What the engine's plans tell, each a query's; a later one wins.
        trees: The queries.
    """
    told = {n: from_arrow(t) for types in planned for n, t in types.items() if t is not None}
    used = [number(node) for tree in trees for node in nodes_of(tree, exp.Parameter)]
    count = max((*known, *used), default=0)
    # What nobody tells is text, as in PostgreSQL.
    return {n: known.get(n) or told.get(n) or TEXT for n in range(1, count + 1)}


def as_bound(types: Mapping[int, Type], values: Sequence[pa.Scalar]) -> Mapping[int, Type]:
    """The types as the engine must spell them for these values: of an array, its dimensions."""
    return {n: _dimensioned(kind, values[n - 1]) for n, kind in types.items()}


def _dimensioned(kind: Type, value: pa.Scalar) -> Type:
    if kind.element is None:
        return kind
    depth, inside = 0, value.type
    while pa.types.is_list(inside):
        inside, depth = inside.value_type, depth + 1
    return with_dimensions(kind, depth)
