"""Every refusal: its class, its SQLSTATE, and what the user can do instead.

One class per SQLSTATE that a client may branch on, in the order of PostgreSQL's appendix A.
"""

from __future__ import annotations


class GatewayError(Exception):
    """A statement refused; `str(error)` is the Message field of ErrorResponse.

    Args:
        message: Lower case, no full stop, names the thing refused.
        detail: The values that made it so.
        hint: What the user can type instead.
        position: 1-based character offset into the statement as it was sent; 0 when unknown.
        context: Where in the data it happened, such as a line of COPY.
    """

    code = "XX000"

    def __init_subclass__(cls, code: str) -> None:
        cls.code = code

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        hint: str = "",
        position: int = 0,
        context: str = "",
    ) -> None:
        super().__init__(message)
        self.detail, self.hint, self.position, self.context = detail, hint, position, context


# Class 08 - connection exception
class ProtocolViolation(GatewayError, code="08P01"):
    """Bytes or an order of messages that the protocol does not allow."""


# Classes 0A, 0L - feature not supported, invalid grantor
class FeatureNotSupported(GatewayError, code="0A000"):
    """PostgreSQL has it, this server does not."""


class NotDifferentiable(GatewayError, code="0A000"):
    """A derivative was asked of something that has no rule."""


class InvalidGrantOperation(GatewayError, code="0LP01"):
    """A privilege that such a thing has not, or a grant that nobody can make."""


# Class 21 - cardinality violation
class CardinalityViolation(GatewayError, code="21000"):
    """A subquery used as a value gave more than one row."""


# Class 22 - data exception
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


class DivisionByZero(GatewayError, code="22012"):
    """An integer was divided by zero."""


class InvalidRegularExpression(GatewayError, code="2201B"):
    """A pattern that is not a regular expression."""


class InvalidPowerArgument(GatewayError, code="2201F"):
    """A root or a power that no real number is."""


class CharacterNotInRepertoire(GatewayError, code="22021"):
    """Bytes that are not text in the client's encoding."""


class InvalidParameterValue(GatewayError, code="22023"):
    """A setting or an argument outside its bounds."""


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
    """

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        table: tuple[str, str] = ("", ""),
        column: str = "",
        constraint: str = "",
    ) -> None:
        super().__init__(message, detail=detail)
        self.schema, self.table = table
        self.column, self.constraint = column, constraint


class NotNullViolation(IntegrityConstraintViolation, code="23502"):
    """NULL for a column declared NOT NULL."""


class ForeignKeyViolation(IntegrityConstraintViolation, code="23503"):
    """A row that refers to none, or one that others refer to."""


class UniqueViolation(IntegrityConstraintViolation, code="23505"):
    """A second row with the same key."""


class CheckViolation(IntegrityConstraintViolation, code="23514"):
    """A row for which a CHECK is false."""


# Class 25 - invalid transaction state
class ActiveTransaction(GatewayError, code="25001"):
    """A command that may not stand inside a transaction block."""


class ReadOnlyTable(GatewayError, code="25006"):
    """A write to a table that is an xarray dataset."""


class GeneratedAlways(GatewayError, code="428C9"):
    """A value for a column that computes its own."""


class NoActiveTransaction(GatewayError, code="25P01"):
    """A command that must stand inside a transaction block."""


class InFailedTransaction(GatewayError, code="25P02"):
    """A statement after an error and before ROLLBACK."""


class IdleInTransactionTimeout(GatewayError, code="25P03"):
    """A transaction stood idle for longer than the client allows."""


# Classes 26, 28, 34, 3D, 3F - names and authorization
class InvalidStatementName(GatewayError, code="26000"):
    """No prepared statement of that name."""


class InvalidAuthorization(GatewayError, code="28000"):
    """This user may not connect from here."""


class InvalidPassword(GatewayError, code="28P01"):
    """Password authentication failed."""


class InvalidCursorName(GatewayError, code="34000"):
    """No portal of that name."""


class InvalidCatalogName(GatewayError, code="3D000"):
    """There is no such database."""


class InvalidSchemaName(GatewayError, code="3F000"):
    """No schema of that name."""


# Class 3B - savepoint exception
class InvalidSavepoint(GatewayError, code="3B001"):
    """No savepoint of that name."""


# Class 40 - transaction rollback
class SerializationFailure(GatewayError, code="40001"):
    """Another transaction changed the same rows; run the transaction again."""


class DeadlockDetected(GatewayError, code="40P01"):
    """Two transactions wait for each other's tables."""


# Class 42 - syntax error or access rule violation
class InsufficientPrivilege(GatewayError, code="42501"):
    """The user may not do this."""


