"""Types as nodes: a new one each time, and what sqlglot would read."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.sql.text.datatypes import data_type

SPELLINGS = (
    "text", "int", "bigint", "float8", "double precision", "numeric(4, 2)[]", "decimal(38, 10)",
    "timestamp with time zone", "character varying(3)", "jsonb", "interval",
)  # fmt: skip


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_a_type_is_what_sqlglot_reads(spelt: str) -> None:
    assert data_type(spelt) == exp.DataType.build(spelt, dialect="postgres")


def test_a_node_that_was_changed_changes_no_other() -> None:
    data_type("int[]").set("expressions", [])
    cast = exp.Cast(this=exp.null(), to=data_type("int[]"))
    assert cast.sql("postgres") == "CAST(NULL AS INT[])"
    assert data_type("int[]").parent is None
