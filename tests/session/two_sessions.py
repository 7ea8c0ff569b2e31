"""What two sessions do in turn: `1 BEGIN` is a statement of the first one.

The next statement of a session that waits for the other one is sent when that has let it go on.
What is indented further goes on the line before.
"""

from __future__ import annotations

SETUP = (
    "CREATE TABLE ts (k int PRIMARY KEY, v int)",
    "INSERT INTO ts VALUES (1, 10), (2, 20)",
    "CREATE TABLE tu (k int PRIMARY KEY, v int)",
    "INSERT INTO tu VALUES (1, 100)",
)
AFTER = ("SELECT * FROM ts ORDER BY k", "SELECT * FROM tu ORDER BY k", "DROP TABLE ts, tu CASCADE")

SCHEDULES: dict[str, str] = {
    "both_add_to_one_row": """
        1 BEGIN
        1 UPDATE ts SET v = v + 1 WHERE k = 1
        2 BEGIN
        2 UPDATE ts SET v = v + 1 WHERE k = 1 RETURNING v
        1 COMMIT
        2 COMMIT""",
    "a_key_names_the_row_that_others_change": """
        1 BEGIN
        1 UPDATE ts SET v = v + 1 WHERE k = 1
        2 UPDATE ts SET v = v * 3 WHERE k = 1
        1 UPDATE ts SET v = v + 1 WHERE k = 1
        1 COMMIT
        2 BEGIN ISOLATION LEVEL REPEATABLE READ
        2 SELECT v FROM ts WHERE k = 1
        1 UPDATE ts SET v = v - 1 WHERE k = 2
        1 DELETE FROM tu WHERE k = 1
        2 UPDATE ts SET v = v + 1 WHERE k = 1
        2 UPDATE ts SET v = v + 1 WHERE k = 2
        2 ROLLBACK""",
    "a_table_is_another_once_its_writer_has_waited": """
        1 BEGIN
        1 ALTER TABLE ts RENAME COLUMN v TO w
        2 INSERT INTO ts VALUES (3, 30)
        1 COMMIT
        1 BEGIN
        1 ALTER TABLE ts ADD COLUMN x int DEFAULT 5
        2 INSERT INTO ts VALUES (4, 40) RETURNING *
        1 COMMIT
        1 BEGIN
        1 ALTER TABLE tu DROP COLUMN v
        2 DELETE FROM tu WHERE v = 100
        1 COMMIT
        1 BEGIN
        1 ALTER TABLE ts ALTER COLUMN w TYPE text
        2 BEGIN
        2 UPDATE ts SET w = w || 'a' RETURNING w
        1 COMMIT
        2 COMMIT""",
    "the_row_is_no_longer_meant": """
        1 BEGIN
        1 UPDATE ts SET v = 0 WHERE k = 1
        2 UPDATE ts SET v = 99 WHERE v = 10 RETURNING k
        1 COMMIT
        2 SELECT v FROM ts ORDER BY k""",
    "the_row_is_gone": """
        1 BEGIN
        1 DELETE FROM ts WHERE k = 1
        2 UPDATE ts SET v = 99 WHERE k = 1 RETURNING k
        1 COMMIT
        2 SELECT count(*) FROM ts""",
    "the_first_one_gives_up": """
        1 BEGIN
        1 UPDATE ts SET v = 0
        2 UPDATE ts SET v = v + 1 WHERE k = 2 RETURNING v
        1 ROLLBACK
        2 SELECT v FROM ts ORDER BY k""",
    "repeatable_read_conflicts": """
        1 BEGIN ISOLATION LEVEL REPEATABLE READ
        1 SELECT v FROM ts WHERE k = 1
        2 UPDATE ts SET v = 11 WHERE k = 1
        1 SELECT v FROM ts WHERE k = 1
        1 UPDATE ts SET v = v + 1 WHERE k = 1
        1 SELECT 1
        1 ROLLBACK""",
    "repeatable_read_waits_and_conflicts": """
        1 BEGIN
        1 UPDATE ts SET v = 0 WHERE k = 1
        2 BEGIN ISOLATION LEVEL REPEATABLE READ
        2 SELECT v FROM ts ORDER BY k
        2 UPDATE ts SET v = v + 1 WHERE k = 1
        1 COMMIT
        2 ROLLBACK""",
    "repeatable_read_takes_other_rows": """
        1 BEGIN ISOLATION LEVEL REPEATABLE READ
        1 SELECT v FROM ts ORDER BY k
        2 UPDATE ts SET v = 11 WHERE k = 1
        1 UPDATE ts SET v = v + 1 WHERE k = 2 RETURNING v
        1 COMMIT""",
    "write_skew": """
        1 BEGIN ISOLATION LEVEL SERIALIZABLE
        1 SELECT sum(v) FROM ts
        2 BEGIN ISOLATION LEVEL SERIALIZABLE
        2 SELECT sum(v) FROM ts
        1 UPDATE ts SET v = v - 25 WHERE k = 1
        1 COMMIT
        2 UPDATE tu SET v = (SELECT sum(v) FROM ts)
        2 ROLLBACK""",
    "a_deadlock": """
        1 BEGIN
        1 UPDATE ts SET v = 1 WHERE k = 1
        2 BEGIN
        2 UPDATE tu SET v = 1 WHERE k = 1
        1 UPDATE tu SET v = 2 WHERE k = 1
        2 UPDATE ts SET v = 2 WHERE k = 1
        1 ROLLBACK
        2 ROLLBACK""",
    "a_deadlock_back_to_a_savepoint": """
        1 BEGIN
        1 UPDATE ts SET v = v + 1 WHERE k = 1
        2 BEGIN
        2 UPDATE tu SET v = v + 1 WHERE k = 1
        2 ROLLBACK
        1 UPDATE tu SET v = v + 2 WHERE k = 1
        1 COMMIT""",
    "lock_timeout": """
        1 BEGIN
        1 UPDATE ts SET v = 1
        2 SET lock_timeout = '20ms'
        2 UPDATE ts SET v = 2 WHERE k = 1
        2 BEGIN
        2 SAVEPOINT s
        2 SELECT v FROM ts WHERE k = 1 FOR UPDATE
        2 ROLLBACK TO s
        2 LOCK TABLE ts
        2 ROLLBACK
        1 COMMIT
        2 UPDATE ts SET v = 2 WHERE k = 1""",
    "statement_timeout_of_a_wait": """
        1 BEGIN
        1 UPDATE ts SET v = 1
        2 BEGIN
        2 SET LOCAL statement_timeout = '20ms'
        2 UPDATE ts SET v = 2 WHERE k = 1
        2 ROLLBACK
        2 SELECT 1
        1 COMMIT""",
    "nowait": """
        1 BEGIN
        1 SELECT v FROM ts ORDER BY k FOR UPDATE
        2 SELECT v FROM ts WHERE k = 1 FOR UPDATE NOWAIT
        2 SELECT v FROM ts WHERE k = 1 FOR SHARE NOWAIT
        2 BEGIN
        2 LOCK TABLE ts IN EXCLUSIVE MODE NOWAIT
        2 ROLLBACK
        2 SELECT v FROM ts WHERE k = 1
        1 COMMIT
        2 SELECT v FROM ts WHERE k = 1 FOR UPDATE NOWAIT""",
    "for_update_then_newest": """
        1 BEGIN
        1 UPDATE ts SET v = 11 WHERE k = 1
        2 BEGIN
        2 SELECT v FROM ts WHERE k = 1 FOR UPDATE
        1 COMMIT
        2 UPDATE ts SET v = v + 1 WHERE k = 1 RETURNING v
        2 COMMIT""",
    "for_update_of_an_alias": """
        1 BEGIN
        1 SELECT a.k, b.k FROM ts AS a JOIN tu AS b ON a.k = b.k ORDER BY 1 FOR UPDATE OF a
        2 SELECT k FROM ts FOR UPDATE NOWAIT
        2 SELECT x.k FROM ts AS x, tu AS y ORDER BY 1 FOR SHARE OF y NOWAIT
        2 SELECT x.k FROM ts AS x FOR SHARE OF ts
        1 COMMIT
        2 SELECT x.k FROM ts AS x ORDER BY 1 FOR NO KEY UPDATE OF x NOWAIT""",
    "for_update_at_repeatable_read": """
        1 BEGIN ISOLATION LEVEL REPEATABLE READ
        1 SELECT v FROM ts ORDER BY k
        2 UPDATE ts SET v = 11 WHERE k = 1
        1 SELECT v FROM ts WHERE k = 1 FOR UPDATE
        1 ROLLBACK""",
    "skip_locked": """
        1 BEGIN
        1 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        2 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        2 SELECT k FROM tu FOR UPDATE SKIP LOCKED
        1 COMMIT
        2 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        2 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED""",
    "a_queue": """
        1 BEGIN
        1 UPDATE ts SET v = 0 WHERE k = (SELECT k FROM ts WHERE v > 0 ORDER BY k LIMIT 1
            FOR UPDATE SKIP LOCKED) RETURNING k
        1 COMMIT
        2 WITH j AS (SELECT k FROM ts WHERE v > 0 ORDER BY k LIMIT 1 FOR UPDATE SKIP
            LOCKED) UPDATE ts SET v = 0 FROM j WHERE ts.k = j.k RETURNING ts.k
        1 DELETE FROM ts WHERE k IN (SELECT k FROM ts ORDER BY k FOR UPDATE) RETURNING v
        2 WITH j AS (SELECT k FROM tu FOR UPDATE SKIP LOCKED) INSERT INTO ts SELECT k, 5
            FROM j RETURNING k
        1 BEGIN
        1 SELECT k FROM tu FOR UPDATE
        2 WITH j AS (SELECT k FROM tu FOR UPDATE SKIP LOCKED) INSERT INTO ts SELECT k + 1,
            5 FROM j RETURNING k
        2 INSERT INTO ts SELECT k + 2, 5 FROM tu FOR UPDATE NOWAIT
        1 COMMIT
        2 SELECT * FROM (SELECT v FROM tu FOR UPDATE) AS x""",
    "rows_of_a_queue": """
        1 BEGIN
        1 SELECT k FROM ts ORDER BY k LIMIT 1 FOR UPDATE SKIP LOCKED
        2 BEGIN
        2 SELECT k AS x, v * 2 FROM ts ORDER BY 1 LIMIT 1 FOR UPDATE SKIP LOCKED
        2 SELECT k FROM ts ORDER BY k FOR SHARE SKIP LOCKED
        2 SELECT k FROM ts WHERE k = 1 FOR UPDATE NOWAIT
        2 ROLLBACK
        2 UPDATE ts SET v = 7 WHERE k = 2
        2 DELETE FROM ts WHERE k IN (SELECT k FROM ts WHERE v > 0 ORDER BY k LIMIT 1
            FOR UPDATE SKIP LOCKED) RETURNING *
        2 INSERT INTO ts VALUES (3, 3)
        1 UPDATE ts SET v = -1 WHERE k = 1
        2 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        1 COMMIT
        2 SELECT * FROM ts AS t ORDER BY k FOR UPDATE OF t SKIP LOCKED
        2 SELECT nosuch FROM ts FOR UPDATE SKIP LOCKED""",
    "writers_wait_for_rows": """
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE NOWAIT
        2 UPDATE ts SET v = v + 1 WHERE k = 1
        2 UPDATE ts SET v = v + 1 WHERE k = 2
        1 UPDATE ts SET v = 100 WHERE k = 2
        1 COMMIT
        2 SELECT 1
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE NOWAIT
        2 BEGIN
        2 UPDATE tu SET v = v + 1
        2 UPDATE ts SET v = v + 1
        1 DELETE FROM ts WHERE k = 2
        1 COMMIT
        2 COMMIT""",
    "what_waits_for_rows": """
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR SHARE NOWAIT
        2 SELECT k FROM ts WHERE k = 2 FOR KEY SHARE NOWAIT
        2 SELECT k FROM ts ORDER BY k FOR UPDATE
        1 COMMIT
        2 SELECT 1
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE SKIP LOCKED
        2 ALTER TABLE ts ADD COLUMN w int
        1 UPDATE ts SET v = 0 WHERE k = 2
        1 COMMIT
        2 SELECT 1
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE SKIP LOCKED
        2 INSERT INTO ts VALUES (2, 5) ON CONFLICT (k) DO UPDATE SET v = ts.v + 1
        1 UPDATE ts SET v = 10 WHERE k = 2
        1 COMMIT
        2 SELECT 1
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE SKIP LOCKED
        2 TRUNCATE ts
        1 SELECT 1 / 0
        1 ROLLBACK""",
    "rows_then_all_of_them": """
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 1 FOR UPDATE SKIP LOCKED
        1 SELECT k FROM ts ORDER BY k FOR UPDATE
        2 SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        1 DECLARE c CURSOR FOR SELECT k FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        1 FETCH 1 FROM c
        1 UPDATE ts SET v = 77 WHERE CURRENT OF c
        1 COMMIT""",
    "rows_after_a_write_of_its_own": """
        1 BEGIN
        1 UPDATE tu SET v = 1
        1 SELECT k, v FROM ts ORDER BY k LIMIT 1 FOR UPDATE SKIP LOCKED
        2 UPDATE ts SET v = v + 1 WHERE k = 2
        1 SELECT k, v FROM ts ORDER BY k FOR UPDATE SKIP LOCKED
        1 UPDATE ts SET v = v + 1
        1 COMMIT""",
    "rows_without_a_key": """
        1 ALTER TABLE ts DROP CONSTRAINT ts_pkey
        1 UPDATE ts SET k = 1
        1 BEGIN
        1 SELECT v FROM ts ORDER BY v LIMIT 1 FOR UPDATE SKIP LOCKED
        2 SELECT v FROM ts ORDER BY v LIMIT 1 FOR UPDATE SKIP LOCKED
        2 UPDATE ts SET v = 21 WHERE v = 20
        2 UPDATE ts SET v = v + 1
        1 ROLLBACK""",
    "locked_rows_at_repeatable_read": """
        1 BEGIN ISOLATION LEVEL REPEATABLE READ
        1 SELECT count(*) FROM ts
        2 UPDATE ts SET v = 5 WHERE k = 1
        1 SELECT k FROM ts WHERE k = 2 FOR UPDATE SKIP LOCKED
        1 SELECT k FROM ts ORDER BY k LIMIT 1 FOR UPDATE SKIP LOCKED
        1 ROLLBACK""",
    "what_cannot_be_locked": """
        1 SELECT count(*) FROM ts FOR UPDATE
        1 SELECT DISTINCT k FROM ts FOR SHARE
        1 SELECT k FROM ts GROUP BY k FOR NO KEY UPDATE
        1 SELECT k FROM ts UNION SELECT 1 FOR UPDATE
        1 SELECT rank() OVER () FROM ts FOR KEY SHARE""",
    "one_key_from_both": """
        1 BEGIN
        1 INSERT INTO ts VALUES (3, 1)
        2 INSERT INTO ts VALUES (3, 2)
        1 COMMIT
        2 INSERT INTO ts VALUES (3, 2) ON CONFLICT (k) DO UPDATE SET v = ts.v + excluded.v""",
    "a_deferred_key_from_both": """
        1 ALTER TABLE ts ADD UNIQUE (v) DEFERRABLE INITIALLY DEFERRED
        1 BEGIN
        1 INSERT INTO ts VALUES (3, 7)
        2 BEGIN
        2 INSERT INTO ts VALUES (4, 7)
        1 COMMIT
        2 COMMIT""",
    "a_circle_through_an_advisory_lock": """
        2 SET deadlock_timeout = '10ms'
        1 BEGIN
        1 UPDATE ts SET v = 1 WHERE k = 1
        2 BEGIN
        2 SELECT pg_advisory_xact_lock(9)
        1 SELECT pg_advisory_xact_lock(9)
        2 UPDATE ts SET v = 2 WHERE k = 1
        2 ROLLBACK
        1 ROLLBACK""",
    "advisory_locks": """
        1 SELECT pg_advisory_lock_shared(7), pg_advisory_lock_shared(7)
        2 SELECT pg_advisory_lock_shared(7), pg_advisory_lock(8)
        1 SELECT pg_advisory_lock(8)
        2 SELECT pg_advisory_unlock(8)
        2 SELECT pg_advisory_lock(7)
        1 SELECT pg_advisory_unlock_shared(7), pg_advisory_unlock_shared(7)
        1 SELECT pg_advisory_unlock_all()
        2 SELECT pg_advisory_unlock_all()""",
    "lock_table_shared": """
        1 BEGIN
        1 LOCK TABLE ts IN SHARE MODE
        2 SELECT k FROM ts WHERE k = 1 FOR UPDATE
        2 BEGIN
        2 LOCK TABLE ts IN SHARE MODE NOWAIT
        2 LOCK TABLE ts IN ROW EXCLUSIVE MODE NOWAIT
        2 ROLLBACK
        2 UPDATE ts SET v = 0 WHERE k = 1
        1 COMMIT""",
    "lock_table_beside_writers": """
        1 BEGIN
        1 LOCK TABLE ts IN SHARE UPDATE EXCLUSIVE MODE
        2 BEGIN
        2 UPDATE ts SET v = 0 WHERE k = 1
        2 LOCK TABLE ts IN SHARE UPDATE EXCLUSIVE MODE NOWAIT
        2 ROLLBACK
        1 COMMIT
        1 BEGIN
        1 LOCK TABLE ts IN ROW EXCLUSIVE MODE
        2 UPDATE ts SET v = 1 WHERE k = 1
        2 BEGIN
        2 LOCK TABLE ts IN ROW EXCLUSIVE MODE NOWAIT
        2 LOCK TABLE ts IN SHARE MODE NOWAIT
        2 ROLLBACK
        1 COMMIT""",
    "lock_table_weakly": """
        1 BEGIN
        1 LOCK TABLE ts IN ACCESS SHARE MODE
        2 BEGIN
        2 LOCK TABLE ts IN EXCLUSIVE MODE NOWAIT
        2 LOCK TABLE ts NOWAIT
        2 ROLLBACK
        1 LOCK TABLE ts IN ROW SHARE MODE
        2 BEGIN
        2 LOCK TABLE ts IN SHARE ROW EXCLUSIVE MODE NOWAIT
        2 LOCK TABLE ts IN EXCLUSIVE MODE NOWAIT
        2 ROLLBACK
        1 COMMIT""",
    "access_exclusive": """
        1 BEGIN
        1 LOCK TABLE ts
        1 UPDATE ts SET v = 5 WHERE k = 1
        2 SELECT count(*), sum(ts.v) FROM tu JOIN ts USING (k)
        1 COMMIT
        2 BEGIN
        2 SELECT v FROM ts WHERE k = 1
        1 BEGIN
        1 LOCK TABLE ts IN EXCLUSIVE MODE NOWAIT
        1 LOCK TABLE ts NOWAIT
        1 ROLLBACK
        1 BEGIN
        1 SAVEPOINT s
        1 LOCK TABLE tu
        2 INSERT INTO ts SELECT k + 10, v FROM tu
        1 ROLLBACK TO s
        2 COMMIT
        1 COMMIT""",
    "for_share": """
        1 BEGIN
        1 SELECT k FROM ts WHERE k = 1 FOR SHARE
        2 SELECT k FROM ts WHERE k = 1 FOR SHARE NOWAIT
        2 SELECT k FROM ts WHERE k = 1 FOR KEY SHARE NOWAIT
        2 SELECT k FROM ts WHERE k = 1 FOR UPDATE NOWAIT
        2 UPDATE ts SET v = 5 WHERE k = 1
        1 COMMIT""",
    "a_reference_to_a_row_that_goes": """
        1 CREATE TABLE tc (k int REFERENCES ts)
        1 BEGIN
        1 DELETE FROM ts WHERE k = 1
        2 INSERT INTO tc VALUES (1)
        1 COMMIT
        2 SELECT count(*) FROM tc
        1 DROP TABLE tc""",
}
