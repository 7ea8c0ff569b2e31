"""Values out of the arrays, a block of positions at a time, as Arrow columns."""
