"""MERGE, done: everything is computed first, then changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.errors import CardinalityViolation, FeatureNotSupported
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Described
from gateway.session.queries.inferring import settled
from gateway.session.result import Result, lines, plan_lines
from gateway.session.writes.assignable import Assigned, plan_assigned
from gateway.session.writes.execution import Executor
from gateway.sql.statements.explaining import explain_options
from gateway.sql.statements.statement import Explain, Statement
from gateway.sql.writes.merges import MergeStep, as_merge
from gateway.sql.writes.rounded import computes_digits
from gateway.sql.writes.writes import parts_of, target_of
from gateway.store.definitions.definitions import ROWID, TableDefinition
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class _Planned:
    """The table that is changed, and the steps."""

    target: TableDefinition
    steps: tuple[MergeStep, ...]


def _planned(executor: Executor, statement: Statement) -> _Planned:
    tree = statement.tree
    table = target_of(tree)  # type: ignore[arg-type]  # a MERGE is a tree
    if executor.registry.relation(*executor.registry.named(parts_of(table))).view is not None:
        raise FeatureNotSupported(
            f'cannot execute MERGE on relation "{table.name}"',
            detail="This operation is not supported for views.",
        )
    target = executor.registry.definition(*executor.registry.named(parts_of(table)))
    columns = executor.registry.target_columns(target)
    steps = as_merge(tree, columns, ROWID)  # type: ignore[arg-type]
    return _Planned(target, steps)


def describe_merge(
    executor: Executor, statement: Statement, declared: dict[int, Type]
) -> Described:
    """Types of the parameters of a MERGE; it gives no rows."""
    planned = _planned(executor, statement)
    known = {n: t for step in planned.steps for n, t in step.parameters.items()} | declared
    queries = [executor.rewrite(step.query) for step in planned.steps]
    for query in queries:
        known = {**query.parameters, **known}
    plans = [
        executor.described_plan(q, executor.registry.tables(q.tables, planned.target.name), known)
        for q in queries
    ]
    types = settled(known, (plan.parameters for plan in plans), (q.tree for q in queries))
    return Described(tuple(types.values()))


def explain(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """EXPLAIN; of a MERGE the plan of each step, under what it does."""
    tree = statement.tree
    assert isinstance(tree, Explain)
    if not isinstance(tree.statement.tree, exp.Merge):
        return executor.explain(statement, bound)
    asked, told = explain_options(tree), list[str]()
    if "json" in asked:
        raise FeatureNotSupported("EXPLAIN (FORMAT JSON) of MERGE is not supported")
    words = "EXPLAIN VERBOSE " if "verbose" in asked else "EXPLAIN "
    planned = _planned(executor, tree.statement)
    for step in planned.steps:
        rewritten = executor.rewrite(step.query)
        executor.allow(rewritten, planned.target.name)
        told.append(f"Merge on {planned.target.name}: {step.command}")
        if "rewrite" in asked:
            told += rewritten.text.splitlines()
            continue
        tables = executor.registry.tables(rewritten.tables, planned.target.name)
        told += plan_lines(executor.plan_with(rewritten, tables, bound, words).stream())
    return lines("EXPLAIN", told)


def merge(executor: Executor, statement: Statement, bound: Bound) -> Result:
    """Do a MERGE.

    Raises:
        CardinalityViolation: 21000, a row is to be changed twice.
    """
    store = executor.registry.store
    planned = _planned(executor, statement)
    target, count = planned.target.name, 0
    queries = [executor.rewrite(step.query) for step in planned.steps]
    reading = {name for query in queries for name in query.tables}
    with store.writing_several([(target, "UPDATE")], reading):
        pairs = zip(planned.steps, queries, strict=True)
        computed = [_computed(executor, planned, *pair, bound) for pair in pairs]
        _refuse_twice(planned.steps, computed)
        for step, query, batches in zip(planned.steps, queries, computed, strict=True):
            with executor.rounding(partial(_computes_digits, query)):
                if step.command == "INSERT":
                    count += store.insert(target, step.columns, batches).count
                elif step.command == "UPDATE":
                    count += store.update(target, step.columns, batches).count
                else:
                    count += store.delete(target, batches).count
    return Result("MERGE", changed=count)


def _computes_digits(query: Rewritten, name: str) -> bool:
    return computes_digits(query.tree)


def _computed(
    executor: Executor, planned: _Planned, step: MergeStep, rewritten: Rewritten, bound: Bound
) -> list[pa.RecordBatch]:
    target = planned.target
    executor.allow(rewritten, target.name)
    tables = executor.registry.tables(rewritten.tables, target.name)
    columns = [target.column(name) for name in step.columns]
    asked = Assigned(step.query, rewritten, columns)
    return list(plan_assigned(executor, asked, tables, bound).stream())


def _refuse_twice(steps: tuple[MergeStep, ...], computed: list[list[pa.RecordBatch]]) -> None:
    rows = [
        batch.column(0).cast(pa.int64()).to_numpy()
        for step, batches in zip(steps, computed, strict=True)
        for batch in batches
        if step.command != "INSERT"
    ]
    every = np.concatenate([np.zeros(0, np.int64), *rows])
    if len(np.unique(every)) < len(every):
        raise CardinalityViolation(
            "MERGE command cannot affect row a second time",
            hint="Ensure that not more than one source row matches any one target row.",
        )
