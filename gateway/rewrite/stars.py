"""Stars written out, in the text of a view.

A view has the columns that its query had when it was made, so `*` must not come to mean more when
one of its relations does (PostgreSQL 15 manual, CREATE VIEW). Nothing else of the text is touched.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.rewrite.passes import PASSES, Rewriting, bind_columns
from gateway.sql.meaning.analysis import STAR
from gateway.sql.meaning.relation import Constants, Lookup
from gateway.sql.text.dialect import parse
from gateway.sql.text.quoting import identifier


def without_stars(source: str, lookup: Lookup, constants: Constants) -> str:
    """A query's text with the columns in the place of each star that is known to mean them.

    Args:
        source: One query that plans.
        lookup: What a name in FROM means.
        constants: What functions of the session stand for.
    """
    if "*" not in source:
        return source
    tree = parse(source)[0]
    places = dict(place for star in tree.find_all(exp.Star) if (place := _place(star)))
    if not places:
        return source
    state = Rewriting(tree, lookup, constants)
    for each in PASSES[: PASSES.index(bind_columns) + 1]:
        each(state)
    columns: dict[int, list[str]] = {}
    for select in state.tree.find_all(exp.Select):
        for item in select.expressions:
            if item.meta.get(STAR) in places:
                columns.setdefault(item.meta[STAR], []).append(_written(item))
    for star in sorted(columns, reverse=True):
        start, end = places[star]
        source = source[:start] + ", ".join(columns[star]) + source[end:]
    return source


def _place(star: exp.Star) -> tuple[int, tuple[int, int]] | None:
    """Where a star of a SELECT list stands, and from where to where its `t.*` does."""
    parent = star.parent
    parts: list[exp.Expr] = [star]
    if isinstance(parent, exp.Column):
        parts = [part for part in parent.parts if "start" in part.meta]
        parent = parent.parent
    if not isinstance(parent, exp.Select) or "start" not in star.meta:
        return None
    start = min(part.meta["start"] for part in parts)
    return star.meta["start"], (start, star.meta["end"] + 1)


def _written(item: exp.Expr) -> str:
    """A column that a star gives, as a client would write it."""
    column = item.unalias()
    if not isinstance(column, exp.Column):  # what FULL JOIN USING merges
        return identifier(item.alias_or_name)
    text = f"{identifier(column.table)}.{identifier(column.name)}"
    named = item.alias_or_name != column.name
    return f"{text} AS {identifier(item.alias_or_name)}" if named else text
