"""Which positions and rows a filter leaves."""
