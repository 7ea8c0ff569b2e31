"""grad, jvp and vjp in a tree: which calls are markers, and where they stand."""

from __future__ import annotations

import doctest

import pytest

from gateway.sql.inputs import literals
from gateway.sql.lowered.printing import to_text
from gateway.sql.statements import reading
from gateway.sql.text import dialect, precedence
from gateway.sql.text.dialect import MARKERS, Marker, parse
from gateway.sql.types import parameters


@pytest.mark.parametrize("kind", MARKERS)
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_a_call_is_a_marker_in_any_case(kind: str, spell: object) -> None:
    text = f"SELECT 1; SELECT AVG({spell(kind)} (f, x, 1)) FROM t"  # type: ignore[operator]
    (marker,) = parse(text)[1].find_all(Marker)
    assert marker.kind == kind
    assert [argument.sql() for argument in marker.expressions] == ["f", "x", "1"]
    assert marker.meta["start"] == text.lower().index(kind)
    assert text[marker.meta["start"] : marker.meta["end"] + 1].lower() == kind


@pytest.mark.parametrize("kind", MARKERS)
def test_everything_else_of_that_name_is_left_alone(kind: str) -> None:
    text = f"""
        WITH {kind} AS (SELECT 1 AS {kind}) -- {kind}(x, x)
        SELECT {kind}, {kind}.{kind}, '{kind}(x, x)', "{kind}"(x), s.{kind}(x, x) /* {kind}(x) */,
               differentiate_{kind}(x), $${kind}(x, x)$$ AS "{kind}"
        FROM {kind} AS {kind}
    """
    (tree,) = parse(text)
    assert not list(tree.find_all(Marker))


def test_markers_nest() -> None:
    (tree,) = parse("SELECT grad(jvp(x * x, x, 1), x)")
    outer, inner = tree.find_all(Marker)
    assert (outer.kind, inner.kind, inner.parent) == ("grad", "jvp", outer)


def test_text_for_people_quotes_what_needs_it() -> None:
    (tree,) = parse('SELECT "A", time, "order", b AS "c d" FROM "t"')
    assert " ".join(to_text(tree).split()) == 'SELECT "A", time, "order", b AS "c d" FROM t'


@pytest.mark.parametrize("module", [dialect, literals, parameters, precedence, reading])
def test_examples_in_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
