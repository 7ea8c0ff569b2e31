"""Shapes of catalogue queries that no recorded statement has, answered as by PostgreSQL."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from gateway.catalog.system.static import static
from gateway.catalog.translation.special import SPECIAL
from tests.catalog.clients import Server

ALIKE = (
    "SELECT json_agg(oid ORDER BY oid), jsonb_agg(oid), jsonb_object_agg(relname, relkind),"
    " json_object_agg(relname, 1), json_agg(relname) FILTER (WHERE relkind = 'v')"
    " FROM pg_class WHERE relname = 'pg_class'",
    "SELECT json_build_array(1, 'a', NULL, true), jsonb_build_array(oid, relname), to_json(oid),"
    " to_jsonb(oid), jsonb_build_object('bb', 1, 'a', json_build_object('z', 2, 'y', 1))"
    " FROM pg_class WHERE relname = 'pg_class'",
    "SELECT array_agg(ARRAY[relname, relkind::text] ORDER BY relname) FROM pg_class"
    " WHERE relname IN ('pg_class', 'pg_type')",
    "SELECT t.select FROM (SELECT 1 AS select FROM pg_am WHERE amname = 'heap') AS t",
    "SELECT ('{' || relname || ',\"b c\"}')::text[], '{1,2}'::text::int[], trim(' a '),"
    " trim(BOTH 'p' FROM relname) FROM pg_class WHERE relname = 'pg_class'",
    "SELECT regclass('pg_class')::oid, regtype('int4'), oidvectortypes(proargtypes) FROM pg_proc"
    " WHERE proname = 'substr' ORDER BY 3",
    "SELECT (SELECT c.tableoid::regclass FROM pg_type AS t WHERE t.oid = 16) FROM pg_class AS c"
    " WHERE relname = 'pg_class'",
    "SELECT u.* FROM pg_am, unnest(ARRAY[1,2,3], ARRAY['a','b']) WITH ORDINALITY AS u(n, t, place)"
    " WHERE amname = 'heap'",
    "SELECT (parse_ident('x.\"Y z\"'))[2], quote_ident('A b'), quote_literal('it''s'),"
    " quote_literal(4)",
    "SELECT 'air'::regclass, 'air'::regclass::text, 'int4'::regtype, 'now'::regproc, 1::oid,"
    " 'a'::name",
    "SELECT 'nosuch'::regclass",
    "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('work_mem', 'wal_level',"
    " 'checkpoint_timeout', 'config_file_mode', 'TimeZone') ORDER BY 1",
    "SELECT current_setting('nosuch', true), current_setting(relname) FROM pg_class"
    " WHERE relname = 'air'",
    "SELECT n, pg_encoding_to_char(n) FROM pg_am, generate_series(-2, 50) AS n"
    " WHERE amname = 'heap' ORDER BY 1",
    "SELECT conname, pg_encoding_to_char(conforencoding) FROM pg_conversion ORDER BY 1",
    "SELECT relname, pg_get_viewdef(oid), pg_get_viewdef(oid, true), pg_get_viewdef(oid, 0)"
    " FROM pg_class WHERE relname IN ('pg_views', 'pg_roles', 'tables', 'columns') ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true)"
    " FROM pg_constraint WHERE conname LIKE '%check' ORDER BY 1",
    "SELECT relname, pg_table_size(oid), pg_relation_size(oid) FROM pg_class"
    " WHERE relname IN ('pg_views', 'tables') ORDER BY 1",
    "SELECT to_regclass('nosuch'), to_regtype('float8'), format_type(1043, 14),"
    " format_type(0, NULL)",
    "SELECT has_table_privilege('air', 'SELECT'), has_table_privilege(NULL::text, 'SELECT')",
    "SELECT has_table_privilege('nosuch', 'SELECT')",
    "SELECT nosuch FROM pg_class",
    "SELECT * FROM pg_nosuch",
    "SELECT nosuch(oid) FROM pg_class",
    "SELECT json_agg(attname ORDER BY attnum DESC) FROM pg_attribute"
    " WHERE attrelid = 'air'::regclass AND attnum > 0",
    "SELECT 1::text::int4, 'x'::text, CASE WHEN true THEN 1 END, relname::text || 'x',"
    " relname = 'air'"
    " FROM pg_class WHERE relname = 'air'",
    "SELECT count(*), bool_and(rolsuper) FROM pg_roles WHERE rolname = current_user",
    "SELECT conkey[1], confkey FROM pg_constraint WHERE conname = 'cardinal_number_domain_check'",
    # pg_dump: once for each row; a name is an array of letters
    "SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'nosuch'",
    "SELECT set_config(name, '16MB', false), setting FROM pg_settings WHERE name = 'work_mem'",
    "SELECT typname[0] = '_', typname[1], typname[63], typname[64] FROM pg_type"
    " WHERE typname = '_int4'",
    # Rails: an extension is there
    "SELECT name, default_version, installed_version, comment FROM pg_available_extensions"
    " WHERE name = 'plpgsql'",
    # Hasura: objects in an array; jsonb has other blanks
    "SELECT c.relname, coalesce(x.info, '[]') FROM pg_class c LEFT JOIN LATERAL (SELECT json_agg("
    "json_build_object('name', a.attname, 'null', NOT a.attnotnull) ORDER BY a.attnum) AS info"
    " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) x ON true"
    " WHERE c.relname IN ('air', 'surface') ORDER BY 1",
    "SELECT jsonb_build_object('a', jsonb_build_object('b', relname), 'c', json_agg(relname))"
    " FROM pg_class WHERE relname = 'air' GROUP BY relname",
    # Directus: the text that a pattern matches
    "SELECT substring('nextval(abc)'::text from 'l(.*)'), substring(relname::text from 't'),"
    " substring(relname::text from 'zz'), substring(relname::text from 2)"
    " FROM pg_class WHERE relname = 'pg_type'",
    # pg_dump: what holds before anything was granted
    "SELECT acldefault('r', 10), acldefault('s', 10), acldefault('n', 10), acldefault('f', 10),"
    " acldefault('d', 10), acldefault('c', 10), acldefault('T', 10), acldefault('l', 10),"
    " acldefault('t', 10), acldefault('F', 10), acldefault('S', 10), acldefault('L', 10)",
    # TypeORM: every part of a name in quotes, the database's too
    """SELECT ('"public"."air"')::regclass, ('"' || current_database() || '"."era5"."surface"')"""
    """::regclass, ('"pg_catalog"."' || typname || '"')::regtype FROM pg_type"""
    " WHERE typname = 'int4'",
    # Drizzle: rows without columns
    "SELECT count(*) FROM pg_class c WHERE relname = 'air'"
    " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid)",
    "SELECT FROM pg_class WHERE relname = 'air'",
)


@pytest.fixture(scope="module")
def servers(
    ours: psycopg.Connection[Any], theirs: psycopg.Connection[Any]
) -> tuple[Server, Server]:
    return Server(ours), Server(theirs)


@pytest.mark.parametrize("sql", ALIKE)
def test_a_query_is_answered_as_postgresql_does(sql: str, servers: tuple[Server, Server]) -> None:
    here, there = (server.answer(sql) for server in servers)
    assert (here.columns, here.rows, here.code[:5]) == (there.columns, there.rows, there.code[:5])


@pytest.mark.parametrize("expression", ["array_agg(ARRAY[relname])::text", "28::bit(8)",
    "28::bit(8)::text"])  # fmt: skip
def test_refused_by_name(expression: str, ours: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="not supported"):
        ours.execute(f"SELECT {expression} FROM pg_class".encode())


def test_explain_of_a_catalogue_query_says_so(ours: psycopg.Connection[Any]) -> None:
    (line,) = ours.execute("EXPLAIN SELECT * FROM pg_class").fetchone() or ()
    assert line.startswith("Catalogue query")


# What an answer stands on: it is asked, something is done, and it is asked again. A last column
# tells whether the second answer is another one.
CHANGED = (
    ("SELECT relname FROM pg_class WHERE relname LIKE 'kept%'", "CREATE TABLE kept (a int)", True),
    (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0",
        "ALTER TABLE kept ADD COLUMN b text",
        True,
    ),
    (
        "SELECT column_name, column_default FROM information_schema.columns"
        " WHERE table_name = 'kept'",
        "ALTER TABLE kept ALTER COLUMN a SET DEFAULT 7",
        True,
    ),
    ("SELECT obj_description('kept'::regclass)", "COMMENT ON TABLE kept IS 'told'", True),
    (
        "SELECT setting FROM pg_settings WHERE name = 'TimeZone'",
        "SET TimeZone = 'Asia/Tokyo'",
        True,
    ),
    ("SELECT reset_val FROM pg_settings WHERE name = 'extra_float_digits'", "SELECT 1", False),
    ("SELECT 'kept'::regclass::oid > 0, current_schemas(false)", "SET search_path = era5", True),
    ("SELECT tablename FROM pg_tables WHERE tablename = 'kept'", "SET search_path = public", False),
    ("SELECT pg_table_is_visible('public.kept'::regclass)", "SET search_path = era5", True),
    ("SELECT relname FROM pg_class WHERE relname LIKE 'kept%'", "DROP TABLE public.kept", True),
    ("SELECT 1 FROM pg_class WHERE relname = 'kept'", "RESET ALL", False),
)


def test_an_answer_that_is_asked_again_is_the_present_one(servers: tuple[Server, Server]) -> None:
    for sql, done, changes in CHANGED:
        answers = []
        for server in servers:
            server.connection.execute("RESET search_path")
            before = [server.answer(sql), server.answer(sql), server.answer(sql)]
            server.connection.execute(done)
            answers.append((before, [server.answer(sql), server.answer(sql)]))
        here, there = ([[(a.rows, a.code[:5]) for a in part] for part in each] for each in answers)
        assert here == there, sql
        assert (here[0][-1] != here[1][0]) == changes, sql


UNORDERED = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'surface'",
    "SELECT * FROM information_schema.columns WHERE table_name = 'atmosphere'"
    " AND table_catalog = current_database()",
    "SELECT c.column_name, (SELECT array_agg(e.enumlabel) FROM pg_enum e) FROM"
    " information_schema.columns c LEFT JOIN (SELECT tc.table_name, tc.constraint_type FROM"
    " information_schema.table_constraints tc) pk ON pk.table_name = c.table_name"
    " WHERE c.table_name = 'surface'",
    "SELECT attname FROM pg_attribute WHERE attrelid = 'era5.surface'::regclass AND attnum > 0",
)


@pytest.mark.parametrize("sql", UNORDERED)
def test_columns_come_in_their_order_though_nobody_asks(
    sql: str, servers: tuple[Server, Server]
) -> None:
    here, there = (server.connection.execute(sql).fetchall() for server in servers)
    place = 3 if "*" in sql else 0
    assert [row[place] for row in here] == [row[place] for row in there]


def test_an_answer_is_kept_for_its_own_parameters(servers: tuple[Server, Server]) -> None:
    sql = "SELECT relname FROM pg_class WHERE relname = %s AND relkind = 'r'"
    for server in servers:
        for name in ("air", "surface", "air", "nosuch", "surface"):
            rows = server.connection.execute(sql, [name]).fetchall()
            assert rows == [(name,)] * (name != "nosuch")


def test_a_parameter_that_nothing_reads_is_left_out(servers: tuple[Server, Server]) -> None:
    """The number of `$1` begins that of `$10`."""
    marks = ", ".join(["%s"] * 12)
    sql = (
        "SELECT relname FROM (SELECT relname, generate_subscripts(indkey, %s::int) AS place FROM"
        " pg_class JOIN pg_index ON indexrelid = pg_class.oid) AS keys"
        f" WHERE relname IN ({marks}) GROUP BY 1"
    )
    names = ["pg_class_oid_index", *map(str, range(11))]
    for server in servers:
        rows = server.connection.execute(sql, [1, *names]).fetchall()
        assert rows == [("pg_class_oid_index",)]


def test_what_a_clock_or_a_client_tells_is_not_kept(servers: tuple[Server, Server]) -> None:
    sql = "SELECT clock_timestamp() FROM pg_am WHERE amname = 'heap'"
    backend = "SELECT pid FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    clients = (
        "SELECT numbackends >= 2, numbackends = (SELECT count(*) FROM pg_stat_activity AS a "
        "WHERE a.datid = d.datid) FROM pg_stat_database AS d WHERE datname = current_database()"
    )
    for server in servers:
        assert len({server.connection.execute(sql).fetchone() for _ in range(3)}) == 3
        info = server.connection.info
        with psycopg.connect(
            host=info.host, port=info.port, user=info.user, dbname=info.dbname
        ) as other:
            for connection in (server.connection, other):
                pid = connection.info.backend_pid
                assert connection.execute(backend).fetchall() == [(pid,)]
            counts = [server.connection.execute(clients).fetchone() for _ in range(2)]
            assert counts == [(True, True)] * 2


def test_every_function_about_privileges_is_answered() -> None:
    asked = {name for name in static().functions if re.fullmatch("has_.*_privilege", name)}
    assert asked <= SPECIAL.keys()


MISTAKEN = (
    "SELECT relname FROM pg_class WHERE oid = 'nosuch'::regclass",
    "SELECT relname FROM pg_class WHERE relname = 'air' AND oid = 'word'",
    "SELECT 'x'::regtype, relname FROM pg_class",
    "SELECT 'abs'::regproc",
    "SELECT obj_description('nosuch.air'::regclass)",
    "SELECT relname FROM pg_class WHERE oid = 1 AND relname = 5",
)


@pytest.mark.parametrize("sql", MISTAKEN)
def test_an_error_points_at_what_is_wrong(sql: str, servers: tuple[Server, Server]) -> None:
    places = []
    for server in servers:
        with pytest.raises(psycopg.Error) as caught:
            server.connection.execute(sql)
        diag = caught.value.diag
        places.append((diag.sqlstate, diag.message_primary, diag.statement_position))
    assert places[0] == places[1] and places[0][2]
