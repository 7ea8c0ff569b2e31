"""Tables, views and schemas: what comes back, what is refused and in which words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.errors import GatewayError
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition, View
from gateway.store.definitions.domains import Domain
from gateway.store.disk.database import FILE
from gateway.store.tables import Store, StoreSession
from gateway.types import array_of, by_name

T = TableName("public", "t")


def columns(**types: str) -> tuple[Column, ...]:
    return tuple(Column(name, by_name(type)) for name, type in types.items())


def batch(**values: Any) -> list[pa.RecordBatch]:
    return [pa.record_batch(values)]


def rows(session: StoreSession, name: TableName = T) -> list[tuple[Any, ...]]:
    table = session.snapshot(name).rows
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def make(session: StoreSession, **keys: Any) -> None:
    """Table t (a integer, b text), with keys."""
    session.create_table(TableDefinition(T, columns(a="int4", b="text"), **keys))


EDGES = {
    "bool": [True, False],
    "int2": [-(2**15), 2**15 - 1],
    "int4": [-(2**31), 2**31 - 1],
    "int8": [-(2**63), 2**63 - 1],
    "float4": [-0.0, float("inf"), 1.401298464324817e-45],
    "float8": [-0.0, float("-inf"), 5e-324, 1.7976931348623157e308, 0.1],
    "numeric": [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.0000000001")],
    "text": ["", "ä\n'\"\\", "日本" * 100, "nul"],
    "bytea": [b"", bytes(range(256))],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "inet": ["10.0.0.1", "2001:db8::1/64"],
    "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "time": [dt.time(0), dt.time(23, 59, 59, 999999)],
    "timestamp": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "timestamptz": [dt.datetime(1900, 1, 1, 0, 0, 0, 1, dt.UTC)],
    "interval": [pa.MonthDayNano([-13, 40, -1000]), pa.MonthDayNano([0, 0, 10**15])],
    "int4[]": [[], [None], [1, None, -1]],
    "text[]": [["", None, "a,b"]],
    "int4[][]": [[], [[1, None], [3, 4]]],
    "numeric[][][]": [[[[Decimal("1.5000000000")]]]],
    "float8[]": [[float("inf"), -0.0]],
}


@pytest.mark.parametrize("type_name", EDGES)
def test_values_come_back_after_a_restart(tmp_path: Path, type_name: str) -> None:
    values = [*EDGES[type_name], None]
    column = Column("v", by_name(type_name))
    given = pa.array(values, column.arrow)
    for restart in range(2):
        store = Store(tmp_path)
        session = store.session()
        if not restart:
            session.create_table(TableDefinition(T, (column,)))
            session.insert(T, ["v"], [pa.record_batch({"v": given})])
        got = session.snapshot(T).rows.column("v")
        assert got.type == given.type
        assert repr(got.to_pylist()) == repr(given.to_pylist())
        session.close()
        store.close()


def test_nan_comes_back_and_filters_above_infinity(session: StoreSession) -> None:
    session.create_table(TableDefinition(T, columns(x="float8", n="int4")))
    values = [1.0, float("nan"), None, float("inf")]
    session.insert(T, ["x", "n"], batch(x=values, n=[0, 1, 2, 3]))
    snapshot = session.snapshot(T)

    def where(predicate: pc.Expression) -> list[int]:
        found = pa.Table.from_batches(snapshot.scan(["n"], predicate), pa.schema([("n", "int32")]))
        return found.column("n").to_pylist()

    assert where(pc.field("x") > 5) == [1, 3]
    assert where(pc.field("x") <= 5) == [0]
    assert where(pc.field("x").is_null()) == [2]
    assert np.isnan(snapshot.rows.column("x")[1].as_py())


def test_scan_without_columns_counts(session: StoreSession) -> None:
    make(session)
    session.insert(T, ["a"], batch(a=[1, 2, 3]))
    scan = session.snapshot(T).partitions(None)[0].scan([], pc.field("a") > 1)
    assert [(b.num_rows, b.num_columns) for b in scan] == [(2, 0)]


def test_insert_fills_the_other_columns(session: StoreSession) -> None:
    defaults = {"int4": "1.5", "text": "'x'", "float8": "-1e300", "bool": "true", "date": "NULL"}
    made = tuple(Column(t, by_name(t), default=text) for t, text in defaults.items())
    session.create_table(TableDefinition(T, (*made, Column("k", by_name("int4")))))
    changed = session.insert(T, ["k"], batch(k=[7, 8]), returning=True)
    assert changed.count == 2
    assert changed.rows is not None
    assert changed.rows.to_pylist()[0] == {
        "int4": 2, "text": "x", "float8": -1e300, "bool": True, "date": None, "k": 7
    }  # fmt: skip


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ("(SELECT 1)", "0A000"),
        ("a + 1", "0A000"),
        ("read_csv('/etc/passwd')", "0A000"),
        ("'x'", "22P02"),
        ("1 +", "42601"),
    ],
)
def test_default_must_be_a_constant(session: StoreSession, default: str, code: str) -> None:
    column = Column("a", by_name("int4"), default=default)
    assert refused(lambda: session.create_table(TableDefinition(T, (column,))))[0] == code
    assert session.tables() == []


def test_update_and_delete_follow_row_identifiers(session: StoreSession) -> None:
    make(session)
    session.insert(T, ["a", "b"], batch(a=[1, 2, 3, 4], b=["p", "q", "r", "s"]))
    with session.writing(T):
        seen = session.snapshot(T, rowid=True).rows
        assert seen.schema.names == [ROWID, "a", "b"]
        ids = seen.column(ROWID).to_pylist()
        twice = [ids[1], ids[3], ids[1]]
        changed = session.update(T, ["a"], batch(r=twice, a=[20, 40, 21]), returning=True)
        assert changed.count == 2
        assert changed.rows is not None
        assert sorted(changed.rows.to_pylist(), key=str) == [
            {"a": 20, "b": "q"},
            {"a": 40, "b": "s"},
        ]
    with session.writing(T):
        ids = session.snapshot(T, rowid=True).rows.column(ROWID).to_pylist()
        gone = session.delete(T, batch(r=[ids[0], ids[0]]), returning=True)
        assert (gone.count, gone.rows.to_pylist()) == (1, [{"a": 1, "b": "p"}])  # type: ignore[union-attr]
    assert sorted(rows(session)) == [(3, "r"), (20, "q"), (40, "s")]


def test_nothing_changed_is_zero(session: StoreSession) -> None:
    make(session)
    with session.writing(T):
        assert session.update(T, ["a"], []).count == 0
        gone = session.delete(T, [], returning=True)
        assert gone.rows is not None
        assert (gone.count, gone.rows.schema.names) == (0, ["a", "b"])
    assert session.insert(T, ["a"], []).count == 0


def test_statement_is_whole_or_not_at_all(session: StoreSession) -> None:
    make(session, keys=(Key(("a",), primary=True),))
    session.insert(T, ["a"], batch(a=[1]))

    def later_batches_fail() -> Iterator[pa.RecordBatch]:
        yield from batch(a=[2])
        yield from batch(a=[1])

    assert refused(lambda: session.insert(T, ["a"], later_batches_fail()))[0] == "23505"
    assert rows(session) == [(1, None)]

    def engine_fails() -> Iterator[pa.RecordBatch]:
        yield from batch(a=[2])
        raise ZeroDivisionError

    for change in (
        lambda: session.insert(T, ["a"], engine_fails()),
        lambda: session.create_table_as(
            TableDefinition(TableName("public", "u"), columns(a="int4")), engine_fails()
        ),
    ):
        with pytest.raises(ZeroDivisionError):
            change()
    assert rows(session) == [(1, None)]
    assert session.tables() == [T]


def test_writing_undoes_all_of_it(session: StoreSession) -> None:
    make(session)
    with pytest.raises(ZeroDivisionError), session.writing(T):
        session.insert(T, ["a"], batch(a=[1]))
        assert rows(session) == [(1, None)]
        raise ZeroDivisionError
    assert rows(session) == []
    session.insert(T, ["a"], batch(a=[2]))
    assert rows(session) == [(2, None)]


def test_a_failure_inside_writing_cannot_be_passed_over(session: StoreSession) -> None:
    make(session, keys=(Key(("a",), primary=True),))

    def pass_over() -> None:
        with session.writing(T):
            session.insert(T, ["a"], batch(a=[1]))
            assert refused(lambda: session.insert(T, ["a"], batch(a=[2, 2])))[0] == "23505"
            assert refused(lambda: session.snapshot(T))[0] == "25P02"

    assert refused(pass_over)[0] == "25P02"
    assert rows(session) == []
    assert refused(lambda: session.update(T, ["a"], batch(r=[0], a=[1])))[0] == "XX000"


def test_writing_sees_its_own_changes_past_the_cache(session: StoreSession) -> None:
    make(session)
    session.insert(T, ["a"], batch(a=[1]))
    assert rows(session) == [(1, None)]
    with session.writing(T):
        session.insert(T, ["a"], batch(a=[2]))
        assert rows(session) == [(1, None), (2, None)]
    assert rows(session) == [(1, None), (2, None)]


def test_names_keep_their_case_and_marks(session: StoreSession) -> None:
    """PostgreSQL tells "A" from "a"; DuckDB does not, and has names of its own."""
    names = ["A", "a", "rowid", 'quo"te', "Ünïcode", "select", "main", "c1", "delta", "x; --"]
    made = tuple(Column(name, by_name("int4")) for name in names)
    for schema in ("main", "Main", "data", "temp"):
        session.create_schema(schema)
    for number, name in enumerate(names):
        for schema in ("public", "main", "Main", "data", "temp"):
            table = TableName(schema, name)
            session.create_table(
                TableDefinition(table, made, keys=(Key(("A", "a"), primary=True),))
            )
            session.insert(
                table, names, [pa.record_batch([[number + i] for i in range(10)], names)]
            )
    for number, name in enumerate(names):
        found = session.snapshot(TableName("Main", name), rowid=True).rows
        assert found.drop_columns(ROWID).to_pylist() == [
            {column: number + i for i, column in enumerate(names)}
        ]
    assert len(session.tables()) == 50


def test_views_are_kept_as_written(store: Store, session: StoreSession) -> None:
    view = View(TableName("public", "v"), "SELECT grad(x*x, x) FROM t -- ☃", ("g",))
    session.create_view(view)
    session.create_view(View(view.name, "SELECT 2"), or_replace=True)
    number = session.oid(view.name)
    session.create_view(view, or_replace=True)
    assert session.oid(view.name) == number
    other = store.session()
    assert (other.views(), other.view(view.name), other.tables()) == ([view], view, [])
    assert other.drop_relations("view", [view.name]).missing == ()
    assert session.view(view.name) is None
    other.close()


def test_version_grows_with_every_definition(store: Store, session: StoreSession) -> None:
    other = store.session()
    changes: list[Callable[[], object]] = [
        lambda: session.create_schema("s"),
        lambda: make(session),
        lambda: session.create_view(View(TableName("s", "v"), "SELECT 1")),
        lambda: session.drop_relations("table", [T]),
        lambda: session.drop_schema("s", cascade=True),
    ]
    for change in changes:
        before = other.version
        change()
        assert other.version > before
    before = other.version
    session.create_schema("s")
    make(session)
    between = other.version
    session.insert(T, ["a"], batch(a=[1]))
    session.create_schema("s", if_not_exists=True)
    assert other.version == between > before
    other.close()


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session = store.session()
    varchar = Column("c", by_name("varchar"), 7, True, "'z'")
    definition = TableDefinition(
        TableName("S", "T"),
        (*columns(a="numeric", b="text"), varchar),
        (Key(("a",), primary=True), Key(("b", "c"))),
        comment="why",
    )
    session.create_schema("S")
    session.create_table(definition)
    kept = session.table(definition.name)
    session.create_view(View(TableName("S", "v"), "SELECT 1"))
    session.create_enum(TableName("S", "mood"), ["sad", "ok"])
    (mood,) = session.enums()
    place = TableName("S", "held")
    session.create_domain(Domain(0, 0, place, mood.type, not_null=True, default="'ok'"))
    session.create_domain(
        Domain(0, 0, TableName("S", "over"), mood.type, over=session.domains()[0])
    )
    held = session.domains()
    moods = (
        Column("m", mood.type),
        Column("a", array_of(mood.type)),
        Column("d", mood.type, domain=held[1]),
    )
    session.create_table(TableDefinition(TableName("S", "moods"), moods))
    session.close()
    store.close()
    store = Store(tmp_path)
    session = store.session()
    assert session.schemas() == ["S", "public"]
    assert session.table(definition.name) == kept
    assert kept is not None and [c.not_null for c in kept.columns] == [True, False, True]
    assert session.snapshot(definition.name).description.comment == "why"
    told = session.table(TableName("S", "moods"))
    assert told is not None and [column.type for column in told.columns] == [
        mood.type,
        array_of(mood.type),
        mood.type,
    ]
    assert session.domains() == held and told.column("d").domain == held[1]
    assert session.create_table(TableDefinition(T, columns(a="int4")))
    assert (
        len({session.oid(T), session.oid(definition.name), session.oid(TableName("S", "v"))}) == 3
    )
    session.close()
    store.close()


def test_second_server_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    code, message, _ = refused(lambda: Store(tmp_path))
    assert (code, message) == ("F0001", f'data directory "{tmp_path}" is in use by another server')
    store.close()
    Store(tmp_path).close()


def test_other_formats_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store._shared.database.execute("UPDATE gradwire.settings SET value = '999'")
    store.close()
    code, message, _ = refused(lambda: Store(tmp_path))
    assert code == "F0000" and "has format 999, and this server reads format 3" in message
    (tmp_path / FILE).write_bytes(b"no database at all" * 1000)
    assert refused(lambda: Store(tmp_path))[0] == "F0000"


def test_temporary_directory_is_removed() -> None:
    store = Store(None)
    assert (store.directory / FILE).exists()
    store.close()
    store.close()
    assert not store.directory.exists()


def test_duckdb_reaches_nothing_outside(store: Store) -> None:
    for statement in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/never'",
        "ATTACH '/tmp/never.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ):
        with pytest.raises(Exception, match=r"(?i)permission|disabled|locked|not allowed"):
            store._shared.database.execute(statement)


# Refusals: what is done to a table t (a integer, b text, primary key a, unique (a, b)), a view v
# and a schema s with a table in it; and the same statement for PostgreSQL.


def refused(statement: Callable[[], object]) -> tuple[str, str, str]:
    with pytest.raises(GatewayError) as caught:
        statement()
    return caught.value.code, str(caught.value), caught.value.detail


def table(name: str, **types: str) -> TableDefinition:
    schema, _, last = name.rpartition(".")
    return TableDefinition(TableName(schema or "public", last), columns(**types))


def public(name: str) -> TableName:
    return TableName("public", name)


REFUSALS: dict[str, Callable[[StoreSession], object]] = {
    "CREATE TABLE t (a int)": lambda s: s.create_table(table("t", a="int4")),
    "CREATE TABLE v (a int)": lambda s: s.create_table(table("v", a="int4")),
    "CREATE VIEW t AS SELECT 1": lambda s: s.create_view(View(public("t"), "")),
    "CREATE OR REPLACE VIEW t AS SELECT 1": lambda s: s.create_view(
        View(public("t"), ""), or_replace=True
    ),
    "CREATE TABLE no.t (a int)": lambda s: s.create_table(table("no.t", a="int4")),
    "CREATE TABLE n (ctid int)": lambda s: s.create_table(table("n", ctid="int4")),
    "CREATE TABLE n (a int, a int)": lambda s: s.create_table(
        TableDefinition(public("n"), columns(a="int4") * 2)
    ),
    "CREATE TABLE n (a int, PRIMARY KEY (x))": lambda s: s.create_table(
        TableDefinition(public("n"), columns(a="int4"), keys=(Key(("x",), primary=True),))
    ),
    "CREATE TABLE n (a int, UNIQUE (a, a))": lambda s: s.create_table(
        TableDefinition(public("n"), columns(a="int4"), keys=(Key(("a", "a")),))
    ),
    "DROP TABLE no": lambda s: s.drop_relations("table", [public("no")]),
    "DROP TABLE s.no": lambda s: s.drop_relations("table", [TableName("s", "no")]),
    "DROP VIEW no": lambda s: s.drop_relations("view", [public("no")]),
    "DROP TABLE v": lambda s: s.drop_relations("table", [public("v")]),
    "DROP VIEW t": lambda s: s.drop_relations("view", [public("t")]),
    "CREATE SCHEMA s": lambda s: s.create_schema("s"),
    "CREATE SCHEMA pg_s": lambda s: s.create_schema("pg_s"),
    "CREATE SCHEMA information_schema": lambda s: s.create_schema("information_schema"),
    "DROP SCHEMA no": lambda s: s.drop_schema("no"),
    "DROP SCHEMA s": lambda s: s.drop_schema("s"),
    "INSERT INTO no VALUES (1)": lambda s: s.insert(public("no"), ["a"], batch(a=[1])),
    "INSERT INTO t (x) VALUES (1)": lambda s: s.insert(T, ["x"], batch(a=[1])),
    "INSERT INTO t (a, a) VALUES (1, 1)": lambda s: s.insert(T, ["a", "a"], batch(a=[1], b=[1])),
    "INSERT INTO t VALUES (1, 'y')": lambda s: s.insert(T, ["a", "b"], batch(a=[1], b=["y"])),
    "INSERT INTO t VALUES (5, 'y'), (5, 'z')": lambda s: s.insert(
        T, ["a", "b"], batch(a=[5, 5], b=["y", "z"])
    ),
    "INSERT INTO t (a) VALUES (9), (NULL)": lambda s: s.insert(T, ["a"], batch(a=[9, None])),
    "INSERT INTO s.k VALUES (1, 'x, y')": lambda s: s.insert(
        TableName("s", "k"), ["a", "b"], batch(a=[1], b=["x, y"])
    ),
    "INSERT INTO s.k VALUES (2, NULL)": lambda s: s.insert(
        TableName("s", "k"), ["a", "b"], batch(a=[2], b=pa.nulls(1))
    ),
}


@pytest.mark.parametrize("statement", REFUSALS)
def test_refused_in_postgres_words(
    session: StoreSession, postgres: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    k = TableDefinition(
        TableName("s", "k"),
        (Column("a", by_name("int4")), Column("b", by_name("text"), not_null=True)),
        keys=(Key(("a", "b")),),
    )
    make(session, keys=(Key(("a",), primary=True),))
    session.create_view(View(public("v"), "SELECT 1"))
    session.create_schema("s")
    session.create_table(k)
    session.insert(T, ["a", "b"], batch(a=[1], b=["x"]))
    session.insert(k.name, ["a", "b"], batch(a=[1], b=["x, y"]))
    postgres.execute(
        """DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;
        CREATE SCHEMA s; CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x');
        CREATE VIEW v AS SELECT 1; CREATE TABLE s.k (a int, b text NOT NULL, UNIQUE (a, b));
        INSERT INTO s.k VALUES (1, 'x, y')"""
    )
    with pytest.raises(psycopg.Error) as theirs:
        postgres.execute(statement.encode())
    code, message, detail = refused(lambda: REFUSALS[statement](session))
    assert (code, message) == (theirs.value.sqlstate, theirs.value.diag.message_primary)
    if code == "42939":
        return  # One more name is reserved here.
    assert detail == (theirs.value.diag.message_detail or "")


def test_if_exists_and_if_not_exists_say_what_they_found(session: StoreSession) -> None:
    assert session.create_schema("s", if_not_exists=True) is True
    assert session.create_schema("s", if_not_exists=True) is False
    assert session.create_table(table("t", a="int4"), if_not_exists=True) is True
    assert session.create_table(table("t", b="text"), if_not_exists=True) is False
    assert session.create_table_as(table("t", a="int4"), batch(a=[1]), if_not_exists=True) is None
    assert session.create_table_as(table("u", a="int4"), batch(a=[1, 2])) == 2
    assert session.drop_relations("table", [T], if_exists=True).missing == ()
    assert session.drop_relations("table", [T], if_exists=True).missing
    assert session.drop_relations("view", [T], if_exists=True).missing
    assert session.drop_schema("s", if_exists=True) is not None
    assert session.drop_schema("s", if_exists=True) is None


@pytest.mark.parametrize("type_name", ["xid", "regclass", "aclitem", "bpchar[]"])
def test_columns_of_other_types_are_refused_by_name(session: StoreSession, type_name: str) -> None:
    column = Column("a", by_name(type_name))
    code, message, _ = refused(lambda: session.create_table(TableDefinition(T, (column,))))
    assert code == "0A000"
    assert message.startswith(f'column "a" of type {by_name(type_name).sql} cannot be kept')


def test_keys_move_within_one_statement(session: StoreSession) -> None:
    """Values of a key may swap or shift among the rows of one UPDATE."""
    make(session, keys=(Key(("a",), primary=True), Key(("b",))))
    session.insert(T, ["a", "b"], batch(a=[1, 2, 3], b=["x", "y", None]))
    shifts: list[tuple[list[int], list[str | None]]] = [
        ([2, 1, 3], ["y", "x", None]),
        ([3, 2, 4], ["x", "y", "z"]),
        ([3, 2, 4], ["x", "y", "z"]),
    ]
    for a, b in shifts:
        with session.writing(T):
            ids = session.snapshot(T, rowid=True).rows.column(ROWID).to_pylist()
            session.update(T, ["a", "b"], batch(r=ids, a=a, b=b))
        assert sorted(rows(session)) == sorted(zip(a, b, strict=True))

    def collide() -> None:
        with session.writing(T):
            ids = session.snapshot(T, rowid=True).rows.column(ROWID).to_pylist()
            session.update(T, ["a"], batch(r=ids[:1], a=[2]))

    code, _, detail = refused(collide)
    assert (code, detail) == ("23505", "Key (a)=(2) already exists.")


def test_truncate(session: StoreSession) -> None:
    make(session)
    session.insert(T, ["a"], batch(a=[1]))
    session.truncate([T])
    assert rows(session) == []
