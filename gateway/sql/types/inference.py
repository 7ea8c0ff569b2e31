"""The type of an expression, as far as its syntax and the columns' types tell.

A derivative must know it (``/`` of integers is a step function), and so must a call whose meaning
depends on it. None means that nothing tells, and whoever asks must not guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Block, Output, resolve
from gateway.sql.text.datatypes import domain_cast
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import ByKind, Kinds
from gateway.sql.types.address_rows import operator_type
from gateway.sql.types.modifiers import cast_modifier
from gateway.sql.types.numerals import holds_exacting, integer_type, is_exacting, is_pointed
from gateway.sql.types.parameters import postgres_type
from gateway.sql.types.part_units import shown_digits
from gateway.sql.types.results import (
    common_type,
    computed_type,
    ordered_set_type,
    result_type,
    widest,
)
from gateway.types import (
    BOOL,
    BY_NAME,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INET,
    INTEGER,
    INTERVAL,
    NUMBERS,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    Type,
    array_of,
)

JSONB = BY_NAME["jsonb"]

# Under this key a node's notes hold the type that an earlier pass knows it to have.
GIVES = "gives"
# Noted on a SELECT that is the gradient of another query: the name of that.
PULLED_BACK = "pulled_back"

_NO_PARAMETERS: Mapping[int, Type] = {}


def type_of(
    tree: exp.Expr, block: Block | None, parameters: Mapping[int, Type] = _NO_PARAMETERS
) -> Type | None:
    """The type of `tree` where it stands in `block`; None when that cannot be told."""
    return Types(block, parameters).of(tree)


class Types:
    """The types of expressions of one SELECT, each found once.

    What is asked about may be changed afterwards only where it has not been asked about yet.
    """

    def __init__(
        self, block: Block | None, parameters: Mapping[int, Type] = _NO_PARAMETERS
    ) -> None:
        self.block = block
        self.parameters = parameters
        self._known: dict[int, tuple[exp.Expr, Type | None]] = {}

    def of(self, tree: exp.Expr) -> Type | None:
        """The type of `tree`; None when that cannot be told."""
        found = self._known.get(id(tree))
        if found is None:
            reads, given = _READERS.of(type(tree)), tree.meta_get(GIVES)
            found = tree, given or (reads[0](tree, self) if reads else None)
            self._known[id(tree)] = found
        return found[1]


Reader = Callable[[exp.Expr, Types], Type | None]


def _inner(tree: exp.Expr, types: Types) -> Type | None:
    return types.of(tree.this)


def _case(tree: exp.Expr, types: Types) -> Type | None:
    values = [branch.args["true"] for branch in tree.args["ifs"]]
    if tree.args.get("default") is not None:
        values.insert(0, tree.args["default"])  # PostgreSQL looks at it first
    return _common(values, types)


def _common(values: Sequence[exp.Expr], types: Types) -> Type | None:
    """The type of alternatives: a quoted literal or NULL takes that of the others."""
    told = [value for value in values if not (is_untyped(value) or _is_open(value, types))]
    if not told:
        return TEXT if any(value.is_string for value in values) else None
    if numeric_beside(told, types):
        return NUMERIC
    kinds = [types.of(value) for value in told]
    if FLOAT4 in kinds:  # a literal with a point is a numeric, which a real takes in
        kinds = [k for k, value in zip(kinds, told, strict=True) if not is_pointed(value)]
    return common_type(kinds)


def numeric_beside(sides: Sequence[exp.Expr], types: Types) -> bool:
    """Whether literals with a point stand here beside numerics, and so are numerics themselves.

    A parameter's type comes too late to make a literal one.
    """
    others = [side for side in sides if not is_pointed(side)]
    if len(others) == len(sides):
        return False
    others = [side for side in others if not is_untyped(side)]
    exacting = any(map(holds_exacting, sides))  # a double would lose digits of one of them
    if not others:
        return exacting
    known = Types(types.block) if types.parameters else types
    common = common_type([known.of(side) for side in others])
    return common is NUMERIC or (exacting and common is not None and common.name in INTEGER)


def _is_open(value: exp.Expr, types: Types) -> bool:
    """A parameter whose type nothing has told yet takes that of the others too, as ARRAY[NULL]."""
    plain = bare(value)
    if isinstance(plain, exp.Array) and plain.expressions:
        return all(isinstance(each, exp.Null) for each in plain.expressions)
    return isinstance(plain, exp.Parameter) and types.of(value) is None


def alternatives_type(values: Sequence[exp.Expr]) -> Type | None:
    """The type of values of which each is a row's, as in VALUES; of nothing but NULLs, text."""
    untold = all(isinstance(bare(value), exp.Null) for value in values)
    return TEXT if untold else _common(values, Types(None))


def is_untyped(value: exp.Expr) -> bool:
    """A literal in quotes or NULL, which takes the type that is asked of it."""
    return value.is_string or isinstance(value, exp.Null)


