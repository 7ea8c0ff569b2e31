"""PostgreSQL's functions whose meaning depends on the types of their arguments.

A row of `OVERLOADS` is a call as PostgreSQL lists it (manual, chapter 9), its arguments named a, b,
c ..., and what the engine is to compute. A quoted literal fits any type and is cast to it, as
PostgreSQL does. A call of such a name that fits no row does not exist; one whose types cannot be
told is refused, for the engine would take it for something else.

Equal values whose forms differ are in one group by then: what is grouped is as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, cast

from sqlglot import exp

from gateway.errors import FeatureNotSupported, UndefinedFunction
from gateway.sql.inputs.notation import Notation
from gateway.sql.lowered.groups.collected import refuse_distinct
from gateway.sql.lowered.groups.wide_orders import order_widely
from gateway.sql.lowered.spelling import SPELT, spell_out
from gateway.sql.lowered.values.addresses import address_text
from gateway.sql.lowered.values.moment_arithmetic import (
    at_time_zone,
    moved,
    scaled_interval,
)
from gateway.sql.lowered.values.not_numbers import fold_items, fold_merged, settle_aggregate
from gateway.sql.lowered.values.padded import (
    pad_column,
    unpad_arguments,
    unpad_cast,
    unpad_sides,
)
from gateway.sql.lowered.values.parts import write_parts
from gateway.sql.lowered.values.wide_comparisons import (
    COMPARED,
    OF_ARRAYS,
    choose_widely,
    compare,
    share_elements,
)
from gateway.sql.lowered.values.written import TEXTS, join_all, write, write_arguments, write_beside
from gateway.sql.names.scope import Analysis, Block, position_of
from gateway.sql.text.building import beside, cast_copy, whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import DIALECT
from gateway.sql.text.trees import ByKind, own_nodes
from gateway.sql.types.arguments import NO_FUNCTION, no_function, not_unique
from gateway.sql.types.inference import GIVES, Types
from gateway.sql.types.overload_table import KINDS, Row, is_unknown, rows
from gateway.sql.types.results import ENUM_CALLS, fixed_type
from gateway.types import BYTEA, FLOAT4, INET, INT2, INTERVAL, Type, array_of

_MOMENTS = ("timestamp", "timestamptz", "date")

# make_interval's parameters, in order; all may be left out.
_PARTS = ("years", "months", "weeks", "days", "hours", "mins", "secs")


def resolve_overloads(block: Block, notation: Notation) -> None:
    """Write the engine's functions where this SELECT calls PostgreSQL's, in place.

    Args:
        block: A SELECT whose columns are known.
        notation: How the session writes moments.

    Raises:
        UndefinedFunction: 42883, no function of that name takes such arguments.
        FeatureNotSupported: 0A000, the arguments' types cannot be told.
    """
    known = Types(block)
    for node in list(_inside(block)):
        for choose in _CHOICES.of(type(node)):
            choose(node, known, notation)


def _inside(block: Block) -> Iterator[exp.Expr]:
    """What stands in this SELECT and in no other, the innermost first.

    The items of its ORDER BY come last: they may copy what outputs have become.
    """
    order = block.select.args.get("order")
    items = order.expressions if order is not None else []
    last = set(map(id, items))
    yield from (node for node in reversed(own_nodes(block.select)) if id(node) not in last)
    yield from items


def _reads_query(block: Block | None) -> bool:
    """Whether a relation of it, or of a block around it, is a query of the statement."""
    if block is None:
        return False
    here = any(source.query is not None or source.recursive for source in block.sources)
    return here or _reads_query(block.parent)


def _called(node: exp.Anonymous, known: Types, notation: Notation) -> None:
    _call(node, known, notation)
    if node.name == "concat":
        join_all(node, known, _reads_query(known.block))


def _joined(node: exp.DPipe, known: Types, notation: Notation) -> None:
    unpad_sides(node, known)
    for side in (node.this, node.expression):
        if known.of(side) is INET:
            side.replace(address_text(side))
    write_beside(node, known, notation, _reads_query(known.block))


def _written_out(node: exp.Cast, known: Types, notation: Notation) -> None:
    if node.args["to"].this in TEXTS:
        unpad_cast(node, known)
        write(node.this, known, notation)


def _call(node: exp.Anonymous, known: Types, notation: Notation) -> None:
    name, arguments = node.name, node.expressions
    unpad_arguments(node, known)
    choose_widely(node, known)
    settle_aggregate(node, known)
    if name in ENUM_CALLS:
        node.replace(_labels_told(node, known))
        return
    if name == "make_interval":
        node.replace(_made_interval(node))
        return
    if name in ("avg", "sum") and len(arguments) == 1:
        _total(node, known.of(arguments[0]))
        return
    write_arguments(node, known, notation)
    if name in ("substr", "substring"):
        _widen_places(arguments[1:], known)
    if name in ("num_nulls", "num_nonnulls"):
        node.replace(_counted(arguments, name == "num_nulls"))
        return
    named = [row for row in rows().get(name, ()) if len(row.kinds) == len(arguments)]
    if name not in rows() or node.args.get("resolved"):
        return
    _cast_open_arrays(named, arguments)
    arguments = node.expressions
    types = [known.of(argument) for argument in arguments]
    fitting = [row for row in named if row.fits(arguments, types)]
    if not fitting:
        _refuse(node, types)
    fitting = [row for row in fitting if "any" not in row.kinds] or fitting
    fitting = _of_texts(arguments, fitting)
    for place, argument in enumerate(arguments):
        if is_unknown(argument) and len({_category(row.kinds[place]) for row in fitting}) > 1:
            raise not_unique(node, arguments, known)
    _note_types(arguments, types)
    gives = fixed_type(name) or _array_of(known.of(node))
    node.replace(_written(_closest(fitting, types), arguments, notation.zone, gives))


def _cast_open_arrays(named: Sequence[Row], arguments: Sequence[exp.Expr]) -> None:
    """An array of nothing but parameters and quoted literals is one of texts, in place."""
    for place, argument in enumerate(arguments):
        if (
            isinstance(argument, exp.Array)
            and all(map(is_unknown, argument.expressions))
            and any(row.kinds[place] == "texts" for row in named)
        ):
            argument.replace(cast_copy(argument, "text[]"))


def _array_of(kind: Type | None) -> Type | None:
    """An array's type, which is not told by what is written for the call."""
    return kind if kind is not None and kind.element is not None else None


