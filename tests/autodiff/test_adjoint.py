"""Forward and reverse mode are each other's transpose: ``<u, J v> = <J' u, v>``.

The third witness of a derivative: no slope is known beforehand, and no other program is needed.
jvp is forward mode; grad of a larger function is reverse mode, and here of every function.
"""

from __future__ import annotations

import math
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, assume, given, note
from hypothesis import strategies as st

from gateway.autodiff.statements import gradients
from tests.autodiff.relations import run
from tests.autodiff.trees import Tree, expressions, woven
from tests.examples import examples

NAMES = {"x": False, "y": False, "r": False, "n": True}
ROWS: dict[str, dict[str, list[object]]] = {
    "t": {
        "x": [-1.3, 0.2, 1.7, None, 0.6],
        "y": [0.4, -0.9, 1.1, 0.7, None],
        "r": [0.3, -1.5, 2.25, 0.7, None],
        "n": [1, -2, 3, 2, None],
    }
}
WEIGHTS = [-2.0, -0.5, 0.25, 1.0, 3.0]


MADE = {"vjp": "vjp({f}, {x}, {u})", "grad": "{u} * grad({f}, {x})"}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
@given(
    functions=st.tuples(*[st.tuples(*[expressions(NAMES, max_leaves=3)] * 5).map(woven)] * 3),
    tangent=st.tuples(*[st.sampled_from(WEIGHTS)] * 4),
    cotangent=st.tuples(*[st.sampled_from(WEIGHTS)] * 3),
)
@examples(
    20,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_jvp_and_vjp_are_transposes(
    made: str,
    functions: tuple[Tree, ...],
    tangent: tuple[float, ...],
    cotangent: tuple[float, ...],
) -> None:
    """Row by row, for three functions of four columns."""
    pairs = ", ".join(f"{name}, {t}" for name, t in zip(NAMES, tangent, strict=True))
    pushed = [f"jvp({f.sql}, {pairs}) AS j{i}" for i, f in enumerate(functions)]
    pulled = [
        f"{made.format(f=f.sql, x=name, u=u)} AS v{i}_{name}"
        for i, (f, u) in enumerate(zip(functions, cotangent, strict=True))
        for name in NAMES
    ]
    note(", ".join(f.sql for f in functions))
    with patch.object(gradients, "FORWARD_NODES", 0):
        rows = run(f"SELECT {', '.join(pushed + pulled)} FROM t", ROWS)
    for row in rows:
        _check_row(row, tangent, cotangent)


def _check_row(
    row: dict[str, Any], tangent: tuple[float, ...], cotangent: tuple[float, ...]
) -> None:
    for i in range(3):
        there = {row[f"v{i}_{name}"] is None for name in NAMES}
        assert there == {row[f"j{i}"] is None}
    if None in row.values():
        return
    forward = [u * row[f"j{i}"] for i, u in enumerate(cotangent)]
    reverse = [
        row[f"v{i}_{name}"] * t for i in range(3) for name, t in zip(NAMES, tangent, strict=True)
    ]
    assume(all(map(math.isfinite, forward + reverse)))
    scale = sum(map(abs, reverse))
    assert math.isclose(sum(forward), sum(reverse), rel_tol=1e-10, abs_tol=1e-10 * max(1.0, scale))
