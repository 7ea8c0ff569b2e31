"""Which joins a cancel is heard in: those of so many pairs that it would not be heard otherwise."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gateway.rewrite import rewrite
from gateway.session.queries.cancellable_joins import with_watched_joins
from gateway.session.queries.cardinality import Known
from gateway.sources.table import TableName
from gateway.sql.lowered.printing import to_text
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.dialect import parse
from gateway.types import from_arrow

ROWS = pa.table({"id": range(5000), "k": [n % 3 for n in range(5000)], "x": range(5000)})
KNOWN = {
    TableName("public", "big"): Known(2.0**20, "id", ("id",), ROWS),
    TableName("public", "data"): Known(2.0**20, "k", (), ROWS),
    TableName("public", "few"): Known(16.0, "k", (), ROWS),
    TableName("public", "grid"): Known(2.0**24, "k", ("id",)),
}
COLUMNS = {name: ColumnInfo(from_arrow(pa.int64())) for name in ("id", "k", "x")}
RELATIONS = {name: Relation(name, COLUMNS) for name in KNOWN}

# FROM and what follows; the pairs of columns by which its joins are watched.
JOINS = [
    ("data a, data b", "a.k b.k"),
    ("data a CROSS JOIN data b", "a.k b.k"),
    ("data a, data b, data c", "a.k c.k, a.k b.k"),
    ("data a JOIN data b ON a.k = b.k", "a.k b.k"),
    ("data a JOIN data b USING (k)", "a.k b.k"),
    ("data a LEFT JOIN data b ON a.k = b.k AND a.x < b.x", "a.k b.k"),
    ("data a FULL JOIN data b ON true", "a.k b.k"),
    ("data a, data b WHERE a.x < b.x", "a.k b.k"),
    ("(data a JOIN data b ON a.k = b.k) JOIN few c ON c.k = a.k", "a.k b.k"),
    ("data a, (SELECT k + 1 AS m FROM data) b", "a.k b.m"),
    ("data a, generate_series(1, 1000000) b", "a.k b.b"),
    ("data a, generate_series(1, 10) b, data c", "a.k c.k"),
    ("big a JOIN data b ON a.id > b.k", "a.id b.k"),
    ("grid a JOIN grid b ON a.k = b.k", "a.k b.k"),
    # rows of one side go with one each
    ("data a JOIN big b ON a.k = b.id", ""),
    ("big a, data b WHERE a.id = b.k", ""),
    ("grid a JOIN grid b USING (id)", ""),
    ("data a JOIN data b ON a.x = b.k", ""),  # as a sample tells
    ("data a JOIN (SELECT k, max(x) AS m FROM data GROUP BY k) b ON a.k = b.k", ""),
    ("data a JOIN (SELECT DISTINCT k FROM data) b ON a.k = b.k", ""),
    ("data a JOIN big b ON a.k = b.id JOIN big c ON a.x = c.id", ""),
    # one side is small
    ("few a, data b", ""),
    ("few a, few b, few c, data d", "a.k d.k"),
    ("grid a, (SELECT max(x) AS m FROM data) b", ""),
    ("data a, (SELECT x FROM data LIMIT 5) b", ""),
    ("data a, (VALUES (1), (2)) AS b(k)", ""),
    ("data a, generate_series(1, 10) b", ""),
]


@pytest.mark.parametrize(("source", "pairs"), JOINS, ids=[row[0] for row in JOINS])
def test_joins_of_many_pairs_are_watched(source: str, pairs: str) -> None:
    assert watched(f"SELECT max(a.x) FROM {source}") == pairs.replace(" ", ", ").replace(",,", ",")


def test_what_the_engine_counts_alone_is_left_to_it() -> None:
    assert watched("SELECT count(*) FROM data a, data b") == ""
    assert watched("SELECT count(*) FROM data a, grid b") != ""
    assert watched("SELECT count(*) FROM data a, data b WHERE a.x > 0") != ""


def watched(query: str) -> str:
    tree = rewrite(parse(query)[0], lambda _, name: RELATIONS[TableName("public", name)]).tree
    before = tree.sql()
    text = to_text(with_watched_joins(tree, KNOWN))
    assert tree.sql() == before
    parts = " ".join(text.split()).split("gradwire_watched(TRUE) OR struct(")[1:]
    return ", ".join(part.partition(")")[0].replace('"', "") for part in parts)
