"""What is wrong with a connection, a transaction or the server itself (all other classes)."""

from __future__ import annotations

from gateway.errors.base import GatewayError


# Class 08 - connection exception
class ProtocolViolation(GatewayError, code="08P01"):
    """Bytes or an order of messages that the protocol does not allow."""


class ConnectionFailure(GatewayError, code="08006"):
    """The client has gone while its statement ran."""


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


class InvalidCursorState(GatewayError, code="24000"):
    """A cursor that stands on no row that can be written."""


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


# Classes 53, 54, 55, 57, 58 - resources, limits, the operator, the system
class DiskFull(GatewayError, code="53100"):
    """No room left in the data directory, or for the temporary files of a query."""


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
