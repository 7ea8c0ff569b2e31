"""Sums, extremes and deviations of a grid by group, computed on its arrays."""
