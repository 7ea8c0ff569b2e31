"""What PostgreSQL writes and the engine does not read, in words that the engine reads.

One row per kind of node: the function gives the node to print in its place, or refuses it by
name. Nothing here knows a table or a type beyond what the text itself says. Measured against
DataFusion 55: what it would take for something else without an error is the reason for most rows.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NoReturn

from sqlglot import exp

from gateway.errors import FeatureNotSupported, UndefinedObject
from gateway.sql import clauses, jsontext, literals
from gateway.sql.calls import call
from gateway.sql.precedence import parenthesise
from gateway.sql.rooms import checked, refuse_long
from gateway.sql.trees import copied, nodes

DType = exp.DType
Lowering = Callable[[Any], "exp.Expr | None"]

# The types the engine casts to, in its spelling. A missing row: the type is refused by name.
# PostgreSQL counts time in microseconds, DataFusion by default in nanoseconds (and then knows no
# year before 1677): the scale is always written.
ENGINE_TYPES = {
    DType.BOOLEAN: "BOOLEAN",
    DType.SMALLINT: "SMALLINT",
    DType.INT: "INTEGER",
    DType.BIGINT: "BIGINT",
    DType.FLOAT: "REAL",
    DType.DOUBLE: "DOUBLE PRECISION",
    DType.DECIMAL: "DECIMAL(38, 10)",
    DType.TEXT: "VARCHAR",
    DType.VARCHAR: "VARCHAR",
    DType.CHAR: "VARCHAR",
    DType.NCHAR: "VARCHAR",
    DType.BPCHAR: "VARCHAR",
    DType.NAME: "VARCHAR",
    DType.UUID: "VARCHAR",
    DType.JSON: "VARCHAR",
    DType.JSONB: "VARCHAR",
    DType.VARBINARY: "BYTEA",
    DType.BINARY: "BYTEA",
    DType.DATE: "DATE",
    DType.TIME: "TIME",
    DType.TIMESTAMP: "TIMESTAMP(6)",
    DType.TIMESTAMPTZ: "TIMESTAMP(6) WITH TIME ZONE",
    DType.INTERVAL: "INTERVAL",
}


def engine_type(kind: exp.DataType) -> str:
    """The engine's spelling of a type.

    Raises:
        UndefinedObject: 42704, no such type here.
        FeatureNotSupported: 0A000, a numeric of more than 38 digits.
    """
    if kind.this == DType.ARRAY and kind.expressions:
        return f"{engine_type(kind.expressions[0])}[]"
    spelling = ENGINE_TYPES.get(kind.this)
    if spelling is None:
        name = kind.args.get("kind") or kind.sql("postgres").lower()
        raise UndefinedObject(f'type "{getattr(name, "name", name)}" does not exist')
    if kind.this == DType.DECIMAL and kind.expressions:
        precision, scale = ([int(part.name) for part in kind.expressions] + [0])[:2]
        if precision > 38:
            raise FeatureNotSupported(
                f"numeric({precision}, {scale}) is not supported",
                hint="A numeric holds at most 38 digits here.",
            )
        return f"DECIMAL({precision}, {scale})"
    if kind.expressions and kind.this in (DType.TIMESTAMP, DType.TIMESTAMPTZ, DType.TIME):
        if kind.expressions[0].name != "6":
            raise FeatureNotSupported(
                f"{kind.sql('postgres').lower()} is not supported",
                hint="Times are kept in microseconds; round them with date_trunc().",
            )
    elif kind.this == DType.DOUBLE and kind.expressions and int(kind.expressions[0].name) <= 24:
        return "REAL"  # float(1) to float(24) is real
    return spelling


def lower(tree: exp.Expr) -> exp.Expr:
    """A copy of `tree` that the engine's parser reads as PostgreSQL reads `tree`.

    Raises:
        FeatureNotSupported: 0A000, a form the engine lacks or silently takes for another.
        UndefinedObject: 42704, an unknown type.
        InvalidTextRepresentation: 22P02, a literal that its type does not read.
    """
    root = copied(tree)
    for node in reversed(nodes(root)):
        row = LOWERINGS.get(type(node))
        replacement = row(node) if row is not None else None
        if replacement is None:
            continue
        if node is root:
            root = replacement
        else:
            node.replace(replacement)
    return parenthesise(root)


def _unsupported(what: str, hint: str = "") -> Lowering:
    def refuse(node: exp.Expr) -> NoReturn:
        raise FeatureNotSupported(f"{what} is not supported", hint=hint)

    return refuse


def _cast(node: exp.Expr) -> exp.Expr | None:
    value, kind = node.this.unnest(), _with_length(node.args["to"])
    refuse_long(kind)
    if value.is_string:
        return _literal_cast(value.name, kind)
    if kind.this in _INTEGERS:
        return _integer_cast(node, value, kind)
    return _sized(node, kind) if kind.this in _SIZED and kind.expressions else None


def _with_length(kind: exp.DataType) -> exp.DataType:
    """A character without a length has one character; `"char"`, in quotes, at most one."""
    if kind.this == DType.CHAR and not kind.expressions:
        return _length_of(DType.CHAR)
    name = kind.args.get("kind") if kind.this == DType.USERDEFINED else None
    return _length_of(DType.VARCHAR) if getattr(name, "name", name) == "char" else kind


def _length_of(kind: exp.DType) -> exp.DataType:
    return exp.DataType(this=kind, expressions=[exp.DataTypeParam(this=exp.Literal.number(1))])


_INTEGERS = (DType.SMALLINT, DType.INT, DType.BIGINT)
_SIZED = (DType.VARCHAR, DType.CHAR, DType.BPCHAR, DType.NCHAR)


def _literal_cast(text: str, kind: exp.DataType) -> exp.Expr | None:
    if kind.this in (DType.TIMESTAMP, DType.TIMESTAMPTZ):
        plain = literals.timestamp(text, zoned=kind.this == DType.TIMESTAMPTZ)
        return _cast_of(exp.Literal.string(plain), kind.copy())
    if kind.this == DType.INTERVAL:
        return _interval_of(text)
    if kind.this == DType.ARRAY and kind.expressions:
        items = [_item(word, kind.expressions[0]) for word in literals.array(text)]
        return _cast_of(exp.Array(expressions=items), kind.copy())
    if kind.this in (DType.JSON, DType.JSONB):
        return exp.Literal.string(jsontext.READERS[kind.this.name.lower()](text))
    if kind.this == DType.UUID:
        return exp.Literal.string(literals.uuid(text))
    if kind.this in (DType.VARBINARY, DType.BINARY):
        return exp.HexString(this=literals.bytea(text).hex())
    if kind.this in _SIZED and kind.expressions:
        size = int(kind.expressions[0].name)
        short = text[:size] if kind.this == DType.VARCHAR else text[:size].ljust(size)
        return _cast_of(exp.Literal.string(short), exp.DataType(this=DType.VARCHAR))
    return None


def _item(text: str | None, kind: exp.DataType) -> exp.Expr:
    if text is None:
        return exp.Null()
    item = exp.Literal.string(text)
    return _literal_cast(text, kind) or _cast_of(item, kind.copy())


def _cast_of(value: exp.Expr, kind: exp.DataType) -> exp.Cast:
    return exp.Cast(this=value, to=kind)


# Adding and taking away 1.5 * 2^52 rounds a double to the nearest integer, ties to even, as
# PostgreSQL's dtoi4 does (rint); DataFusion's cast truncates and its round() rounds ties away.
_ROUNDER = "6755399441055744.0"
_EXACT = "2251799813685248.0"  # 2^51: at and above it the trick is not exact


def _integer_cast(node: exp.Expr, value: exp.Expr, kind: exp.DataType) -> exp.Expr | None:
    digits = _decimal_literal(value)
    if digits is not None:
        return _cast_of(_number(digits), kind.copy())
    if _is_integral(value):
        return None
    double = _cast_of(node.this.copy(), exp.DataType(this=DType.DOUBLE))
    shift = exp.Literal.number(_ROUNDER)
    rounded = exp.Sub(this=exp.Add(this=double, expression=shift), expression=shift.copy())
    narrow = _cast_of(rounded, kind.copy())
    if kind.this != DType.BIGINT:
        return narrow
    small = exp.LT(
        this=exp.Anonymous(this="abs", expressions=[double.copy()]),
        expression=exp.Literal.number(_EXACT),
    )
    return exp.Case(ifs=[exp.If(this=small, true=narrow)], default=node.copy())


def _decimal_literal(value: exp.Expr) -> int | None:
    """A literal such as 2.5 or -0.5 rounded as PostgreSQL's numeric: ties away from zero."""
    sign = 1
    while isinstance(value, exp.Neg | exp.Paren):
        sign, value = (-sign if isinstance(value, exp.Neg) else sign), value.this
    if not isinstance(value, exp.Literal) or value.is_string or value.is_int:
        return None
    if value.type is not None and value.type.this == DType.DOUBLE:
        return None  # an earlier pass made it a double
    whole, remainder = divmod(Fraction(value.name), 1)
    return sign * (whole + (remainder * 2 >= 1))


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal


