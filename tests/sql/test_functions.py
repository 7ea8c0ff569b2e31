"""Every function of the engine keeps its name and its arguments through our dialect."""

from __future__ import annotations

import re
from functools import cache

import psycopg
import pytest
from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.lowered.printing import to_engine
from gateway.sql.lowered.values.rooms import ROOMS
from gateway.sql.text.dialect import parse
from tests.sql import engine

# Calls with words between their arguments; none of them is an aggregate.
WORDED = ("overlay", "substring", "trim")
# PostgreSQL means something else by them: every occurrence, a row for each value, an integer, no
# digits lost.
OTHERWISE = (
    "corr", "array_remove", "generate_series", "array_length", "array_ndims", "array_position",
    "cardinality", "ntile", "row_number", "rank", "dense_rank", "regr_count",
)  # fmt: skip
# Which PostgreSQL's grammar lets nobody call like that.
NO_CALLS = ("current_date", "current_time", "current_timestamp", "extract", "position")
ARGUMENTS = ("'a'", "1", "1.5", "'b'", "2")


@cache
def functions() -> tuple[str, ...]:
    names = engine.rows("SELECT DISTINCT routine_name FROM information_schema.routines")
    return tuple(sorted(name for (name,) in names if name not in (*OTHERWISE, *ROOMS, *NO_CALLS)))


def through(text: str) -> str:
    (tree,) = parse(text)
    return _QUOTED.sub(r"\1(", to_engine(tree))


# Those whose quotes keep the engine's parser from reading them twice.
_QUOTED = re.compile(r'"(overlay|position|convert)"\(')


def test_the_engine_lists_its_functions() -> None:
    assert len(functions()) > 300


@pytest.mark.parametrize("count", range(6))
def test_calls_come_out_as_they_went_in(count: int) -> None:
    wrong = []
    for name in functions():
        call = f"SELECT {name}({', '.join(ARGUMENTS[:count])})"
        if through(call) != call:
            wrong.append((call, through(call)))
    assert not wrong


@pytest.mark.parametrize("name", sorted(set(ROOMS) - set(OTHERWISE)))
def test_a_call_under_a_check_is_the_same_without_it(name: str) -> None:
    for count in range(6):
        call = f"SELECT {name}({', '.join(ARGUMENTS[:count])})"
        (tree,) = parse(through(call))
        if name == "regexp_replace" and count >= 4:  # with options it may be another's
            continue
        for check in list(tree.find_all(exp.Anonymous)):
            if check.name in (ROOMS[name].check, "at_run_time", "text_at_run_time", "read_pattern"):
                check.replace(check.expressions[-1])
        assert tree == parse(call)[0]


@pytest.mark.parametrize("count", range(1, 4))
def test_capitals_and_what_follows_a_call(count: int) -> None:
    inside = ", ".join(ARGUMENTS[:count])
    tails = ("FILTER(WHERE TRUE)", "OVER (ORDER BY 1)", "WITHIN GROUP (ORDER BY 1)")
    wrong = []
    for name in functions():
        for tail in tails:
            if name in ("array_agg", "string_agg") and tail.startswith(
                "OVER"
            ):  # kept from a window beside it
                continue
            if (
                through(f"SELECT {name.upper()}({inside}) {tail}")
                != f"SELECT {name}({inside}) {tail}"
            ):
                wrong.append((name, tail))
        if name in WORDED:
            continue
        for call in (f"{name}(DISTINCT {inside})", f'{name}({inside} ORDER BY "x")'):
            if through(f"SELECT {call}") != f"SELECT {call}":
                wrong.append((call, through(f"SELECT {call}")))
    assert not wrong


@pytest.mark.parametrize("count", range(4))
def test_the_engine_plans_both_texts_alike(count: int) -> None:
    arguments = ", ".join(("x", "y", "s")[:count])
    source = "FROM (SELECT 1.5 AS x, 2 AS y, 'a' AS s) AS t"
    wrong = []
    for name in functions():
        text = f"SELECT {name}({arguments}) AS r {source}"
        written = through(text)
        if "read_pattern(" in written:  # a pattern of a column is read as PostgreSQL's first
            continue
        before, after = engine.outcome(text), engine.outcome(written)
        if before != after:
            wrong.append((text, before, after))
    assert not wrong


@pytest.mark.parametrize(
    ("special", "plain"),
    [
        ("substring('abc' FROM 2 FOR 1)", "substring('abc', 2, 1)"),
        ("substring('abc' FOR 1)", "substring('abc', 1, 1)"),
        ("position('b' IN 'abc')", "position('abc', 'b')"),
        ("overlay('abc' PLACING 'x' FROM 2 FOR 1)", "overlay('abc', 'x', 2, 1)"),
        ("trim(' a ')", "trim(' a ')"),
        ("trim('x' FROM 'xax')", "trim('xax', 'x')"),
        ("trim(LEADING 'x' FROM 'xax')", "ltrim('xax', 'x')"),
        ("trim(TRAILING FROM 'a ')", "rtrim('a ')"),
        ("trim(BOTH FROM ' a')", "btrim(' a')"),
    ],
)
def test_special_syntax_becomes_a_plain_call(
    real: psycopg.Connection, special: str, plain: str
) -> None:
    (expected,) = real.execute(f"SELECT {special}").fetchone() or ()
    assert engine.rows(f"SELECT {plain}") == [[expected]]
    assert through(f"SELECT {special}") == f"SELECT {plain}"


@pytest.mark.parametrize("call", ["substring(a SIMILAR b ESCAPE c)", "f(a,)", "f(,)"])
def test_malformed_calls(call: str) -> None:
    with pytest.raises(SyntaxFault):
        parse(f"SELECT {call}")
