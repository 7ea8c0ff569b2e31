"""pg_catalog and information_schema: their rows, and queries over them."""
