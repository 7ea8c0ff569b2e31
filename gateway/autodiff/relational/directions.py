"""jvp(e, w.v, d), where `d` is a relation of tangents: forward mode through whatever `e` stands on.

Every reading of `w` moves, in the SELECT of the marker and in the queries of WITH that it reads:
each row of `w` by the tangent of the row of `d` with its keys. So `e` is a function of how far they
move, and the value its slope by that, a column of a relation of one row:

    jvp(e, w.v, d)    grad(e, s."by") ... CROSS JOIN s
    w                 (SELECT w.k, moved(w.v, s."by", d.v) AS v FROM w LEFT JOIN d .. CROSS JOIN s)

`moved(x, s, t)` is x, and changes with s as t says. Queries that others read as well are copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from sqlglot import exp

from gateway.autodiff.relational.asked import named_column, renamed
from gateway.autodiff.relational.companions import (
    TABLE,
    Probe,
    joined_on,
    keys_of,
    named_query,
    once_each,
    put_in_sight,
    reached,
    refuse_hidden,
    table_of,
    value_at,
)
from gateway.autodiff.relational.losses import Own, named_by
from gateway.autodiff.relational.queries import named
from gateway.autodiff.relational.ways import Find, Way, ways_of
from gateway.autodiff.rules.functions import MOVED
from gateway.autodiff.statements.readings import WAY, Variable, refuse_generated
from gateway.errors import NotDifferentiable, UndefinedColumn
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, Block, column_node, position_of, resolved
from gateway.sql.names.updatable import IDENTIFIED
from gateway.sql.text.building import subquery, table_alias
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of

_BY = "by"  # the column of how far the rows move


@dataclass(eq=False)
class _Moves:
    """How the readings of one relation move in a SELECT."""

    own: Own
    names: list[str]
    steps: list[_Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Step:
    """One of its moves: by columns of a query of tangents that is joined, as far as `by` says."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    tangents: exp.CTE | exp.Expr
    by: exp.CTE


def push_forward(tree: exp.Expr, analysis: Analysis, relations: Relations, find: Find) -> Analysis:
    """Put a slope in the place of every jvp along a relation of tangents; the blocks after it.

    Raises:
        NotDifferentiable: 0A000, nothing that the expression reads moves.
        UndefinedColumn: 42703, the tangents have not the columns of the relation.
    """
    read = {column.name for column in _written(tree)}
    while found := _innermost(tree, analysis, find):
        select, markers = found
        _Select(tree, relations, select, read).push(markers)
        analysis = analyse(tree, relations)
    return analysis


Found = list[tuple[Marker, list[Way]]]


def _innermost(tree: exp.Expr, analysis: Analysis, find: Find) -> tuple[exp.Select, Found] | None:
    """A SELECT with such markers that reads no other one with any, and them."""
    asked: dict[int, tuple[exp.Select, Found]] = {}
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        ways = [] if block is None else ways_of(marker, block, find)
        if block is not None and ways:
            select = _home(block, analysis).select
            asked.setdefault(id(select), (select, []))[1].append((marker, ways))
    inside = {id(marker): select for select, each in asked.values() for marker, _ in each}
    for select, found in asked.values():
        around = (m for part in reached([select]) for m in nodes_of(part, Marker))
        if all(inside.get(id(marker), select) is select for marker in around):
            return select, found
    return None


def _written(tree: exp.Expr) -> Iterator[exp.Column]:
    """The columns of a statement, but those of tables that stand for tangents."""
    for column in nodes_of(tree, exp.Column):
        cte = column.find_ancestor(exp.CTE)
        if cte is None or not cte.meta_get(TABLE):
            yield column


def _home(block: Block, analysis: Analysis) -> Block:
    """The SELECT whose rows a marker of this one is about: that around it, if it looks at that."""
    for column in nodes_of(block.select, exp.Column):
        found = resolved(analysis.block_of(column) or block, column)
        around = block.parent
        while found is not None and around is not None:
            if any(source is found[0] for source in around.sources):
                return _home(around, analysis)
            around = around.parent
    return block


