"""Fields of rows: `(t).column`, `(t).*`, `(ROW(1, 'a')).f1` (PostgreSQL manual, 4.2.4 and 8.16.3).

A relation's row is the relation, so its fields are columns; those of ROW(...) stand in it, and
those of `(json_each(j)).key` are functions that give rows. ROW(t.*) and `t.*` in a comparison are
the columns as a row: a relation's row is a record, and of two records a NULL is as another
(9.24.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from gateway.errors import UndefinedColumn
from gateway.sql.meaning.analysis import columns_of_star
from gateway.sql.names.row_functions import PAIRS
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.rows import compare_pairwise, row_of
from gateway.sql.text.trees import nodes, nodes_of, own_nodes

_RELATIONS = (exp.Table, exp.Subquery, exp.Lateral, exp.Unnest, exp.Values)


def write_fields(tree: exp.Expr) -> None:
    """Put a column, or a value of the row, in the place of each field, in place.

    Raises:
        UndefinedColumn: 42703, ROW(...) has no such field.
    """
    for dot in reversed(nodes_of(tree, exp.Dot)):
        row = dot.this.unnest() if isinstance(dot.this, exp.Paren) else None
        if isinstance(row, exp.Column) and not row.table and _is_relation(row):
            dot.replace(exp.Column(this=dot.expression.copy(), table=row.this.copy()))
        elif isinstance(row, exp.Anonymous) and row.name.lower() == "row":
            names = [f"f{number}" for number in range(1, len(row.expressions) + 1)]
            _put_values(dot, dict(zip(names, row.expressions, strict=True)))
        elif isinstance(row, exp.Anonymous) and row.name.lower() in PAIRS:
            given = {
                name: exp.Anonymous(this=of, expressions=[each.copy() for each in row.expressions])
                for name, of in PAIRS[row.name.lower()].items()
            }
            _put_values(dot, given)


def _is_relation(name: exp.Column) -> bool:
    select = name.find_ancestor(exp.Select)
    while select is not None:
        if any(each.alias_or_name == name.name for each in _relations(select)):
            return True
        select = select.find_ancestor(exp.Select)
    return False


def _relations(select: exp.Select) -> Iterator[exp.Expr]:
    """What stands in FROM, in joins in parentheses too."""
    start = select.args.get("from_")
    parts = [start, *(select.args.get("joins") or ()), *(select.args.get("laterals") or ())]
    for part in filter(None, parts):
        yield from (each for each in own_nodes(part) if isinstance(each, _RELATIONS))


def _put_values(dot: exp.Dot, values: Mapping[str, exp.Expr]) -> None:
    select = dot.parent if dot.arg_key == "expressions" else None
    if isinstance(dot.expression, exp.Star):
        if isinstance(select, exp.Select):
            named = [_named(value, name) for name, value in values.items()]
            items = select.expressions
            place = next(n for n, each in enumerate(items) if each is dot)
            select.set("expressions", [*items[:place], *named, *items[place + 1 :]])
        return
    found = values.get(dot.name)
    if found is None:
        raise UndefinedColumn(
            f'could not identify column "{dot.name}" in record data type',
            position=position_of(dot),
        )
    value = exp.paren(found.copy())
    dot.replace(_named(found, dot.name) if isinstance(select, exp.Select) else value)


def _named(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(value.copy(), name, quoted=True)


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
