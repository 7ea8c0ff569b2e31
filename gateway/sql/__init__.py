"""The language: one dialect, statements, scopes, parameters."""
