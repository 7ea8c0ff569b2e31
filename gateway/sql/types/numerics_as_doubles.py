"""Doubles here that are numerics in PostgreSQL, and doubles that surely are none.

A literal with a point and an average of integers are doubles here (sql.types.results) where the
engine's decimals have no room for them, and so is what extract gives.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.names.scope import resolved
from gateway.sql.text.grammar import Marker
from gateway.sql.types.inference import PULLED_BACK, Types, bare
from gateway.sql.types.part_units import IS_PART
from gateway.sql.types.signatures import meant, signatures
from gateway.sql.types.together import together
from gateway.types import FLOAT4, FLOAT8, FLOATING, INTEGER, NUMERIC, Type

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Pow)
# Functions that PostgreSQL has of numeric too: they give one of one.
_OF_NUMERIC = frozenset(
    {"abs", "ceil", "ceiling", "floor", "round", "trunc", "sign", "mod", "div", "power", "pow",
     "sqrt", "exp", "ln", "log", "coalesce", "greatest", "least", "nullif", "sum", "avg", "mean",
     "min", "max", "lag", "lead", "first_value", "last_value"}
)  # fmt: skip
_OF_PARTS = frozenset(
    {"abs", "sum", "avg", "min", "max", "lag", "lead", "first_value", "last_value"}
)
# Aggregates that give a numeric of integers.
_MEANS = frozenset(
    {"avg", "mean", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"}
)


def is_numeric_there(tree: exp.Expr, types: Types) -> bool:
    """Whether a double here would be a numeric in PostgreSQL."""
    tree = bare(tree)
    if types.of(tree) is not FLOAT8:
        return False
    if isinstance(tree, exp.Literal):
        return not tree.is_string and (tree.type is None or tree.type.this != exp.DType.DOUBLE)
    if isinstance(tree, exp.Neg | exp.Window | exp.Filter):
        return is_numeric_there(tree.this, types)
    if isinstance(tree, exp.Subquery):
        query = _given_by(tree, types)
        return query is not None and is_numeric_there(*query)
    if isinstance(tree, exp.Column):
        return _is_such_column(tree, types)
    if isinstance(tree, _ARITHMETIC):
        return _are_exact((tree.this, tree.expression), types)
    if isinstance(tree, exp.Case):
        default = tree.args.get("default")
        values = [branch.args["true"] for branch in tree.args["ifs"]]
        return _are_exact([*values, *([default] if default is not None else [])], types)
    if isinstance(tree, exp.Anonymous):
        return _is_such_call(tree, types)
    return False


def _is_such_call(call: exp.Anonymous, types: Types) -> bool:
    name, given = call.name.lower(), call.expressions
    if len(given) == 1 and name in _MEANS:
        argument = given[0].expressions[0] if isinstance(given[0], exp.Distinct) else given[0]
        kind = types.of(argument)
        return is_integer(kind) or is_numeric_there(argument, types)
    first = given[:1] if name in ("round", "trunc", "lag", "lead") else given
    return name in _OF_NUMERIC and _are_exact(first, types)


def _are_exact(values: list[exp.Expr] | tuple[exp.Expr, ...], types: Types) -> bool:
    """Whether none of them is a double in PostgreSQL, and one is a numeric."""
    found = [is_numeric_there(value, types) for value in values]
    known = [types.of(value) for value in values]
    exact = all(
        there or kind is NUMERIC or is_integer(kind) or isinstance(bare(value), exp.Null)
        for there, kind, value in zip(found, known, values, strict=True)
    )
    return exact and any(found)


def is_integer(kind: Type | None) -> bool:
    """Whether a type is one of the integers."""
    return kind is not None and kind.name in INTEGER


def _is_such_column(column: exp.Column, types: Types) -> bool:
    """Whether what gives the column in a subquery or in VALUES of FROM is such a value."""
    found = resolved(types.block, column)
    if found is None:
        return False
    source, name = found
    given = source.tree if source.query is None else source.query.tree
    if isinstance(given, exp.Values):
        place = list(source.columns or (name,)).index(name)
        rows = [r.expressions if isinstance(r, exp.Tuple) else [r] for r in given.expressions]
        return _are_exact([row[place] for row in rows], Types(None))
    output = _given_by(column, types)
    return output is not None and is_numeric_there(*output)


def is_of_parts(tree: exp.Expr, types: Types) -> bool:
    """Whether it is computed of parts of moments, and of integers and numerics beside them."""
    tree = bare(tree)
    if tree.meta_get(IS_PART) or isinstance(tree, exp.Extract):
        return True
    if isinstance(tree, exp.Neg | exp.Window | exp.Filter):
        return is_of_parts(tree.this, types)
    if isinstance(tree, exp.Case):  # of an infinite moment, which has a part, too
        default = bare(tree.args.get("default") or exp.Null())
        told = tree.this is not None and isinstance(default, exp.Cast)
        return is_of_parts(default.this if told else default, types)
    if isinstance(tree, exp.Anonymous):
        return tree.name in _OF_PARTS and is_of_parts(tree.expressions[0], types)
    if isinstance(tree, exp.Column | exp.Subquery):
        given = _given_by(tree, types)
        return given is not None and is_of_parts(*given)
    if not isinstance(tree, _ARITHMETIC):
        return False
    sides = (tree.this, tree.expression)
    parts = [is_of_parts(side, types) for side in sides]
    kinds = [types.of(side) for side in sides]
    return any(parts) and all(
        part or kind is NUMERIC or is_integer(kind) or is_numeric_there(side, types)
        for part, kind, side in zip(parts, kinds, sides, strict=True)
    )


def _given_by(tree: exp.Column | exp.Subquery, types: Types) -> tuple[exp.Expr, Types] | None:
    """What gives the value of a subquery, or the column of one; None: there is no one such."""
    if types.block is None:
        return None
    if isinstance(tree, exp.Subquery):
        query, place, count = types.block.inner.get(id(tree)), 0, 1
    else:
        found = resolved(types.block, tree)
        if found is None:
            return None
        source, name = found
        names = list(source.columns or (name,))  # an alias may have renamed them
        query = None if source.recursive else source.query
        place, count = names.index(name), len(names)
    if query is None or len(query.outputs) != count:
        return None
    output = query.outputs[place]
    if output.expression is None or output.sides:
        return None
    return output.expression, Types(output.block)


def written_type(tree: exp.Expr, types: Types) -> Type | None:
    """The type that an expression has in PostgreSQL; None where that cannot be told for sure."""
    kind = types.of(tree)
    if kind is not FLOAT8:
        return kind
    if is_numeric_there(tree, types) or is_of_parts(tree, types):
        return NUMERIC
    return FLOAT8 if _is_double(bare(tree), types) else None


def _is_double(tree: exp.Expr, types: Types) -> bool:
    """Whether it surely is one in PostgreSQL too: for what it is computed of, or by its cast."""
    kind = types.of(tree)
    if kind is not FLOAT8 or isinstance(tree, exp.Cast | Marker):
        return kind in (FLOAT4, FLOAT8)
    if isinstance(tree, exp.Column | exp.Subquery):
        given = _given_by(tree, types)
        if given is None:
            return isinstance(tree, exp.Column) and _is_stored(tree, types)
        return _is_double(bare(given[0]), given[1])
    if isinstance(tree, exp.Anonymous) and (gives := _gives(tree, types)):
        return gives in FLOATING
    parts = _parts(tree)
    if isinstance(tree, exp.Pow) and all(is_integer(types.of(part)) for part in parts):
        return True
    return any(_is_double(bare(part), types) for part in parts)


def _parts(tree: exp.Expr) -> list[exp.Expr]:
    """What a double may come from, which makes the whole one."""
    if isinstance(tree, exp.Neg | exp.Window | exp.Filter):
        return [tree.this]
    if isinstance(tree, exp.Anonymous):
        return list(tree.expressions) if tree.name in _OF_NUMERIC else []
    return together(tree) if isinstance(tree, (exp.Case, *_ARITHMETIC)) else []


def _gives(call: exp.Anonymous, types: Types) -> str | None:
    """The name of the type that the function gives in PostgreSQL; None where that is open."""
    if call.name not in signatures():
        return None
    kinds = [written_type(each, types) for each in call.expressions]
    if None in kinds:
        return None
    found = {each.gives for each in meant(call.name, [kind.name for kind in kinds if kind])}
    return found.pop() if len(found) == 1 else None


def _is_stored(column: exp.Column, types: Types) -> bool:
    """Whether a table has the column."""
    found = resolved(types.block, column)
    return found is not None and any(found[0].info(found[1]).origin)


def is_derived(node: exp.Expr) -> bool:
    """Whether a derivative is taken in the statement around it, in which numerics are doubles."""
    return any(isinstance(e, Marker) or e.meta_get(PULLED_BACK) for e in node.root().walk())
