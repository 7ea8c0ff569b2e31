"""Records PostgreSQL 15's own catalogue rows: `python -m tests.catalog.record_snapshot`.

Writes gateway/catalog/system/snapshot/: one Parquet file for each relation that has rows in a new
database, and `views.json`, the query of each system view as pg_get_viewdef prints it.
Left out: what only PostgreSQL's own planner reads (statistics, parse trees of rules).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from gateway.catalog.system.storage import INT2VECTOR, INT8, NUMBERED, XID, Storage, storage
from tests.wire.postgres import running

INTERVAL = 1186  # which Parquet lacks: text there

TARGET = Path(__file__).parents[2] / "gateway" / "catalog" / "system" / "snapshot"

# Made anew by the server, of no use to clients, or of one PostgreSQL installation only.
LEFT_OUT = {"pg_statistic", "pg_database", "pg_shdepend", "pg_largeobject"}

# Views over functions whose rows do not depend on the session.
FUNCTION_VIEWS = ("pg_settings", "pg_timezone_abbrevs", "pg_timezone_names")

# What a column holds here where it is another thing than in PostgreSQL.
EXPRESSIONS = {
    ("pg_rewrite", "ev_action"): "NULL",
    ("pg_rewrite", "ev_qual"): "NULL",
    ("pg_proc", "proargdefaults"): "pg_get_expr(proargdefaults, 0)",
    ("pg_constraint", "conbin"): "pg_get_expr(conbin, conrelid)",
}
# Settings that tell of the one server that was asked: they are shown as where nobody set them.
OF_ONE_SERVER = {
    "config_file": "", "data_directory": "", "fsync": "on", "hba_file": "", "ident_file": "",
    "listen_addresses": "localhost", "port": "5432", "unix_socket_directories": "",
}  # fmt: skip
RELATIONS = """
SELECT c.oid, n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n
ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema')
AND c.relkind IN ('r', 'v') ORDER BY 2, 3
"""
COLUMNS = """
SELECT attname, b.oid::int8, b.typelem::int8 FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


# Texts that PostgreSQL makes of its own objects; `names.py` adds those of users' objects.
TEXTS = {
    "regproc": "SELECT oid::int8, oid::regproc::text AS text FROM pg_proc ORDER BY 1",
    "regprocedure": "SELECT oid::int8, oid::regprocedure::text AS text FROM pg_proc ORDER BY 1",
    "regoper": "SELECT oid::int8, oid::regoper::text AS text FROM pg_operator ORDER BY 1",
    "regoperator": "SELECT oid::int8, oid::regoperator::text AS text FROM pg_operator ORDER BY 1",
    "regcollation": """
        SELECT oid::int8, oid::regcollation::text AS text FROM pg_collation ORDER BY 1""",
    "regconfig": "SELECT oid::int8, oid::regconfig::text AS text FROM pg_ts_config ORDER BY 1",
    "regdictionary": """
        SELECT oid::int8, oid::regdictionary::text AS text FROM pg_ts_dict ORDER BY 1""",
    "format_type": """
        SELECT oid::int8, format_type(oid, NULL) AS text, format_type(oid, -1) AS bare FROM pg_type
        ORDER BY 1""",
    "functiondef": """
        SELECT oid::int8, pg_get_function_arguments(oid) AS arguments,
        pg_get_function_identity_arguments(oid) AS identity, pg_get_function_result(oid) AS result,
        CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(oid) END AS definition
        FROM pg_proc ORDER BY 1""",
    "constraintdef": """
        SELECT oid::int8, pg_get_constraintdef(oid) AS text,
        pg_get_constraintdef(oid, true) AS pretty FROM pg_constraint ORDER BY 1""",
    "viewdef": """
        SELECT c.oid::int8, pg_get_viewdef(c.oid, true) AS pretty FROM pg_class c
        WHERE relkind = 'v' ORDER BY 1""",
    "indexdef": """
        SELECT indexrelid::int8 AS oid, pg_get_indexdef(indexrelid) AS text,
        pg_get_indexdef(indexrelid, 0, true) AS pretty,
        ARRAY(SELECT pg_get_indexdef(indexrelid, n, false) FROM generate_series(1, indnatts) n)
        AS columns FROM pg_index ORDER BY 1""",
    "keywords": "SELECT * FROM pg_get_keywords() ORDER BY 1",
    "tokens": "SELECT * FROM ts_token_type('default') ORDER BY 1",
}


def main() -> None:
    for old in TARGET.glob("*.parquet"):
        old.unlink()
    with running() as port:
        connection = psycopg.connect(host="127.0.0.1", port=port, user="postgres")
        views = {}
        for oid, schema, name, kind in connection.execute(RELATIONS).fetchall():
            if kind == "v":
                text = connection.execute("SELECT pg_get_viewdef(%s::oid)", [oid]).fetchone()
                assert text is not None
                views[f"{schema}.{name}"] = text[0]
            if (kind == "r" and name not in LEFT_OUT) or name in FUNCTION_VIEWS:
                write(connection, oid, schema, name)
        for name, query in TEXTS.items():
            cursor = connection.execute(query)
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
            save(pa.Table.from_pylist(rows), f"text.{name}")
    (TARGET / "views.json").write_text(json.dumps(views, indent=0) + "\n")


def write(connection: psycopg.Connection[Any], oid: int, schema: str, name: str) -> None:
    columns = [
        (column, type_oid, storage(type_oid, element))
        for column, type_oid, element in connection.execute(COLUMNS, [oid]).fetchall()
    ]
    items = ", ".join(
        EXPRESSIONS.get((name, column), f'"{column}"{cast_of(type_oid, kind)}')
        for column, type_oid, kind in columns
    )
    order = "oid" if any(column == "oid" for column, *_ in columns) else "1, 2"
    rows = connection.execute(f'SELECT {items} FROM {schema}."{name}" ORDER BY {order}').fetchall()
    if not rows:
        return
    if name == "pg_settings":
        rows = [
            of_any_server(dict(zip([c for c, *_ in columns], row, strict=True))) for row in rows
        ]
    arrays = [
        pa.array(list(values), pa.string() if type_oid == INTERVAL else kind.arrow)
        for values, (_, type_oid, kind) in zip(zip(*rows, strict=True), columns, strict=True)
    ]
    table = pa.table(arrays, names=[column for column, *_ in columns])
    save(table, f"{schema}.{name}")


def of_any_server(row: dict[str, Any]) -> tuple[Any, ...]:
    """A row of pg_settings without what is one server's own."""
    if row["name"] in OF_ONE_SERVER:
        value = OF_ONE_SERVER[row["name"]]
        row |= {"setting": value, "boot_val": value, "reset_val": value, "source": "default"}
        row |= {"sourcefile": None, "sourceline": None}
    return tuple(row.values())


def save(table: pa.Table, name: str) -> None:
    """One Parquet file, as small as it gets."""
    path = TARGET / f"{name}.parquet"
    pq.write_table(table, path, compression="zstd", compression_level=19, write_statistics=False)


def cast_of(type_oid: int, kind: Storage) -> str:
    """The cast after which psycopg gives what is kept."""
    if type_oid == INT2VECTOR:
        return "::int2[]"
    if kind == INT8:
        return "::oid::int8" if type_oid in NUMBERED - {XID} else "::text::int8"
    if kind == INT8.list:
        return "::oid[]::int8[]"
    if type_oid == INTERVAL:
        return "::text"
    return {pa.string(): "::text", pa.list_(pa.string()): "::text[]"}.get(kind.arrow, "")


if __name__ == "__main__":
    main()
