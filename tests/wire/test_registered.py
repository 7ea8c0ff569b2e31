"""Values of regclass, regtype and their like, void and unknown: the bytes that PostgreSQL 15 sends.

`registered.json` holds its answers, text and binary; where PostgreSQL is installed the record
itself is checked, and `pytest --rewrite` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

RECORD = Path(__file__).with_name("registered.json")

# type -> texts that are sent as a parameter of it
SENT: dict[str, tuple[str, ...]] = {
    "regclass": ("pg_class", "1259", "pg_catalog.pg_type", "0", "-", "99999999", "nothing"),
    "regtype": ("int4", "timestamp with time zone", "23", "-", "integer[]", "nothing"),
    "regproc": ("now", "1299", "-", "nothing"),
    "regprocedure": ("sum(int4)", "now()", "nothing(int)"),
    "regoperator": ("+(int4,int4)", "-(int8, int8)"),
    "regnamespace": ("pg_catalog", "11", "nothing"),
    "regrole": ("postgres", "10", "nothing"),
    "regcollation": ('"C"',),
    "regconfig": ("english", "simple"),
    "regdictionary": ("simple",),
    "regclass[]": ("{pg_class,1247,NULL}", "{}"),
    "regtype[]": ("{int4,text[]}",),
}
# Expressions.
WRITTEN = (
    *("'pg_class'::regclass", "1259::regclass", "99999999::regclass", "0::regclass"),
    *("NULL::regclass", "pg_typeof(1)", "ARRAY['int4'::regtype]"),
    "ARRAY['pg_class'::regclass, NULL]",
    *("'=(int4,int4)'::regoperator", "'{pg_class,pg_type}'::regclass[]", "'\"C\"'::regcollation"),
    *("pg_sleep(0)", "'x'", "NULL", "'pg_class'::regclass::oid", "'pg_class'::regclass::text"),
)  # fmt: skip
QUERIES = [(f"SELECT $1::{kind}", text) for kind, texts in SENT.items() for text in texts]
QUERIES += [(f"SELECT {written}", None) for written in WRITTEN]


def answer(connection: psycopg.Connection, query: str, given: str | None) -> list[object]:
    """The type, the text, and the binary bytes in hex; or the SQLSTATE and the message."""
    answers: list[object] = []
    values = None if given is None else [given.encode()]
    for binary in (0, 1):
        found = connection.pgconn.exec_params(query.encode(), values, result_format=binary)
        if not found.ntuples:
            field = psycopg.pq.DiagnosticField
            parts = (field.SQLSTATE, field.MESSAGE_PRIMARY)
            return [(found.error_field(part) or b"").decode() for part in parts]
        data = found.get_value(0, 0)
        shown = data if data is None else data.hex() if binary else data.decode()
        answers += [shown] if binary else [found.ftype(0), shown]
    return answers


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[object]]:
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def named(query: str, given: str | None) -> str:
    return query if given is None else f"{query} <- {given}"


def test_the_gateway_sends_the_same_bytes(connect, recorded) -> None:
    connection = connect(user="postgres")
    found = {named(*each): answer(connection, *each) for each in QUERIES}
    assert found == recorded


def test_the_record_is_what_postgresql_answers(postgres_port, recorded, rewriting) -> None:
    dsn = f"host=127.0.0.1 port={postgres_port} user=postgres dbname=postgres"
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = {named(*each): answer(connection, *each) for each in QUERIES}
    if rewriting:
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
        return
    assert found == recorded
