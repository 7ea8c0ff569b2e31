"""INSERT, UPDATE and DELETE as queries; what RETURNING may not ask for."""

from __future__ import annotations

import pytest

from gateway.errors import GatewayError, GroupingError, WindowingError
from gateway.sql.text.dialect import parse
from gateway.sql.writes.targets import TargetColumn
from gateway.sql.writes.writes import as_write
from gateway.types import FLOAT8

TARGET = {"a": TargetColumn(FLOAT8), "b": TargetColumn(FLOAT8, "1.5")}

REFUSED: list[tuple[str, type[GatewayError]]] = [
    ("DELETE FROM t RETURNING count(*)", GroupingError),
    ("DELETE FROM t RETURNING a + max(b)", GroupingError),
    ("DELETE FROM t RETURNING sum(a) OVER ()", WindowingError),
]


@pytest.mark.parametrize(("statement", "error"), REFUSED)
def test_returning_refuses(statement: str, error: type[GatewayError]) -> None:
    with pytest.raises(error) as refusal:
        as_write(parse(statement)[0], TARGET, "ctid")
    assert refusal.value.position > len("DELETE FROM t RETURNING")


def test_returning_asks_other_tables() -> None:
    write = as_write(parse("DELETE FROM t RETURNING a, (SELECT max(w) FROM u)")[0], TARGET, "ctid")
    assert write.returning is not None
    assert len(write.returning.expressions) == 2
