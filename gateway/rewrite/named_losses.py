"""What a marker of a whole query names: a view, and a table whose rows a key tells apart."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import UndefinedTable
from gateway.rewrite.rewriting import Rewriting
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.binding import Binder
from gateway.sql.meaning.naming import alias_unnamed


def key_of(state: Rewriting, table: TableName) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    try:
        return state.lookup(table.schema, table.name).key
    except UndefinedTable:  # the rows of a layer
        return ()


def name_view(state: Rewriting, marker: exp.Expr, name: str) -> None:
    """Let a view that a marker names be a query of WITH, if there is one."""
    try:
        known = state.lookup("", name)
    except UndefinedTable:
        return
    if known.view is None:
        return
    query = exp.select(exp.Star(), copy=False).from_(exp.table_(name, quoted=True), copy=False)
    binder = Binder(state.lookup, state.relations, state.unaliased)
    binder.bind(query, state.lookup)
    state.reads += binder.all_read
    alias_unnamed(query)
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    around = marker.find_ancestor(exp.Select, exp.SetOperation)
    while around is not None:
        whole, around = around, around.find_ancestor(exp.Select, exp.SetOperation)
    clause = whole.args.get("with_") or exp.With(expressions=[])
    clause.set("expressions", [exp.CTE(this=query, alias=alias), *clause.expressions])
    whole.set("with_", clause)
    state.analysis = analyse(state.tree, state.relations)
