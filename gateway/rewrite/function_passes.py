"""Passes over calls of users' own functions, and over texts that are differentiated.

And what a marker of a whole query names: a view, and a table whose rows a key tells apart.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sqlglot import exp

from gateway.autodiff.relational.companions import TABLE
from gateway.autodiff.statements.differentiate_sql import replace_calls
from gateway.autodiff.statements.markers import expand
from gateway.errors import UndefinedTable
from gateway.rewrite.rewriting import Rewriting
from gateway.sources.table import TableName
from gateway.sql.lowered.values.session_values import put_values
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.binding import Binder
from gateway.sql.meaning.inlining import inline
from gateway.sql.meaning.naming import alias_unnamed
from gateway.sql.meaning.volatile import refuse_read_twice
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of


def differentiate_sql(state: Rewriting) -> None:
    """Put the text of a derivative in place of differentiate_sql('expression', 'column')."""
    replace_calls(state.tree, partial(_inline_calls, state), state.most_nodes)


def inline_functions(state: Rewriting) -> bool:
    """Put the bodies of users' functions in place of their calls."""
    found = _inline_calls(state, state.tree, state.analysis)
    if found:
        state.analysis = analyse(state.tree, state.relations)
    refuse_read_twice(state.analysis)
    return found


def _inline_calls(state: Rewriting, tree: exp.Expr, analysis: Analysis) -> bool:
    def finish(body: exp.Select, relations: Relations) -> None:
        inner = replace(state, tree=body)
        state.bind_types(body)
        put_values(body, state.constants)
        differentiate_sql(inner)
        expand(body, analyse(body, relations), inline=True, most_nodes=state.most_nodes)

    return inline(tree, analysis, state.functions, finish)


def refuse_hidden(state: Rewriting, name: str) -> None:
    """Refuse derivatives by what a query of WITH hides, before its rows stand in its place.

    Args:
        name: What it is called.

    Raises:
        NotDifferentiable: 0A000.
    """
    if all(_stands_in(marker, name) for marker in nodes_of(state.tree, Marker)):
        return
    tree = copied(state.tree)
    analysis = analyse(tree, state.relations)
    if _inline_calls(state, tree, analysis):
        analysis = analyse(tree, state.relations)
    expand(tree, analysis, most_nodes=state.most_nodes, unrolls=False)


def _stands_in(marker: Marker, name: str) -> bool:
    cte = marker.find_ancestor(exp.CTE)
    while cte is not None and cte.alias != name:
        cte = cte.find_ancestor(exp.CTE)
    return cte is not None


def key_of(state: Rewriting, table: TableName) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    try:
        return state.lookup(table.schema, table.name).key
    except UndefinedTable:  # the rows of a layer
        return ()


def name_view(state: Rewriting, marker: exp.Expr, name: str, may_be_table: bool) -> None:
    """Let a view that a marker names be a query of WITH, if there is one; or a table."""
    try:
        known = state.lookup("", name)
    except UndefinedTable:
        return
    if known.view is None and not may_be_table:
        return
    query = exp.select(exp.Star(), copy=False).from_(exp.table_(name, quoted=True), copy=False)
    binder = Binder(state.lookup, state.relations, state.unaliased)
    binder.bind(query, state.lookup)
    state.reads += binder.all_read
    alias_unnamed(query)
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    cte = exp.CTE(this=query, alias=alias)
    if known.view is None:
        cte.meta[TABLE] = known.name
    around = marker.find_ancestor(exp.Select, exp.SetOperation)
    while around is not None:
        whole, around = around, around.find_ancestor(exp.Select, exp.SetOperation)
    clause = whole.args.get("with_") or exp.With(expressions=[])
    clause.set("expressions", [cte, *clause.expressions])
    whole.set("with_", clause)
    state.analysis = analyse(state.tree, state.relations)