class SyntaxFault(GatewayError, code="42601"):
    """Text that is not SQL."""


class InvalidColumnReference(GatewayError, code="42P10"):
    """A column position or reference that means nothing here."""


class UndefinedColumn(GatewayError, code="42703"):
    """No column of that name in scope."""


class AmbiguousColumn(GatewayError, code="42702"):
    """A column name that several relations in scope have."""


class DuplicateColumn(GatewayError, code="42701"):
    """A column name given twice."""


class UndefinedTable(GatewayError, code="42P01"):
    """No relation of that name."""


class UndefinedFunction(GatewayError, code="42883"):
    """No function of that name and number of arguments."""


class DuplicateFunction(GatewayError, code="42723"):
    """The function is there already."""


class AmbiguousFunction(GatewayError, code="42725"):
    """A function name that several functions have, where one is meant."""


class InvalidFunctionDefinition(GatewayError, code="42P13"):
    """A function definition that contradicts itself or the function it replaces."""


class UndefinedParameter(GatewayError, code="42P02"):
    """A `$n` to which nothing was bound."""


class UndefinedObject(GatewayError, code="42704"):
    """No type, setting or other object of that name."""


class DuplicateObject(GatewayError, code="42710"):
    """The constraint, or another thing of a table, is there already."""


class InvalidForeignKey(GatewayError, code="42830"):
    """A foreign key to columns that no key makes unique."""


class DuplicateSchema(GatewayError, code="42P06"):
    """The schema is there already."""


class DuplicateTable(GatewayError, code="42P07"):
    """The relation is there already."""


class DuplicatePreparedStatement(GatewayError, code="42P05"):
    """The prepared statement is there already."""


class DuplicateCursor(GatewayError, code="42P03"):
    """The portal is there already."""


class DuplicateAlias(GatewayError, code="42712"):
    """A relation name given twice in one FROM."""


class GroupingError(GatewayError, code="42803"):
    """An aggregate, or a bare column beside one, where it may not stand."""


class WindowingError(GatewayError, code="42P20"):
    """A window function where it may not stand, or a window that contradicts itself."""


class DatatypeMismatch(GatewayError, code="42804"):
    """An expression of another type than the place asks for."""


class WrongObjectType(GatewayError, code="42809"):
    """A view where a table is asked for, and the like."""


class InvalidRecursion(GatewayError, code="42P19"):
    """A recursive query of a form that is not allowed."""


class InvalidTableDefinition(GatewayError, code="42P16"):
    """A table definition that contradicts itself."""


class ReservedName(GatewayError, code="42939"):
    """A name that belongs to the system."""


# Classes 53, 54, 55, 57, 58 - resources, limits, the operator, the system
class DiskFull(GatewayError, code="53100"):
    """No room left in the data directory."""


class OutOfMemory(GatewayError, code="53200"):
    """The engine's memory bound was reached."""


class TooManyConnections(GatewayError, code="53300"):
    """All the connections that the configuration allows are taken."""


class ProgramLimitExceeded(GatewayError, code="54000"):
    """Told by NOTIFY: one who listens to the channel has too many notifications to read."""


class StatementTooComplex(GatewayError, code="54001"):
    """A statement past a size or depth limit; the message names the limit."""


class TooManyColumns(GatewayError, code="54011"):
    """A SELECT list is longer than any row can be."""


class ObjectNotInPrerequisiteState(GatewayError, code="55000"):
    """The thing is there but cannot do this now."""


class ObjectInUse(GatewayError, code="55006"):
    """The role that acts, or that logged in, is to be dropped."""


class DependentObjectsStillExist(GatewayError, code="2BP01"):
    """Something else is built on what was to be dropped."""


class CannotChangeParameter(GatewayError, code="55P02"):
    """A setting that the server alone decides."""


class LockNotAvailable(GatewayError, code="55P03"):
    """A table's lock was not to be had within lock_timeout."""


class QueryCanceled(GatewayError, code="57014"):
    """The statement was stopped, by the user or by a time limit."""


class AdminShutdown(GatewayError, code="57P01"):
    """The server is going down."""


class IdleSessionTimeout(GatewayError, code="57P05"):
    """The client said nothing for longer than it allows."""


class DatasetUnreadable(GatewayError, code="58030"):
    """A chunk of a dataset could not be read; names dataset, variable and chunk."""


class ConfigurationFault(GatewayError, code="F0000"):
    """A setting that is unknown, misspelt or out of bounds; names the key."""


class LockFileExists(GatewayError, code="F0001"):
    """Another server has the data directory."""


class InternalError(GatewayError, code="XX000"):
    """A fault of this server."""
