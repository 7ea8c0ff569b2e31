"""Queries analysed: FROM, targets and the rest of SELECT, set operations, WITH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from gateway.catalog.deparsing.calls import over
from gateway.catalog.deparsing.converting import converted, settled
from gateway.catalog.deparsing.nodes import (
    Common,
    Kind,
    Node,
    Query,
    Sorted,
    Target,
    Unprintable,
)
from gateway.catalog.deparsing.relating import Relating, Scope, renamed
from gateway.catalog.translation.resolution import INT8, TEXT, UNKNOWN, common_type
from gateway.sql.meaning.naming import output_name
from gateway.sql.text.trees import AROUND


class Queries(Relating):
    """Analyses queries over relations; see `Relating`."""

    def query(self, tree: exp.Expr, outer: Scope | None) -> Query:
        """A query's tree, analysed.

        Raises:
            Unprintable: It holds what is not printed here.
        """
        scope = Scope(outer, commons=dict(outer.commons) if outer is not None else {})
        found = Query()
        self._with(tree, scope, found)
        if isinstance(tree, exp.SetOperation):
            self._set_operation(tree, scope, found)
        elif isinstance(tree, exp.Select):
            self._select(tree, scope, found)
        elif isinstance(tree, exp.Values) and not _items(tree):
            self._values(tree, scope, found)
        elif isinstance(tree, exp.Subquery) and not tree.args.get("alias"):
            if any(map(tree.args.get, AROUND)):
                raise Unprintable("a query in parentheses")
            return self.query(tree.this, scope)
        else:
            raise Unprintable(tree.key)
        for key in ("limit", "offset"):
            self._count(tree, key, scope, found)
        return found

    def expression(self, tree: exp.Expr, scope: Scope) -> Node:
        """An expression's tree, analysed."""
        return self._expressions.node(tree, scope)

    def _count(self, tree: exp.Expr, key: str, scope: Scope, found: Query) -> None:
        clause = tree.args.get(key)
        if clause is not None:
            if not isinstance(clause, exp.Limit | exp.Offset) or clause.args.get("expressions"):
                raise Unprintable(key)
            node = converted(self._expressions.node(clause.expression, scope), INT8)
            setattr(found, key, node)

    def _with(self, tree: exp.Expr, scope: Scope, found: Query) -> None:
        clause = tree.args.get("with_")
        if clause is None:
            return
        found.recursive = bool(clause.args.get("recursive"))
        for each in clause.expressions:
            names = tuple(column.name for column in each.args["alias"].columns)
            if found.recursive and isinstance(each.this, exp.SetOperation):
                seed = self.query(each.this.left, scope)
                scope.commons[each.alias] = renamed(seed.columns, names)
            query = self.query(each.this, scope)
            scope.commons[each.alias] = renamed(query.columns, names)
            found.commons.append(Common(each.alias, names, query, each.args.get("materialized")))

    def _set_operation(self, tree: exp.SetOperation, scope: Scope, found: Query) -> None:
        found.operator = f"{tree.key.upper()} {'' if tree.args.get('distinct') else 'ALL '}"
        found.branches = tuple(self.query(side, scope) for side in (tree.left, tree.right))
        left, right = (list(_leaves(branch)) for branch in found.branches)
        for n, _ in enumerate(left[0].targets):
            targets = [leaf.targets[n] for leaf in (*left, *right)]
            kind = common_type([_kind_of(target.node) for target in targets])
            for target in targets:
                target.node = settled(target.node, kind)
        columns = found.columns
        for item in _items(tree):
            found.places.append(_place(item.this, [name for name, *_ in columns]))
            node = Node(Kind.KEYWORD, INT8, text=str(found.places[-1]))
            found.order.append(self._expressions.sorted_by(item, node))

    def _values(self, tree: exp.Values, scope: Scope, found: Query) -> None:
        rows = [
            self._expressions.nodes(row.expressions if isinstance(row, exp.Tuple) else [row], scope)
            for row in tree.expressions
        ]
        kinds = [
            common_type([_kind_of(node) for node in column]) for column in zip(*rows, strict=True)
        ]
        for row in rows:
            pairs = zip(row, kinds, strict=True)
            found.rows.append([converted(node, kind) for node, kind in pairs])
        names = (f"column{n}" for n in range(1, len(kinds) + 1))
        found.targets = [
            Target(node, name) for node, name in zip(found.rows[0], names, strict=True)
        ]

    def _select(self, tree: exp.Select, scope: Scope, found: Query) -> None:
        if any(tree.args.get(key) for key in ("into", "locks", "sample", "hint")):
            raise Unprintable("a clause")
        self._from(tree, scope, found)
        for item in tree.expressions:
            found.targets += self._target(item, scope)
        if not isinstance(tree.parent, exp.SetOperation):
            for target in found.targets:
                target.node = settled(target.node, TEXT)
        expressions = self._expressions
        if (where := tree.args.get("where")) is not None:
            found.where = expressions.condition(where.this, scope)
        self._group(tree, scope, found)
        if (having := tree.args.get("having")) is not None:
            found.having = expressions.condition(having.this, scope)
        for window in tree.args.get("windows") or ():
            found.windows.append(replace(over(expressions, window, scope), name=window.name))
        if (distinct := tree.args.get("distinct")) is not None:
            found.distinct = self._distinct(distinct, scope, found)
        found.order = [self._ordered(item, scope, found) for item in _items(tree)]

    def _group(self, tree: exp.Select, scope: Scope, found: Query) -> None:
        group = tree.args.get("group")
        if group is not None:
            if group.args.get("all"):
                raise Unprintable("GROUPING SETS")
            found.groups = [self._grouped(item, scope, found) for item in group.expressions]

    # Targets and what refers to them

    def _target(self, item: exp.Expr, scope: Scope) -> list[Target]:
        if isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        ):
            return self._star(item, scope)
        name = item.alias if isinstance(item, exp.Alias) else output_name(item)
        return [Target(self._expressions.node(item.unalias(), scope), name)]

    def _star(self, item: exp.Expr, scope: Scope) -> list[Target]:
        table = item.table if isinstance(item, exp.Column) else ""
        if item.args.get("except_") or item.args.get("replace"):
            raise Unprintable("*")
        merged = {} if table else scope.merged
        found = [Target(node, name) for name, node in merged.items()]
        for source in scope.sources:
            if table in ("", source.alias or source.base):
                for name, kind, typmod in source.columns:
                    if name not in merged:
                        node = Node(Kind.COLUMN, kind, text=name, typmod=typmod, source=source)
                        found.append(Target(node, name))
        return found

    def _grouped(self, item: exp.Expr, scope: Scope, found: Query) -> Node:
        if isinstance(item, exp.Column) and not item.table:
            try:
                return self._expressions.node(item, scope)
            except Unprintable:
                return self._target_called(item.name, found)
        return self._numbered(item, found) or self._expressions.node(item, scope)

    def _ordered(self, item: exp.Expr, scope: Scope, found: Query) -> Sorted:
        inside = item.this
        while isinstance(inside, exp.Paren):
            inside = inside.this
        node = self._numbered(inside, found)
        if node is None and isinstance(inside, exp.Column) and not inside.table:
            named = [each.node for each in found.targets if each.name == inside.name]
            node = named[0] if named else None
        node = node or self._expressions.node(inside, scope)
        return self._expressions.sorted_by(item, node)

    def _distinct(self, tree: exp.Distinct, scope: Scope, found: Query) -> list[Node]:
        on = tree.args.get("on")
        if on is None:
            return []
        items = on.expressions if isinstance(on, exp.Tuple) else [on]
        sorted_by = [self._ordered(exp.Ordered(this=item.copy()), scope, found) for item in items]
        return [each.node for each in sorted_by]

    def _numbered(self, item: exp.Expr, found: Query) -> Node | None:
        if isinstance(item, exp.Literal) and not item.is_string:
            return found.targets[int(item.name) - 1].node
        return None

    def _target_called(self, name: str, found: Query) -> Node:
        for each in found.targets:
            if each.name == name:
                return each.node
        raise Unprintable(name)


def _leaves(query: Query) -> Sequence[Query]:
    if not query.branches:
        return [query]
    return [leaf for branch in query.branches for leaf in _leaves(branch)]


def _kind_of(node: Node) -> int:
    return UNKNOWN if node.kind is Kind.UNTYPED else node.type


def _items(tree: exp.Expr) -> Sequence[exp.Expr]:
    order = tree.args.get("order")
    return order.expressions if order is not None else ()


def _place(tree: exp.Expr, names: list[str]) -> int:
    if isinstance(tree, exp.Literal) and not tree.is_string:
        return int(tree.name)
    if isinstance(tree, exp.Column) and tree.name in names:
        return names.index(tree.name) + 1
    raise Unprintable("ORDER BY")
