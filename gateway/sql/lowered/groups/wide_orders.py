"""ORDER BY of values that the engine sorts otherwise: intervals, jsonb, enums, NaN, -0, arrays.

Intervals go by their lengths, jsonb and enums by their orders (`wide_comparisons.key_of`), arrays
by their items (`array_order`), every NaN is last (`not_numbers`), and 0 and -0 are one value, which
shows where something else is sorted by after it.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.array_order import array_key
from gateway.sql.lowered.values.not_numbers import (
    fold_sign,
    may_be_minus_zero,
    may_be_nan,
    unsigned_nan,
    without_sign,
)
from gateway.sql.lowered.values.wide_comparisons import key_of, no_array_order
from gateway.sql.names.ordering import meant
from gateway.sql.names.scope import AGGREGATES
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import Types
from gateway.types import BYTEA, FLOATING, INET, INTERVAL, Type


def order_widely(ordered: exp.Ordered, known: Types) -> None:
    """Sort as PostgreSQL does, in place.

    Raises:
        FeatureNotSupported: 0A000, intervals or jsonb beside a DISTINCT that stays one; records.
    """
    holder = ordered.find_ancestor(exp.Window, exp.WithinGroup, exp.Anonymous, exp.Select)
    value = meant(ordered.this, holder) if isinstance(holder, exp.Select) else ordered.this
    kind = known.of(value)
    if kind is None:
        return
    _refuse_record(kind)
    moved = not isinstance(holder, exp.Select) and _is_moved(value, known)
    if isinstance(holder, exp.Window | exp.Select):
        _order(ordered, holder, value, kind, known)
    elif isinstance(holder, exp.Anonymous) and isinstance(ordered.parent, exp.Order):
        _order_values(ordered, kind, known)
        moved = moved and not isinstance(ordered.parent.this, exp.Distinct)
    if moved:
        null = exp.Null()
        ordered.set("this", exp.Anonymous(this="coalesce", expressions=[ordered.this, null]))


def _order(
    ordered: exp.Ordered,
    holder: exp.Window | exp.Select,
    value: exp.Expr,
    kind: Type,
    known: Types,
) -> None:
    if kind.element is not None:
        _order_arrays(ordered, holder, value, kind, known)
    elif kind is BYTEA and isinstance(holder, exp.Window):  # which the engine has of texts alone
        hexadecimal = exp.Literal.string("hex")
        digits = exp.Anonymous(this="bytes_written", expressions=[value.copy(), hexadecimal])
        ordered.set("this", digits)
    elif key_of(kind) is not None:
        _order_keys(ordered, holder, value, kind)
    elif kind.name not in FLOATING:
        return
    elif isinstance(holder, exp.Window):
        ordered.set("this", _folded(value.copy(), value, kind, known, zero=True))
    elif holder.args.get("distinct") is None:  # that one's outputs are folded (`equal_nans`)
        _order_reals(ordered, holder, value, kind, known)


def _is_moved(value: exp.Expr, known: Types) -> bool:
    """Whether it is computed with an interval, such as a moment and one, or with an array.

    Where a window or an aggregate asks for that order the engine does not see that its own sort
    gives it, and refuses its plan.
    """
    if isinstance(value, exp.Column):
        return False
    kinds = [kind for kind in map(known.of, own_nodes(value)) if kind is not None]
    return any(kind is INTERVAL or kind.element is not None for kind in kinds)


def _refuse_record(kind: Type) -> None:
    """Refuse a record that a query gave: its text does not sort as its columns do.

    Raises:
        FeatureNotSupported: 0A000.
    """
    if kind.name in ("record", "_record"):
        raise FeatureNotSupported(
            f"ORDER BY {kind.sql} is not supported", hint="Sort by the columns of the row."
        )


def _order_values(ordered: exp.Ordered, kind: Type, known: Types) -> None:
    """The same of what an aggregate takes in an order."""
    values = ordered.parent
    if kind.element is not None:
        _refuse_enums(kind)
        if values is not None and not isinstance(values.this, exp.Distinct):
            ordered.set("this", array_key(ordered.this, kind, known))
        return
    fold_sign(ordered.this, known)
    key = key_of(kind)
    if key is None or values is None:
        return
    if isinstance(values.this, exp.Distinct):
        raise FeatureNotSupported(
            f"an aggregate of DISTINCT values in the order of {kind.sql} is not supported",
            hint="Write the DISTINCT in a subquery.",
        )
    ordered.set("this", key(ordered.this))


def _order_keys(
    ordered: exp.Ordered, holder: exp.Window | exp.Select, value: exp.Expr, kind: Type
) -> None:
    key = key_of(kind)
    assert key is not None
    if isinstance(holder, exp.Window):
        ordered.set("this", key(value))
        return
    distinct = holder.args.get("distinct")
    if (kind.is_enum or kind is INET) and _as_group(holder):
        distinct = None
    if distinct is not None and distinct.args.get("on") is None:
        raise FeatureNotSupported(
            f"ORDER BY {kind.sql} beside DISTINCT is not supported",
            hint="Write the DISTINCT in a subquery.",
        )
    # DISTINCT ON sorts before there are outputs: there what is meant is written out.
    if distinct is not None:
        _key_first(distinct.args["on"], holder, value, key(value.copy()))
    ordered.set("this", key(value if distinct is not None else _named(ordered.this, holder)))


def _as_group(select: exp.Select) -> bool:
    """Whether a DISTINCT could become a GROUP BY of what the SELECT gives, in place.

    That may be sorted by what is computed of it. Equal values of an enum, and of addresses, are
    of one form.
    """
    distinct = select.args.get("distinct")
    if distinct is None or distinct.args.get("on") is not None or select.args.get("group"):
        return False
    values = [each.unalias() for each in select.expressions]
    for value in values:
        if value.find(exp.Query, exp.Window) or not value.find(exp.Column):
            return False
        if any(each.name.lower() in AGGREGATES for each in value.find_all(exp.Anonymous)):
            return False
    select.set("distinct", None)
    select.set("group", exp.Group(expressions=[each.copy() for each in values]))
    return True


def _order_arrays(
    ordered: exp.Ordered, holder: exp.Window | exp.Select, value: exp.Expr, kind: Type, known: Types
) -> None:
    """Let arrays go by their keys. A DISTINCT of all columns has none sorted (`sort_keys`).

    Raises:
        FeatureNotSupported: 0A000, arrays of an enum.
    """
    _refuse_enums(kind)
    if isinstance(holder, exp.Window):
        ordered.set("this", array_key(value, kind, known))
        return
    distinct = holder.args.get("distinct")
    if distinct is None:
        ordered.set("this", array_key(_named(ordered.this, holder), kind, known, value))
    elif distinct.args.get("on") is not None:
        _key_first(distinct.args["on"], holder, value, array_key(value, kind, known))
        ordered.set("this", array_key(value, kind, known))


def _refuse_enums(kind: Type) -> None:
    """Refuse arrays of an enum.

    Raises:
        FeatureNotSupported: 0A000.
    """
    if kind.element is not None and kind.element.is_enum:
        raise no_array_order()


def _key_first(on: exp.Expr, select: exp.Select, value: exp.Expr, key: exp.Expr) -> None:
    """DISTINCT ON looks at the same key."""
    for same in on.expressions:
        if meant(same, select) == value:
            same.replace(key.copy())


def _order_reals(
    ordered: exp.Ordered, select: exp.Select, value: exp.Expr, kind: Type, known: Types
) -> None:
    last = select.args["order"].expressions[-1] is ordered
    zero = not last and may_be_minus_zero(value, known)
    if not zero and not may_be_nan(value, known):
        return
    named = _named(ordered.this, select)
    same = isinstance(value, exp.Column) and value.name == named.name
    if same or not _is_of_from(named, known):
        ordered.set("this", _folded(named, value, kind, known, zero))
    elif may_be_nan(value, known):
        # Inside an expression the name would be FROM's column; the output shows no sign of NaN.
        item = next(each for each in select.expressions if each.alias_or_name == named.name)
        item.set("this", unsigned_nan(value, kind))


def _folded(named: exp.Expr, value: exp.Expr, kind: Type, known: Types, zero: bool) -> exp.Expr:
    plain = without_sign(named, kind) if zero else named
    return unsigned_nan(plain, kind) if may_be_nan(value, known) else plain


def _is_of_from(named: exp.Expr, known: Types) -> bool:
    """Whether it is a name alone that a column of FROM has, too."""
    sources = known.block.sources if known.block is not None else ()
    alone = isinstance(named, exp.Column) and not named.table
    return alone and any(named.name in source.names for source in sources)


def _named(by: exp.Expr, select: exp.Select) -> exp.Expr:
    """An item of ORDER BY where it is part of an expression.

    A number is the output's name there; and what an output's name stands for may not be written
    out, since the engine takes each name in it that is an output's for that output.
    """
    if isinstance(by, exp.Literal) and by.is_int:
        name = select.expressions[int(by.name) - 1].alias_or_name
        output = exp.Column(this=exp.Identifier(this=name, quoted=True))
        return output if name else meant(by, select)
    return by.copy()
