"""Markers around the same words share one function, and never another one's."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.sql.dialect import Marker, parse
from gateway.sql.repeats import Repeated
from gateway.sql.statement import statements

F = "(a * x + b) ^ 2 - sin(a * x + b)"


def shared(text: str) -> tuple[int, int]:
    """(markers that carry their function, markers that name another's)."""
    tree = statements(text)[0].tree
    assert isinstance(tree, exp.Expr)
    markers = list(tree.find_all(Marker))
    repeats = sum(isinstance(marker.expressions[0], Repeated) for marker in markers)
    return len(markers) - repeats, repeats


CASES = [
    (f"SELECT grad({F}, a), grad({F}, b) FROM t", (1, 1)),
    (f"SELECT grad({F}, a), GRAD( {F} , b) FROM t WHERE vjp({F}, a, b) > jvp({F}, x, 1)", (1, 3)),
    (f"SELECT grad({F}, a) FROM t UNION SELECT grad({F}, a) FROM u", (2, 0)),
    (f"SELECT grad({F}, a), (SELECT max(grad({F}, a)) FROM u) FROM t", (2, 0)),
    (f"SELECT (SELECT max(grad({F}, a) + grad({F}, b)) FROM u), grad({F}, a) FROM t", (2, 1)),
    (f"UPDATE t SET a = grad({F}, a), b = grad({F}, b) RETURNING grad({F}, a)", (2, 1)),
    (f"INSERT INTO t SELECT grad({F}, a), grad({F}, b) FROM t RETURNING grad({F}, a)", (2, 1)),
    (f"SELECT grad({F}, a), grad({F.replace('sin', 'cos')}, a) FROM t", (2, 0)),
    (f"SELECT grad({F.replace('a', chr(34) + 'A' + chr(34))}, b), grad({F}, b) FROM t", (2, 0)),
    (f"SELECT grad(grad({F}, a), b), grad(grad({F}, a), a), grad({F}, a) FROM t", (2, 2)),
    ("SELECT grad(x * x, x), grad(x * x, y) FROM t", (2, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_shared_inside_one_select_only(text: str, expected: tuple[int, int]) -> None:
    assert shared(text) == expected


def test_text_that_goes_into_other_statements_is_written_out() -> None:
    tree = parse(f"SELECT grad({F}, a), grad({F}, b) FROM t")[0]
    assert tree.find(Repeated) is None
    functions = [marker.expressions[0] for marker in tree.find_all(Marker)]
    assert functions[0] == functions[1] and functions[0] is not functions[1]


def test_positions_are_those_of_the_marker_itself() -> None:
    text = f"SELECT grad({F}, a), grad({F}, nope) FROM t"
    tree = statements(text)[0].tree
    assert isinstance(tree, exp.Expr)
    last = max(marker.meta["start"] for marker in tree.find_all(Marker))
    assert text[last:].startswith("grad(") and last > len(F)
