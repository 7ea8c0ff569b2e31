"""Writes: the same statements to the gateway and to PostgreSQL."""

from __future__ import annotations

SCRIPTS: dict[str, list[str]] = {
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
}
