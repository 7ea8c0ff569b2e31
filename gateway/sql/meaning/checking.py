"""Types that do not go together, refused as PostgreSQL refuses them (manual, 10.2 and 10.5).

The engine would compare an integer with a text as texts and take any number for a condition. Only
what is known is judged: an expression whose type cannot be told goes to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlglot import exp

from gateway.errors import DatatypeMismatch, SyntaxFault
from gateway.interrupts import check_for_interrupts
from gateway.sql.inputs.number_input import NO_NUMBER
from gateway.sql.meaning.clauses import check_clauses, check_united
from gateway.sql.meaning.unordered import COMPARED, OF_ITEMS, refuse_unordered
from gateway.sql.meaning.windows import (
    check_aggregate,
    check_no_windows,
    check_ordered_set,
    check_range,
    check_window,
)
from gateway.sql.names.scope import Analysis, Block, Output, place_of, position_of
from gateway.sql.text.building import cast_copy
from gateway.sql.text.trees import ByKind, Kinds, own_nodes
from gateway.sql.text.worded_calls import IS_UNKNOWN
from gateway.sql.types.arguments import check_arguments, check_subscript
from gateway.sql.types.coercion import check_cast
from gateway.sql.types.computing import (
    BITWISE,
    COMPUTED,
    MATCHED,
    cast_literal,
    check_bits,
    check_computed,
    check_matched,
    check_negated,
    family,
    no_operator,
)
from gateway.sql.types.inference import GIVES, Types, info_of, is_untyped
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.results import common_type
from gateway.types import BOOL, BY_NAME, DATE, FLOAT8, INTEGER, NUMERIC, TIMESTAMPTZ, Type

_BPCHAR = BY_NAME["bpchar"]
_ALIKE = {frozenset({"date", "moment"})}  # families whose values are compared
_ALTERNATIVES = ("coalesce", "greatest", "least")


def check_types(analysis: Analysis, tree: exp.Expr) -> None:
    """Refuse what a statement compares, computes, joins or chooses between and may not.

    A quoted literal among alternatives takes their type, in place.

    Args:
        analysis: The blocks of a statement.
        tree: Its query.

    Raises:
        UndefinedFunction: 42883, there is no such operator.
        DatatypeMismatch: 42804, alternatives of several types, or a condition of another than bool.
    """
    check_united(tree)
    for block in analysis.blocks:
        check_clauses(block)
        _check_block(block)
    _check_united(analysis, tree)


def _check_block(block: Block) -> None:
    known = Types(block)
    for node in own_nodes(block.select):
        for check in _CHECKS.of(type(node)):
            check(node, known)
        if isinstance(node, _HOLDERS):
            for place, condition in _conditions(node):
                _check_condition(place, condition, known)


def _check_united(analysis: Analysis, tree: exp.Expr) -> None:
    queries = [source.query for block in analysis.blocks for source in block.sources
               if source.query is not None and not source.recursive]  # fmt: skip
    queries += [query for block in analysis.blocks for query in block.inner.values()]
    for query in queries:
        _check_outputs(query.outputs, query.tree)
    _check_outputs(analysis.outputs, tree)


def _check_outputs(outputs: Iterable[Output], tree: exp.Expr) -> None:
    while isinstance(tree, exp.Subquery):
        tree = tree.this
    operation = tree.key.upper() if isinstance(tree, exp.SetOperation) else "UNION"
    unions = all(isinstance(each, exp.Union) for each in _operations(tree))
    for output in outputs:
        sides = list(_sides(output))
        told = [side for side in sides if not _is_untyped(side)]
        typed = [info_of(side).type for side in told]
        _agree(operation, typed, [side.expression for side in told])
        common = next((kind for kind in typed if family(kind) not in (None, "text")), None)
        for side in sides:
            literal = side.expression
            if common is not None and literal is not None and literal.unnest().is_string:
                side.expression = cast_literal(literal.unnest(), common)
        if any(_compares(each) for each in _operations(tree)):
            for side, kind in zip(told, typed, strict=True):
                refuse_unordered("an equality operator", kind, side.expression)
        _unite(sides, unions, common_type(typed))
        if _BPCHAR in typed and any(_compares(each) for each in _operations(tree)):
            _unpad(sides)


def _compares(operation: exp.SetOperation) -> bool:
    return bool(operation.args.get("distinct")) or not isinstance(operation, exp.Union)


def _unpad(sides: Sequence[Output]) -> None:
    """Leave the blanks out at the end of character(n), which is as equal without them."""
    for side in sides:
        value = side.expression
        if value is None or info_of(side).type is not _BPCHAR:
            continue
        trimmed = exp.Anonymous(this="rtrim", expressions=[value.copy()])
        trimmed.meta[GIVES] = _BPCHAR
        _put(side, value, trimmed)


def _operations(tree: exp.Expr) -> Iterator[exp.SetOperation]:
    """A set operation and those that are its sides."""
    while isinstance(tree, exp.Subquery):
        tree = tree.this
    if isinstance(tree, exp.SetOperation):
        yield tree
        yield from _operations(tree.left)
        yield from _operations(tree.right)


def _unite(sides: Sequence[Output], unions: bool, common: Type | None) -> None:
    """Cast columns to the type that they have together, where the engine would take the left one's.

    It does so for EXCEPT and INTERSECT, and of a date and a moment with a zone it makes a
    timestamp.
    """
    if common is None or (unions and common is not TIMESTAMPTZ):
        return
    for side in sides:
        value = side.expression
        if value is None or _is_untyped(side) or info_of(side).type is common:
            continue
        _put(side, value, cast_copy(value, common))


def _put(side: Output, value: exp.Expr, made: exp.Expr) -> None:
    """Put a value in the place of a column's, under its name."""
    bare = isinstance(value.parent, exp.Select)
    value.replace(exp.alias_(made, side.name, quoted=True) if bare else made)
    side.expression = made


