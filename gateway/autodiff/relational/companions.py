"""Relations of tangents or cotangents that a marker names: `d` in jvp(e, w.v, d), vjp(q, w.v, d).

A row of such a relation belongs to the rows of another that have the same values in the columns
that both have by name; its other columns hold the tangents, each under the name of its column.
Rows that it lacks, and NULLs, count for nothing; two rows for one are an error when it is run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlglot import exp

from gateway.autodiff.relational.losses import Own, named_by, with_query
from gateway.autodiff.relational.queries import double, named, present
from gateway.errors import FeatureNotSupported, GatewayError, UndefinedColumn
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Block, Source, column_node, position_of, resolve
from gateway.sql.text.building import table_alias
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of

ONCE = "one_of_each"  # the engine's function that refuses a second row
TABLE = "table"  # on a query of WITH that stands for a table: its TableName


def named_relation(argument: exp.Expr, block: Block) -> str | None:
    """What an argument of a marker says where it is a bare name of no column in sight."""
    if not isinstance(argument, exp.Column) or argument.table or argument.is_star:
        return None
    source = block.source(argument.name)
    if source is not None and not (isinstance(source.tree, exp.Table) and _is_itself(source)):
        return None  # it is a row of that
    try:
        resolve(block, argument)
    except UndefinedColumn:
        return argument.name
    except GatewayError:
        return None
    return None


def _is_itself(source: Source) -> bool:
    """Whether an item of FROM goes by the name of its table."""
    return source.tree.name == source.alias


def companions_of(marker: Marker, block: Block) -> list[str]:
    """The names among a marker's arguments, after its function, that are of no column."""
    if marker.kind == "grad":
        return []
    names = (named_relation(argument, block) for argument in marker.expressions[1:])
    return [name for name in names if name is not None]


def companion(marker: Marker, block: Block) -> exp.CTE | None:
    """The query of WITH that a marker's last argument names, where it names no column."""
    name = named_relation(marker.expressions[-1], block) if len(marker.expressions) > 2 else None
    return None if name is None or marker.kind == "grad" else with_query(marker, name)


class Probe:
    """A query of WITH beside a marker that reads relations, to see what columns they have.

    Args:
        tree: The statement.
        relations: Every table that it names.
        marker: In whose sight the query is put, as late as it can be.
        name: What the query is called.
        sources: What it reads, one relation or two.
    """

    def __init__(
        self,
        tree: exp.Expr,
        relations: Relations,
        marker: exp.Expr,
        name: str,
        sources: Sequence[Own],
    ) -> None:
        select = exp.select("1")
        for number, own in enumerate(sources):
            table = table_of(own)
            taken = [each.alias_or_name for each in select.find_all(exp.Table)]
            table.set("alias", table_alias(table.name + " 1" * (table.name in taken)))
            if number:
                select.append("joins", exp.Join(this=table, kind="CROSS"))
            else:
                select = select.from_(table, copy=False)
        self.cte = put_in_sight(tree, marker, named_query(name, select))
        self.analysis = analyse(tree, relations)
        self.block = next(b for b in self.analysis.blocks if b.select is select)

    @property
    def sources(self) -> list[Source]:
        """What it reads."""
        return self.block.sources

    def drop(self) -> None:
        """Take the query out again."""
        self.cte.pop()


def table_of(own: Own) -> exp.Table:
    """The relation as a name in FROM."""
    if isinstance(own, TableName):
        return exp.table_(own.name, db=own.schema, quoted=True)
    return exp.table_(own.alias, quoted=True)


def named_query(name: str, query: exp.Query) -> exp.CTE:
    """A query of WITH."""
    return exp.CTE(this=query, alias=table_alias(name))


