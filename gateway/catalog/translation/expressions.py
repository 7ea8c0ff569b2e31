"""Expressions of a catalogue query, from PostgreSQL's tree to DuckDB's SQL, each with its type.

`_NODES` has a row per kind of node; a kind without a row is refused. Names of columns are looked
up outwards through the scopes; functions and operators as PostgreSQL resolves them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from gateway.catalog.system.static import static
from gateway.catalog.translation import resolution
from gateway.catalog.translation.calls import call
from gateway.catalog.translation.datatypes import type_of_node
from gateway.catalog.translation.operators import apply, quantified
from gateway.catalog.translation.resolution import (
    BOOL,
    FLOAT8,
    NUMERIC,
    TEXT,
    UNKNOWN,
    common_type,
    element_of,
)
from gateway.catalog.translation.terms import NULL, Scope, Term
from gateway.catalog.translation.values import Values
from gateway.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
)
from gateway.sql.names.scope import position_of
from gateway.sql.text.operators import OTHER_OPERATORS

if TYPE_CHECKING:
    from gateway.catalog.translation.select import Selects

_SESSION_WORDS: dict[type[exp.Expr], str] = {
    exp.CurrentUser: "current_user",
    exp.SessionUser: "session_user",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentSchema: "current_schema",
    exp.CurrentRole: "current_role",
    exp.CurrentTimestamp: "now",
}
_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.Pow: "^",
    **{node: "".join(words) for words, node in OTHER_OPERATORS.items()},
}


class Expressions(Values):
    """Translates expressions; `queries` translates the queries inside them."""

    queries: Selects

    def term(self, node: exp.Expr, scope: Scope) -> Term:
        """The node as a term.

        Raises:
            GatewayError: as PostgreSQL refuses it, or 0A000 where this server does.
        """
        translate = _NODES.get(type(node))
        if translate is None:
            translate = _subclass(node)
        done = translate(self, node, scope)
        return Term(f"(NOT {done.sql})", BOOL) if node.args.get("negate") else done

    def condition(self, node: exp.Expr, scope: Scope) -> str:
        """The node as a Boolean."""
        found = self.term(node, scope)
        if found.type not in (BOOL, UNKNOWN):
            raise DatatypeMismatch("argument must be type boolean", position=position_of(node))
        return self.coerce(found, BOOL).sql

    # Operators

    def paren(self, node: exp.Paren, scope: Scope) -> Term:
        return self.term(node.this, scope)

    def binary(self, node: exp.Expr, scope: Scope) -> Term:
        right = node.expression
        word = quantified(right)
        if word is not None:
            return self._quantified(_OPERATORS[type(node)], node, word, scope)
        terms = self.terms([node.this, right], scope)
        return apply(self, _OPERATORS[type(node)], terms, node)

    def operator(self, node: exp.Expr, scope: Scope) -> Term:
        """left OPERATOR(schema.op) right."""
        symbol = str(node.args["operator"]).rpartition(".")[2]
        word = quantified(node.expression)
        if word is not None:
            return self._quantified(symbol, node, word, scope)
        return apply(self, symbol, self.terms([node.this, node.expression], scope), node)

    def _quantified(self, symbol: str, node: exp.Expr, word: str, scope: Scope) -> Term:
        """left op ANY (array or query), left op ALL (...)."""
        left = self.term(node.this, scope)
        inside = (
            node.expression.expressions[0]
            if node.expression.expressions
            else (node.expression.this)
        )
        while isinstance(inside, exp.Paren):
            inside = inside.this
        if isinstance(inside, exp.Subquery):
            inside = inside.this
        if isinstance(inside, exp.Query):
            query = self.queries.query(inside, scope)
            one = Term("q.c1", query.outputs[0].type)
            test = apply(self, symbol, [left, one], node).sql
            if symbol == "=" and word == "any":
                left = self.coerce(left, query.outputs[0].type)
                return Term(f"({left.sql} IN ({query.sql}))", BOOL)
            wanted = "" if word == "any" else "NOT "
            exists = f"EXISTS (SELECT 1 FROM ({query.sql}) AS q WHERE {wanted}{test})"
            return Term(f"({wanted}{exists})", BOOL)
        return self._over_array(symbol, left, self.term(inside, scope), word, node)

    def _over_array(self, symbol: str, left: Term, array: Term, word: str, node: exp.Expr) -> Term:
        if array.type == UNKNOWN:
            element = TEXT if left.type == UNKNOWN else left.type
            array = self.coerce(array, resolution.array_of(static().base(element)) or 1009)
        one = Term("v", element_of(array.type))
        test = apply(self, symbol, [left, one], node)
        if symbol in ("=", "<>") and (symbol == "=") == (word == "any"):
            left = self.coerce(left, one.type)
            found = f"list_contains({array.sql}, {left.sql})"
            return Term(f"(NOT {found})" if symbol == "<>" else found, BOOL)
        kept = "v" if word == "any" else "NOT v"
        counted = (
            f"len(list_filter(list_transform({array.sql}, lambda v: {test.sql}), lambda v: {kept}))"
        )
        return Term(f"({counted} {'> 0' if word == 'any' else '= 0'})", BOOL)

    def escape(self, node: exp.Expr, scope: Scope) -> Term:
        like = node.this
        left, right = (
            self.coerce(t, TEXT) for t in self.terms([like.this, like.expression], scope)
        )
        sign = self.coerce(self.term(node.expression, scope), TEXT)
        word = "ILIKE" if isinstance(like, exp.ILike) else "LIKE"
        negate = "NOT " if like.args.get("negate") else ""
        return Term(f"({left.sql} {negate}{word} {right.sql} ESCAPE {sign.sql})", BOOL)

    def logical(self, node: exp.Expr, scope: Scope) -> Term:
        word = "AND" if isinstance(node, exp.And) else "OR"
        left, right = (self.condition(part, scope) for part in (node.this, node.expression))
        return Term(f"({left} {word} {right})", BOOL)

    def negated(self, node: exp.Expr, scope: Scope) -> Term:
        return Term(f"(NOT {self.condition(node.this, scope)})", BOOL)

    def is_node(self, node: exp.Expr, scope: Scope) -> Term:
        left = self.settled(self.term(node.this, scope))
        right = node.expression
        if isinstance(right, exp.Null) and left.fields and not element_of(left.type):
            # IS NOT NULL says that every field has a value, IS NULL that none has one.
            word = " OR " if node.args.get("negate") else " AND "
            return Term(f"({word.join(f'({t.sql} IS NULL)' for _, t in left.fields)})", BOOL)
        if isinstance(right, exp.Null):
            return Term(f"({left.sql} IS NULL)", BOOL)
        if isinstance(right, exp.Boolean):
            return Term(f"({left.sql} IS {'TRUE' if right.this else 'FALSE'})", BOOL)
        raise FeatureNotSupported(
            "this form of IS is not supported here", position=position_of(node)
        )

    def distinct_from(self, node: exp.Expr, scope: Scope) -> Term:
        (left, right), _ = self.unified(self.terms([node.this, node.expression], scope))
        word = "IS DISTINCT FROM" if isinstance(node, exp.NullSafeNEQ) else "IS NOT DISTINCT FROM"
        return Term(f"({left.sql} {word} {right.sql})", BOOL)

    def minus(self, node: exp.Expr, scope: Scope) -> Term:
        inside = self.term(node.this, scope)
        if inside.literal is not None:
            inside = self.coerce(inside, FLOAT8)
        return Term(f"(-{inside.sql})", inside.type)

    def between(self, node: exp.Between, scope: Scope) -> Term:
        value, low, high = self.terms([node.this, node.args["low"], node.args["high"]], scope)
        above = apply(self, ">=", [value, low], node).sql
        below = apply(self, "<=", [value, high], node).sql
        return Term(f"({above} AND {below})", BOOL)

    def contained(self, node: exp.In, scope: Scope) -> Term:
        query = node.args.get("query")
        if query is not None:
            return self._in_query(node, query, scope)
        left = self.term(node.this, scope)
        if left.fields:
            tests = [self._equal_rows(left, item, scope, node) for item in node.expressions]
            return Term(f"({' OR '.join(tests)})", BOOL)
        items = self.terms(node.expressions, scope)
        terms, _ = self.unified([left, *items])
        return Term(f"({terms[0].sql} IN ({', '.join(t.sql for t in terms[1:])}))", BOOL)

    def _equal_rows(self, left: Term, item: exp.Expr, scope: Scope, node: exp.Expr) -> str:
        right = self.term(item, scope)
        pairs = zip(left.fields, right.fields, strict=True)
        tests = [apply(self, "=", [a, b], node).sql for (_, a), (_, b) in pairs]
        return f"({' AND '.join(tests)})"

    def _in_query(self, node: exp.In, query: exp.Expr, scope: Scope) -> Term:
        inner = self.queries.query(query.this, scope)
        left = self.term(node.this, scope)
        if left.fields:
            items = ", ".join(
                self.coerce(term, output.type).sql
                for (_, term), output in zip(left.fields, inner.outputs, strict=True)
            )
            return Term(f"(({items}) IN ({inner.sql}))", BOOL)
        one = self.coerce(left, inner.outputs[0].type)
        return Term(f"({one.sql} IN ({inner.sql}))", BOOL)

    # Conditionals

    def case(self, node: exp.Case, scope: Scope) -> Term:
        subject = node.this
        ifs, default = node.args["ifs"], node.args.get("default")
        tests = []
        for branch in ifs:
            if subject is None:
                tests.append(self.condition(branch.this, scope))
            else:
                terms = self.terms([subject, branch.this], scope)
                tests.append(apply(self, "=", terms, branch).sql)
        values = self.terms([branch.args["true"] for branch in ifs], scope)
        last = NULL if default is None else self.term(default, scope)
        # PostgreSQL looks at ELSE first (parse_expr.c, transformCaseExpr).
        kind = common_type([term.type for term in [last, *values]])
        shown = [self.coerce(term, kind).sql for term in [*values, last]]
        whens = " ".join(f"WHEN {t} THEN {v}" for t, v in zip(tests, shown, strict=False))
        return Term(f"(CASE {whens} ELSE {shown[-1]} END)", kind)

    def cast_node(self, node: exp.Cast, scope: Scope) -> Term:
        to, around = node.args["to"], node.parent
        if to.this == exp.DType.BIT and not (
            isinstance(around, exp.Cast) and around.args["to"].this in exp.DataType.INTEGER_TYPES
        ):
            raise FeatureNotSupported(
                "a bit string is not supported", position=position_of(node.this)
            )
        kind, typmod = type_of_node(to)
        return self.cast(self.term(node.this, scope), kind, typmod)

    def collate(self, node: exp.Expr, scope: Scope) -> Term:
        return self.term(node.this, scope)

    def zoned(self, node: exp.Expr, scope: Scope) -> Term:
        left, zone = self.terms([node.this, node.args["zone"]], scope)
        kind = 1184 if left.type == 1114 else 1114
        return Term(f"({left.sql} AT TIME ZONE {self.coerce(zone, TEXT).sql})", kind)

    def extract(self, node: exp.Expr, scope: Scope) -> Term:
        inside = self.term(node.expression, scope)
        return Term(f"CAST(date_part('{node.this.name.lower()}', {inside.sql}) AS DECIMAL(38,10))",
                    NUMERIC)  # fmt: skip

    # Queries and calls

    def exists(self, node: exp.Expr, scope: Scope) -> Term:
        inside = node.this
        query = self.queries.query(
            inside.this if isinstance(inside, exp.Subquery) else inside, scope
        )
        return Term(f"EXISTS ({query.sql})", BOOL)

    def subquery(self, node: exp.Expr, scope: Scope) -> Term:
        query = self.queries.query(node, scope)
        only = query.outputs[0]
        return Term(f"({query.sql})", only.type, fields=only.fields)

    def anonymous(self, node: exp.Anonymous, scope: Scope) -> Term:
        return self.called(node, node.name, scope)

    def called(self, node: exp.Expr, name: str, scope: Scope, schema: str = "") -> Term:
        """A function's call."""
        if name == "array" and node.expressions and isinstance(node.expressions[0], exp.Query):
            return self._array_of_query(node.expressions[0], scope)
        return call(self, schema, name, node.expressions, node, scope)

    def _array_of_query(self, query: exp.Expr, scope: Scope) -> Term:
        inner = self.queries.query(query, scope)
        kind = resolution.array_of(static().base(inner.outputs[0].type))
        empty = f"CAST([] AS {static().storage(kind).duckdb})"
        return Term(f"COALESCE((SELECT list(q.c1) FROM ({inner.sql}) AS q), {empty})", kind)

    def session_word(self, node: exp.Expr, scope: Scope) -> Term:
        return call(self, "", _SESSION_WORDS[type(node)], [], node, scope)

    def date_word(self, node: exp.Expr, scope: Scope) -> Term:
        return Term("current_date", 1082)


