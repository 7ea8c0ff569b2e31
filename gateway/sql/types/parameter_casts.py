"""Parameters of known types, cast to them in the engine's SQL, so that planning knows them too."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from gateway.sql.text.datatypes import data_type, with_depth
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.dimensions import null_of, unfolded, whole_item
from gateway.sql.types.parameters import number, postgres_type
from gateway.types import ENUM, Type, dimensions

# Types that the engine can cast a parameter to; a value of another type comes typed as it is.
_CAST = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "date", "time",
     "timestamp", "timestamptz", "bytea", "interval", ENUM}
)  # fmt: skip
_TOLD = frozenset({"numeric"})


def cast_parameters(tree: exp.Expr, types: Mapping[int, Type], described: bool) -> None:
    """Cast each `$n` of a known type to it, in place.

    A numeric is cast when it is only to be described: its value has its scale.
    """
    for parameter in nodes_of(tree, exp.Parameter):
        known = types.get(number(parameter))
        if known is not None and _is_cast(known, described):
            kind = data_type(with_depth(known))
            if known.element is not None and isinstance(parameter.parent, exp.Cast):
                _keep_dimensions(parameter.parent, kind)
            if known.element is not None:
                _keep_item(parameter, known)
            value = copied(parameter)
            value.type = kind  # an integer need not be rounded
            parameter.replace(exp.Cast(this=value, to=kind.copy()))
        elif known is not None and _is_needless(parameter.parent, known):
            assert parameter.parent is not None
            parameter.parent.replace(copied(parameter))


def is_told_apart(types: Mapping[int, Type]) -> bool:
    """Whether a query with parameters of these types is another one to be described than to run."""
    return any((known.element or known).name in _TOLD for known in types.values())


def _is_cast(known: Type, described: bool) -> bool:
    """Whether a parameter of the type is cast in the engine's SQL; an array as its elements."""
    name = known.name if known.element is None else known.element.name
    return name in _CAST or (described and name in _TOLD)


def _is_needless(cast: exp.Expr | None, known: Type) -> bool:
    """Whether it is `$1::numeric` or an array of such: the value keeps the digits it has."""
    if type(cast) is not exp.Cast or isinstance(cast.parent, exp.Bracket | exp.Paren):
        return False  # of which an item may be taken: it has the type that was told
    kind = cast.args["to"]
    if (known.element or known).name != "numeric":
        return False
    modified = any(part.expressions for part in kind.find_all(exp.DataType)
                   if part.this != exp.DType.ARRAY)  # fmt: skip
    return not modified and postgres_type(kind) == known


def _keep_dimensions(cast: exp.Cast, kind: exp.DataType) -> None:
    """`$1::int[]` is an array of as many dimensions as its value has, and so is `$1::int[][]`."""
    wanted: exp.DataType = cast.args["to"]
    if wanted.this != exp.DType.ARRAY:
        return
    while wanted.this == exp.DType.ARRAY:
        wanted = wanted.expressions[0]
    inside = kind
    while inside.this == exp.DType.ARRAY:
        wanted = exp.DataType(this=exp.DType.ARRAY, expressions=[wanted.copy()], nested=True)
        inside = inside.expressions[0]
    cast.set("to", wanted)


def _keep_item(parameter: exp.Expr, known: Type) -> None:
    """NULL in place of `$1[i]` where the value has more dimensions than that, or fewer."""
    base = parameter
    while isinstance(base.parent, exp.Paren | exp.Cast):
        base = base.parent
    item = whole_item(base)
    if item is None:
        return
    subscripts = unfolded(item)[1]
    sliced = any(isinstance(each, exp.Slice) for each in subscripts)
    if sliced or len(subscripts) == dimensions(known):
        return
    assert known.element is not None
    item.replace(null_of(known.element))
