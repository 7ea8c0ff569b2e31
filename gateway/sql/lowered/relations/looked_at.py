"""What a subquery looks at in the query around it, and its values as a relation: each once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GatewayError
from gateway.sql.lowered.relations.per_key import Keys
from gateway.sql.meaning.volatile import refuse_drawn
from gateway.sql.names.scope import Analysis, Block, Source, column_node, position_of, resolve
from gateway.sql.text.building import all_of, put
from gateway.sql.text.trees import conjuncts, nodes_of

Reference = tuple[exp.Column, Source, str]


def references(query: exp.Expr, analysis: Analysis) -> list[Reference]:
    """The columns in `query` that are of relations outside it."""
    within = {id(select) for select in nodes_of(query, exp.Select)}
    inner = {id(s) for b in analysis.blocks if id(b.select) in within for s in b.sources}
    found = []
    for column in nodes_of(query, exp.Column):
        block = analysis.block_of(column)
        if block is None or isinstance(column.this, exp.Star) or _names_output(column):
            continue
        try:
            source, name = resolve(block, column)
        except GatewayError:  # the engine reports it, in its turn
            continue
        if id(source) not in inner:
            found.append((column, source, name))
    return found


def _names_output(column: exp.Column) -> bool:
    """ORDER BY x, GROUP BY x: the output x if there is one."""
    select = column.parent_select
    if column.table or select is None or not isinstance(column.parent, exp.Ordered | exp.Group):
        return False
    return any(isinstance(i, exp.Alias) and i.alias == column.name for i in select.expressions)


def keys_of(
    block: Block, found: Sequence[Reference], place: int | None, name: str
) -> tuple[Keys, list[exp.Expr]]:
    """The values that are looked at, and the columns of `block` that have them.

    Args:
        block: The SELECT around the subquery.
        found: What the subquery looks at; written in the names of the keys afterwards.
        place: Among the joins of `block`, that of the subquery; None: it stands in an expression.
        name: What the relation of the keys is to be called.

    Raises:
        FeatureNotSupported: 0A000, something is looked at beyond `block`.
    """
    pairs: dict[tuple[str, str], exp.Expr] = {}
    for _, source, named in found:
        if source not in block.sources:
            raise FeatureNotSupported(
                "this form of correlated subquery is not supported",
                position=position_of(found[0][0]),
            )
        pairs.setdefault((source.alias, named), column_node(source.alias, named))
    items = [
        exp.alias_(each.copy(), f"{name}_{n}", quoted=True)
        for n, each in enumerate(pairs.values(), 1)
    ]
    select = exp.Select(expressions=items, distinct=exp.Distinct())
    _take_from(select, block, {source.alias: source for _, source, _ in found}, place)
    for column, source, named in found:
        number = list(pairs).index((source.alias, named)) + 1
        put(column, column_node(name, f"{name}_{number}"))
    return Keys(select, name, tuple(item.alias for item in items)), list(pairs.values())


def _take_from(
    select: exp.Select, block: Block, sources: dict[str, Source], place: int | None
) -> None:
    """Give the SELECT of the keys its FROM: the one relation, or all that stands before."""
    for source in sources.values():
        refuse_drawn(source)
    joins = block.select.args.get("joins") or []
    source, *others = sources.values()
    if not others and not _may_be_missing(source, joins):
        relation = source.tree.copy()
        relation.set("joins", None)
        select.set("from_", exp.From(this=relation))
        _take_where(select, block, source)
        return
    select.set("from_", block.select.args["from_"].copy())
    before = joins if place is None else joins[:place]
    if before:
        select.set("joins", [join.copy() for join in before])


def _may_be_missing(source: Source, joins: Sequence[exp.Join]) -> bool:
    """Whether an outer join may put NULL in the place of its rows: a key that none of them has."""
    within = {id(source.tree)}
    node = source.tree
    while node.parent is not None and not isinstance(node.parent, exp.Select):
        node = node.parent
        within.add(id(node))
    return any(
        join.side in ("RIGHT", "FULL") or (join.side and id(join.this) in within) for join in joins
    )


def _take_where(select: exp.Select, block: Block, source: Source) -> None:
    """Leave out the keys of rows that WHERE leaves out, where it says so of that relation alone."""
    where = block.select.args.get("where")
    if where is None:
        return
    kept = [each for each in conjuncts(where.this) if _is_about(each, block, source)]
    if kept:
        select.set("where", exp.Where(this=all_of([exp.paren(each) for each in kept]).copy()))


def _is_about(condition: exp.Expr, block: Block, source: Source) -> bool:
    if condition.find(exp.Query) is not None:
        return False
    try:
        return all(
            resolve(block, each)[0] is source for each in nodes_of(condition, exp.Column)
        )  # fmt: skip
    except GatewayError:
        return False


def merged_pairs(join: exp.Join, block: Block) -> list[exp.Expr]:
    """The equalities that USING of a join stands for.

    A merged name means the first relation on the left that has it, as the engine takes it; where it
    means another, analysis wrote ON.
    """
    alias = join.this.alias_or_name
    found: list[exp.Expr] = []
    for identifier in join.args.get("using") or ():
        for source in block.sources:
            if source.columns is None or identifier.name in source.columns:
                left = column_node(source.alias, identifier.name)
                found.append(exp.EQ(this=left, expression=column_node(alias, identifier.name)))
                break
    return found
