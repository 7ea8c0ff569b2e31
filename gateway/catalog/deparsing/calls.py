"""Calls analysed: functions, aggregates, window functions, and what is a keyword of the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from gateway.catalog.deparsing.converting import converted
from gateway.catalog.deparsing.nodes import Kind, Node, Over, Unprintable
from gateway.catalog.system.static import Routine
from gateway.catalog.translation.resolution import INT8, TEXT, common_type, function_meant
from gateway.sql.text.quoting import identifier

if TYPE_CHECKING:
    from gateway.catalog.deparsing.analysing import Analysis
    from gateway.catalog.deparsing.relating import Scope

_ALIKE = ("coalesce", "greatest", "least")
# The grammar has words of its own for these, which the parser does not tell from a call.
_EITHER = frozenset({"overlay", "normalize"})
_VARIADIC_ANY = 2276


def called(within: Analysis, tree: exp.Anonymous, scope: Scope) -> Node:
    """A call."""
    name = str(tree.this)
    if name in _ALIKE:
        args = within.nodes(tree.expressions, scope)
        kind = common_type([each.type for each in args])
        parts = tuple(converted(each, kind) for each in args)
        return Node(Kind.KEYWORD_CALL, kind, parts, name.upper())
    if name == "nullif":
        both = within.nodes(tree.expressions, scope)
        found = within.operator("=", both)
        return Node(Kind.KEYWORD_CALL, found.args[0].type, found.args, "NULLIF")
    if name == "position":
        whole, part = (converted(n, TEXT) for n in within.nodes(tree.expressions, scope))
        return Node(Kind.SYNTAX, 23, (part, whole), "POSITION(({0}) IN ({1}))")
    if name == "trim":
        args = [converted(n, TEXT) for n in within.nodes(tree.expressions, scope)]
        what = "BOTH {1} FROM {0}" if len(args) == 2 else "BOTH FROM {0}"
        return Node(Kind.SYNTAX, TEXT, tuple(args), f"TRIM({what})")
    if name in _EITHER or name in ("array", "any", "all", "row"):
        raise Unprintable(name)
    return _function(within, name, list(tree.expressions), scope)


def _function(within: Analysis, name: str, trees: list[exp.Expr], scope: Scope) -> Node:
    if len(trees) == 1 and isinstance(trees[0], exp.Star):
        return Node(Kind.AGGREGATE, INT8, text=f"{name}(*)")
    trees, distinct, order = _modified(trees)
    args = within.nodes(trees, scope)
    types = tuple(each.type for each in args)
    found, shown = function_meant(name, types), identifier(name)
    if found is None and within.functions is not None:
        shown, found = within.functions(name, types)
    if found is None:
        raise Unprintable(name)
    parts = tuple(_arguments(found.routine, args, found.arguments))
    if found.routine.kind != "a":
        if distinct or order:
            raise Unprintable(name)
        kind = Kind.CALL if found.routine.kind == "f" else Kind.WINDOW
        return Node(kind, found.result, parts, shown)
    sorted_by = tuple(within.sorted_by(each, within.node(each.this, scope)) for each in order)
    return Node(
        Kind.AGGREGATE, found.result, parts, shown, distinct=distinct, order=sorted_by
    )  # fmt: skip


def _arguments(routine: Routine, args: Sequence[Node], kinds: Sequence[int]) -> list[Node]:
    if routine.variadic and routine.arguments[-1] != _VARIADIC_ANY:
        raise Unprintable("VARIADIC")
    wanted = [*routine.arguments, *[_VARIADIC_ANY] * len(args)]
    pairs = zip(args, kinds, wanted, strict=False)
    return [each if w == _VARIADIC_ANY else converted(each, kind) for each, kind, w in pairs]


def _modified(trees: list[exp.Expr]) -> tuple[list[exp.Expr], bool, list[exp.Expr]]:
    """Arguments without the DISTINCT and the ORDER BY among them, and those."""
    order: list[exp.Expr] = []
    distinct = False
    if trees and isinstance(trees[-1], exp.Order):
        order = list(trees[-1].expressions)
        trees = [*trees[:-1], trees[-1].this]
    if trees and isinstance(trees[0], exp.Distinct):
        distinct, trees = True, [*trees[0].expressions, *trees[1:]]
    return trees, distinct, order


def windowed(within: Analysis, tree: exp.Expr, scope: Scope) -> Node:
    """FILTER (WHERE ...) and OVER (...)."""
    if isinstance(tree, exp.WithinGroup):
        return _within_group(within, tree, scope)
    inside = within.node(tree.this, scope)
    if isinstance(tree, exp.Filter):
        if inside.kind is not Kind.AGGREGATE:
            raise Unprintable("FILTER")
        return replace(inside, condition=within.condition(tree.expression.this, scope))
    if inside.kind not in (Kind.AGGREGATE, Kind.WINDOW):
        raise Unprintable("OVER")
    return replace(inside, kind=Kind.WINDOW, over=over(within, tree, scope))


def _within_group(within: Analysis, tree: exp.WithinGroup, scope: Scope) -> Node:
    call, items = tree.this, tree.expression.expressions
    direct = within.nodes(call.expressions, scope)
    ordered = [within.node(each.this, scope) for each in items]
    types = tuple(each.type for each in (*direct, *ordered))
    found = function_meant(call.name, types)
    if found is None or found.routine.variadic:
        raise Unprintable(call.name)
    args = [
        converted(each, kind)
        for each, kind in zip((*direct, *ordered), found.arguments, strict=True)
    ]
    order = tuple(
        within.sorted_by(item, node) for item, node in zip(items, args[len(direct) :], strict=True)
    )
    parts = tuple(args[: len(direct)])
    return Node(Kind.AGGREGATE, found.result, parts, call.name, order=order, word="WITHIN GROUP")


def over(within: Analysis, tree: Any, scope: Scope) -> Over:
    """A window: a name, or what is in its parentheses."""
    name = tree.args.get("alias")
    partitions = tuple(within.nodes(tree.args.get("partition_by") or [], scope))
    order = tree.args.get("order")
    items = order.expressions if order is not None else ()
    sorted_by = tuple(within.sorted_by(each, within.node(each.this, scope)) for each in items)
    spec = tree.args.get("spec")
    if name is not None and (partitions or sorted_by or spec):
        raise Unprintable("a window over a window")
    return Over(name.name if name is not None else "", partitions, sorted_by, _frame(spec))


def _frame(spec: exp.WindowSpec | None) -> str:
    if spec is None:
        return ""
    if spec.args.get("exclude"):
        raise Unprintable("EXCLUDE")
    start, end = (_bound(spec, side) for side in ("start", "end"))
    kind = str(spec.args["kind"]).upper()
    return f"{kind} BETWEEN {start} AND {end}" if end else f"{kind} {start}"


def _bound(spec: exp.WindowSpec, side: str) -> str:
    value, way = spec.args.get(side), spec.args.get(f"{side}_side")
    if value is None:
        return ""
    if isinstance(value, exp.Expr) and not (isinstance(value, exp.Literal) and value.is_int):
        raise Unprintable("a frame")
    shown = value.name if isinstance(value, exp.Expr) else str(value).upper()
    return f"{shown} {way.upper()}" if way else shown
