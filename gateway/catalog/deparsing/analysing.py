"""Expressions analysed: names found, functions and operators resolved as PostgreSQL does it.

`_NODES` has a row per kind of the parser's nodes; one without a row is not printed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from gateway.catalog.deparsing.calls import called, windowed
from gateway.catalog.deparsing.constants import INTERVAL, negative, number, typed
from gateway.catalog.deparsing.converting import cast, converted, settled
from gateway.catalog.deparsing.nodes import Kind, Node, Query, Sorted, Unprintable
from gateway.catalog.system.static import static
from gateway.catalog.translation.operators import quantified
from gateway.catalog.translation.resolution import (
    BOOL,
    INT4,
    NAME,
    NUMERIC,
    TEXT,
    UNKNOWN,
    array_of,
    common_type,
    element_of,
    operator_meant,
)
from gateway.sql.text.operators import OTHER_OPERATORS
from gateway.sql.types.modifiers import type_modifier
from gateway.sql.types.parameters import postgres_type

if TYPE_CHECKING:
    from gateway.catalog.deparsing.relating import Scope

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.Pow: "^",
    **{node: "".join(words) for words, node in OTHER_OPERATORS.items()},
}  # fmt: skip
_NEGATED = {"~~": "!~~", "~~*": "!~~*", "~": "!~", "~*": "!~*"}
_KEYWORDS: dict[type[exp.Expr], tuple[str, int]] = {
    exp.CurrentDate: ("CURRENT_DATE", 1082),
    exp.CurrentTimestamp: ("CURRENT_TIMESTAMP", 1184),
    exp.Localtimestamp: ("LOCALTIMESTAMP", 1114),
    exp.CurrentUser: ("CURRENT_USER", NAME),
    exp.SessionUser: ("SESSION_USER", NAME),
    exp.CurrentRole: ("CURRENT_ROLE", NAME),
    exp.CurrentCatalog: ("CURRENT_CATALOG", NAME),
    exp.CurrentSchema: ("CURRENT_SCHEMA", NAME),
}


class Analysis:
    """Expressions under what a query's names mean.

    Args:
        query: Analyses a query inside an expression.
        functions: What users' functions are called when they are printed, and what they take.
    """

    def __init__(self, query: Callable[[exp.Expr, Scope], Query], functions: Any = None) -> None:
        self.query = query
        self.functions = functions

    def node(self, tree: exp.Expr, scope: Scope) -> Node:
        """A tree as a node.

        Raises:
            Unprintable: It holds what is not printed here.
        """
        analyse = _NODES.get(type(tree))
        if analyse is None:
            raise Unprintable(tree.key)
        found = analyse(self, tree, scope)
        if tree.args.get("negate") and not isinstance(tree, exp.Is):
            return self.negation(tree, found)
        return found

    def nodes(self, trees: Sequence[exp.Expr], scope: Scope) -> list[Node]:
        return [self.node(tree, scope) for tree in trees]

    def condition(self, tree: exp.Expr, scope: Scope) -> Node:
        """A Boolean."""
        return converted(self.node(tree, scope), BOOL)

    def sorted_by(self, tree: exp.Expr, node: Node) -> Sorted:
        """An item of ORDER BY over an analysed expression."""
        down = bool(tree.args.get("desc"))
        return Sorted(settled(node, TEXT), down, bool(tree.args.get("nulls_first")))

    # Names and literals

    def column(self, tree: exp.Column, scope: Scope) -> Node:
        if isinstance(tree.this, exp.Star) or tree.args.get("db"):
            raise Unprintable("a column's schema")
        return scope.column(tree.table, tree.name)

    def literal(self, tree: exp.Literal, scope: Scope) -> Node:
        if tree.is_string:
            return Node(Kind.UNTYPED, UNKNOWN, text=tree.name)
        return number(tree.name)

    def boolean(self, tree: exp.Boolean, scope: Scope) -> Node:
        return Node(Kind.CONSTANT, BOOL, text="true" if tree.this else "false")

    def null(self, tree: exp.Null, scope: Scope) -> Node:
        return Node(Kind.UNTYPED, UNKNOWN, text=None)

    def interval(self, tree: exp.Interval, scope: Scope) -> Node:
        if tree.args.get("unit") is not None or not isinstance(tree.this, exp.Literal):
            raise Unprintable("an interval's unit")
        return typed(tree.this.name, INTERVAL)

    def keyword(self, tree: exp.Expr, scope: Scope) -> Node:
        word, kind = _KEYWORDS[type(tree)]
        if tree.args.get("this") is not None:
            raise Unprintable(word)
        return Node(Kind.KEYWORD, kind, text=word)

    def paren(self, tree: exp.Paren, scope: Scope) -> Node:
        return self.node(tree.this, scope)

    # Operators

    def operator(self, symbol: str, operands: Sequence[Node]) -> Node:
        """An operator over its operands."""
        types = tuple(each.type for each in operands)
        found = operator_meant(symbol, types)
        if found is None:
            raise Unprintable(symbol)
        pairs = zip(operands, found.arguments, strict=True)
        args = tuple(converted(each, kind) for each, kind in pairs)
        return Node(Kind.OPERATOR, found.result, args, symbol)

    def binary(self, tree: exp.Expr, scope: Scope) -> Node:
        symbol, word = _OPERATORS[type(tree)], quantified(tree.expression)
        left = self.node(tree.this, scope)
        if word is None:
            return self.operator(symbol, [left, self.node(tree.expression, scope)])
        inside = tree.expression.expressions[0] if tree.expression.expressions else None
        inside = _bare(inside or tree.expression.this)
        if isinstance(inside, exp.Query):
            raise Unprintable("a quantified query")
        return self._over_array(symbol, left, self.node(inside, scope), word.upper())

    def _over_array(self, symbol: str, left: Node, array: Node, word: str) -> Node:
        if array.kind is Kind.UNTYPED:
            array = typed(array.text, array_of(static().base(left.type)))
        element = element_of(array.type)
        types = left.type, element
        found = operator_meant(symbol, types)
        if found is None or not element:
            raise Unprintable(symbol)
        wanted = array_of(found.arguments[1]) if found.arguments[1] != 2283 else array.type
        args = converted(left, found.arguments[0]), converted(array, wanted or array.type)
        return Node(Kind.ARRAY_OPERATOR, BOOL, args, symbol, word=word)

    def minus(self, tree: exp.Neg, scope: Scope) -> Node:
        inside = self.node(tree.this, scope)
        if isinstance(tree.this, exp.Literal) and not tree.this.is_string:
            return negative(inside)
        return self.operator("-", [inside])

    def logical(self, tree: exp.Expr, scope: Scope) -> Node:
        word = "AND" if isinstance(tree, exp.And) else "OR"
        parts = tuple(self.condition(each, scope) for each in _flat(tree, type(tree)))
        return Node(Kind.BOOLEAN, BOOL, parts, word)

    def negated(self, tree: exp.Not, scope: Scope) -> Node:
        found = self.condition(tree.this, scope)
        truth = isinstance(tree.this, exp.Is) and isinstance(tree.this.expression, exp.Boolean)
        if truth or isinstance(tree.this, exp.In | exp.Between):
            return self.negation(tree.this, found)
        if isinstance(tree.this, exp.RegexpLike | exp.RegexpILike | exp.Like | exp.ILike):
            return self.negation(tree.this, found)
        return Node(Kind.BOOLEAN, BOOL, (found,), "NOT")

    def negation(self, tree: exp.Expr, found: Node) -> Node:
        """`x NOT IN (...)`, `x NOT BETWEEN ...`, `x NOT LIKE ...`, `x !~ ...`, `x IS NOT ...`."""
        if found.kind is Kind.TEST and not str(found.text).startswith("NOT "):
            return Node(Kind.TEST, BOOL, found.args, f"NOT {found.text}")
        if isinstance(tree, exp.Between):
            value, low = found.args[0].args
            high = found.args[1].args[1]
            sides = self.operator("<", [value, low]), self.operator(">", [value, high])
            return Node(Kind.BOOLEAN, BOOL, sides, "OR")
        if found.kind is Kind.OPERATOR and found.text in _NEGATED:
            return Node(Kind.OPERATOR, BOOL, found.args, _NEGATED[str(found.text)])
        if found.kind is Kind.ARRAY_OPERATOR and isinstance(tree, exp.In):
            return Node(Kind.ARRAY_OPERATOR, BOOL, found.args, "<>", word="ALL")
        if found.kind is Kind.OPERATOR and isinstance(tree, exp.In):
            return Node(Kind.OPERATOR, BOOL, found.args, "<>")
        return Node(Kind.BOOLEAN, BOOL, (found,), "NOT")

    def test(self, tree: exp.Is, scope: Scope) -> Node:
        right, left = tree.expression, self.node(tree.this, scope)
        if isinstance(right, exp.Null):
            words = "NULL"
        elif isinstance(right, exp.Boolean):
            words, left = "TRUE" if right.this else "FALSE", converted(left, BOOL)
        else:
            raise Unprintable("IS")
        words = f"NOT {words}" if tree.args.get("negate") else words
        return Node(Kind.TEST, BOOL, (settled(left, TEXT),), words)

    def distinct_from(self, tree: exp.Expr, scope: Scope) -> Node:
        found = self.operator("=", self.nodes([tree.this, tree.expression], scope))
        test = Node(Kind.DISTINCT, BOOL, found.args)
        if isinstance(tree, exp.NullSafeNEQ):
            return test
        return Node(Kind.BOOLEAN, BOOL, (test,), "NOT")

    def between(self, tree: exp.Between, scope: Scope) -> Node:
        if tree.args.get("symmetric"):
            raise Unprintable("SYMMETRIC")
        value = self.node(tree.this, scope)
        low, high = self.nodes([tree.args["low"], tree.args["high"]], scope)
        sides = self.operator(">=", [value, low]), self.operator("<=", [value, high])
        return Node(Kind.BOOLEAN, BOOL, sides, "AND")

    def contained(self, tree: exp.In, scope: Scope) -> Node:
        left, query = self.node(tree.this, scope), tree.args.get("query")
        if query is not None:
            inner = self.query(query.this, scope)
            shown = converted(left, inner.columns[0][1])
            return Node(Kind.QUERY, BOOL, (shown,), word="IN", query=inner)
        items = self.nodes(tree.expressions, scope)
        if len(items) == 1:
            return self.operator("=", [left, items[0]])
        if any(_reads(item) for item in items):
            raise Unprintable("IN with columns")
        kind = common_type([left.type, *(item.type for item in items)])
        array = Node(Kind.ARRAY, array_of(kind), tuple(converted(item, kind) for item in items))
        return self._over_array("=", left, array, "ANY")

    # What else

    def case(self, tree: exp.Case, scope: Scope) -> Node:
        subject = self.node(tree.this, scope) if tree.this is not None else None
        ifs, default = tree.args["ifs"], tree.args.get("default")
        tests = []
        for branch in ifs:
            if subject is None:
                tests.append(self.condition(branch.this, scope))
            else:
                tests.append(self.operator("=", [subject, self.node(branch.this, scope)]).args[1])
        values = self.nodes([branch.args["true"] for branch in ifs], scope)
        last = Node(Kind.UNTYPED, UNKNOWN, text=None) if default is None else self.node(
            default, scope)  # fmt: skip
        kind = common_type([last.type, *(value.type for value in values)])
        pairs = zip(tests, values, strict=True)
        parts = [part for test, value in pairs for part in (test, converted(value, kind))]
        head = (settled(subject, TEXT),) if subject is not None else ()
        return Node(
            Kind.CASE, kind, (*parts, converted(last, kind), *head), "of" if head else ""
        )  # fmt: skip

    def cast(self, tree: exp.Cast, scope: Scope) -> Node:
        kind = postgres_type(tree.args["to"])
        return cast(self.node(tree.this, scope), kind.oid, type_modifier(tree.args["to"]))

    def extract(self, tree: exp.Extract, scope: Scope) -> Node:
        inside = self.node(tree.expression, scope)
        if inside.kind is Kind.UNTYPED:
            raise Unprintable("EXTRACT of a literal")
        return Node(
            Kind.SYNTAX, NUMERIC, (inside,), f"EXTRACT({tree.this.name.lower()} FROM {{0}})"
        )

    def zoned(self, tree: exp.AtTimeZone, scope: Scope) -> Node:
        value, zone = self.nodes([tree.this, tree.args["zone"]], scope)
        if value.type not in (1114, 1184):
            raise Unprintable("AT TIME ZONE")
        kind = 1184 if value.type == 1114 else 1114
        return Node(Kind.ZONE, kind, (value, converted(zone, TEXT)))

    def array(self, tree: exp.Array, scope: Scope) -> Node:
        items = self.nodes(tree.expressions, scope)
        if not items:
            raise Unprintable("an empty array")
        kind = common_type([item.type for item in items])
        return Node(Kind.ARRAY, array_of(kind), tuple(converted(item, kind) for item in items))

    def subscript(self, tree: exp.Bracket, scope: Scope) -> Node:
        base = self.node(tree.this, scope)
        kind = element_of(base.type)
        if not kind or len(tree.expressions) != 1 or isinstance(tree.expressions[0], exp.Slice):
            raise Unprintable("a subscript")
        place = converted(self.node(tree.expressions[0], scope), INT4)
        return Node(Kind.SUBSCRIPT, kind, (base, place))

    def exists(self, tree: exp.Exists, scope: Scope) -> Node:
        inside = tree.this.this if isinstance(tree.this, exp.Subquery) else tree.this
        return Node(Kind.QUERY, BOOL, word="EXISTS", query=self.query(inside, scope))

    def subquery(self, tree: exp.Subquery, scope: Scope) -> Node:
        query = self.query(tree.this, scope)
        return Node(Kind.QUERY, query.columns[0][1], query=query, typmod=query.columns[0][2])

    def call(self, tree: exp.Anonymous, scope: Scope) -> Node:
        return called(self, tree, scope)

    def window(self, tree: exp.Expr, scope: Scope) -> Node:
        return windowed(self, tree, scope)


def _bare(tree: exp.Expr) -> exp.Expr:
    while isinstance(tree, exp.Paren):
        tree = tree.this
    return tree


def _flat(tree: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """The parts of AND or OR; one that stands on the right in parentheses stays one part."""
    left = _bare(tree.this)
    return [*(_flat(left, kind) if isinstance(left, kind) else [tree.this]), tree.expression]


def _reads(node: Node) -> bool:
    return node.kind is Kind.COLUMN or any(map(_reads, node.args))


Analyse = Callable[[Analysis, Any, Any], Node]
_NODES: dict[type[exp.Expr], Analyse] = {
    exp.Column: Analysis.column,
    exp.Literal: Analysis.literal,
    exp.Boolean: Analysis.boolean,
    exp.Null: Analysis.null,
    exp.Interval: Analysis.interval,
    exp.Paren: Analysis.paren,
    exp.Neg: Analysis.minus,
    exp.And: Analysis.logical,
    exp.Or: Analysis.logical,
    exp.Not: Analysis.negated,
    exp.Is: Analysis.test,
    exp.NullSafeEQ: Analysis.distinct_from,
    exp.NullSafeNEQ: Analysis.distinct_from,
    exp.Between: Analysis.between,
    exp.In: Analysis.contained,
    exp.Case: Analysis.case,
    exp.Cast: Analysis.cast,
    exp.Extract: Analysis.extract,
    exp.AtTimeZone: Analysis.zoned,
    exp.Array: Analysis.array,
    exp.Bracket: Analysis.subscript,
    exp.Exists: Analysis.exists,
    exp.Subquery: Analysis.subquery,
    exp.Anonymous: Analysis.call,
    exp.Window: Analysis.window,
    exp.Filter: Analysis.window,
    exp.WithinGroup: Analysis.window,
    **dict.fromkeys(_OPERATORS, Analysis.binary),
    **dict.fromkeys(_KEYWORDS, Analysis.keyword),
}
