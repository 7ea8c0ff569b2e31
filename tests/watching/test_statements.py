"""gradwire.statements, gradwire.progress and pg_stat_progress_copy, as clients see them."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
import xarray

from gateway.app import App
from gateway.config import Dataset, Settings
from gateway.passwords import make_verifier
from gateway.session.activity.account import Account, Watching
from gateway.sources.table import TableName

CHUNKS, CHUNK_ROWS = 40, 100_000
KINDS = "SELECT query, calls, errors, rows, recalled FROM gradwire.statements"

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    path = tmp_path_factory.mktemp("data") / "g.zarr"
    size = CHUNKS * CHUNK_ROWS
    grid = xarray.Dataset({"v": ("x", np.zeros(size))}, {"x": np.arange(size)})
    grid.to_zarr(path, encoding={"v": {"chunks": (CHUNK_ROWS,)}}, consolidated=False)
    users = {name: make_verifier("right") for name in ("ada", "bob")}
    settings = Settings(
        port=0, users=users, superusers=["ada"], datasets=[Dataset(name="g", uri=str(path))]
    )
    with App(settings) as running:
        yield running


@pytest.fixture
def connect(app: App) -> Iterator[Connect]:
    opened: list[Connection] = []

    def connection(user: str = "ada") -> Connection:
        host, port = app.address
        found = psycopg.connect(
            host=host, port=port, user=user, password="right", dbname="d", autocommit=True
        )
        opened.append(found)
        return found

    yield connection
    for each in opened:
        each.close()


@pytest.fixture
def ada(connect: Connect) -> Connection:
    made = connect()
    made.execute("SELECT gradwire.statements_reset()")
    return made


def kinds(connection: Connection) -> dict[str, tuple[int, ...]]:
    return {query: tuple(rest) for query, *rest in connection.execute(KINDS)}


#    statements                                         the kind's text                      rows
ALIKE = [
    (["SELECT 1 AS a", "select  2 as a", "SELECT 3 /* '4' */ AS a"], "SELECT $1 AS a", 3),
    (["SELECT x FROM g WHERE x IN (1, 2)", "SELECT x FROM g WHERE x IN (3)"],
     None, 3),
    (["SELECT x FROM g WHERE x IN (1, 2)", "SELECT x FROM g WHERE x IN (3, 4, 5)"],
     "SELECT x FROM g WHERE x IN ($1 /*, ... */)", 5),
    (["VALUES (1, 'a')", "VALUES (2, 'b')"], "VALUES ($1, $2)", 2),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "text", "rows"), ALIKE)
def test_statements_that_differ_in_values_are_one_kind(
    ada: Connection, statements: list[str], text: str | None, rows: int
) -> None:
    for statement in statements:
        ada.execute(statement)
    found = kinds(ada)
    if text is None:
        assert len([query for query in found if " IN " in query]) == len(statements)
    else:
        assert found[text][:3] == (len(statements), 0, rows)


def test_every_way_to_send_a_statement_counts_once(ada: Connection) -> None:
    ada.execute("SELECT count(*) FROM g WHERE x < 7")
    ada.execute("SELECT count(*) FROM g WHERE x < %s", [7])
    ada.execute("SELECT count(*) FROM g WHERE x < %s", [7], prepare=True)
    ada.execute("PREPARE p AS SELECT count(*) FROM g WHERE x < 7")
    ada.execute("EXECUTE p")
    with ada.transaction(), ada.cursor("c") as cursor:
        cursor.execute("SELECT x FROM g LIMIT 7")
        cursor.fetchmany(3)
        cursor.fetchmany(3)
    found = kinds(ada)
    assert found["SELECT count(*) FROM g WHERE x < $1"][:3] == (4, 0, 4)
    assert found['FETCH FORWARD $1 FROM "c"'][:3] == (2, 0, 6)


def test_errors_are_counted_with_the_statement(ada: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        ada.execute("SELECT 1 / 0 AS broken")
    with pytest.raises(psycopg.errors.SyntaxError):
        ada.execute("SELEKT 'secret'")
    found = kinds(ada)
    assert found["SELECT $1 / $2 AS broken"][:2] == (1, 1)
    assert not any("SELEKT" in query for query in found)


def test_a_query_that_was_worked_out_before_is_told(ada: Connection) -> None:
    for _ in range(3):
        ada.execute("SELECT max(x) AS recalled_x FROM g WHERE x < 5")
    assert kinds(ada)["SELECT max(x) AS recalled_x FROM g WHERE x < $1"][3] == 2


def test_times_and_chunks(ada: Connection) -> None:
    ada.execute("SELECT sum(v) FROM g WHERE x < 150000")
    row = ada.execute(
        "SELECT total_time, min_time, max_time, mean_time, stddev_time, total_plan_time,"
        " chunks_read, chunks_skipped FROM gradwire.statements WHERE query LIKE 'SELECT sum(v)%'"
    ).fetchone()
    assert row is not None
    total, least, most, mean, deviation, plan, read, skipped = row
    assert total == least == most == pytest.approx(mean)
    assert 0 < plan < total and deviation == pytest.approx(0, abs=1e-3)
    assert (read, skipped) == (2, CHUNKS - 2)


def test_a_user_sees_the_texts_of_his_own_statements(connect: Connect, ada: Connection) -> None:
    ada.execute("SELECT 1 AS of_ada")
    bob = connect("bob")
    bob.execute("SELECT 1 AS of_bob")
    assert {"SELECT $1 AS of_ada", "SELECT $1 AS of_bob"} <= kinds(ada).keys()
    seen = bob.execute("SELECT usename, query FROM gradwire.statements").fetchall()
    assert ("bob", "SELECT $1 AS of_bob") in seen
    assert {query for user, query in seen if user == "ada"} == {"<insufficient privilege>"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bob.execute("SELECT gradwire.statements_reset()")


def test_reset(ada: Connection) -> None:
    ada.execute("SELECT 1 AS gone")
    ada.execute("EXPLAIN SELECT gradwire.statements_reset()")
    assert "SELECT $1 AS gone" in kinds(ada)
    ada.execute("SELECT gradwire.statements_reset()")
    assert "SELECT $1 AS gone" not in kinds(ada)


def test_progress_of_a_long_scan(connect: Connect, ada: Connection) -> None:
    """The other client reads none of its rows, so the scan stands somewhere in the middle."""
    other = connect("bob")
    other.pgconn.send_query(b"SELECT x, v FROM g WHERE x >= 200000")
    sql = "SELECT * FROM gradwire.progress WHERE pid = %s"
    while True:
        cursor = ada.execute(sql, [other.info.backend_pid])
        names = [column.name for column in cursor.description or ()]
        row = dict(zip(names, cursor.fetchone() or [None] * len(names), strict=True))
        if row["chunks_read"] and row["rows_sent"]:
            break
    assert (row["usename"], row["datname"], row["phase"]) == ("bob", "d", "running")
    assert row["query"] == "SELECT x, v FROM g WHERE x >= 200000"
    assert (row["relation"], row["chunks_total"]) == ("public.g", CHUNKS)
    assert 0 < row["chunks_read"] < row["chunks_to_read"] == CHUNKS - 2
    assert 0 < row["rows_sent"] < CHUNKS * CHUNK_ROWS
    seen = connect("bob").execute("SELECT count(*) FROM gradwire.progress WHERE query LIKE '%g%'")
    assert seen.fetchone() == (2,)
    pid = other.info.backend_pid
    other.close()
    while ada.execute(sql, [pid]).fetchone() is not None:
        pass


@pytest.mark.parametrize("write", ["CREATE TABLE held AS", "INSERT INTO held"])
def test_progress_of_a_long_write(connect: Connect, ada: Connection, write: str) -> None:
    """It halts at a row in the middle until it is cancelled, and leaves nothing."""
    if write.startswith("INSERT"):
        ada.execute("CREATE TABLE held (x int8, v float8)")
    halting = "CASE WHEN x = 2000000 THEN pg_sleep(100000) END IS NULL"
    other = connect()
    other.pgconn.send_query(f"{write} SELECT x, v FROM g WHERE {halting}".encode())
    pid = other.info.backend_pid
    sql = (
        "SELECT phase, relation, chunks_read, chunks_to_read FROM gradwire.progress WHERE pid = %s"
    )
    while (row := ada.execute(sql, [pid]).fetchone()) is None or not row[2]:
        pass
    assert row[:2] == ("running", "public.g") and 0 < row[2] <= row[3] == CHUNKS
    ada.execute("SELECT pg_cancel_backend(%s)", [pid])
    while other.pgconn.is_busy():  # get_result would wait with the interpreter's lock in hand
        select.select([other.pgconn.socket], [], [])
        other.pgconn.consume_input()
    ended = other.pgconn.get_result()
    assert ended is not None and ended.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
    left = ada.execute("SELECT count(*) FROM pg_class WHERE relname = 'held'").fetchone()
    if write.startswith("INSERT"):
        assert left == (1,) and ada.execute("SELECT count(*) FROM held").fetchone() == (0,)
        ada.execute("DROP TABLE held")
    else:
        assert left == (0,)


def test_what_reads_while_it_is_planned_runs() -> None:
    """What a join groups first is computed before the rest is planned."""
    read = SimpleNamespace(read=0)
    account = Account(Watching(), lambda: {TableName("public", "g"): read})  # type: ignore[dict-item]
    account.begin("SELECT")
    phases = []
    for account.phase, read.read in (("planning", 0), ("planning", 3), ("running", 3)):
        progress = account.progress()
        phases.append(progress and progress.phase)
    assert phases == ["planning", "running", "running"]


def test_progress_of_copy(connect: Connect, ada: Connection) -> None:
    ada.execute("CREATE TABLE copied (a int)")
    sql = (
        "SELECT datname, relid::regclass::text, command, type, bytes_processed, tuples_processed"
        " FROM pg_stat_progress_copy WHERE pid = %s"
    )
    other = connect()
    with other.cursor() as cursor, cursor.copy("COPY copied FROM STDIN") as copy:
        copy.write(b"1\n2\n" * 50_000)
        pid = [other.info.backend_pid]
        while (row := ada.execute(sql, pid).fetchone()) is None or not row[4]:
            pass
        assert row == ("d", "copied", "COPY FROM", "PIPE", row[4], row[5]) and row[4] <= 200_000
    assert ada.execute(sql, pid).fetchone() is None
    assert kinds(ada)["COPY copied FROM STDIN"][2] == 100_000
    other.pgconn.exec_(b"COPY (SELECT x, v FROM g) TO STDOUT")
    while (row := ada.execute(sql, pid).fetchone()) is None or not row[5]:
        pass
    assert row[:4] == ("d", "-", "COPY TO", "PIPE") and row[4] > 0
    ada.execute("DROP TABLE copied")
    other.pgconn.finish()
