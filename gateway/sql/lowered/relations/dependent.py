"""Subqueries that look at the query around them, as joins with what they give for each value.

The engine runs few of them, and a LATERAL one with a window wrongly (it counts through the rows of
all of them). So what one looks at is collected, each value once; the subquery gives its rows for
each (`per_key`); and these are joined where it stood. What the engine does well is left to it:
an aggregate or EXISTS whose own WHERE compares with the outside. The queries of its WITH are put
where they are named first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GroupingError
from gateway.sql.lowered.relations.decisive_keys import groups_joined_groups
from gateway.sql.lowered.relations.for_engine import is_beneath, is_for_engine, loses_null
from gateway.sql.lowered.relations.group_keys import alike, has_sets, is_grouped_by, is_of_group
from gateway.sql.lowered.relations.looked_at import Reference, keys_of, merged_pairs, references
from gateway.sql.lowered.relations.per_key import (
    Keys,
    equal_keys,
    for_each,
    is_single,
    one_of_each,
)
from gateway.sql.lowered.relations.subqueries import array_of_query
from gateway.sql.lowered.values.quantified import (
    among_rows,
    compare_columns,
    is_beyond,
    is_quantified,
    outputs_of,
    query_of,
)
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import (
    Analysis,
    Block,
    column_node,
    is_aggregate,
    position_of,
)
from gateway.sql.text.building import all_of, subquery
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import is_comma, nodes_of, own_nodes
from gateway.sql.types.inference import GIVES, info_of
from gateway.types import array_of

_PLACE, _THERE, _ROWS = "in_place", "is_there", "its_rows"


# The queries to join among those that give values or rows, whatever the engine would do with them.
Asked = Callable[[exp.Expr], bool]


def join_dependent(
    analysis: Analysis, numbers: Iterator[object], asked: Asked | None = None
) -> bool:
    """Put the first such subquery of a statement, the outermost first, among the joins around it.

    Args:
        analysis: The statement's blocks.
        numbers: Those not yet in a name of a join.
        asked: None: those that the engine does not run.

    Returns:
        Whether there was one; then the blocks are to be found anew.

    Raises:
        FeatureNotSupported: 0A000, a form that cannot be written so.
    """
    here = (node for block in analysis.blocks for node in own_nodes(block.select))
    if any(isinstance(node, Marker) for node in here):
        return False  # a derivative is taken through what was written
    for block in reversed(analysis.blocks):
        if _join_lateral(block, analysis, numbers, asked):
            return True
        if _join_value(block, analysis, numbers, asked):
            return True
    return False


def _refuse_outer_aggregates(query: exp.Expr, found: Sequence[Reference]) -> None:
    for call in _outer_aggregates(query, found):
        raise FeatureNotSupported(
            f"{call.name} over columns of the query around it alone is not supported",
            position=position_of(call),
        )


def _outer_aggregates(query: exp.Expr, found: Sequence[Reference]) -> Iterator[exp.Anonymous]:
    """Aggregates over columns of the query around it alone, which are that query's."""
    outer = {id(column) for column, _, _ in found}
    for call in nodes_of(query, exp.Anonymous):
        held = call.parent if isinstance(call.parent, exp.Filter) else call
        columns = nodes_of(held, exp.Column) if is_aggregate(call) else []
        if columns and all(id(each) in outer for each in columns):
            yield call


# LATERAL


def _join_lateral(
    block: Block, analysis: Analysis, numbers: Iterator[object], asked: Asked | None
) -> bool:
    joins: list[exp.Join] = block.select.args.get("joins") or []
    for place, join in enumerate(joins):
        lateral = join.this
        if not isinstance(lateral, exp.Lateral) or not isinstance(lateral.this, exp.Subquery):
            continue
        alias = lateral.args["alias"].copy()
        query = lateral.this.this
        if asked is not None and not asked(query):
            continue
        found = references(query, analysis)
        if not found:
            lateral.replace(exp.Subquery(this=query.copy(), alias=alias))
            return True
        _refuse_aggregates_in_from(query, found)
        if put_in_place(query):
            return True
        name = f"values_{next(numbers)}"
        keys, given = keys_of(block, found, place, name)
        made = for_each(query, keys, analysis)
        if alias.columns:
            more = [exp.to_identifier(each, quoted=True) for each in keys.columns]
            alias.set("columns", [*alias.columns, *more])
        same = equal_keys([column_node(alias.name, each) for each in keys.columns], given)
        given_on = [exp.paren(on.copy())] if (on := join.args.get("on")) is not None else []
        join.set("on", all_of([same, *given_on, *merged_pairs(join, block)]))
        join.set("kind", None)
        join.set("using", None)
        lateral.replace(exp.Subquery(this=made.copy(), alias=alias))
        _cross_commas(block.select)
        return True
    return False


