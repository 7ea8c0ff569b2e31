"""What each row that a loss reads counts in it, as queries: a reverse sweep over its stages.

A stage is given the **cotangents** of its values, one row for each of its groups, and gives those
of each relation that it reads. First those of its aggregates: the cotangents of its values times
their slopes by the aggregates (`_of_aggregates`). Then, row by row of what it reads, those times
the weight of the row and the slope of the aggregate's argument, added up for each row of the
relation (`_of_leaf`). Slopes are written as grad(...), for the chain rule to follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.factored import factored
from gateway.autodiff.relational.queries import (
    Keep,
    Unless,
    added,
    double,
    grad,
    joined,
    named,
    over_rows,
    times,
    total,
    united,
)
from gateway.autodiff.relational.stages import Leaf, Stage, Staging
from gateway.autodiff.relational.weights import (
    ROW_LETTERS,
    Call,
    Weights,
    calls_in,
    is_count,
    is_extreme,
    weights_of,
)
from gateway.sources.table import TableName
from gateway.sql.names.scope import Block, column_node, resolve, table_node
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import copied


@dataclass(frozen=True, eq=False)
class Kept:
    """The groups of a stage where their rows are kept.

    Args:
        table: The rows.
        keys: What the keys are called there, in their order.
        columns: What the aggregates and what their weights ask are called there, by letter and
            aggregate as it is written.
        with_given: Whether the cotangents of its values stand beside them, as `"d v"`.
    """

    table: TableName
    keys: tuple[str, ...]
    columns: Mapping[tuple[str, exp.Expr], str]
    with_given: bool = False


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the variable's table.

    Args:
        known_by: The columns of it that tell its rows apart.
        is_key: Whether no two rows are alike in those.
        carried: Columns that are given with them where each is a row of its own.
    """

    known_by: Sequence[str]
    is_key: bool
    carried: Sequence[str] = ()


