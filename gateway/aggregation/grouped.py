"""A SELECT over one table that groups, and the same over a relation of its keys and aggregates.

What is made of groups and aggregates (HAVING, ORDER BY, windows, arithmetic) stays as it is
written, over the columns that stand in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from gateway.sources.arithmetic.nullable import Unsound
from gateway.sql.lowered.values.not_numbers import EXTREME
from gateway.sql.names.scope import column_node, is_aggregate
from gateway.sql.text.trees import SETS

_NOT_HERE = ("distinct", "joins", "laterals", "windows", "sample", "locks")

# (call, the condition of its FILTER) -> what stands in its place.
Replace = Callable[[exp.Expr, "exp.Expr | None"], exp.Expr]


@dataclass(frozen=True)
class Grouped:
    """A SELECT, and which columns in it are the table's.

    Args:
        select: Left as it is.
        alias: The table's name in FROM.
        is_column: Whether a column is one of the table.
        exact_extremes: Whether `replace` gives minima and maxima that need no look at infinities.
    """

    select: exp.Select
    alias: str
    is_column: Callable[[exp.Expr], bool]
    exact_extremes: bool = False

    def keys(self) -> list[exp.Expr]:
        """What is grouped by, each once, in the table's columns.

        Raises:
            Unsound: grouping sets.
        """
        group = self.select.args.get("group")
        if group is None:
            return []
        if any(isinstance(key, SETS) for key in group.expressions):
            raise Unsound("grouping sets")
        found: list[exp.Expr] = []
        for written in group.expressions:
            key = self._meant(written)
            if key not in found:
                found.append(key)
        return found

    def over(self, keys: list[exp.Expr], replace: Replace) -> exp.Select:
        """A copy over `key 0`, `key 1`, ... and what `replace` gives for the aggregates.

        FROM and WHERE are left; the caller puts others there.

        Raises:
            Unsound: something else is left of the table.
        """
        found = self.select.copy()
        found.set("expressions", [_named(item) for item in found.expressions])
        outputs = {item.alias for item in self.select.expressions if item.alias}
        for part in ("expressions", "having", "order"):
            held = found.args.get(part)
            for each in held if isinstance(held, list) else [held]:
                if isinstance(each, exp.Expr):
                    known = outputs if part != "expressions" else set()
                    self._rewrite(each, known, keys, replace)
        columns = [column_node(self.alias, f"key {n}") for n in range(len(keys))]
        found.set("group", exp.Group(expressions=list(columns)) if keys else None)
        return found

    def _meant(self, written: exp.Expr) -> exp.Expr:
        """What a key is: a column, an expression, or an item of SELECT by number or name."""
        key, items = written.unnest(), self.select.expressions
        if isinstance(key, exp.Literal) and key.is_int and 1 <= int(key.name) <= len(items):
            return self._plain(items[int(key.name) - 1].unalias())
        if isinstance(key, exp.Column) and not key.table and not self.is_column(key):
            named = [item for item in items if item.alias == key.name]
            key = named[0].unalias() if named else key
        return self._plain(key)

    def _plain(self, tree: exp.Expr) -> exp.Expr:
        """A copy in which the table's columns are all written one way, to be compared."""
        copied = exp.Paren(this=tree.unnest().copy())
        for column in list(copied.find_all(exp.Column)):
            if self.is_column(column):
                column.replace(column_node(self.alias, column.name))
        inside: exp.Expr = copied.this
        return inside.pop()

    def _rewrite(
        self, tree: exp.Expr, outputs: set[str], keys: list[exp.Expr], replace: Replace
    ) -> None:
        """Put columns in place of keys and aggregates; nothing else may be left."""
        if self.exact_extremes and tree.meta.get(EXTREME):
            held = tree.args["default"]
            tree.replace(held)
            self._rewrite(held, outputs, keys, replace)
            return
        if isinstance(tree, exp.Filter) and is_aggregate(tree.this):
            tree.replace(replace(tree.this, tree.expression.this))
            return
        if is_aggregate(tree):
            tree.replace(replace(tree, None))
            return
        named = isinstance(tree, exp.Column) and not tree.table and tree.name in outputs
        if not isinstance(tree, exp.Having | exp.Order | exp.Ordered | exp.Alias) and not named:
            plain = self._plain(tree) if tree.find(exp.Column) is not None else None
            if plain is not None and plain in keys:
                tree.replace(column_node(self.alias, f"key {keys.index(plain)}"))
                return
        if isinstance(tree, exp.Star) or (isinstance(tree, exp.Column) and not named):
            raise Unsound("a column that is no key")
        for child in list(tree.iter_expressions()):
            self._rewrite(child, outputs, keys, replace)


def check_alone(select: exp.Select, source: exp.Table) -> None:
    """Refuse a SELECT of more than one table, its groups and its aggregates.

    Raises:
        Unsound: it has queries inside, or a part that makes rows of rows otherwise.
    """
    if any(select.args.get(part) for part in _NOT_HERE):
        raise Unsound("a part of SELECT that is the engine's")
    if len(list(select.find_all(exp.Query))) > 1 or select.find(exp.Table) is not source:
        raise Unsound("queries inside")


def _named(item: exp.Expr) -> exp.Expr:
    """An item of SELECT under the name that it has."""
    if isinstance(item, exp.Column):
        return exp.alias_(item, item.name, quoted=True, copy=False)
    return item
