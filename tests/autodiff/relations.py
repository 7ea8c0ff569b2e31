"""The relations that the tests of derivatives speak of, and an engine that runs over them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from gateway.engine.embedded import Embedded
from gateway.engine.interface import gathered
from gateway.errors import UndefinedTable
from gateway.rewrite import Rewritten, rewrite
from gateway.sources.table import TableName
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.dialect import parse
from gateway.store.rows.snapshots import Snapshot
from gateway.types import from_arrow

DOUBLE, REAL, BIGINT, TEXT = pa.float64(), pa.float32(), pa.int64(), pa.string()

# c and k cannot be NULL; everything else can.
T = pa.schema(
    [("x", DOUBLE), ("y", DOUBLE), ("z", DOUBLE), ("n", BIGINT), ("r", REAL), ("s", TEXT)]
).append(pa.field("c", DOUBLE, nullable=False))
U = pa.schema([("x", DOUBLE), ("w", DOUBLE), ("2m_temperature", DOUBLE)]).append(
    pa.field("k", BIGINT, nullable=False)
)
SCHEMAS = {"t": T, "u": U}
KEYS: dict[str, tuple[str, ...]] = {}  # primary keys; a test puts one in

VIEWS = {
    "waves": "SELECT x, sin(x) AS e, y FROM t",
    "wave": "SELECT sum(e) FROM waves",
    "steep": "SELECT x, grad(x ^ 3, x) AS slope FROM t",
}


def lookup(schema: str, name: str) -> Relation:
    """What the registry does, over the schemas above."""
    full = TableName(schema or "public", name)
    if name in VIEWS:
        return Relation(full, view=VIEWS[name])
    if name not in SCHEMAS:
        raise UndefinedTable(f'relation "{name}" does not exist')
    columns = {
        f.name: ColumnInfo(from_arrow(f.type), f.nullable, origin=(1, number))
        for number, f in enumerate(SCHEMAS[name], 1)
    }
    return Relation(full, columns, key=KEYS.get(name, ()))


def rewritten(text: str) -> Rewritten:
    """One query, rewritten."""
    return rewrite(parse(text)[0], lookup)


def run(text: str, rows: Mapping[str, Mapping[str, list[object]]]) -> list[dict[str, object]]:
    """The rows of a query over tables of these rows; columns that are not given are NULL."""
    query = rewritten(text)
    tables = {name: Snapshot(_table(name.name, rows)) for name in query.tables}
    session = Embedded(threads=1).new_session()
    try:
        for name, layer in query.layers:
            plan = session.plan(layer.sql, tables)
            tables[name] = Snapshot(gathered(list(plan.stream()), plan.schema))
        plan = session.plan(query.sql, tables)
        return [row for batch in plan.stream() for row in batch.to_pylist()]
    finally:
        session.close()


def _table(name: str, rows: Mapping[str, Mapping[str, list[object]]]) -> pa.Table:
    given = rows[name]
    length = len(next(iter(given.values())))
    columns = [
        pa.array(given.get(f.name, [None if f.nullable else 0] * length), f.type)
        for f in SCHEMAS[name]
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMAS[name])
