"""Calls of functions in a catalogue query: aggregates, windows, calls with rules of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from gateway.catalog.static import static
from gateway.catalog.storage import INT2VECTOR, OIDVECTOR
from gateway.catalog.translation import resolution
from gateway.catalog.translation.datatypes import spelt
from gateway.catalog.translation.functions import COUNTERS, TEMPLATES
from gateway.catalog.translation.resolution import (
    BOOL,
    INT4,
    NAME,
    OID,
    RECORD,
    TEXT,
    UNKNOWN,
    Resolved,
    element_of,
    resolve,
)
from gateway.catalog.translation.terms import Scope, Term
from gateway.errors import FeatureNotSupported, UndefinedFunction
from gateway.sql.scope import position_of

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions

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
    special = _SPECIAL.get(name) if schema in _SCHEMAS else None
    if special is not None:
        return special(within, name, nodes, node, scope)
    clauses, plain = _clauses(nodes)
    terms = [] if _is_star(plain) else within.terms(plain, scope)
    found = resolve(static().functions.get(name, ()), [term.type for term in terms])
    if found is None or schema not in _SCHEMAS:
        raise _undefined(schema, name, terms, node)
    pairs = zip(terms, found.arguments, strict=True)
    arguments = [within.coerce(term, kind) for term, kind in pairs]
    sql = _written(within, name, found, arguments, node)
    if clauses is not None:
        sql = _with_clauses(within, sql, clauses, scope)
    is_set = found.routine.returns_set
    result = found.result
    if found.routine.kind == "a" and name in ("sum", "avg"):
        sql = f"CAST({sql} AS {static().storage(result).duckdb})"
    return Term(sql, result, is_set=is_set)


def _undefined(schema: str, name: str, terms: Sequence[Term], node: exp.Expr) -> UndefinedFunction:
    shown = ", ".join(spelt(term.type) for term in terms)
    return UndefinedFunction(
        f"function {schema + '.' if schema else ''}{name}({shown}) does not exist",
        hint="No function matches the given name and argument types. "
        "You might need to add explicit type casts.",
        position=position_of(node),
    )


def _is_star(nodes: Sequence[exp.Expr]) -> bool:
    return len(nodes) == 1 and isinstance(nodes[0], exp.Star)


def _written(
    within: Expressions, name: str, found: Resolved, arguments: Sequence[Term], node: exp.Expr
) -> str:
    template = TEMPLATES.get(f"{name}/{len(arguments)}") or TEMPLATES.get(name)
    if template is None and name.startswith(COUNTERS):
        kind = static().storage(found.result).duckdb
        return "CAST(0 AS BIGINT)" if kind == "BIGINT" else f"CAST(NULL AS {kind})"
    if template is None:
        raise FeatureNotSupported(
            f"function {name} is not supported in a catalogue query", position=position_of(node)
        )
    shown = [argument.sql for argument in arguments]
    return fill(within, template, shown)


_MARK = re.compile(r"\[(pg_\w+)\]|<(\w+)>|(@\w+)|\{(\d|all)\}|\{\{|\}\}")


def fill(within: Expressions, template: str, arguments: Sequence[str]) -> str:
    """A template of `functions` with everything in its place."""
    names = within.names

    def replaced(match: re.Match[str]) -> str:
        relation, helper, word, argument = match.groups()
        if relation is not None:
            found = names.relation("pg_catalog", relation)
            assert found is not None, relation
            return found.sql
        if helper is not None:
            return names.helper(helper)
        if word is not None:
            return _session_value(within, word)
        if argument is None:
            return match[0][0]
        return ", ".join(arguments) if argument == "all" else arguments[int(argument)]

    return _MARK.sub(replaced, template)


def _session_value(within: Expressions, word: str) -> str:
    names = within.names
    if word in ("@path", "@visible_path"):
        path = names.path if word == "@path" else names.explicit
        return f"CAST([{', '.join(_quoted(p) for p in path)}] AS VARCHAR[])"
    values = {
        "@user": names.user,
        "@database": names.database,
        "@schema": next(iter(names.explicit), ""),
    }
    return _quoted(values[word])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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
    head, _, rest = sql.partition("(")
    inside = rest.rpartition(")")[0]
    order = clause if isinstance(clause, exp.Order) else clause.find(exp.Order)
    distinct = "DISTINCT " if isinstance(clause, exp.Distinct) or clause.find(exp.Distinct) else ""
    items = within.queries.order_items(order, scope) if order is not None else ""
    by = f" ORDER BY {items}" if items else ""
    return f"{head}({distinct}{inside}{by})"


def windowed(within: Expressions, node: exp.Expr, scope: Scope) -> Term:
    """FILTER, OVER and WITHIN GROUP around a call."""
    inside = within.term(node.this, scope)
    if isinstance(node, exp.Filter):
        test = within.condition(node.expression.this, scope)
        return replace(inside, sql=f"{inside.sql} FILTER (WHERE {test})")
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


# Calls that PostgreSQL's grammar or this server treats in a way of their own

Special = Callable[["Expressions", str, Sequence[exp.Expr], exp.Expr, Scope], Term]


def _common(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    terms, kind = within.unified(within.terms(nodes, scope))
    return Term(f"{name}({', '.join(term.sql for term in terms)})", kind)


def _nullif(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    first, second = within.terms(nodes, scope)
    first = within.settled(first)
    return Term(f"nullif({first.sql}, {within.coerce(second, first.type).sql})", first.type)


def _subscripts(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    array = within.term(nodes[0], scope)
    low, high = _bounds(array)
    return Term(f"unnest(CAST(generate_series({low}, {high}) AS INTEGER[]))", INT4, is_set=True)


def _bounds(array: Term) -> tuple[str, str]:
    if array.type in (INT2VECTOR, OIDVECTOR):
        return "0", f"len({array.sql}) - 1"
    return "1", f"len({array.sql})"


def _bound(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    array = within.term(nodes[0], scope)
    bound = _bounds(array)[name == "array_upper"]
    return Term(f"CASE WHEN len({array.sql}) > 0 THEN CAST({bound} AS INTEGER) END", INT4)


def _expandarray(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    array = within.term(nodes[0], scope)
    made = (
        f"list_transform({array.sql}, lambda v, i: struct_pack(f1 := v, f2 := CAST(i AS INTEGER)))"
    )
    row = f"unnest({made})"
    first = element_of(array.type)
    fields = (("x", Term(f"({row}).f1", first)), ("n", Term(f"({row}).f2", INT4)))
    return Term(row, RECORD, fields=fields, is_set=True)


def _true_type(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    attribute, kind = (dict(term.fields) for term in within.terms(nodes, scope))
    column, base = (
        ("atttypid", "typbasetype") if name.endswith("id") else ("atttypmod", "typtypmod")
    )
    own, under = attribute[column].sql, kind[base].sql
    sql = f"CASE WHEN {kind['typtype'].sql} = 'd' THEN {under} ELSE {own} END"
    return Term(f"({sql})", OID if name.endswith("id") else INT4)


def _typeof(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    return Term(f"CAST({within.term(nodes[0], scope).type} AS BIGINT)", 2206)


def _json_object(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    """json_build_object, with PostgreSQL's blanks: {"a" : 1, "b" : null}."""
    parts = []
    for n, term in enumerate(within.terms(nodes, scope)):
        value = within.settled(term)
        if n % 2 == 0:
            parts.append(f"to_json({within.cast(value, TEXT).sql})")
        elif value.type in (NAME, 18, *resolution_texts()) or value.type == TEXT:
            parts.append(f"COALESCE(to_json({value.sql}), 'null')")
        elif value.type in _REGS:
            parts.append(f"COALESCE(to_json({within.cast(value, TEXT).sql}), 'null')")
        else:
            parts.append(f"COALESCE(CAST(to_json({value.sql}) AS VARCHAR), 'null')")
    pairs = [
        f"{key} || ' : ' || {value}" for key, value in zip(parts[::2], parts[1::2], strict=True)
    ]
    body = " || ', ' || ".join(pairs) if pairs else "''"
    return Term(f"('{{' || {body} || '}}')", 114 if name == "json_build_object" else 3802)


