"""Statements of every kind, told apart."""
