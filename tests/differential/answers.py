"""What a server answers to a query, and whether two answers say the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import pq

from tests.differential.vocabulary import SETUP

Rows = list[tuple[str | None, ...]]
Answer = tuple[list[int], Rows] | str

_FLOATS = {700: 2e-7, 701: 1e-9}  # and how near two of them must be: PostgreSQL rounds by itself
_NUMERIC = 1700  # compared by value: to the engine all values of a column have one scale


@contextmanager
def made(connection: psycopg.Connection[Any], schema: str = "random_queries") -> Iterator[None]:
    """The tables of the queries, in a schema of their own."""
    connection.execute(f"CREATE SCHEMA {schema}".encode())
    try:
        connection.execute(f"SET search_path TO {schema}".encode())
        connection.execute(SETUP.encode())
        yield
    finally:
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def answer(connection: psycopg.Connection[Any], query: str) -> Answer:
    """The types of the columns and the rows as text, or the SQLSTATE of a refusal."""
    try:
        # Never prepared: a table of the same name may have other columns the next time.
        result = connection.execute(query.encode(), prepare=False).pgresult
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    return read(result)


def read(result: pq.abc.PGresult | None) -> Answer:
    """What a result holds."""
    assert result is not None
    if result.status == pq.ExecStatus.FATAL_ERROR:
        return (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    columns = range(result.nfields)
    values = [[result.get_value(row, n) for n in columns] for row in range(result.ntuples)]
    types = [result.ftype(n) for n in columns]
    rows = [
        tuple(
            None if v is None else _plain(v.decode(errors="replace"), t)
            for v, t in zip(row, types, strict=True)
        )
        for row in values
    ]
    return types, rows


def _plain(text: str, kind: int) -> str:
    """A value's text; a number's without needless zeros."""
    return text.rstrip("0").rstrip(".") if kind == _NUMERIC and "." in text else text


def same(one: Answer, other: Answer) -> bool:
    """Whether they have the same types, and the same rows in any order, floats nearly so."""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if one[0] != other[0] or len(one[1]) != len(other[1]):
        return False
    reals = [_FLOATS.get(kind, 0.0) for kind in one[0]]
    pairs = zip(_sorted(one[1], reals), _sorted(other[1], reals), strict=True)
    return all(_equal(a, b, reals) for a, b in pairs)


def _sorted(rows: Rows, reals: list[float]) -> Rows:
    def key(row: tuple[str | None, ...]) -> tuple[object, ...]:
        pairs = list(zip(row, reals, strict=True))
        told = [(v is None, "" if v is None else _short(v) if real else v) for v, real in pairs]
        return *told, *(float(v) for v, real in pairs if real and v is not None)

    return sorted(rows, key=key)


def _short(real: str) -> str:
    return f"{float(real) + 0.0:.6g}"  # 0 and -0 are one


def _equal(one: tuple[str | None, ...], other: tuple[str | None, ...], reals: list[float]) -> bool:
    return all(
        a == b or (real > 0 and a is not None and b is not None and _near(float(a), float(b), real))
        for a, b, real in zip(one, other, reals, strict=True)
    )


def _near(a: float, b: float, share: float) -> bool:
    return math.isclose(a, b, rel_tol=share, abs_tol=1e-7) or (math.isnan(a) and math.isnan(b))
