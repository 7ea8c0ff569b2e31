"""Doubles that are numerics in PostgreSQL, where they are rounded: half away from zero.

A literal with a point and an average of integers are doubles here (sql.types.results). PostgreSQL
rounds a double half to even and a numeric half away from zero, and of a numeric 2.3 * 3 is 6.9 and
no less. So such a value is taken to its first 15 digits, which are right, before it is cut.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.values.parts import IS_PART
from gateway.sql.names.scope import resolved
from gateway.sql.text.building import cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.types import FLOAT8, INTEGER, NUMERIC, Type

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
CUTTING = frozenset({"round", "trunc", "floor", "ceil", "ceiling"})


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
        return _is_integer(kind) or is_numeric_there(argument, types)
    first = given[:1] if name in ("round", "trunc", "lag", "lead") else given
    return name in _OF_NUMERIC and _are_exact(first, types)


def _are_exact(values: list[exp.Expr] | tuple[exp.Expr, ...], types: Types) -> bool:
    """Whether none of them is a double in PostgreSQL, and one is a numeric."""
    found = [is_numeric_there(value, types) for value in values]
    known = [types.of(value) for value in values]
    exact = all(
        there or kind is NUMERIC or _is_integer(kind) or isinstance(bare(value), exp.Null)
        for there, kind, value in zip(found, known, values, strict=True)
    )
    return exact and any(found)


def _is_integer(kind: Type | None) -> bool:
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


def round_numeric(node: exp.Expr, types: Types) -> None:
    """Write the rounding of such a value, by a function or a cast, as that of a numeric; in place.

    What a derivative is taken of is left as it is.
    """
    if isinstance(node, exp.Cast):
        _round_cast(node, types)
        return
    given = node.expressions
    if not 1 <= len(given) <= 2 or node.args.get("resolved"):
        return
    if len(given) == 1 and node.name == "round" and _is_of_parts(given[0], types):
        node.replace(_rounded(given[0]))
        return
    if not is_numeric_there(given[0], types) or node.find_ancestor(Marker):
        return
    if len(given) == 1:
        node.replace(_cut(node.name, given[0]))
        return
    power = exp.Anonymous(
        this="power",
        expressions=[exp.Literal.number("10.0"), cast_copy(given[1], "double precision")],
    )
    moved = exp.Mul(this=exp.paren(given[0].copy()), expression=power)
    node.replace(_given(exp.Div(this=_cut(node.name, moved), expression=power.copy())))


def _round_cast(node: exp.Cast, types: Types) -> None:
    target = types.of(node)
    value = bare(node.this)
    written = value.this if isinstance(value, exp.Neg) else value
    if not _is_integer(target) or isinstance(written, exp.Literal):
        return  # what is written is rounded where it is printed
    if node.find_ancestor(Marker):
        return
    if _is_of_parts(value, types) or is_numeric_there(value, types):
        rounded = _rounded(value) if _is_of_parts(value, types) else _cut("round", value)
        rounded.type = data_type("bigint")  # then the printer need not round
        node.set("this", rounded)


def _is_of_parts(tree: exp.Expr, types: Types) -> bool:
    """Whether it is computed of parts of moments, and of integers and numerics beside them."""
    tree = bare(tree)
    if tree.meta_get(IS_PART) or isinstance(tree, exp.Extract):
        return True
    if isinstance(tree, exp.Neg | exp.Window | exp.Filter):
        return _is_of_parts(tree.this, types)
    if isinstance(tree, exp.Case):  # of an infinite moment, which has a part, too
        default = bare(tree.args.get("default") or exp.Null())
        told = tree.this is not None and isinstance(default, exp.Cast)
        return _is_of_parts(default.this if told else default, types)
    if isinstance(tree, exp.Anonymous):
        return tree.name in _OF_PARTS and _is_of_parts(tree.expressions[0], types)
    if isinstance(tree, exp.Column | exp.Subquery):
        given = _given_by(tree, types)
        return given is not None and _is_of_parts(*given)
    if not isinstance(tree, _ARITHMETIC):
        return False
    sides = (tree.this, tree.expression)
    parts = [_is_of_parts(side, types) for side in sides]
    kinds = [types.of(side) for side in sides]
    return any(parts) and all(
        part or kind is NUMERIC or _is_integer(kind) or is_numeric_there(side, types)
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


def _rounded(value: exp.Expr) -> exp.Expr:
    """Half away from zero; an epoch has more digits than a double's first 15."""
    made = exp.Anonymous(this="round", expressions=[cast_copy(value, "double precision")])
    made.set("resolved", True)
    return _given(made)


def _cut(name: str, value: exp.Expr) -> exp.Expr:
    digits = exp.Anonymous(
        this="fifteen_digits", expressions=[cast_copy(value, "double precision")]
    )
    cut = exp.Anonymous(this="ceil" if name == "ceiling" else name, expressions=[digits])
    cut.set("resolved", True)
    return _given(cut)


def _given(value: exp.Expr) -> exp.Expr:
    value.meta[GIVES] = FLOAT8
    return value
