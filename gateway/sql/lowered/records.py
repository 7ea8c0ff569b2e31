"""Rows as values of a SELECT list: `SELECT t FROM t`, `SELECT ROW(1, 'a')`.

They are written as PostgreSQL's record type is (manual, 8.16.6), and are of that type.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.jsoncalls import row_of
from gateway.sql.meaning.inference import GIVES, Types
from gateway.sql.meaning.scope import Block, is_read_from, position_of
from gateway.sql.text.dialect import DIALECT
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
        row = row_of(value, known)
        if row is None:
            continue
        if isinstance(value, exp.Column) and _has_outer_join(block):
            raise FeatureNotSupported(
                f"the row {value.name} beside an outer join is not supported",
                hint="Name its columns.",
                position=position_of(value),
            )
        texts = [_text(each, known) for _, each in row]
        kind = exp.DataType.build("text[]", dialect=DIALECT)
        listed = exp.Cast(this=exp.Array(expressions=texts), to=kind)
        made: exp.Expr = exp.Anonymous(this="record_of", expressions=[listed])
        made.meta[GIVES] = _RECORD
        if isinstance(item, exp.Alias):
            item.set("this", made)
        else:
            item.replace(exp.alias_(made, item.alias_or_name, quoted=True))
        shown = True
    return shown


def _has_outer_join(block: Block) -> bool:
    """A row that is missing there is NULL, one of NULLs is not."""
    return any(join.side for join in block.select.args.get("joins") or ())


def _text(value: exp.Expr, known: Types) -> exp.Expr:
    if known.of(value) is BOOL:
        untrue = exp.Not(this=exp.paren(value.copy()))
        ifs = [
            exp.If(this=value.copy(), true=exp.Literal.string("t")),
            exp.If(this=untrue, true=exp.Literal.string("f")),
        ]
        return exp.Case(ifs=ifs)
    return exp.Cast(this=value.copy(), to=exp.DataType.build("text", dialect=DIALECT))
