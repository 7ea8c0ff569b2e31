"""WITH RECURSIVE: the types of its two terms, wherever it stands."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlglot import exp

from gateway.engine.embedded import Embedded
from gateway.errors import DatatypeMismatch
from gateway.sql.lowered.printing import to_engine
from gateway.sql.meaning.recursion import check_recursive_types
from tests.autodiff.relations import rewritten

STEPS = "WITH RECURSIVE r AS (SELECT k FROM a UNION ALL SELECT {step} FROM r) SELECT * FROM r"
AROUND = [
    "WITH a AS (SELECT 1 AS k) SELECT * FROM ({query}) AS s",
    "WITH a AS (SELECT 1 AS k), b AS ({query}) SELECT * FROM b",
    "WITH RECURSIVE a AS (SELECT 1 AS k), b AS ({query}) SELECT * FROM b",
    "WITH a AS (SELECT 1 AS k), r AS (SELECT 'x' AS q) SELECT * FROM ({query}) AS s, r",
    "WITH a AS (SELECT 'x' AS k) SELECT * FROM (WITH a AS (SELECT 1 AS k) {query_on}) AS s",
]


def check(query: str) -> None:
    session = Embedded(threads=1).new_session()

    def schema_of(term: exp.Expr) -> pa.Schema:
        return session.plan(to_engine(term), {}).schema

    try:
        check_recursive_types(rewritten(query).tree, schema_of)
    finally:
        session.close()


def placed(around: str, step: str) -> str:
    query = STEPS.format(step=step)
    return around.format(query=query, query_on=f"SELECT * FROM ({query}) AS s")


@pytest.mark.parametrize("around", AROUND)
def test_terms_agree(around: str) -> None:
    check(placed(around, "k + 1"))


@pytest.mark.parametrize("around", AROUND)
def test_a_step_of_another_type(around: str) -> None:
    with pytest.raises(DatatypeMismatch):
        check(placed(around, "k + 0.5"))
