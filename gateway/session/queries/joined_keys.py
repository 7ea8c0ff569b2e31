"""What a small table or query tells of a grid's rows: a join or a subquery, asked of a coordinate.

``JOIN k ON g.time = k.day``, ``g.time BETWEEN k.start AND k.stop``, ``EXISTS (SELECT ... WHERE
k.day = g.time)`` and ``g.time IN (SELECT day FROM k)`` need the positions alone at which some row
of the small side goes with the coordinate. The engine is asked for them first, over the coordinate
in the place of the grid, under the very conditions of the query; and the query keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.aggregation.coordinates import COORDINATE, Tables, is_pure, is_pure_node
from gateway.session.queries.run_first import MOST_PAIRS, rows_of, tables_in
from gateway.session.queries.sides import Sides, query_of, sides_of
from gateway.sources.grid.grid import GridTable
from gateway.sql.names.scope import column_node, is_aggregate, table_node
from gateway.sql.text.trees import own_nodes

_QUERIES = (exp.Query, exp.In, exp.Exists, exp.Any)
_NOT_IN_EXISTS = ("group", "having", "limit", "offset", "joins", "laterals")


@dataclass(frozen=True)
class Question:
    """Which positions of a dimension can hold a row: a query over its coordinate."""

    dim: str
    query: exp.Select
    others: Tables  # the tables that it reads besides


def questions(
    select: exp.Select, source: exp.Table, grid: GridTable, tables: Tables
) -> Iterator[Question]:
    """What small tables and queries tell of a grid.

    Args:
        select: All of whose rows satisfy its conditions.
        source: The grid's place in its FROM.
        grid: The grid.
        tables: Every table of the query.
    """
    sides = sides_of(select, tables)
    if sides is None or not isinstance(source.this, exp.Identifier):
        return
    own = source.alias_or_name
    asked = _Asked(own, grid, tables)
    for name, part in sides.parts.items():
        if name != own and len(sides.parts) > 1:
            yield from asked.joined(part, sides, sides.conditions)
    for condition in sides.conditions:
        if isinstance(condition, exp.Exists) and isinstance(condition.this, exp.Select):
            yield from asked.existing(condition.this, sides)
        elif isinstance(condition, exp.Not) and isinstance(condition.this.unnest(), exp.Exists):
            yield from asked.existing(condition.this.unnest().this, sides, kind="ANTI")
        elif condition.find(*_QUERIES) is not None:
            yield from asked.compared(condition, sides)


@dataclass(frozen=True)
class _Asked:
    own: str
    grid: GridTable
    tables: Tables

    def joined(
        self, part: exp.Expr, sides: Sides, conditions: Sequence[exp.Expr], kind: str = "SEMI"
    ) -> Iterator[Question]:
        """The positions at which a row of another part of FROM meets the conditions on both.

        Args:
            part: The part.
            sides: All parts, and whose their columns are.
            conditions: Of which some may be left out, for a position too many does no harm.
            kind: ANTI for the positions at which no row does. Then all conditions count.
        """
        name = part.alias_or_name
        by_dim: dict[str, list[exp.Expr]] = {}
        others = []
        for condition in conditions:
            owners = {sides.owner(column) for column in condition.find_all(exp.Column)}
            if not is_pure(condition):
                by_dim.setdefault("", []).append(condition)
            elif owners == {name}:
                others.append(condition)
            elif owners == {name, self.own}:
                by_dim.setdefault(self._dimension(condition, sides), []).append(condition)
            else:
                by_dim.setdefault("", []).append(condition)
        if kind == "ANTI" and ("" in by_dim or len(by_dim) != 1):
            return
        by_dim.pop("", None)
        read = tables_in(_as_written(part), self.tables) if by_dim else None
        if read is None:
            return
        for dim, linking in by_dim.items():
            if not any(isinstance(each, exp.EQ) for each in linking):
                rows = self.grid.size(dim) * max([1.0, *map(rows_of, read.values())])
                if rows > MOST_PAIRS:
                    continue
            meeting = exp.and_(*linking, *others, copy=True)
            join = exp.Join(this=_as_written(part).copy(), side="LEFT", kind=kind, on=meeting)
            asked = self._question()
            asked.set("joins", [join])
            yield Question(dim, asked, read)

    def existing(self, query: exp.Expr, around: Sides, kind: str = "SEMI") -> Iterator[Question]:
        """The same of EXISTS (SELECT ... FROM part WHERE conditions); ANTI: of NOT EXISTS."""
        inside = sides_of(query, self.tables) if isinstance(query, exp.Select) else None
        if inside is None or len(inside.parts) != 1 or self.own in inside.parts:
            return
        if any(query.args.get(each) for each in _NOT_IN_EXISTS):
            return
        if any(map(is_aggregate, query.find_all(exp.Anonymous))):
            return
        parts = {**around.parts, **inside.parts}
        columns = {**around.columns, **inside.columns}
        (part,) = inside.parts.values()
        # A bare name means the inner column, where there is one.
        hidden = inside.columns[part.alias_or_name]
        if hidden is None:
            return
        outer = {
            name: known if name in inside.parts or known is None else known - hidden
            for name, known in columns.items()
        }
        yield from self.joined(part, Sides(parts, outer, ()), inside.conditions, kind)

    def compared(self, condition: exp.Expr, sides: Sides) -> Iterator[Question]:
        """The positions at which a condition holds that has queries of their own tables in it."""
        inside = [node for node in own_nodes(condition) if isinstance(node, exp.Query)]
        columns = [node for node in own_nodes(condition) if isinstance(node, exp.Column)]
        if not inside or {sides.owner(column) for column in columns} != {self.own}:
            return
        dim = self._dimension_of(columns)
        if not dim or not _is_pure_around(condition):
            return
        read: Tables = {}
        for query in inside:
            found = tables_in(query, self.tables)
            if found is None:
                return
            read = {**read, **found}
        yield Question(dim, self._question().where(condition.copy()), read)

    def _question(self) -> exp.Select:
        position = column_node(self.own, GridTable.POSITION)
        return exp.select(position).from_(table_node(COORDINATE, self.own))

    def _dimension(self, condition: exp.Expr, sides: Sides) -> str:
        columns = condition.find_all(exp.Column)
        return self._dimension_of([each for each in columns if sides.owner(each) == self.own])

    def _dimension_of(self, columns: Sequence[exp.Column]) -> str:
        dims = {self.grid.dimension_of(column.name) for column in columns}
        return dims.pop() or "" if len(dims) == 1 else ""


def _as_written(part: exp.Expr) -> exp.Expr:
    """A part of FROM; the query itself where a name of WITH stands for it."""
    query = query_of(part)
    if query is None or isinstance(part, exp.Subquery):
        return part
    alias, own = part.args.get("alias"), query.parent.args.get("alias") if query.parent else None
    columns = (alias.columns if alias else None) or (own.columns if own else None) or []
    name = exp.to_identifier(part.alias_or_name, quoted=True)
    named = exp.TableAlias(this=name, columns=[column.copy() for column in columns])
    return exp.Subquery(this=query.copy(), alias=named)


def _is_pure_around(condition: exp.Expr) -> bool:
    """Whether it means the same at every time, but for the queries inside."""
    return all(
        isinstance(node, exp.Query | exp.Exists | exp.Any) or is_pure_node(node)
        for node in own_nodes(condition)
    )
