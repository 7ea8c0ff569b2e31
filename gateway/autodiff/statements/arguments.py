"""What a marker is given: a function, and columns of numbers to differentiate it by."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.autodiff.expressions.reading import is_number
from gateway.autodiff.expressions.refusals import not_a_number
from gateway.autodiff.statements.readings import Variable, merged
from gateway.errors import InvalidColumnReference, InvalidTextRepresentation, UndefinedFunction
from gateway.sql.names.scope import Analysis, Block, position_of, resolve
from gateway.sql.text.dialect import DIALECT, Marker
from gateway.types import UNKNOWN, Type

USAGE = {
    "grad": "grad(expression, column)",
    "jvp": "jvp(expression, column, tangent [, column, tangent ...])",
    "vjp": "vjp(expression, column, cotangent)",
}


def arguments_of(marker: Marker) -> list[exp.Expr]:
    """The arguments of a marker: its function, then columns, each with its tangent if it has one.

    Raises:
        UndefinedFunction: 42883, not so many as it takes.
    """
    arguments: list[exp.Expr] = marker.expressions
    count = len(arguments)
    if count == 3 or (marker.kind == "jvp" and count > 3 and count % 2):
        if marker.kind != "grad":
            return arguments
    elif marker.kind == "grad" and count == 2:
        return arguments
    raise UndefinedFunction(
        f"{marker.kind} does not take {count} argument{'s' * (count != 1)}",
        hint=f"Write {USAGE[marker.kind]}.",
        position=position_of(marker),
    )


def refuse_other_types(function: exp.Expr, known: Type | None) -> None:
    """Only numbers have derivatives, and what does not change is no exception.

    Raises:
        NotDifferentiable: 0A000, the function gives something else.
        InvalidTextRepresentation: 22P02, a quoted literal that is no number.
    """
    literal = function.unnest()
    if isinstance(literal, exp.Literal) and literal.is_string:
        try:
            float(literal.name)
        except ValueError:
            raise InvalidTextRepresentation(
                f'invalid input syntax for type double precision: "{literal.name}"',
                position=position_of(literal),
            ) from None
    elif known is not None and known is not UNKNOWN and not is_number(known):
        raise not_a_number(function, known)


def variables_of(
    marker: Marker, tree: exp.Expr, analysis: Analysis, block: Block
) -> Sequence[Variable]:
    """The column that an argument of a marker is; one that a join merged is that of each side.

    Raises:
        As `column_of` does.
    """
    found, column = column_of(marker, tree, analysis, block), tree.unnest()
    assert isinstance(column, exp.Column)
    return merged(found, column, analysis.block_of(column) or block)


def column_of(marker: Marker, tree: exp.Expr, analysis: Analysis, block: Block) -> Variable:
    """The column that an argument of a marker is.

    Raises:
        InvalidColumnReference: 42P10, it is no column, or one of something else than numbers.
        UndefinedColumn, AmbiguousColumn: 42703, 42702.
    """
    column = tree.unnest()
    if not isinstance(column, exp.Column) or column.is_star:
        raise InvalidColumnReference(
            f"{marker.kind} needs a column where {tree.sql(dialect=DIALECT)} stands",
            hint=f"Write {USAGE[marker.kind]}; compute the variable in a subquery first.",
            position=position_of(tree) or position_of(marker),
        )
    found = Variable(*resolve(analysis.block_of(column) or block, column))
    known = found.source.info(found.name).type
    if known is not None and not is_number(known):
        raise InvalidColumnReference(
            f'{marker.kind} needs a column of numbers; "{found.name}" is of type {known.sql}',
            hint="Cast it in a subquery if it holds numbers.",
            position=position_of(column),
        )
    return found
