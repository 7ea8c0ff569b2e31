"""What pgAdmin 4 sends before anything else; it gives up where that is refused."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

ASK = "SELECT set_config('%s','%s',false) FROM pg_show_all_settings() WHERE name = '%s'"


def test_pgadmin_connects(connect: Connect) -> None:
    text = "SET DateStyle=ISO; SET client_min_messages=notice; %s; SET client_encoding='UTF8';"
    cursor = connect().execute((text % ASK % ("bytea_output", "hex", "bytea_output")).encode())
    assert cursor.nextset() and cursor.nextset() and cursor.fetchall() == [("hex",)]


def test_a_setting_that_there_is_not_is_not_set(connect: Connect) -> None:
    client = connect()
    assert client.execute((ASK % ("no_such", "x", "no_such")).encode()).fetchall() == []
    other = ASK % ("application_name", "mine", "work_mem")
    assert client.execute(other.encode()).fetchall() == [("mine",)]
    assert client.execute("SHOW application_name").fetchone() == ("mine",)


def test_set_config_once_for_each_row_is_refused(connect: Connect) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="beside FROM or WHERE"):
        connect().execute("SELECT set_config('application_name', 'x', false) FROM ncep.winds")
