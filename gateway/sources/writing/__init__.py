"""Rows back into arrays, and datasets into files."""
