"""Rows as values of a SELECT list: `SELECT t FROM t`, `SELECT ROW(1, 'a')`.

They are written as PostgreSQL's record type is (manual, 8.16.6), and are of that type.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.jsoncalls import row_of, where_present, written
from gateway.sql.meaning.inference import GIVES, Types
from gateway.sql.meaning.scope import Block, is_read_from
from gateway.sql.text.datatypes import data_type
from gateway.types import BOOL, BY_NAME

_RECORD = BY_NAME["record"]


def show_rows(block: Block) -> bool:
    """Write the rows among the outputs of a query as records, in place; whether there was one."""
    if block.parent is not None or is_read_from(block.select):
        return False
    shown = False
    known = Types(block)
    for item in block.select.expressions:
        value = item.unalias().unnest()
        if isinstance(value, exp.Tuple) and len(value.expressions) > 1:
            value = exp.Anonymous(this="row", expressions=[e.copy() for e in value.expressions])
        if row_of(value) is None:
            continue
        made = as_record(value, known)
        if isinstance(item, exp.Alias):
            item.set("this", made)
        else:
            item.replace(exp.alias_(made, item.alias_or_name, quoted=True))
        shown = True
    return shown


def as_record(row: exp.Expr, known: Types) -> exp.Expr:
    """ROW(...) as PostgreSQL writes a record."""
    texts = [_text(each, known) for each in row.expressions]
    kind = data_type("text[]")
    listed = exp.Cast(this=exp.Array(expressions=texts), to=kind)
    call = exp.Anonymous(this="record_of", expressions=[listed])
    call.meta[GIVES] = _RECORD
    made = where_present(row, call)
    made.meta[GIVES] = _RECORD
    return made


def _text(value: exp.Expr, known: Types) -> exp.Expr:
    if known.of(value) is BOOL:
        untrue = exp.Not(this=exp.paren(value.copy()))
        ifs = [
            exp.If(this=value.copy(), true=exp.Literal.string("t")),
            exp.If(this=untrue, true=exp.Literal.string("f")),
        ]
        return exp.Case(ifs=ifs)
    return written(value, known)
