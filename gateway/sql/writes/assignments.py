"""What a write gives to the columns of its table: values, DEFAULT, parameters."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlglot import exp

from gateway.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    GeneratedAlways,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.sql.inputs.number_input import refuse_overflow
from gateway.sql.names.scope import column_node, position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import DIALECT, parse_value
from gateway.sql.types.numerals import MOST_DIGITS, digits, is_point_literal
from gateway.sql.types.parameters import number
from gateway.sql.writes.items import Assigned, with_items
from gateway.sql.writes.targets import Target, TargetColumn
from gateway.types import (
    DATE,
    ENUM,
    INTERVAL,
    NUMERIC,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Type,
    dimensions,
)

# On a cast that only says what the assignment does.
AS_ASSIGNED = "as_assigned"

# Types for which a literal with a point is taken as the numeric that it is in PostgreSQL: an
# integer is rounded from it half away from zero, and from a double half to even.
EXACT = ("numeric", "int2", "int4", "int8")


def assigned_columns(
    expressions: list[exp.Expr], target: Target, table: exp.Table
) -> tuple[tuple[str, ...], list[exp.Expr], dict[int, Type]]:
    """What SET assigns: the columns, the values, the types of bare parameters among them.

    Raises:
        GeneratedAlways: 428C9, a value for a column that computes its own.
    """
    pairs = with_items([pair for each in expressions for pair in _assignments(each)], target, table)
    names = [column.this.name for column, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None and twice in target:
        raise SyntaxFault(f'multiple assignments to same column "{twice}"')
    columns = written_columns([column.this for column, _ in pairs], target, table)
    values = []
    for name, (_, value) in zip(columns, pairs, strict=True):
        column = target[name]
        if not is_default(value) and (column.generated or column.identity == "always"):
            raise GeneratedAlways(
                f'column "{name}" can only be updated to DEFAULT', detail=_why(name, column)
            )
        if not column.generated:
            values.append(default_of(column) if is_default(value) else value)
    columns = tuple(name for name in columns if not target[name].generated)
    parameters: dict[int, Type] = {}
    declare_parameters(parameters, values, columns, target)
    return columns, values, parameters


def _assignments(tree: exp.Expr) -> list[Assigned]:
    """(column, value) of `a = e`, or of each part of `(a, b) = (e, g)`."""
    if not isinstance(tree, exp.EQ):
        raise SyntaxFault("SET needs column = value", position=position_of(tree))
    place = tree.this
    columns = place.expressions if isinstance(place, exp.Tuple) else [place.unnest()]
    values = [tree.expression]
    if isinstance(place, exp.Tuple | exp.Paren):
        row = tree.expression
        is_row = isinstance(row, exp.Anonymous) and row.name.lower() == "row"
        if isinstance(row, exp.Subquery):
            values = _of_query(row, len(columns))
        elif isinstance(row, exp.Tuple) or is_row:
            values = row.expressions
        else:
            raise FeatureNotSupported(
                "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
                position=position_of(tree),
            )
    if len(columns) != len(values):
        message = "number of columns does not match number of values"
        raise SyntaxFault(message, position=position_of(tree))
    return list(zip(columns, values, strict=True))


# Each column is computed by itself, so these would give other values to each.
_VOLATILE = frozenset({"random", "nextval", "gen_random_uuid", "clock_timestamp", "setval"})


def _of_query(row: exp.Subquery, width: int) -> list[exp.Expr]:
    """`(SELECT a, b ...)` as a subquery for each of its columns.

    Raises:
        SyntaxFault: 42601, it has more or fewer. FeatureNotSupported: 0A000, it is volatile.
    """
    query = row.this
    plain = isinstance(query, exp.Select) and not any(each.is_star for each in query.expressions)
    if plain and len(query.expressions) != width:
        message = "number of columns does not match number of values"
        raise SyntaxFault(message, position=position_of(row))
    for call in query.find_all(exp.Func):
        name = call.name.lower() if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        if name in _VOLATILE or isinstance(call, exp.Rand):
            raise FeatureNotSupported(
                f"{name} in SET (columns) = (subquery) is not supported",
                hint="Join the subquery in FROM.",
                position=position_of(call),
            )
    names = [f"c{number}" for number in range(width)]
    values: list[exp.Expr] = []
    for name in names:
        alias = exp.TableAlias(
            this=exp.to_identifier("given"), columns=[exp.to_identifier(each) for each in names]
        )
        inside = exp.Subquery(this=query.copy(), alias=alias)
        one = exp.Select(expressions=[column_node("given", name)], from_=exp.From(this=inside))
        values.append(exp.Subquery(this=one))
    return values


def written_columns(named: list[exp.Expr], target: Target, table: exp.Table) -> tuple[str, ...]:
    """The names of columns that are written, each there and once: 42703, 42701."""
    names = tuple(column.name for column in named)
    for place, (name, column) in enumerate(zip(names, named, strict=True)):
        whole = column.parent
        if isinstance(whole, exp.Column) and whole.table:
            raise UndefinedColumn(
                f'column "{whole.table}" of relation "{table.name}" does not exist',
                hint="SET target columns cannot be qualified with the relation name.",
                position=position_of(whole),
            )
        if name not in target:
            raise UndefinedColumn(
                f'column "{name}" of relation "{table.name}" does not exist',
                position=position_of(column),
            )
        if name in names[:place]:
            message = f'column "{name}" specified more than once'
            raise DuplicateColumn(message, position=position_of(column))
    return names


def is_default(value: exp.Expr) -> bool:
    """True of the word DEFAULT, which PostgreSQL reserves: no column is called so unquoted."""
    if isinstance(value, exp.Column):
        return value.name == "default" and not value.this.quoted and not value.table
    return isinstance(value, exp.Var) and value.name.upper() == "DEFAULT"


def default_of(column: TargetColumn) -> exp.Expr:
    """A column's default as a tree; NULL where it has none."""
    return exp.Null() if column.default is None else parse_value(column.default)


