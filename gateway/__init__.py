"""A PostgreSQL server for gridded science data in which any client can ask for a derivative."""

__version__ = "0.1.0"
