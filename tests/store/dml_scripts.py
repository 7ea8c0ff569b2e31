"""Writes: the same statements to the gateway and to PostgreSQL."""

from __future__ import annotations

SCRIPTS: dict[str, list[str]] = {
    "returning_names": [
        "CREATE TABLE rn (a int PRIMARY KEY, b int)",
        "INSERT INTO rn VALUES (1, 2) RETURNING other.a",
        "INSERT INTO rn VALUES (1, 2) RETURNING excluded.a",
        "INSERT INTO rn AS r VALUES (1, 2) ON CONFLICT DO NOTHING RETURNING r.a",
        "INSERT INTO rn AS r VALUES (1, 2) RETURNING r.a, b",
        "INSERT INTO rn AS excluded VALUES (1, 2) ON CONFLICT DO NOTHING RETURNING excluded.a",
        "UPDATE rn AS r SET b = 3 RETURNING other.a",
        "DELETE FROM rn RETURNING other.a",
        "SELECT * FROM rn",
        "UPDATE rn SET (a) = ROW (b + 5) RETURNING *",
        "UPDATE rn SET (a) = (b + 5)",
        "UPDATE rn SET (b) = ROW (DEFAULT), (a) = (SELECT 4) RETURNING *",
        "CREATE SEQUENCE rn_s",
        "CREATE TABLE rn_l (LIKE rn_s)",
        "DROP TABLE rn",
        "DROP SEQUENCE rn_s",
    ],
    "defaults_follow_their_sequences": [
        "CREATE SCHEMA w_2",
        "CREATE TABLE w_r (id serial PRIMARY KEY, k int GENERATED ALWAYS AS IDENTITY, v int)",
        "ALTER TABLE w_r RENAME TO w_s",
        "ALTER TABLE w_r_id_seq RENAME TO w_s_id_seq",
        "ALTER INDEX w_r_pkey RENAME TO w_s_pkey",
        "INSERT INTO w_s (v) VALUES (1) RETURNING *",
        "ALTER SEQUENCE w_s_id_seq SET SCHEMA w_2",
        "ALTER TABLE w_s SET SCHEMA w_2",
        "INSERT INTO w_2.w_s (v) VALUES (2) RETURNING *",
        "SELECT pg_get_serial_sequence('w_2.w_s', 'id')",
        'CREATE SEQUENCE "w Odd"',
        "CREATE TABLE w_o (a int DEFAULT nextval('\"w Odd\"'::regclass) + 1, b int)",
        'ALTER SEQUENCE "w Odd" SET SCHEMA w_2',
        'ALTER SEQUENCE w_2."w Odd" RENAME TO even',
        "INSERT INTO w_o (b) VALUES (1) RETURNING a",
        "DROP SEQUENCE w_2.even",
        "DROP SEQUENCE w_2.even CASCADE",
        "INSERT INTO w_o (b) VALUES (2) RETURNING a",
        "DROP TABLE w_o; DROP TABLE w_2.w_s; DROP SCHEMA w_2",
    ],
    "merge_refers_to_what_it_inserts": [
        "CREATE TABLE w_x (id int PRIMARY KEY, up int REFERENCES w_x, n text)",
        "INSERT INTO w_x VALUES (1, NULL, 'a'), (2, 1, 'b')",
        "MERGE INTO w_x USING (VALUES (1, 5), (5, 2)) AS s (i, m) ON id = i"
        " WHEN MATCHED THEN UPDATE SET up = m WHEN NOT MATCHED THEN INSERT VALUES (i, m, 'c')",
        "MERGE INTO w_x USING (VALUES (1, 9), (6, 2)) AS s (i, m) ON id = i"
        " WHEN MATCHED THEN UPDATE SET up = m WHEN NOT MATCHED THEN INSERT VALUES (i, m, 'c')",
        "MERGE INTO w_x USING (VALUES (1, 5), (2, 2)) AS s (i, m) ON id = i"
        " WHEN MATCHED AND m = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET up = NULL",
        "SELECT * FROM w_x ORDER BY id",
        "DROP TABLE w_x",
    ],
    "with_on_conflict": [
        "CREATE TABLE w_c (id int PRIMARY KEY, a int)",
        "INSERT INTO w_c VALUES (1, 1), (2, 2)",
        "WITH z AS (SELECT 5 AS n) INSERT INTO w_c VALUES (1, 0)"
        " ON CONFLICT (id) DO UPDATE SET a = (SELECT n FROM z) RETURNING *",
        "WITH z AS (SELECT 1 AS n UNION SELECT 7) INSERT INTO w_c SELECT n, n * 7 FROM z"
        " ON CONFLICT (id) DO UPDATE SET a = excluded.a + (SELECT sum(n) FROM z)"
        " WHERE EXISTS (SELECT 1 FROM z WHERE n = w_c.id)",
        "SELECT * FROM w_c ORDER BY id",
        "DROP TABLE w_c",
    ],
    "tables_from_prepared_queries": [
        "CREATE TABLE w_p (id int, b text)",
        "INSERT INTO w_p VALUES (1, 'x'), (2, 'y'), (3, NULL)",
        "PREPARE w_q AS SELECT id, b FROM w_p WHERE id > $1",
        "CREATE TABLE w_r AS EXECUTE w_q(1)",
        "CREATE TEMP TABLE w_s (n) AS EXECUTE w_q(2) WITH DATA",
        "SELECT * FROM w_r ORDER BY id",
        "SELECT * FROM w_s",
        "DEALLOCATE w_q",
        "PREPARE w_q AS INSERT INTO w_p VALUES (9) RETURNING id",
        "CREATE TABLE w_t AS EXECUTE w_q",
        "DROP TRIGGER IF EXISTS w_t ON w_p CASCADE; DROP EXTENSION IF EXISTS hstore",
        "DEALLOCATE w_q; DROP TABLE w_p, w_r, w_s",
    ],
    "merge_inserts_what_its_source_has": [
        "CREATE TABLE w_t (k int, v int, n text DEFAULT 'x')",
        "CREATE TABLE w_s (i int, d int, v int)",
        "INSERT INTO w_s VALUES (1, 10, 100), (2, 20, 200), (3, 30, 300)",
        "MERGE INTO w_t USING w_s ON k = i WHEN NOT MATCHED THEN INSERT VALUES (k, d)",
        "MERGE INTO w_t USING w_s ON k = i WHEN NOT MATCHED AND v > 100 THEN INSERT VALUES (i, v)",
        "MERGE INTO w_t USING w_s ON k = i WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "MERGE INTO w_t USING (SELECT i, d, i FROM w_s) AS q (a, b, c) ON k = a"
        " WHEN NOT MATCHED THEN INSERT VALUES (a, c) WHEN MATCHED AND b > 20 THEN DELETE",
        "MERGE INTO w_t USING (VALUES (1, 'a'), (7, 'b')) AS v ON w_t.k = v.column1"
        " WHEN NOT MATCHED AND v.column2 = 'b' THEN INSERT (n, k) VALUES (column2, column1)"
        " WHEN NOT MATCHED THEN DO NOTHING"
        " WHEN MATCHED THEN UPDATE SET n = v.column2 || w_t.n",
        "WITH c AS (SELECT 50 AS n) MERGE INTO w_t USING w_s AS s ON k = s.i + 1"
        " WHEN NOT MATCHED AND s.d < 40 THEN INSERT (k, v) VALUES (i, (SELECT c.n FROM c) + d)",
        "SELECT * FROM w_t ORDER BY k, v, n",
        "MERGE INTO w_t USING w_s ON k = i WHEN MATCHED THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET v = 1",
        "MERGE INTO w_t USING w_t ON true WHEN MATCHED THEN DO NOTHING",
        "MERGE INTO w_t USING w_s AS w_t ON true WHEN MATCHED THEN DO NOTHING",
        "MERGE INTO w_t USING w_s ON k = i WHEN MATCHED THEN UPDATE SET w_t.v = 1",
        "UPDATE w_t SET w_t.v = 1",
        "WITH m AS (MERGE INTO w_t USING w_s ON true WHEN MATCHED THEN DELETE) SELECT 1",
        "DROP TABLE w_t, w_s",
    ],
    "sequences_number_rows_in_their_order": [
        "CREATE TABLE w_n (id int PRIMARY KEY, a int, b text)",
        "INSERT INTO w_n SELECT g, g % 3, 'x' || g FROM generate_series(1, 20) AS g",
        "CREATE SEQUENCE w_q",
        "SELECT nextval('w_q'), id FROM w_n ORDER BY a DESC, id",
        "SELECT nextval('w_q'), id FROM (SELECT id, a FROM w_n ORDER BY a DESC, id) AS q",
        "SELECT id, nextval('w_q') FROM w_n ORDER BY a, id DESC LIMIT 3",
        "SELECT nextval('w_q') FROM w_n LIMIT 2",
        "SELECT nextval('w_q')",
        "SELECT id, nextval('w_q') AS n FROM w_n ORDER BY n DESC LIMIT 3",
        "SELECT a, nextval('w_q') + sum(id) FROM w_n GROUP BY a ORDER BY a DESC LIMIT 2",
        "SELECT a % 2, count(*) * nextval('w_q') FROM w_n GROUP BY a % 2 ORDER BY 1 DESC",
        "SELECT CASE WHEN a <> 0 THEN 6 / a + nextval('w_q') END, a FROM w_n"
        " ORDER BY 2, id DESC LIMIT 9",
        "SELECT id AS a, nextval('w_q') FROM w_n ORDER BY w_n.a, w_n.id LIMIT 4",
        "WITH q AS (SELECT * FROM w_n WHERE id < 5) SELECT nextval('w_q') AS n, q.* FROM q"
        " ORDER BY id DESC",
        "SELECT * FROM (SELECT nextval('w_q') AS n, id FROM w_n ORDER BY id DESC LIMIT 2) AS z"
        " ORDER BY id",
        "SELECT nextval('w_q') + (SELECT count(*) FROM w_n AS x WHERE x.a = w_n.a) FROM w_n"
        " ORDER BY id LIMIT 1",
        "SELECT nextval('w_q'), row_number() OVER (ORDER BY id DESC) FROM w_n"
        " ORDER BY 2 DESC FETCH FIRST 2 ROWS ONLY",
        "INSERT INTO w_n SELECT 100 + nextval('w_q'), a, b FROM w_n ORDER BY id DESC LIMIT 3"
        " RETURNING *",
        "SELECT nextval('w_q')",
        "DROP TABLE w_n; DROP SEQUENCE w_q",
    ],
    "one_key_twice_on_conflict": [
        "CREATE TABLE w (k int PRIMARY KEY, a int UNIQUE)",
        "INSERT INTO w VALUES (1, 1), (2, 2)",
        "INSERT INTO w VALUES (1, 3), (1, 4) ON CONFLICT (k) DO UPDATE SET a = 9 WHERE w.k > 5",
        "INSERT INTO w VALUES (1, 3), (1, 4) ON CONFLICT (k) DO UPDATE SET a = 9",
        "INSERT INTO w VALUES (5, 3), (5, 4) ON CONFLICT (k) DO UPDATE SET a = 9 WHERE false",
        "INSERT INTO w VALUES (5, 1), (5, 4) ON CONFLICT (k) DO UPDATE SET a = 9 WHERE w.k > 5",
        "SELECT * FROM w ORDER BY k",
        "DROP TABLE w",
    ],
    "zeros_keep_their_signs": [
        "CREATE TABLE z (id int, x float8, y float4, k float8 UNIQUE)",
        "INSERT INTO z VALUES (1, 0, 0, 0), (2, '-0', '-0', 1), (3, 5, NULL, 2), (4, NULL, 0, 3)",
        "UPDATE z SET x = '-0'::float8, y = -y WHERE id = 1",
        "SELECT id, x::text, y::text FROM z ORDER BY id",
        "UPDATE z SET x = -x, y = 0 WHERE id = 1 RETURNING x::text, y::text",
        "UPDATE z SET x = -x, y = 0 WHERE id > 1",
        "SELECT id, x::text, y::text FROM z ORDER BY id",
        "UPDATE z SET k = '-0' WHERE id = 1",
        "UPDATE z SET k = '-0' WHERE id = 2",
        "BEGIN; SAVEPOINT s; UPDATE z SET x = -x, y = '-0'; SAVEPOINT t; UPDATE z SET x = -x",
        "ROLLBACK TO t; SELECT id, x::text, y::text FROM z ORDER BY id",
        "COMMIT",
        "SELECT id, x::text, y::text, k::text FROM z ORDER BY id",
        "INSERT INTO z VALUES (9, 1, 1, 0) ON CONFLICT (k) DO UPDATE SET x = '-0', k = excluded.k",
        "SELECT id, x::text, y::text, k::text FROM z ORDER BY id",
        "UPDATE z SET x = 0; UPDATE z SET x = NULL; UPDATE z SET x = '-0'",
        "SELECT id, x::text, y::text, k::text FROM z ORDER BY id",
        "DROP TABLE z",
    ],
    "returning_what_was_joined": [
        "CREATE TABLE w_t (k int PRIMARY KEY, v int, n text)",
        "CREATE TABLE w_f (k int, w int, f float8)",
        "INSERT INTO w_t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, NULL, NULL)",
        "INSERT INTO w_f VALUES (1, 100, 0.5), (2, 200, 1.5), (4, NULL, NULL)",
        "UPDATE w_t SET v = v + w FROM w_f WHERE w_t.k = w_f.k RETURNING *",
        "UPDATE w_t SET v = v + 1 FROM w_f AS f WHERE w_t.k = f.k"
        " RETURNING w_t.k, w_t.v, f.w >= 200 AS big, n || 'x', f",
        "UPDATE w_t AS t SET v = 1 FROM w_f JOIN w_s ON true WHERE t.k = w_f.k RETURNING *",
        "UPDATE w_t AS t SET n = s.h FROM (SELECT 3 AS k, 'hey' AS h) AS s WHERE s.k = t.k"
        " RETURNING s.*, t.*, upper(h)",
        "UPDATE w_t AS t SET k = t.k + 10 FROM w_f WHERE t.k = w_f.k RETURNING t.k, w_f.k, f + v",
        "WITH c AS (SELECT 11 AS k, 'cte' AS h) UPDATE w_t SET n = h FROM c WHERE c.k = w_t.k"
        " RETURNING w_t.k, h, n",
        "DELETE FROM w_t USING w_f, (SELECT 7 AS seven) AS s WHERE w_t.k = w_f.k + 10"
        " AND w_f.k < 2 RETURNING w_f.w, seven, w_t.*",
        "DELETE FROM w_t USING w_f WHERE w_t.k = 99 RETURNING *",
        "DELETE FROM w_t USING w_f WHERE w_t.k = w_f.k RETURNING nope",
        "DELETE FROM w_t USING w_f WHERE w_t.k = w_f.k RETURNING w_f.nope",
        "SELECT * FROM w_t ORDER BY k",
        "DROP TABLE w_t, w_f",
    ],
    "restart_is_undone": [
        "CREATE TABLE w_i (k int GENERATED ALWAYS AS IDENTITY, v int)",
        "INSERT INTO w_i (v) VALUES (1), (2)",
        "BEGIN; TRUNCATE w_i RESTART IDENTITY",
        "INSERT INTO w_i (v) VALUES (3) RETURNING k",
        "ROLLBACK",
        "INSERT INTO w_i (v) VALUES (4) RETURNING k",
        "BEGIN; SAVEPOINT s; TRUNCATE w_i RESTART IDENTITY; ROLLBACK TO s",
        "INSERT INTO w_i (v) VALUES (5) RETURNING k",
        "COMMIT",
        "BEGIN; TRUNCATE w_i RESTART IDENTITY; SELECT 1 / 0",
        "ROLLBACK",
        "INSERT INTO w_i (v) VALUES (6) RETURNING k",
        "BEGIN; ALTER TABLE w_i ALTER k RESTART WITH 50; ROLLBACK",
        "BEGIN; ALTER SEQUENCE w_i_k_seq RESTART WITH 70; ROLLBACK",
        "INSERT INTO w_i (v) VALUES (7) RETURNING k",
        "BEGIN; TRUNCATE w_i RESTART IDENTITY; COMMIT",
        "INSERT INTO w_i (v) VALUES (8) RETURNING k",
        "SELECT * FROM w_i",
        "DROP TABLE w_i",
    ],
    "writes_in_with": [
        "CREATE TABLE w_t (k int PRIMARY KEY, v int, n text)",
        "CREATE TABLE w_l (k int, v int, what text)",
        "INSERT INTO w_t VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (4, 40, 'd')",
        "WITH d AS (DELETE FROM w_t WHERE k = 1 RETURNING *)"
        " INSERT INTO w_l SELECT k, v, 'gone' FROM d",
        "WITH u AS (UPDATE w_t SET v = v + 1 WHERE k > 2 RETURNING k, v AS fresh)"
        " SELECT u.*, w_t.v AS old FROM u JOIN w_t USING (k) ORDER BY k",
        "WITH a AS (INSERT INTO w_t VALUES (9, 90, 'z') RETURNING k),"
        " b AS (DELETE FROM w_t WHERE k = 2)"
        " SELECT (SELECT count(*) FROM w_t) AS c, (SELECT k FROM a) AS k",
        "SELECT * FROM w_t ORDER BY k",
        "WITH a AS (DELETE FROM w_t WHERE k = 4) SELECT * FROM a",
        "SELECT * FROM (WITH a AS (DELETE FROM w_t RETURNING *) SELECT * FROM a) AS s",
        "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 3),"
        " a AS (INSERT INTO w_l SELECT i, i * i, 'r' FROM r RETURNING v) SELECT sum(v) FROM a",
        "WITH a(x, y) AS (INSERT INTO w_t VALUES (21, 210, 'm') RETURNING k, v),"
        " b AS (INSERT INTO w_l SELECT x, y, 'two' FROM a RETURNING *)"
        " UPDATE w_t SET n = 'upd' FROM b WHERE w_t.k = 9 RETURNING w_t.k, b.v, what",
        "WITH a AS (INSERT INTO w_t VALUES (9, 1, 'dup') RETURNING k)"
        " INSERT INTO w_l SELECT k FROM a",
        "WITH a AS (INSERT INTO w_l VALUES (9, 1, 'x') RETURNING k)"
        " INSERT INTO w_t SELECT k FROM a",
        "SELECT * FROM w_l ORDER BY k, v",
        "WITH a AS (INSERT INTO w_t VALUES (9, 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
        " RETURNING k, v) SELECT * FROM a",
        "WITH a AS (DELETE FROM w_l RETURNING what), b AS (SELECT what, count(*) AS c FROM a"
        " GROUP BY what) DELETE FROM w_t USING b WHERE b.what = 'r' AND w_t.k = 20 + b.c - 2"
        " RETURNING *",
        "SELECT * FROM w_t ORDER BY k",
        "SELECT * FROM w_l",
        "BEGIN READ ONLY; WITH a AS (DELETE FROM w_t RETURNING *) SELECT * FROM a",
        "ROLLBACK",
        "DROP TABLE w_t, w_l",
    ],
    "json": [
        "CREATE TABLE w_j (a json, b jsonb, u uuid, v varchar(4))",
        """INSERT INTO w_j VALUES ('{"b": 1,"a":[1.50, null] }', '{"bb":1e2,"a":[1, true],"a":2}',
        'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'x')""",
        """INSERT INTO w_j (b) VALUES (' "\u00e4 x" '), ('-0.10'), ('[]') RETURNING b""",
        "SELECT * FROM w_j WHERE a IS NOT NULL",
        "SELECT u, v FROM w_j WHERE v = 'x'",
        "DROP TABLE w_j",
    ],
    "on_conflict": [
        "CREATE TABLE w_u (k int PRIMARY KEY, v int DEFAULT 5, t text, CONSTRAINT tk UNIQUE (t))",
        "INSERT INTO w_u VALUES (1, 1, 'a'), (2, 2, 'b')",
        "INSERT INTO w_u VALUES (1, 9, 'z'), (3, 3, 'c') ON CONFLICT DO NOTHING",
        "INSERT INTO w_u VALUES (4, 9, 'a'), (4, 3, 'd'), (4, 7, 'e') ON CONFLICT DO NOTHING"
        " RETURNING *",
        "INSERT INTO w_u VALUES (4, 9, 'a') ON CONFLICT (k) DO NOTHING",
        "INSERT INTO w_u VALUES (5, 9, 'a') ON CONFLICT (k) DO NOTHING",
        "INSERT INTO w_u VALUES (1, 10, 'q') ON CONFLICT (k) DO UPDATE SET v = excluded.v + w_u.v",
        "SELECT * FROM w_u ORDER BY k",
        "INSERT INTO w_u AS x VALUES (1, 10, 'q'), (7, 7, 'g'), (2, 20, 'r') ON CONFLICT (k)"
        " DO UPDATE SET v = excluded.v, t = x.t || excluded.t WHERE x.v < 10 RETURNING x.*",
        "INSERT INTO w_u VALUES (9, 1, 'g') ON CONFLICT ON CONSTRAINT tk DO UPDATE SET v = 100"
        " RETURNING k, v, t",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET v = DEFAULT RETURNING v",
        "INSERT INTO w_u (k) VALUES (1), (1) ON CONFLICT (k) DO UPDATE SET v = 3",
        "INSERT INTO w_u (k) VALUES (20), (20) ON CONFLICT (k) DO UPDATE SET v = 3",
        "INSERT INTO w_u (k) VALUES (20), (20) ON CONFLICT (k) DO NOTHING",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET v = v + 1",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT (v) DO NOTHING",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT ON CONSTRAINT nope DO NOTHING",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT DO UPDATE SET v = 1",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET nope = 1",
        "INSERT INTO w_u (k) VALUES (1) ON CONFLICT (k) DO UPDATE SET k = 2",
        "INSERT INTO w_u SELECT n, n, 'n' || n FROM generate_series(1, 9) AS g(n)"
        " ON CONFLICT (k) DO UPDATE SET v = excluded.v * 10",
        "SELECT * FROM w_u ORDER BY k",
        "DROP TABLE w_u",
    ],
    "merge": [
        "CREATE TABLE w_m (k int PRIMARY KEY, v int DEFAULT 5, w int)",
        "CREATE TABLE w_s (k int, v int)",
        "INSERT INTO w_m VALUES (1, 1), (2, 2), (3, 3)",
        "INSERT INTO w_s VALUES (1, 10), (2, 20), (4, 40), (5, 50), (6, NULL)",
        "MERGE INTO w_m AS m USING w_s AS s ON m.k = s.k"
        " WHEN MATCHED AND s.v > 15 THEN DELETE WHEN MATCHED THEN UPDATE SET v = m.v + s.v"
        " WHEN NOT MATCHED AND s.k = 5 THEN DO NOTHING"
        " WHEN NOT MATCHED THEN INSERT (k, v, w) VALUES (s.k, DEFAULT, s.v)",
        "SELECT * FROM w_m ORDER BY k",
        "MERGE INTO w_m USING (SELECT 1 AS k FROM w_s) AS s ON w_m.k = s.k"
        " WHEN MATCHED THEN UPDATE SET v = 1",
        "MERGE INTO w_m USING (VALUES (1), (9)) AS s(k) ON w_m.k = s.k"
        " WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (s.k)",
        "WITH c AS (SELECT 100 AS n) MERGE INTO w_m USING c ON w_m.v < c.n AND w_m.k = 1"
        " WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (k) VALUES (n)",
        "MERGE INTO w_m USING w_s ON w_m.k = w_s.k WHEN MATCHED THEN UPDATE SET nope = 1",
        "MERGE INTO w_m USING w_s ON w_m.k = w_s.k WHEN NOT MATCHED THEN INSERT VALUES (4)",
        "MERGE INTO w_m USING w_s ON w_m.k = w_s.k WHEN MATCHED THEN DELETE RETURNING w_m.k",
        "SELECT * FROM w_m ORDER BY k",
        "DROP TABLE w_m, w_s",
    ],
    "merge_overriding": [
        "CREATE TABLE w_o (a int GENERATED ALWAYS AS IDENTITY,"
        " b int GENERATED BY DEFAULT AS IDENTITY (START 100), c text)",
        "MERGE INTO w_o USING (VALUES (7)) AS s(n) ON a = n"
        " WHEN NOT MATCHED THEN INSERT (a, c) VALUES (n, 'no')",
        "MERGE INTO w_o USING (VALUES (7), (8)) AS s(n) ON a = n"
        " WHEN NOT MATCHED AND n = 7 THEN INSERT (a, b, c) OVERRIDING SYSTEM VALUE"
        " VALUES (n, n, 's')"
        " WHEN NOT MATCHED THEN INSERT (a, b, c) OVERRIDING USER VALUE VALUES (n, n, 'u')",
        "MERGE INTO w_o AS overriding USING (VALUES (7)) AS s(n) ON a = n"
        " WHEN MATCHED THEN UPDATE SET c = c || ' overriding'"
        " WHEN NOT MATCHED THEN INSERT OVERRIDING SYSTEM VALUE VALUES (1, 2, 'x')",
        "SELECT * FROM w_o ORDER BY a",
        "DROP TABLE w_o",
    ],
    "items_of_arrays": [
        "CREATE TABLE w_i (k int PRIMARY KEY, a int[], t text[], n numeric[])",
        "INSERT INTO w_i VALUES (1, '{1,2,3}', '{x,y}', '{1.5}'), (2, '{}', NULL, NULL),"
        " (3, '{7}', '{q}', '{2}')",
        "UPDATE w_i SET a[2] = 20 WHERE k = 1 RETURNING *",
        "UPDATE w_i SET a[5] = 50 WHERE k = 1 RETURNING a",
        "UPDATE w_i SET a[1] = a[3] + 1, t[2] = t[1] || 'z', a[3] = NULL WHERE k = 1 RETURNING *",
        "UPDATE w_i SET a[1] = a[3] + 1, t[2] = t[1] || 'z', a[3] = NULL WHERE k = 3 RETURNING *",
        "UPDATE w_i SET a[1] = 5, t[1] = 'one', n[1] = 2.25 WHERE k = 2 RETURNING *",
        "UPDATE w_i AS w SET a[k] = v.x FROM (VALUES (1, 100), (3, 300)) AS v(i, x)"
        " WHERE w.k = v.i",
        "UPDATE w_i SET a[1] = a[2], a[2] = a[1] WHERE k = 1 RETURNING a",
        "UPDATE w_i SET (k, a[1]) = (33, 44) WHERE k = 3 RETURNING k, a",
        "UPDATE w_i SET k[1] = 3",
        "UPDATE w_i SET nope[1] = 3",
        "UPDATE w_i SET a[NULL] = 3",
        "UPDATE w_i SET a[1] = 'x'",
        "UPDATE w_i SET a[1] = DEFAULT",
        "INSERT INTO w_i VALUES (1) ON CONFLICT (k) DO UPDATE SET a[1] = w_i.k + 1000 RETURNING a",
        "MERGE INTO w_i USING (VALUES (3)) AS s(i) ON k = i"
        " WHEN MATCHED THEN UPDATE SET t[1] = 'm'",
        "SELECT * FROM w_i ORDER BY k",
        "DROP TABLE w_i",
    ],
    "with": [
        "CREATE TABLE w_a (k int, v int)",
        "WITH s AS (SELECT n FROM generate_series(1, 3) AS g(n))"
        " INSERT INTO w_a SELECT n, n * 2 FROM s",
        "WITH s AS (SELECT max(v) AS m FROM w_a) UPDATE w_a SET v = m FROM s WHERE k = 1"
        " RETURNING w_a.*",
        "WITH s AS (SELECT 2 AS k) DELETE FROM w_a USING s WHERE w_a.k = s.k RETURNING w_a.v",
        "INSERT INTO w_a WITH s AS (SELECT 7) SELECT 7, 7",
        "UPDATE w_a AS x SET v = (SELECT count(*) FROM w_a AS y WHERE y.k = x.k)",
        "UPDATE w_a SET (k, v) = (10, 11) WHERE k = 7",
        "DELETE FROM w_a WHERE k IN (SELECT k FROM w_a WHERE k > 100)",
        "DELETE FROM w_a WHERE k NOT IN (SELECT 1 UNION SELECT NULL)",
        "DELETE FROM w_a AS x WHERE EXISTS (SELECT 1 FROM w_a AS y WHERE y.k > x.k + 100)",
        "DELETE FROM w_a WHERE 1 = 0",
        "DELETE FROM w_a WHERE k = 1 AND 1 = 0",
        "DELETE FROM w_a WHERE k > NULL",
        "UPDATE w_a SET v = 0 WHERE k > NULL OR k IN (SELECT 3)",
        "SELECT * FROM w_a ORDER BY k",
        "SELECT * FROM w_a ORDER BY k FOR UPDATE",
        "SELECT k FROM w_a ORDER BY k FOR SHARE",
        "BEGIN",
        "SELECT k FROM w_a WHERE k = 3 FOR UPDATE NOWAIT",
        "LOCK TABLE w_a IN EXCLUSIVE MODE",
        "COMMIT",
        "LOCK TABLE w_a",
        "DROP TABLE w_a",
    ],
}
