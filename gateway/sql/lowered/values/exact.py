"""Arithmetic of integers that does not wrap.

PostgreSQL raises 22003 where a result does not fit; the engine goes on counting from the other
end. What surely stays within 64 bits is computed in 64 bits, whatever the sides are; what may
leave them calls a function that looks (`int8pl` and its like, in engine/functions), and a sum of
bigint is a numeric, as in PostgreSQL. Numbers with a fraction are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.sql.names.scope import Block, Source, resolved
from gateway.sql.text.building import whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes, nodes_of, own_nodes
from gateway.sql.types.inference import Types
from gateway.types import INT4, INT8, INTEGER, Type

Bounds = tuple[int, int]

_RANGES: dict[str, Bounds] = {
    "int2": (-(2**15), 2**15 - 1),
    "int4": (-(2**31), 2**31 - 1),
    "int8": (-(2**63), 2**63 - 1),
}
_FULL = _RANGES["int8"]
_ROWS: Bounds = (0, 2**53)  # no table has more rows

_CHECKED: dict[type[exp.Expr], str] = {exp.Add: "int8pl", exp.Sub: "int8mi", exp.Mul: "int8mul"}
_COUNTS = frozenset({"count", "regr_count", "row_number", "rank", "dense_rank"})
# One of their arguments, or of the values of their first.
_AMONG = frozenset(
    {"coalesce", "greatest", "least", "nvl", "ifnull", "min", "max", "any_value", "first_value",
     "last_value", "nth_value", "nullif"}
)  # fmt: skip


def keep_exact(tree: exp.Expr, block: Block | None) -> bool:
    """Write the arithmetic of one SELECT, or of VALUES, so that nothing wraps; whether any was."""
    here = own_nodes(tree)
    if not any(type(node) in _CHECKED or _is_sum(node) or _is_negated(node) for node in here):
        return False
    known = _Known(Types(block))
    changes = [change for node in reversed(here) for change in _change(node, known)]
    for node, change in changes:
        change(node)
    return bool(changes)


# Under this key a node's notes hold the parameters whose types decide whether it may wrap.
_OPEN = "open_parameters"


def keep_open_exact(tree: exp.Expr, types: Mapping[int, Type]) -> None:
    """Let arithmetic with parameters raise where it would wrap, now that their types are known.

    Args:
        tree: What `keep_exact` has been through; changed in place.
        types: The type of each `$n`.
    """
    for node in reversed(nodes(tree)):
        numbers = node.meta_get(_OPEN)
        if numbers is None:
            continue
        known = [types.get(number) for number in numbers.wanted]
        if all(map(_is_integer, known)) and (INT8 in known or not numbers.bounded):
            _check(node)


@dataclass(frozen=True, slots=True)
class _Open:
    """Parameters that integers are added to; `bounded`: it cannot wrap unless one is a bigint."""

    wanted: tuple[int, ...]
    bounded: bool


def _note_open(node: exp.Expr, known: _Known) -> None:
    """Note on arithmetic of integers and parameters which of these decide."""
    sides = (node.this, node.expression)
    if not all(known.is_integer(side) or _is_open(side, known) for side in sides):
        return
    found = [int(each.name) for each in nodes_of(node, exp.Parameter) if each.name.isdigit()]
    low, high = _combined(type(node), *map(known.bounds, sides))
    fits = _FULL[0] <= low and high <= _FULL[1]
    node.meta[_OPEN] = _Open(tuple(found), fits and any(map(known.is_wide, sides)))


def _is_open(tree: exp.Expr, known: _Known) -> bool:
    """A parameter whose type is not known, or arithmetic of such and of integers."""
    if isinstance(tree, exp.Paren | exp.Neg):
        return _is_open(tree.this, known)
    if type(tree) in _CHECKED:
        sides = (tree.this, tree.expression)
        return all(known.is_integer(side) or _is_open(side, known) for side in sides)
    return isinstance(tree, exp.Parameter) and known.types.of(tree) is None


Change = tuple[exp.Expr, Callable[[exp.Expr], None]]


def _is_sum(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name == "sum" and len(node.expressions) == 1


def _change(node: exp.Expr, known: _Known) -> Sequence[Change]:
    """What is to be done to one node, told before anything is done."""
    if _is_negated(node):
        return _change_sign(node, known) if known.is_integer(node.this) else ()
    if type(node) in _CHECKED:
        sides = (node.this, node.expression)
        if not all(known.is_integer(side) for side in sides):
            _note_open(node, known)
            return ()
        low, high = _combined(type(node), *map(known.bounds, sides))
        if low < _FULL[0] or high > _FULL[1]:
            return ((node, _check),)
        return () if any(map(known.is_wide, sides)) else ((node, _widen),)
    if _is_sum(node) and known.is_integer(node.expressions[0]):
        argument = node.expressions[0]
        if known.types.of(argument) is INT8:
            return ((node, _sum_numeric),)
        low, high = known.bounds(argument)
        if low < _RANGES["int4"][0] or high > _RANGES["int4"][1]:
            return ((node, _sum_checked),)
    return ()


def _is_negated(node: exp.Expr) -> bool:
    return isinstance(node, exp.Neg) and not isinstance(node.this, exp.Literal)


def _change_sign(node: exp.Expr, known: _Known) -> Sequence[Change]:
    """The least number of each type has no other sign; in 64 bits only a bigint's has none."""
    if known.bounds(node.this)[0] == _FULL[0] or _turns_bits(node):
        return ((node, _take_from_zero),)
    return () if known.is_wide(node.this) else ((node, _widen),)


