"""Whether what a write's query gives may be assigned to its columns, by the types of PostgreSQL.

The store tells by the engine's types. Two things these do not show: a text that a function or a
subquery made, or an enum's label, is assigned to no other type (42804), where a text in quotes is
of whatever type the column has; and numbers and moments take their text form in a column of texts,
which the engine gives. Where TimeZone is not UTC, moments of another type need a cast.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.errors import DatatypeMismatch, FeatureNotSupported
from gateway.session.computation import Computation, fields_of
from gateway.sql.names.relation import Constants, zone_of
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import copied
from gateway.sql.types.inference import bare, is_untyped
from gateway.store.definitions.columntypes import spelt
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.types import BY_NAME, STRINGS, TIMESTAMPTZ

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


def with_texts(query: Computation, given: pa.Schema) -> exp.Select | None:
    """A write's query with the text forms of what is to be kept as text; None: there is none."""
    first, columns = assigned(query, given)
    cast = {
        first + place
        for place, column in enumerate(columns)
        if column.type.name in STRINGS and not _is_plain(given.types[first + place])
    }
    known = [info.type for info in query.rewritten.columns]
    padded = {
        first + place
        for place, column in enumerate(columns)
        if column.type.name != "bpchar" and first + place < len(known)
        and known[first + place] is _PADDED
    }  # fmt: skip
    if not cast and not padded:
        return None
    names = [f"c{place}" for place in range(len(given))]
    outputs: list[exp.Expr] = []
    for place, name in enumerate(names):
        column: exp.Expr = exp.column(name)
        if place in padded:  # its blanks mean nothing, and are no part of a text made of it
            column = exp.Anonymous(this="rtrim", expressions=[column, exp.Literal.string(" ")])
        outputs.append(exp.cast(column, exp.DType.TEXT) if place in cast else column)
    alias = exp.TableAlias(
        this=exp.to_identifier("given"), columns=[exp.to_identifier(name) for name in names]
    )
    assert query.write is not None
    inside = exp.Subquery(this=copied(query.write.query), alias=alias)
    return exp.Select(expressions=outputs, from_=exp.From(this=inside))


def _is_plain(arrow: pa.DataType) -> bool:
    return _is_text(arrow) or any(is_kind(arrow) for is_kind in _PLAIN)


def check_moments(
    constants: Constants,
    names: Sequence[str],
    given: Sequence[pa.DataType],
    target: TableDefinition,
) -> None:
    """Refuse what the store would read or write in UTC while the session's clocks differ.

    Raises:
        FeatureNotSupported: 0A000, naming the column.
    """
    zone = zone_of(constants)
    if zone == "UTC":
        return
    for name, kind in zip(names, given, strict=False):
        wanted = next(c.type for c in target.columns if c.name == name)
        moment = pa.types.is_timestamp(kind) and kind.tz is not None
        timed = moment or pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        timed = timed or pa.types.is_string(kind)
        if timed and moment != (wanted == TIMESTAMPTZ) and (moment or wanted == TIMESTAMPTZ):
            raise FeatureNotSupported(
                f'column "{name}" needs a cast while TimeZone is {zone}',
                hint=f"Write expression::{wanted.name}.",
            )