class Sweep:
    """The cotangents of the variable's table.

    Args:
        staging: What changes with the variables.
        variables: The columns of its table.
        rows: What its rows are known by.
        unsized: A table without rows whose size the engine does not know. The engine holds the
            rows of a join for few, and would gather them in a hash table and look up the groups;
            beside a table of unknown size it takes the two as they are written.
        keep: Has the rows of a query at hand, where the loss has layers.
    """

    def __init__(
        self,
        staging: Staging,
        variables: Iterable[str],
        rows: Rows,
        unsized: TableName | None = None,
        keep: Keep | None = None,
    ) -> None:
        self._staging, self._variables = staging, list(variables)
        self._own, self._unsized, self._keep = rows, unsized, keep
        self.found: list[exp.Select] = []

    def sweep(
        self, stage: Stage, given: exp.Select | None = None, kept: Kept | None = None
    ) -> list[exp.Select]:
        """A query for each time that the loss names the table.

        Each has the columns that its rows are known by, `"own k"` for `k`, and `"d v"` for a
        variable `v`, the sum of the cotangents of rows that are alike in those.

        Args:
            given: The cotangents of the stage's values under their names, by its keys; without
                them it has one value and 1 is its cotangent.
            kept: The groups of the stage, where they need not be made once more.
        """
        calls = list(calls_in(stage.outputs.values()))
        changing = self._changing(stage, calls)
        aggregates = self._of_aggregates(stage, calls, changing, given, kept)
        for leaf in stage.leaves:
            if leaf.stage is not None and not leaf.stage.outputs:
                continue  # it gives keys alone
            found = self._of_leaf(stage, changing, aggregates, leaf)
            if leaf.stage is None:
                self.found.append(found)
            else:
                self.sweep(leaf.stage, found)
        return self.found

    def _changing(self, stage: Stage, calls: list[Call]) -> list[Call]:
        return [
            each
            for each in calls
            if not is_count(each.call)
            and any(self._staging.changes(a, stage.block) for a in each.arguments)
        ]

    # The first half: from the values of a stage to its aggregates

    def _of_aggregates(
        self,
        stage: Stage,
        calls: list[Call],
        changing: list[Call],
        given: exp.Select | None,
        kept: Kept | None,
    ) -> exp.Select:
        """A row for each group: its keys, `"c 1"` and so on, and what the weights are made of."""
        if given is not None and (bare := _bare_sums(stage, changing)):
            items = [named(column_node("o", name), name) for name in stage.key_names]
            items += [named(column_node("o", f"d {name}"), each) for name, each in bare.items()]
            return exp.select(*items, copy=False).from_(subquery(given, "o"), copy=False)
        letters = [(each, "f") for each in calls]
        letters += [(each, letter) for each in changing for letter in each.asked]
        groups = _groups(stage, letters) if kept is None else _kept_groups(stage, letters, kept)
        beside = kept is not None and kept.with_given
        names = [*stage.key_names, *_group_columns(changing)]
        items = [named(column_node("g", name), name) for name in names]
        for each in changing:
            parts = [
                times(
                    _given(name, given, "g" if beside else "o"),
                    grad(made, column_node("g", each.named("f"))),
                )
                for name, value in stage.outputs.items()
                for made in [self._over_groups(value, stage, calls)]
                if made.find(exp.Column) is not None
            ]
            items.append(named(added(parts), each.named("c")))
        query = exp.select(*items, copy=False).from_(subquery(groups, "g"), copy=False)
        if given is not None and not beside:
            joined(query, given, "o", [(n, column_node("g", n)) for n in stage.key_names])
        return query

    def _over_groups(self, value: exp.Expr, stage: Stage, calls: list[Call]) -> exp.Expr:
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
        self, stage: Stage, changing: list[Call], aggregates: exp.Select, leaf: Leaf
    ) -> exp.Select:
        """A row for each row of a relation, or for all that are alike: its columns, its slopes."""
        slopes = self._variables if leaf.stage is None else list(leaf.stage.outputs)
        own = self._own.known_by if leaf.stage is None else leaf.stage.key_names
        shown = {name: f"own {name}" if leaf.stage is None else name for name in own}
        weights = {each: _weights(each) for each in changing}
        split = None if self._keep is None else factored(stage, changing, leaf, slopes)
        if split is None or self._keep is None:
            return self._joined(stage, weights, aggregates, leaf, shown, slopes)
        is_key = leaf.stage is not None or self._own.is_key
        if is_key and leaf.stage is None:
            shown |= {name: f"own {name}" for name in self._own.carried}
        summed = split.query(aggregates, weights, shown, slopes, is_key)
        if not split.inner:
            return summed
        plain = self._joined(stage, weights, copied(aggregates), leaf, shown, slopes)
        kept = table_node(self._keep(summed, Unless(self._keep(split.density()), plain)))
        items = [named(column_node(kept.name, name), name) for name in summed.named_selects]
        return exp.select(*items, copy=False).from_(kept, copy=False)

    def _joined(
        self,
        stage: Stage,
        weights: Weights,
        aggregates: exp.Select,
        leaf: Leaf,
        shown: dict[str, str],
        slopes: list[str],
    ) -> exp.Select:
        """The same by a join with all that the stage reads."""
        items = [named(column_node("r", f"own {name}"), known) for name, known in shown.items()]
        for slope in slopes:
            parts = [
                times(
                    times(column_node("p", each.named("c")), copied(weight)),
                    column_node("r", each.slope(place, slope)),
                )
                for each, made in weights.items()
                for place, weight in enumerate(made)
                if weight is not None
            ]
            items.append(named(total(added(parts)), f"d {slope}"))
        query = exp.select(*items, copy=False).from_(subquery(aggregates, "p"), copy=False)
        rows = self._rows(stage, weights, leaf, list(shown), slopes)
        joined(query, rows, "r", [(name, column_node("p", name)) for name in stage.key_names])
        grouped = [column_node("r", f"own {name}") for name in shown]
        return query.group_by(*grouped, copy=False) if grouped else query

    def _rows(
        self,
        stage: Stage,
        weights: Weights,
        leaf: Leaf,
        own: list[str],
        slopes: list[str],
    ) -> exp.Query:
        """The rows that a stage puts together, with the arguments of its aggregates."""
        keys = zip(stage.key_names, stage.keys, strict=True)
        items = [named(copied(key), name) for name, key in keys]
        items += [named(copied(leaf.columns[name]), f"own {name}") for name in own]
        for each, made in weights.items():
            for place, (letter, argument) in enumerate(zip("eo", each.arguments, strict=False)):
                items.append(named(double(argument), each.named(letter)))
                if made[place] is None:
                    continue
                items += [
                    named(grad(argument, leaf.columns[slope]), each.slope(place, slope))
                    for slope in slopes
                ]
        query: exp.Query = over_rows(stage.block, items)
        if self._unsized is not None and stage.keys:
            query = united([query, _nothing(self._unsized, len(items))])
        extremes = [each for each in weights if is_extreme(each.call)]
        return _with_winners(query, extremes, stage.key_names) if extremes else query


