"""Whether what a write's query gives may be assigned to its columns, by the types of PostgreSQL.

The store tells by the engine's types. Two things these do not show: a text that a function or a
subquery made, or an enum's label, is assigned to no other type (42804), where a text in quotes is
of whatever type the column has; and numbers and moments take their text form in a column of texts,
which the engine gives. Where TimeZone is not UTC, it also makes moments of local times, and these
of moments: the store would take both to be in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import Plan
from gateway.errors import DatatypeMismatch, FeatureNotSupported
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Computation, fields_of
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.relations.value_rows import as_select
from gateway.sql.names.relation import ColumnInfo, Constants, Lookup, notation_of, zone_of
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import subquery, table_alias
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied
from gateway.sql.types.inference import bare, is_untyped
from gateway.sql.types.parameters import number
from gateway.store.definitions.columntypes import spelt
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.types import (
    BY_NAME,
    DATETIMES,
    INET,
    STRINGS,
    TEXT,
    TIMESTAMPTZ,
    Type,
    array_of,
    is_by_settings,
)

_PADDED = BY_NAME["bpchar"]
# What the store writes as text by itself.
_PLAIN = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_date32, pa.types.is_null)


def assigned(query: Computation, given: pa.Schema) -> tuple[int, list[Column]]:
    """Where in what a write's query gives its values begin, and the columns that they are for."""
    assert query.write is not None and query.target is not None
    names = query.write.columns
    if query.write.command == "UPDATE":
        return 1, [query.target.column(name) for name in names]
    names = names[: len(given)] if query.write.command == "INSERT" else ()
    return 0, [query.target.column(name) for name in names]


def refuse_texts(query: Computation, given: pa.Schema) -> None:
    """Refuse texts for columns of other types, unless they stand there in quotes, and labels.

    Args:
        query: The write, whose query is planned.
        given: What it gives.

    Raises:
        DatatypeMismatch: 42804.
    """
    first, columns = assigned(query, given)
    doubtful = [
        place
        for place, column in enumerate(columns)
        if column.type.name not in STRINGS
        and column.type.element is None
        and _is_text(given.types[first + place])
    ]
    if not doubtful:
        return
    fields = fields_of(query.rewritten, given)
    for place in doubtful:
        found, column = fields[first + place], columns[place]
        stranger = found.type.is_enum and found.type.oid != column.type.oid
        unquoted = found.type.name in STRINGS and not _is_quoted(query, first + place)
        if stranger or unquoted:
            raise DatatypeMismatch(
                f'column "{column.name}" is of type {spelt(column.type, column.typmod)}'
                f" but expression is of type {found.type.sql}",
                hint="You will need to rewrite or cast the expression.",
                position=_position(query, first + place),
            )


def _position(query: Computation, place: int) -> int:
    """Where the expression for a column stands; 0 in a list of VALUES, which has many."""
    outputs = query.rewritten.outputs
    found = outputs[place].expression if place < len(outputs) else None
    return 0 if found is None else position_of(found)


