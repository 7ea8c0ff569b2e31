"""Markers around the same words share one function, and never another one's."""

from __future__ import annotations

import pytest
from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.statements.reading import statements
from gateway.sql.text import dialect
from gateway.sql.text.dialect import Marker, parse
from gateway.sql.text.repeats import Repeated

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


# What may not be cut out, or must be read whole after all.
WHOLE = [
    f"SELECT grad({F}, a), 'grad({F}, b)' FROM t",
    f"""SELECT grad({F}, a), "grad({F}, b)" FROM t""",
    f"SELECT grad({F}, a), $$grad({F}, b)$$ FROM t",
    f"SELECT grad({F}, a), E'\\'grad({F}, b)' FROM t",
    f"SELECT grad({F}, a) -- grad({F}, b)\n, 1 FROM t",
    f"SELECT grad({F}, a) /* grad({F}, b) */, 1 FROM t",
    f"SELECT grad({F}, a), s.grad({F}, b) FROM t",
    "WITH grad (a_column_of_a_long_name, b) AS (SELECT 1, 2) INSERT INTO grad "
    "(a_column_of_a_long_name, b) SELECT * FROM grad",
]  # fmt: skip


@pytest.mark.parametrize("text", WHOLE)
def test_only_markers_are_cut(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [statement.tree for statement in statements(text)]
    monkeypatch.setattr(dialect, "find", lambda text: [])
    assert found == [statement.tree for statement in statements(text)]
    assert not any(isinstance(tree, exp.Expr) and tree.find(Repeated) for tree in found)


def test_each_statement_has_its_own() -> None:
    first, second = statements(f"SELECT grad({F}, a) FROM t; SELECT grad({F}, b) FROM t")
    for statement in (first, second):
        assert isinstance(statement.tree, exp.Expr)
        assert statement.tree.find(Repeated) is None
    assert second.text == f"SELECT grad({F}, b) FROM t"


@pytest.mark.parametrize(("end", "near"), [("SELECT", "SELECT"), (")", ")"), ("'open", "'open")])
def test_an_error_has_its_place_in_the_whole_text(end: str, near: str) -> None:
    text = f"SELECT grad({F}, a), grad({F}, b), grad({F}, x) + {end}"
    with pytest.raises(SyntaxFault) as caught:
        statements(text)
    assert caught.value.position == text.rindex(near) + 1
