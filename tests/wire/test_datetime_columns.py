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


@pytest.mark.parametrize("zone", [None, "UTC"])
@given(days=_DAYS, clock=_CLOCKS)
def test_timestamps(zone: str | None, days: list[int], clock: int) -> None:
    micros: Ints = np.array([day * _DAY + clock * (n % 2) for n, day in enumerate(days)])
    expected = [texts.timestamp_text(moment, zone) for moment in micros.tolist()]
    assert _column(texts.timestamp_texts(micros, zone)) == expected