def _turns_bits(node: exp.Expr) -> bool:
    """Whether it is -v where v may be bits put together in a subquery: see `lowering`, `_negative`.

    The engine puts what a subquery gives in the place of its name.
    """
    if not isinstance(node.this.unnest(), exp.Column):
        return False
    bits = (exp.BitwiseAnd, exp.BitwiseOr)
    return any(isinstance(each, bits) for each in nodes(node.root()))


def _take_from_zero(node: exp.Expr) -> None:
    given = [exp.Literal.number(0), node.this]
    node.replace(exp.Anonymous(this=_CHECKED[exp.Sub], expressions=given))


def _check(node: exp.Expr) -> None:
    name = _CHECKED[type(node)]
    node.replace(exp.Anonymous(this=name, expressions=[node.this, node.expression]))


def _widen(node: exp.Expr) -> None:
    node.set("this", _as(node.this, "bigint"))


def _as(value: exp.Expr, kind: str) -> exp.Cast:
    if kind == "bigint":
        value.type = data_type("bigint")  # then the printer need not round
    return exp.Cast(this=value, to=exp.DataType.build(kind))


def _sum_numeric(node: exp.Expr) -> None:
    argument = node.expressions[0]
    if isinstance(argument, exp.Distinct):
        node, argument = argument, argument.expressions[0]
    node.set("expressions", [_as(argument, "decimal(38, 0)")])


def _sum_checked(node: exp.Expr) -> None:
    """PostgreSQL's type is bigint, although the values here may be larger than its integer's."""
    _sum_numeric(node)
    node = whole_call(node)
    node.type = data_type("bigint")
    parent, key, index = node.parent, node.arg_key, node.index
    cast = exp.Cast(this=node, to=data_type("bigint"))
    if parent is not None and key is not None:
        parent.set(key, cast, index)


def _combined(kind: type[exp.Expr], left: Bounds, right: Bounds) -> Bounds:
    """The interval of a sum, a difference or a product."""
    if kind is exp.Add:
        return left[0] + right[0], left[1] + right[1]
    if kind is exp.Sub:
        return left[0] - right[1], left[1] - right[0]
    products = [a * b for a in left for b in right]
    return min(products), max(products)


