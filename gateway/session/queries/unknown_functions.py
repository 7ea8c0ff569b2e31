"""A function in a derivative that there is not: it is told so, not that it has no rule."""

from __future__ import annotations

from sqlglot import exp

from gateway.catalog.system.static import static
from gateway.engine.interface import EngineSession
from gateway.errors import GatewayError, NotDifferentiable, UndefinedFunction


def known_or_not(refusal: NotDifferentiable, engine: EngineSession) -> GatewayError:
    """The refusal of a derivative, or 42883 where neither PostgreSQL nor the engine has the call.

    Asked where a statement is refused already, so it costs no other one.
    """
    if refusal.unknown is None:
        return refusal
    name, undefined = refusal.unknown
    if name in static().functions:
        return refusal
    try:
        engine.plan(f"SELECT {exp.to_identifier(name, quoted=True)}()", {})
    except UndefinedFunction as refused:
        if str(refused) == f"function {name} does not exist":
            undefined.hint = refused.hint or undefined.hint
            return undefined
    except GatewayError:  # it is there, and takes arguments
        pass
    return refusal
