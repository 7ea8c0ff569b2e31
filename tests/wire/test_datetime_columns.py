"""A column's texts are those of its values one by one, whichever way the column is written."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.encoding import datetime_text as texts
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.columns import Ints
from gateway.wire.encoding.text import _either

_DAY = texts.DAY
_FIRST, _LAST = -719_162, 2_932_896

# Days of one column: near one another, so that each is written once, or far apart.
_DAYS = st.integers(_FIRST, _LAST - 30).flatmap(
    lambda first: st.lists(
        st.integers(first, first + 30) | st.integers(_FIRST, _LAST), min_size=1, max_size=50
    )
)
_CLOCKS = st.integers(0, _DAY - 1) | st.integers(0, 86_399).map(lambda s: s * 1_000_000)


def _column(found: object) -> list[bytes]:
    array = as_array(_either(found, pa.array([0])))  # type: ignore[arg-type]
    return list(array.to_pylist())


@given(days=_DAYS)
def test_dates(days: list[int]) -> None:
    assert _column(texts.date_texts(np.array(days))) == [texts.date_text(day) for day in days]


@given(clocks=st.lists(_CLOCKS | st.just(_DAY), min_size=1, max_size=50))
def test_times(clocks: list[int]) -> None:
    found = _column(texts.time_texts(np.array(clocks)))
    assert found == [texts.time_text(clock) for clock in clocks]


_ZONES = (None, "UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Africa/Casablanca",
          "Australia/Lord_Howe", "<+05>-05", "Africa/Monrovia")  # fmt: skip


@pytest.mark.parametrize("zone", _ZONES)
@given(days=_DAYS, clock=_CLOCKS)
def test_timestamps(zone: str | None, days: list[int], clock: int) -> None:
    micros: Ints = np.array([day * _DAY + clock * (n % 2) for n, day in enumerate(days)])
    expected = [texts.timestamp_text(moment, zone) for moment in micros.tolist()]
    assert _column(texts.timestamp_texts(micros, zone)) == expected


# Hours on both sides of a change of the clocks, and years when a place had its own time.
_HOURS = st.integers(0, 200) | st.integers(-200_000, -100_000) | st.integers(600_000, 3_000_000)


@pytest.mark.parametrize("zone", _ZONES[2:])
@given(
    year=st.integers(1900, 2100), hours=st.lists(_HOURS, min_size=1), month=st.sampled_from([3, 10])
)
def test_moments_about_a_change_of_the_clocks(zone, year, month, hours) -> None:
    start = np.datetime64(f"{year}-{month:02d}-24", "us").astype(np.int64)
    micros: Ints = np.array([start + hour * 3_600_000_000 - hour % 2 for hour in hours])
    expected = [texts.timestamp_text(moment, zone) for moment in micros.tolist()]
    assert _column(texts.timestamp_texts(micros, zone)) == expected
