"""What cannot be differentiated, said by name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import NotDifferentiable
from gateway.sql.lowered.values.not_numbers import is_unsigned
from gateway.sql.lowered.values.written import STYLED, WRITTEN
from gateway.sql.meaning.volatile import call_name, volatile_call
from gateway.sql.names.scope import AGGREGATES, Block, position_of
from gateway.sql.text.dialect import DIALECT
from gateway.sql.types.arguments import no_function
from gateway.sql.types.inference import Types
from gateway.sql.types.overload_rows import NUMBER_ROWS
from gateway.sql.types.results import ALONG
from gateway.types import Type

_WRITERS = frozenset((*WRITTEN.values(), *STYLED.values()))


def shown(tree: exp.Expr) -> str:
    """An expression as the user wrote it: what becomes text by itself, or has the sign of a NaN
    taken away, is not seen to do so."""
    return tree.copy().transform(_unwritten).sql(dialect=DIALECT)


def _unwritten(node: exp.Expr) -> exp.Expr:
    written = isinstance(node, exp.Anonymous) and node.name in _WRITERS
    if written or is_unsigned(node):
        given: exp.Expr = node.expressions[0]
        return given
    if isinstance(node, exp.Anonymous) and node.name in USER_NAMES:
        node.set("this", USER_NAMES[node.name])
    return node


def _names() -> Iterator[tuple[str, str]]:
    """Functions of the engine that calls became, and what the user called."""
    known = {call.partition("(")[0] for call, _ in NUMBER_ROWS}
    for call, made in NUMBER_ROWS:
        inner, opened, _ = made.partition("(")
        if opened and inner.isidentifier() and inner not in known:
            yield inner, call.partition("(")[0]


# What the user called, by the function of the engine that the call became.
USER_NAMES = dict(_names())


def called(tree: exp.Expr) -> exp.Anonymous | None:
    """The call in `tree`, which is one with FILTER or OVER around it; None of anything else."""
    while isinstance(tree, _AROUND):
        tree = tree.this
    return tree if isinstance(tree, exp.Anonymous) else None


def inner_call(tree: exp.Expr) -> exp.Anonymous:
    """The call of an aggregate or a function over a window."""
    call = called(tree)
    assert call is not None
    return call


_AROUND = (exp.Window, exp.Filter, exp.WithinGroup)
_READ = "_of_text"  # how the names of functions end that casts of texts became


def not_a_number(tree: exp.Expr, known: Type) -> NotDifferentiable:
    """The refusal of an expression of another type than numbers have."""
    return NotDifferentiable(
        f"{shown(tree)} is of type {known.sql}, not a number",
        hint="Cast it to double precision if it holds one.",
        position=position_of(tree),
    )


def without_derivative(tree: exp.Expr) -> NotDifferentiable:
    """The refusal of an aggregate, or of a function over a window."""
    call = inner_call(tree)
    distinct = "DISTINCT " if any(isinstance(a, exp.Distinct) for a in call.expressions) else ""
    over = " OVER" if isinstance(tree, exp.Window) else ""
    return NotDifferentiable(
        f"{call.name.lower()}({distinct}...){over} has no derivative rule",
        hint="docs/functions.md lists the aggregates and window functions that have one.",
        position=position_of(tree),
    )


def no_rule(tree: exp.Expr, block: Block | None = None) -> NotDifferentiable:
    """The refusal of anything that has no rule, in a SELECT."""
    call = called(tree)
    if call is not None and (call is not tree or call_name(call) in AGGREGATES):
        return without_derivative(tree)
    hint = "docs/derivatives.md lists what can be differentiated."
    if call is not None and call_name(call) in ALONG:
        name = call_name(call)
        return NotDifferentiable(
            f"{name} at one row depends on the rows beside it, so it has no derivative by a "
            "column of one row",
            hint=f"Differentiate inside: {name}(grad(expression, column), dimension).",
            position=position_of(call),
        )
    if call is not None and call_name(call).endswith(_READ):
        subject = f"a cast of the text {shown(call.expressions[0])}"
        hint = "What is cast is no number."
    elif call is not None:
        subject = f"function {USER_NAMES.get(call_name(call), call_name(call))}"
        hint = "Write it with functions that have one: docs/functions.md lists them."
    elif isinstance(tree, exp.Query):
        subject = "a subquery that depends on the column"
    elif isinstance(tree, exp.Cast):
        subject = f"the cast {shown(tree)}"
        floating = tree.to.this in exp.DataType.FLOAT_TYPES
        hint = "What is cast is no number." if floating else "Cast to double precision."
    else:
        subject = f"the SQL expression {shown(tree)}"
    message = f"{subject} has no derivative rule"
    refusal = NotDifferentiable(message, hint=hint, position=position_of(tree))
    if call is not None:
        refusal.unknown = call_name(call), no_function(call, call.expressions, Types(block))
    return refusal


def integer_division(tree: exp.Div, known: bool) -> NotDifferentiable:
    """The refusal of a division that is one of integers, or may be."""
    text = shown(tree)
    return NotDifferentiable(
        f"{text} is a division of integers, a step function"
        if known
        else f"cannot tell whether {text} divides integers",
        hint="Cast one side to double precision.",
        position=position_of(tree),
    )


def refuse_volatile(tree: exp.Expr) -> None:
    """Refuse what gives another value at each call: a derivative would evaluate it a second time.

    Raises:
        NotDifferentiable: 0A000.
    """
    if (call := volatile_call(tree)) is not None:
        raise NotDifferentiable(
            f"{call_name(call)}() gives another value at each call and cannot stand in a "
            "derivative",
            hint="Compute it once in a subquery and use its column.",
            position=position_of(call),
        )
