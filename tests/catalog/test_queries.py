"""Shapes of catalogue queries that no recorded statement has, answered as by PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.catalog.clients import Server

ALIKE = (
    "SELECT u.* FROM pg_am, unnest(ARRAY[1,2,3], ARRAY['a','b']) WITH ORDINALITY AS u(n, t, place)"
    " WHERE amname = 'heap'",
    "SELECT (parse_ident('x.\"Y z\"'))[2], quote_ident('A b'), quote_literal('it''s'),"
    " quote_literal(4)",
    "SELECT 'air'::regclass, 'air'::regclass::text, 'int4'::regtype, 'now'::regproc, 1::oid,"
    " 'a'::name",
    "SELECT 'nosuch'::regclass",
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


def test_explain_of_a_catalogue_query_says_so(ours: psycopg.Connection[Any]) -> None:
    (line,) = ours.execute("EXPLAIN SELECT * FROM pg_class").fetchone() or ()
    assert line.startswith("Catalogue query")