def _is_text(arrow: pa.DataType) -> bool:
    return any(
        is_kind(arrow)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_quoted(query: Computation, place: int) -> bool:
    """Whether every value of a column of the write's query is a literal, NULL or a parameter."""
    assert query.write is not None
    tree = query.write.query
    if isinstance(tree, exp.Values):
        return all(_is_unknown(row.expressions[place]) for row in tree.expressions)
    distinct = tree.args.get("distinct")
    if not isinstance(tree, exp.Select) or (distinct is not None and not distinct.args.get("on")):
        return False
    outputs = query.rewritten.outputs
    found = outputs[place].expression if place < len(outputs) else None
    return found is not None and _is_unknown(bare(found))


def _is_unknown(value: exp.Expr) -> bool:
    return is_untyped(value) or isinstance(value, exp.Parameter)


class Plans(Protocol):
    """What of an executor plans a query."""

    @property
    def constants(self) -> Constants: ...

    def rewrite(self, tree: exp.Expr, lookup: Lookup | None = None) -> Rewritten: ...

    def plan_with(
        self, rewritten: Rewritten, tables: Mapping[TableName, Table], bound: Bound
    ) -> Plan: ...


@dataclass(frozen=True, slots=True)
class Assigned:
    """A query that gives the values of a table's columns, maybe after the rows' identifiers.

    Args:
        query: It.
        rewritten: What the engine gets of it.
        columns: The columns that the last of its outputs are for.
        lookup: What names mean in it; None: what they mean to the session.
    """

    query: exp.Expr
    rewritten: Rewritten
    columns: Sequence[Column]
    lookup: Lookup | None = None


def plan_assigned(
    executor: Plans,
    asked: Assigned,
    tables: Mapping[TableName, Table],
    bound: Bound,
    look: Callable[[pa.Schema], None] = lambda given: None,
) -> Plan:
    """The plan of a query whose values are cast to what the store keeps.

    `look` is shown what it gives without.
    """
    query, rewritten = asked.query, asked.rewritten
    typed = _with_parameters(query, asked.columns, bound.by_number)
    if typed is not None:
        query, rewritten = typed, executor.rewrite(as_select(typed), asked.lookup)
    plan = executor.plan_with(rewritten, tables, bound)
    look(plan.schema)
    casts = _with_casts(query, rewritten.columns, plan.schema, asked.columns, executor.constants)
    if casts is None:
        return plan
    return executor.plan_with(executor.rewrite(casts, asked.lookup), tables, bound)


def _with_parameters(
    query: exp.Expr, columns: Sequence[Column], declared: Mapping[int, Type]
) -> exp.Expr | None:
    """A query whose parameters that stand for a column are cast to its type from another's.

    Of moments and texts, that is: what these become hangs on a session's settings. None: there is
    none.
    """
    apart: dict[int, tuple[Type, Type]] = {}
    for place, (value, column) in enumerate(_cells(query, columns)):
        kind = declared.get(number(value)) if isinstance(value, exp.Parameter) else None
        if kind is not None and kind not in (TEXT, column.type) and is_by_settings(column.type):
            apart[place] = kind, column.type
    if not apart:
        return None
    made = copied(query)
    for place, (value, _) in enumerate(_cells(made, columns)):
        if place in apart:
            kind, target = apart[place]
            typed = exp.Cast(this=value.copy(), to=data_type(kind))
            value.replace(exp.Cast(this=typed, to=data_type(target)))
    return made


def _cells(query: exp.Expr, columns: Sequence[Column]) -> list[tuple[exp.Expr, Column]]:
    """Each value that a query writes out for a column; none behind a star."""
    rows = query.expressions if isinstance(query, exp.Values) else [query]
    return [
        (bare(cell.unalias()), column)
        for row in rows
        if row.find(exp.Star) is None
        for cell, column in zip(row.expressions[-len(columns) :], columns, strict=False)
    ]


def _with_casts(
    query: exp.Expr,
    known: Sequence[ColumnInfo],
    given: pa.Schema,
    columns: Sequence[Column],
    constants: Constants,
) -> exp.Select | None:
    """A query with casts to what the store keeps of its rows; None: it needs none.

    These are the text forms of what is kept as text, and moments by the session's clocks.
    """
    casts: dict[int, Type] = {}
    padded: set[int] = set()
    columns = columns[: len(given)]
    for place, column in enumerate(columns, len(given) - len(columns)):
        info = known[place] if place < len(known) else ColumnInfo()
        kept = _kept_as(given.types[place], info.type, column.type, constants)
        if kept is not None:
            casts[place] = kept
        elif column.type.name != "bpchar" and info.type is _PADDED:
            padded.add(place)
    if not casts and not padded:
        return None
    names = [f"c{place}" for place in range(len(given))]
    outputs: list[exp.Expr] = []
    for place, name in enumerate(names):
        output: exp.Expr = exp.column(name)
        if place in padded:  # its blanks mean nothing, and are no part of a text made of it
            output = exp.Anonymous(this="rtrim", expressions=[output, exp.Literal.string(" ")])
        elif place in casts:
            output = exp.Cast(this=output, to=data_type(casts[place]))
        outputs.append(output)
    rows = copied(query)
    if isinstance(rows, exp.Values):
        rows.set("alias", table_alias("given", names))
    else:
        rows = subquery(rows, "given", names)
    return exp.Select(expressions=outputs, from_=exp.From(this=rows))


def _kept_as(
    given: pa.DataType, known: Type | None, target: Type, constants: Constants
) -> Type | None:
    """What a value is cast to for a column; None: it needs no cast."""
    in_iso = notation_of(constants).is_plain
    plain = _is_plain(given) and (in_iso or not pa.types.is_date(given)) and known is not INET
    if target.name in STRINGS and not plain:
        return TEXT
    addresses = known is not None and known.element is INET and target is array_of(TEXT)
    moved = target in DATETIMES and _is_apart(given, target, constants)
    return target if addresses or moved else None


def _is_plain(arrow: pa.DataType) -> bool:
    return _is_text(arrow) or any(is_kind(arrow) for is_kind in _PLAIN)


def are_moments_apart(
    constants: Constants,
    names: Sequence[str],
    given: Sequence[pa.DataType],
    target: TableDefinition,
) -> bool:
    """Whether the store would take one of these to be in UTC, where the session's clocks differ."""
    return any(
        _is_apart(kind, target.column(name).type, constants)
        for name, kind in zip(names, given, strict=False)
    )


def check_moments(
    constants: Constants,
    names: Sequence[str],
    given: Sequence[pa.DataType],
    target: TableDefinition,
) -> None:
    """Refuse what the store would read or write in UTC while the session's clocks differ.

    Raises:
        FeatureNotSupported: 0A000.
    """
    if are_moments_apart(constants, names, given, target):
        raise FeatureNotSupported(
            f"moments that are written need a cast while TimeZone is {zone_of(constants)}",
            hint="Write expression::timestamptz, or ::timestamp.",
        )


def _is_apart(kind: pa.DataType, wanted: Type, constants: Constants) -> bool:
    moment = pa.types.is_timestamp(kind) and kind.tz is not None
    timed = pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_string(kind)
    apart = moment != (wanted == TIMESTAMPTZ) and (moment or wanted == TIMESTAMPTZ)
    return timed and apart and zone_of(constants) != "UTC"
