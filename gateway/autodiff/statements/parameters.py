"""Parameters of a statement that it is differentiated by: `avg(grad(($1 * x - y) ^ 2, $1))`.

A derivative is by a column of a relation, so the parameter becomes one: that of a WITH query of one
row, which every place reads that has the parameter. What changes with it, subqueries and all,
changes with the column (see `readings`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of
from gateway.types import FLOAT8

_QUERY = "$"  # no unquoted name


def name_parameters(tree: exp.Expr) -> bool:
    """Let the parameters that markers of a query name as variables be columns; False: none is.

    A parameter of which no type is known is double precision.

    Raises:
        FeatureNotSupported: 0A000, a `*` whose columns would no more be those of FROM; a parameter
            that is a variable as what it is cast to, and read without the cast.
    """
    values = {parameter.name: _value(argument) for _, argument, parameter in _asked(tree)}
    if not values or not isinstance(tree, exp.Query):
        return False
    _name_outputs(tree, values.keys())
    for marker, argument, parameter in _asked(tree):
        select = marker.find_ancestor(exp.Select)
        if select is not None:
            _read_beside(select, marker)
            argument.replace(_column(parameter))
    for parameter in nodes_of(tree, exp.Parameter):
        if parameter.name in values:
            _whole(parameter, values[parameter.name]).replace(_read(parameter))
    items = [exp.alias_(value, _name(number), quoted=True) for number, value in values.items()]
    _put_first(tree, exp.Select(expressions=items))
    return True


def _asked(tree: exp.Expr) -> list[tuple[Marker, exp.Expr, exp.Parameter]]:
    """The markers that have a parameter for a variable, with the argument that it is."""
    return [
        (marker, argument, parameter)
        for marker in nodes_of(tree, Marker)
        for argument in marker.expressions[1::2]
        if (parameter := _parameter(argument)) is not None
    ]


def _parameter(argument: exp.Expr) -> exp.Parameter | None:
    """The parameter that an argument is, maybe with the type that it was told to have."""
    bare = argument.unnest()
    while isinstance(bare, exp.Cast):
        bare = bare.this.unnest()
    return bare if isinstance(bare, exp.Parameter) else None


def _name_outputs(tree: exp.Expr, numbers: Collection[str]) -> None:
    """Let outputs made of these parameters keep the names that PostgreSQL gives them."""
    for select in nodes_of(tree, exp.Select):
        for item in list(select.expressions):
            held = any(each.name in numbers for each in nodes_of(item, exp.Parameter))
            if held and not isinstance(item, exp.Alias):
                item.replace(exp.alias_(item.copy(), output_name(item), quoted=True))


def _value(argument: exp.Expr) -> exp.Expr:
    bare = argument.unnest().copy()
    return bare if isinstance(bare, exp.Cast) else exp.Cast(this=bare, to=data_type(FLOAT8))


def _whole(parameter: exp.Parameter, value: exp.Expr) -> exp.Expr:
    """What the column stands for of what is around a parameter: itself with its casts.

    Raises:
        FeatureNotSupported: 0A000, it is read without them.
    """
    around: exp.Expr = parameter
    while around != value and isinstance(around.parent, exp.Cast | exp.Paren):
        around = around.parent
    if around == value:
        return around
    if isinstance(value.this, exp.Parameter):
        return parameter
    raise FeatureNotSupported(
        f"a derivative by ${parameter.name} as another type than it has elsewhere is not supported",
        hint=f"Write the cast wherever ${parameter.name} stands, or nowhere.",
        position=position_of(parameter),
    )


def _name(number: str) -> str:
    return f"${number}"


def _column(parameter: exp.Parameter) -> exp.Column:
    column = exp.column(_name(parameter.name), table=_QUERY, quoted=True)
    column.this.meta.update(parameter.meta)
    return column


def _read(parameter: exp.Parameter) -> exp.Expr:
    """What a parameter stands for: the column, in a marker that has it in sight, or a subquery."""
    if _is_in_sight(parameter):
        return _column(parameter)
    query = exp.Select(expressions=[_column(parameter)]).from_(_table())
    return exp.Subquery(this=query)


def _is_in_sight(parameter: exp.Parameter) -> bool:
    """Whether it stands in the function of a marker whose SELECT reads the query, or deeper."""
    marker = parameter.find_ancestor(Marker)
    select = None if marker is None else marker.find_ancestor(exp.Select)
    return select is not None and any(map(_is_read, _sources(select)))


def _table() -> exp.Table:
    return exp.Table(this=exp.to_identifier(_QUERY, quoted=True))


def _sources(select: exp.Select) -> list[exp.Expr]:
    first = select.args.get("from_")
    found = [first.this] if first is not None else []
    return [*found, *(join.this for join in select.args.get("joins") or ())]


def _is_read(source: exp.Expr) -> bool:
    return isinstance(source, exp.Table) and not source.db and source.name == _QUERY


def _read_beside(select: exp.Select, marker: Marker) -> None:
    """Let a SELECT read the query of the parameters beside what it reads."""
    sources = _sources(select)
    if any(map(_is_read, sources)):
        return
    for item in list(select.expressions):
        if isinstance(item, exp.Star):
            _spread(item, select, sources, marker)
    if sources:
        select.append("joins", exp.Join(this=_table()))
    else:
        select.set("from_", exp.From(this=_table()))


def _spread(star: exp.Star, select: exp.Select, sources: list[exp.Expr], marker: Marker) -> None:
    """Write `*` as a star for each relation."""
    merged = any(
        join.args.get("using") or join.args.get("method") for join in select.args.get("joins") or ()
    )
    if merged or not all(source.alias_or_name for source in sources):
        raise FeatureNotSupported(
            "* beside a derivative by a parameter is not supported here",
            hint="Name the columns.",
            position=position_of(marker),
        )
    stars = [
        exp.Column(this=exp.Star(), table=exp.to_identifier(source.alias_or_name, quoted=True))
        for source in sources
    ]
    place = select.expressions.index(star)
    select.set(
        "expressions", [*select.expressions[:place], *stars, *select.expressions[place + 1 :]]
    )


def _put_first(tree: exp.Query, query: exp.Select) -> None:
    """Put a query before the others of the statement's WITH."""
    alias = exp.TableAlias(this=exp.to_identifier(_QUERY, quoted=True))
    cte = exp.CTE(this=query, alias=alias)
    clause = tree.args.get("with_")
    if clause is None:
        tree.set("with_", exp.With(expressions=[cte]))
    else:
        clause.set("expressions", [cte, *clause.expressions])
