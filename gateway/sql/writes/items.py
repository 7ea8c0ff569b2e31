"""SET a[n] = e, SET a[m:n] = e, SET j['k'] = e, INSERT INTO t (a[n]): assignments of the whole.

It is ``array_resize(a, n - 1) || ARRAY[e] || a[n + 1:]``: items that were not there are NULL. Of a
slice it is the first items of `e` that stand between.
PostgreSQL 15 manual, 8.15.4, "Modifying Arrays".
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import DatatypeMismatch, FeatureNotSupported, SyntaxFault
from gateway.sql.names.scope import column_node, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import DIALECT
from gateway.sql.writes.targets import Target
from gateway.types import Type, dimensions

# Each is written over three copies of the array before it.
_MOST_ITEMS = 4

# Where the tree of an INSERT says which of its columns are items: {place: a[n]}.
INSERTED = "items"

# What is assigned, a column or an item of one; and the value.
Assigned = tuple[exp.Expr, exp.Expr]


def with_items(pairs: list[Assigned], target: Target, table: exp.Table) -> list[Assigned]:
    """Assignments to columns alone; those to items of one array are done one after the other.

    Args:
        pairs: What SET says, in order.
        target: The columns of the table.
        table: It, under its alias.

    Raises:
        FeatureNotSupported: 0A000, a slice of several dimensions, several items of one.
        DatatypeMismatch: 42804, the column keeps no arrays and no jsonb.
    """
    if not any(isinstance(place, exp.Bracket) for place, _ in pairs):
        return pairs
    found: list[Assigned] = []
    items: dict[str, tuple[exp.Column, list[tuple[exp.Bracket, exp.Expr]]]] = {}
    for place, value in pairs:
        if not isinstance(place, exp.Bracket):
            found.append((place, value))
            continue
        column = _column(place)
        items.setdefault(column.name, (column, []))[1].append((place, value))
    for name, (column, given) in items.items():
        if name not in target:  # told of where all columns are
            found.append((column, exp.Null()))
            continue
        kind = target[name].type
        if kind.element is None and kind.name != "jsonb":
            raise _not_subscripted(kind, given[0][0])
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


def with_items_inserted(tree: exp.Insert, target: Target) -> None:
    """Let an INSERT whose columns are items give the whole, in place; what it omits is NULL.

    Raises:
        FeatureNotSupported: 0A000.
        DatatypeMismatch: 42804, the column keeps no arrays and no jsonb.
        SyntaxFault: 42601, its rows have more or fewer values.
    """
    places: dict[int, exp.Bracket] = tree.meta.get(INSERTED, {})
    query = tree.args.get("expression")
    if not places or query is None:
        return
    named = tree.this.expressions
    for number, place in places.items():
        column = target.get(named[number].name)
        if column is not None and column.type.element is None and column.type.name != "jsonb":
            raise _not_subscripted(column.type, place)
    if any(named[number].name not in target for number in places):
        return  # told of where all columns are
    rows = query.expressions if isinstance(query, exp.Values) else [_first_select(query)]
    for row in rows:
        if len(row.expressions) != len(named):
            more, fewer = "expressions", "target columns"
            if len(row.expressions) < len(named):
                more, fewer = fewer, more
            raise SyntaxFault(f"INSERT has more {more} than {fewer}")
    if not isinstance(query, exp.Values):
        rows = [_row_over(tree, len(named))]
    for row in rows:
        given = list(row.expressions)
        row.set("expressions", _whole(given, named, places, target))
    first = {named[number].name: number for number in reversed(places)}
    left = [n for n in range(len(named)) if n not in places or first[named[n].name] == n]
    tree.this.set("expressions", [named[number] for number in left])


def _not_subscripted(kind: Type, place: exp.Expr) -> DatatypeMismatch:
    return DatatypeMismatch(
        f"cannot subscript type {kind.sql} because it does not support subscripting",
        position=position_of(place),
    )


def _with_json_part(whole: exp.Expr, place: exp.Bracket, value: exp.Expr) -> exp.Expr:
    """A jsonb with another value of a part; NULL is assigned as JSON's null."""
    _, subscripts = _unfolded(place)
    text, jsonb = exp.DataType.build("text"), exp.DataType.build("jsonb", dialect=DIALECT)
    if any(isinstance(each, exp.Slice) for each in subscripts):
        raise DatatypeMismatch("jsonb subscript does not support slices")
    held = _call("coalesce", exp.Cast(this=whole, to=text), exp.Literal.string(""))
    path = exp.Array(expressions=[exp.Cast(this=e.copy(), to=text.copy()) for e in subscripts])
    given = exp.Cast(this=exp.Cast(this=value.copy(), to=jsonb.copy()), to=text.copy())
    known = _call("coalesce", given, exp.Literal.string("null"))
    grows = exp.Boolean(this=_is_number(subscripts[0], place))
    return exp.Cast(this=_call("json_assigned", held, path, known, grows), to=jsonb)


