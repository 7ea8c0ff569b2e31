"""The side of a join that the engine hashes is the smaller one, whichever stands first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xarray

from gateway.rewrite import rewrite
from gateway.session.queries.join_sides import smaller_first
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName, columns_of
from gateway.sql.lowered.printing import to_text
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.dialect import parse
from gateway.store.rows.snapshots import Snapshot
from gateway.types import from_arrow

TABLES: dict[TableName, Table] = {
    TableName("public", "t"): GridTable(
        xarray.Dataset({"b": (("time", "lat"), np.zeros((90, 20)))}), ["b"], name="t"
    ),
    TableName("public", "k"): Snapshot(pa.table({"lat": [1, 2], "m": [1, 2]})),
}
RELATIONS = {
    name: Relation(name, {n: ColumnInfo(from_arrow(k)) for n, k in columns_of(table).items()})
    for name, table in TABLES.items()
}
MEANS = "(SELECT lat, avg(b) AS m FROM t GROUP BY lat)"

#    FROM and what follows, as written                       as the engine gets it
TURNED = [
    ("t JOIN k ON t.lat = k.lat",                           "k JOIN t ON t.lat = k.lat"),
    ("t LEFT JOIN k ON t.lat = k.lat",                      "k RIGHT JOIN t ON t.lat = k.lat"),
    ("t FULL JOIN k ON t.lat = k.lat",                      "k FULL JOIN t ON t.lat = k.lat"),
    ("t, k WHERE t.lat = k.lat",                            "k, t WHERE t.lat = k.lat"),
    (f"t JOIN {MEANS} AS c ON t.lat = c.lat",
     f"{MEANS} AS c JOIN t ON t.lat = c.lat"),
    ("t WHERE lat IN (SELECT lat FROM k WHERE m > 1) AND time > 2",
     '(SELECT lat FROM k WHERE m > 1) AS "gradwire keys"(key) '
     'RIGHT SEMI JOIN t ON "gradwire keys".key = t.lat WHERE time > 2'),
    ("t JOIN k ON t.lat = k.lat LEFT JOIN k AS l ON t.time = l.lat",
     "k AS l RIGHT JOIN (k JOIN t ON t.lat = k.lat) ON t.time = l.lat"),
    ("k JOIN t ON t.lat = k.lat JOIN k AS l ON t.time = l.lat",
     "k AS l JOIN (k JOIN t ON t.lat = k.lat) ON t.time = l.lat"),
]  # fmt: skip
# What looks at the query around it is a join by then, with what it gives for each value.
LATERAL = (
    "t CROSS JOIN LATERAL (SELECT k.m FROM k WHERE k.lat = t.lat) AS l",
    "(SELECT k.m, values_1.values_1_1 AS values_1_1 FROM (SELECT DISTINCT t.lat AS values_1_1"
    " FROM t) AS values_1 CROSS JOIN k WHERE k.lat = values_1.values_1_1) AS l"
    " JOIN t ON (coalesce(l.values_1_1, 0) = coalesce(t.lat, 0)"
    " AND (l.values_1_1 IS NULL) = (t.lat IS NULL))",
)

LEFT_ALONE = [
    "k JOIN t ON t.lat = k.lat",
    "k RIGHT JOIN t ON t.lat = k.lat",
    "t AS x JOIN t ON x.lat = t.lat",
    "t",
    "t JOIN generate_series(1, 3) AS g ON t.lat = g.g",
    "t LEFT JOIN k USING (lat)",
    "t WHERE lat NOT IN (SELECT lat FROM k)",
    "t WHERE lat IN (SELECT lat FROM k WHERE k.lat = t.time)",
    "t WHERE lat IN (SELECT b FROM t)",
]


def turned(sql: str) -> str | None:
    tree = rewrite(parse(sql)[0], lambda _, name: RELATIONS[TableName("public", name)]).tree
    found = smaller_first(tree, TABLES)
    return None if found is None else plain(to_text(found))


def plain(text: str) -> str:
    for name in ("t", "k"):
        text = text.replace(f"public.{name} AS {name}", name).replace(f"public.{name}", name)
    return " ".join(text.split()).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize(("written", "wanted"), [*TURNED, LATERAL])
def test_the_smaller_side_comes_first(written: str, wanted: str) -> None:
    assert turned(f"SELECT t.b FROM {written}") == f"SELECT t.b FROM {wanted}"


@pytest.mark.parametrize("written", LEFT_ALONE)
def test_what_stands_right_or_cannot_be_told_stays(written: str) -> None:
    assert turned(f"SELECT t.b FROM {written}") is None


def test_a_query_of_with_is_as_large_as_its_rows() -> None:
    sql = f"WITH c AS {MEANS} SELECT t.b FROM t JOIN c ON t.lat = c.lat"
    assert turned(sql) == f"WITH c AS {MEANS} SELECT t.b FROM c JOIN t ON t.lat = c.lat"
