"""grad(f, w.v), where `f` is a query of WITH with one row and one column: relational reverse mode.

The value in each row of `w` is how much the number that `f` gives changes with `v` in that very
row. It becomes a column of `w`: the table is joined with what its rows count in `f` (`cotangents`).
Rows that are alike in all that `f` reads of them have the same gradient, because a query does not
tell such rows apart; so they are known by those columns, and share what they count together.
Source: the cotangent of each operator is that of reverse mode over arrays, where a join gathers, a
GROUP BY scatters and broadcasts back (Griewank and Walther, Evaluating Derivatives, chapter 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.autodiff.relational.joins import join_other_rows
from gateway.autodiff.relational.layers import Keep, Layers
from gateway.autodiff.relational.losses import Loss, with_query
from gateway.autodiff.relational.queries import added_up, joined, named, present, root_of, subquery
from gateway.autodiff.relational.stages import HiddenReading
from gateway.autodiff.relational.unions import join_unions
from gateway.autodiff.statements.arguments import USAGE, arguments_of, column_of
from gateway.autodiff.statements.grouping import has_one_row
from gateway.autodiff.statements.relations import PULLED_BACK, second_derivative
from gateway.errors import (
    FeatureNotSupported,
    InvalidColumnReference,
    NotDifferentiable,
    UndefinedColumn,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.relation import Relations
from gateway.sql.meaning.scope import (
    Analysis,
    Block,
    Source,
    column_node,
    is_one_row,
    position_of,
    resolve,
    table_node,
)
from gateway.sql.meaning.updatable import IDENTIFIED
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of


@dataclass(eq=False)
class _Wanted:
    """The gradients of one query by columns of one relation in FROM; `number` sets it apart."""

    cte: exp.CTE
    source: Source
    number: int
    markers: list[tuple[Marker, str]] = field(default_factory=list)
    value: exp.Select | None = None  # reads what the query gave, where that was kept

    @property
    def variables(self) -> list[str]:
        """The columns that it is differentiated by."""
        return sorted({name for _, name in self.markers})

    @property
    def place(self) -> Marker:
        """Where it was asked for first."""
        return self.markers[0][0]

    @property
    def alias(self) -> str:
        """What the relation of its gradients is called."""
        return f"g {self.number}"

    def named(self, variable: str) -> str:
        """What the column of a gradient is called."""
        return f"∂{self.cte.alias}/∂{variable} {self.number}"


def pull_back(
    tree: exp.Expr, analysis: Analysis, relations: Relations, keep: Keep | None = None
) -> bool:
    """Put a column in the place of every marker that names a query of WITH; whether there was one.

    Args:
        tree: A query, changed in place.
        analysis: Its blocks.
        relations: Every table that it names, and those of `keep`.
        keep: Has the rows of a query at hand under a name, where the statement allows for it.

    Raises:
        NotDifferentiable: 0A000, what changes with the variable is put together in a way that has
            no rule.
        InvalidColumnReference: 42P10, the query has several rows or columns, or the variable is no
            column of a table in FROM.
    """
    wanted: dict[tuple[int, int], _Wanted] = {}
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        cte = None if block is None else _query_named(marker, block)
        if block is not None and cte is not None:
            source, name = _variable(marker, analysis, block)
            each = _Wanted(cte, source, len(wanted) + 1)
            wanted.setdefault((id(cte), id(source)), each).markers.append((marker, name))
    made = [(each, _Pullback(each, relations, keep).gradients()) for each in wanted.values()]
    for source in {id(each.source): each.source for each in wanted.values()}.values():
        _stand_in(source, [(each, rows) for each, rows in made if each.source is source])
    for each in wanted.values():
        _put_columns(each)
    return bool(wanted)


def unnamed(tree: exp.Expr, analysis: Analysis) -> Iterator[tuple[Marker, str]]:
    """The markers of a name that is neither a column nor a query of WITH, and that name."""
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        name = None if block is None else _name(marker, block)
        if name is not None and with_query(marker, name) is None:
            yield marker, name


def _query_named(marker: Marker, block: Block) -> exp.CTE | None:
    """The query of WITH that a marker's first argument names, where it names no column."""
    name = _name(marker, block)
    return None if name is None else with_query(marker, name)


