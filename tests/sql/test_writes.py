"""INSERT, UPDATE and DELETE as queries; what RETURNING may not ask for."""

from __future__ import annotations

import pytest

from gateway.errors import GatewayError, GroupingError, SyntaxFault, WindowingError
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


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("DELETE FROM t WHERE a > 0 LIMIT 1", "LIMIT"),
        ("DELETE FROM t WHERE a > 0 ORDER BY a", "ORDER"),
        ("DELETE FROM t JOIN t AS u ON true", "JOIN"),
        ("UPDATE t SET a = 1 LIMIT 1", "LIMIT"),
        ("UPDATE t JOIN t AS u ON true SET a = 1", "JOIN"),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 2", "DUPLICATE"),
        ("INSERT INTO t BY NAME SELECT 1 AS b", "BY NAME"),
        ("INSERT INTO t REPLACE WHERE a = 1 SELECT 1", "WHERE"),
        ("INSERT INTO t VALUES (1) AS new", "AS"),
    ],
)
def test_parts_of_other_dialects_are_refused(statement: str, word: str) -> None:
    with pytest.raises(SyntaxFault, match=f'at or near "{word}"'):
        as_write(parse(statement)[0], TARGET, "ctid")


def test_returning_asks_other_tables() -> None:
    write = as_write(parse("DELETE FROM t RETURNING a, (SELECT max(w) FROM u)")[0], TARGET, "ctid")
    assert write.returning is not None
    assert len(write.returning.expressions) == 2