def declare_parameters(
    parameters: dict[int, Type],
    values: list[exp.Expr],
    columns: tuple[str, ...],
    target: Target,
) -> None:
    """A bare `$n` that is assigned to a column has its type; so have some literals."""
    for place, (value, column) in enumerate(zip(values, columns, strict=False)):
        kind = target[column].type
        if isinstance(value, exp.Parameter):
            parameters.setdefault(number(value), kind)
            continue
        if kind is NUMERIC and (text := _long_number(value)):
            read = exp.Literal.string(text)  # by the store: a double has not all of its digits
            value.replace(read)
            values[place] = read
            continue
        sql_type = _typed(value, kind)
        if sql_type is not None:
            typed = exp.Cast(this=value.copy(), to=sql_type)
            typed.meta[AS_ASSIGNED] = True
            value.replace(typed)
            values[place] = typed


def _long_number(value: exp.Expr) -> str:
    """A number with a point or an exponent that is too long for a decimal; "" of anything else."""
    literal = value.this if isinstance(value, exp.Neg) else value
    if not isinstance(literal, exp.Literal) or literal.is_string or literal.is_int:
        return ""
    return "" if is_point_literal(literal) else ("-" if literal is not value else "") + literal.name


def _typed(value: exp.Expr, kind: Type) -> exp.DataType | None:
    """What a literal must be cast to before the engine sees it; None: nothing."""
    if value.is_string and (kind.element is not None or kind is INTERVAL or is_spelt(value, kind)):
        if kind.element is not None and kind.element.is_enum:
            return data_type(kind)
        return exp.DataType.build(_read_as(kind) + "[]" * (dimensions(kind) - 1), dialect=DIALECT)
    literal = value.this if isinstance(value, exp.Neg) else value
    if kind.name in EXACT and is_point_literal(literal):  # the engine would read a double
        precision, scale = digits(literal.name)
        return data_type(f"decimal({precision}, {scale})")
    return None


