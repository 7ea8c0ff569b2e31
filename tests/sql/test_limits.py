"""What is refused before planning, and what must pass."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Settings
from gateway.errors import QueryCanceled, StatementTooComplex, TooManyColumns
from gateway.interrupts import attend
from gateway.session.gateway import limits_of
from gateway.sql.shape.planning_cost import longest_chain
from gateway.sql.statements.limits import Limits, least_steps, size_of
from gateway.sql.statements.reading import statements
from gateway.sql.text.dialect import split
from tests.bench.planning import SHAPES

LIMITS = limits_of(Settings())


def check(text: str, limits: Limits = LIMITS) -> None:
    for statement in limits.read(text):
        limits.check(statement.tree)  # type: ignore[arg-type]


def sized(text: str) -> tuple[int, int, int]:
    size = size_of(statements(text)[0].tree)  # type: ignore[arg-type]
    return size.nodes, size.steps, size.branches


def test_what_people_write_passes() -> None:
    perceptron = "+".join(f"w{n} * tanh(a{n} * x + b{n} * y + c{n})" for n in range(12))
    partials = ",".join(f"grad({perceptron}, {v}{n})" for v in "wabc" for n in range(12))
    for text in (
        f"SELECT {'abs(' * 60}x{')' * 60} FROM t",
        f"SELECT {'(' * 60}x{'+ 1)' * 60} FROM t",
        f"SELECT x FROM t WHERE n IN ({','.join(map(str, range(1000)))})",
        f"INSERT INTO t VALUES {','.join('(1, 2.5, 3)' for _ in range(1000))}",
        f"SELECT {partials} FROM t",
    ):
        check(text)


@pytest.mark.parametrize("name", SHAPES)
def test_what_would_take_minutes_to_plan_is_refused(name: str) -> None:
    shape = SHAPES[name]
    check(shape.text(shape.admitted))
    with pytest.raises(StatementTooComplex, match="too complex") as refused:
        check(shape.text(shape.refused))
    assert shape.limit in refused.value.detail and shape.limit in refused.value.hint


def test_a_text_that_is_too_long_is_not_even_taken_apart() -> None:
    with pytest.raises(StatementTooComplex, match="its text is too long"):
        check("SELECT '" + "é" * 2**19 + "'")


def test_a_select_list_has_the_length_it_has_in_postgresql() -> None:
    check("SELECT " + ",".join(["1"] * 1664))
    with pytest.raises(TooManyColumns, match="at most 1664"):
        check("SELECT " + ",".join(["1"] * 1665))


def test_a_cte_counts_as_often_as_it_is_named() -> None:
    once = sized("WITH a AS (SELECT x + 1 AS x FROM t) SELECT x FROM a")
    twice = sized("WITH a AS (SELECT x + 1 AS x FROM t) SELECT a.x FROM a, a AS b")
    assert twice[0] - once[0] > sized("SELECT x + 1 AS x FROM t")[0]
    doubled = "".join(f", c{n} AS (SELECT a.x FROM c{n - 1} a, c{n - 1} b)" for n in range(1, 30))
    with pytest.raises(StatementTooComplex):
        check(f"WITH c0 AS (SELECT x FROM t){doubled} SELECT x FROM c29")


def test_a_cte_hides_one_of_the_same_name_outside() -> None:
    inner = "SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x FROM a) AS s"
    large = f"WITH a AS (SELECT {'x + ' * 50}x AS x FROM t) "
    assert sized(large + inner)[1] < sized(large + inner + ", a")[1]
    recursive = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
    assert sized(recursive)[2] == 2


def test_a_subquery_begins_anew() -> None:
    total = " + ".join(["x"] * 50)
    flat = sized(f"SELECT {total} + {total} FROM t")[1]
    parts = sized(f"SELECT a + {total} FROM (SELECT x, {total} AS a FROM t) AS s")[1]
    assert parts < flat


OPERANDS = st.sampled_from(["a", "t.b", '"c d"', "1.5", "'x'", "f(a, -b)", "a::int", "-a", "$1"])
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=9).map(" + ".join),
        st.lists(inner, min_size=2, max_size=9).map(" * ".join),
        st.lists(inner, min_size=2, max_size=4).map(" - ".join),
        inner.map("({})".format),
        inner.map("sin({})".format),
        st.tuples(inner, inner).map(" = ".join).map("CASE WHEN {} THEN 1 ELSE b - 2 END".format),
        st.lists(inner, min_size=1, max_size=3).map(", ".join).map("f({})".format),
    ),
    max_leaves=25,
)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3))
def test_words_never_tell_of_more_than_the_tree_has(items: list[str]) -> None:
    text = f"SELECT {', '.join(items)} FROM t WHERE a - b > -1"
    assert least_steps(longest_chain(split(text)[0])) <= sized(text)[1]


def test_a_long_sum_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gateway.sql.statements.limits.read", lambda tokens, text: pytest.fail("parsed")
    )
    for operator in "+-*/":
        with pytest.raises(StatementTooComplex, match="too deep"):
            check("SELECT " + operator.join(["sin(x)"] * 5000))


MANY = {
    "empty statements": ";" * 50_000,
    "statements":       "SELECT 1;" * 2_000,
    "words":            "SELECT 1 WHERE " + "a " * 20_000,
    "a word, at last":  ";" * 20_000 + "'",
}  # fmt: skip


@pytest.mark.parametrize("text", MANY.values(), ids=MANY)
def test_reading_stops_soon_after_nobody_wants_it(text: str) -> None:
    """The check that says so is the third, and the last that is asked."""
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise QueryCanceled("canceling statement due to user request")

    attend(check)
    try:
        with pytest.raises(QueryCanceled, match="user request"):
            LIMITS.read(text)
    finally:
        attend(None)
    assert asked == 3


def test_every_part_of_the_reading_of_a_long_text_asks() -> None:
    asking: Counter[str] = Counter()

    def check() -> None:
        asking[sys._getframe(2).f_code.co_name] += 1

    attend(check)
    try:
        LIMITS.read(f"SELECT a FROM t WHERE a IN ({', '.join(map(str, range(4500)))})")
    finally:
        attend(None)
    counted = {name: asking[name] for name in ("_parse_csv", "_check_nodes", "size_of")}
    assert counted == {"_parse_csv": 4499, "_check_nodes": 2, "size_of": 1}
    assert asking["_add"] == 2  # of 9,000 words
