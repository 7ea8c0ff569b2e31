"""RAISE: a message for the client, or an error of the user's own."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import NullValueNotAllowed, RaiseException, SyntaxFault
from gateway.session.procedural.embedded import Embedded
from gateway.session.procedural.variables import Scope
from gateway.session.result import Notice
from gateway.sql.procedural.conditions import codes_of, name_of
from gateway.sql.procedural.steps import Raise

_WARNING, _RAISED = "01000", "P0001"


def raised(step: Raise, sql: Embedded, scope: Scope) -> Notice:
    """The message of a RAISE below EXCEPTION.

    Raises:
        RaiseException: at EXCEPTION, with the SQLSTATE that it names, or P0001.
        SyntaxFault: 42601, something is told twice. NullValueNotAllowed: 22004.
    """
    options = _options(step, sql, scope)
    code = step.condition
    if "errcode" in options:
        if code:
            raise SyntaxFault("RAISE option already specified: ERRCODE")
        code = _code(options.pop("errcode"))
    message = None if step.message is None else _filled(step, sql, scope)
    if "message" in options:
        if message is not None:
            raise SyntaxFault("RAISE option already specified: MESSAGE")
        message = options.pop("message")
    if message is None:
        message = name_of(code or _RAISED)
    detail, hint = options.pop("detail", ""), options.pop("hint", "")
    if step.level == "exception":
        raise RaiseException(message, code=code, detail=detail, hint=hint, names=options)
    code = code or (_WARNING if step.level == "warning" else "00000")
    return Notice(message, step.level.upper(), code, detail, hint)


def _options(step: Raise, sql: Embedded, scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, expression in step.options:
        if name in found:
            raise SyntaxFault(f"RAISE option already specified: {name.upper()}")
        value = sql.shown(expression, scope)
        if value is None:
            raise NullValueNotAllowed("RAISE statement option cannot be null")
        found[name] = value
    return found


def _code(given: str) -> str:
    is_code = len(given) == 5 and given.isalnum() and given.upper() == given
    return given if is_code else codes_of(given)[0]


def _filled(step: Raise, sql: Embedded, scope: Scope) -> str:
    """The format with a value in place of each %; %% is one."""
    shown = [sql.shown(each, scope) for each in step.values]
    values = iter(["<NULL>" if each is None else each for each in shown])
    assert step.message is not None
    parts = step.message.split("%%")
    return "%".join(_one(part, values) for part in parts)


def _one(part: str, values: Iterator[str]) -> str:
    first, *pieces = part.split("%")
    return first + "".join(next(values) + piece for piece in pieces)
