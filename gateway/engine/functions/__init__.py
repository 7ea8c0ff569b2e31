"""PostgreSQL's functions that DataFusion lacks; `register_functions` adds them to a context."""

from gateway.engine.functions.registry import Columnar, made, register_functions

__all__ = ["Columnar", "made", "register_functions"]
