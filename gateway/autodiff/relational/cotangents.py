"""What each row that a loss reads counts in it, as queries: a reverse sweep over its stages.

A stage is given the **cotangents** of its values, one row for each of its groups, and gives those
of each relation that it reads. First those of its aggregates: the cotangents of its values times
their slopes by the aggregates (`_of_aggregates`). Then, row by row of what it reads, those times
the weight of the row and the slope of the aggregate's argument, added up for each row of the
relation (`_of_leaf`). Slopes are written as grad(...), for the chain rule to follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.queries import joined, named, over_rows, present, subquery
from gateway.autodiff.relational.stages import Leaf, Stage, Staging
from gateway.autodiff.relational.weights import is_count, is_extreme, weight_of
from gateway.sql.meaning.scope import Block, column_node, is_aggregate, resolve
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied

_ZERO = exp.Literal.number("0.0")
_OVER = {"n": "count", "m": "avg"}  # what a letter of a weight is of the arguments in a group


@dataclass(frozen=True, eq=False)
class _Call:
    """An aggregate of a stage: as it is written, its argument, and a number for its columns."""

    written: exp.Expr
    call: exp.Anonymous
    argument: exp.Expr
    number: int

    def named(self, letter: str) -> str:
        return f"{letter} {self.number}"

    @property
    def asked(self) -> list[str]:
        """What its weight asks of the group beside the aggregate itself."""
        names = {column.name for column in weight_of(self.call).find_all(exp.Column)}
        return [letter for letter in _OVER if letter in names]


class Sweep:
    """The cotangents of the variable's table.

    Args:
        staging: What changes with the variables.
        variables: The columns of its table.
        known_by: The columns of it that tell its rows apart.
    """

    def __init__(self, staging: Staging, variables: Iterable[str], known_by: Iterable[str]) -> None:
        self._staging, self._variables = staging, list(variables)
        self._known_by = list(known_by)
        self.found: list[exp.Select] = []

    def sweep(self, stage: Stage, given: exp.Select | None = None) -> list[exp.Select]:
        """A query for each time that the loss names the table.

        Each has the columns that its rows are known by, `"own k"` for `k`, and `"d v"` for a
        variable `v`, the sum of the cotangents of rows that are alike in those.

        Args:
            given: The cotangents of the stage's values under their names, by its keys; without
                them it has one value and 1 is its cotangent.
        """
        calls = list(self._calls(stage))
        changing = self._changing(stage, calls)
        aggregates = self._of_aggregates(stage, calls, changing, given)
        for leaf in stage.leaves:
            found = self._of_leaf(stage, changing, aggregates, leaf)
            if leaf.stage is None:
                self.found.append(found)
            else:
                self.sweep(leaf.stage, found)
        return self.found

    def _calls(self, stage: Stage) -> Iterator[_Call]:
        """The aggregates in a stage's values, those that change with the variables."""
        seen: list[exp.Expr] = []
        for made in stage.outputs.values():
            for call in list(made.find_all(exp.Anonymous)):
                if not is_aggregate(call):
                    continue
                written = call.parent if isinstance(call.parent, exp.Filter) else call
                if written in seen:
                    continue
                seen.append(written)
                argument = call.expressions[0] if call.expressions else exp.null()
                if isinstance(written, exp.Filter):
                    chosen = exp.If(this=copied(written.expression.this), true=copied(argument))
                    argument = exp.Case(ifs=[chosen])
                yield _Call(written, call, argument, len(seen))

    def _changing(self, stage: Stage, calls: list[_Call]) -> list[_Call]:
        return [
            each
            for each in calls
            if not is_count(each.call) and self._staging.changes(each.argument, stage.block)
        ]

    # The first half: from the values of a stage to its aggregates

    def _of_aggregates(
        self,
        stage: Stage,
        calls: list[_Call],
        changing: list[_Call],
        given: exp.Select | None,
    ) -> exp.Select:
        """A row for each group: its keys, `"c 1"` and so on, and what the weights are made of."""
        if given is not None and (bare := _bare_sums(stage, changing)):
            items = [named(column_node("o", name), name) for name in stage.key_names]
            items += [named(column_node("o", f"d {name}"), each) for name, each in bare.items()]
            return exp.select(*items, copy=False).from_(subquery(given, "o"), copy=False)
        groups = self._groups(stage, calls, changing)
        names = [*stage.key_names, *_group_columns(changing)]
        items = [named(column_node("g", name), name) for name in names]
        for each in changing:
            parts = [
                _times(self._given(name, given), _grad(made, column_node("g", each.named("f"))))
                for name, value in stage.outputs.items()
                for made in [self._over_groups(value, stage, calls)]
                if made.find(exp.Column) is not None
            ]
            items.append(named(_sum(parts), each.named("c")))
        query = exp.select(*items, copy=False).from_(subquery(groups, "g"), copy=False)
        if given is not None:
            joined(query, given, "o", [(n, column_node("g", n)) for n in stage.key_names])
        return query

    def _given(self, name: str, given: exp.Select | None) -> exp.Expr:
        return exp.Literal.number("1.0") if given is None else column_node("o", f"d {name}")

    def _groups(self, stage: Stage, calls: list[_Call], changing: list[_Call]) -> exp.Select:
        """The groups of a stage, with its aggregates under names of their own."""
        keys = zip(stage.key_names, stage.keys, strict=True)
        items = [named(copied(key), name) for name, key in keys]
        items += [named(copied(each.written), each.named("f")) for each in calls]
        for each in changing:
            for letter in each.asked:
                made = exp.Anonymous(this=_OVER[letter], expressions=[_double(each.argument)])
                items.append(named(made, each.named(letter)))
        query = over_rows(stage.block, items)
        for clause in ("group", "having"):
            held = stage.block.select.args.get(clause)
            if held is not None:
                query.set(clause, copied(held))
        if stage.keys:
            query.set("group", exp.Group(expressions=[copied(key) for key in stage.keys]))
        return query

    def _over_groups(self, value: exp.Expr, stage: Stage, calls: list[_Call]) -> exp.Expr:
        """A value of a stage with columns of `_groups` in the place of its aggregates and keys."""

        def replaced(node: exp.Expr) -> exp.Expr:
            for each in calls:
                if node == each.written:
                    return column_node("g", each.named("f"))
            for name, key in zip(stage.key_names, stage.keys, strict=True):
                if _is_same(node, key, stage.block):
                    return column_node("g", name)
            return node

        return copied(value).transform(replaced, copy=False)

    # The second half: from its aggregates to what it reads

    def _of_leaf(
        self, stage: Stage, changing: list[_Call], aggregates: exp.Select, leaf: Leaf
    ) -> exp.Select:
        """A row for each row of a relation, or for all that are alike: its columns, its slopes."""
        slopes = self._variables if leaf.stage is None else list(leaf.stage.outputs)
        own = self._known_by if leaf.stage is None else leaf.stage.key_names
        rows = self._rows(stage, changing, leaf, own, slopes)
        items = [
            named(column_node("r", f"own {name}"), f"own {name}" if leaf.stage is None else name)
            for name in own
        ]
        for slope in slopes:
            parts = [
                _times(
                    _times(column_node("p", each.named("c")), _weight(each)),
                    column_node("r", f"{each.named('d')} {slope}"),
                )
                for each in changing
            ]
            items.append(named(_total(_sum(parts)), f"d {slope}"))
        query = exp.select(*items, copy=False).from_(subquery(rows, "r"), copy=False)
        pairs = [(name, column_node("r", name)) for name in stage.key_names]
        joined(query, aggregates, "p", pairs)
        grouped = [column_node("r", f"own {name}") for name in own]
        return query.group_by(*grouped, copy=False) if grouped else query

    def _rows(
        self, stage: Stage, changing: list[_Call], leaf: Leaf, own: list[str], slopes: list[str]
    ) -> exp.Select:
        """The rows that a stage puts together, with the arguments of its aggregates."""
        keys = zip(stage.key_names, stage.keys, strict=True)
        items = [named(copied(key), name) for name, key in keys]
        items += [named(copied(leaf.columns[name]), f"own {name}") for name in own]
        for each in changing:
            items.append(named(_double(each.argument), each.named("e")))
            items += [
                named(_grad(each.argument, leaf.columns[slope]), f"{each.named('d')} {slope}")
                for slope in slopes
            ]
        query = over_rows(stage.block, items)
        extremes = [each for each in changing if is_extreme(each.call)]
        return _with_winners(query, extremes, stage.key_names) if extremes else query


