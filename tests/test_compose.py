"""docker-compose.yml and what it mounts, as far as they can be tried without a Docker engine.

The gateway's own command runs, every panel of the dashboard is asked of a running gateway as
Grafana asks it, and Metabase's setup talks to something that answers like Metabase.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import App
from gateway.config import Metrics, Settings
from tests.conftest import Connect

ROOT = Path(__file__).parents[1]
GRAFANA = ROOT / "config" / "grafana"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DASHBOARD = json.loads((GRAFANA / "dashboards" / "derivatives.json").read_text())
CHOSEN = {"GATEWAY_PASSWORD": "g$e 1", "GRAFANA_PASSWORD": "f", "METABASE_PASSWORD": "m"}


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed; it comes with the extra dev")
    return found


# The files


def test_compose_reads_the_file() -> None:
    command = [tool("docker-compose"), "--file", str(ROOT / "docker-compose.yml"), "config", "-q"]
    done = subprocess.run(command, env=os.environ | CHOSEN, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_asks_for_the_passwords() -> None:
    command = [tool("docker-compose"), "--file", str(ROOT / "docker-compose.yml"), "config", "-q"]
    env = {name: value for name, value in os.environ.items() if name not in CHOSEN}
    done = subprocess.run([*command], env=env, capture_output=True, text=True, cwd="/")
    assert done.returncode != 0
    assert "copy .env.example to .env" in done.stderr


def test_the_dockerfile_has_no_fault() -> None:
    done = subprocess.run(
        [tool("hadolint"), str(ROOT / "config" / "Dockerfile")], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_closed(name: str) -> None:
    """Read-only, without capabilities but what the one needs that hands out a volume."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) in ([], ["CHOWN"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert ("healthcheck" in service) == (service.get("restart") == "unless-stopped")


def test_no_password_stands_in_a_file() -> None:
    example = (ROOT / ".env.example").read_text()
    assert re.findall(r"^\w*PASSWORD=(.*)$", example, re.M) == ["", "", ""]
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert value.startswith("${"), variable


# The gateway


def test_the_gateway_s_command_serves_with_the_password(tmp_path: Path) -> None:
    """The very shell command of the file, with another port, directory and configuration."""
    [command] = SERVICES["gateway"]["command"]
    script = command.replace("$$", "$").replace(
        "/etc/gradwire/gateway.yaml", str(ROOT / "config" / "gateway.compose.yaml")
    )
    script = script.replace("gradwire serve", f"{sys.executable} -m gateway serve --port 0")
    script = script.replace("gradwire passwd", f"{sys.executable} -m gateway passwd")
    env = os.environ | {
        "PGUSER": "gradwire",
        "PGPASSWORD": CHOSEN["GATEWAY_PASSWORD"],
        "GRADWIRE_HOST": "127.0.0.1",
        "GRADWIRE_DATA_DIR": str(tmp_path),
    }
    with subprocess.Popen(
        ["sh", "-c", script], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            heard = next(line for line in process.stdout if "listening" in line)
            port = int(heard.rpartition(":")[2])
            where = {"host": "127.0.0.1", "port": port, "user": "gradwire", "dbname": "gradwire"}
            with psycopg.connect(password=CHOSEN["GATEWAY_PASSWORD"], **where) as connection:
                row = connection.execute("SELECT count(*) FROM ncep.sst").fetchone()
            assert row == (27_000,)
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(password="another", **where)
        finally:
            process.terminate()


# Grafana: https://grafana.com/docs/grafana/latest/datasources/postgres/query-editor/#macros

YEAR_SECONDS = 365 * 86_400


def expanded(sql: str) -> str:
    """The text that Grafana sends for a panel's query."""
    start, end = (DASHBOARD["time"][side] for side in ("from", "to"))
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN '{start}' AND '{end}'", sql)
    grouped = rf"floor(extract(epoch from \1)/{YEAR_SECONDS})*{YEAR_SECONDS}"
    sql = re.sub(r"\$__timeGroup\((\w+), *'1y'\)", grouped, sql)
    for variable in DASHBOARD["templating"]["list"]:
        sql = sql.replace("$" + variable["name"], variable["query"].split(",")[0])
    assert "$" not in sql
    return sql


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_every_panel_has_something_to_draw(panel: dict[str, Any], connect: Connect) -> None:
    [target] = panel["targets"]
    cursor = connect().execute(expanded(target["rawSql"]))
    rows = cursor.fetchall()
    assert len(rows) > 5
    names = [column.name for column in cursor.description or ()]
    if target["format"] == "time_series":
        assert names[0] == "time"
        assert all(isinstance(row[0], datetime | float) for row in rows)
    else:
        assert (panel["options"] or {}).get("xField", names[0]) == names[0]
    assert all(isinstance(value, float) for row in rows for value in row[1:])


def test_panels_ask_for_derivatives() -> None:
    asked = [panel["targets"][0]["rawSql"] for panel in DASHBOARD["panels"]]
    assert sum("grad(" in sql for sql in asked) >= 4


def test_the_dashboard_is_what_its_program_writes() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="the extra dev brings Grafana's SDK")
    program = runpy.run_path(str(GRAFANA / "make_dashboard.py"))
    assert program["TARGET"].read_text() == program["text"]()


