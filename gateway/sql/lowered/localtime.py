"""Where a moment meets the time of day somewhere: what the engine gets wrong about it.

The engine reckons in the session's TimeZone when it reads a moment, truncates it or takes it apart.
Four things it does in UTC, or not at all, are put right here (measured with DataFusion 55). One is
a cast of a plain timestamp that is compared with a constant: it takes the cast off and casts the
constant, as though all clocks were in UTC. It does not look into a CASE, so one is put around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.infinities import keep_cast
from gateway.sql.lowered.session_literals import read_literals
from gateway.sql.meaning.inference import type_of
from gateway.sql.meaning.scope import Block, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.notation import Notation
from gateway.sql.text.precedence import COMPARISONS
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
            _keep_local_times(block)


def _keep_local_times(block: Block) -> None:
    """Put this SELECT right, in place, for a session whose TimeZone is not UTC.

    Raises:
        FeatureNotSupported: 0A000, to_timestamp.
    """
    for node in reversed(list(_inside(block))):  # the innermost first: what is around it is copied
        if isinstance(node, exp.Cast):
            _cast(node, block)
            _shield(node, block)
        elif isinstance(node, COMPARISONS):
            _compare([node.this, node.expression], block)
        elif isinstance(node, exp.Between):
            _compare([node.this, node.args["low"], node.args["high"]], block)
        elif isinstance(node, exp.In):
            _compare([node.this, *node.expressions], block)
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


def _cast(node: exp.Cast, block: Block) -> None:
    """A moment as the session's clocks show it: the engine's cast shows UTC's."""
    inner = node.this
    if node.args["to"].this != DType.TIMESTAMP or isinstance(inner, exp.Literal | exp.Null):
        return
    known = _type(inner, block)
    # Of an unknown type too: the engine refuses what is no timestamp, and leaves plain ones.
    if known == TIMESTAMPTZ or (known is None and not isinstance(inner, exp.Parameter)):
        node.set("this", exp.Anonymous(this="to_local_time", expressions=[inner.copy()]))


def _shield(node: exp.Cast, block: Block) -> None:
    """A cast to a moment that stays where it is when it is compared; see above."""
    known, case = _type(node.this, block), node.parent
    is_shielded = isinstance(case, exp.Case) and node.arg_key == "default"
    if known in (DATE, TIMESTAMP) and _type(node, block) == TIMESTAMPTZ and not is_shielded:
        keep_cast(node, known)


def _compare(sides: list[exp.Expr], block: Block) -> None:
    """A date beside a moment is midnight here; the engine compares it with midnight in UTC."""
    types = [_type(side, block) for side in sides]
    if TIMESTAMPTZ not in types:
        return
    for side, known in zip(sides, types, strict=True):
        if known in (DATE, TIMESTAMP):
            kind = data_type(TIMESTAMPTZ.sql)
            cast = exp.Cast(this=side.copy(), to=kind)
            side.replace(cast)
            keep_cast(cast, known)


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
            kind = data_type(TIMESTAMPTZ.sql)
            value.replace(exp.Cast(this=value.copy(), to=kind))
    return tree
