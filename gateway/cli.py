"""The command: serve, backup, demo, check, explain, passwd.

A mistake is one clear line on standard error and exit code 1, never a traceback.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gateway import __version__
from gateway.app import App, explain
from gateway.catalog.datasets import open_within
from gateway.config import Dataset, Settings, load
from gateway.errors import GatewayError
from gateway.observe.logs import write_log
from gateway.passwords import make_verifier
from gateway.signals import heard
from gateway.sources.table import columns_of
from gateway.store.disk import backup
from gateway.users import write_user
from gateway.wire.connection.admission import admission_of

command = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A PostgreSQL server for gridded science data, in which any client can differentiate.",
)

BUNDLED = Dataset(name="ncep", uri="bundled:ncep")

ConfigOption = Annotated[Path | None, typer.Option(help="YAML file of settings.")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
DirOption = Annotated[Path | None, typer.Option(help="Directory of the tables clients make.")]


def main() -> None:
    """Run the command line."""
    try:
        command()
    except GatewayError as error:
        _end(_told(error))
    except OSError as error:
        _end(str(error))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradwire {__version__}")
        raise typer.Exit


@command.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """Options before the command."""


@command.command()
def serve(
    config: ConfigOption = None,
    host: HostOption = None,
    port: PortOption = None,
    data_dir: DirOption = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve /metrics and /healthz on this port of 127.0.0.1.")
    ] = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C; without a configuration, user tables alone."""
    given: dict[str, Any] = {"host": host, "port": port, "data_dir": data_dir}
    if metrics_port is not None:
        given["metrics"] = {"port": metrics_port}
    settings = load(config, os.environ, given)
    write_log(settings.log_level, settings.log_format, values=settings.log_statement_text)
    with _stop_signals() as stopped, _listening(settings) as app:
        if settings.data_dir is None:
            _say(f"user tables are kept in {app.store.directory} until the server stops")
        # What is here now stays: walked by the collector again and again, it stops every client for
        # some 0.1 s each time.
        gc.collect()
        gc.freeze()
        # The trees that are kept for all clients are walked again as often as a quarter of them is
        # new, some 0.2 s each time: five times as seldom costs 40 MB of trees that are over.
        gc.set_threshold(700, 10, 50)
        if app.metrics_address is not None:
            _say("metrics at http://{}:{}/metrics".format(*app.metrics_address))
        _say("listening on {}:{}".format(*app.address))
        stopped.wait()
        gc.freeze()  # nor what thousands of clients hold, while one after the other goes


@command.command(name="backup")
def back_up(
    data_dir: Annotated[Path, typer.Argument(help="Directory of the tables clients make.")],
    target: Annotated[Path, typer.Argument(help="Where the copy goes: a new directory.")],
) -> None:
    """Copy the user tables, while their server runs or not; to restore, serve the copy."""
    backup.back_up(data_dir, target)
    _say(f"copied {data_dir} to {target}")


@command.command(name="demo")
def demonstrate(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 5433,
    leave: Annotated[bool, typer.Option("--exit", help="End after the queries.")] = False,
) -> None:
    """Serve the bundled dataset, and show three derivatives of it."""
    # A client's libraries: a server that is started again has no use for them.
    import psycopg
    from rich.console import Console

    from gateway import demo

    settings = load(None, {}, {"port": port, "datasets": [BUNDLED]})
    write_log(settings.log_level)
    console = Console()
    with _stop_signals() as stopped, _listening(settings) as app:
        host, bound = app.address
        try:
            demo.run(host, bound, console)
        except psycopg.Error as error:
            _end(str(error).partition("\n")[0])
        _say(f"psql -h {host} -p {bound} -U demo gradwire")
        _say(r"in psql, \d ncep.* shows the tables, and EXPLAIN (REWRITE) what a grad becomes")
        if not leave:
            _say("serving until Ctrl-C")
            stopped.wait()


@command.command()
def check(config: ConfigOption = None) -> None:
    """Name every mistake of a configuration, try its key, and open every dataset."""
    settings = load(config, os.environ)
    admission_of(settings)
    failed = False
    for dataset in settings.datasets:
        try:
            tables = open_within(dataset, settings.open_seconds)
        except GatewayError as error:
            failed = True
            _say(f"{dataset.name}: {_told(error)}")
            continue
        found = (f"{name} ({', '.join(columns_of(table))})" for name, table in tables.items())
        _say(f"{dataset.name}: " + "; ".join(found))
    if failed:
        raise typer.Exit(1)
    _say("no mistakes")


@command.command(name="explain")
def explain_statement(
    sql: Annotated[str, typer.Argument(help="A statement, in quotes.")],
    config: ConfigOption = None,
) -> None:
    """Print the SQL that will run; without a configuration, over the bundled dataset."""
    settings = Settings(datasets=[BUNDLED]) if config is None else load(config, os.environ)
    for line in explain(settings, sql):
        typer.echo(line)


@command.command()
def passwd(
    name: Annotated[str, typer.Argument(help="A user's name.")],
    config: Annotated[
        Path | None, typer.Option(help="Write the user into this YAML file of settings.")
    ] = None,
) -> None:
    """Ask for a password, and write the user's line, or print it."""
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        _end("the password is empty")
    verifier = make_verifier(password)
    if config is None:
        typer.echo(f"{json.dumps(name)}: {verifier}")
        return
    write_user(config, name, verifier)
    _say(f"{name} may connect once the server of {config} has been started again")


@contextmanager
def _listening(settings: Settings) -> Iterator[App]:
    """A started App; a port that is taken is told as such."""
    try:
        app = App(settings)
    except OSError as error:
        where = f"port {settings.port} of {settings.host}"
        if error.errno == errno.EADDRINUSE:
            _end(f"{where} is taken; choose another with --port, or --port 0 for any")
        if error.errno == errno.EACCES:
            _end(f"{where} may not be used by this user; choose one from 1024 up")
        raise
    _serving.append(app)
    try:
        with app:
            yield app
    finally:
        _serving.remove(app)


_LAST_SECONDS = 20.0

# The servers that signals are about, in this process: one, or none.
_serving: list[App] = []


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, from before the first connection on."""
    stopped = threading.Event()

    def stop() -> None:
        if stopped.is_set():
            for app in _serving:
                threading.Thread(target=app.stop_now, name="gradwire-stop", daemon=True).start()
            # What the engine will not let go of is left to the system; commits are on disk.
            last = threading.Timer(_LAST_SECONDS, os._exit, (1,))
            last.daemon = True
            last.start()
        stopped.set()

    actions: dict[int, Callable[[], None]] = {signal.SIGTERM: stop, signal.SIGINT: stop}
    if hasattr(signal, "SIGUSR1"):
        actions[signal.SIGUSR1] = _copy_tables
    with heard(actions):
        yield stopped


def _copy_tables() -> None:
    """Make the copy that `gradwire backup` asked for."""
    for app in _serving:
        threading.Thread(target=app.store.answer_backup, name="backup").start()


def _told(error: GatewayError) -> str:
    return "; ".join(part for part in (str(error), error.detail, error.hint) if part)


def _say(line: str) -> None:
    print(f"gradwire: {line}", flush=True)


def _end(line: str) -> NoReturn:
    """Tell what is wrong, and end with exit code 1."""
    print(f"gradwire: {line}", file=sys.stderr, flush=True)
    raise SystemExit(1)