def _of_texts(arguments: Sequence[exp.Expr], fitting: list[Row]) -> list[Row]:
    """Those that take a text where a quoted literal may be one or a number (manual, 10.3, 4e)."""
    for place, argument in enumerate(arguments):
        kinds = {row.kinds[place] for row in fitting}
        if is_unknown(argument) and "text" in kinds and kinds & {"integer", "number"}:
            fitting = [row for row in fitting if row.kinds[place] == "text"]
    return fitting


def _note_types(arguments: Sequence[exp.Expr], types: Sequence[Type | None]) -> None:
    """Let a copy of a subquery, which is no query of the block, keep its type."""
    for argument, kind in zip(arguments, types, strict=True):
        if isinstance(argument, exp.Subquery) and kind is not None:
            argument.meta[GIVES] = kind


def _category(kind: str) -> str:
    """PostgreSQL's category of a kind (manual, 10.3): it never guesses between two of them."""
    if kind in ("timestamp", "timestamptz", "date"):
        return "date/time"
    return "number" if kind in ("integer", "whole", "numeric", "double", "number") else "any"


def _closest(fitting: Sequence[Row], types: Sequence[Type | None]) -> Row:
    """The row whose unknown arguments are of a type that another argument has; else the first."""
    known = {each.name for each in types if each is not None and each.name != "text"}
    return next((row for row in fitting if known & set(row.kinds)), fitting[0])


def _shown(types: Sequence[Type | None]) -> list[str]:
    return [known.sql if known is not None else "unknown" for known in types]


