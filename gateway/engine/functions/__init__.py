"""PostgreSQL's functions that DataFusion lacks; `register_functions` adds them to a context."""

from gateway.engine.functions.registry import register_functions

__all__ = ["register_functions"]
