"""Random tables, made alike here and in PostgreSQL 15, look alike in the catalogue and to psql."""

from __future__ import annotations

import random
import shutil
import subprocess
from typing import Any

import psycopg
import pytest

TYPES = (
    "int", "bigint", "smallint", "text", "varchar(10)", "varchar", "char(3)", "numeric",
    "numeric(8,3)", "real", "double precision", "boolean", "date", "timestamp", "timestamptz",
    "time", "interval", "uuid", "inet", "json", "jsonb", "bytea", "int[]", "text[]", "float8[]",
)  # fmt: skip
DEFAULTS = {
    "int": ("0", "-1", "1 + 2"), "bigint": ("42",), "text": ("'x'", "'it''s'", "''"),
    "boolean": ("true", "false"), "date": ("'2013-01-01'", "CURRENT_DATE"),
    "double precision": ("1.5", "0"), "timestamp": ("now()",), "varchar(10)": ("'v'",),
    "numeric(8,3)": ("0.5",),
}  # fmt: skip
NAMES = ("id", "name", "Mixed Case", "select", "time", "x1", "straße", "a_b", "value", "lat")

COLUMNS = """
SELECT column_name, ordinal_position, column_default, is_nullable, data_type, udt_name,
       character_maximum_length, character_octet_length, numeric_precision, numeric_scale,
       numeric_precision_radix, datetime_precision, is_identity, identity_generation, is_generated,
       is_updatable
FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position
"""
ATTRIBUTES = """
SELECT attname, attnum, format_type(atttypid, atttypmod), atttypid, attlen, atttypmod, attnotnull,
       atthasdef, attidentity, attgenerated, attisdropped, attndims, attbyval, attalign, attstorage,
       attcollation, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""
CONSTRAINTS = """
SELECT conname, contype, pg_get_constraintdef(oid), conkey FROM pg_constraint
WHERE conrelid = %s::regclass ORDER BY conname
"""


def definition(seed: int) -> tuple[str, list[str]]:
    """The name of a random table, and the statements that make it."""
    draw = random.Random(seed)
    name = f"random_{seed}"
    written, keys = [], []
    for column in draw.sample(NAMES, draw.randint(1, 8)):
        kind, quoted = draw.choice(TYPES), '"' + column + '"'
        written.append(_column(draw, quoted, kind))
        keys += [quoted] if kind in ("int", "bigint", "text", "date", "uuid") else []
    columns = [*written]
    if keys and draw.random() < 0.7:
        columns.append(f"PRIMARY KEY ({', '.join(keys[: draw.randint(1, 2)])})")
    if len(keys) > 2 and draw.random() < 0.5:
        columns.append(f"UNIQUE ({keys[-1]})")
    made = [f"CREATE TABLE {name} ({', '.join(columns)})"]
    if draw.random() < 0.5:
        made.append(f"COMMENT ON TABLE {name} IS 'table {seed}'")
    if len(written) > 3 and draw.random() < 0.3:
        made.append(f'ALTER TABLE {name} DROP COLUMN "{written[0].split(chr(34))[1]}"')
    return name, made


def _column(draw: random.Random, quoted: str, kind: str) -> str:
    parts = [quoted, kind]
    if kind in ("int", "bigint") and draw.random() < 0.2:
        parts.append(f"GENERATED {draw.choice(('ALWAYS', 'BY DEFAULT'))} AS IDENTITY")
    elif kind in DEFAULTS and draw.random() < 0.5:
        parts.append(f"DEFAULT {draw.choice(DEFAULTS[kind])}")
    if draw.random() < 0.3:
        parts.append("NOT NULL")
    if kind in ("int", "double precision") and draw.random() < 0.3:
        parts.append(f"CHECK ({quoted} > 0)")
    return " ".join(parts)


def described(connection: psycopg.Connection[Any], name: str) -> list[Any]:
    return [
        connection.execute(query, [name]).fetchall() for query in (COLUMNS, ATTRIBUTES, CONSTRAINTS)
    ]


def printed(port: int, name: str) -> str:
    """psql's \\d+ of the table."""
    command = ["psql", "-X", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-d", "postgres"]
    done = subprocess.run([*command, "-c", f"\\d {name}"], capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(8))
def test_a_random_table_looks_as_in_postgresql(seed: int, objects: tuple[int, int]) -> None:
    name, statements = definition(seed)
    seen, shown = [], []
    for port in objects:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            try:
                for statement in statements:
                    connection.execute(statement.encode())
                seen.append(described(connection, name))
                if shutil.which("psql"):
                    shown.append(printed(port, name))
            finally:
                connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
    assert seen[0] == seen[1], statements
    assert not shown or shown[0] == shown[1], statements
