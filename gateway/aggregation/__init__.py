"""Aggregates of grids computed on arrays, chunk by chunk; see `plan`."""
