"""Calls and operators that stand for several of the engine's: JSON, ordered sets, format(), nullif.

They come before `overloads`, which sees what they become.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.groups.collected import join_bytes
from gateway.sql.lowered.groups.ordered_sets import put_ordered_set
from gateway.sql.lowered.values.jsoncalls import OPERATORS, made_json, written
from gateway.sql.lowered.values.reals import spell_cases, spell_nullif
from gateway.sql.lowered.values.rounding import CUTTING, round_numeric
from gateway.sql.lowered.values.typed_casts import spell_cast
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import ByKind, own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BOOL, TEXT, array_of


def spell_out(block: Block) -> None:
    """Write them as what the engine has, in this SELECT, in place, the innermost first.

    Raises:
        UndefinedFunction: 42883, no such operator.
        FeatureNotSupported: 0A000, a type cannot be told, or has no such function here.
    """
    known = Types(block)
    for node in reversed(own_nodes(block.select)):
        if not SPELT.of(type(node)):
            continue
        if isinstance(node, exp.WithinGroup):
            put_ordered_set(node, known)
        elif isinstance(node, exp.Cast):
            round_numeric(node, known)
            spell_cast(node, known)
        elif isinstance(node, exp.Case) and node.this is not None:
            spell_cases(node, known)
        elif isinstance(node, exp.Anonymous) and node.name in _SPELT:
            _SPELT[node.name](node, known)
        elif (made := made_json(node, known)) is not None and made is not node:
            node.replace(made)


_RANGES = ("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange")
_TRANSACTIONS = ("txid_current_snapshot", "pg_current_snapshot", "txid_status", "pg_xact_status")
_SEARCHING = ("to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery",
              "websearch_to_tsquery", "ts_rank", "ts_rank_cd", "ts_headline", "setweight",
              "array_to_tsvector", "tsvector_to_array", "jsonb_to_tsvector", "json_to_tsvector",
              "numnode", "querytree", "ts_delete", "ts_filter", "ts_rewrite")  # fmt: skip
_OF_NETWORKS = ("network", "inet_merge", "macaddr8_set7bit")
_OF_XML = ("xpath", "xpath_exists", "xmlcomment", "xml_is_well_formed", "table_to_xml",
           "query_to_xml", "xmlexists")  # fmt: skip
_OF_RANGES = ("isempty", "lower_inc", "upper_inc", "lower_inf", "upper_inf", "range_merge",
              "multirange", "range_agg", "range_intersect_agg")  # fmt: skip
_POPULATING = tuple(f"{kind}_populate_record{set_}" for kind in ("json", "jsonb")
                    for set_ in ("", "set"))  # fmt: skip
# PostgreSQL's functions that are not here, and what may be written instead.
_REFUSED = {
    "setseed": "random() draws anew in each statement; keep what it drew in a table.",
    "timeofday": "Write to_char(clock_timestamp(), '...').",
    "trim_scale": "All values of a column show the digits of its type here.",
    **dict.fromkeys(_TRANSACTIONS, "Transactions are not told apart by their numbers here."),
    **dict.fromkeys((*_RANGES, *_OF_RANGES), "Keep the two bounds in columns of their own."),
    **dict.fromkeys(_SEARCHING, "Text search is not here: LIKE, ~ and regexp_match find words."),
    **dict.fromkeys(_OF_NETWORKS, "Of addresses inet alone is here, and neither cidr nor macaddr."),
    **dict.fromkeys(_OF_XML, "Keep documents as jsonb, or XML as texts."),
    **dict.fromkeys(_POPULATING, "Write json_to_record(...) AS r(name type, ...)."),
}


def _refuse(call: exp.Anonymous, known: Types) -> None:
    hint = _REFUSED[call.name]
    where = position_of(call)
    raise FeatureNotSupported(f"{call.name}() is not supported", hint=hint, position=where)


def _spell_filled(node: exp.Anonymous, known: Types) -> None:
    node.replace(_filled(node, known))


def _spell_null(node: exp.Anonymous, known: Types) -> None:
    if len(node.expressions) == 2:
        spell_nullif(node, known)


def _filled(node: exp.Anonymous, known: Types) -> exp.Expr:
    """array_fill: so many of a value, or of arrays of it."""
    value, sizes = (*node.expressions, None)[:2] if node.expressions else (None, None)
    listed = sizes.unnest() if sizes is not None else None
    kind = known.of(value) if value is not None else None
    if len(node.expressions) != 2 or not isinstance(listed, exp.Array) or kind is None:
        raise FeatureNotSupported(
            f"{node.name} is not supported with these arguments",
            hint="array_fill(value, ARRAY[3]) makes an array that begins at 1.",
            position=position_of(node),
        )
    made = value.copy() if value is not None else exp.Null()
    for size in reversed(listed.expressions):
        made = exp.Anonymous(this="array_repeat", expressions=[made, size.copy()])
    made.meta[GIVES] = array_of(kind)
    return made


def _spell_written(node: exp.Anonymous, known: Types) -> None:
    if node.name == "to_hex":
        _write_short(node, known)
        return
    _write_booleans(node, known)
    if node.name == "format" and node.expressions:
        node.replace(_formatted(node, known))


def _write_short(node: exp.Anonymous, known: Types) -> None:
    """An integer has 32 bits, also in the engine, which counts 64."""
    kind = known.of(node.expressions[0]) if len(node.expressions) == 1 else None
    if kind is not None and kind.name in ("int2", "int4"):
        wide = exp.Cast(this=node.expressions[0].copy(), to=data_type("bigint"))
        masked = exp.BitwiseAnd(this=wide, expression=exp.Literal.number(0xFFFFFFFF))
        node.set("expressions", [masked])


# They write their arguments as output functions do: true is t.
_WRITERS = ("concat", "concat_ws", "format", "to_hex")


def _write_booleans(node: exp.Anonymous, known: Types) -> None:
    for value in node.expressions:
        if known.of(value) is BOOL:
            untrue = exp.Not(this=exp.paren(value.copy()))
            true, false = exp.Literal.string("t"), exp.Literal.string("f")
            ifs = [exp.If(this=value.copy(), true=true), exp.If(this=untrue, true=false)]
            value.replace(exp.Case(ifs=ifs))


def _formatted(node: exp.Anonymous, known: Types) -> exp.Expr:
    template, *given = node.expressions
    items = [written(each, known) for each in given]
    texts = data_type("text[]")
    listed = exp.Cast(this=exp.Array(expressions=items), to=texts)
    call = exp.Anonymous(this="format_text", expressions=[template.copy(), listed])
    call.meta[GIVES] = TEXT
    return call


_SPELT: dict[str, Callable[[exp.Anonymous, Types], None]] = {
    "nullif": _spell_null,
    **dict.fromkeys(CUTTING, round_numeric),
    "array_fill": _spell_filled,
    **dict.fromkeys(_REFUSED, _refuse),
    "string_agg": join_bytes,
    **dict.fromkeys(_WRITERS, _spell_written),
}

# Kinds of nodes of which one may be written out.
SPELT = ByKind((((exp.WithinGroup, exp.Cast, exp.Case, exp.Anonymous, *OPERATORS), True),))
