"""A text whose constants are lifted is answered as one whose are not: a comment sees to that."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from gateway.session import lifting
from gateway.session.client import Client
from gateway.session.lifting import Shapes
from gateway.session.result import Result
from tests.conftest import Connect

_COLUMNS = {
    "i2": ("smallint", "7"),
    "i4": ("integer", "-5"),
    "i8": ("bigint", "9007199254740993"),
    "f4": ("real", "2.5"),
    "f8": ("double precision", "7"),
    "n": ("numeric", "2.50"),
    "t": ("text", "'x'"),
    "v": ("varchar(20)", "'2020-01-02'"),
    "c": ("char(3)", "'x'"),
    "b": ("boolean", "true"),
    "d": ("date", "'2020-01-02'"),
    "ts": ("timestamp", "'2020-01-02 03:04'"),
    "tz": ("timestamptz", "'2020-01-02 03:04+00'"),
    "tm": ("time", "'03:04'"),
    "iv": ("interval", "interval '1 day'"),
    "u": ("uuid", "'00000000-0000-0000-0000-00000000000a'"),
    "y": ("bytea", "'\\x41'::bytea"),
    "j": ("jsonb", "'{}'"),
}
# Two of a kind before the third make a shape that is known.
_CONSTANTS = {
    "whole": ("0", "1", "7"),
    "large": ("1", "2", "9007199254740993"),
    "fraction": ("0.5", "1.5", "2.50"),
    "text": ("''", "'a'", "'x'"),
    "day": ("'2020-01-01'", "'2020-01-03'", "'2020-01-02'"),
    "moment": ("'2020-01-01'", "'2020-01-03'", "'2020-01-02 03:04'"),
    "truth": ("'f'", "'false'", "'true'"),
    "json": ("'[]'", "'1'", "'{}'"),
    "uuid": ("'a'", "'b'", "'{00000000-0000-0000-0000-00000000000A}'"),
}
_CONDITIONS = ("{c} = {x}", "{c} >= {x} AND i2 > 0", "NOT {c} BETWEEN {x} AND {x}")


@pytest.fixture
def client(connect: Connect) -> Any:
    made = connect(row_factory=tuple_row)
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in _COLUMNS.items())
    made.execute(f"CREATE TEMPORARY TABLE lifted ({columns})")
    values = ", ".join(value for _, value in _COLUMNS.values())
    made.execute(f"INSERT INTO lifted VALUES ({values})")
    return made


def _answer(client: psycopg.Connection[Any], text: str) -> object:
    try:
        cursor = client.execute(text)
    except psycopg.Error as error:
        return error.sqlstate, str(error.diag.message_primary), error.diag.statement_position
    if cursor.description is None:
        return cursor.statusmessage
    return [(c.name, c.type_code) for c in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("constants", _CONSTANTS)
def test_each_constant_means_the_same(client: psycopg.Connection[Any], constants: str) -> None:
    turn = cycle(_CONDITIONS[len(constants) % 3 :] + _CONDITIONS[: len(constants) % 3])
    for column, where in zip(_COLUMNS, turn, strict=False):
        text = f"SELECT count(*), min(i8) FROM lifted WHERE {where.replace('{c}', column)}"
        answers = [_answer(client, text.format(x=x)) for x in _CONSTANTS[constants]]
        whole = _answer(client, text.format(x=_CONSTANTS[constants][-1]) + " --")
        assert answers[-1] == whole, text


# Not the columns that a text is assigned to in one way alone.
_ASSIGNED = ("i2", "i4", "i8", "f4", "f8", "n", "t", "v", "d")
_CHANGES = (
    "UPDATE lifted SET {c} = {x} WHERE i4 = -5",
    "UPDATE lifted SET b = 'f', {c} = {c} + {x} WHERE t = 'x' AND i4 = -5",
    "DELETE FROM lifted WHERE {c} = {x}",
)


@pytest.mark.parametrize("constants", ["whole", "large", "fraction", "text"])
def test_each_constant_is_assigned_the_same(
    client: psycopg.Connection[Any], constants: str
) -> None:
    turn = cycle(_CHANGES[len(constants) % 3 :] + _CHANGES[: len(constants) % 3])
    shown = "SELECT i2, i4, i8, f4, f8::text, n, t, v, d FROM lifted"
    for column, change in zip(_ASSIGNED, turn, strict=False):
        text = change.replace("{c}", column)
        tried = (*_CONSTANTS[constants], "-0.5")
        answers = [_undone(client, text.format(x=constant), shown) for constant in tried]
        whole = _undone(client, text.format(x=_CONSTANTS[constants][-1]) + " --", shown)
        negative = _undone(client, text.format(x="-0.5") + " --", shown)
        assert answers[2:] == [whole, negative], text


def _undone(client: psycopg.Connection[Any], change: str, shown: str) -> object:
    """What a change tells and what it leaves, before it is undone."""
    with client.transaction(force_rollback=True):
        told = _answer(client, change)
        left = _answer(client, shown)
    return told, left


CASES = {
    "rows come and go": (
        "SELECT i2 FROM lifted WHERE i2 = {}", "INSERT INTO lifted (i2) VALUES (3)", 3, [(3,)],
    ),
    "a text column becomes a moment": (
        "SELECT i2 FROM lifted WHERE v = '{}'",
        "ALTER TABLE lifted ALTER v TYPE timestamp USING v::timestamp", "Jan 2, 2020", [(7,)],
    ),
    "a view comes to be": (
        "SELECT i2 FROM lifted WHERE i2 = {}",
        "ALTER TABLE lifted RENAME TO old; CREATE TEMPORARY VIEW lifted AS SELECT 3 AS i2", 3,
        [(3,)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_seen_at_once(client: psycopg.Connection[Any], name: str) -> None:
    text, change, constant, rows = CASES[name]
    for other in ("1", "2", "4"):
        client.execute(text.format(other))
    client.execute(change)
    assert client.execute(text.format(constant)).fetchall() == rows


def test_an_error_has_its_place_in_the_text_that_was_sent(
    client: psycopg.Connection[Any],
) -> None:
    for number in range(3):
        with pytest.raises(psycopg.errors.UndefinedColumn) as refused:
            client.execute(f"SELECT nothing FROM lifted WHERE i8 = {10**number}")
        assert refused.value.diag.statement_position == "8"


def test_a_failed_transaction_stays_one(client: psycopg.Connection[Any]) -> None:
    for number in (1, 2):
        client.execute(f"SELECT i2 FROM lifted WHERE i4 = {number}")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction), client.transaction():
        with pytest.raises(psycopg.errors.UndefinedTable):
            client.execute("SELECT * FROM nowhere")
        client.execute("SELECT i2 FROM lifted WHERE i4 = 3")
    assert client.execute("SELECT i2 FROM lifted WHERE i4 = -5").fetchall() == [(7,)]


def test_the_third_of_a_kind_is_read_from_its_shape(
    client: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def watched(shapes: Shapes, by: Client, text: str) -> Result | None:
        result = run(shapes, by, text)
        found.append(result is not None)
        return result

    run = Shapes.run
    monkeypatch.setattr(Shapes, "run", watched)
    for number in (1, 2, 3, 3, 3):
        client.execute(f"SELECT i2 AS third_of_a_kind FROM lifted WHERE i4 = {number}")
    assert found == [False, True, True, False]  # the last is known as it stands


def test_another_session_may_refuse_a_shape_meanwhile(
    client: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(by: Client, shape: Any, *rest: Any) -> bool:
        Shapes._refuse(shape)
        return serves(by, shape, *rest)

    serves = lifting._serves
    monkeypatch.setattr(lifting, "_serves", refused)
    for number in (1, 2, -5):
        found = client.execute(f"SELECT i2 AS refused_meanwhile FROM lifted WHERE i4 = {number}")
        assert found.fetchall() == [(7,)] * (number == -5)
