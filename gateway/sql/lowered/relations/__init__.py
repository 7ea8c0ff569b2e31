"""Joins, subqueries and what gives rows, in the engine's words."""
