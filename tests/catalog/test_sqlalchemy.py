"""SQLAlchemy's inspector finds on a gateway what it finds on PostgreSQL 15."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

sqlalchemy = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

GENERAL = (
    "get_table_names", "get_view_names", "get_materialized_view_names", "get_sequence_names",
    "get_temp_table_names", "get_temp_view_names", "get_foreign_table_names", "get_enums",
    "get_domains", "get_multi_columns", "get_multi_pk_constraint", "get_multi_foreign_keys",
    "get_multi_indexes", "get_multi_unique_constraints", "get_multi_check_constraints",
    "get_multi_table_comment",
)  # fmt: skip
OF_TABLES = (
    "get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_table_options",
    "get_unique_constraints", "get_check_constraints", "get_table_comment", "has_table",
)  # fmt: skip
TABLES = (("t", None), ("child", None), ("v", None), ("Mixed Case", "other"), ("mv", None),
          ("g", None))  # fmt: skip

Pair = tuple[Any, Any]


@pytest.fixture(scope="module", params=["psycopg", "psycopg2"])
def inspectors(request: pytest.FixtureRequest, objects: tuple[int, int]) -> Iterator[Pair]:
    pytest.importorskip(request.param)
    url = "postgresql+{}://postgres@127.0.0.1:{}/postgres"
    engines = [sqlalchemy.create_engine(url.format(request.param, port)) for port in objects]
    ours, theirs = (sqlalchemy.inspect(engine) for engine in engines)
    yield ours, theirs
    for engine in engines:
        engine.dispose()


def both(inspectors: Pair, method: str, *arguments: Any, **options: Any) -> list[str]:
    return [repr(getattr(each, method)(*arguments, **options)) for each in inspectors]


@pytest.mark.parametrize("method", GENERAL)
def test_an_inspector_lists_the_same(method: str, inspectors: Pair) -> None:
    ours, theirs = both(inspectors, method)
    assert ours == theirs


@pytest.mark.parametrize("method", OF_TABLES)
@pytest.mark.parametrize(("table", "schema"), TABLES)
def test_an_inspector_finds_the_same_of_a_table(
    method: str, table: str, schema: str | None, inspectors: Pair
) -> None:
    ours, theirs = both(inspectors, method, table, schema=schema)
    assert ours == theirs


def test_metadata_reflect_the_same(inspectors: Pair) -> None:
    found = []
    for inspector in inspectors:
        metadata = sqlalchemy.MetaData()
        metadata.reflect(inspector.engine)
        found.append([
            (table.name, [(c.name, str(c.type), c.nullable) for c in table.columns])
            for table in metadata.sorted_tables
        ])  # fmt: skip
    assert found[0] == found[1]
