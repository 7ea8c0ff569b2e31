"""`$1`, `$2`, ...: what a statement's text alone says of their types.

What the text does not say, the engine's plan does; joining the two is the session's part.
PostgreSQL manual, 4.1.5.2 and PREPARE: a parameter's type is settled by its first use that has one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import exp

from gateway.errors import UndefinedParameter
from gateway.sql.text.datatypes import own_type
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.placing import TypeOf, told_by_place
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

TYPES = {
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
    DType.INET: by_name("inet"),
    DType.JSON: by_name("json"),
    DType.JSONB: by_name("jsonb"),
    DType.VARBINARY: BYTEA,
    DType.DATE: DATE,
    DType.TIME: TIME,
    DType.TIMESTAMP: TIMESTAMP,
    DType.TIMESTAMPTZ: TIMESTAMPTZ,
    DType.INTERVAL: INTERVAL,
}


def postgres_type(kind: exp.DataType) -> Type:
    """The row of gateway/types.py for a type as the parser gives it.

    Raises:
        UndefinedObject: 42704, no such type.
    """
    if kind.this == DType.ARRAY and kind.expressions:
        return array_of(postgres_type(kind.expressions[0]))
    if (own := own_type(kind)) is not None:
        return own
    found = TYPES.get(kind.this)
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

    >>> from gateway.sql.text.dialect import parse
    >>> types = declared_types(parse("SELECT $2::date FROM t WHERE s LIKE $1 LIMIT $3")[0])
    >>> {n: row.name for n, row in sorted(types.items())}
    {1: 'text', 2: 'date', 3: 'int8'}
    """
    found: dict[int, Type] = {}
    for node in nodes_of(tree, exp.Parameter):
        kind = told(node, type_of or literal_type)
        if kind is not None:
            found.setdefault(number(node), kind)
    return found


def told(node: exp.Expr, type_of: TypeOf) -> Type | None:
    """What the place of one parameter says first of its type; None where it says nothing."""
    return next((kind for kind in _told(node, type_of) if kind is not None), None)


def _told(node: exp.Expr, type_of: TypeOf) -> Iterator[Type | None]:
    """What the place of one parameter says of its type."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        parent = parent.parent
    if isinstance(parent, exp.Cast):
        yield postgres_type(parent.args["to"])
    else:
        yield from told_by_place(node, type_of)


# Functions that take values of any type, and so say nothing of one.
_OF_ANY = frozenset(
    {"concat", "concat_ws", "count", "format", "num_nonnulls", "num_nulls", "pg_typeof", "row"}
)


def untold(tree: exp.Expr, declared: Collection[int]) -> int | None:
    """The first `$n` of whose type a whole statement says nothing, not even that it may be text.

    It stands nowhere, though one after it does, or only before IS NULL, or among values that may be
    of any type.

    >>> from gateway.sql.text.dialect import parse
    >>> [untold(parse(f"SELECT {text}")[0], ()) for text in ("$1", "$2", "$1 IS NULL", "$1 + 1")]
    [None, 1, 1, None]
    """
    uses: dict[int, list[exp.Expr]] = {}
    for node in nodes_of(tree, exp.Parameter):
        uses.setdefault(number(node), []).append(node)
    numbers = (n for n in range(1, max(uses, default=0) + 1) if n not in declared)
    return next((n for n in numbers if all(map(_may_be_any, uses.get(n, ())))), None)


def _may_be_any(node: exp.Expr) -> bool:
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Is):
        return isinstance(parent.expression, exp.Null)
    if not isinstance(parent, exp.Anonymous) or parent.name.lower() not in _OF_ANY:
        return False
    name = parent.name.lower()
    if name == "row":  # compared with another it has its types
        return isinstance(parent.parent, exp.Select | exp.Alias)
    return node.index != 0 or name not in ("concat_ws", "format")


def literal_type(node: exp.Expr) -> Type | None:
    """The type of a cast, a truth value or a string; None of anything else."""
    if isinstance(node, exp.Cast):
        return postgres_type(node.args["to"])
    if isinstance(node, exp.Boolean):
        return BOOL
    return TEXT if isinstance(node, exp.Literal) and node.is_string else None
