"""Log lines: which statements have one, what is in it, and that no value of a client's is."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.observe.logs import Withheld, formatter
from gateway.passwords import make_verifier

SECRET = "hunter2"
NUMBER = "31415926"


@contextmanager
def logging_server(form: str = "text", **settings: Any) -> Iterator[tuple[App, io.StringIO]]:
    """A server, and what it logs from debug up: more than it ever does by itself."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    values = settings.get("log_statement_text", False)
    handler.setFormatter(formatter(form, values=values))
    logger = logging.getLogger("gateway")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with App(Settings(port=0, log_format=form, **settings)) as app:
            yield app, written
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def client(app: App, **options: Any) -> psycopg.Connection[Any]:
    host, port = app.address
    where = {"host": host, "port": port, "user": "u", "dbname": "d", **options}
    return psycopg.connect(autocommit=True, **where)


# What may bring a value into a log: each is sent, and most are refused.
STATEMENTS = [
    f"SELECT '{SECRET}' AS a, {NUMBER} AS b",
    f"SELEKT '{SECRET}'",
    f"SELECT '{SECRET}",
    f"SELECT $tag${SECRET}$tag$, E'{SECRET}' -- {SECRET}",
    f"SELECT '{SECRET}'::int AS a",
    f"SELECT {NUMBER}{NUMBER}{NUMBER}::int AS a",
    f"SELECT to_timestamp('{SECRET}', 'YYYY') AS a",
    f"INSERT INTO t VALUES ({NUMBER}), ({NUMBER})",
    f"INSERT INTO t SELECT '{SECRET}'",
    f"CREATE USER someone PASSWORD '{SECRET}'",
    f"SET statement_timeout = '{SECRET}'",
    f"SET my.setting TO {SECRET}",
    f"PREPARE p AS SELECT '{SECRET}' AS a; EXECUTE p; DEALLOCATE p",
    f"BEGIN; DECLARE c CURSOR FOR SELECT '{SECRET}' AS a; FETCH c; COMMIT",
    f"COPY (SELECT '{SECRET}' AS a) TO '/tmp/{SECRET}'",
    f"ATTACH DATASET '/data/{SECRET}.zarr' AS g",
    f"CREATE TABLE u (a text DEFAULT '{SECRET}' CHECK (a <> '{SECRET}'))",
    f"INSERT INTO u VALUES ('{SECRET}')",
    f"SELECT 1 / (a - {NUMBER}) AS a FROM t",
]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_value_is_logged(form: str) -> None:
    users = {"u": make_verifier(SECRET)}
    with logging_server(form, users=users, log_min_duration_statement=0) as (app, written):
        with pytest.raises(psycopg.OperationalError):
            client(app, password=SECRET + "x")
        with pytest.raises(psycopg.OperationalError):
            client(app, password=SECRET, options=f"-c statement_timeout={SECRET}")
        with client(app, password=SECRET) as connection:
            connection.execute("CREATE TABLE t (a int PRIMARY KEY)")
            for statement in STATEMENTS:
                try:
                    connection.execute(statement)
                except psycopg.Error:
                    connection.execute("ROLLBACK")
            with pytest.raises(psycopg.Error):
                connection.execute("SELECT %s::int AS a", [SECRET])
            with (
                pytest.raises(psycopg.Error),
                connection.cursor() as cursor,
                cursor.copy("COPY t FROM STDIN") as copy,
            ):
                copy.write(SECRET + "\n")
    text = written.getvalue()
    assert text.count("gateway.statements") > len(STATEMENTS)
    assert SECRET not in text and NUMBER not in text


def test_a_line_tells_what_a_statement_came_to() -> None:
    with (
        logging_server("json", log_min_duration_statement=0) as (app, written),
        client(app, application_name="the tests") as connection,
    ):
        connection.execute("SELECT n FROM generate_series(1, 7) AS s(n)").fetchall()
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0 AS z")
        pid = connection.info.backend_pid
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    good, bad = [line for line in lines if line["message"] == "statement"][-2:]
    assert (good["command"], good["rows"], good["sqlstate"]) == ("SELECT", 7, "00000")
    assert bad["sqlstate"] == "22012"
    assert good["duration_ms"] >= good["plan_ms"] > 0 and good["bytes"] > 7
    who = {"user": "u", "database": "d", "application_name": "the tests", "pid": pid}
    assert who.items() <= good.items()
    assert len(good["fingerprint"]) == 16 != bad["fingerprint"]
    assert good["time"].endswith("+00:00") and "statement" not in good


#    threshold in ms    lines
THRESHOLDS = [
    (-1,                0),
    (0,                 1),
    (60_000,            0),
]  # fmt: skip


@pytest.mark.parametrize(("threshold", "lines"), THRESHOLDS)
def test_only_statements_that_take_as_long_have_a_line(threshold: int, lines: int) -> None:
    with (
        logging_server(log_min_duration_statement=threshold) as (app, written),
        client(app) as connection,
    ):
        connection.execute("SELECT 1 AS one")
    assert written.getvalue().count("command=SELECT") == lines


def test_texts_are_shown_when_they_are_asked_for() -> None:
    settings = {"log_min_duration_statement": 0, "log_statement_text": True}
    with (
        logging_server(**settings) as (app, written),
        client(app) as connection,
        pytest.raises(psycopg.Error),
    ):
        connection.execute(f"SELECT '{SECRET}'::int AS a")
    assert f"statement=\"SELECT '{SECRET}'::int AS a\"" in written.getvalue()
    assert "invalid input syntax" in written.getvalue()


def record(**extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("gateway", logging.ERROR, "f.py", 1, "%s failed", ("it",), None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_tells_places_alone(form: str) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError as error:
        told = {"exc_info": (KeyError, error, error.__traceback__), "args": (Withheld(error),)}
        hidden = formatter(form).format(record(**told))
        shown = formatter(form, values=True).format(record(**told))
    assert SECRET not in hidden and "KeyError" in hidden and "ValueError" in hidden
    assert "test_logs.py" in hidden and shown.count(SECRET) > 2
