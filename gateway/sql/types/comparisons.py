"""String literals take the type of what they are compared with.

In PostgreSQL a quoted literal is of unknown type until its surroundings tell (manual, 10.2); the
engine takes it for text, reads fewer forms of timestamps than PostgreSQL does, and takes its
letters for bytes. A literal beside a date, a time or bytes becomes a typed one, which `lowering`
writes in the form the engine reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.array_input import read_array
from gateway.sql.names.scope import Analysis, Block
from gateway.sql.text.datatypes import data_type, with_depth
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import copied, nodes_of, own_nodes
from gateway.sql.types.inference import type_of
from gateway.types import (
    BYTEA,
    DATE,
    ENUM,
    NUMBERS,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNPADDED,
    Type,
    array_of,
)

_TYPED = frozenset(
    {"bool", "date", "time", "timestamp", "timestamptz", "interval", "int2", "int4", "int8",
     "float4", "float8", "numeric", "uuid", "inet", "bytea", ENUM}
)  # fmt: skip


# Of their arrays a literal is one beside an array.
_ELEMENTS = _TYPED | NUMBERS | UNPADDED
# Among alternatives a literal is of the widest of these, which `checking` tells.

# Calls whose arguments are of one type.
_ALTERNATIVES = frozenset({"coalesce", "greatest", "least"})


# Those whose first argument and third, where there is one, are.
_SHIFTED = ("lag", "lead")
_OF_BYTES = ("sha224", "sha256", "sha384", "sha512")
_OF_ARRAYS = (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps)


def cast_literals(block: Block) -> None:
    """Cast literals that stand beside values of other types, in place."""
    for node in own_nodes(block.select):
        _cast_quantified(node, block)
        for group in _compared(node):
            _cast_group([(each, block) for each in group], compared=True)
        for group in _alternatives(node):
            _cast_group([(each, block) for each in group], compared=False)
        if isinstance(node, exp.DPipe):
            _cast_joined(node, block)
        elif isinstance(node, exp.Anonymous) and node.name == "date_bin":
            _cast_origin(node, block)
        elif isinstance(node, exp.Anonymous) and node.name in _OF_BYTES:
            for literal in filter(_is_literal, node.expressions):
                _cast(literal, BYTEA)


def _cast_origin(call: exp.Anonymous, block: Block) -> None:
    """What bins begin at is of the type of what is binned, in place: a literal is of its zone.

    Of a date midnight is binned, in the session's zone unless bins begin at a timestamp.
    """
    if len(call.expressions) != 3:
        return
    _, binned, origin = call.expressions
    kind = type_of(binned, block)
    if kind is DATE:
        kind = TIMESTAMP if type_of(origin, block) is TIMESTAMP else TIMESTAMPTZ
        binned.replace(exp.Cast(this=copied(binned), to=data_type(kind)))
    if kind in (TIMESTAMP, TIMESTAMPTZ) and _is_literal(origin):
        _cast(origin, kind)


def _cast_quantified(node: exp.Expr, block: Block) -> None:
    """A literal in ANY or ALL is an array of what stands beside it, in place.

    One beside them is of the type of the array's items. Beside an enum it is the array of labels
    that it lists; beside a numeric what is listed is compared one by one, for the engine's arrays
    of them are of another precision.
    """
    side = node.args.get("expression") if isinstance(node, COMPARISONS) else None
    if not (isinstance(side, exp.Anonymous) and side.name.lower() in ("any", "some", "all")):
        return
    array = side.expressions[0] if side.expressions else None
    given = type_of(array, block) if array is not None and _is_literal(node.this) else None
    if given is not None and given.element is not None:
        _cast(node.this, given.element)
    kind = type_of(node.this, block) or TEXT
    if array is None or not kind.array_oid:
        return
    listed: list[exp.Expr] = []
    literal = array.this if isinstance(array, exp.Cast) else array
    if _is_literal(literal):
        if literal is array:
            array = _cast(array, array_of(kind))
        if type_of(array, block) == array_of(kind):
            listed = _listed(literal, kind)
        if kind.is_enum and listed:
            array.replace(exp.Array(expressions=listed))
    elif isinstance(array, exp.Array):
        listed = array.expressions
    if kind.name == "numeric" and listed:
        _compare_each(node, listed, is_all=side.name.lower() == "all")


def _listed(literal: exp.Expr, kind: Type) -> list[exp.Expr]:
    items = _items(literal) if kind.is_enum or kind.name == "numeric" else []
    words = [exp.Null() if word is None else exp.Literal.string(word) for word in items]
    return [exp.Cast(this=word, to=data_type(kind)) for word in words]


def _compare_each(node: exp.Expr, items: list[exp.Expr], *, is_all: bool) -> None:
    """`= ANY` is IN, and `<> ALL` is NOT IN, in place; what else there is, the engine compares."""
    if isinstance(node, exp.NEQ if is_all else exp.EQ):
        found: exp.Expr = exp.In(this=node.this, expressions=[copied(item) for item in items])
        node.replace(exp.paren(exp.Not(this=found) if is_all else found, copy=False))


def _items(literal: exp.Expr) -> list[str | None]:
    """The items of an array of one dimension."""
    items = read_array(literal.name)
    if any(isinstance(item, list) for item in items):
        raise FeatureNotSupported("ANY and ALL of arrays of arrays are not supported here")
    return list(items)


def cast_united(analysis: Analysis, tree: exp.Expr) -> None:
    """Cast literals that are columns of a set operation to the other branches' type, in place."""
    for union in nodes_of(tree, exp.SetOperation):
        if isinstance(union.parent, exp.SetOperation):
            continue
        branches = list(branches_of(union))
        if len({len(each.expressions) for each in branches}) == 1:
            blocks = [analysis.block_of(each.expressions[0]) for each in branches]
            for column in zip(*(each.expressions for each in branches), strict=True):
                values = [each.unalias() for each in column]
                _cast_group(list(zip(values, blocks, strict=True)), compared=False)


