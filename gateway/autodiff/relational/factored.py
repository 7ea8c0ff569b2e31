"""What the rows of a relation count where a stage is linear in them, added up before the join.

A layer of a network adds up `x.val * w.val` over `x JOIN w ON x.inp = w.inp`, by `x.sample, w.out`.
What a row of `w` counts is a sum over the rows of `x` that meet it, whatever `w.val` is: so the
cotangents meet `x` alone, the sums by `x.inp` and `w.out` meet `w`, and the join of `x` and `w` is
not made again. Source: Yan and Larson, Eager aggregation and lazy aggregation, VLDB 1995; the sum
of `c * (a * v)` is `v` times that of `c * a`.

It is for a relation that has most of the pairs that its two sets of columns could make, as matrices
of weights have. Where few are there, the sums would be of pairs that no row of it asks for. Where
all keys of the group are the relation's, as the units' are of a layer that is read, there are no
pairs: what the others are multiplied by is added up by itself, once for all groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.autodiff.relational.queries import (
    added,
    double,
    grad,
    joined,
    named,
    times,
    total,
)
from gateway.autodiff.relational.stages import Leaf, Stage
from gateway.autodiff.relational.weights import Call, Weights, is_of_group
from gateway.errors import GatewayError
from gateway.sql.names.scope import Block, Source, column_node, resolve
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import conjuncts, copied, nodes_of
from gateway.sql.types.inference import type_of

# Values of these types are equal where GROUP BY takes them for one.
_EXACT = frozenset({"int2", "int4", "int8", "text", "varchar", "date", "timestamp", "bool", "uuid"})
_DENSE = "dense"
_JOIN = {"this", "on", "kind"}


@dataclass(eq=False)
class Factored:
    """The rows that a stage puts together, as those of one relation and those of all others.

    Args:
        stage: What puts them together.
        leaf: The relation.
        source: It, as the FROM clause has it.
        others: All else that stands there.
        factors: Of each aggregate, what the column of the relation is multiplied by.
        columns: Of each aggregate, that column, by its name in the relation.
        inner: The keys of the stage that are of the others, by name.
        outer: The keys that are columns of the relation.
        pairs: The columns by which the two are joined: the relation's, the others'.
        conditions: What else is asked of the relation's rows, and of the others'.
    """

    stage: Stage
    leaf: Leaf
    source: Source
    others: list[exp.Expr]
    factors: Mapping[Call, exp.Expr]
    columns: Mapping[Call, str]
    inner: dict[str, exp.Expr] = field(default_factory=dict)
    outer: dict[str, exp.Expr] = field(default_factory=dict)
    pairs: list[tuple[exp.Expr, exp.Expr]] = field(default_factory=list)
    conditions: tuple[list[exp.Expr], list[exp.Expr]] = field(default_factory=lambda: ([], []))

    def density(self) -> exp.Select:
        """Whether the relation has half of the pairs that its columns could make."""
        sides = ([mine for mine, _ in self.pairs], list(self.outer.values()))
        counts = [self._distinct(side) for side in sides]
        most = exp.Mul(this=counts[0], expression=counts[1])
        twice = exp.Mul(this=_count(), expression=exp.Literal.number("2.0"))
        item = named(exp.GTE(this=twice, expression=most), _DENSE)
        return self._of_relation([item])

    def _distinct(self, columns: list[exp.Expr]) -> exp.Expr:
        rows = self._of_relation([named(exp.Literal.number(1), "one")])
        rows.group_by(*map(copied, columns), copy=False)
        counted = exp.select(_count(), copy=False).from_(subquery(rows, "d"), copy=False)
        return exp.Subquery(this=counted)

    def _of_relation(self, items: list[exp.Expr]) -> exp.Select:
        query = exp.select(*items, copy=False).from_(copied(self.source.tree), copy=False)
        return query.where(*map(copied, self.conditions[True]), copy=False)

    def query(
        self,
        aggregates: exp.Select,
        weights: Weights,
        shown: Mapping[str, str],
        slopes: Sequence[str],
        is_key: bool,
    ) -> exp.Select:
        """What each row of the relation counts: its columns, and `"d v"` for its slopes.

        Args:
            aggregates: The cotangents of the stage's aggregates, by its keys.
            weights: What a row counts in each, in the columns of `"p"`.
            shown: The columns by which the rows are known, and what they are to be called.
            slopes: The columns to differentiate by.
            is_key: Whether no two rows are alike in those columns.
        """
        counted = {
            each: times(column_node("p", each.named("c")), weight)
            for each, made in weights.items()
            for weight in made  # one: `factored` takes no others
            if weight is not None
        }
        sums = self._sums(aggregates, counted) if self.inner else self._own_sums()
        items = [named(copied(self.leaf.columns[name]), f"own {name}") for name in shown]
        items += [named(copied(mine), f"j {n}") for n, (mine, _) in enumerate(self.pairs)]
        items += [named(copied(key), name) for name, key in self.outer.items()]
        items += [named(copied(self.leaf.columns[name]), f"v {name}") for name in slopes]
        found = [named(column_node("r", f"own {name}"), known) for name, known in shown.items()]
        for slope in slopes:
            parts = self._slopes(slope, {} if self.inner else counted)
            made = added(parts) if is_key else total(added(parts))
            found.append(named(made, f"d {slope}"))
        query = exp.select(*found, copy=False).from_(subquery(sums, "q"), copy=False)
        meeting = "q"
        if not self.inner:  # each row meets the one group that it is in, and the sum of its pairs
            query.append("joins", exp.Join(this=subquery(aggregates, "p"), kind="CROSS"))
            meeting = "p"
        keys = [(name, column_node(meeting, name)) for name in self.outer]
        joined(query, self._of_relation(items), "r", keys)
        query.where(*self._same("q", "r"), copy=False)
        grouped = [] if is_key else [column_node("r", f"own {name}") for name in shown]
        return query.group_by(*grouped, copy=False) if grouped else query

    def _slopes(self, slope: str, counted: Mapping[Call, exp.Expr]) -> list[exp.Expr]:
        """What a row counts in each aggregate of a column, times what is `counted`."""
        value = column_node("r", f"v {slope}")
        parts = []
        for each, name in self.columns.items():
            if name == slope:
                made = grad(times(column_node("q", each.named("s")), copied(value)), value)
                parts.append(times(counted[each], made) if each in counted else made)
        return parts

    def _sums(self, aggregates: exp.Select, counted: Mapping[Call, exp.Expr]) -> exp.Select:
        """The cotangents times the factors, added up for rows of the relation that may be there."""
        items = [named(column_node("p", name), name) for name in self.outer]
        for each, weighted in counted.items():
            product = times(weighted, column_node("o", each.named("a")))
            items.append(named(_sum(product), each.named("s")))
        query = exp.select(copy=False).from_(subquery(aggregates, "p"), copy=False)
        pairs = [(name, column_node("p", name)) for name in self.inner]
        joined(query, self._others(), "o", pairs)
        grouped = [column_node("p", name) for name in self.outer]
        return self._by_pairs(query, items, grouped)

    def _own_sums(self) -> exp.Select:
        """The factors alone, added up."""
        items = [
            named(_sum(column_node("o", each.named("a"))), each.named("s")) for each in self.factors
        ]
        query = exp.select(copy=False).from_(subquery(self._others(), "o"), copy=False)
        return self._by_pairs(query, items, [])

    def _by_pairs(
        self, query: exp.Select, items: list[exp.Expr], grouped: Sequence[exp.Expr]
    ) -> exp.Select:
        joins = [f"j {n}" for n, _ in enumerate(self.pairs)]
        query.set("expressions", [*(named(column_node("o", j), j) for j in joins), *items])
        return query.group_by(*(column_node("o", j) for j in joins), *grouped, copy=False)

    def _others(self) -> exp.Select:
        """The rows of the others that meet some row of the relation."""
        items = [named(copied(other), f"j {n}") for n, (_, other) in enumerate(self.pairs)]
        items += [named(copied(key), name) for name, key in self.inner.items()]
        items += [named(double(made), each.named("a")) for each, made in self.factors.items()]
        first, *rest = map(copied, self.others)
        query = exp.select(*items, copy=False).from_(first, copy=False)
        for tree in rest:
            query.append("joins", exp.Join(this=tree, kind="CROSS"))
        met = [named(copied(mine), f"j {n}") for n, (mine, _) in enumerate(self.pairs)]
        rows = self._of_relation(met).group_by(*(copied(m) for m, _ in self.pairs), copy=False)
        query.append("joins", exp.Join(this=subquery(rows, "∂met"), kind="CROSS"))
        for n, (_, other) in enumerate(self.pairs):
            same = exp.EQ(this=column_node("∂met", f"j {n}"), expression=copied(other))
            query.where(same, copy=False)
        return query.where(*map(copied, self.conditions[False]), copy=False)

    def _same(self, one: str, other: str) -> Iterator[exp.Expr]:
        for n, _ in enumerate(self.pairs):
            name = f"j {n}"
            yield exp.EQ(this=column_node(one, name), expression=column_node(other, name))


def factored(
    stage: Stage, changing: Sequence[Call], leaf: Leaf, slopes: Sequence[str]
) -> Factored | None:
    """The two sides of a stage's rows, if its aggregates are sums of products with a column."""
    (alias,) = {column.table for column in leaf.columns.values()}
    source = next(each for each in stage.block.sources if each.alias == alias)
    sides = _Sides(stage.block, source)
    others = [each.tree for each in stage.block.sources if each is not source]
    conditions = _conditions(stage.block)
    if not others or conditions is None or not all(is_of_group(c.call) for c in changing):
        return None
    products = {each: _product(each.arguments[0], leaf, slopes, sides) for each in changing}
    found = {call: made for call, made in products.items() if made is not None}
    if len(found) < len(products):
        return None
    factors = {call: factor for call, (factor, _) in found.items()}
    columns = {call: name for call, (_, name) in found.items()}
    split = Factored(stage, leaf, source, others, factors, columns)
    whole = _sort_keys(split, sides) and _sort_conditions(split, conditions, sides)
    alike = bool(split.inner) or len(others) == 1  # else others might be joined by it alone
    return split if whole and alike and split.outer and split.pairs else None


