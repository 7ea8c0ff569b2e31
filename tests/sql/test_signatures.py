"""The function that a call means is the one that PostgreSQL takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import psycopg
import pytest

from gateway.sql.types.signatures import UNKNOWN, meant, signatures
from tests.conftest import Connect

_TYPES = (
    "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name",
    "date", "timestamp", "interval", "bool", "bytea", UNKNOWN,
)  # fmt: skip
_FEW = ("int4", "float8", "numeric", "text", "bytea", UNKNOWN)


def _calls() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, functions in signatures().items():
        for count in {len(each.takes) for each in functions} & {1, 2, 3}:
            for given in product(_TYPES if count < 3 else _FEW, repeat=count):
                yield name, given


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_all_types(count: int, postgres: Connect) -> None:
    with postgres() as real:
        names = dict(real.execute("SELECT oid::int8, typname FROM pg_type").fetchall())
        for name, given in _calls():
            if len(given) == count:
                values = ("NULL" if kind == UNKNOWN else f"NULL::{kind}" for kind in given)
                found = meant(name, given)
                said = {1: found and found[0].gives, 0: "42883"}.get(len(found), "42725")
                query = f"SELECT {name}({', '.join(values)}) WHERE false"
                assert (name, given, said) == (name, given, _answer(real, query, names))


def _answer(real: psycopg.Connection, query: str, names: dict[int, str]) -> str | None:  # type: ignore[type-arg]
    try:
        result = real.execute(query.encode(), prepare=False).pgresult
    except psycopg.Error as error:
        return error.sqlstate
    assert result is not None
    return names[result.ftype(0)]
