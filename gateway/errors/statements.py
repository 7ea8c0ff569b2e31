"""What is wrong with a statement: what it asks, how it is written, what it names (0A, 0L, 42)."""

from __future__ import annotations

from gateway.errors.base import GatewayError


# Classes 0A, 0L - feature not supported, invalid grantor
class FeatureNotSupported(GatewayError, code="0A000"):
    """PostgreSQL has it, this server does not."""


class NotDifferentiable(GatewayError, code="0A000"):
    """A derivative was asked of something that has no rule.

    `unknown` is what a call of this name is told, where there is no function of that name at all.
    """

    unknown: tuple[str, GatewayError] | None = None


class InvalidGrantOperation(GatewayError, code="0LP01"):
    """A privilege that such a thing has not, or a grant that nobody can make."""


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


class InvalidCursorDefinition(GatewayError, code="42P11"):
    """Options of a cursor that do not go together."""


class InvalidFunctionDefinition(GatewayError, code="42P13"):
    """A function definition that contradicts itself or the function it replaces."""


class IndeterminateDatatype(GatewayError, code="42P18"):
    """A parameter that was announced without a type, and stands nowhere in the statement."""


class UndefinedParameter(GatewayError, code="42P02"):
    """A `$n` to which nothing was bound."""


class CannotCoerce(GatewayError, code="42846"):
    """A cast from a type to another that it never becomes."""


class InvalidName(GatewayError, code="42602"):
    """A name that no setting can have."""


class NameTooLong(GatewayError, code="42622"):
    """A name in binary that has more bytes than names keep."""


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


class InvalidObjectDefinition(GatewayError, code="42P17"):
    """An index over what is not the same each time."""


class InvalidSchemaDefinition(GatewayError, code="42P15"):
    """CREATE SCHEMA with an element of another schema."""


class InvalidTableDefinition(GatewayError, code="42P16"):
    """A table definition that contradicts itself."""


class ReservedName(GatewayError, code="42939"):
    """A name that belongs to the system."""
