"""Random schedules of sessions that wait for each other, on a gateway and on a PostgreSQL 15.

    python -m tests.bench.schedules "host=127.0.0.1 port=5433" "host=127.0.0.1" 0 100
    python -m tests.bench.schedules GATEWAY REFERENCE 0 100 --levels serializable --definitions

Each number is another schedule of two to four sessions on the gateway, each in a thread of its own:
writes, locks, savepoints, transactions. PostgreSQL is then asked the same in the order in which the
statements ended, where nothing has to wait, and has to answer the same and keep the same rows. At
SERIALIZABLE the transactions that were committed are run there one after the other, in the order of
their commits. What the gateway refused for the sake of another session (40001, 40P01, 55P03) fails
there by another error. At REPEATABLE READ a first statement that waited may have an older snapshot
than PostgreSQL has here, which is no fault. "waits" is what PostgreSQL would have let wait: ALTER
and TRUNCATE beside readers, as docs/store.md says.
"""

from __future__ import annotations

import queue
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from tests.bench.beside import parser

Connection = psycopg.Connection[Any]
Answer = tuple[str | None, object]  # the command tag and the rows; or the SQLSTATE and None
Ended = tuple[float, int, str, Answer]  # when, whose, what was asked, what was answered

TABLES = ("sc_p", "sc_c", "sc_t", "sc_q")
SETUP = """
DROP TABLE IF EXISTS sc_c, sc_p, sc_t, sc_q CASCADE;
CREATE TABLE sc_p (k int PRIMARY KEY, v int NOT NULL DEFAULT 0);
CREATE TABLE sc_c (k int PRIMARY KEY, r int REFERENCES sc_p ON DELETE CASCADE, v int);
CREATE TABLE sc_t (k int PRIMARY KEY, v int CHECK (v < 1000), u int UNIQUE);
CREATE TABLE sc_q (id int PRIMARY KEY, state text NOT NULL DEFAULT 'new');
INSERT INTO sc_p VALUES (1, 10), (2, 20), (3, 30);
INSERT INTO sc_c VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
INSERT INTO sc_t VALUES (1, 10, 101), (2, 20, 102), (3, 30, 103), (4, 40, 104);
INSERT INTO sc_q SELECT n, 'new' FROM generate_series(1, 6) AS g(n)
"""
# {k} is a key that may be there, {n} one that may not, {m} a small number, {z} a new one each time.
_STATEMENTS = (
    "UPDATE sc_t SET v = v + 1 WHERE k = {k}",
    "UPDATE sc_t SET v = v + {m} WHERE v > 15 RETURNING k, v",
    "INSERT INTO sc_t VALUES ({n}, {m}, 100 + {n})",
    "INSERT INTO sc_t (k, v) VALUES ({n}, {m}), ({n} + 1, {m}) RETURNING *",
    "INSERT INTO sc_t VALUES ({k}, 1, 100 + {k}) ON CONFLICT (k) DO UPDATE SET v = sc_t.v + 1",
    "INSERT INTO sc_t VALUES ({n}, 1, 100 + {m}) ON CONFLICT DO NOTHING",
    "INSERT INTO sc_t VALUES ({n}, 0, 100 + {n}) ON CONFLICT (u) DO UPDATE SET v = sc_t.v + 10",
    "DELETE FROM sc_t WHERE k = {k} RETURNING k, v",
    "DELETE FROM sc_t WHERE v < {m} * 6",
    "SELECT * FROM sc_t",
    "SELECT sum(v), count(*) FROM sc_t",
    "SELECT * FROM sc_c",
    "UPDATE sc_p SET v = v + 1 WHERE k = {k}",
    "INSERT INTO sc_p VALUES ({n}, {m})",
    "INSERT INTO sc_p VALUES ({k}, 1) ON CONFLICT (k) DO UPDATE SET v = sc_p.v + excluded.v"
    " WHERE sc_p.v < 25 RETURNING v",
    "DELETE FROM sc_p WHERE k = {k}",
    "INSERT INTO sc_c VALUES ({n}, {k}, {m})",
    "UPDATE sc_c SET r = {k} WHERE k = {m}",
    "UPDATE sc_t SET v = sc_t.v + sc_p.v FROM sc_p WHERE sc_p.k = sc_t.k AND sc_p.k = {k}",
    "UPDATE sc_t SET v = (SELECT count(*) FROM sc_c) WHERE k = {k}",
    "INSERT INTO sc_t (k, v) SELECT k + 10 + {m}, v FROM sc_p WHERE k <= 2",
    "MERGE INTO sc_t USING sc_p ON sc_t.k = sc_p.k WHEN MATCHED THEN UPDATE SET v = sc_t.v + 1"
    " WHEN NOT MATCHED THEN INSERT (k, v) VALUES (sc_p.k, sc_p.v)",
    "MERGE INTO sc_p USING (VALUES ({k}), ({n})) AS s(k) ON s.k = sc_p.k"
    " WHEN MATCHED AND sc_p.v > 100 THEN DELETE WHEN MATCHED THEN UPDATE SET v = sc_p.v + 1"
    " WHEN NOT MATCHED THEN INSERT VALUES (s.k, 1)",
    "WITH d AS (DELETE FROM sc_q WHERE id = {k} RETURNING id)"
    " INSERT INTO sc_q SELECT id + 20, 'moved' FROM d RETURNING id",
    "UPDATE sc_t SET u = 100 + {k} WHERE k = {m}",
)
_FREE = "SELECT id FROM sc_q WHERE state = 'new' ORDER BY id LIMIT"
_LOCKS = (
    "SELECT k, v FROM sc_t WHERE k = {k} FOR UPDATE",
    "SELECT k, v FROM sc_t WHERE k <= {m} FOR SHARE",
    "SELECT k FROM sc_t FOR NO KEY UPDATE",
    "SELECT k, v FROM sc_t WHERE k = {k} FOR KEY SHARE",
    f"{_FREE} 1 FOR UPDATE SKIP LOCKED",
    f"{_FREE} 2 FOR UPDATE SKIP LOCKED",
    f"UPDATE sc_q SET state = 'taken' WHERE id = ({_FREE} 1 FOR UPDATE SKIP LOCKED) RETURNING id",
    "SELECT k FROM sc_t WHERE k = {k} FOR UPDATE NOWAIT",
    "SELECT sc_p.k, sc_c.k FROM sc_p JOIN sc_c ON sc_c.r = sc_p.k FOR UPDATE",
    "LOCK TABLE sc_t IN SHARE MODE",
    "LOCK TABLE sc_p IN EXCLUSIVE MODE",
    "LOCK TABLE sc_q IN SHARE ROW EXCLUSIVE MODE",
    "LOCK TABLE sc_c NOWAIT",
)
_DEFINITIONS = (
    "ALTER TABLE sc_t ADD COLUMN x{z} int DEFAULT {z}",
    "ALTER TABLE sc_t ALTER v SET DEFAULT {m}",
    "ALTER TABLE sc_t ADD CONSTRAINT ck{z} CHECK (v < 900)",
    "ALTER TABLE sc_c ALTER v SET NOT NULL",
    "CREATE INDEX ON sc_t (v)",
    "TRUNCATE sc_q",
    "TRUNCATE sc_p CASCADE",
)
# What a session is refused for the sake of another one.
_YIELDS = ("40001", "40P01", "55P03")
_SETTLED_SECONDS, _HANGS_SECONDS = 0.03, 30.0


