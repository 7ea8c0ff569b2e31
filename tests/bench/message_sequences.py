"""Random sequences of messages to a gateway and to a PostgreSQL: which are answered otherwise.

    python -m tests.bench.message_sequences 5433 5432 0 2000

The ports of both on 127.0.0.1, user postgres, database postgres. A sequence is made of its number
alone and goes out in one piece, Describe, Flush, Close and COPY at places where no client sends
them. Compared is every message of the answer, of an error its SQLSTATE.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator

from tests.bench.beside import parser
from tests.wire.client import Client

TABLE = (
    "CREATE TEMP TABLE t (a int PRIMARY KEY, b text);"
    "INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 5) AS g"
)
END = ('CopyFail "over"', "Sync", 'Query "ROLLBACK"', "Query \"SELECT 'over and out' AS last\"")
LAST = 'DataRow ["over and out"]'

READS = (
    "SELECT a, b FROM t ORDER BY a",
    "SELECT g::int4 AS g FROM generate_series(1, 4) AS g",
    "SELECT 1 AS one, NULL::text AS none",
    "VALUES (1, 'x'), (2, 'y')",
    "SELECT a FROM t WHERE a > 100",
    "TABLE t ORDER BY a LIMIT 2",
)
WRITES = (
    "INSERT INTO t VALUES (100, 'new')",
    "INSERT INTO t VALUES (100, 'new') RETURNING a",
    "INSERT INTO t VALUES (1, 'again')",
    "UPDATE t SET b = b || '!' WHERE a < 3",
    "UPDATE t SET b = 'u' WHERE a = 2 RETURNING a, b",
    "DELETE FROM t WHERE a = 100",
    "DELETE FROM t WHERE a IN (4, 5) RETURNING a",
    "TRUNCATE t",
)
WRONG = (
    "SELECT 1 / (a - a) AS quotient FROM t",
    "SELECT nothing FROM t",
    "SELECT 1 FROM nowhere",
    "SELEC 1",
    "SELECT 'x'::int",
    "INSERT INTO t VALUES (NULL, 'no key')",
    "SELECT $1::int + 1",
)
BLOCKS = (
    *("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "END", "ABORT"),
    *("BEGIN READ ONLY", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "COMMIT AND CHAIN"),
    *("ROLLBACK AND CHAIN", "SET TRANSACTION READ ONLY", "BEGIN", "COMMIT", "ROLLBACK"),
)
CURSORS = (
    "DECLARE c CURSOR FOR SELECT a FROM t ORDER BY a",
    "DECLARE c SCROLL CURSOR FOR SELECT a FROM t ORDER BY a",
    "DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t ORDER BY a",
    *("FETCH c", "FETCH 2 FROM c", "FETCH BACKWARD c", "FETCH ALL FROM c", "MOVE c", "CLOSE c"),
    *("FETCH 2 FROM p", "CLOSE ALL", "MOVE 2 IN c", "CLOSE p"),
)
OTHERS = (
    *("", ";", "-- nothing", "SET DateStyle TO German", "RESET DateStyle", "SHOW DateStyle"),
    *("SET application_name TO 'walker'", "SET LOCAL TimeZone TO 'Asia/Tokyo'", "DISCARD ALL"),
    *("PREPARE s1 AS SELECT a FROM t ORDER BY a", "EXECUTE s1", "DEALLOCATE s1", "DEALLOCATE ALL"),
    *("PREPARE s2 (int) AS SELECT a, b FROM t WHERE a = $1", "EXECUTE s2 (2)", "EXECUTE none"),
    *(
        "CREATE TEMP TABLE u (x int)",
        "DROP TABLE u",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS c int",
    ),
    *("LISTEN news", "NOTIFY news, 'told'", "UNLISTEN *"),
    *("SET nothing TO 1", "LOCK TABLE t", "DO $$ BEGIN NULL; END $$", "DISCARD PLANS"),
)
COPIES = (
    "COPY t FROM STDIN",
    "COPY (SELECT a, b FROM t ORDER BY a) TO STDOUT",
    "COPY (SELECT a FROM t ORDER BY a) TO STDOUT (FORMAT csv, HEADER)",
    "COPY t (a) FROM STDIN (FORMAT csv)",
    "COPY nowhere FROM STDIN",
)
STATEMENTS: tuple[tuple[str, ...], ...] = (
    *(READS, READS, WRITES, WRONG, BLOCKS, BLOCKS, CURSORS, OTHERS, COPIES),
)
PARAMETERS = (
    ("SELECT a, b FROM t WHERE a = $1", ["2"]),
    ("SELECT a, b FROM t WHERE a = $1", ["two"]),
    ("SELECT $1::text AS v, $2::int AS w", ["v", None]),
    ("INSERT INTO t VALUES ($1, $2)", ["200", "p"]),
    ("SELECT a FROM t ORDER BY a LIMIT $1", ["3"]),
    ("SELECT $1", ["unknown"]),
)
ROWS = ("6\\tsix\\n", "7\\t\\\\N\\n", "1\\tagain\\n", "x\\ty\\n", "\\\\.\\n", "8", "9\\n")


def main() -> None:
    """Print each sequence that differs with both answers, and a count at the end."""
    asked = parser(__doc__).parse_args()
    outcomes: Counter[str] = Counter()
    for number in range(asked.first, asked.first + asked.numbers):
        lines = sequence(number)
        found, right = (answers(int(port), lines) for port in (asked.gateway, asked.reference))
        outcomes["the same" if found == right else "another answer"] += 1
        if found != right:
            print(f"\n{number}", *(f"> {line}" for line in lines), sep="\n")
            print(*_side_by_side(found, right), sep="\n", flush=True)
    print(*(f"{count:>6} {what}" for what, count in outcomes.most_common()), sep="\n")


def sequence(number: int) -> list[str]:
    """The messages of that number, as lines."""
    chance = random.Random(number)
    return [line for _ in range(chance.randint(3, 12)) for line in chance.choice(STEPS)(chance)]


def answers(port: int, lines: list[str]) -> list[str]:
    """What one server answers to them, up to the end of the last query or of the connection."""
    with Client(port, 20) as client:
        client.start()
        client.ask(f"Query {json.dumps(TABLE)}")
        client.send(*lines, *END)
        return list(_heard(client))


def _heard(client: Client) -> Iterator[str]:
    last = False
    while True:
        try:
            line = client.hear()
        except TimeoutError:
            line = "(nothing more)"
        yield _told(line)
        if line.startswith("(") or (last and line.startswith("ReadyForQuery")):
            return
        last = last or line == LAST


def _told(line: str) -> str:
    """Of an error its SQLSTATE; of a notification not whose it is."""
    name, _, rest = line.partition(" ")
    if name in ("ErrorResponse", "NoticeResponse"):
        return f"{name} {json.loads(rest)['C']}"
    return line


def _side_by_side(found: list[str], right: list[str]) -> Iterator[str]:
    place = next((n for n, (a, b) in enumerate(zip(found, right, strict=False)) if a != b), 0)
    yield from (f"  both      {line}" for line in right[max(0, place - 3) : place])
    yield from (f"  gateway   {line}" for line in found[place : place + 6])
    yield from (f"  reference {line}" for line in right[place : place + 6])


def _text(chance: random.Random) -> str:
    return chance.choice(chance.choice(STATEMENTS))


def _query(chance: random.Random) -> list[str]:
    texts = [_text(chance) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    return [f"Query {json.dumps('; '.join(texts))}"]


def _name(chance: random.Random, letter: str) -> str:
    return chance.choice(("", "", f"{letter}1", f"{letter}2", letter))


def _extended(chance: random.Random) -> list[str]:
    """Parse to Sync, with something left out or put in between."""
    text, values = (_text(chance), []) if chance.random() < 0.7 else chance.choice(PARAMETERS)
    statement, portal = _name(chance, "s"), _name(chance, "p")
    formats = chance.choice(([], [], [0], [1]))
    lines = [
        f"Parse {json.dumps(statement)} {json.dumps(text)} []",
        f'Describe "S" {json.dumps(statement)}',
        f"Bind {json.dumps(portal)} {json.dumps(statement)} [] {json.dumps(values)} {formats}",
        f'Describe "P" {json.dumps(portal)}',
        *(f"Execute {json.dumps(portal)} {chance.choice((0, 0, 1, 2))}" for _ in range(2)),
        f'Close "P" {json.dumps(portal)}',
    ]
    lines = [line for line in lines if chance.random() < 0.85]
    return lines + ["Sync"] * (chance.random() < 0.7)


def _single(chance: random.Random) -> list[str]:
    statement, portal = json.dumps(_name(chance, "s")), json.dumps(_name(chance, "p"))
    return [
        chance.choice(
            (
                f'Describe "S" {statement}',
                f'Describe "P" {portal}',
                f'Close "S" {statement}',
                f'Close "P" {portal}',
                f"Execute {portal} {chance.choice((0, 1, 2))}",
                f"Bind {portal} {statement} [] [] []",
                *("Flush", "Sync", "Sync", "CopyDone", 'CopyFail "enough"'),
                f'CopyData "{chance.choice(ROWS)}"',
            )
        )
    ]


def _copy(chance: random.Random) -> list[str]:
    rows = [f'CopyData "{chance.choice(ROWS)}"' for _ in range(chance.randint(0, 3))]
    ends = ("CopyDone", "CopyDone", 'CopyFail "enough"', "Sync", "Flush")
    return [f"Query {json.dumps(COPIES[0])}", *rows, chance.choice(ends)]


STEPS: tuple[Callable[[random.Random], list[str]], ...] = (
    *(_query, _query, _query, _extended, _extended, _extended, _single, _single, _copy),
)

if __name__ == "__main__":
    main()