class _Select:
    """Lets what a SELECT reads move."""

    def __init__(
        self, tree: exp.Expr, relations: Relations, select: exp.Select, read: set[str]
    ) -> None:
        self._tree, self._relations, self._select = tree, relations, select
        self._read = read
        self._moves: list[_Moves] = []
        self._copies: dict[int, exp.CTE] = {}
        self._reads: dict[int, bool] = {}

    def push(self, markers: Found) -> None:
        """Put slopes in the place of the markers."""
        made: list[tuple[list[Way], exp.CTE]] = []
        for marker, ways in markers:
            by = next((cte for known, cte in made if known == ways), None)
            if by is None:
                by = self._by()
                made.append((ways, by))
                for way in ways:
                    self._add(marker, way, by)
                self._read_beside(by)
            column = column_node(by.alias, _BY)
            column.meta.update(marker.expressions[1].meta)
            slope = Marker(kind="grad", expressions=[marker.expressions[0], column])
            slope.meta.update(marker.meta)
            marker.replace(slope)
        if not self._move_readings():
            marker, (way, *_) = markers[0]
            raise NotDifferentiable(
                f'nothing here reads "{way.columns[0]}" of "{table_of(way.own).name}"',
                detail="So the derivative would be 0 in every row.",
                position=position_of(marker),
            )

    def _by(self) -> exp.CTE:
        """The relation of one row that says how far the rows move: not at all."""
        zero = exp.cast(exp.Literal.number("0.0"), exp.DType.DOUBLE)
        cte = self._put("s", exp.select(named(zero, _BY), copy=False))
        cte.meta[WAY] = True
        return cte

    def _put(self, name: str, query: exp.Query) -> exp.CTE:
        return put_in_sight(self._tree, self._place, named_query(self._free(name), query))

    def _free(self, name: str) -> str:
        """A name of no query of WITH."""
        taken = {cte.alias for cte in nodes_of(self._tree, exp.CTE)}
        return next(n for k in count(1) if (n := f"{name} {k}") not in taken)

    def _add(self, marker: Marker, way: Way, by: exp.CTE) -> None:
        """One more move of a relation's rows."""
        given = way.tangents
        along = [given] if isinstance(given, exp.CTE) else []
        for cte in (*along, *([way.own] if isinstance(way.own, exp.CTE) else [])):
            refuse_hidden(self._place, cte, cte.alias)
        probe = Probe(self._tree, self._relations, self._place, "probe", [way.own, *along])
        source, keys = probe.sources[0], list[str]()
        names = list(source.columns or ())
        _refuse_unknown(marker, way, names)
        for name in list(names):
            for column in way.columns:
                try:
                    refuse_generated(Variable(source, name), Variable(source, column))
                except NotDifferentiable:
                    if name in self._read:
                        raise
                    names.remove(name)
        if along:
            what = marker.expressions[-1]
            keys = keys_of(source, probe.sources[1], way.columns, "tangents", what)
        probe.drop()
        if along:
            assert isinstance(given, exp.CTE)
            given = self._put(given.alias, once_each(given, keys, way.columns))
        moves = next((each for each in self._moves if each.own == way.own), None)
        if moves is None:
            moves = _Moves(way.own, names)
            self._moves.append(moves)
        moves.steps.append(_Step(way.columns, tuple(keys), given, by))

    def _read_beside(self, by: exp.CTE) -> None:
        if self._select.args.get("from_") is None:
            self._select.set("from_", exp.From(this=table_of(by)))
        else:
            self._select.append("joins", exp.Join(this=table_of(by), kind="CROSS"))

    # What moves

    def _move_readings(self) -> int:
        own = self._select.args.get("with_")
        hidden = set() if own is None else {id(table) for table in nodes_of(own, exp.Table)}
        tables = [t for t in nodes_of(self._select, exp.Table) if id(t) not in hidden]
        return sum([self._move(table, table, None) for table in tables])

    def _move(self, table: exp.Table, place: exp.Table, inside: exp.CTE | None) -> int:
        """Let a name in FROM mean what moves; 1 where it does.

        Args:
            table: It.
            place: Itself, or the same in a copy of the query that it stands in.
            inside: That query.
        """
        moves = next((each for each in self._moves if self._is(table, each.own)), None)
        if moves is not None:
            place.replace(_moving(place, moves))
            return 1
        cte = named_by(table)
        if cte is None or not self._reads_moving(cte):
            return 0
        if inside is not None and (cte is inside or _stands_in(cte, inside)):
            if cte is inside:
                _rename(place, self._copies[id(cte)].alias)
            return 0
        if _stands_in(cte, self._select) and not self._is_own_with(cte):
            return 0  # its own tables are moved where they stand
        refuse_hidden(self._place, cte, cte.alias)
        _rename(place, self._copy(cte).alias)
        return 1

    def _is_own_with(self, cte: exp.CTE) -> bool:
        return cte.parent is not None and cte.parent.parent is self._select

    def _copy(self, cte: exp.CTE) -> exp.CTE:
        if id(cte) not in self._copies:
            made = copied(cte)
            self._copies[id(cte)] = made
            name = exp.to_identifier(self._free(cte.alias), quoted=True)
            made.args["alias"].set("this", name)
            pairs = zip(nodes_of(cte, exp.Table), nodes_of(made, exp.Table), strict=True)
            for table, place in list(pairs):
                self._move(table, place, cte)
            put_in_sight(self._tree, self._place, made)
            if is_recursive(cte) and isinstance(made.parent, exp.With):
                made.parent.set("recursive", True)
        return self._copies[id(cte)]

    @property
    def _place(self) -> exp.Expr:
        """A node that has in sight what the SELECT has."""
        item: exp.Expr = self._select.expressions[0]
        return item

    def _reads_moving(self, cte: exp.CTE) -> bool:
        if id(cte) not in self._reads:
            self._reads[id(cte)] = False  # of a recursive query, meanwhile
            self._reads[id(cte)] = any(
                any(self._is(table, each.own) for each in self._moves)
                or ((inner := named_by(table)) is not None and self._reads_moving(inner))
                for table in nodes_of(cte.this, exp.Table)
            )
        return self._reads[id(cte)]

    def _is(self, table: exp.Table, own: Own) -> bool:
        if isinstance(own, TableName):
            return table.db != "" and TableName(table.db, table.name) == own
        return named_by(table) is own


