"""Expressions as text, with PostgreSQL's parentheses (ruleutils.c: get_rule_expr).

Plain printing puts every operation in parentheses, pretty printing only those that must be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.catalog.deparsing.nodes import Kind, Node, Over, Query, Sorted
from gateway.catalog.system.recorded import type_text
from gateway.catalog.translation.resolution import BOOL, INT4, NUMERIC, UNKNOWN
from gateway.sql.text.quoting import identifier

_VAR = 4  # PRETTYINDENT_VAR
_WIDEST = 40  # PRETTYINDENT_LIMIT
_LIKE_FUNCTIONS = frozenset(
    {Kind.COLUMN, Kind.CONSTANT, Kind.UNTYPED, Kind.CALL, Kind.CAST, Kind.CASE, Kind.KEYWORD_CALL,
     Kind.KEYWORD, Kind.SYNTAX, Kind.ZONE, Kind.ARRAY, Kind.SUBSCRIPT, Kind.AGGREGATE, Kind.WINDOW}
)  # fmt: skip
# Around which what is inside needs no parentheses: they have their own, or brackets.
_ENCLOSING = frozenset(
    {Kind.CALL, Kind.KEYWORD_CALL, Kind.ARRAY, Kind.SUBSCRIPT, Kind.AGGREGATE, Kind.WINDOW,
     Kind.CASE}
)  # fmt: skip


class Printer:
    """Writes expressions.

    Args:
        pretty: With as few parentheses as PostgreSQL's pretty printing.
        qualified: Whether columns are written with their relation.
        query: Writes a query inside an expression at an indentation.
    """

    def __init__(
        self,
        pretty: bool,
        qualified: bool = True,
        query: Callable[[Query, int], str] | None = None,
    ) -> None:
        self.pretty, self.qualified = pretty, qualified
        self._query = query
        self.indent = 0

    def text(self, node: Node, implicit: bool = True) -> str:
        """A node.

        Args:
            node: What to write.
            implicit: Whether a conversion that nobody wrote shows.
        """
        return _PRINTERS[node.kind](self, node, implicit)

    def inside(self, node: Node, parent: Node, implicit: bool) -> str:
        """A node in another one, in parentheses where pretty printing needs them."""
        text = self.text(node, implicit)
        return f"({text})" if self.pretty and not is_simple(node, parent) else text

    def listed(self, nodes: Sequence[Node]) -> str:
        """Nodes between commas."""
        return ", ".join(self.text(each) for each in nodes)

    def newline(self, plus: int = 0) -> str:
        """The beginning of a line at the present indentation."""
        return "\n" + " " * (max(min(self.indent, _WIDEST), 0) + plus)

    def _closed(self, text: str) -> str:
        return text if self.pretty else f"({text})"

    # Kinds

    def column(self, node: Node, implicit: bool) -> str:
        name = identifier(str(node.text))
        if node.source is None or not self.qualified:
            return name
        return f"{identifier(node.source.printed)}.{name}"

    def constant(self, node: Node, implicit: bool) -> str:
        return constant_text(node, 0)

    def call(self, node: Node, implicit: bool) -> str:
        return f"{node.text}({self.listed(node.args)})"

    def cast(self, node: Node, implicit: bool) -> str:
        (inner,) = node.args
        if node.implicit and not implicit:
            return self.inside(inner, node, False)
        kind = type_text(node.type, node.typmod)
        if inner.kind is Kind.CONSTANT and inner.type == node.type and inner.typmod == -1:
            return f"{constant_text(inner, -1)}::{kind}"
        shown = self.inside(inner, node, False)
        return f"{shown}::{kind}" if self.pretty else f"({shown})::{kind}"

    def operator(self, node: Node, implicit: bool) -> str:
        if len(node.args) == 1:
            return self._closed(f"{node.text} {self.inside(node.args[0], node, True)}")
        left, right = (self.inside(each, node, True) for each in node.args)
        return self._closed(f"{left} {node.text} {right}")

    def array_operator(self, node: Node, implicit: bool) -> str:
        left, right = (self.inside(each, node, True) for each in node.args)
        return self._closed(f"{left} {node.text} {node.word} ({right})")

    def boolean(self, node: Node, implicit: bool) -> str:
        parts = [self.inside(each, node, False) for each in node.args]
        if node.text == "NOT":
            return self._closed(f"NOT {parts[0]}")
        return self._closed(f" {node.text} ".join(parts))

    def test(self, node: Node, implicit: bool) -> str:
        shown = self.inside(node.args[0], node, True)
        return self._closed(f"{shown} IS {node.text}")

    def distinct(self, node: Node, implicit: bool) -> str:
        left, right = (self.inside(each, node, True) for each in node.args)
        return self._closed(f"{left} IS DISTINCT FROM {right}")

    def case(self, node: Node, implicit: bool) -> str:
        args = list(node.args)
        subject = f" {self.text(args.pop())}" if node.text else ""
        last = args.pop()
        lines = [f"{self.newline()}CASE{subject}"]
        self.indent += _VAR
        for test, value in zip(args[::2], args[1::2], strict=True):
            shown = f"WHEN {self.text(test, False)} THEN {self.text(value)}"
            lines.append(f"{self.newline()}{shown}")
        lines.append(f"{self.newline()}ELSE {self.text(last)}")
        self.indent -= _VAR
        lines.append(f"{self.newline()}END")
        return "".join(lines)

    def keyword(self, node: Node, implicit: bool) -> str:
        return str(node.text)

    def syntax(self, node: Node, implicit: bool) -> str:
        return str(node.text).format(*(self.text(each, False) for each in node.args))

    def zone(self, node: Node, implicit: bool) -> str:
        value, zone = (self.inside(each, node, False) for each in node.args)
        return f"({value} AT TIME ZONE {zone})"

    def array(self, node: Node, implicit: bool) -> str:
        return f"ARRAY[{self.listed(node.args)}]"

    def subscript(self, node: Node, implicit: bool) -> str:
        base, place = node.args
        shown = self.text(base)
        shown = shown if base.kind is Kind.COLUMN else f"({shown})"
        return f"{shown}[{self.text(place, False)}]"

    def subquery(self, node: Node, implicit: bool) -> str:
        assert node.query is not None and self._query is not None
        query = self._query(node.query, self.indent)
        if not node.word:
            return f"({query})"
        head = f"{self.text(node.args[0])} " if node.args else ""
        return f"({head}{node.word} ({query}))"

    def aggregate(self, node: Node, implicit: bool) -> str:
        text = str(node.text)
        if not text.endswith(")"):  # count(*) has its parentheses
            distinct = "DISTINCT " if node.distinct else ""
            order = f" ORDER BY {self.sorted(node.order)}" if node.order else ""
            within = f" {node.word} ({order.strip()})" if node.word else ""
            order = "" if node.word else order
            text = f"{text}({distinct}{self.listed(node.args)}{order}){within}"
        if node.condition is not None:
            text += f" FILTER (WHERE {self.text(node.condition, False)})"
        if node.over is not None:
            text += (
                f" OVER {identifier(node.over.name) if node.over.name else self.over(node.over)}"
            )
        return text

    # Lists

    def over(self, over: Over) -> str:
        """What a window is, in parentheses."""
        parts = []
        if over.partitions:
            shown = ", ".join(self.grouped(each) for each in over.partitions)
            parts.append(f"PARTITION BY {shown}")
        if over.order:
            parts.append(f"ORDER BY {self.sorted(over.order)}")
        return f"({' '.join([*parts, *([over.frame] if over.frame else [])])})"

    def sorted(self, items: Sequence[Sorted]) -> str:
        """ORDER BY's items."""
        return ", ".join(self.grouped(each.node) + _direction(each) for each in items)

    def grouped(self, node: Node) -> str:
        """An item of GROUP BY or ORDER BY (get_rule_sortgroupclause)."""
        if node.kind is Kind.CONSTANT:
            return constant_text(node, 1)
        text = self.text(node)
        if node.kind in (Kind.COLUMN, Kind.KEYWORD) and (node.text or "").isdigit():
            return text
        calls = (Kind.CALL, Kind.CAST, Kind.SYNTAX, Kind.ZONE, Kind.AGGREGATE, Kind.WINDOW)
        closed = node.kind is not Kind.COLUMN and (self.pretty or node.kind in calls)
        return f"({text})" if closed else text


