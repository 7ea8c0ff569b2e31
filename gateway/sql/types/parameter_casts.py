"""Parameters of known types, cast to them in the engine's SQL, so that planning knows them too.

Those that a client declared are cast in the tree that is rewritten: what a call or an operator
means depends on its arguments' types, and the text does not tell a parameter's: `$1 + interval
'1 day'` is a timestamp of a date, `j -> $1` an item of a smallint. A parameter stays bare where its
type changes nothing, and where others look for one.

One of type void is no argument of the function that it stands in (PostgreSQL's parse_func.c: pgjdbc
sends it for what `{? = call f(?)}` gives back).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from gateway.errors import UndefinedObject
from gateway.sql.text.datatypes import data_type, with_depth
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.dimensions import null_of, unfolded, whole_item
from gateway.sql.types.parameters import number, postgres_type
from gateway.types import ENUM, INTEGER, Type, by_name, dimensions

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


# A note on such a cast: it gives a column no name.
DECLARED = "declared"

_VOID = by_name("void")

_DECLARED = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "date",
     "time", "timestamp", "timestamptz", "interval", "bytea", "uuid", "inet", "json", "jsonb"}
)  # fmt: skip
# Beside these a column is compared with a value of its own type, or of one that is read alike.
_COMPARED_BARE = frozenset({*INTEGER, "text", "varchar"})
_BESIDE = (*COMPARISONS, exp.In, exp.Between, exp.Like, exp.ILike)
_COUNTS = (exp.Limit, exp.Offset, exp.Fetch)
_QUANTIFIERS = frozenset({"any", "some", "all"})


def with_declared(tree: exp.Expr, declared: Mapping[int, Type]) -> exp.Expr:
    """The tree with parameters cast to the types that were declared; `tree` stays as it was.

    >>> from gateway.sql.text.dialect import parse
    >>> from gateway.types import by_name
    >>> tree = parse("SELECT $1 + d, $2::int FROM t WHERE id = $2 LIMIT $3")[0]
    >>> kinds = {1: by_name("interval"), 2: by_name("int2"), 3: by_name("int8")}
    >>> with_declared(tree, kinds).sql("postgres")
    'SELECT CAST($1 AS INTERVAL) + d, CAST($2 AS INT) FROM t WHERE id = $2 LIMIT $3'
    """
    found = copied(tree)
    for parameter in nodes_of(found, exp.Parameter):
        kind = declared.get(number(parameter))
        if kind is _VOID and isinstance(parameter.parent, exp.Anonymous):
            parameter.pop()
        elif kind is not None and _is_told(parameter, kind):
            cast = exp.Cast(this=copied(parameter), to=data_type(kind))
            cast.meta[DECLARED] = True
            parameter.replace(cast)
    return found


def _is_told(parameter: exp.Expr, kind: Type) -> bool:
    return (kind.element or kind).name in _DECLARED and _matters(parameter, kind)


def _matters(parameter: exp.Expr, kind: Type) -> bool:
    """Whether what stands around the parameter must know its type."""
    place, parent = parameter, parameter.parent
    while isinstance(parent, exp.Paren):
        place, parent = parent, parent.parent
    if isinstance(parent, exp.Cast):
        try:
            target = postgres_type(parent.args["to"])
        except UndefinedObject:  # a user's own, or none, which is told later
            return True
        elements = {(target.element or target).name, (kind.element or kind).name}
        return target != kind and not elements <= INTEGER
    if isinstance(parent, _COUNTS) or _is_assigned(place, parent):
        return False
    if isinstance(parent, exp.Anonymous) and parent.name.lower() in _QUANTIFIERS:
        return False
    return not (isinstance(parent, _BESIDE) and kind.name in _COMPARED_BARE)


def _is_assigned(place: exp.Expr, parent: exp.Expr | None) -> bool:
    """Whether the value goes into a column as it is: a row of INSERT, or SET."""
    if isinstance(parent, exp.EQ) and place.arg_key == "expression":
        return isinstance(parent.parent, exp.Update) and parent.arg_key == "expressions"
    return isinstance(parent, exp.Tuple) and isinstance(parent.parent, exp.Values) and isinstance(
        parent.parent.parent, exp.Insert
    )  # fmt: skip
