"""Where a moment meets the time of day somewhere: what the engine gets wrong about it.

What the engine does in UTC, or not at all, is put right here (measured with DataFusion 55). Its
casts between moments and local times know no rules for summer after 2100, fail where clocks show a
time twice or never, and are taken off where they are compared with a constant. So they are calls of
our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.notation import Notation
from gateway.sql.meaning.literals import read_literals
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.types.inference import type_of
from gateway.types import DATE, TIMESTAMP, TIMESTAMPTZ, Type

DType = exp.DType

# Their text is read in UTC, whatever the session's zone.
_UTC_ALONE = frozenset(
    {f"to_timestamp{unit}" for unit in ("", "_micros", "_millis", "_nanos", "_seconds")}
)


def settle_moments(tree: exp.Expr, blocks: Iterable[Block], notation: Notation) -> None:
    """Put a statement right, in place, for a session that writes moments so.

    Raises:
        FeatureNotSupported: 0A000, to_timestamp. InvalidDatetimeFormat: 22007.
    """
    read_literals(tree, notation)
    if notation.zone != "UTC":
        for block in blocks:
            _keep_local_times(block, notation.zone)


def _keep_local_times(block: Block, zone: str) -> None:
    """Put this SELECT right, in place, for a session whose TimeZone is not UTC.

    Raises:
        FeatureNotSupported: 0A000, to_timestamp.
    """
    for node in reversed(list(_inside(block))):  # the innermost first: what is around it is copied
        if isinstance(node, exp.Cast):
            _cast(node, block, zone)
        elif isinstance(node, COMPARISONS):
            _compare([node.this, node.expression], block, zone)
        elif isinstance(node, exp.Between):
            _compare([node.this, node.args["low"], node.args["high"]], block, zone)
        elif isinstance(node, exp.In):
            _compare([node.this, *node.expressions], block, zone)
        elif isinstance(node, exp.Anonymous) and node.name in _UTC_ALONE:
            raise FeatureNotSupported(
                f"{node.name} is not supported while TimeZone is not UTC",
                hint="SET TimeZone TO 'UTC', or add an interval to a timestamp.",
                position=position_of(node),
            )


def _inside(block: Block) -> Iterator[exp.Expr]:
    return block.select.walk(
        prune=lambda node: isinstance(node, exp.Query) and node is not block.select
    )


_LOCAL = (DType.TIMESTAMP, DType.DATE, DType.TIME)


def _cast(node: exp.Cast, block: Block, zone: str) -> None:
    """A moment as the session's clocks show it, and the moment at which they show a local time."""
    inner, target = node.this, node.args["to"].this
    if isinstance(inner, exp.Literal | exp.Null) or target not in (*_LOCAL, DType.TIMESTAMPTZ):
        return
    known = _type(inner, block)
    if target in _LOCAL and known == TIMESTAMPTZ:
        node.set("this", _call("local_in_zone", inner, zone))
    elif target == DType.TIMESTAMPTZ and known in (DATE, TIMESTAMP):
        node.set(
            "this", _call("moment_in_zone", exp.cast(inner, DType.TIMESTAMP, copy=False), zone)
        )
    elif target == DType.TIMESTAMP and known is None and not isinstance(inner, exp.Parameter):
        # The engine refuses what is no timestamp, and leaves plain ones.
        node.set("this", exp.Anonymous(this="to_local_time", expressions=[inner]))


def _call(name: str, value: exp.Expr, zone: str) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[value, exp.Literal.string(zone)])


def _compare(sides: list[exp.Expr], block: Block, zone: str) -> None:
    """A date beside a moment is midnight here; the engine compares it with midnight in UTC."""
    types = [_type(side, block) for side in sides]
    if TIMESTAMPTZ not in types:
        return
    for side, known in zip(sides, types, strict=True):
        if known in (DATE, TIMESTAMP):
            local = exp.cast(side.copy(), DType.TIMESTAMP)
            side.replace(_call("moment_in_zone", local, zone))


def _type(node: exp.Expr, block: Block) -> Type | None:
    return type_of(node, block)


def type_moments(tree: exp.Expr, types: Mapping[str, Type]) -> exp.Expr:
    """An INSERT or UPDATE whose literals for timestamptz columns are of that type.

    After a star the places are not those of the columns: what stands there stays text.

    Args:
        tree: The statement; left as it was.
        types: The target's columns, in order.
    """
    tree = tree.copy()
    if isinstance(tree, exp.Update):
        pairs = [(e.this.name, e.expression) for e in tree.expressions if isinstance(e, exp.EQ)]
    elif isinstance(tree, exp.Insert) and tree.expression is not None:
        named = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
        names = [column.name for column in named] or list(types)
        query = tree.expression
        rows = query.expressions if isinstance(query, exp.Values) else [query]
        pairs = [pair for row in rows for pair in zip(names, row.expressions, strict=False)]
    else:
        pairs = []
    for name, value in pairs:
        if types.get(name) == TIMESTAMPTZ and isinstance(value, exp.Literal) and value.is_string:
            kind = data_type(TIMESTAMPTZ)
            value.replace(exp.Cast(this=value.copy(), to=kind))
    return tree
