"""Queries that a session may run again as they are: one lookup, and one compare of what they
stand on.

What is asked on the way of a query (what its names mean, who may read, whether the transaction
may) has the same answer while the session's settings, the catalogue and the datasets are the same.
So the answer is kept with the query, under a `Standing` of these three, and serves in a transaction
too, while that has changed nothing and reads what is committed. When the standing is another, all
that was kept goes. Rows are another matter: tables are asked for theirs at each commit, and where
they have others a query is planned over these, with nothing else asked anew.

What Describe tells of a statement stands on the same three, and on no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING

import pyarrow as pa

from gateway.engine.interface import Plan
from gateway.session.computation import Bound, Computation, Described, as_before
from gateway.session.result import Field, Result
from gateway.sources.table import Table, TableName
from gateway.sql.statements.statement import Statement
from gateway.types import Type

if TYPE_CHECKING:
    from gateway.session.queries.querying import Queries

# Changes of settings, the newest catalogue, changes of datasets.
Standing = tuple[int, int, int]

_MOST_KEPT = 128


@dataclass(slots=True)
class KeptQuery:
    """A query that nothing has to be asked about but the rows of its tables.

    Args:
        statement: As it was sent.
        types: Those of its parameters.
        query: What was worked out for it.
        tables: The user tables that it reads, as they were at its last run.
        known: The engine's schema that came out, and its columns.
        plan: What ran it over these last; None: it is planned for each values of its parameters.
        commit: The newest commit when these were read; None: they are asked for anew.
    """

    statement: Statement
    types: Sequence[Type]
    query: Computation
    tables: Mapping[TableName, Table]
    known: tuple[pa.Schema, tuple[Field, ...]]
    plan: Plan | None
    commit: object | None = None


@dataclass(slots=True)
class KeptQueries:
    """Those of one session; `find` is asked before a statement runs, `keep` as it does."""

    _standing: Standing | None = None
    _kept: dict[int, KeptQuery] = field(default_factory=dict)
    _described: dict[tuple[object, ...], tuple[Statement, Described]] = field(default_factory=dict)
    _asked: Statement | None = None

    def find(
        self, statement: Statement, types: Sequence[Type], standing: Standing | None
    ) -> KeptQuery | None:
        """The statement as it was kept under this standing; None leaves all to be asked.

        Args:
            statement: What is to run, the very object that was kept.
            types: Those of its parameters.
            standing: None where more decides.
        """
        self._asked = None
        if standing is None:
            return None
        self._stand(standing)
        found = self._kept.get(id(statement))
        if found is not None and (not types or tuple(types) == found.types):
            return found
        self._asked = statement
        return None

    def described(
        self,
        statement: Statement,
        declared: Mapping[int, Type],
        standing: Standing | None,
        describe: Callable[[], Described],
    ) -> Described:
        """What Describe tells of the statement, asked for where it is not known.

        Args:
            statement: The very object that it was told of.
            declared: The types that the client declared.
            standing: None where it stands on more than this tells.
            describe: Asks for it.
        """
        if standing is None:
            return describe()
        self._stand(standing)
        key = id(statement), *declared.items()
        found = self._described.get(key)
        if found is None:
            if len(self._described) >= _MOST_KEPT:
                self._described.clear()
            found = self._described[key] = statement, describe()
        return found[1]

    def _stand(self, standing: Standing) -> None:
        if standing != self._standing:
            self._standing = standing
            self._kept.clear()
            self._described.clear()

    def keep(
        self,
        statement: Statement,
        values: Sequence[pa.Scalar],
        kept: KeptQuery,
        standing: Standing | None,
    ) -> None:
        """Keep what came out, if it is of the statement asked for last and stands on the same."""
        plain = not any(pa.types.is_nested(value.type) for value in values)
        if statement is self._asked and standing == self._standing and plain:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[id(statement)] = kept


def run_again(owner: Queries, kept: KeptQuery, bound: Bound) -> Result:
    """The result of a kept query, whose rows are computed as they are read."""
    owner.account.done.recalled = True
    plan = _kept_plan(owner, kept)
    if plan is not None and kept.types:
        plan = plan.with_values(bound.values)
    if plan is not None:
        owner.account.planned(perf_counter_ns(), kept=True)
        return Result("SELECT", kept.known[1], plan.stream())
    plan = owner.plan_with(kept.query.rewritten, kept.tables, bound)
    # What serves other values, too, tells its columns for nothing.
    if not kept.types or (plan.with_values(bound.values) and plan.schema == kept.known[0]):
        kept.plan = plan
    return result_as_before(kept.query, kept.known, plan, bound)


def _kept_plan(owner: Queries, kept: KeptQuery) -> Plan | None:
    """What ran the query last, if its tables hold the same rows; it has those of now after this."""
    commit = owner.registry.commit
    if kept.tables and (commit is None or commit is not kept.commit):
        before = kept.tables
        # In this order: rows of a later commit are read again, those of an earlier one never.
        kept.commit, kept.tables = commit, owner.tables(kept.query)
        if any(kept.tables[name] is not table for name, table in before.items()):
            kept.plan = None
    return kept.plan


def result_as_before(
    query: Computation,
    known: tuple[pa.Schema, tuple[Field, ...]],
    plan: Plan,
    bound: Bound,
) -> Result:
    """The result of a plan that is not asked for its columns: they must be those known."""
    batches = as_before(query.rewritten, *known, plan.stream(), bound.by_number)
    return Result("SELECT", known[1], batches)
