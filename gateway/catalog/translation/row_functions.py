"""Functions of FROM: name -> the query that gives their rows, under the columns of pg_proc.

What stands in the queries, `functions` tells.
"""

from __future__ import annotations

from collections.abc import Mapping

RELATIONS: Mapping[str, str] = {
    "pg_show_all_settings": "SELECT * FROM [pg_settings]",
    # What there is, is made: no other can be.
    "pg_available_extensions": (
        "SELECT extname, extversion, CASE WHEN extname = 'plpgsql' "
        "THEN 'PL/pgSQL procedural language' END FROM [pg_extension]"
    ),
    "pg_timezone_names": "SELECT * FROM [pg_timezone_names]",
    "pg_timezone_abbrevs": "SELECT * FROM [pg_timezone_abbrevs]",
    "pg_get_keywords": "SELECT * FROM [text.keywords]",
    "ts_token_type": "SELECT * FROM [text.tokens]",  # there is one parser
    "pg_stat_get_activity": (
        "SELECT CAST(a.datid AS BIGINT), a.pid, CAST(a.usesysid AS BIGINT), a.application_name, "
        "a.state, a.query, CAST(a.wait_type AS VARCHAR), CAST(a.wait_event AS VARCHAR), "
        "a.xact_start, a.query_start, "
        "a.backend_start, a.state_change, "
        "a.client_addr, NULL, a.client_port, NULL, NULL, 'client backend', a.ssl, "
        "CAST(a.sslversion AS VARCHAR), CAST(a.sslcipher AS VARCHAR), CAST(a.sslbits AS INTEGER), "
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL "
        "FROM (SELECT unnest(getvariable('activity')) AS a)"
    ),
    # Kind, mode, granted, then the numbers of what is locked.
    "pg_lock_status": (
        "SELECT l[1], CASE WHEN l[1] = 'advisory' OR CAST(l[4] AS BIGINT) >= 16384 "
        "THEN CAST(5 AS BIGINT) ELSE 0 END, "
        "CASE WHEN l[1] = 'relation' THEN CAST(l[4] AS BIGINT) END, NULL, NULL, NULL, NULL, "
        "CASE WHEN l[1] = 'advisory' THEN CAST(l[4] AS BIGINT) END, "
        "CASE WHEN l[1] = 'advisory' THEN CAST(l[5] AS BIGINT) END, "
        "CASE WHEN l[1] = 'advisory' THEN CAST(l[6] AS SMALLINT) END, "
        "pid || '/0', CAST(pid AS INTEGER), l[2], l[3] = 't', FALSE, CAST(NULL AS TIMESTAMPTZ) "
        "FROM (SELECT pid, string_split(unnest(held), '|') AS l FROM "
        "(SELECT a.pid AS pid, CAST(a.locks AS VARCHAR[]) AS held "
        "FROM (SELECT unnest(getvariable('activity')) AS a)))"
    ),
    "pg_stat_get_archiver": (
        "SELECT CAST(0 AS BIGINT), NULL, NULL, CAST(0 AS BIGINT), NULL, NULL, "
        "CAST(getvariable('started') AS TIMESTAMPTZ)"
    ),
    # A row without a name is there for the types of the columns.
    "pg_cursor": (
        "SELECT CAST(h.name AS VARCHAR), CAST(h.statement AS VARCHAR), h.is_holdable, h.is_binary, "
        "h.is_scrollable, h.made FROM (SELECT unnest(getvariable('held_cursors')) AS h) "
        "WHERE h.name IS NOT NULL"
    ),
    "pg_prepared_statement": (
        "SELECT CAST(h.name AS VARCHAR), CAST(h.statement AS VARCHAR), h.made, "
        "CAST(h.types AS BIGINT[]), h.from_sql, h.generic, h.custom "
        "FROM (SELECT unnest(getvariable('held_statements')) AS h) WHERE h.name IS NOT NULL"
    ),
    # Of COPY alone, whose type is always PIPE.
    "pg_stat_get_progress_info": (
        "SELECT a.pid, CAST(a.datid AS BIGINT), CAST(a.copy_relation AS BIGINT), "
        "CAST(a.copy_bytes AS BIGINT), CAST(0 AS BIGINT), CAST(a.copy_rows AS BIGINT), "
        "CAST(0 AS BIGINT), CAST(a.copy_command AS BIGINT), CAST(3 AS BIGINT), "
        + ", ".join(["CAST(0 AS BIGINT)"] * 14)
        + " FROM (SELECT unnest(getvariable('activity')) AS a) "
        "WHERE a.copy_command IS NOT NULL AND {0} = 'COPY'"
    ),
}