_REGS = frozenset({24, 2202, 2203, 2204, 2205, 2206, 4089, 4096, 4191})


def resolution_texts() -> tuple[int, ...]:
    """Types that JSON writes in quotes."""
    return (resolution.VARCHAR, resolution.BPCHAR)


def _format(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    first, *rest = within.terms(nodes, scope)
    if first.literal is None:
        raise FeatureNotSupported("format needs its pattern as a literal in a catalogue query")
    values = [within.cast(within.settled(term), TEXT).sql for term in rest]
    parts, used = [], 0
    for piece in re.split(r"(%(?:\d+\$)?[sIL%])", first.literal):
        if not re.fullmatch(r"%(?:\d+\$)?[sIL%]", piece):
            parts.append(_quoted(piece))
            continue
        if piece == "%%":
            parts.append("'%'")
            continue
        given = re.search(r"\d+", piece)
        place = int(given[0]) - 1 if given else used
        used = place + 1
        value = values[place] if place < len(values) else "NULL"
        wrap = {"s": "COALESCE({}, '')", "I": "quote_ident({})", "L": "quote_literal({})"}[
            piece[-1]
        ]
        parts.append(wrap.format(value))
    return Term(f"({' || '.join(parts)})", TEXT)


def _serial_sequence(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    relation, column = within.terms(nodes, scope)
    oid = within.cast(relation, 2205)
    text = within.coerce(column, TEXT)
    return Term(fill(within, TEMPLATES[name], [oid.sql, text.sql]), TEXT)


def _privilege(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    """has_*_privilege: everybody may do everything, so only a NULL gives anything but true."""
    terms = [within.settled(term) for term in within.terms(nodes, scope)]
    if name == "has_table_privilege" and len(terms) == 2:
        terms[0] = within.cast(terms[0], 2205) if nodes and terms[0].type == TEXT else terms[0]
    test = " OR ".join(f"{term.sql} IS NULL" for term in terms)
    return Term(f"(CASE WHEN {test} THEN NULL ELSE TRUE END)", BOOL)


def _unnest(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    array = within.term(nodes[0], scope)
    if array.type == UNKNOWN:
        array = within.coerce(array, 1009)
    return Term(
        f"unnest({array.sql})", element_of(array.type) or TEXT, fields=array.fields, is_set=True
    )


def _word(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    """current_user and its like, which PostgreSQL's grammar knows and pg_proc not all of."""
    return Term(fill(within, TEMPLATES[name], []), NAME)


def _viewdef(
    within: Expressions, name: str, nodes: Sequence[exp.Expr], node: exp.Expr, scope: Scope
) -> Term:
    first = within.term(nodes[0], scope)
    oid = within.cast(first, 2205) if first.type in (UNKNOWN, TEXT, NAME) else first
    return Term(fill(within, TEMPLATES[name], [oid.sql]), TEXT)


_SPECIAL: dict[str, Special] = {
    "coalesce": _common,
    "greatest": _common,
    "least": _common,
    "nullif": _nullif,
    "generate_subscripts": _subscripts,
    "array_upper": _bound,
    "array_lower": _bound,
    "_pg_expandarray": _expandarray,
    "_pg_truetypid": _true_type,
    "_pg_truetypmod": _true_type,
    "pg_typeof": _typeof,
    "json_build_object": _json_object,
    "jsonb_build_object": _json_object,
    "format": _format,
    "pg_get_serial_sequence": _serial_sequence,
    "pg_get_viewdef": _viewdef,
    "unnest": _unnest,
    **dict.fromkeys(("current_user", "session_user", "current_role", "user"), _word),
    **dict.fromkeys(("current_catalog", "current_schema", "current_database"), _word),
    **{
        name: _privilege
        for name in TEMPLATES
        if (name.startswith("has_") and name.endswith("_privilege")) or name == "pg_has_role"
    },
}