def _sides(output: Output) -> Iterator[Output]:
    """The columns that a set operation joins, of all its branches; none of a single SELECT."""
    for side in output.sides:
        yield from _sides(side) if side.sides else (side,)


def _is_untyped(side: Output) -> bool:
    return side.expression is not None and is_untyped(side.expression.unnest())


def _check_comparison(node: exp.Expr, known: Types) -> None:
    if isinstance(node, exp.Between):
        _check_compared(node, [node.this, node.args["low"]], ">=", known)
        _check_compared(node, [node.this, node.args["high"]], "<=", known)
    elif isinstance(node, exp.In):
        _check_among(node, known)
        for value in node.expressions:
            check_for_interrupts()
            _check_compared(node, [node.this, value], "=", known)
    else:
        _check_compared(node, [node.this, node.expression], COMPARED[type(node)], known)


def _check_among(node: exp.In, known: Types) -> None:
    """A query in IN has as many columns as what is looked for, and of such types."""
    inner = node.args.get("query")
    query = None if inner is None or known.block is None else known.block.inner.get(id(inner))
    if query is None or not query.outputs:
        return
    sought = node.this.unnest()
    width = len(sought.expressions) if isinstance(sought, exp.Tuple) else 1
    if len(query.outputs) != width:
        many = "many" if len(query.outputs) > width else "few"
        raise SyntaxFault(f"subquery has too {many} columns", position=place_of(node))
    if width == 1 and not (is_untyped(sought) or _is_untyped(query.outputs[0])):
        _judge(node, [known.of(sought), info_of(query.outputs[0]).type], "=")


def _check_chosen(node: exp.Expr, known: Types) -> None:
    """What CASE and nullif look for is compared with what they look at."""
    if isinstance(node, exp.Case) and node.this is not None:
        for branch in node.args["ifs"]:
            _check_compared(node, [node.this, branch.this], "=", known)
    elif node.name == "nullif" and len(node.expressions) == 2:
        _check_compared(node, node.expressions, "=", known)


def _check_compared(node: exp.Expr, sides: Sequence[exp.Expr], operator: str, known: Types) -> None:
    if any(is_untyped(side.unnest()) or isinstance(side, exp.SubqueryPredicate) for side in sides):
        return
    types = [known.of(side) for side in sides]
    if _differ(sides, types):
        raise no_operator(node, types, operator)
    _judge(node, types, operator)


def _differ(sides: Sequence[exp.Expr], types: Sequence[Type | None]) -> bool:
    """Whether both are arrays that have them in a table or by a cast, of items of two types."""
    told = all(isinstance(side.unnest(), exp.Column | exp.Cast) for side in sides)
    items = {kind.element for kind in types if kind is not None and kind.element is not None}
    return told and None not in types and len(items) == len(types) == 2


def _check_arrays(node: exp.Expr, known: Types) -> None:
    _check_compared(node, [node.this, node.expression], OF_ITEMS[type(node)], known)


def _sort(kind: Type | None) -> str | None:
    """What a type is compared with, or chosen beside; None where it is not judged."""
    if kind is not None and kind.element is not None:
        inside = _sort(kind.element)
        return None if inside is None else f"{inside}[]"
    if kind is not None and kind.name in ("json", "jsonb", "bytea"):
        return kind.name
    return family(kind)


def _judge(node: exp.Expr, types: Sequence[Type | None], operator: str) -> None:
    families = frozenset(map(_sort, types))
    arrays = [kind for kind in types if kind is not None and kind.element is not None]
    if len(arrays) == 1 and None not in types and families != {None}:
        raise no_operator(node, types, operator)
    if None in families or len(families) == 1 or families in _ALIKE:
        return
    raise no_operator(node, types, operator)


def _check_alternatives(node: exp.Expr, known: Types) -> None:
    if isinstance(node, exp.Case):
        what, values = "CASE", [branch.args["true"] for branch in node.args["ifs"]]
        if node.args.get("default") is not None:
            values.insert(0, node.args["default"])  # PostgreSQL looks at it first
    elif isinstance(node, exp.Array):
        what, values = "ARRAY", node.expressions
    elif node.name in _ALTERNATIVES:
        what, values = node.name.upper(), node.expressions
    else:
        return
    typed = [value for value in values if not is_untyped(value.unnest())]
    _agree(what, [known.of(value) for value in typed], typed)
    if what in ("GREATEST", "LEAST"):
        for value in typed:
            refuse_unordered("a comparison function", known.of(value), value)
    _cast_alternatives(node, values, typed, known)