class Session(threading.Thread):
    """A client of the gateway that does one thing after another, and notes when each ended."""

    def __init__(self, number: int, connection: Connection, ended: list[Ended]) -> None:
        super().__init__(daemon=True)
        self.number, self.connection, self._ended = number, connection, ended
        self.savepoints = 0
        self.busy = False
        self._asked: queue.Queue[str | None] = queue.Queue()

    def run(self) -> None:
        while (statement := self._asked.get()) is not None:
            start = time.monotonic()
            answer = answered(self.connection, statement)
            # Others go on before the client of what gave up its locks hears of it.
            early = statement.startswith(("COMMIT", "ROLLBACK"))
            when = start if early else time.monotonic()
            self._ended.append((when, self.number, statement, answer))
            self.busy = False

    def ask(self, statement: str) -> None:
        self.busy = True
        self._asked.put(statement)

    def end(self) -> None:
        self._asked.put(None)

    @property
    def in_transaction(self) -> bool:
        return self.connection.info.transaction_status != TransactionStatus.IDLE

    def next(self, chance: random.Random, levels: list[str], kinds: tuple[str, ...]) -> str:
        """What it is to do now."""
        if not self.in_transaction:
            self.savepoints = 0
            if chance.random() < 0.75 or levels == ["serializable"]:
                return f"BEGIN ISOLATION LEVEL {chance.choice(levels)}"
        elif (step := chance.random()) < 0.22:
            return "COMMIT" if step < 0.16 else "ROLLBACK"
        elif step < 0.3:
            self.savepoints += 1
            return f"SAVEPOINT s{self.savepoints}"
        elif step < 0.38 and self.savepoints:
            return f"ROLLBACK TO s{chance.randint(1, self.savepoints)}"
        return chance.choice(kinds).format(
            k=chance.randint(1, 5),
            n=chance.randint(5, 12),
            m=chance.randint(1, 4),
            z=chance.randint(1, 10**9),
        )


def answered(connection: Connection, statement: str) -> Answer:
    """The command tag and the rows, in no order; or the SQLSTATE of the error."""
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate, None
    rows = sorted(cursor.fetchall(), key=repr) if cursor.description else []
    return cursor.statusmessage, rows


def rows_of(connection: Connection) -> dict[str, object]:
    """All rows of all tables."""
    return {table: answered(connection, f"SELECT * FROM {table}")[1] for table in TABLES}


