"""Queries and expressions as PostgreSQL prints them back: what pg_get_viewdef and its like give."""