def _refuse(node: exp.Anonymous, types: Sequence[Type | None]) -> NoReturn:
    if node.name == "jsonb_path_true":
        raise FeatureNotSupported(
            "text search is not supported",
            hint="LIKE, ~ and regexp_match find words.",
            position=position_of(node),
        )
    if None in types:
        raise _untold(node, node.expressions[types.index(None)])
    known = [None if is_unknown(e) else k for e, k in zip(node.expressions, types, strict=True)]
    raise UndefinedFunction(
        f"function {node.name}({', '.join(_shown(known))}) does not exist",
        hint=NO_FUNCTION,
        position=position_of(node),
    )


def _written(
    row: Row, arguments: Sequence[exp.Expr], zone: str, gives: Type | None = None
) -> exp.Expr:
    given = {
        chr(ord("a") + number): _cast_unknown(kind, argument)
        for number, (kind, argument) in enumerate(zip(row.kinds, arguments, strict=True))
    }
    given["session_zone"] = exp.Literal.string(zone)
    tree = row.becomes.copy()
    for call in tree.find_all(exp.Anonymous):  # of the row's own: the arguments are done
        call.set("resolved", True)
        if call.name == "generate_series" and row.kinds[0] in _MOMENTS:
            call.set("moments", "timestamp" if row.kinds[0] == "timestamp" else "timestamptz")
    for column in list(tree.find_all(exp.Column)):
        column.replace(given[column.name].copy())
    if gives is not None:
        tree.meta[GIVES] = gives
    return tree


def _cast_unknown(kind: str, argument: exp.Expr) -> exp.Expr:
    literal = KINDS[kind][1]
    if not is_unknown(argument) or not literal or (kind == "text" and argument.is_string):
        return argument
    return cast_copy(argument, literal)


def _untold(node: exp.Anonymous, argument: exp.Expr) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"cannot tell the type of {argument.sql(dialect=DIALECT)}, which {node.name} depends on",
        hint="Cast it to the type it has.",
        position=position_of(node),
    )


def _widen_places(places: Sequence[exp.Expr], known: Types) -> None:
    """The engine has none of smallint."""
    for place in places:
        if known.of(place) is INT2:
            place.replace(cast_copy(place, "int"))


def _labels_told(node: exp.Anonymous, known: Types) -> exp.Expr:
    """enum_first, enum_last and enum_range of a type: the labels that they give.

    Raises:
        UndefinedFunction: 42883, of no enum. FeatureNotSupported: 0A000, a range between values.
    """
    kind = known.of(node.expressions[0]) if node.expressions else None
    if kind is None or not kind.is_enum:
        raise no_function(node, node.expressions, known)
    if len(node.expressions) > 1:
        raise FeatureNotSupported("enum_range between two values is not supported")
    labels = [exp.Literal.string(label) for label in kind.labels]
    if node.name == "enum_range":
        made: exp.Expr = exp.Cast(this=exp.Array(expressions=labels), to=data_type("text[]"))
        made.meta[GIVES] = array_of(kind)
    else:
        made = exp.Cast(this=labels[-(node.name == "enum_last")], to=data_type("text"))
        made.meta[GIVES] = kind
    return made


def _made_interval(node: exp.Anonymous) -> exp.Expr:
    given = dict(zip(_PARTS, node.expressions, strict=False))
    for argument in node.expressions:
        if isinstance(argument, exp.Kwarg):
            given = {name: value for name, value in given.items() if value is not argument}
            given[argument.this.name.lower()] = argument.expression
    unknown = given.keys() - set(_PARTS)
    if unknown or len(node.expressions) > len(_PARTS):
        raise UndefinedFunction(
            "function make_interval does not exist for these arguments",
            hint=f"It takes {', '.join(_PARTS)}.",
            position=position_of(node),
        )
    parts = [given.get(name, exp.Literal.number(0)) for name in _PARTS]
    typed = [_whole(part) for part in parts[:-1]]
    return exp.Anonymous(
        this="make_interval_parts", expressions=[*typed, cast_copy(parts[-1], "float8")]
    )