def _is_integral(value: exp.Expr) -> bool:
    """Whether the text, or a type that an earlier pass wrote on the node, says so."""
    if value.type is not None and value.type.this in (*_INTEGERS, DType.BOOLEAN, DType.TEXT):
        return True
    if isinstance(value, exp.Neg | exp.Paren):
        return _is_integral(value.this)
    if isinstance(value, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return _is_integral(value.this) and _is_integral(value.expression)
    if isinstance(value, exp.Cast):
        return value.args["to"].this in (*_INTEGERS, DType.BOOLEAN, *_SIZED, DType.TEXT)
    if isinstance(value, exp.Anonymous):
        return value.name in ("count", "length", "char_length", "row_number", "rank")
    return isinstance(value, exp.Null | exp.Boolean | exp.Predicate) or value.is_int


def _sized(node: exp.Expr, kind: exp.DataType) -> exp.Expr:
    text = _cast_of(node.this.copy(), exp.DataType(this=DType.VARCHAR))
    size = exp.Literal.number(kind.expressions[0].name)
    name = "left" if kind.this == DType.VARCHAR else "rpad"
    return exp.Anonymous(this=name, expressions=checked(name, [text, size]))


def _interval(node: exp.Expr) -> exp.Expr:
    unit = node.args.get("unit")
    if not isinstance(node.this, exp.Literal) or isinstance(unit, exp.IntervalSpan):
        raise FeatureNotSupported("this form of interval is not supported")
    return _interval_of(node.name, unit.name.lower() if unit is not None else "second")


def _interval_of(text: str, unit: str = "second") -> exp.Expr:
    return exp.Interval(
        this=exp.Literal.string(literals.engine_interval(*literals.interval(text, unit)))
    )


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


def _like_escape(node: exp.Expr) -> exp.Expr | None:
    like: exp.Expr = node.this
    escape = node.expression
    if not (like.expression.is_string and escape.is_string and len(escape.name) <= 1):
        raise FeatureNotSupported("LIKE ... ESCAPE with a computed pattern is not supported")
    pattern = like.expression.name
    if isinstance(like, exp.SimilarTo):
        return _similar(like, escape.name)
    like.set("expression", exp.Literal.string(literals.like_pattern(pattern, escape.name)))
    return like


def _similar(node: exp.Expr, escape: str = "\\") -> exp.Expr | None:
    if isinstance(node.parent, exp.Escape) and escape == "\\":
        return None
    if not node.expression.is_string:
        raise FeatureNotSupported("SIMILAR TO with a computed pattern is not supported")
    pattern = literals.similar_pattern(node.expression.name, escape)
    return exp.RegexpLike(this=node.this, expression=exp.Literal.string(pattern))


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


def _now(node: exp.Expr) -> exp.Expr:
    return _cast_of(exp.Anonymous(this="now"), exp.DataType(this=DType.TIMESTAMP))


def _overlaps(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="array_has_any", expressions=[node.this, node.expression])


def _large_number(node: exp.Expr) -> exp.Expr | None:
    """Digits beyond bigint are a numeric; the engine would count without a sign, or in doubles."""
    if node.is_string or not node.is_int or int(node.name) < 2**63 or len(node.name) > 38:
        return None
    if int(node.name) == 2**63 and isinstance(node.parent, exp.Neg):
        return None  # the smallest bigint
    digits = exp.DataType.build(f"DECIMAL({len(node.name)}, 0)")
    return _cast_of(exp.Literal.string(node.name), digits)


def _plain_string(node: exp.Expr) -> exp.Expr:
    return exp.Literal.string(node.name)


def _adjacent(node: exp.Expr) -> exp.Expr:
    # 'a' 'b' is one string; the function concat() is a plain call and never this node.
    return exp.Literal.string("".join(part.name for part in node.expressions))


def _unicode_string(node: exp.Expr) -> exp.Expr:
    escape = node.args.get("escape")
    return exp.Literal.string(literals.unicode_string(node.name, escape.name if escape else "\\"))


_JSON = _unsupported("a JSON operator")
_BITS = _unsupported("a bit string", "Write bytes as '\\x41'::bytea.")


LOWERINGS: dict[type[exp.Expr], Lowering] = {
    exp.Cast: _cast,
    exp.Literal: _large_number,
    exp.Anonymous: call,
    exp.Interval: _interval,
    exp.Between: _between,
    exp.Exists: clauses.exists,
    exp.Fetch: _fetch,
    exp.Limit: clauses.limit,
    exp.Escape: _like_escape,
    exp.SimilarTo: _similar,
    exp.Collate: _collate,
    exp.BitwiseNot: _bitwise_not,
    exp.Operator: _operator,
    exp.ArrayOverlaps: _overlaps,
    exp.Localtimestamp: _now,
    exp.Select: clauses.select,
    exp.Subquery: clauses.select,
    exp.Table: clauses.table,
    exp.Unnest: clauses.unnest,
    exp.With: clauses.with_clause,
    exp.WindowSpec: clauses.window_spec,
    exp.TableSample: _unsupported("TABLESAMPLE"),
    exp.ByteString: _plain_string,
    exp.Concat: _adjacent,
    exp.UnicodeString: _unicode_string,
    exp.BitString: _BITS,
    exp.HexString: _BITS,
    exp.ObjectIdentifier: _unsupported("a cast to an object identifier"),
    exp.PseudoType: _unsupported("a cast to a pseudo-type"),
    exp.JSONExtract: _JSON,
    exp.JSONExtractScalar: _JSON,
    exp.JSONBExtract: _JSON,
    exp.JSONBExtractScalar: _JSON,
    exp.JSONBContains: _JSON,
}
