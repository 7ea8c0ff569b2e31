"""NaN, to PostgreSQL one value, equal to itself and above all numbers (manual, 8.1.3); and -0.

The engine tells NaN from -NaN, which processors make of `inf - inf`, and sorts the one above and
the other below all numbers. No table keeps a -NaN (`store.rows.assignment`), no array has one; what
compares, sorts or chooses takes the sign away where arithmetic beneath may have given it one.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.gathered import gather_distinct
from gateway.sql.lowered.values.origins import may_hold
from gateway.sql.names.scope import Output, position_of
from gateway.sql.text.building import beside, put, whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import nodes_of, own_nodes
from gateway.sql.types.inference import GIVES, Types, info_of
from gateway.types import FLOAT8, FLOATING, NUMBERS, Type


def may_be_nan(value: exp.Expr, known: Types) -> bool:
    """Whether a real may be NaN: not where all that it comes from is of a dataset.

    A derivative and a query are to be computed once: of them it is not asked.
    """
    kind = known.of(value)
    return kind is not None and kind.name in FLOATING and _may_hold_nan(value, known)


def _may_hold_nan(value: exp.Expr, known: Types) -> bool:
    """The same of what reals may be made of: arrays, texts, JSON."""
    kind = known.of(value)
    if kind is not None and kind.name in NUMBERS - FLOATING:
        return False
    inside = own_nodes(value)
    if any(isinstance(node, Marker | exp.Query) for node in inside):
        return False
    columns = [node for node in inside if isinstance(node, exp.Column)]
    return any(may_hold(column, known, _may_hold_nan) for column in columns) or not columns


def makes_nan(value: exp.Expr, known: Types) -> bool:
    """Whether it may be a NaN of another sign than stored ones have: -NaN, inf - inf."""
    return may_be_nan(value, known) and _Signed().may_be(value, known)


# Sums and what is made of them: of inf and -inf they are what inf - inf is.
_SUMS = frozenset({
    "sum", "avg", "mean", "var", "var_pop", "var_population", "var_samp", "var_sample", "variance",
    "stddev", "stddev_pop", "stddev_samp", "corr", "covar", "covar_pop", "covar_samp", "regr_avgx",
    "regr_avgy", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
})  # fmt: skip


class _Signed:
    """What may be -NaN; each expression of the queries beneath is looked at once."""

    def __init__(self) -> None:
        self._found: dict[int, bool] = {}

    def may_be(self, value: exp.Expr, known: Types) -> bool:
        if isinstance(value, exp.Distinct) or is_unsigned(value):  # `equal_nans` folded that one
            return False
        key = id(value)
        if key not in self._found:
            self._found[key] = False
            self._found[key] = self._gives(value, known) or any(
                self.may_be(each, known) for each in value.iter_expressions()
            )
        return self._found[key]

    def _gives(self, node: exp.Expr, known: Types) -> bool:
        if isinstance(node, exp.Column):
            return may_hold(node, known, self.may_be, stored=False)
        if isinstance(node, exp.Anonymous):
            return node.name in _SUMS
        if isinstance(node, exp.Cast):
            return bool(node.this.is_string) and node.this.name.strip().lower() == "-nan"
        if isinstance(node, exp.Neg):
            return not _is_finite(node.this, known)
        if not isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
            return False
        sides = node.this, node.expression
        if isinstance(node, exp.Mul):
            return not any(map(_is_factor, sides))
        return not (any(_is_finite(side, known) for side in sides))


def _is_factor(value: exp.Expr) -> bool:
    """Whether it is a number that is neither 0 nor infinite."""
    bare = value.unnest()
    while isinstance(bare, exp.Cast | exp.Neg):
        bare = bare.this.unnest()
    return isinstance(bare, exp.Literal) and not bare.is_string and float(bare.name) != 0


def _is_finite(value: exp.Expr, known: Types) -> bool:
    """Whether it is a number that is written, or of a type that has no NaN."""
    if _is_factor(value):
        return True
    kind = known.of(value)
    return kind is not None and kind.name in NUMBERS - FLOATING


def unsigned_nan(value: exp.Expr, kind: Type | None) -> exp.Expr:
    """The value, which is a real of this type, or NaN where it is NaN of either sign."""
    wanted = data_type(FLOAT8.sql if kind is None else kind.sql)
    nan = exp.Cast(this=exp.Literal.string("NaN"), to=wanted)
    return exp.Anonymous(this="nanvl", expressions=[value, nan])


def put_unsigned(value: exp.Expr, known: Types) -> None:
    """Put NaN of one sign in the place of a value; the item of a SELECT keeps its name."""
    bare = value.unalias()
    put(value, unsigned_nan(bare.copy(), known.of(bare)))


def fold_sign(value: exp.Expr, known: Types) -> None:
    """Take the sign of a NaN away, in place, where it may have one; the item of a SELECT too."""
    bare = value.unalias()
    if makes_nan(bare, known):
        put_unsigned(value, known)


_OF_FORMS = ("interval", "jsonb")


def fold_given(tree: exp.Expr | None, known: Types) -> None:
    """The same of what a query gives that stands in an expression, `ANY (SELECT ...)` too."""
    while isinstance(tree, exp.Paren | exp.Any | exp.All):
        tree = tree.this
    query = known.block.inner.get(id(tree)) if known.block is not None else None
    outputs = list(query.outputs) if query is not None else []
    for output in outputs:
        outputs += output.sides
        if output.expression is not None and output.block is not None:
            fold_sign(output.expression, Types(output.block))


def fold_merged(join: exp.Join, known: Types) -> None:
    """The same of the columns by whose names relations are joined, where queries give them.

    Raises:
        FeatureNotSupported: 0A000, columns whose equal values may differ in form.
    """
    names = {each.name for each in join.args.get("using") or ()}
    sources = known.block.sources if known.block is not None and names else ()
    for source in sources:
        for name in names:
            info = (source.columns or {}).get(name)
            if info is not None and info.type is not None and info.type.name in _OF_FORMS:
                raise FeatureNotSupported(
                    f"a join by columns of type {info.type.sql} with USING is not supported",
                    hint=f'Write ON a."{name}" = b."{name}".',
                    position=position_of(join),
                )
        for output in source.query.outputs if source.query is not None else ():
            if output.name in names and output.expression is not None and output.block is not None:
                fold_sign(output.expression, Types(output.block))


def fold_items(node: exp.Array | exp.Anonymous, known: Types) -> None:
    """Let an array that is made of reals have no -NaN among them, in place."""
    kind = known.of(node)
    if kind is not None and kind.element is not None and kind.element.name in FLOATING:
        for item in list(node.expressions):
            fold_sign(item.this if isinstance(item, exp.Order) else item, known)


def settle_aggregate(call: exp.Anonymous, known: Types) -> None:
    """Let aggregates be PostgreSQL's of NaN, infinities, one value, distinct ones; in place."""
    fold_items(call, known)
    if gather_distinct(call, known):
        return
    settle_edges(call, known)