def _refuse_unknown(marker: Marker, way: Way, names: list[str]) -> None:
    """Refuse a column that the relation has not.

    Raises:
        UndefinedColumn: 42703.
    """
    for name in way.columns:
        if name not in names:
            found = (c for c in nodes_of(marker, exp.Column) if c.name == name)
            raise UndefinedColumn(
                f"column {table_of(way.own).name}.{name} does not exist",
                position=max(map(position_of, found), default=0),
            )


def _stands_in(cte: exp.CTE, tree: exp.Expr) -> bool:
    around = cte.parent
    while around is not None and around is not tree:
        around = around.parent
    return around is tree


def _rename(table: exp.Table, name: str) -> None:
    """Let a name in FROM be another, under the alias that it had."""
    alias = table.args.get("alias") or table_alias(table.name)
    table.set("this", exp.to_identifier(name, quoted=True))
    table.set("alias", alias)


def _moving(table: exp.Table, moves: _Moves) -> exp.Subquery:
    """The relation with its rows moved, under the name that it has in FROM."""
    values: dict[str, exp.Expr] = {name: column_node("w", name) for name in moves.names}
    query = exp.Select().from_(renamed(table, "w"), copy=False)
    for number, step in enumerate(moves.steps):
        alias = f"t {number}"
        if isinstance(step.tangents, exp.CTE):
            given = table_of(step.tangents)
            given.set("alias", table_alias(alias))
            on = joined_on("w", alias, step.keys)
            query.append("joins", exp.Join(this=given, side="LEFT", on=on))
        if all(step.by is not each.by for each in moves.steps[:number]):
            query.append("joins", exp.Join(this=table_of(step.by), kind="CROSS"))
        for name in step.columns:
            tangent = (
                value_at(alias, name)
                if isinstance(step.tangents, exp.CTE)
                else exp.cast(copied(step.tangents), exp.DType.DOUBLE)
            )
            by = column_node(step.by.alias, _BY)
            values[name] = exp.Anonymous(this=MOVED, expressions=[values[name], by, tangent])
    hidden = table.meta_get(IDENTIFIED)
    items = [named(value, name) for name, value in values.items()]
    query.set("expressions", [*items, *([named_column("w", hidden)] if hidden else [])])
    own = table.args.get("alias")
    columns = [column.name for column in own.columns] if own is not None else []
    made = subquery(query, table.alias_or_name, columns)
    made.set("joins", table.args.get("joins"))
    return made
