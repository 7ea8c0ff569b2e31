"""Operators of addresses (inet) as calls of the functions behind them, and what sorts as they do.

The engine holds an address as its text. Equal ones are equal texts; `inet_key` is a text that sorts
as they do.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.names.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.address_rows import OPERATORS, operator_function
from gateway.sql.types.inference import GIVES, Types
from gateway.types import INET, TEXT


def call_operators(block: Block) -> bool:
    """Write operators of addresses as calls, in place; whether there were any.

    What no operator takes is left to `checking`.
    """
    known, found = Types(block), False
    for node in reversed(own_nodes(block.select)):
        name = operator_function(node, known.of) if isinstance(node, OPERATORS) else ""
        if name:
            sides = [side for side in (node.this, node.args.get("expression")) if side is not None]
            call = exp.Anonymous(this=name, expressions=[side.copy() for side in sides])
            call.meta["operator"] = True
            node.replace(call)
            found = True
    return found


def address_text(value: exp.Expr) -> exp.Expr:
    """An address with the number of its bits, also where they are all: what a cast gives."""
    text = exp.Anonymous(this="inet_text", expressions=[value.copy()])
    text.meta[GIVES] = TEXT
    return text


def address_key(value: exp.Expr) -> exp.Expr:
    """A text that sorts as an address does."""
    given = value.copy()
    if value.is_string or isinstance(value.unnest(), exp.Parameter):
        given = exp.Cast(this=given, to=data_type("inet"))
    call = exp.Anonymous(this="inet_key", expressions=[given])
    call.meta[GIVES] = TEXT
    return call


def choose_address(call: exp.Anonymous, window: exp.Window) -> None:
    """The least or greatest address of a window, in place: that of such a key."""
    call.set("expressions", [address_key(call.expressions[0])])
    chosen = exp.Anonymous(this="inet_of_key")
    chosen.meta[GIVES] = INET
    window.replace(chosen)
    chosen.set("expressions", [window])
