"""differentiate and integrate are xarray's, to the last digit, whatever is filtered or chunked."""

from __future__ import annotations

import cftime
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sources.arithmetic.along import Along
from gateway.sources.arithmetic.elementwise import Call, Column, Number
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from tests.examples import examples

from .scans import frame_of, rows_of

SIZE = 6
DAYS = np.array([0, 1, 2, 4, 9, 11], "m8[D]") + np.datetime64("2000-01-01")
DATES = np.array([cftime.DatetimeNoLeap(2000, 2, 20 + n, n) for n in (0, 1, 3, 4, 7, 8)])

#   coordinate               along it
COORDINATES = {
    "even": np.arange(SIZE) * 2.5,
    "even single": (np.arange(SIZE) * np.float32(0.1)).astype("f4"),
    "uneven": np.array([0, 1, 3, 4, 8, 8.5]),
    "uneven single": np.array([90, 30.1, 0.3, -0.1, -30, -90], "f4"),
    "descending": np.arange(SIZE)[::-1] * 1.0,
    "whole": np.array([1, 2, 4, 8, 16, 32], "i4"),
    "repeated": np.array([1.0, 1.0, 2.0, 3.0, 3.0, 3.0]),
    "times": DAYS.astype("M8[ns]"),
    "days": DAYS.astype("M8[s]"),
    "spans": (DAYS - DAYS[0]).astype("m8[ns]"),
    "calendar": DATES,
    "none": None,
}
TIMED = ("times", "days", "spans", "calendar")


@st.composite
def grids(draw: st.DrawFn) -> tuple[xarray.Dataset, str | None]:
    """A grid of three dimensions, of which "x" has one of the coordinates; a unit of time."""
    name = draw(st.sampled_from([*COORDINATES]))
    dims = draw(st.permutations(["x", "y", "z"]))
    sizes = {"x": SIZE, "y": draw(st.integers(1, 3)), "z": draw(st.integers(1, 2))}
    random = np.random.default_rng(draw(st.integers(0, 999)))
    shape = [sizes[dim] for dim in dims]
    values = random.normal(size=shape)
    values[random.random(shape) < draw(st.sampled_from([0, 0.1]))] = np.nan
    kind = draw(st.sampled_from(["f8", "f4"]))
    dataset = xarray.Dataset(
        {"v": (dims, values.astype(kind)), "n": (dims, random.integers(-5, 6, shape, "i2"))}
    )
    if COORDINATES[name] is not None:
        dataset = dataset.assign_coords(x=("x", COORDINATES[name]))
    if draw(st.booleans()):
        dataset = dataset.chunk({dim: draw(st.integers(1, sizes[dim])) for dim in dims})
    unit = draw(st.sampled_from([None, "s", "h", "D"])) if name in TIMED else None
    return dataset, unit


@given(grids(), st.integers(1, 40), st.data())
@examples(60)
def test_equal_to_xarray(
    case: tuple[xarray.Dataset, str | None], block_rows: int, data: st.DataObject
) -> None:
    dataset, unit = case
    kept = data.draw(st.none() | st.sets(st.integers(0, SIZE - 1)), "positions kept")
    calls = [
        Along(function, Column(name), "x", unit)
        for function in ("differentiate", "integrate")
        for name in ("v", "n")
    ]
    whole = dataset.assign_coords(kept=("x", np.arange(SIZE)))
    plain = whole.compute().reset_coords("kept", drop=True)
    with np.errstate(all="ignore"):
        wanted = {
            "differentiate": plain.differentiate("x", datetime_unit=unit),
            "integrate": _integrated(plain, unit),
        }
    predicate = None if kept is None else pc.field("kept").isin(pa.array([*kept], pa.int64()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block_rows)
        table = GridTable(whole, ["v", "n"]).with_calls(calls)
        names = ["x", "y", "z", "kept", *(call.name for call in calls)]
        found = rows_of(table, names, predicate).to_pandas()
    for call in calls:
        assert isinstance(call.expression, Column)
        array = wanted[call.function][call.expression.name].transpose("y", "z", "x")
        if kept is not None:
            array = array.isel(x=sorted(kept))
        got = found.sort_values(["y", "z", "kept"])[call.name].to_numpy()
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array.values.ravel())


def _integrated(dataset: xarray.Dataset, unit: str | None) -> xarray.Dataset:
    """Whole numbers in double precision: numpy adds two of them in their own type, and wraps."""
    return dataset.assign(n=dataset.n.astype("f8")).cumulative_integrate("x", datetime_unit=unit)


U, LAT = Column("u"), Column("lat")
WAVE = xarray.Dataset(
    {"u": (("lat", "lon"), np.sin(np.arange(12.0)).reshape(4, 3))},
    {"lat": np.array([60.0, 20.0, 0.0, -30.0]), "lon": [0.0, 2.0, 4.0]},
)
RADIANS = np.radians(WAVE.lat)

