"""ROW(t.*), and `t.*` in a comparison: the columns of a relation as a row.

A relation's row is a record, and of two records a NULL is as another (manual, 9.24.6).
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.analysis import columns_of_star
from gateway.sql.names.scope import Block
from gateway.sql.text.rows import compare_pairwise, row_of
from gateway.sql.text.trees import nodes, own_nodes

_OF_RECORDS: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.NullSafeEQ,
    exp.NEQ: exp.NullSafeNEQ,
}


def spread_stars(block: Block) -> bool:
    """Write the columns in the place of such stars, in place; whether there was one."""
    stars = [
        node
        for node in own_nodes(block.select)
        if isinstance(node, exp.Column) and node.is_star and node.parent is not None
    ]
    found = [_spread(star, block) for star in stars]
    if any(found):
        compare_pairwise(nodes(block.select))
    return any(found)


def _spread(star: exp.Column, block: Block) -> bool:
    columns = columns_of_star(block, star)
    row, held = star.parent, star.parent
    while isinstance(held, exp.Paren):
        held = held.parent
    if columns is None or row is None:
        return False
    values = [column.unalias() for column in columns]
    if row_of(row) is not None:
        items = [[item] if item is not star else values for item in row.expressions]
        row.set("expressions", [item for some in items for item in some])
    elif isinstance(held, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ):
        star.replace(exp.Tuple(expressions=values))
        of = _OF_RECORDS.get(type(held))
        if of is not None:
            held.replace(of(this=held.this, expression=held.expression))
    else:
        return False
    return True
