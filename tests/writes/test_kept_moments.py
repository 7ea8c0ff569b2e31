"""Moments in views, defaults and CHECKs mean what they did to who wrote them, as in PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.conftest import Connect

_CREATED = (
    "SET TimeZone = 'Europe/Berlin'",
    "CREATE TEMP TABLE kept_moments (id int, t timestamptz DEFAULT '2020-01-01 00:00',"
    " u timestamptz DEFAULT '2020-01-01 12:00'::timestamptz + interval '1 hour',"
    " v timestamptz DEFAULT timestamp '2020-06-01 00:00', w timestamptz DEFAULT date '2020-06-01',"
    " s timestamp DEFAULT '2020-01-01 00:00+05'::timestamptz,"
    " d text DEFAULT ('2020-01-01'::timestamptz)::text,"
    " CHECK (t <> '2021-01-01 12:00'))",
    "CREATE TEMP VIEW kept_view AS SELECT id, timestamptz '2020-01-01 00:00' AS z,"
    " t >= '2020-01-01 00:00' AS since, timestamp '2020-01-01'::timestamptz AS moving,"
    " ('2020-01-01'::timestamptz)::date AS day, '{2020-01-01}'::timestamptz[] AS listed,"
    " '2020-01-01 12:00' AT TIME ZONE 'America/New_York' AS there FROM kept_moments",
    "INSERT INTO kept_moments (id) VALUES (1)",
)
_READ = (
    "INSERT INTO kept_moments (id) VALUES (2)",
    "SELECT * FROM kept_moments ORDER BY id",
    "SELECT * FROM kept_view ORDER BY id",
    "SELECT count(*) FROM kept_view WHERE z = timestamptz '2020-01-01 00:00'",
    "INSERT INTO kept_moments (id, t) VALUES (3, '2021-01-01 12:00+01')",
    "INSERT INTO kept_moments (id, t) VALUES (3, '2021-01-01 12:00')",
    "ALTER TABLE kept_moments ALTER COLUMN t SET DEFAULT '2022-01-01'",
    "ALTER TABLE kept_moments ADD COLUMN y timestamptz DEFAULT '2022-07-01'",
    "SET TimeZone = 'Asia/Tokyo'",
    "INSERT INTO kept_moments (id) VALUES (4)",
    "SELECT id, t, y FROM kept_moments ORDER BY id, t",
)
_CLOCKS = (
    "CREATE TEMP TABLE clocks (id int, t timestamp DEFAULT now(), d date DEFAULT current_date,"
    " l timestamp DEFAULT localtimestamp, c time DEFAULT localtime)",
    "INSERT INTO clocks (id) VALUES (1)",
    "SELECT t - now()::timestamp < interval '1 minute' AS t, now()::date - d < 2 AS d,"
    " l - t < interval '1 minute' AS l, c - t::time < interval '1 minute' AS c,"
    " localtimestamp - now()::timestamp < interval '1 minute' AS here,"
    " localtimestamp(0) = localtimestamp(0) AS rounded, current_timestamp(0) IS NULL AS missing"
    " FROM clocks",
)


def _answers(client: psycopg.Connection[Any], zone: str) -> list[object]:
    with client:
        read = (*_CREATED, f"SET TimeZone = '{zone}'", *_READ, *_CLOCKS)
        answers: list[object] = []
        for statement in read:
            try:
                found = client.execute(statement)
                answers.append([str(row) for row in found.fetchall()] if found.description else [])
            except psycopg.Error as error:
                answers.append(error.sqlstate)
        return answers


def test_they_are_of_the_zone_of_who_wrote_them(connect: Connect, postgres: Connect) -> None:
    for zone in ("America/New_York", "UTC"):
        assert _answers(connect(), zone) == _answers(
            postgres(user="postgres", dbname="postgres"), zone
        )