def _call(tree: exp.Expr, types: Types) -> Type | None:
    name, given = tree.name.lower(), tree.expressions
    if name in _ALTERNATIVES:
        return _common(given, types)
    if name == "array" and len(given) == 1:  # ARRAY(SELECT ...)
        element = _scalar(given[0], types)
        return None if element is None else array_of(element)
    kinds = [UNKNOWN if is_untyped(each) else types.of(each) for each in given]
    if name == "generate_series" and (FLOAT8 in kinds or None in kinds):
        return NUMERIC if FLOAT8 in kinds else _common(given[:2], types)
    return result_type(name, kinds)


_ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nvl", "ifnull"})


def _arithmetic(tree: exp.Expr, types: Types) -> Type | None:
    if INET in (types.of(tree.this), types.of(tree.expression)):
        return operator_type(tree, types.of)
    kind = computed_type(tree, *_sides(tree, types))
    numbers = kind is not None and kind.name in NUMBERS and kind is not FLOAT4
    return NUMERIC if numbers and numeric_beside((tree.this, tree.expression), types) else kind


def _sides(tree: exp.Expr, types: Types) -> tuple[Type | None, Type | None]:
    """The types beside an operator; a literal beside a number or a date is one, too."""
    left, right = types.of(tree.this), types.of(tree.expression)
    for side, other in ((tree.this, right), (tree.expression, left)):
        if is_untyped(side) and other is not None and (other.name in NUMBERS or other is DATE):
            return other, other
    return left, right


def _bits(tree: exp.Expr, types: Types) -> Type | None:
    """A shift is of its left side's type, the others of the wider side's."""
    if INET in (types.of(tree.this), types.of(tree.expression)):
        return operator_type(tree, types.of)
    left, right = _sides(tree, types)
    return left if isinstance(tree, _SHIFTS) else widest([left, right])


def _negative(tree: exp.Expr, types: Types) -> Type | None:
    """`-2147483648` is an integer, although 2147483648 is a bigint."""
    literal = bare(tree.this)
    if isinstance(literal, exp.Literal) and literal.is_int:
        return integer_type(-int(literal.name))
    return types.of(literal)


def _item(tree: exp.Expr, types: Types) -> Type | None:
    """An element of an array, or a part of one, or of a jsonb."""
    sliced = False
    while isinstance(tree, exp.Bracket):  # `a[1][2]` is one item of an array of two dimensions
        sliced = sliced or any(isinstance(index, exp.Slice) for index in tree.expressions)
        tree = tree.this
    array = types.of(tree)
    if array is None or array.element is None:
        return array if array is JSONB else None
    return array if sliced else array.element


def _scalar(tree: exp.Expr, types: Types) -> Type | None:
    """A subquery that stands for its one value."""
    query = None if types.block is None else types.block.inner.get(id(tree))
    if query is None or len(query.outputs) != 1:
        return None
    (output,) = query.outputs
    if not output.sides and len(query.branches) == 1:  # what stands there by now
        output = replace(output, expression=query.branches[0].select.expressions[0].unalias())
    return info_of(output, types.parameters).type


def _first(tree: exp.Expr, types: Types) -> Type | None:
    return types.of(tree.expressions[0]) if tree.expressions else None


def _parameter(tree: exp.Expr, types: Types) -> Type | None:
    return types.parameters.get(int(tree.name)) if tree.name.isdigit() else None


def _array(tree: exp.Expr, types: Types) -> Type | None:
    element = _common(tree.expressions, types)
    return None if element is None else array_of(element)


def _concatenation(tree: exp.Expr, types: Types) -> Type | None:
    sides = (types.of(tree.this), types.of(tree.expression))
    for kind in () if any(kind and kind.element for kind in sides) else (JSONB, BYTEA):
        if kind in sides:
            beside = tree.this if sides[1] is kind else tree.expression
            told = sides[0] is sides[1] or is_untyped(beside) or isinstance(beside, exp.Parameter)
            return kind if told else TEXT
    array = result_type("array_cat", sides)
    if array is not None and any(map(is_untyped, (tree.this, tree.expression))):
        return array
    if None in sides:
        return None
    return array or (TEXT if TEXT in sides else None)


def _zoned(tree: exp.Expr, types: Types) -> Type | None:
    """AT TIME ZONE makes a moment a local time, and a local time a moment."""
    known = types.of(tree.this)
    if known in (TIMESTAMPTZ, DATE):
        return TIMESTAMP
    return TIMESTAMPTZ if known is TIMESTAMP else None


def _json_part(tree: exp.Expr, types: Types) -> Type | None:
    """`->` and `#>` give what they take, json or jsonb."""
    known = types.of(tree.this)
    return known if known is not None and known.name in ("json", "jsonb") else None


def _literal(tree: exp.Expr, types: Types) -> Type:
    """Digits are an integer, as wide as they need."""
    if tree.is_string:
        return TEXT
    if tree.this.isdigit():
        return integer_type(int(tree.this))
    return NUMERIC if is_exacting(tree) else FLOAT8


