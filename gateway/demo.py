"""What `gradwire demo` shows: three derivatives of real data, each beside a central difference.

The queries go through the wire, as any client's do. The difference is computed by the engine in
the same query, from the same rows, so it is a witness that knows nothing of our rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Show:
    """One query: its last two columns are a derivative and the central difference beside it."""

    title: str
    sql: str


SHOWS = (
    Show(
        "Kinetic energy of the wind, and how it changes with the zonal wind, by latitude",
        """\
SELECT latitude,
       AVG(u * u + v * v) / 2 AS energy,
       AVG(grad((u * u + v * v) / 2, u)) AS d_energy,
       AVG(((u + 0.001) * (u + 0.001) + v * v) - ((u - 0.001) * (u - 0.001) + v * v))
         / 2 / 0.002 AS difference
FROM (SELECT latitude, uwnd::float8 AS u, vwnd::float8 AS v FROM ncep.winds) AS wind
WHERE latitude IN (60, 30, 0, -30, -60)
GROUP BY latitude ORDER BY latitude DESC""",
    ),
    Show(
        "Power of the wind (W/m2), and its change along a gust of (1, 0.5) m/s, over the Atlantic",
        """\
SELECT longitude,
       0.6 * power(u * u + v * v, 1.5) AS watts,
       jvp(0.6 * power(u * u + v * v, 1.5), u, 1.0, v, 0.5) AS d_watts,
       (0.6 * power((u + 0.001) * (u + 0.001) + (v + 0.0005) * (v + 0.0005), 1.5)
        - 0.6 * power((u - 0.001) * (u - 0.001) + (v - 0.0005) * (v - 0.0005), 1.5))
         / 0.002 AS difference
FROM (SELECT time, latitude, longitude, uwnd::float8 AS u, vwnd::float8 AS v
      FROM ncep.winds) AS wind
WHERE latitude = 50 AND longitude BETWEEN 320 AND 340
ORDER BY time, longitude LIMIT 5""",
    ),
    Show(
        "Sea surface temperature against latitude: the loss of a line, and its slope in a",
        """\
SELECT a,
       AVG(power(sst - (a * latitude + b), 2)) AS loss,
       AVG(grad(power(sst - (a * latitude + b), 2), a)) AS d_loss,
       AVG(power(sst - ((a + 0.001) * latitude + b), 2)
           - power(sst - ((a - 0.001) * latitude + b), 2)) / 0.002 AS difference
FROM ncep.sst, (VALUES (-0.1, 0.2), (0.0, 0.2), (0.1, 0.2)) AS line(a, b)
GROUP BY a ORDER BY a""",
    ),
)


def run(host: str, port: int, console: Console) -> None:
    """Connect as any client would, and print each query with its rows.

    Raises:
        psycopg.Error: the server refused a query.
    """
    with psycopg.connect(host=host, port=port, user="demo", dbname="gradwire") as connection:
        for show in SHOWS:
            cursor = connection.execute(show.sql)
            table = Table()
            for column in cursor.description or ():
                table.add_column(column.name, justify="right")
            for row in cursor:
                table.add_row(*("NULL" if value is None else f"{value:.9g}" for value in row))
            console.print(show.title, style="bold", soft_wrap=True)
            console.print(show.sql, style="cyan", markup=False, highlight=False, soft_wrap=True)
            console.print(table)
            console.print()
