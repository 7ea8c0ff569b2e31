"""What PostgreSQL writes and the engine does not read, in words that the engine reads.

One row per kind of node: the function gives the node to print in its place, or refuses it by
name. Nothing here knows a table or a type beyond what the text itself says. Measured against
DataFusion 55: what it would take for something else without an error is the reason for most rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from sqlglot import exp

from gateway.errors import (
    ArraySubscriptError,
    FeatureNotSupported,
    GatewayError,
)
from gateway.sql.inputs import literals
from gateway.sql.inputs.array_input import read_array
from gateway.sql.lowered import clauses
from gateway.sql.lowered.calls import call, filtered, window
from gateway.sql.lowered.groups.collected import distinct_values, order_of_values
from gateway.sql.lowered.groups.multisets import count_equals
from gateway.sql.lowered.patterns import write_pattern
from gateway.sql.lowered.relations import subqueries
from gateway.sql.lowered.relations.kept_in_place import hold_back, hold_cuts
from gateway.sql.lowered.relations.listed_values import keep_apart
from gateway.sql.lowered.relations.outer_joins import unsettle
from gateway.sql.lowered.values.arrays import item
from gateway.sql.lowered.values.casting import cast, item_of
from gateway.sql.lowered.values.moment_casts import cast_of, interval_of
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import parenthesise
from gateway.sql.text.trees import copied, nodes

DType = exp.DType
Lowering = Callable[[Any], "exp.Expr | None"]


def lower(tree: exp.Expr) -> exp.Expr:
    """A copy of `tree` that the engine's parser reads as PostgreSQL reads `tree`.

    Raises:
        FeatureNotSupported: 0A000, a form the engine lacks or silently takes for another.
        UndefinedObject: 42704, an unknown type.
        InvalidTextRepresentation: 22P02, a literal that its type does not read.
    """
    root = copied(tree)
    found = nodes(root)
    if any([hold_cuts(found), unsettle(found), hold_back(found)]):
        found = nodes(root)
    for node in reversed(found):
        row = LOWERINGS.get(type(node))
        replacement = _placed(row, node) if row is not None else None
        if replacement is None:
            continue
        if node is root:
            root = replacement
        else:
            node.replace(replacement)
    return parenthesise(root)


def _placed(row: Lowering, node: exp.Expr) -> exp.Expr | None:
    """What the row gives; its refusal knows where the node stands."""
    try:
        return row(node)
    except GatewayError as error:
        error.position = error.position or position_of(node)
        raise


def _unsupported(what: str, hint: str = "") -> Lowering:
    def refuse(node: exp.Expr) -> NoReturn:
        raise FeatureNotSupported(f"{what} is not supported", hint=hint)

    return refuse


def _interval(node: exp.Expr) -> exp.Expr:
    unit = node.args.get("unit")
    if not isinstance(node.this, exp.Literal):
        raise FeatureNotSupported("this form of interval is not supported")
    fields = unit.name.lower() if unit is not None else ""
    return interval_of(node.name, fields or "second", fields)


def _negative(node: exp.Expr) -> exp.Expr | None:
    """The engine reads a minus before an interval as a part of its first number; -0.0 is 0.0.

    Of -(a & b) it makes -a | -b, as if a minus were ~.
    """
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        # PostgreSQL reads a numeric, which has no -0.
        return node.this if not float(node.this.name) else None
    if isinstance(node.this.unnest(), exp.BitwiseAnd | exp.BitwiseOr | exp.BitwiseXor):
        bits = exp.Paren(this=node.this.unnest())
        return exp.Paren(this=exp.Sub(this=exp.Literal.number(0), expression=bits))
    if not isinstance(node.this.unnest(), exp.Interval):
        return None
    words = node.this.unnest().name.split()
    turned = [_turned(word) if place % 2 == 0 else word for place, word in enumerate(words)]
    return exp.Interval(this=exp.Literal.string(" ".join(turned)))


def _turned(number: str) -> str:
    return number[1:] if number.startswith("-") else f"-{number}"


def _between(node: exp.Expr) -> exp.Expr | None:
    if not node.args.get("symmetric"):
        node.set("symmetric", None)
        return None
    this, low, high = node.this, node.args["low"], node.args["high"]
    sides = [
        exp.Between(this=this.copy(), low=a.copy(), high=b.copy())
        for a, b in ((low, high), (high, low))
    ]
    return exp.Paren(this=exp.Or(this=sides[0], expression=sides[1]))


def _fetch(node: exp.Expr) -> exp.Expr:
    options = node.args.get("limit_options")
    if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
        raise FeatureNotSupported("FETCH FIRST with PERCENT or WITH TIES is not supported")
    return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))


def _like(node: exp.Expr) -> exp.Expr | None:
    """`x LIKE ANY (ARRAY[...])`: one LIKE for each pattern that is written there."""
    side = node.expression
    if not isinstance(side, exp.Any | exp.All):
        return None
    patterns = side.this.unnest()
    if isinstance(patterns, exp.Array):
        items = patterns.expressions
    elif patterns.is_string or (isinstance(patterns, exp.Cast) and patterns.this.is_string):
        text = patterns.name if patterns.is_string else patterns.this.name
        items = [item_of(word, exp.DataType(this=DType.TEXT)) for word in read_array(text)]
    else:
        return _like_each(node, patterns, isinstance(side, exp.All))
    join = exp.Or if isinstance(side, exp.Any) else exp.And
    negate = {"negate": True} if node.args.get("negate") else {}
    each = [type(node)(this=node.this.copy(), expression=item.copy(), **negate) for item in items]
    if not each:
        return exp.Boolean(this=join is exp.And)
    whole = each[0]
    for one in each[1:]:
        whole = join(this=whole, expression=one)
    return exp.paren(whole, copy=False)


def _like_each(node: exp.Expr, patterns: exp.Expr, whole: bool) -> exp.Expr:
    """The same of patterns that are computed."""
    word = "ALL" if whole else "ANY"
    word += "I" * isinstance(node, exp.ILike) + "!" * bool(node.args.get("negate"))
    given = [node.this.copy(), cast_copy(patterns, "text[]"), exp.Literal.string(word)]
    return exp.Anonymous(this="like_each", expressions=given)


def _like_escape(node: exp.Expr) -> exp.Expr | None:
    like, escape = node.this, node.expression
    if isinstance(like, exp.SimilarTo):
        return _similar(like, escape)
    if not isinstance(like, exp.Like | exp.ILike):
        raise FeatureNotSupported("LIKE ANY with ESCAPE is not supported")
    pattern = like.expression
    if pattern.is_string and escape.is_string:
        text = literals.like_pattern(pattern.name, escape.name)
        like.set("expression", exp.Literal.string(text))
    elif not (escape.is_string and escape.name == "\\"):
        asked = exp.Anonymous(this="like_escape", expressions=[pattern, escape])
        like.set("expression", asked)
    return like


def _similar(node: exp.Expr, escape: exp.Expr | None = None) -> exp.Expr | None:
    """SIMILAR TO is `~` of another pattern, which the engine makes of one that is computed."""
    if isinstance(node.parent, exp.Escape) and escape is None:
        return None
    escape = escape or exp.Literal.string("\\")
    written = node.expression
    if written.is_string and escape.is_string:
        text = literals.similar_pattern(written.name, escape.name)
        pattern: exp.Expr = exp.Literal.string(text)
    else:
        given = [cast_copy(written, "text"), escape.copy()]
        pattern = exp.Anonymous(this="similar_pattern", expressions=given)
    matched = exp.RegexpLike(this=node.this, expression=pattern)
    write_pattern(matched)
    return matched


def _collate(node: exp.Expr) -> exp.Expr:
    if node.expression.name.lower() not in ("c", "posix", "ucs_basic", "default"):
        raise FeatureNotSupported(f'collation "{node.expression.name}" is not supported')
    return exp.Paren(this=node.this)


# What stands in OPERATOR(pg_catalog...), as psql writes it -> the node of the operator.
_OPERATORS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "||": exp.DPipe,
    "~~": exp.Like, "~~*": exp.ILike,
}  # fmt: skip
_MATCHES = {"~": exp.RegexpLike, "~*": exp.RegexpILike}


def _operator(node: exp.Expr) -> exp.Expr:
    symbol = str(node.args["operator"]).rpartition(".")[2]
    sides = {"this": node.this, "expression": node.expression}
    if (match := _MATCHES.get(symbol.removeprefix("!"))) is not None:
        matched = match(**sides)
        return exp.Not(this=matched) if symbol.startswith("!") else exp.Paren(this=matched)
    if symbol not in _OPERATORS:
        raise FeatureNotSupported(f"OPERATOR({node.args['operator']}) is not supported")
    return exp.Paren(this=_OPERATORS[symbol](**sides))


def _bitwise_not(node: exp.Expr) -> exp.Expr:
    # ~x is -1 - x in two's complement; the engine has no such operator.
    minus_one = exp.Neg(this=exp.Literal.number(1))
    return exp.Paren(this=exp.Sub(this=minus_one, expression=exp.Paren(this=node.this)))


def _bitwise_xor(node: exp.Expr) -> exp.Expr:
    # The engine takes a # a for 0, though a be NULL.
    left, right = (exp.Paren(this=side) for side in (node.this, node.expression))
    either = exp.BitwiseOr(this=left, expression=right)
    both = exp.BitwiseAnd(this=left.copy(), expression=right.copy())
    return exp.Paren(this=exp.Sub(this=exp.Paren(this=either), expression=exp.Paren(this=both)))


def _now(node: exp.Expr) -> exp.Expr:
    return cast_of(exp.Anonymous(this="now"), exp.DataType(this=DType.TIMESTAMP))


def _array(node: exp.Expr) -> None:
    """Refuse what is no rectangle; the engine makes lists of any lengths."""
    sizes = {len(item.expressions) if isinstance(item, exp.Array) else -1
             for item in node.expressions}  # fmt: skip
    if len(sizes) > 1 and sizes != {-1}:
        raise ArraySubscriptError(
            "multidimensional arrays must have array expressions with matching dimensions"
        )


def _overlaps(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="array_has_any", expressions=[node.this, node.expression])


def _large_number(node: exp.Expr) -> exp.Expr | None:
    """Digits beyond bigint are a numeric; the engine would count without a sign, or in doubles."""
    if node.is_string or not node.is_int or int(node.name) < 2**63 or len(node.name) > 38:
        return None
    if int(node.name) == 2**63 and isinstance(node.parent, exp.Neg):
        return None  # the smallest bigint
    digits = data_type(f"DECIMAL({len(node.name)}, 0)")
    return cast_of(exp.Literal.string(node.name), digits)


def _adjacent(node: exp.Expr) -> exp.Expr:
    # 'a' 'b' is one string; the function concat() is a plain call and never this node.
    return exp.Literal.string("".join(part.name for part in node.expressions))


_BITS = _unsupported("a bit string", "Write bytes as '\\x41'::bytea.")


LOWERINGS: dict[type[exp.Expr], Lowering] = {
    exp.Cast: cast,
    exp.Literal: _large_number,
    exp.Anonymous: call,
    exp.Window: window,
    exp.Distinct: distinct_values,
    exp.Order: order_of_values,
    exp.Bracket: item,
    exp.Neg: _negative,
    exp.Interval: _interval,
    exp.Array: _array,
    exp.Between: _between,
    exp.Exists: clauses.exists,
    exp.In: subqueries.in_query,
    exp.EQ: subqueries.equals_any,
    exp.And: keep_apart,
    exp.Or: keep_apart,
    exp.Fetch: _fetch,
    exp.Limit: clauses.limit,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Escape: _like_escape,
    exp.SimilarTo: _similar,
    exp.RegexpLike: write_pattern,
    exp.RegexpILike: write_pattern,
    exp.Collate: _collate,
    exp.BitwiseNot: _bitwise_not,
    exp.BitwiseXor: _bitwise_xor,
    exp.Filter: filtered,
    exp.Operator: _operator,
    exp.ArrayOverlaps: _overlaps,
    exp.Localtimestamp: _now,
    exp.Select: clauses.select,
    exp.Except: count_equals,
    exp.Intersect: count_equals,
    exp.Subquery: clauses.subquery,
    exp.Table: clauses.table,
    exp.Unnest: clauses.unnest,
    exp.With: clauses.with_clause,
    exp.WindowSpec: clauses.window_spec,
    exp.Union: clauses.name_sides,
    exp.Concat: _adjacent,
    exp.BitString: _BITS,
    exp.HexString: _BITS,
    exp.ObjectIdentifier: _unsupported("a cast to an object identifier"),
    exp.PseudoType: _unsupported("a cast to a pseudo-type"),
}