class _Known:
    """Types and intervals of the integers in one SELECT, each found once."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._bounds: dict[int, Bounds] = {}

    def is_integer(self, tree: exp.Expr) -> bool:
        return _is_integer(self.types.of(tree))

    def is_wide(self, tree: exp.Expr) -> bool:
        """Whether the engine surely holds it in 64 bits."""
        tree = tree.unnest() if isinstance(tree, exp.Paren) else tree
        if isinstance(tree, exp.Neg):
            return self.is_wide(tree.this)
        computed = isinstance(tree, exp.Literal) or type(tree) in _CHECKED
        return computed or self.types.of(tree) is INT8

    def bounds(self, tree: exp.Expr) -> Bounds:
        """The smallest and the largest value that the engine can compute for it."""
        found = self._bounds.get(id(tree))
        if found is None:
            low, high = self._found(tree)
            found = self._bounds[id(tree)] = max(low, _FULL[0]), min(high, _FULL[1])
        return found

    def _found(self, tree: exp.Expr) -> Bounds:
        if isinstance(tree, exp.Literal):
            value = int(tree.name) if tree.is_int else 0
            return value, value
        if isinstance(tree, exp.Paren | exp.Window | exp.Filter):
            return self.bounds(tree.this)
        if isinstance(tree, exp.Neg):
            low, high = self.bounds(tree.this)
            return -high, -low
        if type(tree) in _CHECKED:
            sides = (tree.this, tree.expression)
            return _combined(type(tree), *map(self.bounds, sides))
        if isinstance(tree, exp.Mod):
            most = max(map(abs, self.bounds(tree.expression)))
            return -most, most
        if isinstance(tree, exp.Column):
            return self._of_column(tree)
        if isinstance(tree, exp.Parameter):  # of a bigint `keep_open_exact` takes care
            return _RANGES["int4"]
        if isinstance(tree, exp.Cast):
            known = self.types.of(tree)
            return _FULL if known is None else _RANGES.get(known.name, _FULL)
        return self._of_call(tree) if isinstance(tree, exp.Anonymous) else _FULL

    def _of_call(self, call: exp.Anonymous) -> Bounds:
        if call.name in _COUNTS:
            return _ROWS
        if call.name in _AMONG and all(map(self.is_integer, call.expressions)):
            each = list(map(self.bounds, call.expressions))
            return min(low for low, _ in each), max(high for _, high in each)
        known = self.types.of(call) if not call.expressions or call.name in _MEASURES else None
        return _RANGES["int4"] if known is INT4 else _FULL

    def _of_column(self, column: exp.Column) -> Bounds:
        found = resolved(self.types.block, column)
        if found is None:
            return _FULL
        source, name = found
        known = (source.columns or {}).get(name)
        if known is None or known.type is None:
            return _FULL
        return _RANGES.get(known.type.name, _FULL) if _is_stored(source) else _of_series(source)


_MEASURES = frozenset(
    {"length", "char_length", "octet_length", "bit_length", "strpos", "position", "ascii",
     "array_length", "cardinality", "array_ndims", "array_position"}
)  # fmt: skip


def _is_integer(known: Type | None) -> bool:
    return known is not None and known.name in INTEGER


def _is_stored(source: Source) -> bool:
    """Whether it is a table, whose values have the types of its columns."""
    tree = source.tree
    named = isinstance(tree, exp.Table) and isinstance(tree.this, exp.Identifier)
    return named and source.query is None and source.cte is None and not source.recursive


def _of_series(source: Source) -> Bounds:
    """generate_series between literals gives no number outside of them."""
    call = source.tree.this if isinstance(source.tree, exp.Table) else None
    if not isinstance(call, exp.Anonymous) or call.name != "generate_series":
        return _FULL
    ends = call.expressions[:2]
    if len(ends) < 2 or not all(isinstance(e, exp.Literal) and e.is_int for e in ends):
        return _FULL
    first, last = (int(e.name) for e in ends)
    return min(first, last), max(first, last)
