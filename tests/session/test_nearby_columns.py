"""A name that means no column: which ones PostgreSQL says it may have been meant for."""

from __future__ import annotations

import psycopg
import pytest

TABLES = """
CREATE SCHEMA nearby; SET search_path TO nearby;
CREATE TABLE winds (time int, latitude float8, longitude float8, uwnd float4, vwnd float4);
CREATE TABLE sst (time int, latitude float8, sst float4)
"""
# One row per query: what PostgreSQL 15 adds to 'column ... does not exist'.
HINTS = {
    "SELECT uwind FROM winds": 'Perhaps you meant to reference the column "winds.uwnd".',
    "SELECT w.uwind FROM winds w": 'Perhaps you meant to reference the column "w.uwnd".',
    "SELECT wnd FROM winds": 'Perhaps you meant to reference the column "winds.uwnd"'
    ' or the column "winds.vwnd".',
    "SELECT tiem FROM winds, sst": 'Perhaps you meant to reference the column "winds.time"'
    ' or the column "sst.time".',
    "SELECT w.sst FROM winds w, sst s": 'Perhaps you meant to reference the column "s.sst".',
    "SELECT 1 FROM winds w JOIN sst s ON w.time = s.tim":
        'Perhaps you meant to reference the column "s.time".',
    "SELECT 1 FROM winds WHERE latitud > 0":
        'Perhaps you meant to reference the column "winds.latitude".',
    "SELECT temperature FROM winds": None,
    "SELECT x FROM winds": None,
    "SELECT lat FROM winds": None,
    "SELECT latitud FROM winds w": 'Perhaps you meant to reference the column "w.latitude".',
    "SELECT 1 FROM winds w WHERE EXISTS (SELECT 1 FROM sst s WHERE s.latitude = uwmd)":
        'Perhaps you meant to reference the column "w.uwnd".',
    "SELECT w.latitude FROM winds w ORDER BY w.longitud":
        'Perhaps you meant to reference the column "w.longitude".',
    "SELECT latitude FROM winds GROUP BY latitude HAVING sum(uwnb) > 1":
        'Perhaps you meant to reference the column "winds.uwnd".',
    "SELECT s.ssy FROM winds w, sst s": 'Perhaps you meant to reference the column "s.sst".',
    "SELECT a.q FROM (SELECT 1 AS p) a": None,
    "SELECT v.hights FROM (SELECT 1 AS height) v":
        'Perhaps you meant to reference the column "v.height".',
    'SELECT "LATITUDE" FROM winds': None,
}  # fmt: skip
# What is told here where PostgreSQL tells nothing.
OURS = {
    "SELECT lat FROM winds": 'Perhaps you meant to reference the column "winds.latitude".',
    'SELECT "LATITUDE" FROM winds':
        'Perhaps you meant to reference the column "winds.latitude".',
    'SELECT time FROM winds WHERE latitude = "north"':
        "A string is written in single quotes: 'north'.",
    "SELECT time FROM winds WHERE uwnd = nan": "Write 'NaN'::float8.",
    **{
        query: "Rows have no such system column here; name them by a key."
        for query in (
            "SELECT ctid FROM winds", "SELECT w.xmin FROM winds w",
            "UPDATE winds SET time = 1 WHERE ctid = '(0,1)'", "DELETE FROM winds WHERE ctid > 0",
            "UPDATE winds SET time = 1 WHERE EXISTS (SELECT 1 FROM sst WHERE winds.ctid = 5)",
            "MERGE INTO winds w USING sst s ON w.ctid = 3 WHEN MATCHED THEN DELETE",
        )
    },
}  # fmt: skip


def _hint(connection: psycopg.Connection[object], query: str) -> str | None:
    with pytest.raises(psycopg.errors.UndefinedColumn) as raised:
        connection.execute(query.encode())
    return raised.value.diag.message_hint


def _check(connection: psycopg.Connection[object], hints: dict[str, str | None]) -> None:
    for statement in TABLES.split(";"):
        connection.execute(statement.encode())
    try:
        assert {query: _hint(connection, query) for query in hints} == hints
    finally:
        connection.execute("DROP SCHEMA nearby CASCADE")


def test_hints(connect) -> None:
    with connect() as connection:
        _check(connection, HINTS | OURS)


def test_hints_of_postgresql(postgres) -> None:
    with postgres() as connection:
        _check(connection, HINTS)
