"""WITH RECURSIVE: the two terms must agree on their types.

The engine gives every step the types of the first term, silently: `SELECT 0 AS a UNION ALL SELECT
a + 0.5 ...` would truncate each step to an integer. PostgreSQL refuses such a query (42804), and so
do we; since only the engine knows every type, it is asked to plan each term by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

import pyarrow as pa
from sqlglot import exp

from gateway.errors import DatatypeMismatch
from gateway.sql.meaning.self_references import references_to
from gateway.sql.names.scope import Analysis, position_of
from gateway.sql.text.building import put
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.comparisons import branches_of
from gateway.sql.types.inference import type_of
from gateway.sql.types.results import common_type
from gateway.types import INTEGER, NUMBERS, Type, from_arrow

# Types of which the engine may have another where an expression computes one.
_MEASURED = NUMBERS | {"date", "timestamp", "timestamptz"}

# Plans a query and gives its columns' types; nothing runs.
SchemaOf = Callable[[exp.Expr], pa.Schema]


def check_recursive_types(tree: exp.Expr, schema_of: SchemaOf) -> None:
    """Refuse a recursive query whose steps would lose what their first term cannot hold.

    Raises:
        DatatypeMismatch: 42804, naming the query, the column and both types.
    """
    for clause in tree.find_all(exp.With):
        if clause.args.get("recursive"):
            for cte in clause.expressions:
                if is_recursive(cte):
                    _check(cte, schema_of)


def type_first_terms(tree: exp.Expr) -> None:
    """Let a NULL of a recursive query's first term be a text, as the column of any query is."""
    for clause in nodes_of(tree, exp.With):
        for cte in clause.expressions if clause.args.get("recursive") else ():
            first = cte.this.left if isinstance(cte.this, exp.SetOperation) else None
            for item in first.expressions if isinstance(first, exp.Select) else ():
                if isinstance(value := item.unalias(), exp.Null):
                    value.replace(exp.cast(exp.Null(), exp.DType.TEXT))


def cast_first_terms(analysis: Analysis, tree: exp.Expr) -> None:
    """Cast what the branches of a recursive query's first term compute to their common type.

    In place. The engine takes the types of the first branch for those of the query, and finds them
    changed when it has made the branches alike.
    """
    for cte in nodes_of(tree, exp.CTE):
        first = cte.this.left.unnest() if is_recursive(cte) else None
        branches = list(branches_of(first)) if isinstance(first, exp.SetOperation) else []
        if len({len(each.expressions) for each in branches}) != 1:
            continue
        for column in zip(*(each.expressions for each in branches), strict=True):
            values = [each.unalias() for each in column]
            kinds = [type_of(each, analysis.block_of(each)) for each in values]
            kind = common_type(kinds)
            alike = len(set(kinds)) == 1 and all(isinstance(v, exp.Column) for v in values)
            if kind is not None and kind.name in _MEASURED and not alike:
                for value in values:
                    put(value, exp.Cast(this=exp.paren(value.copy()), to=data_type(kind)))


def is_recursive(cte: exp.CTE) -> bool:
    """Whether a CTE's second term names the CTE itself."""
    body = cte.this
    return isinstance(body, exp.SetOperation) and bool(references_to(body.right, cte.alias))


def _check(cte: exp.CTE, schema_of: SchemaOf) -> None:
    before = _visible(cte)
    first = schema_of(_with(before, cte.this.left))
    alias = cte.args.get("alias")
    named = [column.name for column in alias.columns] if alias is not None else []
    names = named + first.names[len(named) :]
    step = schema_of(_with([*before, _empty(cte.alias, names, first.types)], cte.this.right))
    check_terms(cte, first.types, step)


