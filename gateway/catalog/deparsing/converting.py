"""Conversions between types: those that a cast writes, and those that come by themselves."""

from __future__ import annotations

from functools import cache

from gateway.catalog.deparsing.constants import is_array, typed
from gateway.catalog.deparsing.nodes import Kind, Node, Unprintable
from gateway.catalog.system.static import static
from gateway.catalog.translation.resolution import ANY, UNKNOWN


def converted(node: Node, wanted: int) -> Node:
    """A node as its place wants it, without a cast being written."""
    if node.kind is Kind.UNTYPED:
        return node if wanted in (ANY, UNKNOWN) else typed(node.text, wanted)
    if node.type == wanted or wanted == ANY:
        return node
    return Node(_way(node.type, wanted), wanted, (node,), implicit=True)


def cast(node: Node, wanted: int, typmod: int) -> Node:
    """`node::wanted(typmod)`."""
    if node.kind is Kind.UNTYPED:
        found = typed(node.text, wanted)
    elif node.type == wanted:
        if typmod < 0 or typmod == node.typmod:
            return node
        found = node
    else:
        found = Node(_way(node.type, wanted), wanted, (node,), implicit=typmod >= 0)
    if typmod < 0:
        return found
    return Node(Kind.CAST, wanted, (found,), typmod=typmod)


def settled(node: Node, kind: int) -> Node:
    """An untyped literal as a constant of a type; any other node itself."""
    return typed(node.text, kind) if node.kind is Kind.UNTYPED else node


def _way(given: int, wanted: int) -> Kind:
    if given == UNKNOWN:
        raise Unprintable("a conversion of an unknown value")
    if is_array(given) and is_array(wanted):
        return Kind.RELABEL
    return Kind.CAST if _methods().get((given, wanted)) == "f" else Kind.RELABEL


@cache
def _methods() -> dict[tuple[int, int], str]:
    table = static().tables["pg_catalog.pg_cast"]
    columns = (table[name].to_pylist() for name in ("castsource", "casttarget", "castmethod"))
    return {(source, target): how for source, target, how in zip(*columns, strict=True)}
