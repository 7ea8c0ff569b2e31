"""DataFusion as these tests use it: settings as the gateway's engine has them, values as a list."""

from __future__ import annotations

from functools import cache
from typing import Any

import datafusion

from gateway.engine.functions import register_functions

_SETTINGS = {
    "datafusion.sql_parser.dialect": "generic",
    "datafusion.sql_parser.recursion_limit": "500",
    "datafusion.catalog.information_schema": "true",
    "datafusion.execution.time_zone": "UTC",
}


@cache
def context() -> datafusion.SessionContext:
    """One context for all tests of this folder, with the gateway's own functions."""
    made = datafusion.SessionContext(datafusion.SessionConfig(_SETTINGS))
    register_functions(made)
    return made


def rows(sql: str) -> list[list[Any]]:
    """The rows of a query, each a list of Python values."""
    table = context().sql(sql).to_arrow_table()
    return [list(row.values()) for row in table.to_pylist()]


def outcome(sql: str) -> str:
    """The plan of a query, or how the reason why there is none begins (it goes on with places)."""
    try:
        return str(context().sql(sql).logical_plan().display_indent())
    except Exception as error:  # whatever the engine raises is the outcome compared
        return str(error).splitlines()[0][:60]
