"""Offsets of window frames that are parameters: `ROWS BETWEEN $1 PRECEDING AND CURRENT ROW`.

The engine plans with a frame's numbers, so they are written into the statement: those of the
parameters' values to run it, and any to describe it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

import pyarrow as pa
from sqlglot import exp

from gateway.errors import FeatureNotSupported, NullValueNotAllowed
from gateway.sql.meaning.frames import SIDES, is_of_values, negative_offset
from gateway.sql.statements.statement import Statement
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.parameters import number, postgres_type
from gateway.types import INT8, INTEGER, INTERVAL, Type

_WORDS = ("PRECEDING", "FOLLOWING")
_REALS = frozenset({"numeric", "float4", "float8"})


def parameters_in_frames(statement: Statement, declared: Mapping[int, Type]) -> dict[int, Type]:
    """The parameters in offsets of frames, and their types.

    Left out are those whose type neither client nor text tells, but for `ROWS` and `GROUPS`, which
    count in bigint.
    """
    tree, text = statement.tree, statement.text.upper()
    if not isinstance(tree, exp.Expr) or "$" not in text or not any(w in text for w in _WORDS):
        return {}
    found: dict[int, Type] = {}
    for spec, side, _ in _offsets(tree):
        for parameter in spec.args[side].find_all(exp.Parameter):
            kind = _type(spec, parameter, declared)
            if kind is not None:
                found.setdefault(number(parameter), kind)
    return found


def with_any_offsets(statement: Statement, offsets: Mapping[int, Type]) -> Statement:
    """The statement to be described, which has some offset in the place of each parameter."""
    some = {n: _literal("1 day" if kind is INTERVAL else 1) for n, kind in offsets.items()}
    return _with(statement, some) if some else statement


def with_offsets(
    statement: Statement, types: Sequence[Type], values: Sequence[pa.Scalar]
) -> Statement:
    """The statement to be run, with the parameters' values.

    Raises:
        NullValueNotAllowed: 22004. InvalidFrameOffset: 22013, a negative one.
        FeatureNotSupported: 0A000, an infinite one.
    """
    found = parameters_in_frames(statement, dict(enumerate(types, 1)))
    if not found:
        return statement
    return _with(statement, {n: _value(values[n - 1]) for n in found if n <= len(values)})


def _offsets(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str, str]]:
    for spec in nodes_of(tree, exp.WindowSpec):
        for side, word in SIDES:
            if isinstance(spec.args.get(side), exp.Expr):
                yield spec, side, word


def _type(spec: exp.Expr, parameter: exp.Parameter, declared: Mapping[int, Type]) -> Type | None:
    parent = parameter.parent
    kind = declared.get(number(parameter))
    if kind is None and isinstance(parent, exp.Cast):
        kind = postgres_type(parent.args["to"])
    if kind is None and not is_of_values(spec):
        kind = INT8
    known = kind is not None and (kind.name in {*INTEGER, *_REALS} or kind is INTERVAL)
    return kind if known else None


def _with(statement: Statement, literals: Mapping[int, exp.Literal | exp.Cast | None]) -> Statement:
    assert isinstance(statement.tree, exp.Expr)
    tree = copied(statement.tree)
    for spec, side, word in _offsets(tree):
        for parameter in list(spec.args[side].find_all(exp.Parameter)):
            if number(parameter) not in literals:
                continue
            literal = literals[number(parameter)]
            if literal is None:
                raise NullValueNotAllowed(f"frame {word} offset must not be null")
            _put(parameter, literal if is_of_values(spec) else _rounded(literal))
        if spec.args[side].find(exp.Parameter) is None and _is_negative(spec.args[side]):
            raise negative_offset(spec, word)
    return replace(statement, tree=tree)


def _put(parameter: exp.Expr, literal: exp.Expr) -> None:
    """A literal in the place of a parameter and of casts around it, which it has the type of."""
    place = parameter
    while isinstance(place.parent, exp.Cast | exp.Paren):
        place = place.parent
    place.replace(literal.copy())


def _is_negative(offset: exp.Expr) -> bool:
    text = offset.this.name if isinstance(offset, exp.Cast) else offset.name
    return text.startswith("-")


def _rounded(literal: exp.Literal | exp.Cast) -> exp.Expr:
    """As a count: of a number with a point, the nearest whole one."""
    if isinstance(literal, exp.Cast) or literal.is_int:
        return literal
    return exp.Literal.number(int(Decimal(literal.name).to_integral_value(ROUND_HALF_EVEN)))


def _value(value: pa.Scalar) -> exp.Literal | exp.Cast | None:
    """A value as a literal, with its sign in it; None of NULL."""
    if not value.is_valid:
        return None
    held = value.as_py()
    if isinstance(held, int | float | Decimal):
        if not math.isfinite(held):
            raise FeatureNotSupported("an infinite offset of a window frame is not supported")
        return _literal(held)
    months, days, nanoseconds = held
    sign = "-" if months * 30 + days + nanoseconds / 86400e9 < 0 else " "
    return _literal(f"{sign}{months} months {days} days {nanoseconds // 1000} microseconds")


def _literal(value: float | Decimal | str) -> exp.Literal | exp.Cast:
    if isinstance(value, str):
        return exp.Cast(this=exp.Literal.string(value), to=data_type("interval"))
    return exp.Literal(this=format(Decimal(str(value)), "f"), is_string=False)
