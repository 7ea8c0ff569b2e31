"""The type of an expression, as far as its syntax and the columns' types tell.

A derivative must know it (``/`` of integers is a step function), and so must a call whose meaning
depends on it. None means that nothing tells, and whoever asks must not guess.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.grammar import Marker
from gateway.sql.parameters import postgres_type
from gateway.sql.relation import ColumnInfo
from gateway.sql.results import common_type, result_type, widest
from gateway.sql.scope import Block, Output, resolve
from gateway.types import (
    BOOL,
    DATE,
    FLOAT8,
    INT8,
    INTEGER,
    INTERVAL,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Type,
    array_of,
)

# Under this key a node's notes hold the type that an earlier pass knows it to have.
GIVES = "gives"


def type_of(tree: exp.Expr, block: Block | None) -> Type | None:
    """The type of `tree` where it stands in `block`; None when that cannot be told."""
    return Types(block).of(tree)


class Types:
    """The types of expressions of one SELECT, each found once.

    What is asked about may be changed afterwards only where it has not been asked about yet.
    """

    def __init__(self, block: Block | None) -> None:
        self.block = block
        self._known: dict[int, tuple[exp.Expr, Type | None]] = {}

    def of(self, tree: exp.Expr) -> Type | None:
        """The type of `tree`; None when that cannot be told."""
        found = self._known.get(id(tree))
        if found is None:
            read = next((read for kinds, read in _READERS if isinstance(tree, kinds)), None)
            given = tree.meta_get(GIVES)
            found = tree, given or (None if read is None else read(tree, self))
            self._known[id(tree)] = found
        return found[1]


Reader = Callable[[exp.Expr, Types], Type | None]


def _inner(tree: exp.Expr, types: Types) -> Type | None:
    return types.of(tree.this)


def _case(tree: exp.Expr, types: Types) -> Type | None:
    values = [branch.args["true"] for branch in tree.args["ifs"]]
    values += [tree.args["default"]] if tree.args.get("default") is not None else []
    return common_type([types.of(v) for v in values if not isinstance(v, exp.Null)])


def _call(tree: exp.Expr, types: Types) -> Type | None:
    arguments = [types.of(argument) for argument in tree.expressions]
    return result_type(tree.name.lower(), arguments)


_MOMENTS = ("date", "timestamp", "timestamptz")


def _arithmetic(tree: exp.Expr, types: Types) -> Type | None:
    """Numbers give a number; for dates and times PostgreSQL's manual, table 9.32."""
    left, right = types.of(tree.this), types.of(tree.expression)
    if left is None or right is None:
        return None
    if isinstance(tree, exp.Add) and left is INTERVAL:
        left, right = right, left
    if isinstance(tree, exp.Add | exp.Sub) and left.name in _MOMENTS:
        return _moved(isinstance(tree, exp.Sub), left, right)
    if INTERVAL in (left, right):
        return INTERVAL
    return widest([left, right])


def _moved(minus: bool, moment: Type, by: Type) -> Type | None:
    if by is INTERVAL:
        return TIMESTAMP if moment is DATE else moment
    if by.name in INTEGER:
        return DATE
    if minus and by.name in _MOMENTS:
        return INT8 if moment is by is DATE else INTERVAL
    return None


def _array(tree: exp.Expr, types: Types) -> Type | None:
    items = [item for item in tree.expressions if not isinstance(item, exp.Null)]
    element = common_type([types.of(item) for item in items])
    return None if element is None else array_of(element)


def _concatenation(tree: exp.Expr, types: Types) -> Type | None:
    sides = (types.of(tree.this), types.of(tree.expression))
    arrays = any(side is None or side.element is not None for side in sides)
    return TEXT if not arrays and TEXT in sides else None


def _zoned(tree: exp.Expr, types: Types) -> Type | None:
    """AT TIME ZONE makes a moment a local time, and a local time a moment."""
    known = types.of(tree.this)
    if known is TIMESTAMPTZ:
        return TIMESTAMP
    return TIMESTAMPTZ if known is TIMESTAMP else None


def _literal(tree: exp.Expr, types: Types) -> Type:
    """Digits are an integer as long as bigint holds them."""
    if tree.is_string:
        return TEXT
    return INT8 if tree.is_int and int(tree.this) < 2**63 else FLOAT8


def info_of(output: Output) -> ColumnInfo:
    """Type and nullability of a query's column."""
    if output.expression is None or output.block is None:
        return ColumnInfo()
    tree = output.expression.unnest()
    if isinstance(tree, exp.Column):
        return _column_info(tree, output.block)
    return ColumnInfo(type_of(tree, output.block), not isinstance(tree, exp.Literal))


def plain_column(item: exp.Expr, block: Block) -> ColumnInfo:
    """What is known of a SELECT item that is a relation's column and nothing more."""
    tree = item.unalias().unnest()
    return _column_info(tree, block) if isinstance(tree, exp.Column) else ColumnInfo()


def _column(tree: exp.Expr, types: Types) -> Type | None:
    if types.block is None or not isinstance(tree, exp.Column):
        return None
    return _column_info(tree, types.block).type


def _column_info(tree: exp.Column, block: Block) -> ColumnInfo:
    try:
        source, name = resolve(block, tree)
    except GatewayError:  # the engine reports it, in its turn
        return ColumnInfo()
    return (source.columns or {}).get(name, ColumnInfo())


def _cast_target(tree: exp.Expr, types: Types) -> Type | None:
    try:
        return postgres_type(tree.args["to"])
    except GatewayError:
        return None


def _of(kind: Type) -> Reader:
    return lambda tree, types: kind


# The first row that fits tells the type.
_READERS: tuple[tuple[tuple[type[exp.Expr], ...], Reader], ...] = (
    ((exp.Paren, exp.Neg, exp.Window, exp.Filter, exp.IgnoreNulls, exp.Collate), _inner),
    ((exp.Literal,), _literal),
    ((exp.Boolean, exp.Predicate, exp.Connector, exp.Not), _of(BOOL)),
    ((exp.Column,), _column),
    ((exp.Cast,), _cast_target),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
    ((exp.Pow, Marker), _of(FLOAT8)),
    ((exp.Case,), _case),
    ((exp.Anonymous,), _call),
    ((exp.AtTimeZone,), _zoned),
    ((exp.DPipe,), _concatenation),
    ((exp.Array,), _array),
    ((exp.Interval,), _of(INTERVAL)),
    ((exp.CurrentDate,), _of(DATE)),
    ((exp.CurrentTimestamp,), _of(TIMESTAMPTZ)),
    ((exp.Localtimestamp,), _of(TIMESTAMP)),
)
