"""`database.schema.table`: the client's own database says nothing more, another is refused."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

ALIKE = (
    "SELECT a FROM {db}.public.placed",
    "SELECT {db}.public.placed.a FROM {db}.public.placed",
    "SELECT a FROM {db}.public.seen",
    "SELECT grad(a, a) + 1 FROM (SELECT a FROM {db}.public.placed) AS q",
    "UPDATE {db}.public.placed SET a = a RETURNING a",
)


@pytest.mark.parametrize("name", ["postgres", "template1", "of_its_own"])
def test_every_database_has_a_name_of_its_own(connect: Connect, name: str) -> None:
    client = connect(dbname=name)
    listed = {row[0] for row in client.execute("SELECT datname FROM pg_database").fetchall()}
    here = "postgres" if name == "template1" else name
    assert listed == {here, "template1", "template0"}
    known = client.execute(
        "SELECT count(*), count(DISTINCT datname), max(oid) FILTER (WHERE datname = %s)"
        " FROM pg_database",
        [name],
    )
    numbers = {"template1": 1, "postgres": 5}  # pgAdmin lists others from 16384 up
    assert known.fetchone() == (3, 3, numbers.get(name, 16384))
    seen = client.execute(
        "SELECT d.datname FROM pg_stat_activity JOIN pg_database AS d ON d.oid = datid"
    )
    assert {row[0] for row in seen.fetchall()} == {here}


def test_the_own_database_may_stand_before_a_schema(connect: Connect) -> None:
    client = connect()
    (name,) = client.execute("SELECT current_database()").fetchone() or ("",)
    client.execute("CREATE TABLE placed (a float8)")
    client.execute("INSERT INTO placed VALUES (2)")
    client.execute(f'CREATE VIEW seen AS SELECT a FROM "{name}".public.placed')
    for sql in ALIKE:
        assert client.execute(sql.format(db=f'"{name}"')).fetchall() == [(2.0,)], sql
    for sql in ALIKE:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cross-database references"):
            client.execute(sql.format(db="elsewhere"))
    client.execute("DROP VIEW seen")
    client.execute("DROP TABLE placed")
