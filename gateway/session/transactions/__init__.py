"""Transaction blocks, their modes and their locks."""