def settle_edges(call: exp.Anonymous, known: Types) -> None:
    """The same of infinities, NaN and one value; while there are markers, of none."""
    spread_of_one(call, known)
    fit_of_level(call)
    settle_extreme(call, known)


# Of one value alone the engine has 0, whatever that is.
_OF_ALL = frozenset({"var_pop", "var_population", "stddev_pop"})


def spread_of_one(call: exp.Anonymous, known: Types) -> None:
    """Let the variance of all be NaN where one value alone is NaN or infinite, in place.

    No derivative is written so: that of a maximum would stand in it.
    """
    if call.name not in _OF_ALL or len(call.expressions) != 1:
        return
    argument = call.expressions[0]
    value = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    whole = whole_call(call)
    if not may_be_nan(value, known) or nodes_of(call.root(), Marker):
        return
    greatest = beside(whole, "max")
    nothing = exp.Mul(this=exp.Literal.number("0.0"), expression=greatest)
    whole.replace(exp.paren(exp.Add(this=whole.copy(), expression=nothing), copy=False))


def fit_of_level(call: exp.Anonymous) -> None:
    """Let regr_r2 be 1 where what is explained has one value, in place; the engine gives NULL."""
    if call.name != "regr_r2" or len(call.expressions) != 2 or nodes_of(call.root(), Marker):
        return
    whole = whole_call(call)
    zero = exp.Literal.number(0)
    level = exp.EQ(this=beside(whole, "regr_syy"), expression=zero)
    varied = exp.GT(this=beside(whole, "regr_sxx"), expression=zero.copy())
    one = exp.If(this=exp.And(this=level, expression=varied), true=exp.Literal.number("1.0"))
    whole.replace(exp.paren(exp.Case(ifs=[one], default=whole.copy()), copy=False))


