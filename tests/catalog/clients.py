"""Statements that clients were recorded to send about the catalogue, and how two servers answer.

`tests/golden/clients/<client>.json` holds the statements; `record_clients` makes the files. In a
statement `{{oid:public.air}}` stands for the oid of a table and `{{oid:@type.air}}` for that of its
row type, which differ from server to server: `answer` puts them in, and takes every oid of a
user's object out of what comes back, so that two servers' answers compare. Rows about the schema
gradwire, which PostgreSQL has not, are left out, and so is what its later releases added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

GOLDEN = Path(__file__).parents[1] / "golden" / "clients"
TABLES = """
CREATE TABLE public.air ("time" timestamp, lat float8, lon float8, air float8);
CREATE SCHEMA era5;
CREATE TABLE era5.surface ("time" timestamp, latitude float8, longitude float8, t2m real, sp real);
CREATE TABLE era5.atmosphere
  ("time" timestamp, level bigint, latitude float8, longitude float8, t real, q real);
"""
# The oids of what is in the schema gradwire.
_OWN = """
WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = 'gradwire')
SELECT oid FROM own
UNION ALL SELECT oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM own)
UNION ALL SELECT oid FROM pg_type WHERE typnamespace IN (SELECT oid FROM own)
"""
# What PostgreSQL 15.20 has and 15.18 had not, whose catalogue is kept here: versions of columns.
_LATER_FUNCTIONS = {"binary_upgrade_set_next_attribute_versions"}
_LATER_OPTIONS = re.compile(r"\{pg_attver=\d+\}")
# Every object of a user's, under a name that is the same on each server.
_OIDS = """
SELECT oid, 'class ' || relname FROM pg_class WHERE oid >= 16384
UNION ALL SELECT oid, 'type ' || typname FROM pg_type WHERE oid >= 16384
UNION ALL SELECT oid, 'namespace ' || nspname FROM pg_namespace WHERE oid >= 16384
UNION ALL SELECT oid, 'constraint ' || conname FROM pg_constraint WHERE oid >= 16384
"""


@dataclass(frozen=True)
class Sent:
    """A statement as a client sent it."""

    client: str
    number: str
    sql: str

    @property
    def name(self) -> str:
        return f"{self.client}/{self.number}"


@dataclass
class Answer:
    """What came back: columns with their type oids, and the cells as text."""

    columns: list[list[Any]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    code: str = ""


class Server:
    """A server to ask.

    Args:
        connection: In autocommit.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        result = connection.pgconn.exec_(_OIDS.encode())
        pairs = [
            ((result.get_value(n, 0) or b"").decode(), (result.get_value(n, 1) or b"").decode())
            for n in range(result.ntuples)
        ]
        own = connection.pgconn.exec_(_OWN.encode())
        own_oids = {(own.get_value(n, 0) or b"").decode() for n in range(own.ntuples)}
        self._names = {oid: name for oid, name in pairs if oid not in own_oids}
        self._oids = {name: oid for oid, name in self._names.items()}
        self._left_out = own_oids | {"gradwire"} | _LATER_FUNCTIONS

    def answer(self, sql: str) -> Answer:
        """The answer to one statement, oids of users' objects as names, unordered rows sorted."""
        sent = re.sub(r"\{\{oid:([^}]*)\}\}", self._oid, sql)
        result = self.connection.pgconn.exec_(sent.encode())
        if result.status not in (psycopg.pq.ExecStatus.TUPLES_OK, psycopg.pq.ExecStatus.COMMAND_OK):
            code = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b""
            return Answer(code=f"{code.decode()} {result.error_message.decode()}")
        columns = [
            [(result.fname(n) or b"").decode(), result.ftype(n)] for n in range(result.nfields)
        ]
        rows = [
            [self._cell(result.get_value(row, column)) for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]
        rows = [row for row in rows if self._left_out.isdisjoint(row)]
        if not re.search(r"order\s+by[^)]*;?\s*$", sql, re.IGNORECASE):
            rows.sort(key=repr)
        return Answer(columns, rows)

    def _oid(self, match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("@type."):
            return self._oids[f"type {name.removeprefix('@type.')}"]
        return self._oids[f"class {name.partition('.')[2]}"]

    def _cell(self, value: bytes | None) -> str | None:
        if value is None:
            return None
        text = value.decode()
        if _LATER_OPTIONS.fullmatch(text):
            return None
        return f"<{self._names[text]}>" if text in self._names else text


def statements() -> Iterator[Sent]:
    """Every recorded statement."""
    for path in sorted(GOLDEN.glob("*.json")):
        for number, sql in json.loads(path.read_text()).items():
            yield Sent(path.stem, number, sql)