def _name(marker: Marker, block: Block) -> str | None:
    """A marker's first argument where that is a name, but of no column."""
    function = marker.expressions[0] if marker.expressions else None
    if not isinstance(function, exp.Column) or function.table:
        return None
    try:
        resolve(block, function)
    except UndefinedColumn:
        return function.name
    return None


def _variable(marker: Marker, analysis: Analysis, block: Block) -> tuple[Source, str]:
    if marker.kind == "jvp":
        raise FeatureNotSupported(
            "jvp of a query is not supported",
            hint="Write sum(grad(query, column) * tangent) over the table of the column.",
            position=position_of(marker),
        )
    _, column, *_ = arguments_of(marker)
    found = column_of(marker, column, analysis, block)
    named, alias = found.source.tree, found.source.tree.args.get("alias")
    plain = isinstance(named, exp.Table) and not (alias is not None and alias.columns)
    if found.source not in block.sources or not plain or not found.source.columns:
        raise InvalidColumnReference(
            f"the gradient of a query is by a column of a table in FROM, which {column.sql()} "
            "is not",
            hint="Name the table itself in FROM, without a list of columns.",
            position=position_of(column),
        )
    return found.source, found.name


def _put_columns(wanted: _Wanted) -> None:
    """Let every marker be the column that holds its value."""
    for marker, name in wanted.markers:
        column: exp.Expr = column_node(wanted.source.alias, wanted.named(name))
        if marker.kind == "vjp":
            column = exp.Mul(this=column, expression=exp.paren(marker.expressions[2]))
        column.meta.update(marker.meta)
        marker.replace(column)


def _stand_in(source: Source, made: list[tuple[_Wanted, exp.Select]]) -> None:
    """Put the table with its gradients in the place of the table."""
    table = source.tree
    names = [*(source.columns or ()), *filter(None, [table.meta_get(IDENTIFIED)])]
    query = exp.select(*(_named_column("w", name) for name in names), copy=False)
    query = query.from_(_renamed(table, "w"), copy=False)
    for wanted, rows in made:
        query.expressions.extend(_guarded(wanted))
        same = (
            exp.NullSafeEQ(
                this=column_node("w", name.removeprefix("own ")),
                expression=column_node(wanted.alias, name),
            )
            for name in rows.named_selects
            if name.startswith("own ")
        )
        on = exp.and_(*same, copy=False)
        query.append("joins", exp.Join(this=subquery(rows, wanted.alias), side="LEFT", on=on))
    made_of = subquery(query, source.alias)
    made_of.set("joins", table.args.get("joins"))
    table.replace(made_of)


def _guarded(wanted: _Wanted) -> Iterator[exp.Expr]:
    """The gradients: 0 in rows that count for nothing, NULL where the query gives NULL."""
    for name in wanted.variables:
        query = exp.to_identifier(wanted.cte.alias, quoted=True)
        by_name = exp.select(exp.Star(), copy=False).from_(query, copy=False)
        value = exp.Subquery(this=copied(wanted.value or by_name))
        there = exp.Not(this=exp.Is(this=value, expression=exp.null()))
        slope = present(column_node(wanted.alias, f"d {name}"))
        yield named(exp.Case(ifs=[exp.If(this=there, true=slope)]), wanted.named(name))


