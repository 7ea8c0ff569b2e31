"""count(DISTINCT x) beside other aggregates over more rows than memory holds: groupings instead.

The engine keeps a set of values for each group, and counts only a part of what these hold: they
are neither spilled nor refused in time. A grouping spills. So

    SELECT g, count(DISTINCT x), avg(y) FROM t GROUP BY g

becomes

    SELECT g, count(x), sum(y)
    FROM (SELECT g, NULL AS x, avg(y) AS y FROM t GROUP BY g
          UNION ALL SELECT g, x, NULL FROM t GROUP BY g, x)
    GROUP BY g

where the first branch has each group once, so that the sum is its one value. What counts one
argument and nothing else the engine groups by itself. Reading twice may take twice the time, so
smaller tables are left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.aggregation.coordinates import Tables, is_pure
from gateway.aggregation.grouped import Grouped, check_alone
from gateway.aggregation.planning import candidates
from gateway.sources.arithmetic.nullable import Unsound
from gateway.sql.names.scope import column_node

# What a value in a set takes, at least: itself, its hash, and the room that a table leaves free.
VALUE_BYTES = 24

# What gives the one value of several, the others NULL; a missing row: the engine has the query.
_ONE_OF = {
    **dict.fromkeys(["count", "sum", "avg", "stddev", "stddev_samp", "stddev_pop"], "sum"),
    **dict.fromkeys(["var", "variance", "var_samp", "var_pop", "corr", "covar_samp"], "sum"),
    **dict.fromkeys(["bool_and", "bool_or"], "bool_or"),
    "min": "min",
    "max": "max",
}  # fmt: skip


def counted_apart(tree: exp.Expr, tables: Tables, memory_bytes: int | None) -> exp.Expr:
    """The query with such counts as groupings; itself where there are none, or few rows.

    Args:
        tree: The query for the engine; left as it is.
        tables: Every table that it names.
        memory_bytes: What queries may hold; None: as much as there is.
    """
    if memory_bytes is None or tree.find(exp.Distinct) is None:
        return tree
    copied = tree.copy()
    changed = False
    for select, source, grid in candidates(copied, tables):
        if grid.rows * VALUE_BYTES < memory_bytes:
            continue
        try:
            check_alone(select, source)
            made = _Apart(select, source, grid.has_column).made()
        except Unsound:
            continue
        changed = True
        if select is copied:
            copied = made
        else:
            select.replace(made)
    return copied if changed else tree


# An argument of count(DISTINCT), and the condition of its FILTER.
_Counted = tuple[exp.Expr, "exp.Expr | None"]


@dataclass
class _Apart:
    select: exp.Select
    source: exp.Table
    has_column: Callable[[str], bool]
    counted: list[_Counted] = field(default_factory=list)
    others: list[exp.Expr] = field(default_factory=list)

    @property
    def alias(self) -> str:
        return str(self.source.alias_or_name)

    def made(self) -> exp.Select:
        grouped = Grouped(self.select, self.alias, self._is_column)
        keys = grouped.keys()
        found = grouped.over(keys, self._replaced)
        if not self.counted or (len(self.counted) == 1 and not self.others):
            raise Unsound("the engine groups by one such argument itself")
        where = self.select.args.get("where")
        conditions = [] if where is None else [where.this]
        if not all(map(is_pure, [*keys, *conditions])):
            raise Unsound("what may differ from one reading to the next")
        whole: exp.Query = self._branch(keys, self.others, None, conditions)
        for number, (argument, condition) in enumerate(self.counted):
            more = conditions if condition is None else [*conditions, condition]
            branch = self._branch([*keys, argument], [], number, more)
            whole = exp.Union(this=whole, expression=branch, distinct=False)
        alias = exp.TableAlias(this=exp.to_identifier(self.alias, quoted=True))
        found.set("where", None)
        found.set("from_", exp.From(this=exp.Subquery(this=whole, alias=alias)))
        return found

    def _is_column(self, tree: exp.Expr) -> bool:
        if not isinstance(tree, exp.Column) or tree.table not in ("", self.alias):
            return False
        return self.has_column(tree.name)

    def _replaced(self, call: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
        name, arguments = call.name.lower(), call.expressions
        inside = [argument for argument in arguments if isinstance(argument, exp.Distinct)]
        if not inside:
            return self._other(call, condition)
        if name != "count" or len(arguments) != 1 or len(inside[0].expressions) != 1:
            raise Unsound(f"{name} of distinct values")
        what: _Counted = (inside[0].expressions[0], condition)
        if not all(is_pure(each) for each in what if each is not None):
            raise Unsound("what may differ from one reading to the next")
        if what not in self.counted:
            self.counted.append(what)
        return self._over("count", f"value {self.counted.index(what)}")

    def _other(self, call: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
        gives = _ONE_OF.get(call.name.lower())
        if gives is None or call.args.get("order"):
            raise Unsound(f"{call.name} is the engine's")
        whole = call if condition is None or call.parent is None else call.parent
        if whole not in self.others:
            self.others.append(whole.copy())
        return self._over(gives, f"aggregate {self.others.index(whole)}")

    def _over(self, name: str, column: str) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=[column_node(self.alias, column)])

    def _branch(
        self, keys: list[exp.Expr], others: list[exp.Expr], counted: int | None,
        conditions: list[exp.Expr],
    ) -> exp.Select:  # fmt: skip
        """A grouping by the keys, the last of them the argument of that number, if there is one.

        Every branch has all columns; those of others are NULL.
        """
        own = keys if counted is None else keys[:-1]
        shown = {f"key {n}": key for n, key in enumerate(own)}
        for n in range(len(self.counted)):
            shown[f"value {n}"] = keys[-1] if n == counted else exp.Null()
        for n in range(len(self.others)):
            shown[f"aggregate {n}"] = others[n] if others else exp.Null()
        items = [exp.alias_(value, name, quoted=True) for name, value in shown.items()]
        made = exp.Select(expressions=items, from_=exp.From(this=self.source.copy()))
        if conditions:
            made.set("where", exp.Where(this=exp.and_(*conditions, copy=True)))
        if keys:
            made.set("group", exp.Group(expressions=[key.copy() for key in keys]))
        return made