def test_the_server_s_dashboard_is_what_its_program_writes() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="the extra dev brings Grafana's SDK")
    program = runpy.run_path(str(GRAFANA / "make_server_dashboard.py"))
    assert program["TARGET"].read_text() == program["text"]()


def test_the_server_s_dashboard_asks_for_metrics_that_there_are() -> None:
    """Every name in PromQL, and every label that it compares or groups by."""
    with App(Settings(port=0, metrics=Metrics(port=0))) as app:
        assert app.metrics_address is not None
        with psycopg.connect("user=u dbname=d", host=app.address[0], port=app.address[1]) as client:
            client.execute("SELECT 1 AS one")
        with urlopen("http://{}:{}/metrics".format(*app.metrics_address)) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples]
    names = {sample.name for sample in samples}
    labels = {label for sample in samples for label in sample.labels}
    server = json.loads((GRAFANA / "dashboards" / "server.json").read_text())
    asked = [target["expr"] for panel in server["panels"] for target in panel["targets"]]
    assert len(asked) > 20
    for expr in asked:
        assert set(re.findall(r"\b(?:gradwire|process)_\w+", expr)) <= names, expr
        grouped = set(re.findall(r"by \((\w+)\)", expr))
        compared = set(re.findall(r"(\w+)!?=\"", expr))
        assert grouped | compared <= labels, expr
    assert set(re.findall(r"{{(\w+)}}", json.dumps(server))) <= labels


def test_prometheus_reads_the_gateway() -> None:
    path = GRAFANA / "provisioning" / "datasources" / "prometheus.yaml"
    [source] = yaml.safe_load(path.read_text())["datasources"]
    server = json.loads((GRAFANA / "dashboards" / "server.json").read_text())
    assert {panel["datasource"]["uid"] for panel in server["panels"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090" and "prometheus" in SERVICES
    scraped = yaml.safe_load((ROOT / "config" / "prometheus.yml").read_text())["scrape_configs"]
    told = yaml.safe_load(SERVICES["gateway"]["environment"]["GRADWIRE_METRICS"])
    assert scraped[0]["static_configs"] == [{"targets": [f"gateway:{told['port']}"]}]
    assert all("9187" not in port for port in SERVICES["gateway"]["ports"])


def test_the_data_source_is_the_gateway() -> None:
    path = GRAFANA / "provisioning" / "datasources" / "gradwire.yaml"
    [source] = yaml.safe_load(path.read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    assert {panel["datasource"]["type"] for panel in DASHBOARD["panels"]} == {source["type"]}
    used = set(re.findall(r"\$(\w+)", path.read_text()))
    assert used <= set(SERVICES["grafana"]["environment"])


# Metabase


class Metabase(BaseHTTPRequestHandler):
    """Answers like a new Metabase, once; keeps what it was told."""

    told: ClassVar[list[tuple[str, dict[str, Any], str]]] = []

    def do_GET(self) -> None:
        new = not self.told
        self._answer({"has-user-setup": not new, "setup-token": "t-1" if new else None})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told.append((self.path, body, self.headers["X-Metabase-Session"]))
        self._answer({"id": "session-1" if self.path == "/api/setup" else 1})

    def _answer(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the tests' output."""


@contextmanager
def new_metabase() -> Iterator[str]:
    Metabase.told.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Metabase) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_metabase_is_set_up_once() -> None:
    set_up = runpy.run_path(str(ROOT / "config" / "metabase" / "setup.py"))["set_up"]
    env = dict.fromkeys(SERVICES["metabase-setup"]["environment"], "x") | {"PGPORT": "5433"}
    with new_metabase() as url:
        assert set_up(url, env) is True
        assert set_up(url, env) is False
    [setup, database] = Metabase.told
    assert setup[0] == "/api/setup"
    assert setup[1]["token"] == "t-1"
    assert database[0] == "/api/database"
    assert database[1]["details"]["port"] == 5433
    assert database[2] == "session-1"