def _is_number(subscript: exp.Expr, place: exp.Expr) -> bool:
    """Whether a NULL becomes an array by this subscript, and no object."""
    if isinstance(subscript, exp.Cast):
        return bool(subscript.is_type("int", "smallint"))
    if isinstance(subscript, exp.Literal | exp.Neg | exp.Parameter | exp.Null):
        return not subscript.is_string and subscript.is_number
    raise FeatureNotSupported(
        "a part of a jsonb whose first subscript is computed cannot be assigned",
        hint="Assign jsonb_set(...).",
        position=position_of(place),
    )


def _first_select(query: exp.Expr) -> exp.Select:
    """The SELECT that tells how many columns a query has.

    Raises:
        FeatureNotSupported: 0A000, a star.
    """
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if isinstance(query, exp.Select) and not any(each.is_star for each in query.expressions):
        return query
    raise FeatureNotSupported(
        "items of arrays cannot be inserted from a query with *", hint="Name its columns."
    )


def _row_over(tree: exp.Insert, width: int) -> exp.Select:
    """The query of an INSERT as a subquery, and the query that stands there now: its columns."""
    names = [f"c{number}" for number in range(width)]
    alias = exp.TableAlias(
        this=exp.to_identifier("given"), columns=[exp.to_identifier(name) for name in names]
    )
    inside = exp.Subquery(this=tree.args["expression"].copy(), alias=alias)
    columns: list[exp.Expr] = [column_node("given", name) for name in names]
    query = exp.Select(expressions=columns, from_=exp.From(this=inside))
    tree.set("expression", query)
    return query


def _whole(
    given: list[exp.Expr], named: list[exp.Expr], places: dict[int, exp.Bracket], target: Target
) -> list[exp.Expr]:
    """A row's values, those of the items of one array as that array."""
    arrays: dict[str, exp.Expr] = {}
    for number, place in places.items():
        name = named[number].name
        kind = target[name].type
        before = arrays.get(name) or exp.Cast(this=exp.Null(), to=data_type(kind))
        _column(place)
        arrays[name] = _changed(before, place, given[number], kind)
    values = []
    for number, value in enumerate(given):
        if number not in places:
            values.append(value)
        elif named[number].name in arrays:
            values.append(arrays.pop(named[number].name))
    return values


def _column(place: exp.Bracket) -> exp.Column:
    inner, subscripts = _unfolded(place)
    sliced = any(isinstance(each, exp.Slice) for each in subscripts)
    if not isinstance(inner, exp.Column) or (sliced and len(subscripts) > 1):
        name = next(iter(place.find_all(exp.Column))).name
        raise FeatureNotSupported(
            f'only items and slices of one dimension of the array "{name}" can be assigned',
            hint="Assign the whole array.",
            position=position_of(place),
        )
    return inner


def _unfolded(place: exp.Bracket) -> tuple[exp.Expr, list[exp.Expr]]:
    """What a place is in, and its subscripts, the first one first."""
    inner: exp.Expr = place
    subscripts: list[exp.Expr] = []
    while isinstance(inner, exp.Bracket):
        subscripts = [*inner.expressions, *subscripts]
        inner = inner.this
    return inner, subscripts