def put_in_sight(tree: exp.Expr, place: exp.Expr, cte: exp.CTE) -> exp.CTE:
    """Put a query into the nearest WITH around `place`, after whatever `place` has in sight."""
    child, around = place, place.parent
    while around is not None:
        if isinstance(around, exp.With):
            at = next(n for n, each in enumerate(around.expressions) if each is child)
            members = around.expressions
            around.set("expressions", [*members[:at], cte, *members[at:]])
            return cte
        if (clause := around.args.get("with_")) is not None and child is not clause:
            clause.append("expressions", cte)
            return cte
        child, around = around, around.parent
    tree.set("with_", exp.With(expressions=[cte]))
    return cte


def refuse_hidden(place: exp.Expr, named_inside: exp.CTE, whose: str) -> None:
    """Refuse to name a query of WITH where its name means another.

    Raises:
        FeatureNotSupported: 0A000.
    """
    if with_query(place, named_inside.alias) is not named_inside:
        raise FeatureNotSupported(
            f'"{named_inside.alias}" means another WITH query here than in "{whose}"',
            hint="Give one of them another name.",
            position=position_of(place),
        )


def keys_of(
    source: Source, companion: Source, values: Collection[str], what: str, place: exp.Expr
) -> list[str]:
    """The columns by which rows of a relation are told, of those of its companion.

    Args:
        source: The relation.
        companion: It.
        values: Its columns that are no such keys.
        what: What its values are called.
        place: Where it was named.

    Raises:
        UndefinedColumn: 42703, it lacks a value, or has a column that the relation lacks.
    """
    assert companion.cte is not None and isinstance(source.tree, exp.Table)
    names, own = list(companion.columns or ()), set(source.columns or ())
    of = source.tree.name
    hint = f'Their columns are those that tell the rows of "{of}" apart, and the {what} under the '
    hint += "names of its own."
    for value in sorted(values):
        if value not in names:
            raise UndefinedColumn(
                f'the {what} "{companion.cte.alias}" have no column "{value}"',
                hint=hint,
                position=position_of(place),
            )
    for name in names:
        if name not in own:
            raise UndefinedColumn(
                f'column "{name}" of the {what} "{companion.cte.alias}" is none of "{of}"',
                hint=hint,
                position=position_of(place),
            )
    return [name for name in names if name not in values]


def once_each(companion: exp.CTE, keys: Sequence[str], values: Sequence[str]) -> exp.Select:
    """The rows of a companion, of which there may be one for each key."""
    name = companion.alias
    refusal = f'"{name}" has several rows for one' + (f" ({', '.join(keys)})" if keys else "")
    items = [named(column_node(name, key), key) for key in keys]
    for value in values:
        value_of = double(column_node(name, value))
        held = exp.Anonymous(
            this=ONCE,
            expressions=[
                exp.Anonymous(this="max", expressions=[value_of]),
                exp.Anonymous(this="count", expressions=[exp.Star()]),
                exp.Literal.string(refusal),
            ],
        )
        items.append(named(exp.cast(held, exp.DType.DOUBLE), value))
    query = exp.select(*items, copy=False).from_(table_of(companion), copy=False)
    grouped = [column_node(name, key) for key in keys]
    return query.group_by(*grouped, copy=False) if grouped else query


def joined_on(left: str, right: str, keys: Sequence[str]) -> exp.Expr:
    """That the keys of two relations are the same, NULL among them."""
    same = (
        exp.NullSafeEQ(this=column_node(left, key), expression=column_node(right, key))
        for key in keys
    )
    return exp.and_(*same, copy=False) if keys else exp.true()


def value_at(alias: str, name: str) -> exp.Expr:
    """A value of a companion that is joined; 0 where it has none."""
    return present(column_node(alias, name))


def reached(trees: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
    """Queries, and those of WITH that they name, each once."""
    seen: set[int] = set()
    left = list(trees)
    while left:
        tree = left.pop()
        if id(tree) not in seen:
            seen.add(id(tree))
            yield tree
            ctes = map(named_by, nodes_of(tree, exp.Table))
            left += [cte.this for cte in ctes if cte is not None]
