"""The gateway beside a PostgreSQL server, whole, over the wire; see `__main__`."""
