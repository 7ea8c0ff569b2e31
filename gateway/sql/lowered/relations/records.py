"""Rows as values: `SELECT t FROM t`, `SELECT ROW(1, 'a')`, `array_agg(t)`, `ROW(1, 2)::text`.

They are written as PostgreSQL's record type is (manual, 8.16.6), and are of that type.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.jsoncalls import PRESENT, is_maker, row_of, where_present, written
from gateway.sql.names.ordering import meant
from gateway.sql.names.scope import Block, is_read_from
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BOOL, BY_NAME

TEXTS = (exp.DType.TEXT, exp.DType.VARCHAR)
_RECORD = BY_NAME["record"]


def show_rows(block: Block) -> bool:
    """Write rows as records, in place, where they are outputs, become text or are put together.

    Where they are sorted by, their fields stand in their place.

    Returns:
        Whether there was one.
    """
    known = Types(block)
    shown = any([_lay_out(each, block.select) for each in own_nodes(block.select)])
    for node in own_nodes(block.select):
        row = _written_out(node)
        if row_of(row) is not None and _is_taken(node):
            node.replace(as_record(row, known))
            shown = True
        elif row is not node and _is_argument(node):  # the engine reads ( as that of a key
            node.replace(row)
            shown = True
    if block.parent is not None or is_read_from(block.select):
        return shown
    for item in block.select.expressions:
        value = _written_out(item.unalias().unnest())
        if row_of(value) is None:
            continue
        made = as_record(value, known)
        if isinstance(item, exp.Alias):
            item.set("this", made)
        else:
            item.replace(exp.alias_(made, item.alias_or_name, quoted=True))
        shown = True
    return shown


def _lay_out(ordered: exp.Expr, select: exp.Select) -> bool:
    """Sort by the values of a row that ORDER BY has, in place; whether there was one.

    NULL in a row is greater than anything, whatever is said of a row that is NULL itself.

    Raises:
        FeatureNotSupported: 0A000, of DISTINCT values in an aggregate.
    """
    order = ordered.parent
    if not isinstance(ordered, exp.Ordered) or order is None:
        return False
    outermost = order.parent is select
    row = _written_out((meant(ordered.this, select) if outermost else ordered.this).unnest())
    if row_of(row) is None or row.args.get(PRESENT) is not None:
        return False
    if order.this is not None and order.this.find(exp.Distinct):
        raise FeatureNotSupported("ORDER BY a row beside DISTINCT in an aggregate is not supported")
    if outermost and select.args.get("distinct") is not None:
        return False  # which sorts by what it gives
    down = bool(ordered.args.get("desc"))
    made = [
        exp.Ordered(this=each.copy(), desc=down, nulls_first=down)
        for each in _values(row)
        if not isinstance(each.unnest(), exp.Literal | exp.Null)  # a number would be a place
    ]
    items = [made if each is ordered else [each] for each in order.expressions]
    order.set("expressions", [each for part in items for each in part])
    return True


def _values(row: exp.Expr) -> Iterator[exp.Expr]:
    """A row's values, and those of rows in it."""
    for each in row.expressions:
        inner = _written_out(each.unnest())
        if row_of(inner) is None or inner.args.get(PRESENT) is not None:
            yield each
        else:
            yield from _values(inner)


def _written_out(value: exp.Expr) -> exp.Expr:
    """`(a, b)` as ROW(a, b); anything else as it is."""
    if isinstance(value, exp.Tuple) and len(value.expressions) > 1:
        return exp.Anonymous(this="row", expressions=[e.copy() for e in value.expressions])
    return value


def _is_argument(row: exp.Expr) -> bool:
    held = row.parent
    return isinstance(held.parent if isinstance(held, exp.Distinct) else held, exp.Anonymous)


def _is_taken(row: exp.Expr) -> bool:
    """Whether it becomes text, or an item of an array that does not become JSON."""
    held = row.parent
    while isinstance(held, exp.Paren | exp.Order | exp.Ordered | exp.Distinct):
        held = held.parent
    if isinstance(held, exp.Cast):
        return held.args["to"].this in TEXTS
    if isinstance(held, exp.Array):
        return True
    if not isinstance(held, exp.Anonymous) or held.name != "array_agg":
        return False
    whole: exp.Expr | None = held
    while isinstance(whole, exp.Filter | exp.Paren) or whole is held:
        whole = whole.parent
    return not (isinstance(whole, exp.Anonymous) and is_maker(whole.name))


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
