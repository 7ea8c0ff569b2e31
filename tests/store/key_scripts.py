"""Foreign keys: the same statements to the gateway and to PostgreSQL."""

from __future__ import annotations

_PARENTS = [
    "CREATE TABLE k_p (k int PRIMARY KEY, u text UNIQUE, v int)",
    "INSERT INTO k_p VALUES (1, 'a', 10), (2, 'b', 20), (3, 'c', 30), (9, 'z', 90)",
]

SCRIPTS: dict[str, list[str]] = {
    "match_full": [
        "CREATE TABLE k_p (a int, b int, PRIMARY KEY (a, b))",
        "INSERT INTO k_p VALUES (1, 1), (2, 2)",
        "CREATE TABLE k_c (id int, a int, b int,"
        " FOREIGN KEY (a, b) REFERENCES k_p MATCH FULL ON DELETE SET NULL ON UPDATE CASCADE)",
        "INSERT INTO k_c VALUES (1, 1, 1), (2, NULL, NULL), (3, 2, 2)",
        "INSERT INTO k_c VALUES (4, 1, NULL)",
        "INSERT INTO k_c VALUES (4, 1, 1), (5, NULL, 1)",
        "INSERT INTO k_c VALUES (4, 3, 3)",
        "UPDATE k_c SET a = NULL WHERE id = 1",
        "UPDATE k_c SET a = NULL, b = NULL WHERE id = 1",
        "DELETE FROM k_p WHERE a = 2",
        "UPDATE k_p SET a = 7",
        "SELECT * FROM k_c ORDER BY id",
        "SELECT confmatchtype, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conname LIKE 'k_c%'",
        "ALTER TABLE k_c ADD CONSTRAINT k_again FOREIGN KEY (a, b) REFERENCES k_p MATCH FULL",
        "INSERT INTO k_c VALUES (6, NULL, 7)",
        "CREATE TABLE k_bad (a int, b int, FOREIGN KEY (a, b) REFERENCES k_p MATCH PARTIAL)",
        "DROP TABLE k_c, k_p",
    ],
    "on_update": [
        *_PARENTS,
        "CREATE TABLE k_c (id int PRIMARY KEY, a int REFERENCES k_p ON UPDATE CASCADE,"
        " b int REFERENCES k_p ON UPDATE SET NULL,"
        " c int DEFAULT 9 REFERENCES k_p ON UPDATE SET DEFAULT,"
        " d int REFERENCES k_p ON UPDATE RESTRICT, e text REFERENCES k_p (u) ON UPDATE CASCADE)",
        "INSERT INTO k_c VALUES (1, 1, 1, 1, NULL, 'a'), (2, 2, NULL, 2, NULL, 'b'),"
        " (3, 3, 3, 3, 3, 'c'), (4, 1, 2, 3, NULL, NULL)",
        "UPDATE k_p SET k = k + 10 WHERE k < 3",
        "SELECT * FROM k_c ORDER BY id",
        "UPDATE k_p SET k = 13 WHERE k = 3",
        "UPDATE k_p SET u = u || '!', v = v + 1 WHERE k <> 9 RETURNING k, u",
        "SELECT * FROM k_c ORDER BY id",
        "UPDATE k_p SET k = k",
        "UPDATE k_p SET v = 0",
        "UPDATE k_c SET a = 99",
        "UPDATE k_p SET k = 99 WHERE k = 9",
        "SELECT * FROM k_c ORDER BY id",
        "SELECT * FROM k_p ORDER BY k",
        "SELECT conname, confupdtype, confdeltype, condeferrable, condeferred,"
        " pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
        " AND conname LIKE 'k_c%' ORDER BY 1",
        "DROP TABLE k_c, k_p",
    ],
    "on_delete": [
        *_PARENTS,
        "CREATE TABLE k_c (id int PRIMARY KEY, a int REFERENCES k_p ON DELETE CASCADE,"
        " b int REFERENCES k_p ON DELETE SET NULL, c int DEFAULT 9 REFERENCES k_p ON DELETE"
        " SET DEFAULT)",
        "CREATE TABLE k_g (id int REFERENCES k_c ON DELETE RESTRICT)",
        "INSERT INTO k_c VALUES (1, 1, 9, 9), (2, 9, 2, 9), (3, 9, 9, 3), (4, 9, NULL, NULL)",
        "INSERT INTO k_g VALUES (4)",
        "DELETE FROM k_p WHERE k < 9 RETURNING k",
        "SELECT * FROM k_c ORDER BY id",
        "DELETE FROM k_c WHERE id = 4",
        "DELETE FROM k_p",
        "SELECT count(*) FROM k_p",
        "DROP TABLE k_g, k_c, k_p",
    ],
    "set_default_to_nothing": [
        *_PARENTS,
        "CREATE TABLE k_c (id int, a int DEFAULT 77 REFERENCES k_p ON DELETE SET DEFAULT"
        " ON UPDATE SET DEFAULT)",
        "INSERT INTO k_c VALUES (1, 1)",
        "DELETE FROM k_p WHERE k = 1",
        "UPDATE k_p SET k = 5 WHERE k = 1",
        "ALTER TABLE k_c ALTER a DROP DEFAULT",
        "DELETE FROM k_p WHERE k = 1",
        "SELECT * FROM k_c",
        "DROP TABLE k_c, k_p",
    ],
    "several_columns": [
        "CREATE TABLE k_p (a int, b text, PRIMARY KEY (a, b))",
        "CREATE TABLE k_c (id int, x int, y text, FOREIGN KEY (x, y) REFERENCES k_p (a, b)"
        " ON UPDATE CASCADE ON DELETE SET NULL)",
        "INSERT INTO k_p VALUES (1, 'a'), (1, 'b'), (2, 'a')",
        "INSERT INTO k_c VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, NULL), (4, NULL, 'q'),"
        " (5, 2, 'a')",
        "INSERT INTO k_c VALUES (6, 2, 'b')",
        "UPDATE k_p SET a = a + 1 WHERE b = 'b'",
        "UPDATE k_p SET b = b || b WHERE a = 1",
        "DELETE FROM k_p WHERE a = 2",
        "SELECT * FROM k_c ORDER BY id",
        "DROP TABLE k_c, k_p",
    ],
    "of_itself": [
        "CREATE TABLE k_t (id int PRIMARY KEY, up int REFERENCES k_t ON DELETE CASCADE"
        " ON UPDATE CASCADE)",
        "INSERT INTO k_t VALUES (1, NULL), (2, 1), (3, 2), (4, 1), (5, 5)",
        "INSERT INTO k_t VALUES (7, 8), (8, 7)",
        "INSERT INTO k_t VALUES (9, 10)",
        "UPDATE k_t SET id = 20 WHERE id = 2",
        "UPDATE k_t SET id = 50 WHERE id = 5",
        "SELECT * FROM k_t ORDER BY id",
        "DELETE FROM k_t WHERE id = 1",
        "SELECT * FROM k_t ORDER BY id",
        "DELETE FROM k_t",
        "DROP TABLE k_t",
    ],
    "deferred": [
        *_PARENTS,
        "CREATE TABLE k_c (id int PRIMARY KEY, p int CONSTRAINT k_cp REFERENCES k_p DEFERRABLE"
        " INITIALLY DEFERRED)",
        "CREATE TABLE k_g (id int, p int)",
        "ALTER TABLE k_g ADD CONSTRAINT k_gp FOREIGN KEY (p) REFERENCES k_p (k) DEFERRABLE",
        "INSERT INTO k_c VALUES (1, 100)",
        "BEGIN; INSERT INTO k_c VALUES (1, 100)",
        "INSERT INTO k_p VALUES (100)",
        "COMMIT",
        "BEGIN; DELETE FROM k_p WHERE k = 100",
        "INSERT INTO k_p VALUES (100)",
        "COMMIT",
        "BEGIN; DELETE FROM k_p WHERE k = 100",
        "COMMIT",
        "SELECT count(*) FROM k_p",
        "BEGIN; INSERT INTO k_c VALUES (2, 200)",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ROLLBACK",
        "BEGIN; SET CONSTRAINTS ALL IMMEDIATE",
        "INSERT INTO k_c VALUES (2, 200)",
        "ROLLBACK",
        "BEGIN; INSERT INTO k_g VALUES (2, 200)",
        "ROLLBACK",
        "BEGIN; SET CONSTRAINTS k_gp, k_cp DEFERRED",
        "INSERT INTO k_g VALUES (2, 200); INSERT INTO k_c VALUES (3, 200)",
        "INSERT INTO k_p VALUES (200)",
        "SET CONSTRAINTS k_gp IMMEDIATE",
        "INSERT INTO k_g VALUES (2, 201)",
        "ROLLBACK",
        "BEGIN; SET CONSTRAINTS k_gp DEFERRED; SAVEPOINT s; INSERT INTO k_g VALUES (2, 200)",
        "ROLLBACK TO s; INSERT INTO k_g VALUES (3, 1)",
        "COMMIT",
        "SELECT * FROM k_g",
        "SET CONSTRAINTS nope DEFERRED",
        "SET CONSTRAINTS k_p_pkey DEFERRED",
        "SET CONSTRAINTS ALL DEFERRED",
        "BEGIN; UPDATE k_p SET k = 101 WHERE k = 100",
        "UPDATE k_c SET p = 101",
        "COMMIT",
        "SELECT * FROM k_c",
        "BEGIN; INSERT INTO k_c VALUES (7, 700); DELETE FROM k_c WHERE id = 7",
        "COMMIT",
        "SELECT conname, condeferrable, condeferred, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE contype = 'f' AND conname LIKE 'k\\__p' ORDER BY 1",
        "CREATE TABLE k_x AS SELECT 55 AS a",
        "BEGIN; ALTER TABLE k_x ADD FOREIGN KEY (a) REFERENCES k_p DEFERRABLE INITIALLY DEFERRED",
        "ROLLBACK; DROP TABLE k_x",
        "CREATE TABLE k_x (a int REFERENCES k_p NOT DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE k_x (a int REFERENCES k_p DEFERRABLE NOT DEFERRABLE)",
        "DROP TABLE k_g, k_c, k_p",
    ],
    "actions_after_all_writes_of_a_statement": [
        *_PARENTS,
        "CREATE TABLE k_c (id int, p int REFERENCES k_p ON DELETE CASCADE ON UPDATE CASCADE)",
        "INSERT INTO k_c VALUES (1, 1), (2, 2), (3, 3)",
        "WITH d AS (DELETE FROM k_p WHERE k = 1 RETURNING k AS gone)"
        " DELETE FROM k_c USING d WHERE p = gone RETURNING id",
        "WITH d AS (DELETE FROM k_p WHERE k = 2 RETURNING k AS gone),"
        " e AS (INSERT INTO k_c SELECT 30, gone FROM d) SELECT gone FROM d",
        "SELECT * FROM k_c ORDER BY id",
        "WITH u AS (UPDATE k_p SET k = 33 WHERE k = 3 RETURNING k)"
        " UPDATE k_c SET id = id + 1 FROM u RETURNING id, p",
        "SELECT * FROM k_c ORDER BY id",
        "DROP TABLE k_c, k_p",
    ],
    "several_writes_of_one_statement": [
        *_PARENTS,
        "CREATE TABLE k_c (id int PRIMARY KEY, p int REFERENCES k_p)",
        "INSERT INTO k_c VALUES (1, 1), (2, 2)",
        "WITH d AS (DELETE FROM k_p WHERE k = 1 RETURNING k) DELETE FROM k_c USING d WHERE p = d.k",
        "WITH d AS (DELETE FROM k_p WHERE k = 2 RETURNING k) SELECT * FROM d",
        "WITH c AS (INSERT INTO k_c VALUES (5, 50) RETURNING p) INSERT INTO k_p SELECT p FROM c",
        "WITH c AS (INSERT INTO k_c VALUES (6, 60) RETURNING p) SELECT * FROM c",
        "SELECT id, p FROM k_c ORDER BY id",
        "DROP TABLE k_c, k_p",
    ],
}
