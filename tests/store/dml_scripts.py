"""Writes: the same statements to the gateway and to PostgreSQL."""

from __future__ import annotations

SCRIPTS: dict[str, list[str]] = {
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
        "SELECT * FROM w_m ORDER BY k",
        "DROP TABLE w_m, w_s",
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