def branches_of(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of a set operation, but those without a column."""
    if isinstance(query, exp.SetOperation):
        yield from branches_of(query.this)
        yield from branches_of(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from branches_of(query.this)
    elif isinstance(query, exp.Select) and query.expressions:
        yield query


def cast_listed(tree: exp.Expr) -> None:
    """Cast literals in VALUES to the type that their column has from other rows, in place."""
    for values in nodes_of(tree, exp.Values):
        rows = [
            row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions
        ]
        if len(rows) > 1 and len({len(row) for row in rows}) == 1:
            for column in zip(*rows, strict=True):
                _cast_group([(each, None) for each in column], compared=False)


def _compared(node: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Expressions that are compared with one another."""
    if isinstance(node, (*COMPARISONS, *_OF_ARRAYS)):
        yield [node.this, node.expression]
    elif isinstance(node, exp.Between):
        yield [node.this, node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In):
        yield [node.this, *node.expressions]
    elif isinstance(node, exp.Case) and node.this is not None:
        yield [node.this, *(branch.this for branch in node.args["ifs"])]
    elif isinstance(node, exp.Anonymous) and node.name == "nullif":
        yield node.expressions


def _alternatives(node: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Expressions that stand for one another."""
    if isinstance(node, exp.Array) or (
        isinstance(node, exp.Anonymous) and node.name in _ALTERNATIVES
    ):
        yield node.expressions
    elif isinstance(node, exp.Anonymous) and node.name in _SHIFTED:
        yield node.expressions[::2]
    elif isinstance(node, exp.Case):
        default = node.args.get("default")
        values = [branch.args["true"] for branch in node.args["ifs"]]
        yield values if default is None else [*values, default]


def _cast_group(group: list[tuple[exp.Expr, Block | None]], compared: bool) -> None:
    literals = [value for value, _ in group if _is_literal(value)]
    if not literals or len(literals) == len(group):
        return
    others = (_typed(*each) for each in group if not _is_literal(each[0]))
    known = next((kind for kind in others if kind), None)
    if known is not None and (compared or known.name not in NUMBERS):
        for literal in literals:
            _cast(literal, known)


def _cast_joined(node: exp.DPipe, block: Block) -> None:
    """A literal that is joined to bytes is bytes, a parameter that is joined to an array is one."""
    for value, other in ((node.this, node.expression), (node.expression, node.this)):
        if not (_is_literal(value) or isinstance(value, exp.Parameter)):
            continue
        known = type_of(other, block)
        if _is_literal(value) and known is BYTEA:
            _cast(value, BYTEA)
        elif isinstance(value, exp.Parameter) and known is not None and known.element is not None:
            _cast(value, known)


def _is_literal(value: exp.Expr) -> bool:
    return isinstance(value, exp.Literal) and value.is_string


def _cast(literal: exp.Expr, known: Type) -> exp.Expr:
    made = exp.Cast(this=copied(literal), to=data_type(with_depth(known)))
    return literal.replace(made)


def _typed(tree: exp.Expr, block: Block | None) -> Type | None:
    known = type_of(tree, block)
    if known is None:
        return None
    array = known.element is not None and known.element.name in _ELEMENTS
    return known if array or known.name in _TYPED else None
