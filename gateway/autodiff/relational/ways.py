"""Along what a jvp is asked for: numbers of the row, or relations of tangents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.relational.asked import STANDS_FOR
from gateway.autodiff.relational.companions import TABLE, named_relation
from gateway.autodiff.relational.losses import Own, with_query
from gateway.autodiff.statements.arguments import USAGE
from gateway.errors import FeatureNotSupported, GatewayError, InvalidColumnReference
from gateway.sources.table import TableName
from gateway.sql.names.scope import Block, Source, position_of, resolve
from gateway.sql.text.dialect import DIALECT, Marker

# What a name of a table means; None where there is none.
Find = Callable[[str, str], TableName | None]


@dataclass(frozen=True, slots=True)
class Way:
    """Columns of a relation and the one whose rows are their tangents, or one number for all."""

    own: Own
    columns: tuple[str, ...]
    tangents: exp.CTE | exp.Expr


def ways_of(marker: Marker, block: Block, find: Find) -> list[Way]:
    """The relations along which a jvp is asked for; none where it is along numbers of a row.

    Raises:
        InvalidColumnReference: 42P10, one is not of columns of one table.
        FeatureNotSupported: 0A000, numbers of a row stand beside a relation.
    """
    if marker.kind != "jvp" or len(marker.expressions) < 3:
        return []
    arguments = marker.expressions[1:]
    tangents = [_tangents(marker, argument, block) for argument in arguments]
    if not any(tangents):
        if len(arguments) == 2 and (away := _elsewhere(marker, arguments[0], block, find)):
            return [Way(away, (arguments[0].name,), arguments[1])]
        return []
    found, columns = [], list[exp.Expr]()
    for argument, given in zip(arguments, tangents, strict=True):
        if given is None:
            columns.append(argument)
            continue
        owns = [_own(marker, column, block, find) for column in columns]
        if not owns or any(own != owns[0] for own in owns):
            raise _not_of_one_table(marker, argument)
        names = tuple(column.unnest().name for column in columns)
        found.append(Way(owns[0], names, given))
        columns = []
    if columns:
        raise FeatureNotSupported(
            "jvp takes either relations of tangents or numbers of the row",
            hint="Write each as a relation: the keys of the table, and the tangents.",
            position=position_of(columns[0]),
        )
    return found


def _tangents(marker: Marker, argument: exp.Expr, block: Block) -> exp.CTE | None:
    name = named_relation(argument, block)
    return None if name is None else with_query(marker, name)


def _own(marker: Marker, column: exp.Expr, block: Block, find: Find) -> Own:
    bare = column.unnest()
    if isinstance(bare, exp.Column) and not bare.is_star:
        if (own := _elsewhere(marker, bare, block, find)) is not None:
            return own
        source, _ = resolve(block, bare)
        if known := source.tree.meta_get(STANDS_FOR):
            assert isinstance(known, TableName | exp.CTE)
            return known
        tree, alias = source.tree, source.tree.args.get("alias")
        if isinstance(tree, exp.Table) and not (alias is not None and alias.columns):
            if source.alias != tree.name and _is_read_twice(source, block):
                raise _one_of_several(source, column)
            return source.cte or TableName(tree.db, tree.name)
    raise _not_of_one_table(marker, column)


def _elsewhere(marker: Marker, column: exp.Expr, block: Block, find: Find) -> Own | None:
    """The relation that a column names which is of none in FROM."""
    bare = column.unnest()
    if not isinstance(bare, exp.Column) or not bare.table:
        return None
    try:
        resolve(block, bare)
    except GatewayError:
        cte = None if bare.db else with_query(marker, bare.table)
        if any(source.alias == bare.table for source in block.sources):
            return None
        return find(bare.db, bare.table) if cte is None else cte.meta_get(TABLE) or cte
    return None


def _is_read_twice(source: Source, block: Block) -> bool:
    """Whether FROM names the relation of one of its items again."""
    tables = [s.tree for s in block.sources if s.cte is source.cte]
    named = [(tree.db, tree.name) for tree in tables if isinstance(tree, exp.Table)]
    own = next((tree for tree in tables if tree is source.tree), None)
    return isinstance(own, exp.Table) and named.count((own.db, own.name)) > 1


def _one_of_several(source: Source, place: exp.Expr) -> FeatureNotSupported:
    name = source.tree.name
    return FeatureNotSupported(
        f'jvp along a relation moves every reading of "{name}", not "{source.alias}" alone',
        hint=f"Write {name}.{place.name} for all of them, or join the tangents and write "
        "jvp(expression, column, tangent).",
        position=position_of(place),
    )


def _not_of_one_table(marker: Marker, argument: exp.Expr) -> InvalidColumnReference:
    return InvalidColumnReference(
        f"jvp along a relation is by columns of one table, which stand before "
        f"{argument.sql(dialect=DIALECT)}",
        hint=f"Write {USAGE['jvp']}, where the tangents may be a query of WITH or a table, with "
        "the keys of the column's table.",
        position=position_of(argument) or position_of(marker),
    )
