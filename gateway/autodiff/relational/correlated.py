"""Subqueries of a loss that look at the row around them, as joins with what they give for each.

Only those that read what changes are made joins, and reverse mode follows them as such: a number
for each row, `(SELECT sum(w.v * x) FROM w WHERE w.k = t.k)`, and LATERAL. The values that one looks
at are a relation of their own, each once (`sql.lowered.relations.dependent`). That relation reads
the variable's table without harm if it reads keys alone, so what else its subqueries compute is
left out of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sqlglot import exp

from gateway.sql.lowered.relations.dependent import join_dependent
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import Analysis, is_aggregate
from gateway.sql.text.trees import PICKING, nodes_of, own_nodes

_MARK = "∂"
LOOKED_AT = f"values_{_MARK}"  # what the relations of values are called, before a number

_CLAUSES = (*PICKING, "group", "having", "order")


def join_correlated(analysis: Analysis, changes: Callable[[exp.Expr], bool]) -> bool:
    """Make a join of one such subquery of a loss; whether there was one.

    Args:
        analysis: The blocks of the loss, changed in place; then they are to be found anew.
        changes: Whether a query reads what changes.

    Raises:
        FeatureNotSupported: 0A000, a form that cannot be written so.
    """
    taken = {each.alias for block in analysis.blocks for each in block.sources}
    free = (n for n in itertools.count(1) if f"{LOOKED_AT}{n}" not in taken)
    if not join_dependent(analysis, map(f"{_MARK}{{}}".format, free), changes):
        return False
    for block in analysis.blocks:
        for place in nodes_of(block.select, exp.Subquery):
            if place.alias.startswith(LOOKED_AT) and isinstance(place.this, exp.Select):
                _leave_out_unread(place.this)
    return True


def _leave_out_unread(keys: exp.Select) -> None:
    """Drop what a subquery computes that the SELECT over it does not read, if it is one alone."""
    relation = keys.args["from_"].this
    if not isinstance(relation, exp.Subquery) or relation.args["alias"].columns:
        return
    inner = relation.this
    if not isinstance(inner, exp.Select) or inner.is_star or keys.args.get("joins"):
        return
    if any(inner.args.get(clause) for clause in _CLAUSES):
        return
    if any(is_aggregate(node) or gives_rows(node) for node in own_nodes(inner)):
        return
    read = {column.name for column in nodes_of(keys, exp.Column) if column.table == relation.alias}
    inner.set("expressions", [i for i in inner.expressions if output_name(i) in read])
