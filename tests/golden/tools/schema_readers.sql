SELECT DISTINCT ON (relation, place) conrelid::regclass::text AS relation, conkey[1] AS place, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY relation, place, conname
----
WITH routines AS (SELECT p.oid, p.proname, coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::int])) AS modes, array_cat(array_fill(false, ARRAY[p.pronargs - p.pronargdefaults]), array_fill(true, ARRAY[p.pronargdefaults::int])) AS defaulted FROM pg_proc p WHERE p.oid < 1260) SELECT oid, proname, modes::text[], defaulted FROM routines ORDER BY oid
----
SELECT array_fill(''::name, ARRAY[p.pronargs]) FROM pg_proc p WHERE p.proname = 'lower' ORDER BY p.oid
----
SELECT c.relname, e.value ->> 'column' AS name, (e.value -> 'place')::text::int AS place FROM pg_class c CROSS JOIN LATERAL jsonb_array_elements((SELECT jsonb_agg(jsonb_build_object('column', a.attname, 'place', a.attnum) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)) AS e WHERE c.relname IN ('orders', 'customers') ORDER BY 1, 3
----
SELECT value FROM pg_namespace n, json_array_elements_text('["a", 1, {"b": [1, 2]}, null]') WHERE n.nspname = 'public'
----
SELECT n.nspname, array_agg(row(c.relname, c.relkind, c.relhasindex) ORDER BY c.relname) AS held, array_length(array_agg(row(c.relname, c.relnatts)), 1) AS many FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v') GROUP BY n.nspname
----
SELECT row(1, 'two words', NULL, true, 'a"b', ARRAY['x', 'y,z'], '') AS told, pg_catalog.current_database()
----
SELECT t.relname, coalesce(jsonb_agg(k) FILTER (WHERE k IS NOT NULL), '[]') AS keys, bool_and(k IS NULL) AS keyless FROM pg_class t LEFT JOIN (SELECT conrelid, conname, contype FROM pg_constraint WHERE contype = 'f') k ON k.conrelid = t.oid WHERE t.relname IN ('customers', 'spending') GROUP BY t.relname ORDER BY t.relname
----
SELECT jsonb_object_agg(attname, format_type(atttypid, atttypmod)) FILTER (WHERE attnum > 0) AS shape FROM pg_attribute WHERE attrelid = 'public.orders'::regclass
----
SELECT x IS NULL, x IS NOT NULL, NOT (x IS NULL) FROM (SELECT relname, reltoastrelid, relacl FROM pg_class WHERE oid = 1259) x
----
SELECT mxid_age(datminmxid) >= 0 AS aged, pg_wal_lsn_diff('1/0', '0/FF') AS apart, pg_lsn('16/B374D848') - '16/B374D800' AS written FROM pg_database WHERE datname = current_database()
----
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END, pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()
----
SELECT archived_count, failed_count, last_archived_time FROM pg_stat_archiver
----
SELECT host(inet_client_addr()) IS NOT NULL AS told, inet_client_addr(), inet_client_port() > 0 AS port
----
SELECT coalesce(last_vacuum, '1970-01-01Z') AS vacuumed FROM pg_stat_user_tables WHERE relname = 'orders'
----
SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(relname, 'a', 'b'), 'b', 'c'), 'c', 'd'), 'd', 'e'), 'e', 'f'), 'f', 'g'), 'g', 'h'), 'h', 'i'), 'i', 'j'), 'j', 'k'), 'k', 'l'), 'l', 'm'), 'm', 'n'), 'n', 'o'), 'o', 'p'), 'p', 'q'), 'q', 'r'), 'r', 's'), 's', 't'), 't', 'uu') FROM pg_class WHERE relname = 'orders'
----
SELECT length(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(quote_ident(relname))))))))))))) FROM pg_class WHERE relname = 'orders'