class _Pullback:
    """Finds the gradients of one query by columns of a table.

    Args:
        wanted: What is asked for.
        relations: Every table that the statement names.
        keep: Has the rows of a query at hand under a name; None: each is made where it is read.
    """

    def __init__(self, wanted: _Wanted, relations: Relations, keep: Keep | None) -> None:
        self._wanted, self._relations = wanted, relations
        tree = wanted.source.tree
        assert isinstance(tree, exp.Table)
        self._table = TableName(tree.db, tree.name)
        self._loss = Loss(wanted.cte, wanted.source.cte or self._table, wanted.place)
        # What is run first has no values of parameters.
        open_ = any(nodes_of(each, exp.Parameter) for each in self._loss.reached())
        self._keep = None if open_ else keep
        self._layers = Layers(self._table, wanted.variables, self._kept, self._open)

    def gradients(self) -> exp.Select:
        """What the rows of the table count: a row for all that are alike in what is read of them.

        Its columns are those that are read, `"own k"` for `k`, and `"d v"` for a variable `v`.
        """
        try:
            query = self._loss.opened(self._lay)
            if not isinstance(query, exp.Select):
                raise self._not_a_number()
            self._as_aggregate(query)
            if self._layers:
                self._wanted.value = self._kept_value(query)
            found, read = self._layers.gradients(query)
        except HiddenReading:
            raise self._refused(
                "cannot be followed to",
                "It reads the table in a subquery of an expression, or behind DISTINCT, LIMIT, a "
                "set operation or LATERAL.",
            ) from None
        if not found:
            raise self._refused("does not depend on", "It reads other tables or other columns.")
        rows = self._shared(found, read)
        rows.meta[PULLED_BACK] = self._wanted.cte.alias
        return rows

    def _lay(self, tree: exp.Expr) -> exp.Expr:
        return tree if self._keep is None else self._layers.lay(tree)

    def _kept_value(self, query: exp.Select) -> exp.Select:
        table = table_node(self._layers.keep_value(query))
        column = column_node(table.name, "∂value")
        return exp.select(column, copy=False).from_(table, copy=False)

    def _kept(self, query: exp.Select) -> TableName:
        """The name of a query's rows; the WITH queries that it names go with it."""
        assert self._keep is not None
        query.set("with_", self._loss.context())
        return self._keep(query)

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
        while join_unions(analysis, self._layers.reads_changing) or join_other_rows(analysis):
            analysis = self._analysed(query)
        return analysis

    def _analysed(self, query: exp.Select) -> Analysis:
        query.set("with_", self._loss.context())
        analysis = analyse(query, self._relations)
        query.set("with_", None)
        return analysis

    def _shared(self, found: list[exp.Select], read: list[str]) -> exp.Select:
        """The sums of all queries, shared among the rows that are alike."""
        own, slopes = ([f"{kind} {n}" for n in names] for kind, names in
                       (("own", read), ("d", self._wanted.variables)))  # fmt: skip
        count = exp.Anonymous(this="count", expressions=[exp.Star()])
        items = [named(column_node("w", n), f"own {n}") for n in read]
        counts = exp.select(*items, named(count, "rows"), copy=False)
        counts = counts.from_(_renamed(self._wanted.source.tree, "w"), copy=False)
        counts = counts.group_by(*(column_node("w", name) for name in read), copy=False)
        sums = added_up(found, [(name, name) for name in own], slopes)
        items = [_named_column("s", name) for name in own]
        for name in slopes:
            each_row = exp.Div(this=column_node("s", name), expression=column_node("c", "rows"))
            items.append(named(each_row, name))
        query = exp.select(*items, copy=False).from_(subquery(sums, "s"), copy=False)
        joined(query, counts, "c", [(name, column_node("s", name)) for name in own])
        return query

    def _refuse_second(self, query: exp.Select, analysis: Analysis) -> None:
        for marker in nodes_of(query, Marker):
            block = analysis.block_of(marker)
            name = None if block is None else _name(marker, block)
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


def _draws(tree: exp.Expr) -> str:
    """What in a query may give other rows when it is read once more."""
    if (call := volatile_call(tree)) is not None:
        return f"{call_name(call)}()"
    limited = any(
        query.args.get("limit") is not None and query.args.get("order") is None
        for query in nodes_of(tree, exp.Query)
    )
    return "LIMIT without ORDER BY" if limited else ""


def _named_column(relation: str, name: str) -> exp.Expr:
    return named(column_node(relation, name), name)


def _renamed(table: exp.Expr, alias: str) -> exp.Table:
    """The table in FROM under another name, without the joins that may stand after it."""
    found = copied(table)
    assert isinstance(found, exp.Table)
    found.set("joins", None)
    found.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return found