class _Sides:
    """Tells of which side an expression is.

    Args:
        block: The SELECT that it stands in.
        source: The relation.
    """

    def __init__(self, block: Block, source: Source) -> None:
        self.block, self._source = block, source

    def of(self, tree: exp.Expr) -> set[bool] | None:
        """True: the relation's, False: the others'; None where it cannot be told."""
        if tree.find(exp.Query) is not None:
            return None
        found = set()
        for column in nodes_of(tree, exp.Column):
            try:
                source, _ = resolve(self.block, column)
            except GatewayError:  # a name of a whole row
                return None
            if not any(source is each for each in self.block.sources):
                return None
            found.add(source is self._source)
        return found

    @staticmethod
    def is_column(tree: exp.Expr, column: exp.Column) -> bool:
        """Whether an expression of the relation is one column of it."""
        return isinstance(tree, exp.Column) and tree.name == column.name


def _conditions(block: Block) -> list[exp.Expr] | None:
    """What joins and WHERE ask of the rows; None where they are put together in another way."""
    args = block.select.args
    if args.get("laterals") or args.get("from_") is None:
        return None
    joins = args.get("joins") or []
    trees = [args["from_"].this, *(join.this for join in joins)]
    plain = (isinstance(t, exp.Table | exp.Subquery) and not t.args.get("joins") for t in trees)
    if len(trees) != len(block.sources) or not all(plain):
        return None
    found: list[exp.Expr] = []
    for join in joins:
        if {name for name, value in join.args.items() if value} - _JOIN:
            return None
        if (join.args.get("kind") or "INNER").upper() not in ("INNER", "CROSS"):
            return None
        if join.args.get("on") is not None:
            found += conjuncts(join.args["on"])
    if args.get("where") is not None:
        found += conjuncts(args["where"].this)
    return found


