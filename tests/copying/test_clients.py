"""COPY through the clients that people load and read much with."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from tests.conftest import Connect

Address = tuple[str, int]
TABLE = "copy_clients"
COLUMNS = "id int, name text, x float8, at timestamp"
NOON = datetime(2024, 7, 1, 12, 0, 0, 500_000)
ROWS = [
    (1, "one", 1.5, NOON),
    (2, 'tab\tquote"comma,back\\slash\nline', -0.25, NOON),
    (3, None, None, None),
    (4, "", 1e300, NOON),
]


@pytest.fixture
def connection(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    made = connect()
    made.execute(f"CREATE TABLE {TABLE} ({COLUMNS})".encode())
    yield made
    made.execute(f"DROP TABLE {TABLE}".encode())


def there(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(f"SELECT * FROM {TABLE} ORDER BY id".encode()).fetchall()


@pytest.mark.parametrize("form", ["text", "binary"])
def test_psycopg_writes_and_reads_rows(connection: psycopg.Connection[Any], form: str) -> None:
    cursor = connection.cursor()
    with cursor.copy(f"COPY {TABLE} FROM STDIN (FORMAT {form})".encode()) as copy:
        copy.set_types(["int4", "text", "float8", "timestamp"])
        for row in ROWS:
            copy.write_row(row)
    assert cursor.rowcount == 4 and there(connection) == ROWS
    with cursor.copy(f"COPY {TABLE} TO STDOUT (FORMAT {form})".encode()) as copy:
        copy.set_types(["int4", "text", "float8", "timestamp"])
        assert list(copy.rows()) == ROWS


@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_psycopg_moves_blocks(connection: psycopg.Connection[Any], form: str) -> None:
    cursor = connection.cursor()
    cursor.executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s, %s)", ROWS)
    with cursor.copy(f"COPY {TABLE} TO STDOUT (FORMAT {form})".encode()) as copy:
        blocks = [bytes(block) for block in copy]
    connection.execute(f"TRUNCATE {TABLE}".encode())
    with cursor.copy(f"COPY {TABLE} FROM STDIN (FORMAT {form})".encode()) as copy:
        for octet in b"".join(blocks):
            copy.write(bytes([octet]))
    assert there(connection) == ROWS


def test_psycopg_gives_up(connection: psycopg.Connection[Any]) -> None:
    class Stop(Exception):
        pass

    with pytest.raises(Stop), connection.cursor().copy(f"COPY {TABLE} FROM STDIN".encode()) as copy:
        copy.write(b"1\tone\t1\t\\N\n")
        raise Stop
    assert there(connection) == []


def test_psycopg_in_a_transaction_that_is_rolled_back(
    connection: psycopg.Connection[Any],
) -> None:
    with connection.transaction(force_rollback=True):
        with connection.cursor().copy(f"COPY {TABLE} FROM STDIN".encode()) as copy:
            copy.write_row((9, "nine", 9.0, None))
        assert there(connection) == [(9, "nine", 9.0, None)]
    assert there(connection) == []


def test_psycopg2_copies_files(
    connection: psycopg.Connection[Any], gateway_address: Address
) -> None:
    psycopg2 = pytest.importorskip("psycopg2")
    host, port = gateway_address
    link = psycopg2.connect(host=host, port=port, user="tester", dbname="gradwire")
    with link, link.cursor() as cursor:
        cursor.copy_expert(f"COPY {TABLE} FROM STDIN CSV HEADER", io.StringIO("a,b,c,d\n7,x,2,\n"))
        cursor.copy_from(io.StringIO("8\ty\t3\t\\N\n"), TABLE)
        out = io.StringIO()
        cursor.copy_expert(f"COPY (SELECT id, name FROM {TABLE} ORDER BY id) TO STDOUT CSV", out)
        assert out.getvalue() == "7,x\n8,y\n"
    link.close()
    assert len(there(connection)) == 2


def test_asyncpg_copies_records_and_queries(
    connection: psycopg.Connection[Any], gateway_address: Address
) -> None:
    host, port = gateway_address

    async def run() -> bytes:
        link = await asyncpg.connect(host=host, port=port, user="tester", database="gradwire")
        try:
            await link.copy_records_to_table(TABLE, records=ROWS)
            out = io.BytesIO()

            async def keep(data: bytes) -> None:
                out.write(data)

            await link.copy_from_query(
                f"SELECT id, x FROM {TABLE} WHERE id > $1", 3, output=keep, format="csv"
            )
            await link.copy_to_table(TABLE, source=io.BytesIO(b"5,five,5,\n"), format="csv")
            return out.getvalue()
        finally:
            await link.close()

    assert asyncio.run(run()) == b"4,1e+300\n"
    assert there(connection) == [*ROWS, (5, "five", 5.0, None)]


def psql(address: Address, script: str, tmp_path: Path) -> str:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    host, port = address
    words = ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", str(port), "-U", "tester"]
    done = subprocess.run(
        [*words, "-d", "gradwire"], input=script, text=True, capture_output=True, cwd=tmp_path,
        timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_psql_copies_files_and_scripts(
    connection: psycopg.Connection[Any], gateway_address: Address, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text('id,name\n1,one\n2,"two\nlines"\n')
    script = f"""
