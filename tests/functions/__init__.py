"""Functions of a user's own."""
