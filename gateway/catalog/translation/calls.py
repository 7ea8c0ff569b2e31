"""Calls of functions in a catalogue query, aggregates and windows among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from gateway.catalog.system.static import static
from gateway.catalog.translation.coercing import quoted
from gateway.catalog.translation.datatypes import undefined
from gateway.catalog.translation.exactness import check_call
from gateway.catalog.translation.functions import COUNTERS, TEMPLATES
from gateway.catalog.translation.json_calls import (
    WRITTEN_AS_TEXT,
    is_row,
    row_text,
    value_text,
)
from gateway.catalog.translation.resolution import (
    JSON_TYPES,
    TEXT,
    Resolved,
    element_of,
    function_meant,
)
from gateway.catalog.translation.special import SPECIAL
from gateway.catalog.translation.templates import fill
from gateway.catalog.translation.terms import Call, Scope, Term
from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.literals import similar_pattern
from gateway.sql.names.scope import position_of

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions

_XID = 28
_SCHEMAS = ("", "pg_catalog", "information_schema")


def call(
    within: Expressions,
    schema: str,
    name: str,
    nodes: Sequence[exp.Expr],
    node: exp.Expr,
    scope: Scope | None = None,
) -> Term:
    """A function's call.

    Raises:
        UndefinedFunction: 42883. FeatureNotSupported: 0A000, it is one that this server lacks.
    """
    scope = scope or Scope()
    special = SPECIAL.get(name) if schema in _SCHEMAS else None
    if special is not None:
        return special(Call(within, name, nodes, node, scope))
    clauses, plain = _clauses(nodes)
    terms = [] if _is_star(plain) else within.terms(plain, scope)
    found = function_meant(name, tuple(term.type for term in terms))
    if found is None or schema not in _SCHEMAS:
        raise undefined(schema, name, terms, node)
    pairs = zip(terms, found.arguments, strict=True)
    arguments = [within.coerce(term, kind) for term, kind in pairs]
    check_call(name, found, arguments, node)
    sql = _written(within, name, found, arguments, node)
    if clauses is not None:
        sql = _with_clauses(within, sql, clauses, scope)
    is_set = found.routine.returns_set
    result = found.result
    if name == "sum":
        sql = f"CAST({sql} AS {static().storage(result).duckdb})"
    nested = name == "array_agg" and bool(element_of(arguments[0].type))
    fields = arguments[0].fields if name == "array_agg" else ()
    return Term(sql, result, fields=fields, is_set=is_set, nested=nested)


def _is_star(nodes: Sequence[exp.Expr]) -> bool:
    return len(nodes) == 1 and isinstance(nodes[0], exp.Star)


def _written(
    within: Expressions, name: str, found: Resolved, arguments: Sequence[Term], node: exp.Expr
) -> str:
    first = found.routine.arguments[0] if arguments else 0
    forms = f"{name}({first})", f"{name}/{len(arguments)}", name
    written = next((TEMPLATES[form] for form in forms if form in TEMPLATES), None)
    template = _matching(name, found, arguments, node) or written
    if template is None and name.startswith(COUNTERS):
        kind = static().storage(found.result).duckdb
        counted = kind in ("BIGINT", "DOUBLE")
        return f"CAST({0 if counted else 'NULL'} AS {kind})"
    if template is None:
        raise FeatureNotSupported(
            f"function {name} is not supported in a catalogue query", position=position_of(node)
        )
    if "json_text(" in template and arguments[0].type in JSON_TYPES:
        template = template.replace("json_text(", "json_list(")
    elif name == "age" and found.routine.arguments == (_XID,):  # no transaction has a number here
        template = "CAST(CASE {0} WHEN 0 THEN 2147483647 ELSE 0 END AS INTEGER)"
    shown = [argument.sql for argument in arguments]
    if name in ("json_agg", "jsonb_agg") and is_row(arguments[0]):
        between = "', ' || chr(10) || ' '" if name == "json_agg" else "', '"
        template = f"('[' || string_agg({{0}}, {between}) || ']')"
        shown = [row_text(within, arguments[0], compact=name == "json_agg")]
    elif name in ("json_agg", "jsonb_agg"):  # of a reg value its name
        texts = (within.cast(a, TEXT) if a.type in WRITTEN_AS_TEXT else a for a in arguments)
        shown = [text.sql for text in texts]
    elif name in ("json_object_agg", "jsonb_object_agg"):
        shown[1] = value_text(within, arguments[1], compact=True)
    return fill(within, template, shown)


_GROUP = re.compile(r"(?<!\\)\((?!\?)")


def _matching(name: str, found: Resolved, arguments: Sequence[Term], node: exp.Expr) -> str | None:
    """The template of a call that gives parts of a match; None: of another call.

    DuckDB wants to know the groups beforehand.
    """
    kinds = found.routine.arguments
    if name not in ("substring", "regexp_match") or set(kinds) != {TEXT}:
        return None
    patterns = [_constant(each, node) for each in arguments[1:]]
    if len(patterns) > 1:
        return _similar_template(*patterns) if name == "substring" else None
    groups = len(_GROUP.findall(patterns[0]))
    if name == "substring":  # what the first parentheses match, or else the whole
        part = f"regexp_extract({{0}}, {{1}}, {min(groups, 1)})"
    else:
        numbers = range(1, groups + 1) if groups else [0]
        part = f"[{', '.join(f'regexp_extract({{0}}, {{1}}, {n})' for n in numbers)}]"
    return f"CASE WHEN regexp_matches({{0}}, {{1}}) THEN {part} END"


def _constant(pattern: Term, node: exp.Expr) -> str:
    if not pattern.sql.startswith("'"):
        raise FeatureNotSupported(
            "a pattern that is no constant is not supported in a catalogue query",
            position=position_of(node),
        )
    return pattern.sql[1:-1].replace("''", "'")


def _similar_template(pattern: str, escape: str) -> str:
    """substring(text from pattern for escape): what stands between the two escaped quotes.

    Source: PostgreSQL manual, 9.7.2; what stands before them matches as little as may be.
    """
    parts = [_ungrouped(similar_pattern(part, escape)) for part in pattern.split(f'{escape}"')]
    if len(parts) == 2 or len(parts) > 3:
        raise FeatureNotSupported("a pattern of substring has two separators or none")
    before, inside, after = parts if len(parts) == 3 else ["", parts[0], ""]
    before = before.replace(".*", ".*?")
    whole = quoted(f"^(?:{before})({inside})(?:{after})$").replace("{", "{{").replace("}", "}}")
    return f"CASE WHEN regexp_matches({{0}}, {whole}) THEN regexp_extract({{0}}, {whole}, 1) END"


def _ungrouped(similar: str) -> str:
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", similar.removeprefix("^(?:").removesuffix(")$"))


# DISTINCT and ORDER BY inside an aggregate


def _clauses(nodes: Sequence[exp.Expr]) -> tuple[exp.Expr | None, list[exp.Expr]]:
    """The DISTINCT or ORDER BY inside a call, and the plain arguments."""
    plain: list[exp.Expr] = []
    clause: exp.Expr | None = None
    for node in nodes:
        inner = node
        while isinstance(inner, exp.Order | exp.Distinct):
            clause = clause or node
            inner = inner.expressions[0] if isinstance(inner, exp.Distinct) else inner.this
        if isinstance(node, exp.Distinct):
            plain += node.expressions[:-1]
            inner = node.expressions[-1]
            while isinstance(inner, exp.Order):
                inner = inner.this
        if isinstance(node, exp.Order) and isinstance(node.this, exp.Distinct):
            plain += node.this.expressions[:-1]
            inner = node.this.expressions[-1]
        plain.append(inner)
    return clause, plain


def _with_clauses(within: Expressions, sql: str, clause: exp.Expr, scope: Scope) -> str:
    head, inside, tail = _aggregate_in(sql)
    order = clause if isinstance(clause, exp.Order) else clause.find(exp.Order)
    distinct = "DISTINCT " if isinstance(clause, exp.Distinct) or clause.find(exp.Distinct) else ""
    items = within.queries.order_items(order, scope) if order is not None else ""
    by = f" ORDER BY {items}" if items else ""
    return f"{head}({distinct}{inside}{by}){tail}"


def _aggregate_in(sql: str) -> tuple[str, str, str]:
    """What stands before the parenthesis of the aggregate in a term, inside it, and after it."""
    start = re.search(r"\b[a-z_]+\((?!list\()", sql)
    assert start is not None
    head, rest = sql[: start.end() - 1], sql[start.end() :]
    end = _closing(rest)
    return head, rest[:end], rest[end + 1 :]


def _closing(text: str) -> int:
    """Where the parenthesis closes that was open before `text`."""
    depth, quoted = 1, False
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place
    raise AssertionError(text)


def windowed(within: Expressions, node: exp.Expr, scope: Scope) -> Term:
    """FILTER, OVER and WITHIN GROUP around a call."""
    inside = within.term(node.this, scope)
    if isinstance(node, exp.Filter):
        test = within.condition(node.expression.this, scope)
        head, given, tail = _aggregate_in(inside.sql)
        return replace(inside, sql=f"{head}({given}) FILTER (WHERE {test}){tail}")
    if not isinstance(node, exp.Window):
        raise FeatureNotSupported("WITHIN GROUP is not supported in a catalogue query")
    if node.args.get("spec") is not None or node.args.get("alias") is not None:
        raise FeatureNotSupported("this window is not supported in a catalogue query")
    parts = [
        within.settled(t).sql for t in within.terms(node.args.get("partition_by") or [], scope)
    ]
    order = node.args.get("order")
    words = [f"PARTITION BY {', '.join(parts)}"] if parts else []
    if order is not None:
        words.append(f"ORDER BY {within.queries.order_items(order, scope)}")
    return replace(inside, sql=f"{inside.sql} OVER ({' '.join(words)})")
