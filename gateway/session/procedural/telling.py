"""What is told of an error in a block: its line, and what GET STACKED DIAGNOSTICS asks for."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.sql.procedural import steps


def place(error: GatewayError, step: steps.Step) -> None:
    """Say in which line it happened; a position would be one in another text."""
    if not isinstance(step, steps.Block):
        place_at(error, step.line, f"at {steps.told(step)}")


_WHERE = "PL/pgSQL function inline_code_block line"


def place_at(error: GatewayError, line: int, where: str) -> None:
    """Say that it happened in a line, unless that was said already."""
    error.position = 0
    if _WHERE not in error.context:
        before = f"{error.context}\n" if error.context else ""
        error.context = f"{before}{_WHERE} {line} {where}"


def _named(attribute: str) -> Callable[[GatewayError], str]:
    return lambda error: str(getattr(error, attribute, ""))


STACKED: dict[str, Callable[[GatewayError], str]] = {
    "returned_sqlstate": lambda error: error.code,
    "message_text": str,
    "pg_exception_detail": lambda error: error.detail,
    "pg_exception_hint": lambda error: error.hint,
    "pg_exception_context": lambda error: error.context,
    "schema_name": _named("schema"),
    "table_name": _named("table"),
    "column_name": _named("column"),
    "constraint_name": _named("constraint"),
    "pg_datatype_name": _named("domain"),
}
