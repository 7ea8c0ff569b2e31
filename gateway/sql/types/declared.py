"""`$1` of a type that the client declared, as `$1::type` in the tree that is rewritten.

What a call or an operator means depends on its arguments' types, and the text does not tell a
parameter's: `$1 + interval '1 day'` is a timestamp of a date, `j -> $1` an item of a smallint. A
parameter stays bare where its type changes nothing, and where others look for one.

One of type void is no argument of the function that it stands in (PostgreSQL's
parse_func.c: pgjdbc sends it for what `{? = call f(?)}` gives back).
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from gateway.errors import UndefinedObject
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.parameters import number, postgres_type
from gateway.types import INTEGER, Type, by_name

# A note on such a cast: it gives a column no name.
DECLARED = "declared"

_VOID = by_name("void")

_CAST = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "date",
     "time", "timestamp", "timestamptz", "interval", "bytea", "uuid", "json", "jsonb"}
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
        elif kind is not None and _is_cast(parameter, kind):
            cast = exp.Cast(this=copied(parameter), to=data_type(kind))
            cast.meta[DECLARED] = True
            parameter.replace(cast)
    return found


def _is_cast(parameter: exp.Expr, kind: Type) -> bool:
    return (kind.element or kind).name in _CAST and _matters(parameter, kind)


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
