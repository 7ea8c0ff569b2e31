"""Expressions over whole arrays, and derivatives and integrals along a dimension."""
