"""A Panel page that draws a derivative which the gateway computes.

    gradwire demo
    pip install panel hvplot pandas sqlalchemy 'psycopg[binary]'
    panel serve examples/panel_app.py

GRADWIRE_URL says where the gateway is, as SQLAlchemy writes it.
"""

from __future__ import annotations

import os

import hvplot.pandas  # noqa: F401  # gives frames their hvplot
import pandas as pd
import panel as pn
from sqlalchemy import create_engine, text

URL = os.environ.get("GRADWIRE_URL", "postgresql+psycopg://demo@127.0.0.1:5433/gradwire")

POWER = text("""
SELECT longitude,
       0.6 * power(u * u + v * v, 1.5) AS power,
       grad(0.6 * power(u * u + v * v, 1.5), u) AS change
FROM (SELECT longitude, uwnd::float8 AS u, vwnd::float8 AS v
      FROM ncep.winds WHERE time = '1970-01-01' AND latitude = :latitude) AS wind
ORDER BY longitude
""")

engine = create_engine(URL)
latitude = pn.widgets.Select(name="Latitude", options=[50, 30, 10, -10, -30, -50])


def rows(latitude: int) -> pd.DataFrame:
    """Power of the wind along a latitude, and its derivative by the wind from the west."""
    return pd.read_sql(POWER, engine, params={"latitude": latitude})


def drawn(latitude: int) -> object:
    """The plot of both."""
    return rows(latitude).hvplot.line(
        x="longitude", y=["power", "change"], title=f"Wind at {latitude} degrees", width=760
    )


page = pn.Column("# Power of the wind, and its derivative", latitude, pn.bind(drawn, latitude))
page.servable()