Translate = Callable[[Expressions, Any, Scope], Term]
_NODES: dict[type[exp.Expr], Translate] = {
    exp.Column: Expressions.column,
    exp.Dot: Expressions.dot,
    exp.Literal: Expressions.literal_node,
    exp.ByteString: Expressions.literal_node,
    exp.RawString: Expressions.literal_node,
    exp.National: Expressions.literal_node,
    exp.Boolean: Expressions.boolean,
    exp.Null: Expressions.null_node,
    exp.Parameter: Expressions.parameter,
    exp.Interval: Expressions.interval,
    exp.Array: Expressions.array,
    exp.Tuple: Expressions.row,
    exp.Paren: Expressions.paren,
    exp.Operator: Expressions.operator,
    exp.Escape: Expressions.escape,
    exp.And: Expressions.logical,
    exp.Or: Expressions.logical,
    exp.Not: Expressions.negated,
    exp.Is: Expressions.is_node,
    exp.NullSafeEQ: Expressions.distinct_from,
    exp.NullSafeNEQ: Expressions.distinct_from,
    exp.Neg: Expressions.minus,
    exp.Between: Expressions.between,
    exp.In: Expressions.contained,
    exp.Case: Expressions.case,
    exp.Cast: Expressions.cast_node,
    exp.Collate: Expressions.collate,
    exp.AtTimeZone: Expressions.zoned,
    exp.Extract: Expressions.extract,
    exp.Bracket: Expressions.bracket,
    exp.Exists: Expressions.exists,
    exp.Subquery: Expressions.subquery,
    exp.Anonymous: Expressions.anonymous,
    exp.CurrentDate: Expressions.date_word,
    **dict.fromkeys(_OPERATORS, Expressions.binary),
    **dict.fromkeys(_SESSION_WORDS, Expressions.session_word),
}


def _subclass(node: exp.Expr) -> Translate:
    if isinstance(node, exp.Query):
        return Expressions.subquery
    if isinstance(node, exp.Window | exp.Filter | exp.WithinGroup):
        from gateway.catalog.translation.calls import windowed

        return windowed
    raise FeatureNotSupported(
        f"{type(node).__name__} is not supported in a catalogue query", position=position_of(node)
    )
