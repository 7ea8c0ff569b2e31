"""Ways out of one's own tables, to files, network, environment and others' data: all refused."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from gateway.app import App
from tests.conftest import Connect

ESCAPES = [
    line.split("  ", 1)
    for line in (Path(__file__).parent / "escapes.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

SETUP = """
CREATE TABLE secret (x double precision);
INSERT INTO secret VALUES (42);
CREATE SEQUENCE secret_seq;
CREATE VIEW secret_view AS SELECT * FROM secret;
CREATE TABLE plain (a double precision);
INSERT INTO plain VALUES (1);
GRANT ALL ON plain TO alice;
CREATE TABLE readable (x double precision);
INSERT INTO readable VALUES (7);
GRANT SELECT ON readable TO alice;
CREATE TABLE half (a int UNIQUE, c int);
INSERT INTO half VALUES (1, 42);
GRANT SELECT (a), INSERT (a), UPDATE (a) ON half TO alice;
PREPARE admins_statement AS SELECT * FROM secret;
CREATE TEMP TABLE admins_temp (a int);
"""


SPILLING = "SELECT n FROM generate_series(1, 3000000) AS t (n) ORDER BY -n OFFSET 2999999"


def test_nothing_gets_out(as_role: Connect) -> None:
    assert len(ESCAPES) >= 600
    admin = as_role("admin")
    admin.execute(SETUP)
    pid = admin.info.backend_pid
    found = admin.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^pg_temp_'")
    (temp,) = found.fetchone() or ("",)
    before, alice = _state(admin), as_role("alice")
    wrong = []
    for code, statement in ESCAPES:
        for extended in (False, True):
            told = _told(alice, statement.format(temp=temp, pid=pid), extended)
            wanted = (
                "42601"
                if extended and "; " in statement and not statement.startswith("DO")
                else code
            )
            if told not in wanted.split("/"):
                wrong.append((statement, extended, told, wanted))
    assert not wrong, "\n".join(map(str, wrong))
    assert _state(admin) == before
    admin.execute(
        "DROP VIEW secret_view; DROP TABLE secret, plain, readable, half; DROP SEQUENCE secret_seq"
    )


def _told(connection: psycopg.Connection[object], statement: str, extended: bool = False) -> str:
    """The SQLSTATE that a statement is refused with; `extended`: by that protocol."""
    try:
        connection.execute(statement, binary=extended)
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    finally:
        connection.rollback()
    return "done"


def _state(admin: psycopg.Connection[object]) -> list[object]:
    counts = "SELECT x FROM secret UNION ALL TABLE plain UNION ALL TABLE readable"
    names = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    return [admin.execute(query).fetchall() for query in (counts, names, "TABLE gradwire.datasets")]


@pytest.mark.parametrize(
    ("role", "statement", "code"),
    [
        ("reader", "CREATE TEMP TABLE t (a int)", "25006"),
        ("reader", "INSERT INTO ncep.winds VALUES (1)", "25006"),
        ("reader", "SET transaction_read_only = off", "42501"),
        ("reader", "SET default_transaction_read_only = off", "42501"),
        ("reader", "BEGIN READ WRITE", "42501"),
        ("reader", "SELECT set_config('transaction_read_only', 'off', true)", "42501"),
        ("reader", "ATTACH '/x' AS y", "25006"),
        ("reader", "GRANT SELECT ON ncep.winds TO alice", "25006"),
        ("hasty", "SET statement_timeout = 0", "42501"),
        ("hasty", "SET statement_timeout = '1h'", "42501"),
        ("hasty", "SELECT set_config('statement_timeout', '0', false)", "42501"),
        ("hasty", "SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)", "57014"),
        (
            "small",
            "SELECT n FROM generate_series(1, 3000000) AS t (n) ORDER BY -n OFFSET 2999999",
            "done",
        ),
        ("small", "SELECT array_agg(n) FROM generate_series(1, 90000000) AS t(n)", "53200"),
    ],
)
def test_a_limit_of_a_role_holds(as_role: Connect, role: str, statement: str, code: str) -> None:
    assert _told(as_role(role), statement) == code


def test_a_limit_of_a_role_is_where_it_begins(as_role: Connect) -> None:
    hasty, reader = as_role("hasty"), as_role("reader")
    assert hasty.execute("SHOW statement_timeout").fetchone() == ("2s",)
    hasty.execute("SET statement_timeout = 1900")
    hasty.execute("RESET statement_timeout")
    assert hasty.execute("SHOW statement_timeout").fetchone() == ("2s",)
    assert reader.execute("SHOW transaction_read_only").fetchone() == ("on",)
    assert reader.execute("SELECT count(*) FROM ncep.winds").fetchone() == (126144,)


def test_a_role_has_its_connections_and_no_more(as_role: Connect) -> None:
    first = as_role("single")
    with pytest.raises(psycopg.OperationalError, match='too many connections for role "single"'):
        as_role("single")
    assert as_role("alice").execute("SELECT 1").fetchone() == (1,)
    first.close()


def test_others_statements_are_hidden(as_role: Connect) -> None:
    admin, alice = as_role("admin"), as_role("alice")
    admin.execute("SELECT 'a secret'")
    query = "SELECT query, state IS NULL FROM pg_stat_activity WHERE pid = %s"
    pid = admin.info.backend_pid
    assert alice.execute(query, [pid]).fetchall() == [("<insufficient privilege>", True)]
    assert "secret" in str(as_role("admin").execute(query, [pid]).fetchall())
    mine = alice.execute(query, [alice.info.backend_pid]).fetchall()
    assert mine[0][0].startswith("SELECT query")


_SETTINGS = "SELECT name FROM pg_settings WHERE name IN ('data_directory', 'hba_file', 'jit')"


def test_settings_of_the_server_are_told_to_those_who_may_see_them(as_role: Connect) -> None:
    admin, alice = as_role("admin"), as_role("alice")
    assert len(admin.execute(_SETTINGS).fetchall()) == 3
    assert alice.execute(_SETTINGS).fetchall() == [("jit",)]
    assert "data_directory" not in [name for name, *_ in alice.execute("SHOW ALL").fetchall()]
    for role in ("pg_read_all_settings", "pg_monitor"):
        admin.execute(f"CREATE ROLE teller LOGIN IN ROLE {role}")
        teller = as_role("teller")
        assert len(teller.execute(_SETTINGS).fetchall()) == 3
        assert teller.execute("SHOW data_directory").fetchone() is not None
        teller.close()
        admin.execute("DROP ROLE teller")


# Statements that go wrong in the engine, the store or the catalogue's database.
_WRONG = [
    "INSERT INTO plain VALUES ('x')",
    "INSERT INTO held VALUES (1, 1)",
    "INSERT INTO held VALUES (NULL, 1)",
    "INSERT INTO held VALUES (2, 99999999999)",
    "SELECT 1 / (a - a)::int FROM plain",
    "SELECT a::text::int FROM plain",
    "SELECT nothing(a) FROM plain",
    "SELECT relname::int FROM pg_class",
    "SELECT 1 / 0 FROM pg_class",
    "SELECT sum(n * n) FROM generate_series(9000000000000000000, 9000000000000000009) AS t (n)",
    "SELECT to_date('x', 'YYYY')",
    "SELECT jsonb '{'",
    "SELECT regexp_replace('a', '(', 'b')",
    "COPY plain FROM STDIN (FORMAT parquet)",
    "CREATE TEMP TABLE t (a int CHECK (a / 0 > 1)); INSERT INTO t VALUES (1)",
]
_INSIDE = re.compile(
    r"duckdb|datafusion|arrow::|data\.t\d|\bc\d+\b|gradwire-|/tmp/|Traceback", re.I
)


def test_errors_tell_nothing_of_what_is_inside(guarded: App, as_role: Connect) -> None:
    admin, alice = as_role("admin"), as_role("alice")
    admin.execute("CREATE TABLE plain (a float8); INSERT INTO plain VALUES (1.5)")
    admin.execute("CREATE TABLE held (a int PRIMARY KEY, b int); INSERT INTO held VALUES (1, 1)")
    admin.execute("GRANT ALL ON plain, held TO alice")
    told = []
    for statement in _WRONG:
        with pytest.raises(psycopg.Error) as caught:
            alice.execute(statement).fetchall()
        alice.rollback()
        diag = caught.value.diag
        parts = (diag.message_primary, diag.message_detail, diag.message_hint, diag.context)
        text = "\n".join(part for part in parts if part)
        if _INSIDE.search(text) or str(guarded.store.directory) in text:
            told.append((statement, text))
    admin.execute("DROP TABLE plain, held")
    assert not told


def test_the_catalogue_shows_roles_owners_and_grants(as_role: Connect) -> None:
    admin, alice = as_role("admin"), as_role("alice")
    admin.execute("CREATE TABLE shown (a int); GRANT SELECT, INSERT ON shown TO alice")
    admin.execute(
        "GRANT UPDATE ON shown TO team WITH GRANT OPTION; GRANT DELETE ON shown TO PUBLIC"
    )
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'shown'"
    acl = "SELECT relacl::text[] FROM pg_class WHERE relname = 'shown'"
    roles = "SELECT rolname, rolsuper FROM pg_roles WHERE rolname IN ('admin', 'alice', 'team')"
    for connection in (admin, alice):
        assert connection.execute(owner).fetchall() == [("admin",)]
        (found,) = connection.execute(acl).fetchone() or ([],)
        assert found == ["admin=arwdDxt/admin", "alice=ar/admin", "team=w*/admin", "=d/admin"]
        told = sorted(connection.execute(roles).fetchall())
        assert told == [("admin", True), ("alice", False), ("team", False)]
    admin.execute("ALTER TABLE shown OWNER TO alice")
    assert admin.execute(owner).fetchall() == [("alice",)]
    admin.execute("DROP TABLE shown")


def test_datasets_are_everyones_until_that_is_revoked(as_role: Connect) -> None:
    admin, alice = as_role("admin"), as_role("alice")
    query = "SELECT count(*) FROM ncep.sst"
    assert alice.execute(query).fetchone() is not None
    admin.execute("REVOKE SELECT ON ncep.sst FROM PUBLIC")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="foreign table sst"):
        alice.execute(query)
    admin.execute("GRANT SELECT ON ncep.sst TO alice")
    assert alice.execute(query).fetchone() is not None
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role("bob").execute(query)
    admin.execute("GRANT SELECT ON ncep.sst TO PUBLIC")
    admin.execute("REVOKE USAGE ON SCHEMA ncep FROM PUBLIC")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema ncep"):
        alice.execute(query)
    admin.execute("GRANT USAGE ON SCHEMA ncep TO PUBLIC")


def test_a_view_tells_no_values_of_what_may_not_be_read(as_role: Connect) -> None:
    admin = as_role("admin")
    admin.execute("CREATE TABLE behind (a int, b text DEFAULT 'hidden')")
    admin.execute("CREATE VIEW front AS SELECT a FROM behind WHERE a > 0 WITH CHECK OPTION")
    admin.execute("GRANT INSERT ON front TO alice")
    told = []
    for _ in range(2):
        with pytest.raises(psycopg.errors.WithCheckOptionViolation) as caught:
            as_role("alice").execute("INSERT INTO front VALUES (-1)")
        told.append(caught.value.diag.message_detail)
        admin.execute("GRANT SELECT ON behind TO alice")
    assert told == [None, "Failing row contains (-1, hidden)."]
    admin.execute("DROP TABLE behind CASCADE")


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("UPDATE partly SET a = NULL", None),
        ("UPDATE partly SET a = 1000", None),
        ("INSERT INTO partly VALUES (3, 'x', 7)", None),
        ("INSERT INTO child VALUES (8)", 'Key is not present in table "partly".'),
        ("UPDATE partly SET k = 9", 'Key is still referenced from table "child".'),
    ],
)
def test_an_error_tells_no_values_of_what_may_not_be_read(
    as_role: Connect, statement: str, wanted: str | None
) -> None:
    admin = as_role("admin")
    admin.execute(
        "CREATE TABLE partly (a int NOT NULL CHECK (a < 100), b text, k int UNIQUE);"
        "CREATE TABLE child (k int REFERENCES partly (k));"
        "INSERT INTO partly VALUES (1, 'hidden', 7); INSERT INTO child VALUES (7)"
    )
    try:
        admin.execute("GRANT INSERT, UPDATE ON partly TO alice; GRANT INSERT ON child TO alice")
        for readable in (False, True):
            with pytest.raises(psycopg.errors.IntegrityError) as caught:
                as_role("alice").execute(statement)
            detail = caught.value.diag.message_detail
            assert detail is not None if readable else detail == wanted
            admin.execute("GRANT SELECT ON partly, child TO alice")
        assert "=(" in str(detail) or "hidden" in str(detail)
    finally:
        admin.execute("DROP TABLE child, partly")
