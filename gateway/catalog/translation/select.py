"""Queries over the catalogue: FROM, SELECT, WITH, set operations; expressions are `expressions`'.

Every relation is called r1, r2, ... and every output c1, c2, ...: DuckDB's names have no case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from sqlglot import exp

from gateway.catalog.system.static import static
from gateway.catalog.translation.expressions import Expressions
from gateway.catalog.translation.relations import Relations
from gateway.catalog.translation.resolution import (
    BOOL,
    INT8,
    RECORD,
    TEXT,
    UNKNOWN,
    common_type,
    element_of,
)
from gateway.catalog.translation.terms import Output, Query, Scope, Source, Term
from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import position_of

_ON = "DISTINCT ON ("
# In which order PostgreSQL gives rows that nobody orders, more or less: as they were made. Many
# clients count on columns coming that way.
_NATURAL = {
    "pg_catalog.pg_namespace": ("oid",),
    "pg_catalog.pg_class": ("oid",),
    "pg_catalog.pg_type": ("oid",),
    "pg_catalog.pg_attribute": ("attrelid", "attnum"),
    "information_schema.tables": ("table_schema", "table_name"),
    "information_schema.columns": ("table_schema", "table_name", "ordinal_position"),
}


class Selects(Relations):
    """Translates queries, with the expressions in them."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.numbers = count(1)
        expressions.queries = self

    def whole(self, node: exp.Expr) -> Query:
        """A client's query, with rows among its columns as their texts."""
        query = self.query(node, None)
        if not any(output.fields for output in query.outputs):
            return query
        items = [
            self._told(Term(f"q.c{n}", output.type, fields=output.fields)) + f" AS c{n}"
            for n, output in enumerate(query.outputs, 1)
        ]
        return replace(query, sql=f"SELECT {', '.join(items)} FROM ({query.sql}) AS q")

    def _told(self, term: Term) -> str:
        """A column; of a row or an array of rows, as record_out writes them."""
        if not term.fields:
            return term.sql
        listed = element_of(term.type) == RECORD
        row = "e" if listed else term.sql
        parts = [
            self._part(Term(f"({row}).f{n}", field.type, fields=field.fields))
            for n, (_, field) in enumerate(term.fields, 1)
        ]
        text = "'(' || " + " || ',' || ".join(f"record_part({part})" for part in parts) + " || ')'"
        if listed:
            return f"list_transform({term.sql}, lambda e: {text})"
        return f"CASE WHEN {term.sql} IS NOT NULL THEN {text} END"

    def _part(self, field: Term) -> str:
        if field.fields:
            return self._told(field)
        text = self.expressions.cast(field, TEXT).sql
        return f"left({text}, 1)" if field.type == BOOL else text

    def query(self, node: exp.Expr, outer: Scope | None, keep: bool = False) -> Query:
        """The query in SQL, and its columns.

        Args:
            node: Its tree.
            outer: What is around it.
            keep: Leave untyped literals without a type: another branch of UNION may give it.
        """
        scope = Scope(outer, ctes=dict(outer.ctes) if outer is not None else {})
        words = self._with(node, scope)
        if isinstance(node, exp.Subquery):
            inner = self.query(node.this, scope, keep)
            tail = self._tail(node, inner.outputs, Scope(scope, ctes=scope.ctes))
            if not words and not tail:
                return inner
            return Query(f"{words}SELECT * FROM ({inner.sql}) AS q{tail}", inner.outputs)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope, words)
        if isinstance(node, exp.Values):
            return self._values(node, scope)
        if isinstance(node, exp.Select):
            return self._select(node, scope, words, keep)
        raise FeatureNotSupported(f"{node.key} is not supported in a catalogue query")

    # WITH

    def _with(self, node: exp.Expr, scope: Scope) -> str:
        clause = node.args.get("with_")
        if clause is None:
            return ""
        recursive = bool(clause.args.get("recursive"))
        parts = []
        for cte in clause.expressions:
            parts.append(self._cte(cte, scope, recursive))
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} "

    def _cte(self, cte: exp.CTE, scope: Scope, recursive: bool) -> str:
        name, inner = f"w{next(self.numbers)}", cte.this
        given = [identifier.name for identifier in cte.args["alias"].columns]
        ctes = dict(scope.ctes)
        if recursive and isinstance(inner, exp.SetOperation):
            seed = self.query(inner.left, scope)
            ctes[cte.alias] = _cte_source(name, seed.outputs, given)
            scope.ctes = ctes
        query = self.query(inner, scope)
        scope.ctes = {**ctes, cte.alias: _cte_source(name, query.outputs, given)}
        columns = ", ".join(f"c{n}" for n in range(1, len(query.outputs) + 1))
        return f"{name}({columns}) AS ({query.sql})"

    # Set operations and VALUES

    def _set_operation(self, node: exp.SetOperation, scope: Scope, words: str) -> Query:
        left, right = (self.query(side, scope, keep=True) for side in (node.left, node.right))
        if len(left.outputs) != len(right.outputs):
            raise SyntaxFault(
                f"each {node.key.upper()} query must have the same number of columns",
                position=position_of(node.right),
            )
        pairs = list(zip(left.outputs, right.outputs, strict=True))
        outputs = tuple(
            Output(a.name, common_type([a.type, b.type]), fields=a.fields) for a, b in pairs
        )
        word = f"{node.key.upper()}{'' if node.args.get('distinct') else ' ALL'}"
        sql = f"{self._as(left, outputs)} {word} {self._as(right, outputs)}"
        tail = self._tail(node, outputs, Scope(scope, ctes=scope.ctes))
        return Query(f"{words}{sql}{tail}", outputs)

    def _as(self, query: Query, wanted: Sequence[Output]) -> str:
        """The query with its columns under these types."""
        items, changed = [], False
        for n, (given, output) in enumerate(zip(query.outputs, wanted, strict=True), 1):
            term = (
                self.expressions.converted(Term(f"q.c{n}", given.type), output.type)
                if (given.type != output.type)
                else Term(f"q.c{n}", given.type)
            )
            changed = changed or term.sql != f"q.c{n}"
            items.append(f"{term.sql} AS c{n}")
        if not changed:
            return f"({query.sql})"
        return f"(SELECT {', '.join(items)} FROM ({query.sql}) AS q)"

    def _values(self, node: exp.Values, scope: Scope) -> Query:
        rows = [
            self.expressions.terms(row.expressions if isinstance(row, exp.Tuple) else [row], scope)
            for row in node.expressions
        ]
        kinds = [common_type([t.type for t in column]) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            pairs = zip(row, kinds, strict=True)
            shown = ", ".join(self.expressions.coerce(term, kind).sql for term, kind in pairs)
            lines.append(f"({shown})")
        names = ", ".join(f"c{n}" for n in range(1, len(kinds) + 1))
        outputs = tuple(Output(f"column{n}", kind) for n, kind in enumerate(kinds, 1))
        return Query(f"SELECT * FROM (VALUES {', '.join(lines)}) AS v({names})", outputs)

    # SELECT

    def _select(self, node: exp.Select, scope: Scope, words: str, keep: bool) -> Query:
        start = node.args.get("from_")
        tables = [start.this] if start is not None else []
        joins = list(node.args.get("joins") or ()) + list(node.args.get("laterals") or ())
        relations = self.from_clause(tables, joins, scope)
        items = [pair for item in node.expressions for pair in self._item(item, scope)]
        terms = [term if keep and not term.parameter else self._shown(term) for _, term in items]
        outputs = tuple(
            Output(name, t.type, t.typmod, t.origin, t.fields)
            for (name, _), t in zip(items, terms, strict=True)
        )
        shown = ", ".join(f"{t.sql} AS c{n}" for n, t in enumerate(terms, 1))
        shown = shown or "NULL"  # SELECT FROM ...: rows without columns
        distinct = self._distinct(node, scope, outputs, terms)
        parts = [f"{words}SELECT {distinct}{shown}"]
        if relations:
            parts.append(f"FROM {relations}")
        if (where := node.args.get("where")) is not None:
            parts.append(f"WHERE {self.expressions.condition(where.this, scope)}")
        if (group := node.args.get("group")) is not None:
            parts.append(f"GROUP BY {self._group(group, scope, outputs, terms)}")
        if (having := node.args.get("having")) is not None:
            parts.append(f"HAVING {self.expressions.condition(having.this, scope)}")
        ordered = any(node.args.get(key) for key in ("order", "group", "distinct"))
        if scope.parent is None and not (keep or ordered or _aggregates(node)):
            parts += self._natural(scope)
        if distinct.startswith(_ON) and not node.args.get("order"):  # PostgreSQL sorts for it
            parts.append(f"ORDER BY {distinct[len(_ON) : -2]}")
        return Query(" ".join(parts) + self._tail(node, outputs, scope), outputs)

    def _natural(self, scope: Scope) -> list[str]:
        """ORDER BY for a query that has none."""
        keys = [
            term.sql
            for relation, names in _NATURAL.items()
            for source in scope.sources
            if source.relation == relation
            for name in names
            for term in source.find(name)
        ]
        return [f"ORDER BY {', '.join(keys)}"] if keys else []

    def _shown(self, term: Term) -> Term:
        """An output: an untyped literal is text; a row keeps its fields as parts of a struct."""
        if term.type == UNKNOWN:
            return replace(self.expressions.coerce(term, TEXT), typmod=-1)
        return term

    def _item(self, item: exp.Expr, scope: Scope) -> list[tuple[str, Term]]:
        if isinstance(item, exp.Star):
            return self.expand_star(scope)
        if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            return self.expand_star(scope, item)
        if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
            return list(self.expressions.term(item.this, scope).fields)
        name = item.alias if isinstance(item, exp.Alias) else output_name(item)
        return [(name, self.expressions.term(item.unalias(), scope))]

    def _distinct(
        self, node: exp.Select, scope: Scope, outputs: Sequence[Output], terms: Sequence[Term]
    ) -> str:
        distinct = node.args.get("distinct")
        if distinct is None:
            return ""
        on = distinct.args.get("on")
        if on is None:
            return "DISTINCT "
        items = on.expressions if isinstance(on, exp.Tuple) else [on]
        shown = []
        for item in map(_bare, items):
            number = self._order_item(item, scope, outputs)  # as in ORDER BY, by an output's name
            shown.append(terms[int(number) - 1].sql if number.isdigit() else number)
        return f"{_ON}{', '.join(shown)}) "

    def _group(
        self, group: exp.Group, scope: Scope, outputs: Sequence[Output], terms: Sequence[Term]
    ) -> str:
        if any(group.args.get(key) for key in ("rollup", "cube", "grouping_sets")) or any(
            not isinstance(item, exp.Expression) for item in group.expressions
        ):
            raise FeatureNotSupported("GROUPING SETS is not supported in a catalogue query")
        parts = []
        for item in group.expressions:
            item = _bare(item)
            if isinstance(item, exp.Literal) and not item.is_string:
                parts.append(str(int(item.name)))
                continue
            named = [n for n, o in enumerate(outputs) if _is_name(item, o.name)]
            inside = (
                self.expressions._found_here(item, scope) if isinstance(item, exp.Column) else None
            )
            if named and inside is None:
                parts.append(terms[named[0]].sql)
            else:
                parts.append(self.expressions.term(item, scope).sql)
        return ", ".join(parts)

    def _tail(self, node: exp.Expr, outputs: Sequence[Output], scope: Scope) -> str:
        """ORDER BY, LIMIT and OFFSET."""
        parts = []
        if (order := node.args.get("order")) is not None:
            parts.append(f"ORDER BY {self.order_items(order, scope, outputs)}")
        for key, word in (("limit", "LIMIT"), ("offset", "OFFSET")):
            clause = node.args.get(key)
            if clause is None:
                continue
            value = clause.args.get("count") if isinstance(clause, exp.Fetch) else clause.expression
            if (
                value is None
                or isinstance(value, exp.Null)
                or (isinstance(value, exp.Column) and value.name == "all")
            ):
                continue
            term = self.expressions.coerce(self.expressions.term(value, scope), INT8)
            parts.append(f"{word} {term.sql}")
        return " " + " ".join(parts) if parts else ""

    def order_items(self, order: exp.Expr, scope: Scope, outputs: Sequence[Output] = ()) -> str:
        """ORDER BY's items; one may be an output's number or its name."""
        parts = []
        for item in order.expressions:
            inside = _bare(item.this if isinstance(item, exp.Ordered) else item)
            word = " DESC" if item.args.get("desc") else " ASC"
            nulls = item.args.get("nulls_first")
            word += " NULLS FIRST" if nulls else " NULLS LAST"
            parts.append(self._order_item(inside, scope, outputs) + word)
        return ", ".join(parts)

    def _order_item(self, item: exp.Expr, scope: Scope, outputs: Sequence[Output]) -> str:
        if outputs and isinstance(item, exp.Literal) and not item.is_string:
            return self._order_by_output(int(item.name) - 1, outputs, item)
        named = [n for n, output in enumerate(outputs) if _is_name(item, output.name)]
        if named:
            return self._order_by_output(named[0], outputs, item)
        return self.expressions.settled(self.expressions.term(item, scope)).sql

    def _order_by_output(self, n: int, outputs: Sequence[Output], item: exp.Expr) -> str:
        if not 0 <= n < len(outputs):
            raise SyntaxFault(
                f"ORDER BY position {n + 1} is not in select list", position=position_of(item)
            )
        return str(n + 1)


def _aggregates(node: exp.Select) -> bool:
    """Whether an item holds an aggregate that is not over a window."""
    for item in node.expressions:
        for call in item.find_all(exp.Anonymous):
            kinds = {routine.kind for routine in static().functions.get(call.name, ())}
            here = call.find_ancestor(exp.Query) is node
            if here and "a" in kinds and not isinstance(call.parent, exp.Window):
                return True
    return False


def _bare(item: exp.Expr) -> exp.Expr:
    while isinstance(item, exp.Paren):
        item = item.this
    return item


def _is_name(item: exp.Expr, name: str) -> bool:
    return isinstance(item, exp.Column) and not item.table and item.name == name


def _cte_source(name: str, outputs: Sequence[Output], given: Sequence[str]) -> Source:
    names = [*given, *(output.name for output in outputs[len(given) :])]
    columns = [
        (shown, Term(f"c{n}", output.type, fields=output.fields))
        for n, (shown, output) in enumerate(zip(names, outputs, strict=True), 1)
    ]
    return Source(name, columns)
