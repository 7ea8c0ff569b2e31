"""Writes dashboards/server.json: how the gateway itself does, from its /metrics by Prometheus.

pip install grafana-foundation-sdk
python config/grafana/make_server_dashboard.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

TARGET = Path(__file__).parent / "dashboards" / "server.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")

RATE = "[$__rate_interval]"
SECONDS = "gradwire_statement_duration_seconds"

#    title                          unit     what is drawn: PromQL, and what each line is called
PANELS = (
    ("Statements", "reqps",
     ((f"sum by (kind) (rate(gradwire_statements_total{RATE}))", "{{kind}}"),)),
    ("Errors by class of SQLSTATE", "reqps",
     ((f'sum by (sqlstate_class) (rate(gradwire_statements_total{{sqlstate_class!="00"}}{RATE}))',
       "{{sqlstate_class}}"),)),
    ("Duration of queries", "s",
     tuple((f'histogram_quantile({q}, sum by (le) (rate({SECONDS}_bucket{{kind="query"}}{RATE})))',
            f"{int(100 * q)} %") for q in (0.5, 0.95, 0.99))),
    ("Where the time goes", "s",
     ((f"sum(rate({SECONDS}_sum{RATE}))", "all"),
      (f"rate(gradwire_plan_seconds_total{RATE})", "planning"),
      (f"rate(gradwire_rewrite_seconds_total{RATE})", "rewriting"),
      (f"rate(gradwire_store_commit_seconds_total{RATE})", "commits"),
      (f"rate(gradwire_store_lock_wait_seconds_total{RATE})", "waiting for locks"))),
    ("Connections", "short",
     (("gradwire_connections", "{{state}}"), ("gradwire_connections_limit", "limit"))),
    ("Rows and bytes sent", "short",
     ((f"rate(gradwire_rows_total{RATE})", "rows"),
      (f"rate(gradwire_sent_bytes_total{RATE})", "bytes"))),
    ("Derivatives", "short",
     ((f"rate(gradwire_markers_total{RATE})", "markers rewritten"),
      (f"rate(gradwire_rewrites_total{RATE})", "statements rewritten"))),
    ("Found in caches", "percentunit",
     ((f'sum by (cache) (rate(gradwire_cache_requests_total{{outcome="hit"}}{RATE})) / '
       f"sum by (cache) (rate(gradwire_cache_requests_total{RATE}))", "{{cache}}"),)),
    ("Chunks of datasets", "short",
     ((f"rate(gradwire_chunks_read_total{RATE})", "read"),
      (f"rate(gradwire_chunks_skipped_total{RATE})", "skipped"))),
    ("Bytes of datasets", "Bps",
     ((f"rate(gradwire_dataset_read_bytes_total{RATE})", "decoded"),)),
    ("Transactions", "reqps",
     ((f"rate(gradwire_store_transactions_total{RATE})", "{{outcome}}"),
      (f"rate(gradwire_store_conflicts_total{RATE})", "conflicts"),
      (f"rate(gradwire_store_deadlocks_total{RATE})", "deadlocks"),
      (f"rate(gradwire_store_lock_waits_total{RATE})", "waits"))),
    ("Memory", "bytes",
     (("process_resident_memory_bytes", "process"), ("gradwire_memory_bytes", "{{part}}"))),
)  # fmt: skip


def panels() -> list[Any]:
    """The panels, in reading order."""
    health = (
        stat.Panel()
        .title("Faults")
        .description("0: healthy; 1: the server stops, or its last commit met a fault.")
        .with_target(prometheus.Dataquery().expr("gradwire_draining + gradwire_store_write_failed"))
        .span(24)
        .height(3)
    )
    made: list[Any] = [health]
    for title, unit, queries in PANELS:
        panel = timeseries.Panel().title(title).unit(unit).span(12)
        for number, (expr, legend) in enumerate(queries):
            query = prometheus.Dataquery().expr(expr).legend_format(legend)
            panel = panel.with_target(query.ref_id(chr(ord("A") + number)))
        made.append(panel)
    return made


def build() -> dashboard.Dashboard:
    """The dashboard, as Grafana imports it."""
    made = (
        dashboard.Dashboard("gradwire: the server")
        .uid("gradwire-server")
        .tags(["gradwire"])
        .readonly()
        .time("now-1h", "now")
        .refresh("30s")
    )
    for panel in panels():
        made = made.with_panel(panel.datasource(SOURCE))
    return made


def text() -> str:
    """The file's text."""
    return str(JSONEncoder(sort_keys=True, indent=2).encode(build().build())) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
