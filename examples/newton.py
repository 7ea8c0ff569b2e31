"""Solves Kepler's equation E - e sin E = M for several planets by Newton's method, in one query.

    python examples/newton.py "host=127.0.0.1 port=5433 user=me dbname=gradwire"

Without an argument the PG* environment variables say where the server is.
"""

from __future__ import annotations

import math
import sys

import psycopg

# The recursive term is the step of the textbook: x - f / f'.
QUERY = """
WITH RECURSIVE solve(name, e, m, step, x) AS (
  SELECT name, e, m, 0, m
  FROM (VALUES ('Earth', 0.0167, 1.0), ('Mars', 0.0934, 1.0), ('Halley', 0.9671, 1.0))
       AS orbits(name, e, m)
  UNION ALL
  SELECT name, e, m, step + 1, x - (x - e * sin(x) - m) / grad(x - e * sin(x) - m, x)
  FROM solve WHERE step < 8
)
SELECT name, e, m, x FROM solve WHERE step = 8 ORDER BY e
"""


def main(server: str) -> None:
    """Print each eccentric anomaly, and what the equation leaves of it."""
    with psycopg.connect(server) as connection:
        for name, e, m, x in connection.execute(QUERY):
            print(f"{name:8} E = {x:.12f}  residual {abs(x - e * math.sin(x) - m):.0e}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
