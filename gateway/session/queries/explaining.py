"""EXPLAIN: what would run, or what ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.catalog.system.answers import Catalogue
from gateway.engine.interface import EngineSession, Plan
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Computation
from gateway.session.result import Result, lines, plan_lines, read_lines
from gateway.sources.table import Table, TableName
from gateway.sql.statements.explaining import explain_options
from gateway.sql.statements.statement import Explain, Statement


class Explains(Protocol):
    """Whose queries they are."""

    engine: EngineSession
    catalogue: Catalogue

    def required(self, statement: Statement) -> Computation: ...

    def allow(self, rewritten: Rewritten, *but: TableName | None) -> None: ...

    def tables(self, query: Computation) -> Mapping[TableName, Table]: ...

    def plan_with(
        self,
        rewritten: Rewritten,
        tables: Mapping[TableName, Table],
        bound: Bound,
        prefix: str = "",
    ) -> Plan: ...


def explained(queries: Explains, statement: Statement, bound: Bound) -> Result:
    """The plan, or with the option `rewrite` the engine's SQL, a line a row."""
    explain = statement.tree
    assert isinstance(explain, Explain)
    asked = explain_options(explain)
    if queries.catalogue.answers(explain.statement.text, explain.statement.tree):
        return lines("EXPLAIN", ["Catalogue query: rows in memory, no table is read"])
    query = queries.required(statement)
    queries.allow(query.rewritten, query.rowid_of)
    if "rewrite" in asked:
        return lines("EXPLAIN", query.rewritten.text.splitlines())
    words = ["EXPLAIN", *(w.upper() for w in ("analyze", "verbose") if w in asked), ""]
    tables = queries.tables(query)
    plan = queries.plan_with(query.rewritten, tables, bound, " ".join(words))
    told = list(plan_lines(plan.stream()))
    told += read_lines(tables, queries.engine.reads) if "analyze" in asked else []
    return lines("EXPLAIN", told)