def _direction(item: Sorted) -> str:
    if item.descending:
        return " DESC" if item.nulls_first else " DESC NULLS LAST"
    return " NULLS FIRST" if item.nulls_first else ""


def constant_text(node: Node, label: int) -> str:
    """A constant (get_const_expr); `label` -1: without its type, 1: with it in any case."""
    kind = type_text(node.type, node.typmod)
    if node.text is None:
        return "NULL" if label < 0 else f"NULL::{kind}"
    bare, labelled = _bare(node)
    if label < 0:
        return bare
    return f"{bare}::{kind}" if labelled or label > 0 else bare


def _bare(node: Node) -> tuple[str, bool]:
    text = str(node.text)
    if node.type == BOOL:
        return text, False
    if node.type == UNKNOWN:
        return _quoted(text), False
    if node.type == INT4 and not text.startswith("-"):
        return text, False
    if node.type == NUMERIC and text[0].isdigit() and "." in text:
        return text, False
    return _quoted(text), True


def _quoted(text: str) -> str:
    """A constant in quotes; PostgreSQL never writes E'' here (simple_quote_literal)."""
    return "'" + text.replace("'", "''") + "'"


def is_simple(node: Node, parent: Node) -> bool:
    """Whether pretty printing leaves out the parentheses (isSimpleNode)."""
    if node.kind in _LIKE_FUNCTIONS:
        return True
    if node.kind is Kind.RELABEL:
        return is_simple(node.args[0], node)
    if node.kind is Kind.BOOLEAN:
        if parent.kind is Kind.BOOLEAN:
            kept = {"AND": ("AND", "OR"), "NOT": ("AND", "OR"), "OR": ("OR",)}
            return parent.text in kept[str(node.text)]
        return parent.kind in _ENCLOSING
    if node.kind is Kind.OPERATOR and parent.kind is Kind.OPERATOR:
        return _binds(node, parent)
    if node.kind in (Kind.OPERATOR, Kind.QUERY, Kind.TEST, Kind.DISTINCT):
        return parent.kind in _ENCLOSING or parent.kind is Kind.BOOLEAN
    return False