def _product(
    tree: exp.Expr, leaf: Leaf, slopes: Sequence[str], sides: _Sides
) -> tuple[exp.Expr, str] | None:
    """What a column of the relation is multiplied by in an argument, and the column."""
    column: str | None = None
    rest: exp.Expr | None = None
    for factor in _factors(tree):
        side = sides.of(factor)
        if side == {True} and column is None:
            column = next((n for n in slopes if sides.is_column(factor, leaf.columns[n])), None)
            if column is None:
                return None
        elif side in (set(), {False}):
            rest = copied(factor) if rest is None else times(rest, copied(factor))
        else:
            return None
    return None if column is None or rest is None else (rest, column)


def _factors(tree: exp.Expr) -> Iterator[exp.Expr]:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.Mul):
        yield from _factors(tree.this)
        yield from _factors(tree.expression)
    else:
        yield tree


def _sort_keys(split: Factored, sides: _Sides) -> bool:
    """Whether each key of the stage is of one side; those of the relation are its columns."""
    for name, key in zip(split.stage.key_names, split.stage.keys, strict=True):
        side = sides.of(key)
        if side == {False}:
            split.inner[name] = key
        elif side == {True} and isinstance(key, exp.Column):
            split.outer[name] = key
        else:
            return False
    return True


def _sort_conditions(split: Factored, conditions: list[exp.Expr], sides: _Sides) -> bool:
    """Whether each condition is of one side, or an equality of two columns."""
    for condition in conditions:
        side = sides.of(condition)
        if side is None:
            return False
        if len(side) < 2:
            split.conditions[True in side].append(condition)
        elif isinstance(condition, exp.EQ) and (pair := _pair(condition, sides)) is not None:
            split.pairs.append(pair)
        else:
            return False
    return True


def _pair(condition: exp.EQ, sides: _Sides) -> tuple[exp.Expr, exp.Expr] | None:
    both = (condition.this, condition.expression)
    types = [type_of(each, sides.block) for each in both]
    exact = all(known is not None and known.name in _EXACT for known in types)
    if not exact or not all(isinstance(each, exp.Column) for each in both):
        return None
    return both if sides.of(both[0]) == {True} else (both[1], both[0])


def _count() -> exp.Expr:
    return exp.Anonymous(this="count", expressions=[exp.Star()])


def _sum(tree: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="sum", expressions=[tree])
