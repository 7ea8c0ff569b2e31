"""How large a statement is, and what is left of it without its values."""