def _binds(node: Node, parent: Node) -> bool:
    """Whether an operator in another one binds tighter, or stands on its left."""
    low, high = ("+", "-"), ("*", "/", "%")
    if len(node.args) != 2 or len(parent.args) != 2:
        return False
    if node.text not in low + high or parent.text not in low + high:
        return False
    if (node.text in high) != (parent.text in high):
        return node.text in high
    return node is parent.args[0]


Print = Callable[[Printer, Node, bool], str]
_PRINTERS: dict[Kind, Print] = {
    Kind.COLUMN: Printer.column,
    Kind.CONSTANT: Printer.constant,
    Kind.UNTYPED: Printer.constant,
    Kind.CALL: Printer.call,
    Kind.CAST: Printer.cast,
    Kind.RELABEL: Printer.cast,
    Kind.OPERATOR: Printer.operator,
    Kind.ARRAY_OPERATOR: Printer.array_operator,
    Kind.BOOLEAN: Printer.boolean,
    Kind.TEST: Printer.test,
    Kind.DISTINCT: Printer.distinct,
    Kind.CASE: Printer.case,
    Kind.KEYWORD_CALL: Printer.call,
    Kind.KEYWORD: Printer.keyword,
    Kind.SYNTAX: Printer.syntax,
    Kind.ZONE: Printer.zone,
    Kind.ARRAY: Printer.array,
    Kind.SUBSCRIPT: Printer.subscript,
    Kind.QUERY: Printer.subquery,
    Kind.AGGREGATE: Printer.aggregate,
    Kind.WINDOW: Printer.aggregate,
}