def _bare_sums(stage: Stage, changing: list[_Call]) -> dict[str, str]:
    """The values of a stage that are sums and nothing else, each with the column of its cotangent.

    Empty unless all are, and each another: then no slope asks what the sums are, and the groups
    need not be made once more.
    """
    found = {}
    for name, value in stage.outputs.items():
        for each in changing:
            if value.unnest() == each.written and each.call.name.lower() == "sum":
                found[name] = each.named("c")
    alone = len(found) == len(stage.outputs) == len(changing) == len(set(found.values()))
    return found if alone else {}


def _with_winners(rows: exp.Select, extremes: list[_Call], keys: list[str]) -> exp.Select:
    """The rows with `"w 1"`, the extreme of their group, and `"t 1"`, how many rows have it."""

    def over(name: str, argument: exp.Expr) -> exp.Expr:
        call = exp.Anonymous(this=name, expressions=[argument])
        parts = [column_node("r", key) for key in keys]
        return exp.Window(this=call, partition_by=parts, over="OVER")

    found = exp.select(exp.Star(), copy=False).from_(subquery(rows, "r"), copy=False)
    for each in extremes:
        greatest = over(each.call.name.lower(), column_node("r", each.named("e")))
        found.append("expressions", named(greatest, each.named("w")))
    counted = exp.select(exp.Star(), copy=False).from_(subquery(found, "r"), copy=False)
    for each in extremes:
        wins = exp.EQ(
            this=column_node("r", each.named("e")), expression=column_node("r", each.named("w"))
        )
        one = exp.Case(ifs=[exp.If(this=wins, true=exp.Literal.number("1.0"))])
        counted.append("expressions", named(over("sum", one), each.named("t")))
    return counted


