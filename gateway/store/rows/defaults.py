"""The value of a column's DEFAULT without an engine, where it is a constant.

The text of a DEFAULT is the user's, so it is never handed to DuckDB: it is read as a tree, and
only the nodes below are understood.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from gateway.errors import SyntaxFault, UndefinedObject
from gateway.store.definitions.definitions import Column
from gateway.store.rows.assignment import assign
from gateway.types import by_name


def constant_default(column: Column) -> pa.Array | None:
    """One value of the column's type: its default, or NULL when it has none.

    None when the default is no constant: then `Expressions.defaults` computes it.

    Raises:
        GatewayError: what assigning the constant to the column raises.
    """
    if column.default_value is None:
        return pa.nulls(1, column.arrow)
    try:
        value = _value(_parsed(column.default_value))
    except _NoConstant:
        return None
    if pa.types.is_temporal(value.type) and value.type != column.arrow:
        return None  # what the clocks of the session's zone show is the engine's to tell
    return assign(value, column)


class _NoConstant(Exception):
    """The expression has to be computed."""


@lru_cache(maxsize=1024)
def _parsed(text: str) -> exp.Expression:
    try:
        tree = sqlglot.parse_one(text, read="postgres")
    except SqlglotError as error:
        raise SyntaxFault(f"syntax error in default expression {text}") from error
    assert isinstance(tree, exp.Expression)
    return tree


def _value(node: exp.Expression) -> pa.Array:
    match node:
        case exp.Paren():
            return _value(node.this)
        case exp.Null():
            return pa.nulls(1)
        case exp.Boolean():
            return pa.array([bool(node.this)])
        case exp.Literal(is_string=True):
            return pa.array([str(node.this)])
        case exp.Literal():
            return _number(str(node.this))
        case exp.Neg():
            return pc.negate_checked(_value(node.this))
        case exp.Cast(this=exp.Literal() | exp.Neg() | exp.Null() | exp.Boolean()):
            return assign(_value(node.this), _target(node.to))
    raise _NoConstant


def _target(kind: exp.DataType) -> Column:
    """What a cast makes; lengths and digits are left to the engine."""
    if kind.expressions:
        raise _NoConstant
    try:
        return Column("default", by_name(kind.sql("postgres")))
    except UndefinedObject as error:
        raise _NoConstant from error


def _number(text: str) -> pa.Array:
    """An integer where it fits bigint, else numeric, else the nearest double."""
    if text.isdigit() and int(text) < 2**63:
        return pa.array([int(text)], pa.int64())
    try:
        return pa.array([Decimal(text)])
    except pa.ArrowInvalid:
        return pa.array([float(text)])