def _read_as(kind: Type) -> str:
    """The type that the engine reads a text as: it has no oid; the store makes one of a number."""
    return kind.sql.replace("oid", "bigint") if (kind.element or kind).name == "oid" else kind.sql


# What the store reads by itself, whole columns at once.
_PLAIN_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?")
_PLAIN_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(\s?(Z|[+-]\d\d(:?\d\d)?))?)?", re.IGNORECASE
)


def is_spelt(value: exp.Expr, kind: Type) -> bool:
    """Whether it is a moment in words, before Christ, infinite, or otherwise not plain."""
    return is_spelt_so(value.name, kind)


def is_spelt_so(text: str, kind: Type) -> bool:
    """The same of a literal's text."""
    if kind is TIME:
        return not _PLAIN_TIME.fullmatch(text)
    return kind in (DATE, TIMESTAMP, TIMESTAMPTZ) and not _PLAIN_MOMENT.fullmatch(text)


def type_mixed(values: list[exp.Expr], kind: Type) -> None:
    """Let quoted literals of a column of VALUES be of the target's type, in place.

    Alone they reach the store as texts, which reads them; beside other values the engine would
    read them as of these values' type, and a double's '-0' beside a 0 would be an integer. For a
    column of texts each value is written by itself: beside 0.25 the engine would make 1.10 of 1.1.
    """
    texts = [value for value in values if value.is_string]
    others = [value for value in values if not (value.is_string or isinstance(value, exp.Null))]
    if kind.name in _ASSIGNED_ALL:
        for value in others:
            _write(value)
            if value.parent is not None and not (
                isinstance(value, exp.Parameter) or _is_padded(value)
            ):
                value.replace(exp.cast(value.copy(), exp.DType.TEXT))
        return
    if not (texts and others):
        return
    if kind.name in _KEPT_AS_TEXT:
        for value in others:
            _write(value)
        return
    for value in texts:
        known = _read_as(kind)
        if kind is NUMERIC and _NUMBER.fullmatch(value.name.strip()):
            precision, scale = digits(value.name)
            known = f"decimal({precision}, {scale})" if precision <= MOST_DIGITS else known
        to = data_type(known)
        value.replace(exp.Cast(this=value.copy(), to=to))


def _is_padded(value: exp.Expr) -> bool:
    """Whether it is cast to char(n), whose blanks the store leaves out of a text."""
    return isinstance(value, exp.Cast) and value.to.this in (exp.DType.CHAR, exp.DType.BPCHAR)


def _write(value: exp.Expr) -> None:
    """A constant as the text that PostgreSQL makes of it; anything else is left."""
    literal = value.this if isinstance(value, exp.Neg) else value
    if isinstance(literal, exp.Boolean):
        value.replace(exp.Literal.string("true" if literal.this else "false"))
    elif isinstance(literal, exp.Literal) and not literal.is_string:
        refuse_overflow(literal.name)
        number = Decimal(literal.name)
        minus = "-" if literal is not value and number else ""  # a numeric has no -0
        value.replace(exp.Literal.string(minus + format(number, "f")))


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
# What takes a value of any type, as its text.
_ASSIGNED_ALL = frozenset({"text", "varchar", "bpchar"})
_KEPT_AS_TEXT = frozenset(
    {"text", "varchar", "bpchar", "name", "char", "json", "jsonb", "uuid", "inet", ENUM}
)


def refuse_value(name: str, column: TargetColumn, overriding: str = "") -> None:
    """Refuse a value of the user's for a column that computes its own.

    Raises:
        GeneratedAlways: 428C9.
    """
    if column.generated or (column.identity == "always" and not overriding):
        raise GeneratedAlways(
            f'cannot insert a non-DEFAULT value into column "{name}"',
            detail=_why(name, column),
            hint="" if column.generated else "Use OVERRIDING SYSTEM VALUE to override.",
        )


def _why(name: str, column: TargetColumn) -> str:
    if column.generated:
        return f'Column "{name}" is a generated column.'
    return f'Column "{name}" is an identity column defined as GENERATED ALWAYS.'
