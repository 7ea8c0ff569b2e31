"""Columns as the fields that a client reads, in text and in binary."""
