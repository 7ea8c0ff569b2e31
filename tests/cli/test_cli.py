"""The command as a user runs it: its lines, its exit codes, its end."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import psycopg
import pytest

from gateway import __version__
from gateway.cli import main
from gateway.config import load
from gateway.passwords import make_verifier, read_verifier
from tests.wire import certificates

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("GRADWIRE_")
}


@dataclass
class Ended:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def gradwire(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs a command in this process, as `gradwire WORDS`."""
    for name in os.environ.keys() - ENVIRONMENT.keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(ROOT)
    # A command sets its process's log up; here others read it afterwards.
    for logger in (logging.getLogger("gateway"), logging.getLogger("gateway.statements")):
        for name in ("handlers", "propagate", "level"):
            monkeypatch.setattr(logger, name, getattr(logger, name))

    def run(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["gradwire", *words])
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out, told.err)

    return run


# `python -m gateway`, heeding Ctrl-C although a shell that runs the tests in its background has its
# children ignore it.
GATEWAY = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("gateway", run_name="__main__", alter_sys=True)
"""


@contextmanager
def serving(*words: str) -> Iterator[tuple[subprocess.Popen[str], list[str], int]]:
    """A server in a process of its own: the process, its lines so far, its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if found := re.search(r"(?:127\.0\.0\.1:|-p )(\d+)", line):
                yield process, lines, int(found[1])
                break
        else:
            raise AssertionError((lines, process.stderr and process.stderr.read()))
    finally:
        process.terminate()
        process.communicate(timeout=600)


def ask(port: int, sql: str, **options: object) -> list[tuple[object, ...]]:
    arguments = {"user": "anyone", "dbname": "anything", "autocommit": True} | options
    with psycopg.connect(host="127.0.0.1", port=port, **arguments) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_tells_its_address_and_ends_cleanly(number: signal.Signals) -> None:
    with serving("serve", "--port", "0") as (process, lines, port):
        kept, listening = lines
        assert re.fullmatch(r"gradwire: listening on 127\.0\.0\.1:\d+", listening)
        directory = Path(kept.split(" are kept in ")[1].split(" until ")[0])
        assert directory.is_dir()
        assert ask(port, "SELECT 1 + 1 AS two") == [(2,)]
        process.send_signal(number)
        _, complaints = process.communicate(timeout=600)
        assert (process.returncode, complaints) == (0, "")
    assert not directory.exists()


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("shutdown_seconds: 600\n")
    endless = b"SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)"
    with (
        serving("serve", "--port", "0", "--config", str(path)) as (process, _, port),
        closing(psycopg.connect(host="127.0.0.1", port=port, user="a", dbname="b")) as connection,
    ):
        connection.pgconn.send_query(endless)
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query ~ '^SELECT sum'"
        while not ask(port, running):
            pass
        process.send_signal(signal.SIGTERM)
        with pytest.raises(psycopg.OperationalError):
            while True:  # it takes no new clients once it drains
                ask(port, "SELECT 1")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=600)
        assert (process.returncode, complaints) == (0, "")


def test_serve_keeps_tables_in_its_directory(tmp_path: Path) -> None:
    words = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    with serving(*words) as (_, lines, port):
        assert len(lines) == 1
        with psycopg.connect(
            host="127.0.0.1", port=port, user="a", dbname="b", autocommit=True
        ) as connection:
            connection.execute("CREATE TABLE kept (x double precision)")
            connection.execute("INSERT INTO kept VALUES (1.5)")
    with serving(*words) as (_, _, port):
        assert ask(port, "SELECT x, grad(x * x, x) FROM kept") == [(1.5, 3.0)]


def test_serve_runs_the_example_configuration() -> None:
    words = ("serve", "--config", "config/gateway.yaml", "--port", "0")
    with serving(*words) as (_, _, port):
        assert ask(port, "SELECT count(*) FROM ncep.winds") == [(126_144,)]