#    expression                                        what it is in xarray
EXPRESSIONS = [
    (Call("*", (U, Call("cos", (Call("radians", (LAT,)),)))), WAVE.u * np.cos(RADIANS)),
    (Call("sqrt", (U,)), np.sqrt(WAVE.u.where(WAVE.u >= 0))),
    (Call("+", (Number(2), Call("power", (U, Number(3))))), 2 + WAVE.u**3),
    (Call("case", (Call(">", (U, Number(0))), U, Number(0.0))), WAVE.u.where(WAVE.u > 0, 0.0)),
    (LAT, WAVE.lat.broadcast_like(WAVE.u)),
    (Number(3), xarray.full_like(WAVE.u, 3.0)),
]


@pytest.mark.parametrize(("expression", "array"), EXPRESSIONS, ids=range(len(EXPRESSIONS)))
@pytest.mark.parametrize("function", ["differentiate", "integrate"])
@pytest.mark.parametrize("dim", ["lat", "lon"])
def test_of_expressions(expression: Call, array: xarray.DataArray, function: str, dim: str) -> None:
    call = Along(function, expression, dim)
    method = "cumulative_integrate" if function == "integrate" else function
    wanted = getattr(array.transpose("lat", "lon").to_dataset(name="v"), method)(dim).v
    found = rows_of(GridTable(WAVE, ["u"]).with_calls([call]), [call.name])
    np.testing.assert_array_equal(found.to_pandas()[call.name], wanted.values.ravel())


def test_of_one_another() -> None:
    inner = Along("differentiate", U, "lon")
    outer = Along("integrate", Column(inner.name), "lat")
    assert outer.name == "integrate(differentiate(u, lon), lat)"
    found = rows_of(GridTable(WAVE, ["u"]).with_calls([inner, outer]), [outer.name])
    wanted = WAVE.differentiate("lon").cumulative_integrate("lat")
    assert found[outer.name].to_pylist() == frame_of(wanted, ["u"])["u"].tolist()


def test_along_a_coordinate_beside_the_dimension() -> None:
    dataset = WAVE.assign_coords(sin=("lat", np.sin(RADIANS.values)))
    call = Along("differentiate", U, "sin")
    found = rows_of(GridTable(dataset, ["u"]).with_calls([call]), [call.name])
    assert found[call.name].to_pylist() == dataset.differentiate("sin").u.values.ravel().tolist()


def test_an_integral_along_one_position_is_zero() -> None:
    dataset = xarray.Dataset({"v": (("x", "y"), [[3.0, np.nan]])}, {"x": [1.0]})
    call = Along("integrate", Column("v"), "x")
    found = rows_of(GridTable(dataset, ["v"]).with_calls([call]), [call.name])
    wanted = dataset.cumulative_integrate("x").v.values.ravel()
    np.testing.assert_array_equal(found.column(0).to_numpy(), wanted)


def test_an_integral_reads_each_chunk_once() -> None:
    dataset = xarray.Dataset({"v": (("t", "x"), np.ones((50, 4)))}).chunk({"t": 1})
    reads: list[int] = []

    def noted(block: np.ndarray) -> np.ndarray:
        reads.append(len(block))
        return block

    dataset = dataset.assign(v=dataset.v.copy(data=dataset.v.data.map_blocks(noted, dtype="f8")))
    call = Along("integrate", Column("v"), "t")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", 8)
        table = GridTable(dataset, ["v"]).with_calls([call])
        reads.clear()
        found = rows_of(table, [call.name])
    assert found[call.name].to_pylist() == np.repeat(np.arange(50.0), 4).tolist()
    assert len(reads) == 50


ODD = xarray.Dataset(
    {"v": (("x", "one"), np.ones((3, 1))), "name": (("x", "one"), [["a"]] * 3)},
    {"x": ["a", "b", "c"], "y": ("x", [1.0, 2.0, 3.0]), "area": (("x", "one"), np.ones((3, 1)))},
)

#    call                                            the refusal
REFUSED = [
    (Along("differentiate", Column("v"), "x"),       FeatureNotSupported, '"x" does not hold'),
    (Along("differentiate", Column("v"), "area"),    FeatureNotSupported, "lies on 2 dimensions"),
    (Along("differentiate", Column("v"), "one"),     FeatureNotSupported, "has one position"),
    (Along("integrate", Column("name"), "y"),        FeatureNotSupported, '"name" does not hold'),
    (Along("differentiate", Column("v"), "y", "h"),  InvalidParameterValue, "takes no unit"),
    (Along("differentiate", Column("v"), "y", "ell"), InvalidParameterValue, '"ell" is not a unit'),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), REFUSED)
def test_refused_by_name(call: Along, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        GridTable(ODD, ["v", "name"]).with_calls([call])
