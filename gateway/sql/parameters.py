"""`$1`, `$2`, ...: what a statement's text alone says of their types.

What the text does not say, the engine's plan does; joining the two is the session's part.
PostgreSQL manual, 4.1.5.2 and PREPARE: a parameter's type is settled by its first use that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.errors import UndefinedParameter
from gateway.sql.precedence import COMPARISONS
from gateway.sql.trees import nodes_of
from gateway.types import (
    BOOL,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Type,
    array_of,
    by_name,
)

DType = exp.DType
TypeOf = Callable[[exp.Expr], Type | None]

_TYPES = {
    DType.BOOLEAN: BOOL,
    DType.SMALLINT: INT2,
    DType.INT: INT4,
    DType.BIGINT: INT8,
    DType.FLOAT: FLOAT4,
    DType.DOUBLE: FLOAT8,
    DType.DECIMAL: NUMERIC,
    DType.TEXT: TEXT,
    DType.VARCHAR: by_name("varchar"),
    DType.CHAR: by_name("bpchar"),
    DType.BPCHAR: by_name("bpchar"),
    DType.NAME: by_name("name"),
    DType.UUID: by_name("uuid"),
    DType.JSON: by_name("json"),
    DType.JSONB: by_name("jsonb"),
    DType.VARBINARY: BYTEA,
    DType.DATE: DATE,
    DType.TIME: TIME,
    DType.TIMESTAMP: TIMESTAMP,
    DType.TIMESTAMPTZ: TIMESTAMPTZ,
    DType.INTERVAL: INTERVAL,
}

# A parameter on either side of these is text, whatever the other side is.
_TEXTUAL = (exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike, exp.DPipe)


def postgres_type(kind: exp.DataType) -> Type:
    """The row of gateway/types.py for a type as the parser gives it.

    Raises:
        UndefinedObject: 42704, no such type.
    """
    if kind.this == DType.ARRAY and kind.expressions:
        return array_of(postgres_type(kind.expressions[0]))
    found = _TYPES.get(kind.this)
    name = kind.args.get("kind")
    return found or by_name(getattr(name, "name", None) or kind.sql("postgres").lower())


def number(node: exp.Expr) -> int:
    """Which parameter a Parameter node is: 1 for `$1`.

    Raises:
        UndefinedParameter: 42P02, `$0` or a name instead of a number.
    """
    text = node.name
    if not text.isdigit() or not 1 <= int(text) <= 65535:  # the protocol counts them in 16 bits
        raise UndefinedParameter(f"there is no parameter ${text}")
    return int(text)


def declared_types(tree: exp.Expr, type_of: TypeOf | None = None) -> dict[int, Type]:
    """Parameter -> type, for those whose type the text tells; the first use that tells decides.

    Args:
        type_of: Tells the type of another expression of the tree (a column), when there is
            someone who knows; then comparisons, BETWEEN, IN and = ANY ($n) tell too.

    >>> from gateway.sql.dialect import parse
    >>> types = declared_types(parse("SELECT $2::date FROM t WHERE s LIKE $1 LIMIT $3")[0])
    >>> {n: row.name for n, row in sorted(types.items())}
    {1: 'text', 2: 'date', 3: 'int8'}
    """
    found: dict[int, Type] = {}
    for node in nodes_of(tree, exp.Parameter):
        told = next((t for t in _told(node, type_of or literal_type) if t is not None), None)
        if told is not None:
            found.setdefault(number(node), told)
    return found


def _told(node: exp.Expr, type_of: TypeOf) -> Iterator[Type | None]:
    """What the place of one parameter says of its type."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        node, parent = parent, parent.parent
    if isinstance(parent, exp.Cast):
        yield postgres_type(parent.args["to"])
    elif isinstance(parent, exp.Limit | exp.Offset | exp.Fetch):
        yield INT8
    elif isinstance(parent, _TEXTUAL):
        yield TEXT
    elif isinstance(parent, exp.And | exp.Or | exp.Not | exp.Where | exp.Having):
        yield BOOL
    elif isinstance(parent, exp.Anonymous) and parent.name.lower() in ("any", "some", "all"):
        yield from map(_array, _others(parent, type_of))
    elif parent is not None:
        yield from _others(node, type_of)


def _others(node: exp.Expr, type_of: TypeOf) -> Iterator[Type | None]:
    """The types of what `node` is compared with."""
    parent = node.parent
    if isinstance(parent, COMPARISONS):
        other = parent.expression if parent.this is node else parent.this
        yield None if isinstance(other, exp.Parameter) else type_of(other)
    elif isinstance(parent, exp.Between | exp.In):
        sides = [parent.this, parent.args.get("low"), parent.args.get("high"), *parent.expressions]
        for side in sides:
            if side is not None and side is not node and not isinstance(side, exp.Parameter):
                yield type_of(side)


def _array(element: Type | None) -> Type | None:
    return None if element is None else array_of(element)


def literal_type(node: exp.Expr) -> Type | None:
    """The type of a cast, a truth value or a string; None of anything else."""
    if isinstance(node, exp.Cast):
        return postgres_type(node.args["to"])
    if isinstance(node, exp.Boolean):
        return BOOL
    return TEXT if isinstance(node, exp.Literal) and node.is_string else None
