"""Calls of a catalogue query that have rules of their own: in PostgreSQL's grammar, or here."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from gateway.catalog.system.storage import INT2VECTOR, OIDVECTOR
from gateway.catalog.translation.coercing import REGISTERED, quoted
from gateway.catalog.translation.datatypes import undefined
from gateway.catalog.translation.functions import TEMPLATES
from gateway.catalog.translation.json_calls import json_array, json_object, json_of
from gateway.catalog.translation.resolution import (
    BOOL,
    INT4,
    NAME,
    OID,
    RECORD,
    TEXT,
    UNKNOWN,
    element_of,
    function_meant,
)
from gateway.catalog.translation.templates import fill
from gateway.catalog.translation.terms import Call, Term
from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sql.names.scope import position_of

ACL, LSN = 1034, 3220  # aclitem[], pg_lsn
# What PostgreSQL has a function has_*_privilege for.
_SECURABLES = (
    "any_column", "column", "database", "foreign_data_wrapper", "function", "language",
    "parameter", "schema", "sequence", "server", "table", "tablespace", "type",
)  # fmt: skip
_REG_OIDS = {name: oid for oid, name in REGISTERED.items()}
_WIDE = re.compile(r"%(?:\d+\$)?-?(?:\d+|\*)[sIL]")


def _common(call: Call) -> Term:
    terms, kind = call.within.unified(call.terms())
    return Term(f"{call.name}({', '.join(term.sql for term in terms)})", kind)


def _nullif(call: Call) -> Term:
    first, second = call.terms()
    first = call.within.settled(first)
    return Term(f"nullif({first.sql}, {call.within.coerce(second, first.type).sql})", first.type)


def _subscripts(call: Call) -> Term:
    array = call.term()
    low, high = _bounds(array)
    return Term(f"unnest(CAST(generate_series({low}, {high}) AS INTEGER[]))", INT4, is_set=True)


def _bounds(array: Term) -> tuple[str, str]:
    if array.type in (INT2VECTOR, OIDVECTOR):
        return "0", f"len({array.sql}) - 1"
    return "1", f"len({array.sql})"


def _bound(call: Call) -> Term:
    array = call.term()
    bound = _bounds(array)[call.name == "array_upper"]
    return Term(f"CASE WHEN len({array.sql}) > 0 THEN CAST({bound} AS INTEGER) END", INT4)


def _expandarray(call: Call) -> Term:
    array = call.term()
    made = (
        f"list_transform({array.sql}, lambda v, i: struct_pack(f1 := v, f2 := CAST(i AS INTEGER)))"
    )
    row = f"unnest({made})"
    first = element_of(array.type)
    fields = (("x", Term(f"({row}).f1", first)), ("n", Term(f"({row}).f2", INT4)))
    return Term(row, RECORD, fields=fields, is_set=True)


def _true_type(call: Call) -> Term:
    attribute, kind = (dict(term.fields) for term in call.terms())
    column, base = (
        ("atttypid", "typbasetype") if call.name.endswith("id") else ("atttypmod", "typtypmod")
    )
    own, under = attribute[column].sql, kind[base].sql
    sql = f"CASE WHEN {kind['typtype'].sql} = 'd' THEN {under} ELSE {own} END"
    return Term(f"({sql})", OID if call.name.endswith("id") else INT4)


def _explode(call: Call) -> Term:
    """aclexplode: a row for each privilege of each item."""
    array = call.within.coerce(call.term(), ACL)
    kinds = (("grantor", OID), ("grantee", OID), ("privilege_type", TEXT), ("is_grantable", BOOL))
    row = f"unnest(gw_exploded('{call.within.names.place}', {array.sql}))"
    fields = tuple((each, Term(f"({row}).f{n}", kind)) for n, (each, kind) in enumerate(kinds, 1))
    return Term(row, RECORD, fields=fields, is_set=True)


def _options(call: Call) -> Term:
    """pg_options_to_table: a row for each `name=value`; what has no `=` has no value."""
    array = call.term()
    row = (
        f"unnest(list_transform({array.sql}, lambda o: struct_pack(f1 := split_part(o, '=', 1), "
        "f2 := CASE WHEN contains(o, '=') THEN substr(o, strpos(o, '=') + 1) END)))"
    )
    fields = (
        ("option_name", Term(f"({row}).f1", TEXT)),
        ("option_value", Term(f"({row}).f2", TEXT)),
    )
    return Term(row, RECORD, fields=fields, is_set=True)


def _registered(call: Call) -> Term:
    """regclass('t'): a cast that is written as a call."""
    (value,) = call.terms()
    return call.within.cast(value, _REG_OIDS[call.name])


def _trimmed(call: Call) -> Term:
    """trim() of PostgreSQL's grammar, which pg_proc calls btrim."""
    return call.within.called(
        exp.Anonymous(this="btrim", expressions=list(call.nodes)), "btrim", call.scope
    )


def _typeof(call: Call) -> Term:
    argument = call.term()
    number = f"CAST({argument.type} AS BIGINT)"
    # The argument stays: of an aggregate, there is one row of a group.
    return Term(f"CASE WHEN ({argument.sql}) IS NULL THEN {number} ELSE {number} END", 2206)


