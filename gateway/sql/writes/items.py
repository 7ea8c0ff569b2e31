"""SET a[n] = e as an assignment of the whole array.

It is ``array_resize(a, n - 1) || ARRAY[e] || a[n + 1:]``: items that were not there are NULL.
PostgreSQL 15 manual, 8.15.4, "Modifying Arrays".
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import DatatypeMismatch, FeatureNotSupported
from gateway.sql.meaning.scope import column_node, position_of
from gateway.sql.text.dialect import DIALECT
from gateway.sql.writes.targets import Target
from gateway.types import Type, dimensions

# Each is written over three copies of the array before it.
_MOST_ITEMS = 4

# What is assigned, a column or an item of one; and the value.
Assigned = tuple[exp.Expr, exp.Expr]


def with_items(pairs: list[Assigned], target: Target, table: exp.Table) -> list[Assigned]:
    """Assignments to columns alone; those to items of one array are done one after the other.

    Args:
        pairs: What SET says, in order.
        target: The columns of the table.
        table: It, under its alias.

    Raises:
        FeatureNotSupported: 0A000, an item of several dimensions, or a slice.
        DatatypeMismatch: 42804, the column keeps no arrays.
    """
    if not any(isinstance(place, exp.Bracket) for place, _ in pairs):
        return pairs
    found: list[Assigned] = []
    items: dict[str, tuple[exp.Column, list[tuple[exp.Bracket, exp.Expr]]]] = {}
    for place, value in pairs:
        if not isinstance(place, exp.Bracket):
            found.append((place, value))
            continue
        column = _column(place, table)
        items.setdefault(column.name, (column, []))[1].append((place, value))
    for name, (column, given) in items.items():
        if name not in target:  # told of where all columns are
            found.append((column, exp.Null()))
            continue
        kind = target[name].type
        if kind.element is None:
            raise DatatypeMismatch(
                f"cannot subscript type {kind.sql} because it does not support subscripting",
                position=position_of(given[0][0]),
            )
        if len(given) > _MOST_ITEMS:
            raise FeatureNotSupported(
                f'more than {_MOST_ITEMS} items of the array "{name}" cannot be assigned at once',
                hint="Assign the whole array.",
                position=position_of(given[_MOST_ITEMS][0]),
            )
        whole: exp.Expr = column_node(table.alias_or_name, name)
        for place, value in given:
            whole = _changed(whole, place, value, kind)
        found.append((column, whole))
    return found


def _column(place: exp.Bracket, table: exp.Table) -> exp.Column:
    inner = place.this
    single = len(place.expressions) == 1 and not isinstance(place.expressions[0], exp.Slice)
    if not (single and isinstance(inner, exp.Column)):
        name = next(iter(place.find_all(exp.Column))).name
        raise FeatureNotSupported(
            f'only single items of the array "{name}" can be assigned',
            hint="Assign the whole array.",
            position=position_of(place),
        )
    return inner


def _changed(whole: exp.Expr, place: exp.Bracket, value: exp.Expr, kind: Type) -> exp.Expr:
    """An array with another value of one item."""
    if dimensions(kind) > 1:
        raise FeatureNotSupported(
            f'an item of the array "{place.this.name}" of {dimensions(kind)} dimensions cannot be'
            " assigned alone",
            hint="Assign the whole array.",
            position=position_of(place),
        )
    if isinstance(value, exp.Column) and value.name == "default" and not value.this.quoted:
        raise FeatureNotSupported(
            "cannot set an array element to DEFAULT", position=position_of(value)
        )
    empty = exp.Cast(this=exp.Literal.string("{}"), to=_type(kind))
    held = exp.Anonymous(this="coalesce", expressions=[whole, empty])
    bigint = exp.DataType.build("bigint")
    count = exp.Anonymous(this="cardinality", expressions=[held.copy()])
    given = [
        exp.Cast(this=place.expressions[0].copy(), to=bigint),
        exp.Cast(this=count, to=bigint.copy()),
    ]
    number = exp.Anonymous(this="subscript_to_assign", expressions=given)
    before = exp.Anonymous(
        this="array_resize",
        expressions=[held, exp.Sub(this=number, expression=exp.Literal.number(1))],
    )
    element = kind.element
    assert element is not None
    item = exp.Array(expressions=[exp.Cast(this=value.copy(), to=_type(element))])
    beyond = exp.Add(this=number.copy(), expression=exp.Literal.number(1))
    after = exp.Bracket(this=exp.Paren(this=held.copy()), expressions=[exp.Slice(this=beyond)])
    joined = exp.Anonymous(this="array_cat", expressions=[before, item])
    return exp.Anonymous(this="array_cat", expressions=[joined, after])


def _type(kind: Type) -> exp.DataType:
    return exp.DataType.build(kind.sql, dialect=DIALECT)
