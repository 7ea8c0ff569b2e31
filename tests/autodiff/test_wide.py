"""Functions of many columns, in reverse mode: where their partials are NULL, NaN or infinite."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from gateway.sources.table import TableName
from gateway.store.rows.snapshots import Snapshot
from tests.bench.derivatives import Way

COUNT = 32
NAMES = [f"x{n}" for n in range(COUNT)]
FACTORS = np.random.default_rng(5).uniform(0.5, 1.5, COUNT)

Row = Sequence[float | None]
Slope = Callable[[np.ndarray, int], float]


def product_of_others(point: np.ndarray, place: int) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.prod(np.delete(point, place)))


# Each with its partial by the column at a place.
FUNCTIONS: dict[str, tuple[str, Slope]] = {
    "product": (" * ".join(NAMES), product_of_others),
    "squares": (
        " + ".join(f"({name} - 1) ^ 2" for name in NAMES),
        lambda point, place: 2 * (point[place] - 1),
    ),
    "sum": (" + ".join(f"2 * {name}" for name in NAMES), lambda point, place: 2.0),
    "minus a product": (" - ".join(["x0", " * ".join(NAMES)]), lambda point, place: (
        (place == 0) - product_of_others(point, place)
    )),
}  # fmt: skip


def changed(**values: float | None) -> Row:
    return [values.get(name, float(factor)) for name, factor in zip(NAMES, FACTORS, strict=True)]


ROWS: list[Row] = [
    changed(),
    *(changed(**{name: missing}) for name in NAMES for missing in (None, math.nan)),
    changed(x0=None, x1=math.nan),
    changed(x3=math.nan, x31=None),
    changed(x2=0.0),
    changed(x2=0.0, x9=0.0),
    changed(x0=math.inf, x1=0.0),  # the product is NaN, though no column is
    changed(x5=-math.inf, x30=2.0),
]
COLUMNS = {
    name: pa.array(column, pa.float64())
    for name, column in zip(NAMES, zip(*ROWS, strict=True), strict=True)
}


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    made = Way({TableName("public", "t"): Snapshot(pa.table(COLUMNS))})
    yield made
    made.session.close()


def run(way: Way, statement: str) -> list[dict[str, float | None]]:
    plan = way.session.plan(way.rewritten(statement), way.tables)
    return [row for batch in plan.stream() for row in batch.to_pylist()]


def alike(found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return found == pytest.approx(wanted, rel=1e-13, nan_ok=True)


def expected(row: Row, slope: Slope, place: int) -> float | None:
    if None in row:
        return None
    point = np.array(row, dtype=float)
    return math.nan if np.isnan(point).any() else slope(point, place)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_partials_are_null_and_nan_where_the_function_is(way: Way, name: str) -> None:
    f, slope = FUNCTIONS[name]
    partials = ", ".join(f"grad({f}, {column}) AS d{n}" for n, column in enumerate(NAMES))
    for row, found in zip(ROWS, run(way, f"SELECT {f} AS f, {partials} FROM t"), strict=True):
        for place in range(COUNT):
            wanted = expected(row, slope, place)
            assert alike(found[f"d{place}"], wanted)


def test_second_partials(way: Way) -> None:
    f = FUNCTIONS["product"][0]
    partials = ", ".join(f"grad(grad({f}, x0), x{n}) AS d{n}" for n in range(COUNT))
    for row, found in zip(ROWS, run(way, f"SELECT {partials} FROM t"), strict=True):
        assert alike(found["d0"], expected(row, lambda p, n: 0.0, 0))
        for place in range(1, COUNT):
            wanted = expected(row, lambda p, n: product_of_others(p[1:], n - 1), place)
            assert alike(found[f"d{place}"], wanted)


def test_one_guard_serves_all_partials(way: Way) -> None:
    f = FUNCTIONS["product"][0]
    partials = ", ".join(f"grad({f}, {column})" for column in NAMES)
    text = way.rewritten(f"SELECT {partials} FROM t")
    assert text.count("CASE") == 2
