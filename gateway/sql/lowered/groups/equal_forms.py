"""Values that are equal though their forms differ, put into one group: intervals and jsonb.

PostgreSQL groups by what intervals come to and shows one of the group. Here a key of the same order
(`wide_comparisons`) stands in GROUP BY, and the first of the group's values everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.origins import SameValue
from gateway.sql.lowered.values.wide_comparisons import KEY_FUNCTIONS, KEYS
from gateway.sql.names.ordering import meant, written_keys
from gateway.sql.names.scope import Analysis, Block, is_aggregated, position_of, resolves_here
from gateway.sql.text.building import put
from gateway.sql.text.trees import SETS, own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import INTERVAL, Type

_HELD = ("having", "order")  # clauses that look at a group beside the SELECT list


def group_equal(analysis: Analysis) -> bool:
    """Let every SELECT group by the keys, in place.

    Returns:
        Whether a value may be of such a type.

    Raises:
        FeatureNotSupported: 0A000, where the engine can group by the form alone.
    """
    return any([_group_block(block) for block in analysis.blocks])


def _group_block(block: Block) -> bool:
    """Let GROUP BY, DISTINCT, PARTITION BY and DISTINCT aggregates go by the keys, in place.

    Raises:
        FeatureNotSupported: 0A000, where the engine can group by the form alone.
    """
    select, known = block.select, Types(block)
    if not any(_kind(node, known) for node in own_nodes(select)):
        return False
    _group_distinct(block, known)
    group = select.args.get("group")
    if group is not None:
        _group(select, group, known)
    for node in own_nodes(select):
        if isinstance(node, exp.Window):
            _key_all(node.args.get("partition_by") or [], known)
        elif isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Anonymous):
            _count(node, node.parent, known)
        elif isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            for value in node.args["on"].expressions:
                _key_meant(value, meant(value, select), known)
    return True


def _kind(node: exp.Expr, known: Types) -> Type | None:
    """The type of a node whose equal values may differ in form."""
    if not isinstance(node, exp.Condition) or isinstance(node, exp.Literal):
        return None
    kind = known.of(node)
    return kind if kind is not None and kind.name in KEYS else None


def _key(value: exp.Expr, kind: Type) -> exp.Expr:
    return KEYS[kind.name](value)


def _key_all(values: list[exp.Expr], known: Types) -> None:
    for value in values:
        _key_meant(value, value, known)


def _key_meant(written: exp.Expr, value: exp.Expr, known: Types) -> None:
    """Put the key of what is meant in the place of what is written."""
    kind = _kind(value, known)
    if kind is not None:
        written.replace(_key(value, kind))


def _group_distinct(block: Block, known: Types) -> None:
    """SELECT DISTINCT of such values is a GROUP BY of all outputs."""
    select = block.select
    distinct = select.args.get("distinct")
    items = [item.unalias() for item in select.expressions]
    if distinct is None or distinct.args.get("on") is not None:
        return
    if not any(_kind(item, known) for item in items):
        return
    select.set("distinct", None)
    keys = [item.copy() for item in items if _kind(item, known) or item.find(exp.Column)]
    select.set("group", exp.Group(expressions=keys))


def _group(select: exp.Select, group: exp.Expr, known: Types) -> None:
    sets = any(isinstance(element, SETS) for element in group.expressions)
    meanings = [(key, _meant(key, select, known)) for key in written_keys(group)]
    wide = [(key, value, kind) for key, value in meanings if (kind := _kind(value, known))]
    for key, value, kind in wide:
        for ordered in select.args["order"].expressions if select.args.get("order") else ():
            if meant(ordered.this, select) == value:
                ordered.set("this", _key(value, kind))
        for place in list(_outside(select, value, known)):
            if _asks_for_set(place):
                place.replace(_key(value, kind))
            else:
                _show_first(place, kind, among=_key(value, kind) if sets else None)
        key.replace(_key(value, kind))


def _meant(key: exp.Expr, select: exp.Select, known: Types) -> exp.Expr:
    """What a key stands for: a column of FROM comes before an output of its name."""
    block = known.block
    if isinstance(key, exp.Column) and block is not None and resolves_here(block, key):
        return key.copy()
    return meant(key, select)


def _asks_for_set(node: exp.Expr) -> bool:
    """Whether it stands in grouping(), which looks for keys."""
    return isinstance(node.parent, exp.Anonymous) and node.parent.name == "grouping"


def _outside(select: exp.Select, value: exp.Expr, known: Types) -> Iterator[exp.Expr]:
    """Where a grouped value stands outside of aggregates."""
    same = SameValue(value, known.block)
    parts = [*select.expressions, *filter(None, map(select.args.get, _HELD))]
    for part in parts:
        for node in own_nodes(part):
            aggregated = is_aggregated(node, select) and not _asks_for_set(node)
            if same.as_(node) and not aggregated and not _is_key(node):
                yield node


def _is_key(node: exp.Expr) -> bool:
    """Whether it is the key itself, which has a cast around the value."""
    parent = node.parent
    while isinstance(parent, exp.Cast | exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Anonymous) and parent.name in KEY_FUNCTIONS


def _show_first(place: exp.Expr, kind: Type, among: exp.Expr | None) -> None:
    """Put a value of the group there; `among` the keys of sets, NULL where it is none of them."""
    first: exp.Expr = exp.Anonymous(this="first_value", expressions=[place.copy()])
    first.meta[GIVES] = kind
    if among is not None:
        asked = exp.Anonymous(this="grouping", expressions=[among])
        keyed = exp.EQ(this=asked, expression=exp.Literal.number(0))
        first = exp.Case(ifs=[exp.If(this=keyed, true=first)])
        first.meta[GIVES] = kind
    put(place, first)


def _count(distinct: exp.Distinct, call: exp.Anonymous, known: Types) -> None:
    kinds = [_kind(value, known) for value in distinct.expressions]
    if not any(kinds) or call.name in ("min", "max"):
        return
    if call.name != "count":
        what = "intervals" if INTERVAL in kinds else "jsonb"
        raise FeatureNotSupported(
            f"{call.name}(DISTINCT) of {what} is not supported",
            position=position_of(call),
        )
    _key_all(distinct.expressions, known)
