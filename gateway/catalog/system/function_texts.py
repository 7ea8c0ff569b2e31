"""Users' functions as pg_get_functiondef and its like give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.catalog.deparsing.definitions import default_text
from gateway.sql.meaning.functions import Function
from gateway.sql.text.quoting import identifier


def _arguments(function: Function) -> str:
    parts = [f"{identifier(a.name)} {a.type.sql}" if a.name else a.type.sql
             for a in function.arguments]  # fmt: skip
    return ", ".join(parts)


def _definition(function: Function) -> str:
    words = [] if function.volatility == "volatile" else [function.volatility.upper()]
    words += ["STRICT"] if function.strict else []
    name = f"{identifier(function.schema)}.{identifier(function.name)}"
    lines = [f"CREATE OR REPLACE FUNCTION {name}({_arguments(function)})"]
    lines += [f" RETURNS {function.returns.sql}", " LANGUAGE sql"]
    lines += [f" {' '.join(words)}"] if words else []
    body = sql_body(function) or f"AS $function${function.body}$function$"
    return "\n".join([*lines, body, ""])


def sql_body(function: Function) -> str | None:
    """RETURN and the expression of a function that was made so; None for one with a text."""
    if function.bound is None:
        return None
    types = {argument.name: argument.type for argument in function.arguments if argument.name}
    return f"RETURN {default_text(function.body, function.returns, types)}"


FUNCTION_TEXTS: Mapping[str, Callable[[Function], str | None]] = {
    "definition": _definition,
    "arguments": _arguments,
    "identity": _arguments,
    "result": lambda function: function.returns.sql,
    "body": sql_body,
}
