"""PostgreSQL's functions that DataFusion lacks; `register_functions` adds them to a context."""

from gateway.engine.functions.registry import made, register_functions
from gateway.engine.functions.rows import Columnar

__all__ = ["Columnar", "made", "register_functions"]