def _refuse_aggregates_in_from(query: exp.Expr, found: Sequence[Reference]) -> None:
    for call in _outer_aggregates(query, found):
        raise GroupingError(
            "aggregate functions are not allowed in FROM clause of their own query level",
            position=position_of(call),
        )


def _cross_commas(select: exp.Select) -> None:
    """`a, b JOIN c ON ...` would let the condition see b and c alone."""
    joins: list[exp.Join] = select.args["joins"]
    commas = [join for join in joins if is_comma(join)]
    if commas and any(join.side in ("RIGHT", "FULL") for join in joins):
        raise FeatureNotSupported(
            "a comma and RIGHT or FULL JOIN beside such a subquery is not supported",
            hint="Write CROSS JOIN and parentheses.",
        )
    for join in commas:
        join.set("kind", "CROSS")


# Subqueries in expressions


def _join_value(
    block: Block, analysis: Analysis, numbers: Iterator[object], asked: Asked | None
) -> bool:
    for node in own_nodes(block.select):
        query = query_of(node)
        if query is None or not (
            asked is None or (isinstance(node, exp.Subquery) and asked(query))
        ):
            continue
        compared = isinstance(node, exp.In) or is_quantified(node)
        if node.find_ancestor(exp.Join, exp.Select) is not block.select:
            if compared and is_beyond(node):
                raise FeatureNotSupported(
                    "a comparison with a subquery in JOIN ... ON is not supported",
                    hint="Write it in WHERE, or join the subquery.",
                    position=position_of(node),
                )
            continue
        if compare_columns(node, query):
            return True
        found = references(query, analysis)
        joined = compared and _is_joined(node, found, block)
        left = asked is None and _is_left(node, query, found, block)
        if not joined and (not found or left):
            continue
        if joined or not put_in_place(query):
            _rewrite(node, query, found, block, analysis, numbers)
        return True
    return False


def _rewrite(
    node: exp.Expr,
    query: exp.Expr,
    found: Sequence[Reference],
    block: Block,
    analysis: Analysis,
    numbers: Iterator[object],
) -> None:
    if isinstance(node, exp.In) or is_quantified(node):
        _replace_alike(node, among_rows(node, query), block)
    elif isinstance(node, exp.Anonymous):
        _replace_array(node, query, block)
    else:
        _refuse_outer_aggregates(query, found)
        _join(node, query, found, block, analysis, next(numbers))


def _is_joined(node: exp.Expr, found: Sequence[Reference], block: Block) -> bool:
    """Whether it is a comparison with a query that the engine does not run where it stands."""
    beyond = is_beyond(node) or is_beneath(node) or is_grouped_by(node, block)
    return beyond or loses_null(node, bool(found), block)


def _is_left(node: exp.Expr, query: exp.Expr, found: Sequence[Reference], block: Block) -> bool:
    """Whether the engine runs it where it stands, which it does not as a key in sets."""
    if has_sets(block) and is_grouped_by(node, block):
        return False
    if found and groups_joined_groups(block):  # its keys are to be hidden from the engine
        return False
    return is_for_engine(node, query, [column for column, _, _ in found])


def _replace_alike(node: exp.Expr, made: exp.Expr, block: Block) -> None:
    for each in alike(node, block):
        each.replace(made.copy())


def _replace_array(node: exp.Expr, query: exp.Expr, block: Block) -> None:
    made = array_of_query(query)
    inner = block.inner.get(id(query)) or block.inner.get(id(node.args["expressions"][0]))
    kind = info_of(inner.outputs[0]).type if inner is not None else None
    if kind is not None and (kind.array_oid or kind.element is not None):
        made.meta[GIVES] = array_of(kind)
    _replace_alike(node, made, block)


