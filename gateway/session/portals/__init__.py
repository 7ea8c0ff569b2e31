"""Prepared statements and portals, and what is told of them."""
