"""A catalogue query in PostgreSQL's SQL -> DuckDB's."""