def info_of(output: Output, parameters: Mapping[int, Type] = _NO_PARAMETERS) -> ColumnInfo:
    """Type and nullability of a query's column."""
    if output.sides:
        return _united(output.sides, parameters)
    if output.info is not None:
        return output.info
    if output.expression is None or output.block is None:
        return ColumnInfo()
    tree = bare(output.expression)
    if isinstance(tree, exp.Column):
        return info_of_column(tree, output.block)
    here = Types(output.block, parameters).of
    if isinstance(tree.this, exp.Column) and type(tree) is exp.Cast:
        held = info_of_column(tree.this, output.block)
        if (held.type, held.typmod, held.domain) == (here(tree), cast_modifier(tree), None):
            return held  # a cast that changes nothing
    nullable = not isinstance(tree, exp.Literal)
    cast, domain = domain_cast(tree) or (tree, None)
    shown = shown_digits(tree, here)
    kind = TEXT if isinstance(tree, exp.Null) else here(tree)  # no column is of an unknown type
    return ColumnInfo(kind, nullable, cast_modifier(cast), shown=shown, domain=domain)


def _united(sides: Sequence[Output], parameters: Mapping[int, Type]) -> ColumnInfo:
    """What a set operation makes of two columns."""
    told = [info_of(each, parameters) for each in sides if not _is_untyped_output(each)]
    kind = common_type([info.type for info in told]) if told else TEXT
    if len(told) < len(sides) or len({(each.type, each.typmod, each.shown) for each in told}) > 1:
        return ColumnInfo(kind)
    return ColumnInfo(kind, typmod=told[0].typmod, shown=told[0].shown)


def _is_untyped_output(output: Output) -> bool:
    return output.expression is not None and is_untyped(bare(output.expression))


def bare(tree: exp.Expr) -> exp.Expr:
    """What stands in the parentheses; a subquery is left as it is, and what has a type noted.

    >>> bare(exp.paren(exp.column("x"))).sql()
    'x'
    """
    while isinstance(tree, exp.Paren) and tree.meta_get(GIVES) is None:
        tree = tree.this
    return tree


def declare_united(output: Output, known: dict[int, Type]) -> None:
    """Note that a parameter alone in a branch of a set operation has the others' type."""
    for side in output.sides:
        declare_united(side, known)
    for side in output.sides:
        value = None if side.expression is None else bare(side.expression)
        if isinstance(value, exp.Parameter) and value.name.isdigit():
            kind = _united([each for each in output.sides if each is not side], known).type
            if kind is not None:
                known.setdefault(int(value.name), kind)


def _column(tree: exp.Expr, types: Types) -> Type | None:
    if types.block is None or not isinstance(tree, exp.Column):
        return None
    return info_of_column(tree, types.block).type


def info_of_column(tree: exp.Column, block: Block) -> ColumnInfo:
    """What is known of a column that a SELECT names."""
    try:
        source, name = resolve(block, tree)
    except GatewayError:  # the engine reports it, in its turn
        return ColumnInfo()
    return source.info(name)


def _cast_target(tree: exp.Expr, types: Types) -> Type | None:
    try:
        return postgres_type(tree.args["to"])
    except GatewayError:
        return None


def _of(kind: Type) -> Reader:
    return lambda tree, types: kind


_SHIFTS = (exp.BitwiseLeftShift, exp.BitwiseRightShift)
_KEEPING = (
    exp.Paren, exp.Window, exp.Filter, exp.Order, exp.BitwiseNot, exp.Collate,
    exp.Any, exp.All,
)  # fmt: skip
# The first row that fits tells the type.
_ROWS: tuple[tuple[Kinds, Reader], ...] = (
    (_KEEPING, _inner),
    ((exp.Neg,), _negative),
    ((exp.Literal,), _literal),
    ((exp.Subquery,), _scalar),
    ((exp.JSONBContainsAnyTopKeys, exp.JSONBContainsAllTopKeys, exp.JSONBContains), _of(BOOL)),
    ((exp.JSONBDeleteAtPath,), _of(JSONB)),
    ((exp.Boolean, exp.Predicate, exp.Connector, exp.Not), _of(BOOL)),
    ((exp.Column,), _column),
    ((exp.Cast,), _cast_target),
    ((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
    ((exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, *_SHIFTS), _bits),
    ((exp.Bracket,), _item),
    ((exp.Distinct,), _first),
    ((exp.Parameter,), _parameter),
    ((exp.Pow, exp.Extract, Marker), _of(FLOAT8)),
    ((exp.Case,), _case),
    ((exp.Anonymous,), _call),
    ((exp.WithinGroup,), lambda tree, types: ordered_set_type(tree, types.of)),
    ((exp.AtTimeZone,), _zoned),
    ((exp.DPipe,), _concatenation),
    ((exp.Array,), _array),
    ((exp.JSONExtract, exp.JSONBExtract), _json_part),
    ((exp.JSONExtractScalar, exp.JSONBExtractScalar), _of(TEXT)),
    ((exp.Interval,), _of(INTERVAL)),
    ((exp.CurrentDate,), _of(DATE)),
    ((exp.CurrentTimestamp,), _of(TIMESTAMPTZ)),
    ((exp.Localtimestamp,), _of(TIMESTAMP)),
)
_READERS = ByKind(_ROWS)
