"""Groups, sets and their order, in the engine's words."""
