"""Values and expressions, in the engine's words."""
