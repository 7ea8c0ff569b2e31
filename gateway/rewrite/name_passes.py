"""Passes over the names of a query: relations, columns, types, windows, the session's values."""

from __future__ import annotations

from typing import Literal

from sqlglot import exp

from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.relations.lone_values import select_words
from gateway.sql.lowered.values.session_values import put_values
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.binding import Binder, without_schemas
from gateway.sql.meaning.empty_queries import refuse_empty
from gateway.sql.meaning.naming import alias_unnamed, leftmost
from gateway.sql.meaning.recursion import type_first_terms
from gateway.sql.meaning.searching import order_searches
from gateway.sql.meaning.self_references import check_self_references
from gateway.sql.meaning.starred_rows import spread_stars
from gateway.sql.meaning.table_oids import put_table_oids
from gateway.sql.meaning.unknowns import drop_unknown
from gateway.sql.names.grouped_joins import name_merged, select_joined
from gateway.sql.names.hidden import rename_hidden
from gateway.sql.names.named_windows import put_windows
from gateway.sql.names.row_functions import refuse_chosen_sets
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.constant_numbers import fold_numbers


def drop_unknowns(state: Rewriting) -> None:
    """Let `::unknown` say nothing."""
    drop_unknown(state.tree)


def settle_recursive(state: Rewriting) -> None:
    """Refuse recursive queries that name themselves where PostgreSQL does; type their NULLs."""
    check_self_references(state.tree)
    type_first_terms(state.tree)


def refuse_sets(state: Rewriting) -> Literal[False]:
    """Refuse functions that give rows where they would be run or not, row by row."""
    refuse_chosen_sets(state.tree)
    return False


def refuse_empty_queries(state: Rewriting) -> Literal[False]:
    """Refuse queries without columns where a value is to stand."""
    refuse_empty(state.tree)
    return False


def bind_words(state: Rewriting) -> None:
    """Write words that are values, in FROM, as subqueries."""
    select_words(state.tree)


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


def name_joins(state: Rewriting) -> None:
    """Write joins with a name as queries, and what USING merged under a name without it."""
    select_joined(state.tree)
    name_merged(state.tree)


def find_types(state: Rewriting) -> None:
    """Let each name of a type of a user's own mean it."""
    state.bind_types(state.tree)


def strip_schemas(state: Rewriting) -> None:
    """`ncep.winds.uwnd` is `winds.uwnd`: a column belongs to its relation's name in FROM."""
    without_schemas(state.tree, state.unaliased)


def session_functions(state: Rewriting) -> bool:
    """Put the value in place of version(), current_user and their like."""
    return put_values(state.tree, state.constants)


def name_outputs(state: Rewriting) -> bool:
    """Give unnamed columns PostgreSQL's names."""
    return alias_unnamed(state.tree)


def number_tables(state: Rewriting) -> None:
    """Put its value in place of tableoid."""
    put_table_oids(state.tree, state.relations)


def compute_constants(state: Rewriting) -> None:
    """Put its value in place of arithmetic of literals with a point."""
    fold_numbers(state.tree)


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


def rename_outer(state: Rewriting) -> bool:
    """Give relations that a column of an inner query hides another name."""
    return rename_hidden(state.analysis)


def write_windows(state: Rewriting) -> None:
    """Put what WINDOW says in the place of its names."""
    put_windows(state.tree)
