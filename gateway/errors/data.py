"""What is wrong with data: values, and rows that constraints refuse (classes 21 to 23)."""

from __future__ import annotations

from gateway.errors.base import GatewayError


# Class 21 - cardinality violation
class CardinalityViolation(GatewayError, code="21000"):
    """A subquery used as a value gave more than one row."""


# Class 22 - data exception
class SubstringFault(GatewayError, code="22011"):
    """A part of a text of a negative length."""


class InvalidFrameOffset(GatewayError, code="22013"):
    """A window that begins or ends a negative number of rows away."""


class InvalidNtileArgument(GatewayError, code="22014"):
    """ntile of no groups."""


class IntervalFieldOverflow(GatewayError, code="22015"):
    """An interval longer than any."""


class InvalidNthValueArgument(GatewayError, code="22016"):
    """nth_value of no row."""


class InvalidWidthBucketArgument(GatewayError, code="2201G"):
    """Buckets that are none."""


class InvalidRowCountInLimit(GatewayError, code="2201W"):
    """LIMIT of a negative number of rows."""


class InvalidRowCountInOffset(GatewayError, code="2201X"):
    """OFFSET of a negative number of rows."""


class SequenceLimitExceeded(GatewayError, code="2200H"):
    """A sequence has given its last value."""


class StringTooLong(GatewayError, code="22001"):
    """Text longer than its column's type allows."""


class NumericValueOutOfRange(GatewayError, code="22003"):
    """A number that its type cannot hold."""


class InvalidDatetimeFormat(GatewayError, code="22007"):
    """Text that is not a date or a time."""


class DatetimeFieldOverflow(GatewayError, code="22008"):
    """A date or a time that no calendar has."""


class InvalidTimeZoneDisplacement(GatewayError, code="22009"):
    """An offset from UTC that no zone has."""


class NullValueNotAllowed(GatewayError, code="22004"):
    """NULL where a function takes none."""


class DivisionByZero(GatewayError, code="22012"):
    """An integer was divided by zero."""


class InvalidRegularExpression(GatewayError, code="2201B"):
    """A pattern that is not a regular expression."""


class InvalidLogarithmArgument(GatewayError, code="2201E"):
    """A logarithm of zero or of a negative number."""


class InvalidPowerArgument(GatewayError, code="2201F"):
    """A root or a power that no real number is."""


class CharacterNotInRepertoire(GatewayError, code="22021"):
    """Bytes that are not text in the client's encoding."""


class NonstandardEscape(GatewayError, code="22P06"):
    """A string with an escape that a setting does not allow."""


class InvalidEscapeSequence(GatewayError, code="22025"):
    """An escape in a string that is not finished."""


class InvalidParameterValue(GatewayError, code="22023"):
    """A setting or an argument outside its bounds."""


class SqlJsonFault(GatewayError, code="22038"):
    """A jsonpath gives another number of values, or others, than are asked for."""


class InvalidJsonSubscript(SqlJsonFault, code="22033"):
    """A subscript in a jsonpath that an array does not have."""


class NonNumericJsonItem(SqlJsonFault, code="22036"):
    """A jsonpath's method of numbers, applied to something else."""


class JsonArrayNotFound(SqlJsonFault, code="22039"):
    """A jsonpath asks of something else what an array has."""


class JsonMemberNotFound(SqlJsonFault, code="2203A"):
    """A jsonpath names a member that is not there."""


class JsonNumberNotFound(SqlJsonFault, code="2203B"):
    """A jsonpath turns the sign of what is no number."""


class JsonObjectNotFound(SqlJsonFault, code="2203C"):
    """A jsonpath asks of something else what an object has."""


class ArraySubscriptError(GatewayError, code="2202E"):
    """An array of arrays of different lengths."""


class InvalidTextRepresentation(GatewayError, code="22P02"):
    """Text that its type's input function does not understand."""


class InvalidBinaryRepresentation(GatewayError, code="22P03"):
    """Binary field bytes of the wrong length or form."""


class BadCopyFileFormat(GatewayError, code="22P04"):
    """COPY data that are no rows of the format asked for."""


class UntranslatableCharacter(GatewayError, code="22P05"):
    """A character that the encoding asked for does not have."""


# Class 23 - integrity constraint violation
class IntegrityConstraintViolation(GatewayError, code="23000"):
    """A constraint of a user table refused a row.

    Args:
        table: Schema and name of the table.
        column, constraint: Their names, where there are any.
        domain: The domain's, where that refused a value: its schema stands in `table`.
        row: The number of the row among those that were written at once; None: not known.
    """

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        table: tuple[str, str] = ("", ""),
        column: str = "",
        constraint: str = "",
        domain: str = "",
        row: int | None = None,
    ) -> None:
        super().__init__(message, detail=detail)
        self.row = row
        self.schema, self.table = table
        self.column, self.constraint, self.domain = column, constraint, domain


class NotNullViolation(IntegrityConstraintViolation, code="23502"):
    """NULL for a column declared NOT NULL."""


class ForeignKeyViolation(IntegrityConstraintViolation, code="23503"):
    """A row that refers to none, or one that others refer to."""


class UniqueViolation(IntegrityConstraintViolation, code="23505"):
    """A second row with the same key."""

    was_there = False  # the first one, before the statement


class CheckViolation(IntegrityConstraintViolation, code="23514"):
    """A row for which a CHECK is false."""


def domain_refuses(shown: str, name: tuple[str, str], rule: str) -> IntegrityConstraintViolation:
    """What is said of a value that a domain refuses.

    Args:
        shown: What the domain is called in the message.
        name: Its schema and its name.
        rule: The CHECK that is false; "": NULL is refused.
    """
    place = name[0], ""
    if not rule:
        message = f"domain {shown} does not allow null values"
        return NotNullViolation(message, table=place, domain=name[1])
    message = f'value for domain {shown} violates check constraint "{rule}"'
    return CheckViolation(message, constraint=rule, table=place, domain=name[1])


# Class 44 - WITH CHECK OPTION violation
class WithCheckOptionViolation(GatewayError, code="44000"):
    """A row written through a view, which the view does not show."""
