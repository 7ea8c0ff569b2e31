"""Cases for the fuzzer: a state of a connection, then messages that were tampered with.

A case is made of its number alone, so that a failure can be run again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.wire.client import send_bytes

STARTUP = 'StartupMessage 3 0 {"user": "fuzz", "database": "fuzz"}'

# Name of a state -> the messages that lead to it. None: nothing was said yet.
STATES: dict[str, tuple[str, ...] | None] = {
    "nothing said": None,
    "authentication": (STARTUP,),  # against a server with users
    "ready": (STARTUP,),
    "transaction": (STARTUP, 'Query "BEGIN"'),
    "failed transaction": (STARTUP, 'Query "BEGIN"', 'Query "SELECT nothing"'),
    "skipping": (STARTUP, 'Execute "none" 0'),
    "suspended": (
        STARTUP,
        'Query "BEGIN"',
        'Parse "s" "SELECT n FROM generate_series(1, 9) AS t(n)" []',
        'Bind "p" "s" [] [] []',
        'Execute "p" 1',
    ),
    "copying": (
        STARTUP,
        'Query "BEGIN"',
        'Query "CREATE TABLE fuzzed (a int, b text)"',
        'Query "COPY fuzzed FROM STDIN"',
    ),
}

OPENINGS = (
    STARTUP,
    'StartupMessage 3 2 {"user": "fuzz", "options": "-c statement_timeout=5s", "_pq_.x": "1"}',
    'StartupMessage 2 0 {"user": "fuzz"}',
    "SSLRequest",
    "GSSENCRequest",
    'CancelRequest 7 "key!"',
)
MESSAGES = (
    'Bind "" "" [] [] []',
    'Bind "p" "s" [1] [{"hex": "00000007"}, null] [1]',
    'Bind "" "s" [0, 1] ["7", {"hex": "3ff0000000000000"}] [0]',
    'Close "S" "s"',
    'Close "P" "p"',
    'CopyData "1\\tone\\n2\\t\\\\N\\n"',
    "CopyDone",
    'CopyFail "enough"',
    'Describe "S" "s"',
    'Describe "P" "p"',
    'Execute "" 0',
    'Execute "p" 2',
    "Flush",
    "FunctionCall 1",
    'Parse "" "SELECT $1::int4" []',
    'Parse "s" "SELECT $1::int4 AS a, $2::float8 AS b" [23, 701]',
    'Parse "s" "SELECT grad(x * x, x) FROM (VALUES (1.5)) AS t(x)" []',
    'PasswordMessage "SCRAM-SHA-256"',
    "Query \"SELECT 1 AS one, 'two' AS two, NULL AS three\"",
    'Query "BEGIN; SELECT 1; ROLLBACK"',
    "Query \"SET TimeZone = 'Europe/Paris'; SHOW TimeZone\"",
    'Query "COPY (SELECT 1, 2) TO STDOUT (FORMAT csv)"',
    'Query ""',
    "Sync",
    "Terminate",
)


@dataclass(frozen=True)
class Case:
    """What is sent: `before` as it should be, `data` as no client would."""

    number: int
    state: str
    before: bytes
    data: bytes


def case(number: int) -> Case:
    """The case of that number."""
    chance = random.Random(number)
    state = chance.choice(list(STATES))
    lead = STATES[state]
    pool = MESSAGES if lead is not None else OPENINGS
    data = b"".join(
        tampered(send_bytes(chance.choice(pool)), chance) for _ in range(chance.randint(1, 5))
    )
    return Case(number, state, b"".join(map(send_bytes, lead or ())), data)


def tampered(data: bytes, chance: random.Random) -> bytes:
    """The message, more often than not changed."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        data = chance.choice(CHANGES)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _grow(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.randbytes(chance.randint(1, 12)) + data[place:]


def _resize(data: bytes, chance: random.Random) -> bytes:
    """Another length, often one that no message has."""
    lengths = (0, 1, 3, 4, 5, len(data), 2**16, 2**28, 2**31 - 1, 2**31, 2**32 - 1)
    start = 1 if data[:1].isalpha() else 0
    return data[:start] + chance.choice(lengths).to_bytes(4, "big") + data[start + 4 :]


def _rename(data: bytes, chance: random.Random) -> bytes:
    return bytes([chance.randrange(256)]) + data[1:]


def _fit(data: bytes, chance: random.Random) -> bytes:
    """A changed body under a length that is right, so that it is read to its end."""
    body = chance.choice((_flip, _cut, _grow))(data[5:], chance)
    return data[:1] + (len(body) + 4).to_bytes(4, "big") + body


def _noise(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, 60))


def _twice(data: bytes, chance: random.Random) -> bytes:
    return data * 2


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _cut, _grow, _resize, _rename, _noise, _twice),
    *(_fit, _fit, _fit, _fit),
)
