"""DataFusion over any table: types, partitions, joins, memory tables, and faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import datafusion
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray

from gateway.engine.provider import as_dataset
from gateway.errors import DatasetUnreadable, FeatureNotSupported, GatewayError
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Description

from .scans import query, rows_of


@dataclass
class Rows:
    """A table in memory, as snapshots of user tables are: one partition, applied by pyarrow."""

    batch: pa.RecordBatch
    fault: GatewayError | None = None
    lie: pa.RecordBatch | None = None
    description: Description = field(default_factory=Description)

    @property
    def schema(self) -> pa.Schema:
        return self.batch.schema

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Rows]:
        return [self]

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        kept = self.batch if predicate is None else self.batch.filter(predicate)
        yield self.lie or kept.select(columns)
        if self.fault:
            raise self.fault


NAN = float("nan")
FLOATS = Rows(pa.record_batch({"k": [1, 2, 3, 4], "x": [1.0, NAN, None, -0.0]}))

#    condition                            k of the rows that PostgreSQL keeps
KEPT = [
    ("x > 0.5",                           [1, 2]),
    ("x = 'NaN'::float8",                 [2]),
    ("x < 'NaN'::float8",                 [1, 4]),
    ("x NOT IN (1, 5, 6, 7, 8, 9)",       [2, 4]),
    ("x NOT IN (1, 5, 6, 7, 8, 9, NULL)", []),
    ("x IN (1, 5, 6, 7, 8, 9, NULL)",     [1]),
    ("NOT (x IN (1, 5, 6, 7, 8, 9))",     [2, 4]),
    ("x IN (NULL, 1)",                    [1]),
    ("NOT (x = NULL OR k = 4)",           []),
    ("(NULL = x AND k = 1) OR k = 4",     [4]),
    ("x = 0",                             [4]),
    ("x IS NULL OR x > 0.5",              [1, 2, 3]),
    ("x <> 1",                            [2, 4]),
    ("x > 0.5 IS NOT TRUE",               [3, 4]),
    ("x BETWEEN 1 AND 1 AND x BETWEEN 4 AND 4", []),
    ("false",                             []),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "kept"), KEPT)
def test_filters_over_a_table_in_memory(condition: str, kept: list[int]) -> None:
    found = query(f"SELECT k FROM t WHERE {condition} ORDER BY k", t=FLOATS)
    assert found["k"].to_pylist() == kept


EVERY_TYPE = xarray.Dataset(
    {
        "flag": ("x", [True, False]),
        "small": ("x", np.array([1, -1], "i1")),
        "byte": ("x", np.array([255, 0], "u1")),
        "long": ("x", np.array([2**64 - 1, 5], "u8")),
        "real": ("x", np.array([0.5, np.nan], "f4")),
        "double": ("x", [0.1, np.nan]),
        "text": ("x", np.array(["a", None], object)),
        "bytes": ("x", np.array([b"a", b"b"])),
        "time": ("x", np.array(["2000-01-01T12:00", "NaT"], "M8[ns]")),
        "span": ("x", np.array([90_000, 60], "m8[s]")),
    }
)

# Literals of every kind beside every column; whatever is not comparable is refused in planning.
LITERALS = [
    *("1", "-1", "300", "0.5", "18446744073709551615", "1e300", "1::real", "'NaN'::float8"),
    *("'a'", "true", "NULL", "TIMESTAMP '2000-01-01 12:00:00'", "INTERVAL '25 hours'"),
]


@pytest.mark.parametrize("column", [*EVERY_TYPE.data_vars])
def test_no_comparison_brings_a_thread_down(column: str) -> None:
    """A filter handed down keeps what the engine itself keeps after the scan, or is refused."""
    table = GridTable(EVERY_TYPE, [*map(str, EVERY_TYPE.data_vars)])
    ours, own = datafusion.SessionContext(), datafusion.SessionContext()
    ours.register_dataset("t", as_dataset(table))
    own.register_record_batches("t", [rows_of(table).to_batches()])
    compared = 0
    for literal in LITERALS:
        for sign in ("=", "<>", "<", ">="):
            sql = f"SELECT x FROM t WHERE {column} {sign} {literal} ORDER BY x"
            try:
                wanted = own.sql(sql).to_pydict()
            except Exception:  # the engine's own refusal: nothing to compare
                continue
            assert ours.sql(sql).to_pydict() == wanted, sql
            compared += 1
    assert compared >= 8


def test_joins_groups_and_subqueries_agree_with_xarray() -> None:
    random = np.random.default_rng(5)
    dataset = xarray.Dataset(
        {"v": (("t", "y", "x"), random.standard_normal((4, 3, 5)))},
        {"t": [1, 2, 3, 4], "y": np.array([0.1, 0.2, 0.3], "f4"), "x": np.arange(5) * 2.5},
    )
    table = GridTable(dataset, ["v"])
    sql = """SELECT t.t, avg(t.v - m.mean) AS anomaly FROM t
             JOIN (SELECT y, x, avg(v) AS mean FROM t GROUP BY y, x) m USING (y, x)
             WHERE t.x IN (SELECT x FROM t WHERE x > 2 AND t = 1) GROUP BY t.t ORDER BY t.t"""
    found = query(sql, t=table)["anomaly"].to_numpy()
    picked = dataset.v.sel(x=slice(2.1, None))
    np.testing.assert_allclose(found, (picked - picked.mean("t")).mean(("y", "x")), atol=1e-12)
    pair = query("SELECT count(*) AS n FROM a JOIN b ON a.y = b.y", a=table, b=table)
    assert pair["n"][0].as_py() == 3 * 20 * 20


def test_scans_from_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "BLOCK_ROWS", 100)
    dataset = xarray.Dataset({"v": (("t", "x"), np.arange(4000.0).reshape(40, 100))})
    table = GridTable(dataset, ["v"])

    def total(t: int) -> float:
        return float(query(f"SELECT sum(v) AS s FROM t WHERE t <= {t}", t=table)["s"][0].as_py())

    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(total, range(40))]
    assert found == [dataset.v.values[: t + 1].sum() for t in range(40)]


def test_few_partitions_however_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "BLOCK_ROWS", 1)
    table = GridTable(xarray.Dataset({"v": (("t", "x"), np.zeros((300, 7)))}), ["v"])
    assert table.block_shape == (1, 1)
    assert len(table.partitions(None)) == grid.PARTITIONS
    assert query("SELECT v FROM t", t=table).num_rows == 2100


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v FROM t WHERE x > 9 ORDER BY v",
        "SELECT sum(v) FROM t WHERE x > 9 GROUP BY x",
        "SELECT row_number() OVER (ORDER BY v) FROM t WHERE x > 9",
        "SELECT a.v FROM (SELECT * FROM t WHERE x > 9) a CROSS JOIN t",
    ],
)
def test_plans_over_nothing_left(sql: str) -> None:
    table = GridTable(xarray.Dataset({"v": ("x", [1.0, 2.0])}), ["v"])
    assert query(sql, t=table).num_rows == 0


def test_no_batch_is_longer_than_a_sort_has_room_for() -> None:
    table = Rows(pa.record_batch({"n": np.arange(150_000)}))
    fragment = as_dataset(table).get_fragments()[0]
    batches = [*fragment.scanner(columns=["n"]).to_batches()]
    assert [batch.num_rows for batch in batches] == [65_536, 65_536, 18_928]
    assert pa.Table.from_batches(batches).column("n").to_pylist() == [*range(150_000)]
    assert [b.num_rows for b in fragment.scanner(columns=[]).to_batches()] == [150_000]


def test_a_fault_of_a_scan_is_kept_as_it_was_raised() -> None:
    fault = DatasetUnreadable('cannot read variable "v" of dataset "d"', detail="At x 0 to 1: why")
    failures: list[GatewayError] = []
    context = datafusion.SessionContext()
    context.register_dataset("t", as_dataset(Rows(FLOATS.batch, fault), failures))
    with pytest.raises(Exception, match='cannot read variable "v" of dataset "d"'):
        context.sql("SELECT sum(x) FROM t").collect()
    assert failures == [fault]
    context.register_dataset("u", as_dataset(FLOATS))
    assert context.sql("SELECT k FROM u").to_pydict() == {"k": [1, 2, 3, 4]}


ODD = Rows(
    pa.record_batch(
        {
            "list": pa.array([[1, 2], [3]]),
            "span": pa.array([pa.MonthDayNano([0, 1, 0]), None], pa.month_day_nano_interval()),
        }
    )
)


@pytest.mark.parametrize("condition", ["list = ARRAY[3]", "span > INTERVAL '1 hour'"])
def test_a_filter_that_pyarrow_cannot_apply_is_refused_by_name(condition: str) -> None:
    failures: list[GatewayError] = []
    context = datafusion.SessionContext()
    context.register_dataset("t", as_dataset(ODD, failures))
    with pytest.raises(Exception, match="cannot be compared in WHERE"):
        context.sql(f"SELECT * FROM t WHERE {condition}").collect()
    assert isinstance(failures[0], FeatureNotSupported)
    assert context.sql("SELECT * FROM t WHERE span IS NULL").count() == 1


def test_a_batch_of_other_types_is_an_error_and_no_panic() -> None:
    lie = pa.record_batch({"x": pa.array([1], pa.int8())})
    with pytest.raises(Exception, match="a scan gave columns of types"):
        query("SELECT x FROM t", t=Rows(FLOATS.batch, lie=lie))


def test_metadata_stays_out_of_the_engine() -> None:
    dataset = xarray.Dataset({"v": ("x", [1.0, 2.0], {"units": "m"})})
    table = GridTable(dataset, ["v"])
    sql = "SELECT v FROM a UNION ALL SELECT k::float8 FROM b UNION ALL SELECT max(v) FROM a"
    assert query(sql, a=table, b=FLOATS).num_rows == 7
    assert as_dataset(table).schema.field("v").metadata is None
