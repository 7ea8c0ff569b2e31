"""Types that do not go together, refused as PostgreSQL refuses them (manual, 10.2 and 10.5).

The engine would compare an integer with a text as texts and take any number for a condition. Only
what is known is judged: an expression whose type cannot be told goes to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlglot import exp

from gateway.errors import AmbiguousFunction, DatatypeMismatch, SyntaxFault, UndefinedFunction
from gateway.interrupts import check_for_interrupts
from gateway.sql.meaning.arguments import check_arguments, check_subscript
from gateway.sql.meaning.castable import check_cast
from gateway.sql.meaning.clauses import check_clauses, check_united
from gateway.sql.meaning.inference import GIVES, Types, info_of, is_untyped
from gateway.sql.meaning.numerals import is_pointed
from gateway.sql.meaning.results import common_type
from gateway.sql.meaning.scope import Analysis, Block, Output, place_of, position_of
from gateway.sql.meaning.windows import (
    check_aggregate,
    check_no_windows,
    check_ordered_set,
    check_range,
    check_window,
)
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import ByKind, Kinds, copied, own_nodes
from gateway.types import BOOL, BY_NAME, DATE, FLOATING, INTEGER, NUMERIC, TIMESTAMPTZ, Type

# The types that are judged, by what they are compared and computed with.
_FAMILIES = {
    **dict.fromkeys((*INTEGER, *FLOATING, "numeric"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "text"),
    **dict.fromkeys(("timestamp", "timestamptz"), "moment"),
    **{name: name for name in ("bool", "date", "time", "interval", "uuid")},
}
_BPCHAR = BY_NAME["bpchar"]
_ALIKE = {frozenset({"date", "moment"})}  # families whose values are compared
_COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "=", exp.NullSafeNEQ: "=",
}  # fmt: skip
_COMPUTED: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.Pow: "^",
}
# Operators of pg_operator between two families, but for those of numbers alone.
_OPERATORS = frozenset(
    {
        "date + number", "number + date", "date - number", "date - date", "date + interval",
        "interval + date", "date - interval", "date + time", "time + date", "date - moment",
        "moment - date", "moment + interval", "interval + moment", "moment - interval",
        "moment - moment", "interval + interval", "interval - interval", "interval * number",
        "number * interval", "interval / number", "time + interval", "interval + time",
        "time - interval", "time - time",
    }
)  # fmt: skip
_ALTERNATIVES = ("coalesce", "greatest", "least")
_HINT = (
    "No operator matches the given name and argument types. You might need to add explicit type "
    "casts."
)


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
        common = next((kind for kind in typed if _family(kind) not in (None, "text")), None)
        for side in sides:
            literal = side.expression
            if common is not None and literal is not None and literal.unnest().is_string:
                side.expression = _cast(literal.unnest(), common)
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
        bare = isinstance(value.parent, exp.Select)
        value.replace(exp.alias_(trimmed, side.name, quoted=True) if bare else trimmed)
        side.expression = trimmed


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
        cast = exp.Cast(this=value.copy(), to=data_type(common.sql))
        bare = isinstance(value.parent, exp.Select)
        value.replace(exp.alias_(cast, side.name, quoted=True) if bare else cast)
        side.expression = cast


def _sides(output: Output) -> Iterator[Output]:
    """The columns that a set operation joins, of all its branches; none of a single SELECT."""
    for side in output.sides:
        yield from _sides(side) if side.sides else (side,)


def _is_untyped(side: Output) -> bool:
    return side.expression is not None and is_untyped(side.expression.unnest())


def _family(known: Type | None) -> str | None:
    return None if known is None else _FAMILIES.get(known.name)


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
        _check_compared(node, [node.this, node.expression], _COMPARED[type(node)], known)


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
    _judge(node, [known.of(side) for side in sides], operator)


def _judge(node: exp.Expr, types: Sequence[Type | None], operator: str) -> None:
    families = frozenset(map(_family, types))
    arrays = [kind for kind in types if kind is not None and kind.element is not None]
    if len(arrays) == 1 and len(families - {None}) == 1:
        raise _no_operator(node, types, operator)
    if None in families or len(families) == 1 or families in _ALIKE:
        return
    raise _no_operator(node, types, operator)


def _check_computed(node: exp.Expr, known: Types) -> None:
    sides = [node.this, node.expression]
    if all(is_untyped(side.unnest()) for side in sides):
        raise AmbiguousFunction(
            f"operator is not unique: unknown {_COMPUTED[type(node)]} unknown",
            hint="Could not choose a best candidate operator. You might need to add explicit type "
            "casts.",
            position=place_of(node),
        )
    for side, other in (sides, sides[::-1]):
        kind = known.of(other) if side.is_string else None
        if kind is not None and _family(kind) == "number":
            _cast(side, NUMERIC if is_pointed(other) else kind)
            return
    if any(is_untyped(side.unnest()) for side in sides):
        return
    types = [known.of(side) for side in sides]
    left, right = map(_family, types)
    operator = _COMPUTED[type(node)]
    odd = any(kind is not None and kind.element is not None for kind in types)
    if odd and None not in types and not any(k and k.name == "jsonb" for k in types):
        raise _no_operator(node, types, operator)
    if None in (left, right) or left == right == "number":
        return
    if f"{left} {operator} {right}" not in _OPERATORS:
        raise _no_operator(node, types, operator)


def _check_negated(node: exp.Expr, known: Types) -> None:
    kind = None if is_untyped(node.this.unnest()) else known.of(node.this)
    if kind is not None and _family(kind) not in (None, "number", "interval"):
        raise UndefinedFunction(
            f"operator does not exist: - {kind.sql}", hint=_HINT, position=place_of(node)
        )


def _no_operator(node: exp.Expr, types: Sequence[Type | None], operator: str) -> UndefinedFunction:
    left, right = (kind.sql for kind in types if kind is not None)
    return UndefinedFunction(
        f"operator does not exist: {left} {operator} {right}",
        hint=_HINT,
        position=place_of(node),
    )


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
    common = known.of(node)
    if common is not None and isinstance(node, exp.Array):
        common = common.element
    if common is TIMESTAMPTZ:
        _zone_dates(values, known)
    if common is not None and _family(common) in ("number", "bool", "uuid"):
        for value in values:
            if value.unnest().is_string:
                _cast(value, common)


def _zone_dates(values: Sequence[exp.Expr], known: Types) -> None:
    """Of a date beside a moment with a zone the engine makes a timestamp, and of both one."""
    for value in values:
        if known.of(value) is DATE:
            _cast(value, TIMESTAMPTZ)


def _agree(what: str, types: Sequence[Type | None], values: Sequence[exp.Expr | None]) -> None:
    told = [
        (kind, value)
        for kind, value in zip(types, values, strict=True)
        if kind is not None and _family(kind) is not None
    ]
    for kind, value in told:
        first = told[0][0]
        families = frozenset({_family(first), _family(kind)})
        if len(families) > 1 and families not in _ALIKE:
            raise DatatypeMismatch(
                f"{what} types {first.sql} and {kind.sql} cannot be matched",
                position=position_of(value) if value is not None else 0,
            )


def _cast(literal: exp.Expr, kind: Type) -> exp.Expr:
    cast = exp.Cast(this=copied(literal), to=data_type(kind.sql))
    literal.replace(cast)
    return cast


_HOLDERS = (exp.Where, exp.Having, exp.Connector, exp.Not, exp.Join, exp.Case)


def _conditions(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """What must be true or false in a node, and what PostgreSQL calls the place."""
    if isinstance(node, exp.Where | exp.Having):
        inside = isinstance(node.parent, exp.Filter)
        yield "FILTER" if inside else node.key.upper(), node.this
    elif isinstance(node, exp.And | exp.Or):
        yield from ((node.key.upper(), side) for side in (node.this, node.expression))
    elif isinstance(node, exp.Not):
        yield "NOT", node.this
    elif isinstance(node, exp.Join) and node.args.get("on") is not None:
        yield "JOIN/ON", node.args["on"]
    elif isinstance(node, exp.Case) and node.this is None:
        yield from (("CASE/WHEN", branch.this) for branch in node.args["ifs"])


def _check_condition(place: str, condition: exp.Expr, known: Types) -> None:
    kind = known.of(condition)
    if is_untyped(condition.unnest()) or _family(kind) is None or kind is BOOL:
        return
    assert kind is not None
    raise DatatypeMismatch(
        f"argument of {place} must be type boolean, not type {kind.sql}",
        position=position_of(condition),
    )


_ROWS: tuple[tuple[Kinds, Callable[[exp.Expr, Types], None]], ...] = (
    ((*_COMPARED, exp.Between, exp.In), _check_comparison),
    (tuple(_COMPUTED), _check_computed),
    ((exp.Neg,), _check_negated),
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