def _changed(whole: exp.Expr, place: exp.Bracket, value: exp.Expr, kind: Type) -> exp.Expr:
    """An array with another value of one item, or a jsonb of one part."""
    word = value.this if isinstance(value, exp.Column) and not value.table else value
    plain = isinstance(word, exp.Var | exp.Identifier) and not word.args.get("quoted")
    if plain and value.name.lower() == "default":
        raise FeatureNotSupported(
            "cannot set an array element to DEFAULT", position=position_of(value)
        )
    if kind.element is None:
        return _with_json_part(whole, place, value)
    column, subscripts = _unfolded(place)
    if dimensions(kind) != len(subscripts):
        raise FeatureNotSupported(
            f'an item of the array "{column.name}" of {dimensions(kind)} dimensions cannot be'
            f" assigned with subscripts for {len(subscripts)}",
            hint="Assign the whole array.",
            position=position_of(place),
        )
    empty = exp.Cast(this=exp.Literal.string("{}"), to=data_type(kind))
    held = _call("coalesce", whole, empty)
    if len(subscripts) > 1:
        # Each writes the array many times over, and one over another as often again.
        if len(subscripts) > 2 or not isinstance(whole, exp.Column):
            raise FeatureNotSupported(
                f'only one item of the array "{column.name}", of two dimensions at most, can be'
                " assigned at once, and by UPDATE alone",
                hint="Assign the whole array.",
                position=position_of(place),
            )
        return _with_deep_item(whole, subscripts, value, kind)
    subscript = subscripts[0]
    if isinstance(subscript, exp.Slice):
        return _with_slice(held, subscript, exp.Cast(this=value.copy(), to=data_type(kind)))
    number = _call("subscript_to_assign", _bigint(subscript), _count(held))
    element = kind.element
    assert element is not None
    item = exp.Array(expressions=[exp.Cast(this=value.copy(), to=data_type(element))])
    return _spliced(held, number, item, number)


def _with_deep_item(
    whole: exp.Expr, subscripts: list[exp.Expr], value: exp.Expr, kind: Type
) -> exp.Expr:
    """An array of several dimensions with another value of an item, which must be there."""
    element = kind.element
    assert element is not None
    item: exp.Expr = exp.Cast(this=value.copy(), to=data_type(element))
    if not subscripts:
        return item
    depth = "[]" * len(subscripts)
    to = exp.DataType.build(element.sql + depth, dialect=DIALECT)
    held = _call("coalesce", whole, exp.Cast(this=exp.Literal.string("{}"), to=to))
    count = _bigint(_call("array_length", held.copy(), exp.Literal.number(1)))
    count = _call("coalesce", count, exp.Literal.number(0))
    number = _call("subscript_within", _bigint(subscripts[0]), count)
    inner = _call("array_element", held.copy(), number.copy())
    item = _with_deep_item(inner, subscripts[1:], value, kind)
    return _spliced(held, number, exp.Array(expressions=[item]), number)


def _with_slice(held: exp.Expr, subscript: exp.Slice, value: exp.Expr) -> exp.Expr:
    """An array with others in the place of some items; with NULL for them it keeps its own."""
    count, one = _count(held), exp.Literal.number(1)
    lower, upper = (
        _call("bound_of_slice", _bigint(other), count.copy()) if given is None else _bigint(given)
        for given, other in ((subscript.this, one), (subscript.expression, count))
    )
    length = _call("length_of_slice", lower, upper, _count(value))
    number = _call("subscript_to_assign", lower.copy(), count.copy())
    spliced = _spliced(held, number, _call("array_resize", value.copy(), length), upper)
    missing = exp.Is(this=value.copy(), expression=exp.Null())
    return exp.Case(ifs=[exp.If(this=missing, true=held.copy())], default=spliced)


def _spliced(held: exp.Expr, first: exp.Expr, items: exp.Expr, last: exp.Expr) -> exp.Expr:
    """An array with these items from the first place to the last."""
    before = exp.Sub(this=first.copy(), expression=exp.Literal.number(1))
    beyond = exp.Add(this=last.copy(), expression=exp.Literal.number(1))
    after = exp.Bracket(this=exp.Paren(this=held.copy()), expressions=[exp.Slice(this=beyond)])
    return _call("array_cat", _call("array_cat", _call("array_resize", held, before), items), after)


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _count(array: exp.Expr) -> exp.Expr:
    return _bigint(_call("cardinality", array.copy()))


def _bigint(value: exp.Expr) -> exp.Expr:
    whole = value.copy()
    if isinstance(value, exp.Parameter):  # a subscript is an integer
        whole = exp.Cast(this=whole, to=exp.DataType.build("int"))
    return exp.Cast(this=whole, to=exp.DataType.build("bigint"))