# What all values but NaN are within, by the aggregate that then gives it.
_ENDS = {"max": "-Infinity", "min": "Infinity"}
# On the CASE that `settle_extreme` writes; its ELSE is the aggregate.
EXTREME = "extreme"


def settle_extreme(call: exp.Anonymous, known: Types) -> None:
    """Write out what the maximum and minimum of a group's reals are, in place.

    DataFusion 55 begins each group with a finite number, and leaves it there if all values are
    infinite; and whether it takes NaN for the greatest hangs on which row comes first. Without
    groups it does neither. No derivative is written so.
    """
    if call.name not in _ENDS or len(call.expressions) != 1:
        return
    argument = call.expressions[0]
    value = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    kind, whole, block = known.of(value), whole_call(call), known.block
    if kind is None or kind.name not in FLOATING:
        return
    if isinstance(whole, exp.Window):
        fold_sign(value, known)
        return
    if block is None:
        return
    grouped = block.select.args.get("group") is not None or block.select.parent is not None
    if not (grouped or makes_nan(value, known)) or nodes_of(call.root(), Marker):
        return

    def real(text: str) -> exp.Expr:
        return exp.Cast(this=exp.Literal.string(text), to=data_type(kind))

    def whether(name: str, *conditions: exp.Expr) -> exp.Expr:
        return beside(whole, name, exp.paren(exp.or_(*conditions, copy=False), copy=False))

    is_end = exp.EQ(this=exp.paren(value.copy()), expression=real(_ENDS[call.name]))
    no_number = exp.Anonymous(this="isnan", expressions=[value.copy()])
    nan = may_be_nan(value, known)
    ends = [is_end, no_number] if nan and call.name == "min" else [is_end]
    ifs = [exp.If(this=whether("bool_and", *ends), true=real(_ENDS[call.name]))]
    plain = whole.copy()
    if nan:
        any_or_all = "bool_or" if call.name == "max" else "bool_and"
        ifs.insert(0, exp.If(this=whether(any_or_all, no_number.copy()), true=real("NaN")))
        if call.name == "min":
            missing = exp.If(this=no_number.copy(), true=exp.Null())
            plain = beside(whole, "min", exp.Case(ifs=[missing], default=value.copy()))
    made = exp.Case(ifs=ifs, default=plain)
    made.meta[EXTREME], made.meta[GIVES] = True, kind
    whole.replace(made)


def may_be_minus_zero(value: exp.Expr, known: Types) -> bool:
    """Not a coordinate, which has no value twice: alone of reals it is never NULL nor NaN."""
    info = info_of(Output("", value, known.block))
    return (info.nullable or info.nan) and not isinstance(value, exp.Literal)


def without_sign(value: exp.Expr, kind: Type) -> exp.Expr:
    """The value, which is a real of this type, or 0 where it is -0."""
    zero = exp.Cast(this=exp.Literal.number(0), to=data_type(kind))
    return exp.Add(this=exp.paren(value, copy=False), expression=zero)


def without_signs(written: exp.Expr, value: exp.Expr, kind: Type, known: Types) -> exp.Expr:
    """A real as it is `written`, 0 where it is -0 and NaN where it is -NaN, if `value` may be."""
    nan = may_be_nan(value, known)
    made = without_sign(written, kind) if may_be_minus_zero(value, known) else written
    return unsigned_nan(made, kind) if nan else made


def as_written(value: exp.Expr) -> exp.Expr:
    """The value before a sign of NaN or 0 was taken away from it."""
    if is_unsigned(value):
        value = value.expressions[0]
    if isinstance(value, exp.Add) and isinstance(value.expression, exp.Cast):
        zero = value.expression.this
        if isinstance(zero, exp.Literal) and zero.name == "0":
            value = value.this
    return value.unnest() if isinstance(value, exp.Paren) else value


def is_unsigned(value: exp.Expr) -> bool:
    """Whether it is what `unsigned_nan` makes."""
    call = isinstance(value, exp.Anonymous) and value.name == "nanvl"
    return call and len(value.expressions) == 2 and _is_nan(value.expressions[1])


def _is_nan(value: exp.Expr) -> bool:
    bare = value.unnest()
    while isinstance(bare, exp.Cast | exp.Neg):
        bare = bare.this.unnest()
    return bare.is_string and bare.name.strip().lower() == "nan"