def _whole(part: exp.Expr) -> exp.Expr:
    """An integer as a bigint; a parameter is one."""
    return cast_copy(cast_copy(part, "int4") if isinstance(part, exp.Parameter) else part, "int8")


def _counted(arguments: Sequence[exp.Expr], nulls: bool) -> exp.Expr:
    """How many arguments are NULL, or are not."""
    total: exp.Expr = exp.Literal.number(0)
    for argument in arguments:
        is_null = exp.Is(this=exp.paren(argument.copy()), expression=exp.Null())
        one, none = exp.Literal.number(1), exp.Literal.number(0)
        branch = exp.If(this=is_null, true=one if nulls else none)
        counted = exp.Case(ifs=[branch], default=none if nulls else one)
        total = exp.Add(this=total, expression=counted)
    return exp.paren(total)


def _total(call: exp.Anonymous, kind: Type | None) -> None:
    """A sum of reals is a real, which the engine adds up as doubles; in place."""
    whole = whole_call(call)
    if call.name == "avg" and kind is INTERVAL:
        _average(whole)
    elif call.name == "sum" and kind is FLOAT4:
        whole.replace(cast_copy(whole, FLOAT4))


def _average(whole: exp.Expr) -> None:
    """The sum of intervals over how many there are, in place; the engine has it of numbers."""
    count = cast_copy(beside(whole, "count"), "float8")
    made = exp.Anonymous(this="interval_over", expressions=[beside(whole, "sum"), count])
    made.meta[GIVES] = INTERVAL
    whole.replace(made)


def _items(array: exp.Array, known: Types, _: Notation) -> None:
    """A NULL beside bytes is of their type: the engine makes no list of them otherwise."""
    fold_items(array, known)
    kind = known.of(array)
    if kind is not None and kind.element is BYTEA:
        for item in array.expressions:
            if isinstance(item, exp.Null):
                item.replace(cast_copy(item, "bytea"))


Chooser = Callable[[Any, Types, Notation], None]  # of a node of its kind
_CHOICES: ByKind[Chooser] = ByKind(
    (
        ((exp.Column,), lambda node, known, _: pad_column(node, known)),
        ((exp.Anonymous,), _called),
        ((exp.Mul, exp.Div), lambda node, known, _: scaled_interval(node, known)),
        ((exp.Add, exp.Sub), lambda node, known, notation: moved(node, known, notation.zone)),
        ((exp.AtTimeZone,), lambda node, known, _: at_time_zone(node, known)),
        ((exp.DPipe,), _joined),
        ((exp.Array,), _items),
        ((exp.Cast,), _written_out),
        ((exp.Ordered,), lambda node, known, _: order_widely(node, known)),
        (COMPARED, lambda node, known, _: compare(node, known)),
        ((exp.Join,), lambda node, known, _: fold_merged(node, known)),
        (OF_ARRAYS, lambda node, known, _: share_elements(node, known)),
    )
)


def choose(tree: exp.Expr, analysis: Analysis, notation: Notation) -> None:
    """Write a query in the engine's functions, in place.

    Args:
        notation: How the session writes moments.

    Raises:
        UndefinedFunction: 42883, no function of a name takes such arguments.
        FeatureNotSupported: 0A000, the arguments' types cannot be told.
    """
    # VALUES by itself, as INSERT has it, is in no SELECT, and stands for one without relations.
    lone = [Block(cast(exp.Select, tree), None)] if isinstance(tree, exp.Values) else []
    for block in (*analysis.blocks, *lone):
        kinds = set(map(type, own_nodes(block.select)))
        if exp.Distinct in kinds:
            refuse_distinct(block)
        if not kinds.isdisjoint((exp.Extract, exp.Anonymous)):
            write_parts(block, notation)
        if exp.Extract in kinds or any(map(SPELT.of, kinds)):
            spell_out(block)
        resolve_overloads(block, notation)
