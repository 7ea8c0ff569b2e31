"""Writes dashboards/derivatives.json: panels over the bundled dataset, each with a derivative.

    pip install grafana-foundation-sdk
    python config/grafana/make_dashboard.py

The queries are what a person types into Grafana's SQL editor, its macros included.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, table, timeseries, trend
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

TARGET = Path(__file__).parent / "dashboards" / "derivatives.json"
SOURCE = DataSourceRef(type_val="grafana-postgresql-datasource", uid="gradwire")

# The Pacific along the equator, where El Nino shows.
ANOMALY = """\
SELECT time AS "time", avg(sst) AS "anomaly"
FROM ncep.sst
WHERE $__timeFilter(time)
  AND latitude BETWEEN -5 AND 5 AND longitude BETWEEN 190 AND 240
GROUP BY time ORDER BY time"""

# Each step's parameters from the one before, by the gradient of the mean loss; a decade is 1.
DESCENT = """\
WITH RECURSIVE fit(step, slope, base) AS (
  SELECT 0, 0.0, 0.0
  UNION ALL
  SELECT step + 1,
         slope - 0.15 * avg(grad(power(sst - (slope * decades + base), 2), slope)),
         base - 0.3 * avg(grad(power(sst - (slope * decades + base), 2), base))
  FROM fit, (SELECT extract(epoch FROM time) / 315576000.0 - 1.75 AS decades, sst
             FROM ncep.sst WHERE sst IS NOT NULL AND $__timeFilter(time)) AS seen
  WHERE step < 12
  GROUP BY step, slope, base)
SELECT step, slope AS "kelvin per decade", base AS "kelvin" FROM fit ORDER BY step"""

# Power in a square metre of wind, and how it changes with a gust from the west.
GUST = """\
SELECT longitude,
       0.6 * power(u * u + v * v, 1.5) AS "power",
       grad(0.6 * power(u * u + v * v, 1.5), u) AS "change with u"
FROM (SELECT longitude, uwnd::float8 AS u, vwnd::float8 AS v
      FROM ncep.winds WHERE time = '1970-01-01' AND latitude = $latitude) AS wind
ORDER BY longitude"""

# How far a forecast of the height, falling off with distance, answers to each of its two numbers.
SENSITIVITY = """\
SELECT $__timeGroup(time, '1y') AS "time",
       avg(grad(scale * exp(-power((z - 5500.0) / width, 2)), width)) AS "by width",
       avg(grad(scale * exp(-power((z - 5500.0) / width, 2)), scale)) AS "by scale"
FROM (VALUES (100.0, 200.0)) AS model(scale, width), ncep.height
WHERE $__timeFilter(time) AND latitude = 50
GROUP BY 1 ORDER BY 1"""

NEWTON = """\
WITH RECURSIVE newton(step, x) AS (
  SELECT 0, 1.0
  UNION ALL
  SELECT step + 1, x - (x * x - 2) / grad(x * x - 2, x) FROM newton WHERE step < 5)
SELECT step, x, x * x - 2 AS "left" FROM newton ORDER BY step"""


@dataclass
class Sql(Dataquery):
    """One query of the PostgreSQL data source, written as text."""

    raw_sql: str
    format: str

    def to_json(self) -> dict[str, Any]:
        return {
            "datasource": SOURCE.to_json(),
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.raw_sql,
            "refId": "A",
        }

    def build(self) -> Sql:
        return self


def panels() -> list[Any]:
    """The panels, in reading order."""
    return [
        timeseries.Panel()
        .title("Sea surface temperature anomaly, equatorial Pacific")
        .unit("kelvin")
        .with_target(Sql(ANOMALY, "time_series"))
        .span(12),
        trend.Panel()
        .title("Its trend, by gradient descent")
        .description("Twelve steps of gradient descent in one recursive query.")
        .x_field("step")
        .with_target(Sql(DESCENT, "table"))
        .span(12),
        trend.Panel()
        .title("Power of the wind along latitude $latitude, and its derivative")
        .description("W/m2, and W/m2 for each m/s of wind from the west.")
        .x_field("longitude")
        .with_target(Sql(GUST, "table"))
        .span(12),
        timeseries.Panel()
        .title("What a model of the 500 hPa height is sensitive to")
        .with_target(Sql(SENSITIVITY, "time_series"))
        .span(12),
        table.Panel()
        .title("Newton's method for the square root of two")
        .with_target(Sql(NEWTON, "table"))
        .span(24),
    ]


def build() -> dashboard.Dashboard:
    """The dashboard, as Grafana imports it."""
    latitudes = dashboard.CustomVariable("latitude").values("50,30,10,-10,-30,-50")
    made = (
        dashboard.Dashboard("Derivatives in SQL")
        .uid("gradwire-derivatives")
        .tags(["gradwire"])
        .readonly()
        .time("1963-01-01T00:00:00Z", "2012-12-31T00:00:00Z")
        .with_variable(latitudes)
    )
    for panel in panels():
        made = made.with_panel(panel.datasource(SOURCE))
    return made


def text() -> str:
    """The file's text."""
    return str(JSONEncoder(sort_keys=True, indent=2).encode(build().build())) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
