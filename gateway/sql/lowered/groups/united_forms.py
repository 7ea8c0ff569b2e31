"""Set operations, and DISTINCT beside groups, of values that are equal though their forms differ.

The engine compares intervals and jsonb by their forms. `a UNION b` becomes SELECT DISTINCT over
`a UNION ALL b`; INTERSECT and EXCEPT become a GROUP BY over both, told apart by their number; and
a DISTINCT whose SELECT cannot be a GROUP BY itself gets one around it. How such groups are made is
left to `equal_forms`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.not_numbers import may_be_nan
from gateway.sql.lowered.values.wide_comparisons import KEYS
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.naming import leftmost
from gateway.sql.names.ordering import meant
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, Block, column_node, position_of
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import AROUND, nodes_of, own_nodes
from gateway.sql.types.inference import Types
from gateway.types import INET, INTERVAL, Type

_ALIAS, _SIDE, _PLACE = "united_rows", "united_side", "united_place"


def unite_equal(
    tree: exp.Expr, analysis: Analysis, relations: Relations
) -> tuple[exp.Expr, Analysis]:
    """The query so written, and its blocks.

    Raises:
        FeatureNotSupported: 0A000, in the recursive term of a WITH query.
    """
    while (found := _next(analysis)) is not None:
        if isinstance(found, exp.Select):
            _wrap_distinct(found)
        else:
            made = _as_groups(found)
            if found is tree:
                tree = made
            else:
                found.replace(made)
        analysis = analyse(tree, relations)
    return tree, analysis


def fold_sides(analysis: Analysis) -> Iterator[tuple[exp.Expr, Types]]:
    """What set operations compare or sort by that may be NaN of either sign, with its types."""
    for block in analysis.blocks:
        if any(_compares(each) or each.args.get("order") for each in _operations(block)):
            known = Types(block)
            for item in block.select.expressions:
                if may_be_nan(item.unalias(), known):
                    yield item.unalias(), known


def _next(analysis: Analysis) -> exp.Select | exp.SetOperation | None:
    """A SELECT or a set operation that is still to be written otherwise."""
    for block in analysis.blocks:
        operation = next(
            (each for each in _operations(block) if _compares(each) or each.args.get("order")), None
        )
        distinct = _is_wide_distinct(block)
        if (operation is None and not distinct) or not (kinds := _kinds(block)):
            continue
        if operation is None:
            return block.select
        if not _is_recursive(operation):
            return operation
        if INTERVAL in kinds:
            _refuse(operation)
    return None


def _operations(block: Block) -> Iterator[exp.SetOperation]:
    """The set operations that the SELECT is a part of, the innermost first."""
    outer = block.select.parent
    while isinstance(outer, exp.SetOperation | exp.Subquery) and not outer.args.get("alias"):
        if isinstance(outer, exp.SetOperation):
            yield outer
        outer = outer.parent


def _compares(operation: exp.SetOperation) -> bool:
    return bool(operation.args.get("distinct")) or not isinstance(operation, exp.Union)


def _kinds(block: Block) -> list[Type]:
    """The types of its columns that the engine takes for equal, or sorts, otherwise."""
    known = Types(block)
    kinds = [known.of(item.unalias()) for item in block.select.expressions]
    around = [block.select, *_operations(block)]
    sorted_ = any(each.args.get("order") for each in around)
    return [
        kind
        for kind in kinds
        if kind is not None and (kind.name in KEYS or (sorted_ and (kind.is_enum or kind is INET)))
    ]


def _is_wide_distinct(block: Block) -> bool:
    """Whether it is a DISTINCT that cannot become a GROUP BY in its place."""
    select = block.select
    distinct = select.args.get("distinct")
    if distinct is None or distinct.args.get("on") is not None:
        return False
    inside = [node for item in select.expressions for node in own_nodes(item.unalias())]
    return block.is_grouped or any(isinstance(node, exp.Window | exp.Query) for node in inside)


def _is_recursive(operation: exp.SetOperation) -> bool:
    held = operation.parent
    clause = held.parent if isinstance(held, exp.CTE) else None
    if held is None or clause is None or not clause.args.get("recursive"):
        return False
    return any(table.name == held.alias for table in nodes_of(operation, exp.Table))


def _refuse(operation: exp.SetOperation) -> NoReturn:
    raise FeatureNotSupported(
        f"recursive {operation.key.upper()} of intervals is not supported",
        hint="Write UNION ALL.",
        position=position_of(operation),
    )


def _wrap_distinct(select: exp.Select) -> None:
    """Let the SELECT itself become the one around, which has the DISTINCT."""
    inner = select.copy()
    outer = {key: inner.args.pop(key, None) for key in (*AROUND, "distinct")}
    for ordered in outer["order"].expressions if outer["order"] is not None else ():
        value = meant(ordered.this, inner)
        names = [each.alias_or_name for each in inner.expressions if each.unalias() == value]
        if names:
            ordered.set("this", column_node(_ALIAS, names[0]))
    for key in list(select.args):
        select.set(key, None)
    names = [item.alias_or_name for item in inner.expressions]
    _fill(select, names, inner, outer)


def _fill(
    select: exp.Select,
    names: Sequence[str],
    query: exp.Expr,
    around: dict[str, exp.Expr | None],
) -> None:
    select.set("expressions", [_shown(name) for name in names])
    select.set("from_", exp.From(this=_named(query, names)))
    for key, clause in around.items():
        if clause is not None:
            select.set(key, clause)


def _shown(name: str) -> exp.Expr:
    return exp.alias_(column_node(_ALIAS, name), name, quoted=True)


def _named(query: exp.Expr, names: Sequence[str]) -> exp.Subquery:
    if isinstance(query, exp.Subquery) and not any(query.args.get(key) for key in AROUND):
        query = query.this
    return subquery(query.copy(), _ALIAS, names)


def _as_groups(operation: exp.SetOperation) -> exp.Select:
    """The same rows, by SELECT DISTINCT or GROUP BY."""
    names = [item.alias_or_name for item in leftmost(operation).expressions]
    around = {key: operation.args.get(key) for key in AROUND}
    sides = [operation.this.copy(), operation.expression.copy()]
    made = exp.Select()
    if isinstance(operation, exp.Union):
        if _compares(operation):
            around["distinct"] = exp.Distinct()
        _fill(made, names, _together(sides), around)
        return made
    every = not operation.args.get("distinct")
    sides = [_numbered(side, number, names, every) for number, side in enumerate(sides)]
    hidden = [_SIDE, *([_PLACE] if every else [])]
    _fill(made, [*names, *hidden], _together(sides), around)
    made.set("expressions", [_shown(name) for name in names])
    keys = [column_node(_ALIAS, name) for name in [*names, *hidden[1:]]]
    made.set("group", exp.Group(expressions=keys))
    made.set("having", exp.Having(this=_in_sides(isinstance(operation, exp.Intersect))))
    return made


def _together(sides: Sequence[exp.Expr]) -> exp.Union:
    return exp.Union(this=sides[0], expression=sides[1], distinct=False)


def _numbered(side: exp.Expr, number: int, names: Sequence[str], every: bool) -> exp.Select:
    """A side's rows with its number, and with ALL each row's number among its like."""
    made = exp.Select()
    _fill(made, names, side, {})
    made.append("expressions", exp.alias_(exp.Literal.number(number), _SIDE, quoted=True))
    if every:
        parts = [column_node(_ALIAS, name) for name in names]
        place = exp.Window(this=exp.Anonymous(this="row_number"), partition_by=parts)
        made.append("expressions", exp.alias_(place, _PLACE, quoted=True))
    return made


def _in_sides(both: bool) -> exp.Expr:
    """Whether a group has rows of both sides, or of the first alone."""

    def extreme(name: str) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=[column_node(_ALIAS, _SIDE)])

    last = exp.EQ(this=extreme("max"), expression=exp.Literal.number(int(both)))
    first = exp.EQ(this=extreme("min"), expression=exp.Literal.number(0))
    return exp.And(this=first, expression=last)
