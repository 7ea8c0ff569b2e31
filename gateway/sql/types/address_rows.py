"""Rows of `overload_table`: functions of addresses (inet), and those behind their operators."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.types import BOOL, INET, INT4, INT8, INTEGER, TEXT, Type

ADDRESS_ROWS: tuple[tuple[str, str], ...] = (
    ("host(inet)",                    "inet_host(a)"),
    ("text(inet)",                    "inet_text(a)"),
    ("text(text)",                    "a::text"),
    ("abbrev(inet)",                  "inet_abbrev(a)"),
    ("family(inet)",                  "inet_family(a)"),
    ("masklen(inet)",                 "inet_masklen(a)"),
    ("set_masklen(inet, integer)",    "inet_with_masklen(a, b)"),
    ("broadcast(inet)",               "inet_broadcast(a)"),
    ("netmask(inet)",                 "inet_netmask(a)"),
    ("hostmask(inet)",                "inet_hostmask(a)"),
    ("inet_same_family(inet, inet)",  "inet_alike(a, b)"),
    ("network_sub(inet, inet)",       "inet_within(a, b)"),
    ("network_subeq(inet, inet)",     "inet_within_or_same(a, b)"),
    ("network_sup(inet, inet)",       "inet_within(b, a)"),
    ("network_supeq(inet, inet)",     "inet_within_or_same(b, a)"),
    ("network_overlap(inet, inet)",   "inet_overlaps(a, b)"),
    ("inetnot(inet)",                 "inet_inverted(a)"),
    ("inetand(inet, inet)",           "inet_both(a, b)"),
    ("inetor(inet, inet)",            "inet_either(a, b)"),
    ("inetpl(inet, bigint)",          "inet_moved(a, b)"),
    ("int8pl_inet(bigint, inet)",     "inet_moved(b, a)"),
    ("inetmi_int8(inet, bigint)",     "inet_moved_back(a, b)"),
    ("inetmi(inet, inet)",            "inet_distance(a, b)"),
)  # fmt: skip

ADDRESS_TYPES: dict[str, Type] = {
    **dict.fromkeys(("host", "abbrev", "text"), TEXT),
    **dict.fromkeys(("family", "masklen"), INT4),
    **dict.fromkeys(
        ("set_masklen", "broadcast", "netmask", "hostmask", "inetnot", "inetand", "inetor",
         "inetpl", "int8pl_inet", "inetmi_int8"),
        INET,
    ),
    **dict.fromkeys(
        ("inet_same_family", "network_sub", "network_subeq", "network_sup", "network_supeq",
         "network_overlap"),
        BOOL,
    ),
    "inetmi": INT8,
}  # fmt: skip

# What they take, for parameters.
ADDRESS_ARGUMENTS: dict[str, tuple[Type | None, ...]] = {
    **dict.fromkeys(("host", "abbrev", "family", "masklen", "broadcast", "netmask", "hostmask",
                     "inet_same_family", "network_sub", "network_subeq", "network_sup",
                     "network_supeq", "network_overlap", "inetnot", "inetand", "inetor", "inetmi"),
                    (INET,)),
    "set_masklen": (INET, INT4),
    **dict.fromkeys(("inetpl", "inetmi_int8"), (INET, INT8)),
    "int8pl_inet": (INT8, INET),
}  # fmt: skip

# Between two addresses.
_FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.BitwiseLeftShift: "network_sub",
    exp.BitwiseRightShift: "network_sup",
    exp.ArrayOverlaps: "network_overlap",
    exp.BitwiseAnd: "inetand",
    exp.BitwiseOr: "inetor",
    exp.Sub: "inetmi",
}
# Between an address and an integer, or the other way round.
_MOVES: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Add: ("inetpl", "int8pl_inet"),
    exp.Sub: ("inetmi_int8", ""),
}
OPERATORS = (*_FUNCTIONS, exp.Add, exp.BitwiseNot)


def operator_function(node: exp.Expr, of: Callable[[exp.Expr], Type | None]) -> str:
    """The function behind an operator of addresses; empty where it is none of theirs.

    Args:
        node: Of a kind of `OPERATORS`.
        of: Tells the types of its sides.
    """
    if isinstance(node, exp.BitwiseNot):
        return "inetnot" if of(node.this) is INET else ""
    left, right = (_kind(side, of) for side in (node.this, node.expression))
    if INET not in (left, right):
        return ""
    if {left, right} <= {INET, None} and type(node) in _FUNCTIONS:
        return _FUNCTIONS[type(node)]
    forth, back = _MOVES.get(type(node), ("", ""))
    other = right if left is INET else left
    if other is INET or (other is not None and other.name not in INTEGER):
        return ""
    return forth if left is INET else back


def _kind(side: exp.Expr, of: Callable[[exp.Expr], Type | None]) -> Type | None:
    """The type of a side; None of one that takes the other's."""
    bare = side.unnest()
    untold = bare.is_string or isinstance(bare, exp.Null | exp.Parameter)
    return None if untold else of(side) or TEXT


def operator_type(node: exp.Expr, of: Callable[[exp.Expr], Type | None]) -> Type | None:
    """What an operator of addresses gives; None of others."""
    name = operator_function(node, of) if isinstance(node, OPERATORS) else ""
    return ADDRESS_TYPES[name] if name else None
