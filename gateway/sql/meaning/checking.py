"""Types that do not go together, refused as PostgreSQL refuses them (manual, 10.2 and 10.5).

The engine would compare an integer with a text as texts and take any number for a condition. Only
what is known is judged: an expression whose type cannot be told goes to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlglot import exp

from gateway.errors import DatatypeMismatch, UndefinedFunction, WindowingError, WrongObjectType
from gateway.sql.meaning.inference import Types, info_of, is_untyped
from gateway.sql.meaning.scope import Analysis, Block, Output, position_of
from gateway.sql.text.dialect import DIALECT
from gateway.sql.text.trees import copied, own_nodes
from gateway.types import BOOL, FLOATING, INTEGER, Type

# The types that are judged, by what they are compared and computed with.
_FAMILIES = {
    **dict.fromkeys((*INTEGER, *FLOATING, "numeric"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "text"),
    **dict.fromkeys(("timestamp", "timestamptz"), "moment"),
    **{name: name for name in ("bool", "date", "time", "interval", "uuid")},
}
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
_OVER_WINDOWS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"}
)
_HINT = (
    "No operator matches the given name and argument types. You might need to add explicit type "
    "casts."
)


def check_types(analysis: Analysis) -> None:
    """Refuse what a statement compares, computes, joins or chooses between and may not.

    A quoted literal among alternatives takes their type, in place.

    Raises:
        UndefinedFunction: 42883, there is no such operator.
        DatatypeMismatch: 42804, alternatives of several types, or a condition of another than bool.
    """
    for block in analysis.blocks:
        _check_block(block)
    _check_united(analysis)


def _check_block(block: Block) -> None:
    known = Types(block)
    for node in own_nodes(block.select):
        for kinds, check in _CHECKS:
            if isinstance(node, kinds):
                check(node, known)
        for place, condition in _conditions(node):
            _check_condition(place, condition, known)


def _check_united(analysis: Analysis) -> None:
    queries = [source.query for block in analysis.blocks for source in block.sources
               if source.query is not None and not source.recursive]  # fmt: skip
    queries += [query for block in analysis.blocks for query in block.inner.values()]
    for query in queries:
        _check_outputs(query.outputs, _operation(query.tree))
    _check_outputs(analysis.outputs, "UNION")


def _operation(tree: exp.Expr) -> str:
    return tree.key.upper() if isinstance(tree, exp.SetOperation) else "UNION"


def _check_outputs(outputs: Iterable[Output], operation: str) -> None:
    for output in outputs:
        sides = list(_sides(output))
        typed = [info_of(side).type for side in sides if not _is_untyped(side)]
        _agree(operation, typed, next((s.expression for s in sides if s.expression), None))
        common = next((kind for kind in typed if _family(kind) not in (None, "text")), None)
        for side in sides:
            literal = side.expression
            if common is not None and literal is not None and literal.unnest().is_string:
                side.expression = _cast(literal.unnest(), common)


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
        for value in node.expressions:
            _check_compared(node, [node.this, value], "=", known)
    else:
        _check_compared(node, [node.this, node.expression], _COMPARED[type(node)], known)


def _check_compared(node: exp.Expr, sides: Sequence[exp.Expr], operator: str, known: Types) -> None:
    if any(is_untyped(side.unnest()) or isinstance(side, exp.SubqueryPredicate) for side in sides):
        return
    types = [known.of(side) for side in sides]
    families = frozenset(map(_family, types))
    if None in families or len(families) == 1 or families in _ALIKE:
        return
    raise _no_operator(node, types, operator)


def _check_computed(node: exp.Expr, known: Types) -> None:
    sides = [node.this, node.expression]
    if any(is_untyped(side.unnest()) for side in sides):
        return
    types = [known.of(side) for side in sides]
    left, right = map(_family, types)
    operator = _COMPUTED[type(node)]
    if None in (left, right) or left == right == "number":
        return
    if f"{left} {operator} {right}" not in _OPERATORS:
        raise _no_operator(node, types, operator)


def _check_negated(node: exp.Expr, known: Types) -> None:
    kind = None if is_untyped(node.this.unnest()) else known.of(node.this)
    if kind is not None and _family(kind) not in (None, "number", "interval"):
        raise UndefinedFunction(
            f"operator does not exist: - {kind.sql}", hint=_HINT, position=position_of(node)
        )


def _check_window(node: exp.Expr, known: Types) -> None:
    if node.name not in _OVER_WINDOWS:
        return
    around = node.parent
    while isinstance(around, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        around = around.parent
    if not isinstance(around, exp.Window | exp.WithinGroup):
        raise WrongObjectType(
            f"window function {node.name} requires an OVER clause", position=position_of(node)
        )


def _check_no_windows(clause: exp.Expr, known: Types) -> None:
    over = next((n for n in own_nodes(clause) if isinstance(n, exp.Window)), None)
    if over is not None:
        place = {"group": "GROUP BY"}.get(clause.key, clause.key.upper())
        raise WindowingError(
            f"window functions are not allowed in {place}", position=position_of(over)
        )


def _no_operator(node: exp.Expr, types: Sequence[Type | None], operator: str) -> UndefinedFunction:
    left, right = (kind.sql for kind in types if kind is not None)
    return UndefinedFunction(
        f"operator does not exist: {left} {operator} {right}",
        hint=_HINT,
        position=position_of(node),
    )


def _check_alternatives(node: exp.Expr, known: Types) -> None:
    if isinstance(node, exp.Case):
        what, values = "CASE", [branch.args["true"] for branch in node.args["ifs"]]
        if node.args.get("default") is not None:
            values.insert(0, node.args["default"])  # PostgreSQL looks at it first
    elif node.name in _ALTERNATIVES:
        what, values = node.name.upper(), node.expressions
    else:
        return
    typed = [value for value in values if not is_untyped(value.unnest())]
    _agree(what, [known.of(value) for value in typed], node)
    common = known.of(node)
    if common is not None and _family(common) in ("number", "bool", "uuid"):
        for value in values:
            if value.unnest().is_string:
                _cast(value, common)


def _agree(what: str, types: Sequence[Type | None], at: exp.Expr | None) -> None:
    told = [kind for kind in types if kind is not None and _family(kind) is not None]
    for kind in told:
        families = frozenset({_family(told[0]), _family(kind)})
        if len(families) > 1 and families not in _ALIKE:
            raise DatatypeMismatch(
                f"{what} types {told[0].sql} and {kind.sql} cannot be matched",
                position=position_of(at) if at is not None else 0,
            )


def _cast(literal: exp.Expr, kind: Type) -> exp.Expr:
    cast = exp.Cast(this=copied(literal), to=exp.DataType.build(kind.sql, dialect=DIALECT))
    literal.replace(cast)
    return cast


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


_CHECKS: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, Types], None]], ...] = (
    ((*_COMPARED, exp.Between, exp.In), _check_comparison),
    (tuple(_COMPUTED), _check_computed),
    ((exp.Neg,), _check_negated),
    ((exp.Case, exp.Anonymous), _check_alternatives),
    ((exp.Anonymous,), _check_window),
    ((exp.Where, exp.Group, exp.Having), _check_no_windows),
)
