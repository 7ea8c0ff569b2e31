"""The parts of a query's FROM: which columns each has, and which part a column is of.

Of a bound query (`sql.meaning.binding`): every relation stands there under its full name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from gateway.aggregation.coordinates import Tables, is_inner, table_name
from gateway.sql.names.scope import column_node
from gateway.sql.text.trees import conjuncts


@dataclass(frozen=True)
class Sides:
    """What stands in FROM by name, each with its columns; None where they cannot be told.

    `conditions` are true of every row that a SELECT makes of them.
    """

    parts: Mapping[str, exp.Expr]
    columns: Mapping[str, frozenset[str] | None]
    conditions: tuple[exp.Expr, ...]

    def owner(self, column: exp.Column) -> str | None:
        """The name of the part that a column is of; None where it is of none, or of several."""
        if column.table:
            return column.table if column.table in self.parts else None
        if None in self.columns.values():
            return None
        found = [name for name, names in self.columns.items() if names and column.name in names]
        return found[0] if len(found) == 1 else None


def sides_of(select: exp.Select, tables: Tables) -> Sides | None:
    """What is in FROM; None where a join could bring back what a condition leaves out."""
    start, joins = select.args.get("from_"), select.args.get("joins") or []
    if start is None or select.args.get("laterals"):
        return None
    if not all(is_inner(join, select) for join in joins):
        return None
    parts = [start.this, *(join.this for join in joins)]
    if any(part.args.get("joins") for part in parts):
        return None
    named = {part.alias_or_name: part for part in parts}
    if len(named) != len(parts):
        return None
    columns = {name: columns_of(part, tables) for name, part in named.items()}
    where = select.args.get("where")
    found = [*conjuncts(where.this)] if where is not None else []
    for join in joins:
        on = join.args.get("on")
        found += [] if on is None else conjuncts(on)
    if len(parts) == 2 and joins[0].args.get("using"):
        one, other = named
        found += _merged(one, other, joins[0].args["using"])
    return Sides(named, columns, tuple(found))


def _merged(one: str, other: str, names: list[exp.Expr]) -> Iterator[exp.Expr]:
    for each in names:
        pair = column_node(one, each.name), column_node(other, each.name)
        yield exp.EQ(this=pair[0], expression=pair[1])


def columns_of(part: exp.Expr, tables: Tables) -> frozenset[str] | None:
    """The names of the columns of a part of FROM; None where they cannot be told."""
    alias = part.args.get("alias")
    if alias and alias.columns:
        return frozenset(each.name for each in alias.columns)
    query = query_of(part)
    if query is not None:
        return frozenset(item.alias_or_name for item in query.expressions)
    if isinstance(part, exp.Values):
        row = part.expressions[0]
        width = len(row.expressions) if isinstance(row, exp.Tuple) else 1
        return frozenset(f"column{n}" for n in range(1, width + 1))
    table = tables.get(table_name(part)) if isinstance(part, exp.Table) else None
    return None if table is None else frozenset(table.schema.names)


def query_of(part: exp.Expr) -> exp.Select | None:
    """The SELECT whose rows a part of FROM has: a subquery's, or that of a query of WITH."""
    if isinstance(part, exp.Subquery):
        return part.this if isinstance(part.this, exp.Select) else None
    named = common(part) if isinstance(part, exp.Table) and is_named(part) and not part.db else None
    return named if isinstance(named, exp.Select) else None


def is_named(part: exp.Expr) -> bool:
    """Whether a part of FROM is a relation by its name."""
    return isinstance(part, exp.Table) and isinstance(part.this, exp.Identifier)


def common(table: exp.Table) -> exp.Expr | None:
    """The query of WITH that a name means, seen from where it stands."""
    query = table.find_ancestor(exp.Query)
    while query is not None:
        clause = query.args.get("with_")
        found = [] if clause is None else [e for e in clause.expressions if e.alias == table.name]
        if found:
            return None if clause is None or clause.args.get("recursive") else found[0].this
        query = query.find_ancestor(exp.Query)
    return None


def stands_alone(select: exp.Select, tables: Tables) -> bool:
    """Whether all columns of a SELECT are those of its own FROM, or of what it gives."""
    start = select.args.get("from_")
    if select.args.get("laterals"):
        return False
    joins = select.args.get("joins") or []
    parts = [] if start is None else [start.this, *(join.this for join in joins)]
    names = set[str]()
    for part in parts:
        found = columns_of(part, tables)
        if found is None:
            return False
        names |= found
    aliases = {part.alias_or_name for part in parts}
    outputs = {item.alias for item in select.expressions if item.alias}
    for column in select.find_all(exp.Column):
        if column.find_ancestor(exp.Select) is not select:
            continue
        given = column.name in outputs and column.find_ancestor(exp.Order, exp.Group) is not None
        if not (column.table in aliases if column.table else column.name in names or given):
            return False
    return True
