"""The variables on one set of dimensions as a table of rows."""
