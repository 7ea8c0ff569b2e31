"""The query engine behind one interface.

Its allocator is set up first: it reads its settings as the engine's library is loaded.
"""

from gateway.engine.configured import keep_little, workers

__all__ = ["keep_little", "workers"]
