"""What a table, a view and a sequence are, as values."""
