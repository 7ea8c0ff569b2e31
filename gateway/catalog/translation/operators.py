"""PostgreSQL's operators over DuckDB: pg_operator tells which it is, here is what it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from gateway.catalog.translation.datatypes import spelt
from gateway.catalog.translation.exactness import check_operator
from gateway.catalog.translation.resolution import (
    BOOL,
    INT4,
    TEXT,
    element_of,
    operator_meant,
)
from gateway.catalog.translation.terms import Term
from gateway.errors import UndefinedFunction
from gateway.sql.names.scope import place_of

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions

# {0} and {1} are the operands. What has no row is written as it is.
_TEMPLATES = {
    "~": "regexp_matches({0}, {1})",
    "!~": "(NOT regexp_matches({0}, {1}))",
    "~*": "regexp_matches({0}, {1}, 'i')",
    "!~*": "(NOT regexp_matches({0}, {1}, 'i'))",
    "~~": "({0} LIKE {1} ESCAPE '\\')",
    "!~~": "({0} NOT LIKE {1} ESCAPE '\\')",
    "~~*": "({0} ILIKE {1} ESCAPE '\\')",
    "!~~*": "({0} NOT ILIKE {1} ESCAPE '\\')",
    "^@": "starts_with({0}, {1})",
}
_ON_ARRAYS = {
    "@>": "list_has_all({0}, {1})",
    "<@": "list_has_all({1}, {0})",
    "&&": "list_has_any({0}, {1})",
}
_PARTS_OF_JSON = {  # by the operator and the type of its right side
    ("->", TEXT): "json_field",
    ("->>", TEXT): "json_field_text",
    ("->", INT4): "json_element",
    ("->>", INT4): "json_element_text",
}
_DIVIDED = {20, 21, 23}
_LSN = 3220


def apply(within: Expressions, symbol: str, operands: list[Term], node: exp.Expr) -> Term:
    """The operator over its operands.

    Raises:
        UndefinedFunction: 42883, there is none for these types.
    """
    symbol = {"!=": "<>", "!~": "!~"}.get(symbol, symbol)
    if symbol in ("=", "<>") and operands[0].fields and operands[1].fields:
        return _rows(within, symbol, operands, node)
    types = tuple(term.type for term in operands)
    found = operator_meant(symbol, types)
    if found is None:
        raise UndefinedFunction(
            f"operator does not exist: {f' {symbol} '.join(spelt(kind) for kind in types)}",
            hint="No operator matches the given name and argument types. "
            "You might need to add explicit type casts.",
            position=place_of(node),
        )
    check_operator(symbol, found.arguments, found.result, node)
    pairs = zip(operands, found.arguments, strict=True)
    shown = [within.coerce(term, kind).sql for term, kind in pairs]
    if len(shown) == 1:
        return Term(f"({symbol}{shown[0]})", found.result)
    part = _PARTS_OF_JSON.get((symbol, found.arguments[1]))
    if part is not None:
        return Term(within.lookup(part, ", ".join(shown)), found.result)
    if symbol == "||" and found.result == TEXT:  # of a reg value its name
        shown = [within.cast(term, TEXT).sql for term in operands]
    sql = _template(symbol, found.arguments).format(*shown)
    return Term(sql, found.result)


def _template(symbol: str, types: tuple[int, ...]) -> str:
    lists = [bool(element_of(kind)) for kind in types]
    if symbol == "||" and any(lists):
        if all(lists):
            return "list_concat({0}, {1})"
        return "list_append({0}, {1})" if lists[0] else "list_prepend({0}, {1})"
    if any(lists) and symbol in _ON_ARRAYS:
        return _ON_ARRAYS[symbol]
    if symbol == "/" and set(types) <= _DIVIDED:
        return "({0} // {1})"
    if symbol == "-" and types == (_LSN, _LSN):
        return "lsn_distance({0}, {1})"
    return _TEMPLATES.get(symbol, f"({{0}} {symbol} {{1}})")


def _rows(within: Expressions, symbol: str, operands: list[Term], node: exp.Expr) -> Term:
    pairs = zip(operands[0].fields, operands[1].fields, strict=True)
    tests = [apply(within, "=", [a, b], node).sql for (_, a), (_, b) in pairs]
    joined = " AND ".join(tests)
    return Term(f"({joined})" if symbol == "=" else f"(NOT ({joined}))", BOOL)


def quantified(node: exp.Expr | None) -> str | None:
    """ "any" or "all" when `node` is the right side of such a comparison."""
    if isinstance(node, exp.Any | exp.All):
        return "any" if isinstance(node, exp.Any) else "all"
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("any", "some", "all"):
        return "all" if node.name.lower() == "all" else "any"
    return None