def _weight(each: _Call) -> exp.Expr:
    def told(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            relation = "r" if node.name in "ewt" else "p"
            return column_node(relation, each.named(node.name))
        return node

    return weight_of(each.call).transform(told, copy=False)


def _group_columns(changing: list[_Call]) -> list[str]:
    return [each.named(letter) for each in changing for letter in ("f", *each.asked)]


def _is_same(node: exp.Expr, key: exp.Expr, block: Block) -> bool:
    if isinstance(node, exp.Column) and isinstance(key, exp.Column):
        return resolve(block, node) == resolve(block, key)
    return node == key


def _grad(function: exp.Expr, column: exp.Expr) -> exp.Expr:
    return Marker(kind="grad", expressions=[copied(function), copied(column)])


def _double(tree: exp.Expr) -> exp.Expr:
    return exp.cast(copied(tree), exp.DType.DOUBLE)


def _times(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    for factor, other in ((left, right), (right, left)):
        if isinstance(factor, exp.Literal) and factor.name == "1.0":
            return other
    return exp.Mul(this=exp.paren(left, copy=False), expression=exp.paren(right, copy=False))


def _sum(parts: list[exp.Expr]) -> exp.Expr:
    if len(parts) < 2:
        return present(parts[0]) if parts else _ZERO.copy()
    return exp.Add(this=present(parts[0]), expression=_sum(parts[1:]))


def _total(tree: exp.Expr) -> exp.Expr:
    return present(exp.Anonymous(this="sum", expressions=[tree]))
