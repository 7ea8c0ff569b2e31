"""Writes as queries and changes."""
