"""EXCLUDE in a window's frame (PostgreSQL manual, 4.2.8), which the engine lacks.

What is left of a frame is up to four frames that the engine has: before and after what is left out,
the row itself, and the others of its group. An aggregate over all of them is put together of the
aggregates over each. Where the row's group begins inside a frame that counts rows or values cannot
be written so, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import NUMERIC, Type

_FAR = 2**62
# Functions that look at the whole partition, whatever the frame.
_FRAMELESS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"}
)
Bounds = tuple[int, int]  # rows or groups after the current one; negative before it


def leave_out(block: Block) -> bool:
    """Write such windows as several, in place; whether there was one.

    Raises:
        FeatureNotSupported: 0A000, a frame or a function for which there are none.
    """
    changed = False
    windows = [node for node in own_nodes(block.select) if isinstance(node, exp.Window)]
    for window in windows:
        spec = window.args.get("spec")
        excluded = str(spec.args.get("exclude") or "").upper() if spec is not None else ""
        if spec is None or not excluded:
            continue
        spec.set("exclude", None)
        call = window.this.this if isinstance(window.this, exp.Filter) else window.this
        if excluded == "NO OTHERS" or call.name in _FRAMELESS:
            continue
        kind, parts = Types(block).of(window), _parts(window, spec, excluded)
        if parts is None or kind is None or call.name not in _TOGETHER or _is_distinct(call):
            raise FeatureNotSupported(
                f"EXCLUDE {excluded} of {call.name} in this window frame is not supported",
                position=position_of(window),
            )
        if not parts:  # nothing is left: what the function gives of no rows
            parts = [_of_none(window)]
        made = _TOGETHER[call.name](parts, kind)
        made.meta[GIVES] = kind
        alone = window.parent is block.select and window.arg_key == "expressions"
        window.replace(exp.alias_(made, call.name, quoted=True) if alone else exp.paren(made))
        changed = True
    return changed


def _is_distinct(call: exp.Expr) -> bool:
    return any(isinstance(each, exp.Distinct) for each in call.expressions)


def _parts(window: exp.Window, spec: exp.Expr, excluded: str) -> list[exp.Window] | None:
    """The windows over what is left of each row's frame; None where they cannot be written."""
    mode = str(spec.args.get("kind") or "RANGE").upper()
    bounds = _bounds(spec)
    if bounds is None or (mode == "ROWS" and excluded != "CURRENT ROW"):
        return None
    start, end = bounds
    if mode == "RANGE":
        if not {start, end} <= {-_FAR, 0, _FAR}:
            return None
        if window.args.get("order") is None:  # all rows are one group
            start, end = (0, 0)
        mode = "GROUPS"
    parts = []
    if (before := (start, min(end, -1)))[0] <= before[1]:
        parts.append(_framed(window, mode, before))
    if mode == "GROUPS" and start <= 0 <= end and excluded != "GROUP":
        if excluded == "TIES":
            parts.append(_framed(window, "ROWS", (0, 0)))
        else:
            parts += [_within_group(window, each) for each in ((-_FAR, -1), (1, _FAR))]
    if (after := (max(start, 1), end))[0] <= after[1]:
        parts.append(_framed(window, mode, after))
    return parts


def _bounds(spec: exp.Expr) -> Bounds | None:
    found = []
    for key in ("start", "end"):
        value, side = spec.args.get(key), str(spec.args.get(f"{key}_side") or "").upper()
        sign = -1 if side == "PRECEDING" else 1
        if value is None or value == "CURRENT ROW":
            found.append(0)
        elif value == "UNBOUNDED":
            found.append(sign * _FAR)
        elif isinstance(value, exp.Literal) and value.is_int:
            found.append(sign * int(value.name))
        else:
            return None
    return found[0], found[1]


def _framed(window: exp.Window, mode: str, bounds: Bounds) -> exp.Window:
    made = window.copy()
    args: dict[str, object] = {"kind": mode}
    for key, bound in zip(("start", "end"), bounds, strict=True):
        side = "PRECEDING" if bound < 0 else "FOLLOWING"
        far = abs(bound) == _FAR
        args[key] = (
            "UNBOUNDED" if far else exp.Literal.number(abs(bound)) if bound else "CURRENT ROW"
        )
        args[f"{key}_side"] = side if bound else None
    made.set("spec", exp.WindowSpec(**args))
    if mode == "GROUPS" and made.args.get("order") is None:
        made.set("order", exp.Order(expressions=[exp.Ordered(this=exp.Literal.number(1))]))
    return made


def _within_group(window: exp.Window, bounds: Bounds) -> exp.Window:
    """The other rows of the current one's group, before or after it in no order."""
    made = _framed(window, "ROWS", bounds)
    order = window.args.get("order")
    keys = [each.this.copy() for each in order.expressions] if order is not None else []
    made.set("partition_by", [*(window.args.get("partition_by") or ()), *keys])
    made.set("order", None)
    return made


def _of_none(window: exp.Window) -> exp.Window:
    made = window.copy()
    made.set("spec", None)
    call = made.this.this if isinstance(made.this, exp.Filter) else made.this
    made.set("this", exp.Filter(this=call, expression=exp.Where(this=exp.false())))
    return made


def _as(name: str, parts: Sequence[exp.Window]) -> list[exp.Window]:
    """The same windows with another function."""
    made = [part.copy() for part in parts]
    for part in made:
        call = part.this.this if isinstance(part.this, exp.Filter) else part.this
        call.set("this", name)
    return made


def _plus(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.Add(this=left, expression=right)


def _sum(parts: Sequence[exp.Expr], kind: Type) -> exp.Expr:
    """Of what is there: the sum of no rows is NULL."""

    def both(left: exp.Expr, right: exp.Expr) -> exp.Expr:
        given = [_plus(left.copy(), right.copy()), left, right]
        return exp.Anonymous(this="coalesce", expressions=given)

    return reduce(both, parts)


def _count(parts: Sequence[exp.Expr], kind: Type) -> exp.Expr:
    return reduce(_plus, parts)


def _average(parts: Sequence[exp.Window], kind: Type) -> exp.Expr:
    total, count = _sum(_as("sum", parts), kind), _count(_as("count", parts), kind)
    if kind is NUMERIC:
        total = exp.Cast(this=total, to=data_type("numeric"))
    zero = [exp.paren(count), exp.Literal.number(0)]
    return exp.Div(this=total, expression=exp.Anonymous(this="nullif", expressions=zero))


def _call(name: str) -> Callable[[Sequence[exp.Window], Type], exp.Expr]:
    def made(parts: Sequence[exp.Window], kind: Type) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=list(parts)) if len(parts) > 1 else parts[0]

    return made


def _truth(of: type[exp.Connector]) -> Callable[[Sequence[exp.Window], Type], exp.Expr]:
    def made(parts: Sequence[exp.Window], kind: Type) -> exp.Expr:
        def both(left: exp.Expr, right: exp.Expr) -> exp.Expr:
            given = [of(this=left.copy(), expression=right.copy()), left, right]
            return exp.Anonymous(this="coalesce", expressions=given)

        sides: list[exp.Expr] = list(parts)
        return reduce(both, sides)

    return made


_TOGETHER: dict[str, Callable[[Sequence[exp.Window], Type], exp.Expr]] = {
    "count": _count,
    "sum": _sum,
    "avg": _average,
    "min": _call("least"),
    "max": _call("greatest"),
    "bool_and": _truth(exp.And),
    "every": _truth(exp.And),
    "bool_or": _truth(exp.Or),
}
