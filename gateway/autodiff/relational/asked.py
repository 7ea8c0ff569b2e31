"""The markers that name a query, grad(f, w.v), and the columns that come into their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.autodiff.relational.companions import companion, companions_of, reached
from gateway.autodiff.relational.losses import Loss, Own, with_query
from gateway.autodiff.relational.queries import named, present
from gateway.autodiff.statements.arguments import arguments_of, column_of
from gateway.errors import (
    FeatureNotSupported,
    InvalidColumnReference,
    NotDifferentiable,
    UndefinedColumn,
)
from gateway.sources.table import TableName
from gateway.sql.names.scope import Analysis, Block, Source, column_node, position_of, resolve
from gateway.sql.names.updatable import IDENTIFIED
from gateway.sql.text.building import subquery
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of

# On a table with its gradients beside it: the table, or the query of WITH, that it is.
STANDS_FOR = "stands for"


@dataclass(eq=False)
class Wanted:
    """The gradients of one query by columns of one relation in FROM; `number` sets it apart."""

    cte: exp.CTE
    source: Source
    number: int
    markers: list[tuple[Marker, str]] = field(default_factory=list)
    value: exp.Select | None = None  # reads what the query gave, where that was kept
    is_nested: bool = False  # another query, which is differentiated too, reads them

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

    @property
    def table(self) -> TableName:
        """The relation."""
        tree = self.source.tree
        assert isinstance(tree, exp.Table)
        return TableName(tree.db, tree.name)

    @property
    def own(self) -> Own:
        """The relation, or the query of WITH that it is."""
        return self.source.cte or self.table

    @property
    def loss(self) -> Loss:
        """The query, to be laid open."""
        return Loss(self.cte, self.own, self.place)


def asked_for(tree: exp.Expr, analysis: Analysis) -> list[Wanted]:
    """The gradients that are asked for in a query and are made before all others.

    Those are the gradients of queries that ask for none themselves; while another query that is
    differentiated reads some of them, these alone.

    Raises:
        InvalidColumnReference: 42P10, the variable is no column of a table in FROM.
        FeatureNotSupported: 0A000, jvp.
    """
    wanted: dict[tuple[int, int], Wanted] = {}
    waiting: dict[
        int, list[exp.Expr]
    ] = {}  # what is differentiated later: where, and what it reads
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        if block is None:
            continue
        cte = query_named(marker, block)
        if companion(marker, block) is not None:
            waiting[id(marker)] = [
                block.select if cte is None or marker.kind == "jvp" else cte.this
            ]
        elif cte is not None:
            source, name = variable_of(marker, analysis, block)
            each = Wanted(cte, source, len(wanted) + 1)
            wanted.setdefault((id(cte), id(source)), each).markers.append((marker, name))
    owner = {id(marker): each for each in wanted.values() for marker, _ in each.markers}
    plain = []
    later = [list(reached(trees)) for trees in waiting.values()]
    for queries in (*later, *(each.loss.reached() for each in wanted.values())):
        for marker in (m for query in queries for m in nodes_of(query, Marker)):
            if id(marker) in owner:
                owner[id(marker)].is_nested = True
    for each in wanted.values():
        inside = [id(m) for query in each.loss.reached() for m in nodes_of(query, Marker)]
        if not any(number in owner or number in waiting for number in inside):
            plain.append(each)
    return [each for each in plain if each.is_nested] or plain


def refuse_waiting(tree: exp.Expr, analysis: Analysis) -> None:
    """Refuse the markers of a query that `asked_for` never gives.

    Raises:
        NotDifferentiable: 0A000, the query has a jvp along a relation in it.
    """
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        cte = None if block is None else query_named(marker, block)
        if cte is not None:
            raise NotDifferentiable(
                f'the gradient of the query "{cte.alias}" cannot follow jvp along a relation',
                hint="Take jvp of the gradient: it gives the same numbers in each row.",
                position=position_of(marker),
            )


def unnamed(tree: exp.Expr, analysis: Analysis) -> Iterator[tuple[Marker, str, bool]]:
    """The markers of a name that is neither a column nor a query of WITH, and that name.

    And whether it may be that of a table: it is that of tangents or cotangents.
    """
    for marker in nodes_of(tree, Marker):
        block = analysis.block_of(marker)
        name = None if block is None else name_of(marker, block)
        if name is not None and with_query(marker, name) is None:
            yield marker, name, False
        for other in [] if block is None else companions_of(marker, block):
            if with_query(marker, other) is None:
                yield marker, other, True


def query_named(marker: Marker, block: Block) -> exp.CTE | None:
    """The query of WITH that a marker's first argument names, where it names no column."""
    name = name_of(marker, block)
    return None if name is None else with_query(marker, name)


def name_of(marker: Marker, block: Block) -> str | None:
    """A marker's first argument where that is a name, but of no column."""
    function = marker.expressions[0] if marker.expressions else None
    if not isinstance(function, exp.Column) or function.table:
        return None
    try:
        resolve(block, function)
    except UndefinedColumn:
        return function.name
    return None


def variable_of(marker: Marker, analysis: Analysis, block: Block) -> tuple[Source, str]:
    """The relation and the column by which a query is differentiated.

    Raises:
        As `asked_for` does.
    """
    if marker.kind == "jvp":
        raise FeatureNotSupported(
            "jvp of a query is not supported",
            hint="Select its column: SELECT jvp(value, table.column, tangents) FROM query.",
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


def put_columns(wanted: Wanted) -> None:
    """Let every marker be the column that holds its value."""
    for marker, name in wanted.markers:
        column: exp.Expr = column_node(wanted.source.alias, wanted.named(name))
        if marker.kind == "vjp":
            column = exp.Mul(this=column, expression=exp.paren(marker.expressions[2]))
        column.meta.update(marker.meta)
        marker.replace(column)


def stand_in(source: Source, made: Sequence[tuple[Wanted, exp.Select]]) -> None:
    """Put the table with its gradients in the place of the table."""
    table = source.tree
    names = [*(source.columns or ()), *filter(None, [table.meta_get(IDENTIFIED)])]
    query = exp.select(*(named_column("w", name) for name in names), copy=False)
    query = query.from_(renamed(table, "w"), copy=False)
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
    made_of.meta[STANDS_FOR] = made[0][0].own
    made_of.set("joins", table.args.get("joins"))
    table.replace(made_of)


def _guarded(wanted: Wanted) -> Iterator[exp.Expr]:
    """The gradients: 0 in rows that count for nothing, NULL where the query gives NULL."""
    for name in wanted.variables:
        query = exp.to_identifier(wanted.cte.alias, quoted=True)
        by_name = exp.select(exp.Star(), copy=False).from_(query, copy=False)
        value = exp.Subquery(this=copied(wanted.value or by_name))
        there = exp.Not(this=exp.Is(this=value, expression=exp.null()))
        slope = present(column_node(wanted.alias, f"d {name}"))
        yield named(exp.Case(ifs=[exp.If(this=there, true=slope)]), wanted.named(name))


def named_column(relation: str, name: str) -> exp.Expr:
    """A column of a relation as an item under its own name."""
    return named(column_node(relation, name), name)


def renamed(table: exp.Expr, alias: str) -> exp.Table:
    """The table in FROM under another name, without the joins that may stand after it."""
    found = copied(table)
    assert isinstance(found, exp.Table)
    found.set("joins", None)
    found.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return found
