"""SQL expressions as nodes of the graph, and back; what has no derivative, by name."""