_TAKING = ("number", "bool", "uuid", "inet")  # families whose type a quoted literal takes


def _cast_alternatives(
    node: exp.Expr, values: Sequence[exp.Expr], typed: Sequence[exp.Expr], known: Types
) -> None:
    """Give quoted literals the type of the others, which are `typed`, in place."""
    common = known.of(node)
    if common is not None and isinstance(node, exp.Array):
        common = common.element
    if common is TIMESTAMPTZ:
        _zone_dates(values, known)
    if common is None or not (common.is_enum or family(common) in _TAKING):
        return
    exact = common is FLOAT8 and all(_is_exact(value, known) for value in typed)
    for value in values:
        if value.unnest().is_string:
            number = value.unnest().name.strip().lower() not in NO_NUMBER
            cast_literal(value, NUMERIC if exact and number else common)


def _is_exact(value: exp.Expr, known: Types) -> bool:
    """Whether a double here is a numeric in PostgreSQL, as the text beside it is then."""
    kind = known.of(value)
    return is_pointed(value) or kind is NUMERIC or (kind is not None and kind.name in INTEGER)


def _zone_dates(values: Sequence[exp.Expr], known: Types) -> None:
    """Of a date beside a moment with a zone the engine makes a timestamp, and of both one."""
    for value in values:
        if known.of(value) is DATE:
            cast_literal(value, TIMESTAMPTZ)


def _agree(what: str, types: Sequence[Type | None], values: Sequence[exp.Expr | None]) -> None:
    told = [
        (kind, value)
        for kind, value in zip(types, values, strict=True)
        if kind is not None and _sort(kind) is not None
    ]
    for kind, value in told:
        first = told[0][0]
        families = frozenset({_sort(first), _sort(kind)})
        if len(families) > 1 and families not in _ALIKE:
            raise DatatypeMismatch(
                f"{what} types {first.sql} and {kind.sql} cannot be matched",
                position=position_of(value) if value is not None else 0,
            )


_HOLDERS = (exp.Where, exp.Having, exp.Connector, exp.Not, exp.Join, exp.Case, exp.Is)


def _conditions(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """What must be true or false in a node, and what PostgreSQL calls the place."""
    if isinstance(node, exp.Where | exp.Having):
        inside = isinstance(node.parent, exp.Filter)
        yield "FILTER" if inside else node.key.upper(), node.this
    elif isinstance(node, exp.And | exp.Or):
        yield from ((node.key.upper(), side) for side in (node.this, node.expression))
    elif isinstance(node, exp.Not):
        yield "NOT", node.this
    elif isinstance(node, exp.Is):
        negated = "NOT " * bool(node.args.get("negate") or isinstance(node.parent, exp.Not))
        if node.meta_get(IS_UNKNOWN):
            yield f"IS {negated}UNKNOWN", node.this
        elif isinstance(node.expression, exp.Boolean):
            yield f"IS {negated}{str(node.expression.this).upper()}", node.this
    elif isinstance(node, exp.Join) and node.args.get("on") is not None:
        yield "JOIN/ON", node.args["on"]
    elif isinstance(node, exp.Case) and node.this is None:
        yield from (("CASE/WHEN", branch.this) for branch in node.args["ifs"])


def _check_condition(place: str, condition: exp.Expr, known: Types) -> None:
    kind = known.of(condition)
    if is_untyped(condition.unnest()) or family(kind) is None or kind is BOOL:
        return
    assert kind is not None
    raise DatatypeMismatch(
        f"argument of {place} must be type boolean, not type {kind.sql}",
        position=position_of(condition),
    )


_ROWS: tuple[tuple[Kinds, Callable[[exp.Expr, Types], None]], ...] = (
    ((*COMPARED, exp.Between, exp.In), _check_comparison),
    (tuple(OF_ITEMS), _check_arrays),
    (tuple(COMPUTED), check_computed),
    ((*BITWISE, exp.BitwiseNot), check_bits),
    ((exp.Neg,), check_negated),
    (MATCHED, check_matched),
    ((exp.Case, exp.Anonymous), _check_chosen),
    ((exp.Cast,), check_cast),
    ((exp.Anonymous,), check_arguments),
    ((exp.WithinGroup,), check_ordered_set),
    ((exp.Window,), check_range),
    ((exp.Bracket,), check_subscript),
    ((exp.Case, exp.Anonymous, exp.Array), _check_alternatives),
    ((exp.Anonymous,), check_window),
    ((exp.Anonymous,), check_aggregate),
    ((exp.Where, exp.Group, exp.Having), check_no_windows),
)
_CHECKS = ByKind(_ROWS)
