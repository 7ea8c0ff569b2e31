"""FROM analysed: relations, joins, subqueries and functions; and what column names mean there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.catalog.deparsing.analysing import Analysis
from gateway.catalog.deparsing.nodes import Item, Join, Kind, Node, Query, Source, Unprintable
from gateway.catalog.translation.resolution import common_type
from gateway.sql.text.trees import is_comma

Columns = list[tuple[str, int, int]]
# schema ("" for none) and name as written -> how it is printed, its name alone, its columns.
Relations = Callable[[str, str], tuple[str, str, Columns]]


@dataclass(slots=True, eq=False)
class Scope:
    """What names mean in a query: its relations, then those of the queries around it."""

    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Node] = field(default_factory=dict)
    commons: dict[str, Columns] = field(default_factory=dict)

    def column(self, table: str, name: str) -> Node:
        """The column that a name means.

        Raises:
            Unprintable: There is none.
        """
        if not table and name in self.merged:
            return self.merged[name]
        for source in self.sources:
            if table in ("", source.alias or source.base):
                for column, kind, typmod in source.columns:
                    if column == name:
                        return Node(Kind.COLUMN, kind, text=name, typmod=typmod, source=source)
        if self.parent is None:
            raise Unprintable(name)
        return self.parent.column(table, name)


class Relating:
    """Analyses FROM; `query` is what analyses the queries in it.

    Args:
        relations: What a relation's name means; raises Unprintable.
        functions: As `Analysis` takes it.
    """

    def __init__(self, relations: Relations, functions: object = None) -> None:
        self._relations = relations
        self._expressions = Analysis(self.query, functions)

    def query(self, tree: exp.Expr, outer: Scope | None) -> Query:
        """A query's tree, analysed."""
        raise NotImplementedError

    def _from(self, tree: exp.Select, scope: Scope, found: Query) -> None:
        start = tree.args.get("from_")
        if start is None:
            return
        current = self._item(start.this, scope)
        for join in [*(tree.args.get("joins") or ()), *(tree.args.get("laterals") or ())]:
            if isinstance(join, exp.Join) and not is_comma(join):
                current = self._joined(current, join, scope)
            else:
                found.items.append(current)
                current = self._item(join.this if isinstance(join, exp.Join) else join, scope)
        found.items.append(current)
        found.sources = scope.sources

    def _item(self, tree: exp.Expr, scope: Scope) -> Item:
        if isinstance(tree, exp.Paren):
            return self._item(tree.this, scope)
        if isinstance(tree, exp.Subquery) and isinstance(tree.this, exp.Table):
            if tree.args.get("alias"):
                raise Unprintable("an alias of a join")
            inner = self._item(tree.this, scope)
            return self._all_joined(inner, tree.args.get("joins") or (), scope)
        source = self._source(tree, scope)
        scope.sources.append(source)
        return self._all_joined(source, tree.args.get("joins") or (), scope)

    def _all_joined(self, item: Item, joins: Sequence[exp.Join], scope: Scope) -> Item:
        for join in joins:
            item = self._joined(item, join, scope)
        return item

    def _source(self, tree: exp.Expr, scope: Scope) -> Source:
        lateral = isinstance(tree, exp.Lateral)
        alias = tree.args.get("alias")
        inside = tree.this if lateral else tree
        given = tuple(column.name for column in alias.columns) if alias is not None else ()
        name = tree.alias
        if isinstance(inside, exp.Subquery | exp.Values):
            body = inside.this if isinstance(inside, exp.Subquery) else inside
            query = self.query(body, scope if lateral else scope.parent or _around(scope))
            columns = renamed(query.columns, given)
            shown = _all(columns) if given else ()
            return Source(columns, name, name, query=query, renamed=shown, lateral=lateral)
        call = inside.this if isinstance(inside, exp.Table) else inside
        if isinstance(call, exp.Unnest) and not call.args.get("offset"):
            call = exp.Anonymous(this="unnest", expressions=call.expressions)
        if isinstance(call, exp.Anonymous):
            return self._function(call, name, given, scope, lateral)
        if not isinstance(inside, exp.Table) or not isinstance(call, exp.Identifier) or lateral:
            raise Unprintable("FROM")
        if any(inside.args.get(key) for key in ("sample", "only", "ordinality", "pivots")):
            raise Unprintable("FROM")
        common = scope.commons.get(inside.name) if not inside.db else None
        found = (inside.name, inside.name, common) if common is not None else None
        written, base, own = found or self._relations(inside.db, inside.name)
        columns = renamed(own, given)
        return Source(columns, name, base, written, _all(columns) if given else ())

    def _function(
        self, call: exp.Anonymous, name: str, given: tuple[str, ...], scope: Scope, lateral: bool
    ) -> Source:
        node = self._expressions.node(call, scope)
        if node.kind is not Kind.CALL:
            raise Unprintable("FROM")
        base = name or str(call.this)
        columns = [(given[0] if given else base, node.type, -1)]
        return Source(columns, name, base, call=node, renamed=(columns[0][0],), lateral=lateral)

    def _joined(self, left: Item, join: exp.Join, scope: Scope) -> Item:
        method = str(join.args.get("method") or "")
        if method not in ("", "NATURAL"):
            raise Unprintable(method)
        before = list(scope.sources)
        right = self._item(join.this, scope)
        side, kind = (str(join.args.get(key) or "") for key in ("side", "kind"))
        word = f"{side} JOIN" if side else "JOIN"
        using = tuple(each.name for each in join.args.get("using") or ())
        if method:
            using = _shared(before, scope.sources[len(before) :])
        for name in using:
            self._merge(name, before, side, scope)
        on = join.args.get("on")
        condition = self._expressions.condition(on, scope) if on is not None else None
        if kind == "CROSS" or (condition is None and not using):
            word = "CROSS JOIN"
        return Join(word, left, right, using, condition)

    def _merge(self, name: str, before: list[Source], side: str, scope: Scope) -> None:
        """What USING makes of two columns: one of them, or a new one, which has no relation."""
        left = scope.merged.get(name) or Scope(None, before).column("", name)
        right = Scope(None, scope.sources[len(before) :]).column("", name)
        kind = common_type([left.type, right.type])
        chosen = right if side == "RIGHT" or (not side and left.type != kind) else left
        if side == "FULL" or chosen.type != kind:
            chosen = Node(Kind.COLUMN, kind, text=name)
        scope.merged[name] = chosen


def _around(scope: Scope) -> Scope:
    """What a subquery in FROM of the outermost query sees: its WITH queries alone."""
    return Scope(None, commons=scope.commons)


def renamed(columns: Columns, given: Sequence[str]) -> Columns:
    """Columns under the names that are given for the first of them."""
    return [
        (given[n] if n < len(given) else name, kind, typmod)
        for n, (name, kind, typmod) in enumerate(columns)
    ]


def _shared(left: Sequence[Source], right: Sequence[Source]) -> tuple[str, ...]:
    """The columns that both sides have, in the order of the left one."""
    there = {name for source in right for name, *_ in source.columns}
    return tuple(name for source in left for name, *_ in source.columns if name in there)


def _all(columns: Columns) -> tuple[str, ...]:
    return tuple(name for name, *_ in columns)