def settle(watch: Connection, sessions: list[Session]) -> bool:
    """Wait until every session that is at something waits for a lock; False: some never do."""
    start, seen = time.monotonic(), 0
    while any(session.busy for session in sessions):
        time.sleep(_SETTLED_SECONDS)
        query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        waiting = {pid for (pid,) in watch.execute(query).fetchall()}
        busy = [s for s in sessions if s.busy]
        seen = seen + 1 if all(s.connection.info.backend_pid in waiting for s in busy) else 0
        if seen == 2:
            return True
        if time.monotonic() - start > _HANGS_SECONDS:
            return False
    return True


def played(
    chance: random.Random,
    connect: Callable[[], Connection],
    watch: Connection,
    levels: list[str],
    kinds: tuple[str, ...],
) -> tuple[list[Ended], bool]:
    """What ended, in order, on the gateway; and whether nothing hung."""
    ended: list[Ended] = []
    sessions = [Session(n, connect(), ended) for n in range(chance.randint(2, 4))]
    for session in sessions:
        session.start()
    well = True
    for _ in range(chance.randint(15, 40)):
        free = [session for session in sessions if not session.busy]
        if not (well and free):
            break
        session = chance.choice(free)
        session.ask(session.next(chance, levels, kinds))
        well = settle(watch, sessions)
    while well and any(session.busy or session.in_transaction for session in sessions):
        open_ = [each for each in sessions if not each.busy and each.in_transaction]
        if open_:
            open_[0].ask("COMMIT")
        well = settle(watch, sessions) and bool(open_)
    for session in sessions:
        session.end()
        if not session.busy:
            session.connection.close()
    return sorted(ended), well


def same_rows(statement: str, answer: Answer) -> str:
    """The statement, for the rows that SKIP LOCKED gave: others leave fewer of them out."""
    if "SKIP LOCKED" not in statement or not isinstance(answer[1], list):
        return statement
    wanted = ", ".join(str(row[0]) for row in answer[1]) or "NULL"
    return re.sub(r"(state = 'new')", rf"\1 AND id IN ({wanted})", statement, count=1)


def replayed(ended: list[Ended], connect: Callable[[], Connection]) -> str:
    """The first thing that PostgreSQL answers otherwise; "waits" where it would wait."""
    sessions = {number: connect() for number in {number for _, number, _, _ in ended}}
    try:
        for _, number, statement, answer in ended:
            session = sessions[number]
            if answer[0] in _YIELDS:
                if session.info.transaction_status != TransactionStatus.IDLE:
                    answered(session, "SELECT 1 / 0")
                continue
            right = answered(session, same_rows(statement, answer))
            if right[0] == "55P03":
                return "waits"
            if right != answer:
                return f"{statement}\n  gateway   {answer}\n  reference {right}"
    finally:
        for session in sessions.values():
            session.close()
    return ""


def one_by_one(ended: list[Ended]) -> list[Ended]:
    """The committed transactions that wrote, one after the other."""
    begun: dict[int, list[Ended]] = {}
    found: list[Ended] = []
    for each in ended:
        _, number, statement, answer = each
        mine = begun.setdefault(number, [])
        mine.append(each)
        if statement in ("COMMIT", "ROLLBACK"):
            reads = all(s.startswith(("BEGIN", "SELECT", "SAVEPOINT")) for _, _, s, _ in mine[:-1])
            found += [] if answer[0] != "COMMIT" or reads else mine
            del begun[number]
    return found


def main() -> None:
    """Print the first difference of each schedule, and what was answered how often."""
    asked = parser(__doc__)
    asked.add_argument("--levels", nargs="+", default=["read committed"])
    asked.add_argument("--definitions", action="store_true")
    given = asked.parse_args()
    options = "-c timezone=UTC -c client_min_messages=error"

    def connection(where: str, more: str = "") -> Connection:
        return psycopg.connect(
            where, autocommit=True, options=options + more, prepare_threshold=None
        )

    seen: Counter[str] = Counter()
    kinds = _STATEMENTS + _LOCKS * 2 + (_DEFINITIONS * 2 if given.definitions else ())
    watch, reference = connection(given.gateway), connection(given.reference)
    for number in range(given.first, given.first + given.numbers):
        for each in (watch, reference):
            each.execute(SETUP.encode())
        ended, well = played(
            random.Random(number), lambda: connection(given.gateway), watch, given.levels, kinds
        )
        seen.update(str(answer[0]) for *_, answer in ended if answer[1] is None)
        told = "" if well else f"hangs, after {ended[-1]}"
        order = one_by_one(ended) if given.levels == ["serializable"] else ended
        told = told or replayed(order, lambda: connection(given.reference, " -c lock_timeout=400"))
        if not told and rows_of(watch) != rows_of(reference):
            told = f"{rows_of(watch)}\n  reference {rows_of(reference)}"
        seen.update(["same" if not told else "waits" if told == "waits" else "different"])
        if told not in ("", "waits"):
            print(f"{number}: {told}", flush=True)
    print(*(f"{count:>6} {what}" for what, count in seen.most_common()), sep="\n")
    raise SystemExit(seen["different"] > 0)


if __name__ == "__main__":
    main()
