"""Random values of every type, as parameters in text and in binary: the bytes are PostgreSQL's.

Each value goes to PostgreSQL first; what it sends back is what the gateway must take and send, in
both formats, alone and beside a NULL. What PostgreSQL refuses the gateway refuses, with the same
SQLSTATE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

_ROUNDS = 25  # of each type
_LETTERS = "ab Z09,{}\"'\\\t\n%_äß日€\U0001f600"


def _integer(bits: int) -> Callable[[Random], str]:
    return lambda random: str(random.getrandbits(random.randint(1, bits)) - random.choice(
        (0, 1, 2 ** (bits - 1))
    ))  # fmt: skip


def _float(random: Random) -> str:
    words = ("NaN", "Infinity", "-Infinity", "-0", "0", "1e-310", "x", "1e999", "")
    if random.random() < 0.2:
        return random.choice(words)
    # Below 2^53 both print the same digits (docs/wire.md).
    return repr(random.choice((1, -1)) * random.random() * 10.0 ** random.randint(-30, 15))


def _real(random: Random) -> str:
    return repr(random.choice((1, -1)) * random.random() * 10.0 ** random.randint(-20, 6))


def _numeric(random: Random) -> str:
    whole = "".join(random.choice("0123456789") for _ in range(random.randint(0, 20)))
    part = "".join(random.choice("0123456789") for _ in range(random.randint(0, 16)))
    exponent = random.choice(("", "", "", f"e{random.randint(-5, 5)}"))
    return f"{random.choice(('', '-', '+'))}{whole}{'.' if part else ''}{part}{exponent}"


def _text(random: Random) -> str:
    return "".join(random.choice(_LETTERS) for _ in range(random.randint(0, 12)))


def _bytea(random: Random) -> str:
    return "\\x" + random.randbytes(random.randint(0, 9)).hex() + random.choice(("", "", "", "f"))


def _date(random: Random) -> str:
    if random.random() < 0.1:
        return random.choice(("infinity", "-infinity", "epoch", "2021-02-29", "Jan 8, 1999"))
    year, era = random.choice(((random.randint(1, 9999), ""), (random.randint(1, 4713), " BC"),
                               (random.randint(10000, 200000), "")))  # fmt: skip
    return f"{year:04d}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}{era}"


def _time(random: Random) -> str:
    second = random.choice(("", f":{random.randint(0, 59):02d}", ":59.999999", ":00.5", ":07.120"))
    return f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}{second}"


def _stamp(random: Random) -> str:
    date, _, era = _date(random).partition(" BC")
    if not date[:1].isdigit():
        return date
    return f"{date} {_time(random)}{' BC' if era or ' BC' in date else ''}"


def _zoned(random: Random) -> str:
    zone = random.choice(("", "+00", "-03:30", "+05:30", "Z", " Europe/Berlin"))
    stamp = _stamp(random)
    return stamp + zone if stamp[:1].isdigit() and " " in stamp else stamp


def _interval(random: Random) -> str:
    units = ("years", "mons", "days", "hours", "minutes", "seconds")
    parts = [f"{random.randint(-40, 40)} {unit}" for unit in units if random.random() < 0.4]
    return " ".join(parts) or random.choice(("P1Y2M3DT4H5M6S", "1-2", "-00:00:00.000001", "x"))


def _uuid(random: Random) -> str:
    digits = random.randbytes(16).hex()
    return random.choice((digits, f"{{{digits}}}", digits.upper(), digits[:-1]))


def _inet(random: Random) -> str:
    four = ".".join(str(random.choice((0, 1, 10, 255, 256))) for _ in range(random.choice((2, 4))))
    groups = ":".join(f"{random.choice((0, 0, 1, 43981)):x}" for _ in range(8))
    address = random.choice((four, groups, f"::{four}", groups.replace("0:0", ":", 1)))
    return address + random.choice(("", "", "/0", "/24", "/32", "/33", "/128", "/x"))


def _json(random: Random) -> str:
    return random.choice(
        ('{"b": [1, 2.50, null], "a": {"c": "é\\u00e9"}}', "[]", "null", '"x"', " 1e5 ", "{", "-0",
         '{"a": 1, "a": 2}', "[1,2,{}]", "tru", str(random.getrandbits(70)))
    )  # fmt: skip


def _array(item: Callable[[Random], str], nested: bool = True) -> Callable[[Random], str]:
    def made(random: Random) -> str:
        items = [
            "NULL" if random.random() < 0.2 else '"' + _escaped(item(random)) + '"'
            for _ in range(random.randint(0, 4))
        ]
        if nested and items and random.random() < 0.3:
            inner = "{" + ",".join(items) + "}"
            return "{" + ",".join([inner] * random.randint(1, 3)) + "}"
        return "{" + ",".join(items) + "}"

    return made


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


VALUES: dict[str, Callable[[Random], str]] = {
    "boolean": lambda random: random.choice(("t", "F", " yes", "off", "1", "tru", "2", "")),
    "smallint": _integer(17),
    "integer": _integer(33),
    "bigint": _integer(65),
    "oid": _integer(33),
    "real": _real,
    "double precision": _float,
    "numeric": _numeric,
    "text": _text,
    "varchar": _text,
    "name": lambda random: _text(random) * random.randint(1, 9),
    '"char"': lambda random: random.choice(
        ("a", "bc", "", " ", "\\101", "\\8", "\\", "\\000", "~")
    ),
    "bytea": _bytea,
    "date": _date,
    "time": _time,
    "timestamp": _stamp,
    "timestamptz": _zoned,
    "interval": _interval,
    "uuid": _uuid,
    "inet": _inet,
    "json": _json,
    "jsonb": _json,
    "boolean[]": _array(lambda random: random.choice("tf")),
    "integer[]": _array(lambda random: str(random.randint(-9, 9))),
    "bigint[]": _array(_integer(63)),
    "double precision[]": _array(lambda random: repr(random.random())),
    "text[]": _array(_text),
    "date[]": _array(lambda random: f"{random.randint(1000, 9999)}-01-02"),
    "timestamp[]": _array(lambda random: f"{random.randint(1000, 9999)}-01-02 03:04:05.5"),
    "inet[]": _array(
        lambda random: f"10.0.0.{random.randint(0, 9)}/{random.randint(0, 32)}", nested=False
    ),
    "uuid[]": _array(lambda random: random.randbytes(16).hex(), nested=False),
    "bytea[]": _array(lambda random: "\\x" + random.randbytes(3).hex()),
}


def answer(
    connection: psycopg.Connection[Any], kind: str, value: bytes, form: int, result: int, oid: int
) -> tuple[object, ...]:
    """What one server makes of a value: its type and bytes, or the SQLSTATE."""
    text = f"SELECT $1::{kind} AS v, NULL::{kind} AS n".encode()
    found = connection.pgconn.exec_params(
        text, [value], param_types=[oid], param_formats=[form], result_format=result
    )
    if found.ntuples != 1:
        code = found.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
        return ("refused", code)
    return (found.ftype(0), found.ftype(1), found.get_value(0, 0), found.get_value(0, 1))


@pytest.fixture(scope="module")
def theirs(postgres: Connect) -> Iterator[psycopg.Connection[Any]]:
    with postgres(prepare_threshold=None) as connection:
        yield connection


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_comes_back_as_postgresql_sends_it(
    kind: str, connect: Connect, theirs: psycopg.Connection[Any]
) -> None:
    ours, random = connect(prepare_threshold=None), Random(kind)
    found = theirs.execute(f"SELECT '{kind}'::regtype::oid::int").fetchone()
    assert found is not None
    oid = int(found[0])
    for _ in range(_ROUNDS):
        value = VALUES[kind](random).encode()
        for result in (0, 1):
            right = answer(theirs, kind, value, 0, result, oid)
            assert answer(ours, kind, value, 0, result, oid) == right, (value, result)
        if right[0] == "refused":
            continue
        assert isinstance(right[2], bytes)
        for result in (0, 1):  # the same value in binary
            wanted = answer(theirs, kind, right[2], 1, result, oid)
            assert answer(ours, kind, right[2], 1, result, oid) == wanted, (value, result)
