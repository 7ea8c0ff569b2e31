"""Texts of values: what they say, as PostgreSQL reads them."""
