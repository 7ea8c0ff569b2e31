"""grad(f, w.v), where `f` is a query of WITH with one row and one column: relational reverse mode.

The value in each row of `w` is how much the number that `f` gives changes with `v` in that very
row. It becomes a column of `w`: the table is joined with what its rows count in `f` (`cotangents`).
Rows are known by the table's primary key. Without one they are known by all that `f` reads of them:
rows that are alike in that have the same gradient, because a query does not tell such rows
apart, and share what they count together.
Source: the cotangent of each operator is that of reverse mode over arrays, where a join gathers, a
GROUP BY scatters and broadcasts back (Griewank and Walther, Evaluating Derivatives, chapter 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from gateway.autodiff.relational.asked import (
    Wanted,
    asked_for,
    name_of,
    named_column,
    put_columns,
    refuse_waiting,
    renamed,
    stand_in,
)
from gateway.autodiff.relational.joins import join_correlated, join_other_rows
from gateway.autodiff.relational.layers import Layers
from gateway.autodiff.relational.paired import pair_queries
from gateway.autodiff.relational.queries import (
    Keep,
    Unless,
    added_up,
    joined,
    named,
    root_of,
)
from gateway.autodiff.relational.stages import HiddenReading
from gateway.autodiff.relational.unions import join_unions, unite_sets
from gateway.autodiff.rules.graph import MOST_NODES
from gateway.autodiff.statements.arguments import USAGE
from gateway.autodiff.statements.grouping import has_one_row
from gateway.autodiff.statements.readings import second_derivative
from gateway.errors import (
    InvalidColumnReference,
    NotDifferentiable,
    StatementTooComplex,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import (
    Analysis,
    column_node,
    is_one_row,
    position_of,
    table_node,
)
from gateway.sql.text.building import subquery
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes, nodes_of
from gateway.sql.types.inference import PULLED_BACK

# The columns of a table's primary key; none where it has none.
KeyOf = Callable[[TableName], Sequence[str]]


def pull_back(
    tree: exp.Expr,
    analysis: Analysis,
    relations: Relations,
    key_of: KeyOf,
    keep: Keep | None = None,
    most_nodes: int = MOST_NODES,
) -> Analysis:
    """Put a column in the place of every marker that names a query of WITH; the blocks after it.

    Args:
        tree: A query, changed in place.
        analysis: Its blocks.
        relations: Every table that it names, and those of `keep`.
        key_of: What tells the rows of a table apart.
        keep: Has the rows of a query at hand under a name, where the statement allows for it.
        most_nodes: Of the query, where a gradient of a gradient is in it.

    Raises:
        NotDifferentiable: 0A000, what changes with the variable is put together in a way that has
            no rule.
        InvalidColumnReference: 42P10, the query has several rows or columns, or the variable is no
            column of a table in FROM.
        StatementTooComplex: 54001, a gradient of a gradient is past `most_nodes`.
    """
    nested = False
    while True:
        analysis = pair_queries(tree, analysis, relations)
        if not (wanted := asked_for(tree, analysis)):
            refuse_waiting(tree, analysis)
            break
        nested = nested or any(each.is_nested for each in wanted)
        made = [(each, _Pullback(each, relations, key_of, keep).gradients()) for each in wanted]
        for source in {id(each.source): each.source for each in wanted}.values():
            stand_in(source, [(each, rows) for each, rows in made if each.source is source])
        for each in wanted:
            put_columns(each)
        analysis = analyse(tree, relations)
    if nested and (parts := len(nodes(tree))) > most_nodes:
        raise StatementTooComplex(
            "the statement is too complex: the second derivative of a query has too many parts",
            detail=f"It has {parts}; statement_nodes is {most_nodes}.",
            hint="Write partitions (OVER) as groups that are joined: a group is computed once.",
        )
    return analysis


class _Pullback:
    """Finds the gradients of one query by columns of a table.

    Args:
        wanted: What is asked for.
        relations: Every table that the statement names.
        key_of: What tells the rows of a table apart.
        keep: Has the rows of a query at hand under a name; None: each is made where it is read.
    """

    def __init__(
        self, wanted: Wanted, relations: Relations, key_of: KeyOf, keep: Keep | None
    ) -> None:
        self._wanted, self._relations = wanted, relations
        self._table, self._loss = wanted.table, wanted.loss
        self._keep = keep
        self._key = [] if wanted.source.cte is not None else list(key_of(self._table))
        self._layers = Layers(self._table, wanted.variables, self._key, self._kept, self._open)

    def gradients(self) -> exp.Select:
        """What the rows of the table count: a row for each, or for all that are alike.

        Its columns are those that the rows are known by, `"own k"` for `k`, and `"d v"` for a
        variable `v`.
        """
        nested = self._wanted.is_nested
        if nested and (self._loss.holds_own() or not (self._key and self._keep)):
            raise second_derivative(self._wanted.cte.alias, position_of(self._wanted.place))
        try:
            query = self._loss.opened(self._lay)
            if not isinstance(query, exp.Select):
                raise self._not_a_number()
            self._as_aggregate(query)
            if self._layers or self._wanted.is_nested:
                self._wanted.value = self._kept_value(query)
            found, known_by = self._layers.gradients(query)
        except HiddenReading:
            raise self._refused(
                "cannot be followed to",
                "It reads the table in a subquery of an expression, or behind DISTINCT, LIMIT, a "
                "set operation or LATERAL.",
            ) from None
        if not found:
            raise self._refused("does not depend on", "It reads other tables or other columns.")
        rows = self._shared(found, known_by)
        rows.meta[PULLED_BACK] = self._wanted.cte.alias
        return rows

    def _lay(self, tree: exp.Expr) -> exp.Expr:
        _follow_gradients(tree)
        if self._keep is None or self._wanted.is_nested:
            return tree  # a row that is kept changes with nothing any more
        return self._layers.lay(tree)

    def _kept_value(self, query: exp.Select) -> exp.Select:
        if self._wanted.is_nested:
            value = copied(query)
            (item,) = value.expressions
            value.set("expressions", [named(item.unalias(), "∂value")])
            name = self._kept(value)
        else:
            name = self._layers.keep_value(query)
        table = table_node(name)
        column = column_node(table.name, "∂value")
        return exp.select(column, copy=False).from_(table, copy=False)

    def _kept(self, query: exp.Select, unless: Unless | None = None) -> TableName:
        """The name of a query's rows; the WITH queries that it names go with it."""
        assert self._keep is not None
        for each in [query] if unless is None else [query, unless.other]:
            each.set("with_", self._loss.context())
        return self._keep(query, unless)

    def _as_aggregate(self, query: exp.Select) -> None:
        """Let the query, one row and one column, be a SELECT with an aggregate."""
        root = root_of(self._open(query), query)
        single = all(has_one_row(source, root) for source in root.sources)
        plain = not root.is_wall and query.args.get("where") is None
        if len(query.expressions) != 1 or not (is_one_row(query) or (single and plain)):
            raise self._not_a_number()
        if not is_one_row(query):  # of one row everything is its own sum
            item = query.expressions[0]
            summed = exp.Anonymous(this="sum", expressions=[item.unalias()])
            query.set("expressions", [named(summed, item.alias_or_name)])

    def _open(self, query: exp.Select) -> Analysis:
        """The blocks of a query, in which what is taken from other rows is a join."""
        for each in (query, *(cte.this for cte in self._loss.named())):
            if changing := _draws(each):
                raise self._refused("cannot be followed to", f"{changing} draws anew each time.")
        analysis = self._analysed(query)
        self._refuse_second(query, analysis)
        reads = self._layers.reads_changing
        while (
            unite_sets(analysis, reads)
            or join_unions(analysis, reads)
            or join_other_rows(analysis, reads)
            or join_correlated(analysis, reads)
        ):
            analysis = self._analysed(query)
        return analysis

    def _analysed(self, query: exp.Select) -> Analysis:
        query.set("with_", self._loss.context())
        analysis = analyse(query, self._relations)
        query.set("with_", None)
        return analysis

    def _shared(self, found: list[exp.Select], known_by: list[str]) -> exp.Select:
        """The sums of all queries, shared among the rows that are alike; of a key none are."""
        own, slopes = ([f"{kind} {n}" for n in names] for kind, names in
                       (("own", known_by), ("d", self._wanted.variables)))  # fmt: skip
        sums = added_up(found, [(name, name) for name in own], slopes)
        if self._key:
            return sums
        count = exp.Anonymous(this="count", expressions=[exp.Star()])
        items = [named(column_node("w", n), f"own {n}") for n in known_by]
        counts = exp.select(*items, named(count, "rows"), copy=False)
        counts = counts.from_(renamed(self._wanted.source.tree, "w"), copy=False)
        counts = counts.group_by(*(column_node("w", name) for name in known_by), copy=False)
        items = [named_column("s", name) for name in own]
        for name in slopes:
            each_row = exp.Div(this=column_node("s", name), expression=column_node("c", "rows"))
            items.append(named(each_row, name))
        query = exp.select(*items, copy=False).from_(subquery(sums, "s"), copy=False)
        joined(query, counts, "c", [(name, column_node("s", name)) for name in own])
        return query

    def _refuse_second(self, query: exp.Select, analysis: Analysis) -> None:
        for marker in nodes_of(query, Marker):
            block = analysis.block_of(marker)
            name = None if block is None else name_of(marker, block)
            if name is not None:
                raise second_derivative(name, position_of(self._wanted.place))

    def _not_a_number(self) -> InvalidColumnReference:
        return InvalidColumnReference(
            f'"{self._wanted.cte.alias}" is no query of one row and one column',
            hint=f"Write {USAGE[self._wanted.place.kind]}; a loss is one number, such as "
            "SELECT avg(...) FROM ...",
            position=position_of(self._wanted.place),
        )

    def _refused(self, how: str, detail: str) -> NotDifferentiable:
        names = ", ".join(f'"{name}"' for name in self._wanted.variables)
        return NotDifferentiable(
            f'the query "{self._wanted.cte.alias}" {how} {names} of "{self._wanted.source.alias}"',
            detail=detail,
            position=position_of(self._wanted.place),
        )


def _follow_gradients(tree: exp.Expr) -> None:
    """Let the gradients that a loss reads be followed, row by row; a marker among them may not be.

    What a row counts is a row of another relation: to a marker it would be a constant.
    """
    for rows in [query for query in nodes_of(tree, exp.Select) if query.meta_get(PULLED_BACK)]:
        name = rows.meta.pop(PULLED_BACK)
        around = {id(rows.parent_select)}
        while (outer := rows.parent_select) is not None:
            around.add(id(outer))
            rows = outer
        for marker in nodes_of(tree, Marker):
            if id(marker.find_ancestor(exp.Select)) in around:
                raise second_derivative(name, position_of(marker))


def _draws(tree: exp.Expr) -> str:
    """What in a query may give other rows when it is read once more."""
    if (call := volatile_call(tree)) is not None:
        return f"{call_name(call)}()"
    limited = any(
        query.args.get("limit") is not None and query.args.get("order") is None
        for query in nodes_of(tree, exp.Query)
    )
    return "LIMIT without ORDER BY" if limited else ""
