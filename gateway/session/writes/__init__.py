"""Statements that change rows, and COPY."""