def _format(call: Call) -> Term:
    first, *rest = call.terms()
    if first.literal is None:
        raise FeatureNotSupported("format needs its pattern as a literal in a catalogue query")
    values = [call.within.written(call.within.settled(term)) for term in rest]
    parts, used = [], 0
    if _WIDE.search(first.literal):
        raise FeatureNotSupported("format with a width is not supported in a catalogue query")
    for piece in re.split(r"(%(?:\d+\$)?[sIL%])", first.literal):
        if not re.fullmatch(r"%(?:\d+\$)?[sIL%]", piece):
            parts.append(quoted(piece))
            continue
        if piece == "%%":
            parts.append("'%'")
            continue
        given = re.search(r"\d+", piece)
        place = int(given[0]) - 1 if given else used
        used = place + 1
        if place >= len(values):
            raise InvalidParameterValue(
                "too few arguments for format()", position=position_of(call.node)
            )
        value = values[place]
        wrap = {
            "s": "COALESCE({}, '')",
            "I": "quote_ident({})",
            "L": "COALESCE(quote_literal({}), 'NULL')",
        }[piece[-1]]
        parts.append(wrap.format(value))
    return Term(f"({' || '.join(parts)})", TEXT)


def _concat(call: Call) -> Term:
    written = [call.within.written(call.within.settled(term)) for term in call.terms()]
    return Term(f"{call.name}({', '.join(written)})", TEXT)


def _serial_sequence(call: Call) -> Term:
    relation, column = call.terms()
    oid = call.within.cast(relation, 2205)
    text = call.within.coerce(column, TEXT)
    return Term(fill(call.within, TEMPLATES[call.name], [oid.sql, text.sql]), TEXT)


def _privilege(call: Call) -> Term:
    """has_*_privilege, pg_has_role: answered in `catalog.privileges`."""
    terms = call.terms()
    found = function_meant(call.name, tuple(term.type for term in terms))
    if found is None:
        raise undefined("", call.name, terms, call.node)
    pairs = zip(terms, found.arguments, strict=True)
    given = [f"CAST({call.within.coerce(term, kind).sql} AS VARCHAR)" for term, kind in pairs]
    numbered = "".join("n" if kind in (TEXT, NAME) else "o" for kind in found.arguments)
    place = f"'{call.within.names.place}', '{call.name}', '{numbered}'"
    return Term(f"gw_privilege({place}, [{', '.join(given)}])", BOOL)


def _unnest(call: Call) -> Term:
    array = call.term()
    if array.type == UNKNOWN:
        array = call.within.coerce(array, 1009)
    row = f"unnest({array.sql})"
    fields = tuple(
        (each, Term(f"({row}).f{n}", term.type, fields=term.fields))
        for n, (each, term) in enumerate(array.fields, 1)
    )
    return Term(row, element_of(array.type) or TEXT, fields=fields, is_set=True)


def _word(call: Call) -> Term:
    """current_user and its like, which PostgreSQL's grammar knows and pg_proc not all of."""
    return Term(fill(call.within, TEMPLATES[call.name], []), NAME)


def _viewdef(call: Call) -> Term:
    first = call.term()
    oid = call.within.cast(first, 2205) if first.type in (UNKNOWN, TEXT, NAME) else first
    pretty = "FALSE"
    if len(call.nodes) > 1:  # a Boolean, or the column to wrap at
        second = call.within.term(call.nodes[1], call.scope)
        pretty = second.sql if second.type == BOOL else "TRUE"
    return Term(fill(call.within, TEMPLATES[call.name], [oid.sql, pretty]), TEXT)


def _row(call: Call) -> Term:
    """ROW(a, b): the same as (a, b)."""
    return call.within.row(exp.Tuple(expressions=list(call.nodes)), call.scope)


def _typed(call: Call) -> Term:
    """pg_lsn('0/0'): a cast that is written as a call."""
    (value,) = call.terms()
    return call.within.cast(value, LSN)


SPECIAL: dict[str, Callable[[Call], Term]] = {
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
    "trim": _trimmed,
    **dict.fromkeys(("regclass", "regtype", "regproc", "regnamespace", "regrole"), _registered),
    "aclexplode": _explode,
    "pg_options_to_table": _options,
    "pg_lsn": _typed,
    "json_build_object": json_object,
    "jsonb_build_object": json_object,
    "json_build_array": json_array,
    "jsonb_build_array": json_array,
    **dict.fromkeys(("row_to_json", "to_json", "to_jsonb"), json_of),
    "row": _row,
    "format": _format,
    "concat": _concat,
    "concat_ws": _concat,
    "pg_get_serial_sequence": _serial_sequence,
    "pg_get_viewdef": _viewdef,
    "unnest": _unnest,
    **dict.fromkeys(("current_user", "session_user", "current_role", "user"), _word),
    **dict.fromkeys(("current_catalog", "current_schema", "current_database"), _word),
    **{f"has_{what}_privilege": _privilege for what in _SECURABLES},
    "pg_has_role": _privilege,
}
