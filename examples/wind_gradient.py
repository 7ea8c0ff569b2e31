"""Reads the wind speed and its gradient by both components into numpy, as binary columns.

    python examples/wind_gradient.py "host=127.0.0.1 port=5433 user=me dbname=gradwire"

Without an argument the PG* environment variables say where the server is.
"""

from __future__ import annotations

import sys

import numpy as np
import psycopg

QUERY = """
SELECT latitude, u, v, sqrt(u * u + v * v) AS speed,
       grad(sqrt(u * u + v * v), u) AS by_u, grad(sqrt(u * u + v * v), v) AS by_v
FROM (SELECT latitude, uwnd::float8 AS u, vwnd::float8 AS v FROM ncep.winds
      WHERE time = '1970-01-01') AS wind
"""


def main(server: str) -> None:
    """Print the mean gradient in bands of latitude, and check it: its length is 1."""
    with psycopg.connect(server) as connection, connection.cursor(binary=True) as cursor:
        rows = np.array(cursor.execute(QUERY).fetchall())
    latitude, u, v, speed, by_u, by_v = rows.T
    assert np.allclose(by_u, u / speed) and np.allclose(by_v, v / speed)
    for south in range(-90, 90, 30):
        band = (latitude >= south) & (latitude < south + 30)
        print(f"{south:4} to {south + 30:3}: {by_u[band].mean():+.3f} {by_v[band].mean():+.3f}")
    print(f"{len(rows)} rows, length of the gradient {np.hypot(by_u, by_v).mean():.12f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
