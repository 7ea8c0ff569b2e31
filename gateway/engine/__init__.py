"""The query engine behind one interface."""