def test_users_must_know_their_password(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(f"port: 0\nusers:\n  alice: {make_verifier('wonder')}\n")
    with serving("serve", "--config", str(path)) as (_, _, port):
        assert ask(port, "SELECT 1 AS v", user="alice", password="wonder") == [(1,)]
        for wrong in ({"user": "alice", "password": "x"}, {"user": "bob", "password": "wonder"}):
            with pytest.raises(psycopg.OperationalError, match="authentication failed"):
                ask(port, "SELECT 1", **wrong)


def test_demo_shows_three_derivatives_that_agree(gradwire) -> None:
    shown = gradwire("demo", "--exit", "--port", "0")
    assert (shown.returncode, shown.stderr) == (0, "")
    rows = re.findall(r"│ +(\S+) │ +(\S+) │\n", shown.stdout)
    assert len(rows) == 5 + 5 + 3
    for derivative, difference in rows:
        assert float(derivative) == pytest.approx(float(difference), rel=1e-7, abs=1e-8)
    assert re.search(
        r"^gradwire: psql -h 127\.0\.0\.1 -p \d+ -U demo gradwire$", shown.stdout, re.M
    )


def test_demo_serves_until_it_is_told_to_stop() -> None:
    with serving("demo", "--port", "0") as (process, _, port):
        assert ask(port, "SELECT count(*) FROM ncep.sst") == [(27_000,)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=600)
        assert process.returncode == 0


@pytest.mark.parametrize("words", [("demo", "--exit"), ("serve",)], ids=" ".join)
def test_a_port_that_is_taken_is_one_clear_line(gradwire, words: tuple[str, ...]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = gradwire(*words, "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"gradwire: port {port} of 127.0.0.1 is taken; choose another with --port, "
        "or --port 0 for any\n"
    )


REFUSED = [
    (("serve", "--config", "nowhere.yaml"), "nowhere.yaml: No such file or directory"),
    (("serve", "--host", "0.0.0.0"), "--host, host: without users, 0.0.0.0 would let everyone in"),
    (("serve", "--port", "70000"), "--port, port: input should be less than or equal to 65535"),
    (("serve", "--data-dir", "LICENSE"), "LICENSE"),
    (("explain", "SELECT grad(x, x)"), 'column "x" does not exist'),
    (("explain", "SELEC 1"), "syntax error"),
    (("passwd", "alice"), "the password is empty"),
]


@pytest.mark.parametrize(("words", "line"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_mistake_is_one_clear_line(gradwire, words: tuple[str, ...], line: str) -> None:
    ended = gradwire(*words)
    assert ended.returncode == 1
    assert line in ended.stderr
    assert ended.stderr.startswith("gradwire: ")
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_check_names_every_mistake(gradwire, tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("prot: 1\nport: x\n")
    ended = gradwire("check", "--config", str(path))
    assert ended.returncode == 1
    assert "line 1, prot" in ended.stderr and "line 2, port" in ended.stderr


def test_check_opens_every_dataset(gradwire, tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "datasets:\n- {name: ncep, uri: 'bundled:ncep'}\n- {name: gone, uri: gone.zarr}\n"
        "- {name: other, uri: 'bundled:other'}\n"
    )
    ended = gradwire("check", "--config", str(path))
    assert ended.returncode == 1
    good, gone, other = ended.stdout.splitlines()
    assert good.startswith("gradwire: ncep: ncep.")
    assert "winds (time, latitude, longitude, uwnd, vwnd)" in good
    assert gone.startswith("gradwire: gone: ") and "gone.zarr" in gone
    assert other.startswith('gradwire: other: no dataset "bundled:other"')
    assert gradwire("check", "--config", "config/gateway.yaml").returncode == 0


def test_explain_prints_the_sql_that_will_run(gradwire) -> None:
    told = gradwire("explain", "SELECT grad(uwnd * uwnd, uwnd) FROM ncep.winds")
    assert told.returncode == 0
    assert "uwnd" in told.stdout and "grad(" not in told.stdout


def test_passwd_prints_a_users_entry(gradwire, tmp_path: Path) -> None:
    told = gradwire("passwd", "alice", stdin="wonder\n")
    assert re.fullmatch(r'"alice": SCRAM-SHA-256\$4096:\S+\n', told.stdout)
    path = tmp_path / "gateway.yaml"
    path.write_text(f"users:\n  {told.stdout}")
    assert gradwire("check", "--config", str(path)).returncode == 0


def test_passwd_writes_into_the_settings(gradwire, tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("port: 0  # any\nusers:\n  # the first\n  alice: SCRAM-SHA-256$4096:c2Fs$x:y\n")
    for name in ("alice", "bob"):
        assert gradwire("passwd", name, "--config", str(path), stdin="wonder\n").returncode == 0
    settings = load(path, {})
    assert list(settings.users) == ["bob", "alice"] or list(settings.users) == ["alice", "bob"]
    assert "# any" in path.read_text() and "# the first" in path.read_text()
    assert all(read_verifier(text) for text in settings.users.values())


def test_check_tries_the_key(gradwire, tmp_path: Path) -> None:
    reason = certificates.missing()
    if reason is not None:
        pytest.skip(reason)
    made = certificates.make(tmp_path)
    path = tmp_path / "gateway.yaml"
    path.write_text("tls_certificate: authority.crt\ntls_key: authority.key\n")
    assert gradwire("check", "--config", str(path)).returncode == 0
    _, other = made.server()
    path.write_text(f"tls_certificate: authority.crt\ntls_key: {other}\n")
    ended = gradwire("check", "--config", str(path))
    assert ended.returncode == 1
    assert f"the key in {other} is not that of the certificate in {made.authority}" in ended.stderr


def test_the_version_is_told(gradwire) -> None:
    assert gradwire("--version").stdout == f"gradwire {__version__}\n"


def test_a_start_without_datasets_loads_no_library_for_them() -> None:
    unused = {"xarray", "zarr", "netCDF4", "fsspec", "cftime", "prometheus_client", "psycopg"}
    script = f"import sys, gateway.cli; print(sorted({unused!r} & set(sys.modules)))"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_installed_command_is_the_same() -> None:
    for command in (["gradwire"], [sys.executable, "-m", "gateway"]):
        told = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert told.stdout == f"gradwire {__version__}\n"
