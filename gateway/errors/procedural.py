"""What goes wrong in the blocks that DO runs."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors.base import GatewayError


class CaseNotFound(GatewayError, code="20000"):
    """CASE without ELSE of which no branch was meant."""


class ErrorInAssignment(GatewayError, code="22005"):
    """A value for a constant."""


class InvalidTransactionTermination(GatewayError, code="2D000"):
    """COMMIT or ROLLBACK in a block that runs inside a transaction."""


class StackedDiagnosticsFault(GatewayError, code="0Z002"):
    """RAISE alone, or GET STACKED DIAGNOSTICS, outside of an exception handler."""


class RaiseException(GatewayError, code="P0001"):
    """An error of the user's own: RAISE EXCEPTION.

    Args:
        code: The SQLSTATE that it is to have; empty: its own.
        detail, hint: As of any error.
        names: What it says it is about: schema, table, column, constraint, datatype.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        detail: str = "",
        hint: str = "",
        names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        told = names or {}
        self.schema, self.table = told.get("schema", ""), told.get("table", "")
        self.column, self.constraint = told.get("column", ""), told.get("constraint", "")
        self.domain = told.get("datatype", "")
        if code:
            self.code = code


class NoDataFound(GatewayError, code="P0002"):
    """INTO STRICT of a query without rows."""


class TooManyRows(GatewayError, code="P0003"):
    """INTO STRICT of a query with several rows."""


class AssertFailure(GatewayError, code="P0004"):
    """ASSERT of what is not true."""
