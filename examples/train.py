"""Fits a line to sea surface temperatures by gradient descent, each step one INSERT ... SELECT.

    gradwire demo &
    python examples/train.py "host=127.0.0.1 port=5433 user=me dbname=gradwire"

Without an argument the PG* environment variables say where the server is.
"""

from __future__ import annotations

import sys

import psycopg

STEPS = 40
DATA = "(SELECT latitude / 90 AS x, sst AS y FROM ncep.sst WHERE sst IS NOT NULL) AS d"

# Every step reads the newest row and appends the next one, so the table is the history.
STEP = f"""
INSERT INTO line_fit
SELECT p.step + 1,
       p.a - 1.5 * AVG(grad(power(d.y - (p.a * d.x + p.b), 2), p.a)),
       p.b - 0.4 * AVG(grad(power(d.y - (p.a * d.x + p.b), 2), p.b))
FROM (SELECT * FROM line_fit ORDER BY step DESC LIMIT 1) AS p CROSS JOIN {DATA}
GROUP BY p.step, p.a, p.b
"""
CURVE = f"""
SELECT p.step, p.a, p.b, AVG(power(d.y - (p.a * d.x + p.b), 2)) AS loss
FROM line_fit AS p CROSS JOIN {DATA}
GROUP BY p.step, p.a, p.b ORDER BY p.step
"""


def main(server: str) -> None:
    """Train, and print the loss of every fourth step."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE line_fit (step int, a double precision, b double precision)"
        )
        try:
            connection.execute("INSERT INTO line_fit VALUES (0, 0, 0)")
            for _ in range(STEPS):
                connection.execute(STEP)
            for step, a, b, loss in connection.execute(CURVE).fetchall()[::4]:
                print(f"{step:4} {a:9.5f} {b:9.5f}  loss {loss:.8f}")
        finally:
            connection.execute("DROP TABLE line_fit")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