def check_terms(cte: exp.CTE, types: Sequence[pa.DataType], step: pa.Schema) -> None:
    """Refuse a recursive query whose columns do not hold what a step gives.

    Args:
        cte: The query.
        types: What its first term gives.
        step: What its second does.

    Raises:
        DatatypeMismatch: 42804, naming the query, the column and both types.
    """
    for number, (first, overall) in enumerate(zip(types, step.types, strict=False), 1):
        seed = from_arrow(first)
        _check_digits(cte, number, first, overall)
        if not _holds(seed, overall):
            raise DatatypeMismatch(
                f'recursive query "{cte.alias}" column {number} has type {seed.sql} in '
                f"non-recursive term but type {from_arrow(overall).sql} overall",
                hint="Cast the output of the non-recursive term to the correct type.",
                position=position_of(cte.this.left),
            )


# A column that is numeric without digits keeps so many after the point.
_UNTOLD_DIGITS = 10


def _check_digits(cte: exp.CTE, number: int, first: pa.DataType, overall: pa.DataType) -> None:
    """Refuse numerics of which a step would lose digits; PostgreSQL refuses numeric(6, 2) so."""
    if not (pa.types.is_decimal(first) and pa.types.is_decimal(overall)):
        return
    if first.scale < overall.scale and first.scale < _UNTOLD_DIGITS:
        raise DatatypeMismatch(
            f'recursive query "{cte.alias}" column {number} has {first.scale} digits after the '
            f"point in non-recursive term but {overall.scale} overall",
            hint="Cast the output of the non-recursive term to double precision, or to numeric "
            "with as many digits.",
            position=position_of(cte.this.left),
        )


def _visible(cte: exp.CTE) -> list[exp.CTE]:
    """The CTEs that `cte` can name, but for itself: those before it, here and in queries around."""
    names = {cte.alias}
    levels: list[list[exp.CTE]] = []
    child: exp.Expr = cte
    node = cte.parent
    while node is not None:
        around = node if isinstance(node, exp.With) else node.args.get("with_")
        if around is not None and around is not child:
            before = _before(around, child)
            levels.insert(0, [each for each in before if each.alias not in names])
            names.update(each.alias for each in before)
        child, node = node, node.parent
    return [each for level in levels for each in level]


def _before(clause: exp.With, child: exp.Expr) -> list[exp.CTE]:
    """The members of WITH before `child`; all of them when it is none."""
    return list(takewhile(lambda each: each is not child, clause.expressions))


def _with(ctes: Sequence[exp.CTE], query: exp.Expr) -> exp.Expr:
    query = query.copy()
    inner = query.args.get("with_")
    kept = [*(cte.copy() for cte in ctes), *(inner.expressions if inner is not None else [])]
    if kept:
        query.set("with_", exp.With(expressions=kept, recursive=True))
    return query


def _empty(name: str, names: Sequence[str], types: Sequence[pa.DataType]) -> exp.CTE:
    """A CTE of that name with columns of these types, standing for the steps before."""
    items = [
        exp.Alias(
            this=exp.Cast(this=exp.Null(), to=_exactly(kind)),
            alias=exp.to_identifier(column, quoted=True),
        )
        for column, kind in zip(names, types, strict=True)
    ]
    alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    return exp.CTE(this=exp.Select(expressions=items), alias=alias)


def _exactly(kind: pa.DataType) -> exp.DataType:
    """A type with the digits that it keeps: `1::numeric` has none after the point."""
    if pa.types.is_decimal(kind):
        return data_type(f"numeric({kind.precision}, {kind.scale})")
    return data_type(from_arrow(kind))


def _holds(seed: Type, overall: pa.DataType) -> bool:
    """True when a column of the first term's type holds every value of the second's.

    The engine takes integer literals for bigint where PostgreSQL takes them for integer, so all
    integer types pass for one another.
    """
    if pa.types.is_null(overall):
        return True
    step = from_arrow(overall)
    if seed.element is not None and step.element is not None:
        seed, step = seed.element, step.element
    return step is seed or (step.name in INTEGER and seed.name in INTEGER)
