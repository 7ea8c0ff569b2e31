"""What a client is told of a function that does not exist or cannot be differentiated."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect

TABLE = "FROM (VALUES (1.5::float8, 'a'::text)) AS t(x, s)"

# call -> message, detail, hint (its beginning), place in the statement
TOLD = {
    "grd(x * x, x)": (
        "function grd(double precision, double precision) does not exist", None,
        "Did you mean grad?", "grd"),
    "differntiate(x, x)": (
        "function differntiate(double precision, double precision) does not exist", None,
        "Did you mean differentiate?", "differntiate"),
    "sine(x)": (
        "function sine(double precision) does not exist", None, "Did you mean sin", "sine"),
    "zzyzx('a', NULL, s)": (
        "function zzyzx(unknown, unknown, text) does not exist", None, "", "zzyzx"),
    "grad(upper('a' || x), x)": (
        "function upper has no derivative rule", "Its argument 'a' || x changes with x.",
        "Write it with functions that have one", "upper"),
    "grad(sine(x), x)": (
        "function sine(double precision) does not exist", None, "Did you mean 'sin", "sine"),
    "grad(x * sum(zzyzx(x, NULL)), x)": (
        "function zzyzx(double precision, unknown) does not exist", None, "", "zzyzx"),
    "grad(relu(x), x)": (
        "function relu(double precision) does not exist", None, "", "relu"),
    "grad(x || 'a', x)": (
        "x || 'a' is of type text, not a number", None, "", "x ||"),
    "grad(upper('a'), x)": (
        "upper('a') is of type text, not a number", None, "Cast it", "upper"),
    "jvp(now(), x, 1.0)": (
        "now() is of type timestamp with time zone, not a number", None, "Cast it", "now"),
    "grad('a', x)": (
        'invalid input syntax for type double precision: "a"', None, "", "'a'"),
}  # fmt: skip


@pytest.mark.parametrize("call", TOLD)
def test_told_by_name(connect: Connect, call: str) -> None:
    statement = f"SELECT s, {call} {TABLE}"
    with connect() as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    diag, (message, detail, hint, place) = caught.value.diag, TOLD[call]
    assert (diag.message_primary, diag.message_detail) == (message, detail)
    assert (diag.message_hint or "").startswith(hint)
    assert int(diag.statement_position or 0) == statement.index(place) + 1