def _given(name: str, given: exp.Select | None, relation: str) -> exp.Expr:
    return exp.Literal.number("1.0") if given is None else column_node(relation, f"d {name}")


def _groups(stage: Stage, letters: list[tuple[Call, str]]) -> exp.Select:
    """The groups of a stage, with what is asked of them under names of their own."""
    keys = zip(stage.key_names, stage.keys, strict=True)
    items = [named(copied(key), name) for name, key in keys]
    items += [named(each.of_group(letter), each.named(letter)) for each, letter in letters]
    query = over_rows(stage.block, items)
    for clause in ("group", "having"):
        held = stage.block.select.args.get(clause)
        if held is not None:
            query.set(clause, copied(held))
    if stage.keys:
        query.set("group", exp.Group(expressions=[copied(key) for key in stage.keys]))
    return query


def _kept_groups(stage: Stage, letters: list[tuple[Call, str]], kept: Kept) -> exp.Select:
    """The same out of the rows that are kept."""
    items = [
        named(column_node("k", key), name)
        for name, key in zip(stage.key_names, kept.keys, strict=True)
    ]
    for each, letter in letters:
        column = kept.columns[letter, each.written]
        items.append(named(column_node("k", column), each.named(letter)))
    if kept.with_given:
        given = (f"d {name}" for name in stage.outputs)
        items += [named(column_node("k", name), name) for name in given]
    table = table_node(kept.table)
    table.set("alias", exp.TableAlias(this=exp.to_identifier("k", quoted=True)))
    return exp.select(*items, copy=False).from_(table, copy=False)


def _bare_sums(stage: Stage, changing: list[Call]) -> dict[str, str]:
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


def _nothing(unsized: TableName, columns: int) -> exp.Select:
    nulls = [named(exp.null(), f"∂{number}") for number in range(columns)]
    return exp.select(*nulls, copy=False).from_(table_node(unsized), copy=False)


def _with_winners(rows: exp.Query, extremes: list[Call], keys: list[str]) -> exp.Select:
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


def _weights(each: Call) -> list[exp.Expr | None]:
    def told(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return column_node("r" if node.name in ROW_LETTERS else "p", each.named(node.name))
        return node

    found = weights_of(each.call)
    return [None if w is None else w.transform(told, copy=False) for w in found]


def _group_columns(changing: list[Call]) -> list[str]:
    return [each.named(letter) for each in changing for letter in ("f", *each.asked)]


def _is_same(node: exp.Expr, key: exp.Expr, block: Block) -> bool:
    if isinstance(node, exp.Column) and isinstance(key, exp.Column):
        return resolve(block, node) == resolve(block, key)
    return node == key
