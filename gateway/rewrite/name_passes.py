"""NAMES and COLUMNS: what the names of a query mean, and which columns there are.

Relations, columns, types, windows, functions in FROM, the session's values.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.autodiff.statements.parameters import name_parameters
from gateway.rewrite.census import PARTS, POINT, UNNAMED, WHOLE_ROW, in_tree, only, refusing
from gateway.rewrite.function_passes import differentiate_sql
from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.relations.functions_in_from import (
    VALUE_WORDS,
    put_side_by_side,
    select_lone_values,
    select_words,
)
from gateway.sql.lowered.relations.samples import draw_samples
from gateway.sql.lowered.relations.sets import spread_sets
from gateway.sql.lowered.relations.subqueries import gather
from gateway.sql.lowered.relations.value_rows import select_asking
from gateway.sql.lowered.values.session_values import SESSION_NODES, SESSION_WORDS, put_values
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.binding import Binder, without_schemas
from gateway.sql.meaning.clauses import refuse_empty
from gateway.sql.meaning.fields import spread_stars
from gateway.sql.meaning.literals import drop_unknown
from gateway.sql.meaning.naming import alias_unnamed, leftmost
from gateway.sql.meaning.recursion import type_first_terms
from gateway.sql.meaning.searching import order_searches
from gateway.sql.meaning.self_references import check_self_references
from gateway.sql.meaning.table_oids import put_table_oids
from gateway.sql.names.grouped_joins import name_merged, select_joined
from gateway.sql.names.hidden import rename_hidden
from gateway.sql.names.named_windows import put_windows
from gateway.sql.names.row_functions import GIVING_ROWS, refuse_chosen_sets
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.constant_numbers import fold_numbers


def settle_recursive(tree: exp.Expr) -> None:
    """Refuse recursive queries that name themselves where PostgreSQL does; type their NULLs."""
    check_self_references(tree)
    type_first_terms(tree)


def bind_tables(state: Rewriting) -> None:
    """Write every table as schema.name under its alias, views as queries."""
    # Whose value is asked for is the session's own, and what asks for it serves no other: no query
    # is recalled or settled then. So it is asked for only where a name has a database before it.
    asks = any(table.catalog for table in nodes_of(state.tree, exp.Table))
    database = state.constants.get("current_database") if asks else None
    named = database.find(exp.Literal) if isinstance(database, exp.Expr) else None
    name = named.name if named is not None else ""
    binder = Binder(state.lookup, state.relations, state.unaliased, name)
    binder.bind(state.tree, state.lookup)
    state.reads = binder.all_read


def name_joins(tree: exp.Expr) -> None:
    """Write joins with a name as queries, and what USING merged under a name without it."""
    select_joined(tree)
    name_merged(tree)


def select_asking_values(state: Rewriting) -> None:
    """Write VALUES that ask queries as subqueries."""
    state.tree = select_asking(state.tree)


def put_sets(tree: exp.Expr) -> None:
    """Write functions in FROM that give rows as the engine has them, and samples of tables."""
    draw_samples(tree)
    spread_sets(tree)


def bind_columns(state: Rewriting) -> None:
    """Find every relation's columns, expand stars, make repeated names unique."""
    state.analysis = analyse(state.tree, state.relations)
    top = leftmost(state.tree)
    state.names = next((b.names for b in state.analysis.blocks if b.select is top), None)


def bind_searches(state: Rewriting) -> None:
    """Let ORDER BY of what SEARCH made go by the columns beneath it."""
    if order_searches(state.analysis):
        bind_columns(state)


def spread_rows(state: Rewriting) -> bool:
    """Write the columns of ROW(t.*)."""
    found = any([spread_stars(block) for block in state.analysis.blocks])
    if found:
        state.analysis = analyse(state.tree, state.relations)
    return found


# From the text to what each relation in FROM is.
NAMES = (
    only(in_tree(name_parameters), {Marker}, {exp.Parameter}),
    only(in_tree(drop_unknown), {exp.Cast}),
    only(in_tree(gather), {exp.In, exp.Any, exp.All, "any", "all", "some", "array"}),
    only(in_tree(settle_recursive), {exp.With}),
    only(refusing(refuse_chosen_sets), {exp.Case, "coalesce"}, {*GIVING_ROWS}),
    only(refusing(refuse_empty), {exp.Subquery, exp.Paren, exp.In, exp.Any, exp.All, "array"}),
    only(in_tree(select_words), {*VALUE_WORDS}),
    only(bind_tables),
    only(in_tree(name_joins), {exp.Subquery, exp.Join}),
    only(lambda state: state.bind_types(state.tree), {exp.DataType}),
    only(select_asking_values, {exp.Values}),
    only(in_tree(put_side_by_side), {UNNAMED}),
    only(in_tree(select_lone_values), {exp.Lateral, UNNAMED}),
    # `ncep.winds.uwnd` is `winds.uwnd`: a column belongs to its relation's name in FROM.
    only(lambda state: without_schemas(state.tree, state.unaliased), {PARTS}),
    only(in_tree(alias_unnamed)),
    only(lambda state: put_table_oids(state.tree, state.relations), {"tableoid", "xmin"}),
    only(in_tree(fold_numbers), {POINT}),
    only(
        lambda state: put_values(state.tree, state.constants),
        {exp.Anonymous, *SESSION_NODES, *SESSION_WORDS},
    ),
    only(differentiate_sql, {"differentiate_sql"}),
    only(in_tree(put_windows), {exp.Window}),
    only(in_tree(put_sets), {exp.TableSample, exp.Lateral, exp.Values, exp.Unnest, UNNAMED}),
)
# Which columns there are.
COLUMNS = (
    only(bind_columns),
    only(bind_searches, {exp.With}),
    only(spread_rows, {WHOLE_ROW}),
    only(lambda state: rename_hidden(state.analysis)),
)