def _join(
    node: exp.Expr,
    query: exp.Expr,
    found: Sequence[Reference],
    block: Block,
    analysis: Analysis,
    number: object,
) -> None:
    """Join what the query gives for each key, and name its value where it stood."""
    places = [(each, is_of_group(each, block)) for each in alike(node, block)]
    keys, given = keys_of(block, found, None, f"values_{number}")
    alias = f"subquery_{number}"
    # A name of its own: the output's may be that of a column beside it.
    first = _THERE if isinstance(node, exp.Exists) else f"value_{number}"
    value: exp.Expr = column_node(alias, first)
    names = [first, *keys.columns]
    if isinstance(node, exp.Exists):
        made: exp.Expr = _existing(query, keys, analysis)
        value = exp.Is(this=value, expression=exp.true())
    else:
        (output,) = outputs_of(query)
        single = is_single(query)
        made = for_each(query, keys, analysis)
        if not single:
            made = one_of_each(made, output, keys)
            names.append(_ROWS)
            is_one = exp.Anonymous(this="is_one_row", expressions=[column_node(alias, _ROWS)])
            value = exp.Case(ifs=[exp.If(this=is_one, true=value)])
    same = equal_keys([column_node(alias, each) for each in keys.columns], given)
    join = exp.Join(this=subquery(made.copy(), alias, names), side="LEFT", on=same)
    for each, of_group in places:
        each.replace(exp.paren(_of_first_row(each, value, block) if of_group else value))
    block.select.append("joins", join)
    _cross_commas(block.select)


def _existing(query: exp.Expr, keys: Keys, analysis: Analysis) -> exp.Expr:
    """Each key for which the query gives a row."""
    if isinstance(query, exp.SetOperation) and query.args.get("offset") is None:
        limit = query.args.get("limit")
        count = limit.expression if isinstance(limit, exp.Limit) else None
        if count is not None and count.is_int and int(count.name) > 0:
            query.set("limit", None)  # where there is a row there is a first one
    made = for_each(query, keys, analysis)
    found = [column_node(_PLACE, name) for name in keys.columns]
    items = [exp.alias_(exp.true(), _THERE, quoted=True), *found]
    select = exp.Select(expressions=items, distinct=exp.Distinct())
    select.set("from_", exp.From(this=subquery(made, _PLACE)))
    return select


def _of_first_row(node: exp.Expr, value: exp.Expr, block: Block) -> exp.Expr:
    """The value in the first row of a group, whose rows all have the same."""
    if has_sets(block):
        raise FeatureNotSupported(
            "a subquery that looks at a column of grouping sets is not supported",
            hint="Group in a subquery in FROM, and look at its columns.",
            position=position_of(node),
        )
    return exp.Anonymous(this="first_value", expressions=[value])


def put_in_place(query: exp.Expr) -> bool:
    """Put the queries of its WITH where they are named, in place; whether it has any.

    Raises:
        FeatureNotSupported: 0A000, one is recursive, draws and is named twice, or hides another.
    """
    clause = query.args.get("with_")
    if clause is None:
        return False
    if clause.args.get("recursive"):
        raise _refused("WITH RECURSIVE", clause)
    names = [cte.alias for cte in clause.expressions]
    if any(cte.alias in names for cte in query.find_all(exp.CTE) if cte.parent is not clause):
        raise _refused("WITH of a name that another WITH has", clause)
    query.set("with_", None)
    ctes = list(clause.expressions)
    for number, cte in enumerate(ctes):
        later = [query, *(each.this for each in ctes[number + 1 :])]
        _put(cte, [table for tree in later for table in nodes_of(tree, exp.Table)])
    return True


def _put(cte: exp.CTE, tables: list[exp.Expr]) -> None:
    named = [table for table in tables if table.name == cte.alias and not table.args.get("db")]
    if len(named) > 1 and volatile_call(cte.this):
        raise _refused("WITH that draws", cte)
    for table in named:
        own = table.args.get("alias")
        alias = (cte.args["alias"] if own is None else own).copy()
        columns = [*alias.columns, *cte.args["alias"].columns[len(alias.columns) :]]
        alias.set("columns", [column.copy() for column in columns])
        held = exp.Subquery(this=cte.this.copy(), alias=alias)
        for part in ("joins", "laterals"):
            held.set(part, table.args.get(part))
        table.replace(held)


def _refused(what: str, tree: exp.Expr) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"{what} in a subquery that refers to the query around it is not supported",
        position=position_of(tree),
    )
