"""Sums of groups, at the ends of what a double holds."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.sources.aggregates.reducing import Piece, Runs, Sums

INF = float("inf")


@pytest.mark.parametrize("values", [[INF, -INF], [INF, 1.0, -INF, 2.0]])
def test_infinities_of_both_signs_are_left_to_the_engine(values: list[float]) -> None:
    """Their sum is NaN, which only the engine orders; numpy's warning would be an error here."""
    sums = Sums((1,), np.dtype("f8"), frozenset({"sum"}))
    piece = Piece((len(values),), (Runs(np.zeros(len(values), np.int64)),))
    assert sums.measure(piece, np.array(values), None) is None


def test_infinities_of_several_pieces_come_to_nan() -> None:
    sums = Sums((1,), np.dtype("f8"), frozenset({"sum"}))
    for value in (INF, -INF):
        piece = Piece((2,), (Runs(np.zeros(2, np.int64)),))
        found = sums.measure(piece, np.array([value, value]), None)
        assert found is not None
        sums.add(piece, found)
    assert np.isnan(sums.kept["real"]).all()