\\copy {TABLE} (id, name) from in.csv csv header
COPY {TABLE} (id, name) FROM STDIN;
3\tthree
\\.
\\copy (select id, name from {TABLE} order by id) to out.csv csv header
COPY (SELECT count(*) FROM {TABLE}) TO STDOUT;
"""
    said = psql(gateway_address, script, tmp_path)
    assert said.splitlines() == ["COPY 2", "COPY 1", "COPY 3", "3"]
    assert (tmp_path / "out.csv").read_text() == 'id,name\n1,one\n2,"two\nlines"\n3,three\n'


def test_pandas_appends_by_copy(
    connection: psycopg.Connection[Any], gateway_address: Address
) -> None:
    """The method of pandas' own manual (to_sql, callable insertion method)."""
    sqlalchemy = pytest.importorskip("sqlalchemy")

    def insert(table: Any, link: Any, keys: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
        columns = ", ".join(f'"{key}"' for key in keys)
        statement = f"COPY {table.name} ({columns}) FROM STDIN"
        with link.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    host, port = gateway_address
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://tester@{host}:{port}/gradwire")
    frame = pd.DataFrame({"id": [1, 2], "x": [0.5, 1.5]})
    frame.to_sql(TABLE, engine, if_exists="append", index=False, method=insert)
    engine.dispose()
    assert [row[:3] for row in there(connection)] == [(1, None, 0.5), (2, None, 1.5)]


def test_adbc_reads_and_ingests(
    connection: psycopg.Connection[Any], gateway_address: Address
) -> None:
    driver = pytest.importorskip("adbc_driver_postgresql.dbapi")
    host, port = gateway_address
    connection.cursor().executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s, %s)", ROWS)
    with driver.connect(f"postgresql://tester@{host}:{port}/gradwire") as link:
        with link.cursor() as cursor:
            cursor.execute(f"SELECT id, name, x, at FROM {TABLE} ORDER BY id")
            table = cursor.fetch_arrow_table()
            assert [tuple(row.values()) for row in table.to_pylist()] == ROWS
            more = pa.table({"id": pa.array([5], pa.int32()), "name": ["five"]})
            cursor.adbc_ingest(TABLE, more, mode="append")
        link.commit()
    assert there(connection)[-1] == (5, "five", None, None)


def test_connectorx_reads_in_each_protocol(
    connection: psycopg.Connection[Any], gateway_address: Address
) -> None:
    connectorx = pytest.importorskip("connectorx")
    host, port = gateway_address
    connection.cursor().executemany(f"INSERT INTO {TABLE} VALUES (%s, %s, %s, %s)", ROWS)
    url = f"postgresql://tester@{host}:{port}/gradwire"
    query = f"SELECT id, name, x, at FROM {TABLE} ORDER BY id"
    for protocol in ("binary", "csv", "cursor"):
        table = connectorx.read_sql(url, query, protocol=protocol, return_type="arrow")
        assert table.column("id").to_pylist() == [1, 2, 3, 4], protocol


def test_numeric_and_arrays_travel_in_binary(connect: Connect) -> None:
    link = connect()
    link.execute("CREATE TEMP TABLE wide (n numeric(20, 5), l int[], w text[])")
    rows = [(Decimal("12345.67890"), [1, None, 3], ["a", "b,c", None]), (None, None, None)]
    for form in ("text", "binary"):
        with link.cursor().copy(f"COPY wide FROM STDIN (FORMAT {form})".encode()) as copy:
            copy.set_types(["numeric", "int4[]", "text[]"])
            for row in rows:
                copy.write_row(row)
    assert link.execute("SELECT * FROM wide").fetchall() == rows * 2


def test_arrays_of_several_dimensions_travel(connect: Connect) -> None:
    link = connect()
    link.execute("CREATE TEMP TABLE deep (a int[][], t text[][][], n numeric(4,1)[][])")
    rows = [
        ([[1, None], [3, 4]], [[["a", 'b,"c'], [None, ""]]], [[Decimal("1.5")]]),
        ([], None, []),
        (None, [[["{}"]]], [[Decimal("-2.0"), None]]),
    ]
    for form in ("text", "csv", "binary"):
        types = ["int4[]", "text[]", "numeric[]"]
        with link.cursor().copy(f"COPY deep FROM STDIN (FORMAT {form})".encode()) as copy:
            if form == "csv":  # as the server itself writes them
                copy.write(b'"{{1,NULL},{3,4}}","{{{a,""b,\\""c""},{NULL,""""}}}",{{1.5}}\n')
                copy.write(b'{},,{}\n,"{{{""{}""}}}","{{-2.0,NULL}}"\n')
            else:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
        for binary in (False, True):
            found = link.execute("SELECT * FROM deep", binary=binary).fetchall()
            assert found == rows, (form, binary)
        deletion = "DELETE FROM deep WHERE a = %s::int[]"  # psycopg declares smallint[]
        assert link.execute(deletion, ([[1, None], [3, 4]],)).rowcount == 1
        with link.cursor().copy("COPY deep TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(types)
            assert list(copy.rows()) == rows[1:]
        link.execute("TRUNCATE deep")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="keeps arrays of 2 dimensions"):
        link.execute("INSERT INTO deep (a) VALUES (%s::int[])", ([1, 2],))
