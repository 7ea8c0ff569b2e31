"""Statements that change what there is."""
