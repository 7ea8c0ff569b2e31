"""Every scalar function of the engine: its derivative, its convention, or its refusal.

The functions are those that the engine lists. docs/functions.md is made from them; `pytest
--rewrite` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import datafusion
import pytest

from gateway.autodiff.expressions.refusals import USER_NAMES
from gateway.autodiff.rules.aggregates import AGGREGATE_RULES
from gateway.autodiff.rules.functions import CASTS, RULES, STEPS, SYNONYMS
from gateway.autodiff.rules.piecewise import EXPANSIONS
from gateway.autodiff.statements.differentiate_sql import differentiate_sql
from gateway.engine.functions import register_functions
from gateway.errors import InvalidWidthBucketArgument, NotDifferentiable
from gateway.sql.names.scope import AGGREGATES
from gateway.sql.types.results import AGGREGATE_SYNONYMS
from tests.autodiff.relations import rewritten, run
from tests.conftest import Connect

PAGE = Path(__file__).parents[2] / "docs" / "functions.md"

# The calls on the page of functions without a row in the table of rules.
CHOOSING = {
    **{name: ("x", "y") for name in EXPANSIONS},
    "nullif": ("x", "y"),
    "nvl2": ("z", "x", "y"),
}
STEP_CALLS = {
    "factorial": "n",
    "gcd": "m, n",
    "lcm": "m, n",
    "isnan": "x",
    "iszero": "x",
    "div": "x, y",
    "width_bucket": "x, low, high, n",
    "stop_gradient": "x",
}

# What a function is about, by the types that it takes or gives; the first that fits.
KINDS = {
    "array": ("List",),
    "date or time": ("Timestamp", "Date", "Time", "Interval", "Duration"),
    "text": ("String", "Binary"),
}


@cache
def engine() -> datafusion.SessionContext:
    context = datafusion.SessionContext(datafusion.SessionConfig().with_information_schema(True))
    register_functions(context)
    return context


@cache
def scalar_functions() -> dict[str, str]:
    """The engine's scalar functions, each with the types that it takes and gives."""
    names = engine().sql(
        """SELECT DISTINCT routine_name AS name FROM information_schema.routines
           WHERE function_type = 'SCALAR' ORDER BY name"""
    )
    typed = engine().sql(
        """SELECT specific_name AS name, string_agg(DISTINCT data_type, ' ') AS types
           FROM information_schema.parameters GROUP BY specific_name"""
    )
    types = {row["name"]: row["types"] for row in typed.to_pylist()}
    return {row["name"]: types.get(row["name"], "") for row in names.to_pylist()}


def kind(name: str) -> str:
    types = scalar_functions()[name]
    if name.startswith(("array", "list", "map", "struct")):
        return "array"
    return next((k for k, words in KINDS.items() if any(w in types for w in words)), "other")


def takes_nothing(name: str) -> bool:
    def plans(call: str) -> bool:
        try:
            engine().sql(f"SELECT {call}")
        except Exception:  # whatever it is, the engine does not take the call
            return False
        return True

    return kind(name) != "array" and plans(f"{name}()") and not plans(f"{name}(1.0)")


def has_rule(name: str) -> bool:
    plain = SYNONYMS.get(name, name)
    return plain in CHOOSING or plain in STEPS or plain in {rule.name for rule in (*RULES, *CASTS)}


REFUSED = [name for name in scalar_functions() if not has_rule(name) and not takes_nothing(name)]


# The page


def derivative(call: str, wrt: str) -> str:
    return f"`{' '.join(differentiate_sql(call, wrt).split())}`"


def page() -> Iterator[str]:
    """The page, line by line."""
    yield "# Functions and their derivatives"
    yield ""
    yield "Made from the engine's own list of functions and from the rules, by"
    yield "`pytest tests/autodiff/test_functions.py --rewrite`. What NULLs, ties and the edges of a"
    yield "domain do is told in [Derivatives](derivatives.md)."
    yield ""
    yield "## Functions with a derivative"
    yield ""
    yield "| function | derivative by its first argument | by its second |"
    yield "|---|---|---|"
    for rule in RULES:
        if any(rule.partials):
            yield _row(rule.call, rule.arguments)
    for name, arguments in CHOOSING.items():
        yield _row(f"{name}({', '.join(arguments)})", tuple(a for a in arguments if a != "z"))
    yield ""
    others = (f"`{other}` is `{name}`" for other, name in sorted(SYNONYMS.items()))
    yield f"{', '.join(others)}; `x % y` is `mod(x, y)`."
    yield "`greatest` and `least` take any number of arguments, and at a tie those that win share"
    yield "evenly; `coalesce` takes any number as well."
    yield ""
    yield "## Functions that are constant almost everywhere"
    yield ""
    yield "Their derivative is 0, and NULL where they are."
    yield ""
    for rule in RULES:
        if not any(rule.partials):
            yield f"- `{rule.call}`"
    for name, text in STEP_CALLS.items():
        yield f"- `{name}({text})`"
    yield ""
    yield "## Functions without arguments"
    yield ""
    yield from _without_arguments()
    yield ""
    yield "## Functions that are refused"
    yield ""
    yield "A derivative by something that an argument of these changes with is an error, 0A000."
    yield "Elsewhere in the expression they are constants."
    yield ""
    for what in (*KINDS, "other"):
        names = [f"`{name}`" for name in REFUSED if kind(name) == what]
        yield f"**refused: {what} function**: {', '.join(names)}."
        yield ""
    yield from _aggregates()


def _aggregates() -> Iterator[str]:
    yield "## Aggregates and window functions"
    yield ""
    yield "By a column with one value in all rows of a group, or of a window's partition. `dx` is"
    yield "the derivative of the argument `x` in each row, NULL where an argument is; `f` is the"
    yield "value of the call. FILTER and OVER stand after each aggregate of the derivative as after"
    yield "the call."
    yield ""
    yield "| aggregate | derivative |"
    yield "|---|---|"
    for rule in AGGREGATE_RULES:
        tangent = "0" if rule.tangent is None else " ".join(rule.tangent.split())
        yield f"| `{rule.call}` | `{tangent}` |"
    yield ""
    synonyms = sorted(AGGREGATE_SYNONYMS.items())
    yield f"{', '.join(f'`{other}` is `{name}`' for other, name in synonyms)}."
    yield "`max` and `min` have no derivative over windows."
    yield ""
    names = [f"`{name}`" for name in engine_functions("AGGREGATE") if not has_aggregate_rule(name)]
    yield f"**refused: aggregate**, and DISTINCT in any: {', '.join(names)}."
    yield ""
    names = [f"`{name}`" for name in engine_functions("WINDOW") if not has_aggregate_rule(name)]
    yield f"**refused: window function**: {', '.join(names)}."


def has_aggregate_rule(name: str) -> bool:
    return AGGREGATE_SYNONYMS.get(name, name) in {rule.name for rule in AGGREGATE_RULES}


def engine_functions(kind: str) -> list[str]:
    found = engine().sql(
        f"""SELECT DISTINCT routine_name AS name FROM information_schema.routines
            WHERE function_type = '{kind}' ORDER BY name"""
    )
    return found.to_pydict()["name"]


def _row(call: str, arguments: tuple[str, ...]) -> str:
    cells = [derivative(call, wrt) for wrt in arguments]
    return f"| `{call}` | {' | '.join([*cells, ''][:2])} |"


MOMENTS = ("current_date", "current_time", "current_timestamp")


def _without_arguments() -> Iterator[str]:
    for name in scalar_functions():
        if name in MOMENTS:
            yield f"- `{name}`: a constant, but no number"
        elif not has_rule(name) and takes_nothing(name):
            try:
                differentiate_sql(f"x * {name}()", "x")
            except NotDifferentiable:
                yield f"- `{name}()`: refused, it gives another value at each call"
            else:
                yield f"- `{name}()`: a constant"


def test_the_page_is_what_the_engine_has(rewriting: bool) -> None:
    made = "".join(f"{line}\n" for line in page())
    if rewriting:
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "docs/functions.md: `pytest --rewrite` writes it"


def test_every_step_stands_on_the_page() -> None:
    assert STEP_CALLS.keys() == STEPS


# Refusals


@pytest.mark.parametrize("name", [name for name in REFUSED if not name.endswith("_of_text")])
def test_refused_by_name(name: str) -> None:
    between = " IN " if name == "position" else ", "
    with pytest.raises(NotDifferentiable) as refusal:
        differentiate_sql(f"{name}(y{between}x * 2) * y", "x")
    error = refusal.value
    assert str(error) == f"function {USER_NAMES.get(name, name)} has no derivative rule"
    assert error.detail == "Its argument x * 2 changes with x."
    assert "docs/functions.md" in error.hint


@pytest.mark.parametrize("name", sorted(n for n in AGGREGATES if not has_aggregate_rule(n)))
def test_aggregates_refused_by_name(name: str) -> None:
    with pytest.raises(NotDifferentiable) as refusal:
        differentiate_sql(f"{name}(x * y) * y", "x")
    assert str(refusal.value) == f"{name}(...) has no derivative rule"
    assert refusal.value.hint


# Functions that choose


ROWS: dict[str, list[object]] = {
    "x": [1.0, 2.0, 3.0, None, None, 2.0],
    "y": [2.0, 2.0, 1.0, 4.0, None, 2.0],
    "z": [2.0, 1.0, None, None, None, 2.0],
}
CHOICES = [
    ("greatest(x, y)", [0.0, 0.5, 1.0, 0.0, None, 0.5]),
    ("least(x, y)", [1.0, 0.5, 0.0, 0.0, None, 0.5]),
    ("greatest(x, y, z)", [0.0, 0.5, 1.0, 0.0, None, 1 / 3]),
    ("least(z, x, y)", [1.0, 0.0, 0.0, 0.0, None, 1 / 3]),
    ("greatest(x, x)", [1.0, 1.0, 1.0, None, None, 1.0]),
    ("greatest(x, 2.0)", [0.0, 0.5, 1.0, 0.0, 0.0, 0.5]),
    ("greatest(2.0, x * x)", [0.0, 4.0, 6.0, 0.0, 0.0, 4.0]),
    ("least(x, NULL)", [1.0, 1.0, 1.0, None, None, 1.0]),
    ("greatest(x, y) ^ 2", [0.0, 2.0, 6.0, 0.0, None, 2.0]),
    ("coalesce(x, y)", [1.0, 1.0, 1.0, 0.0, None, 1.0]),
    ("coalesce(z, x, y)", [0.0, 0.0, 1.0, 0.0, None, 0.0]),
    ("coalesce(x * x, 0) + y", [2.0, 4.0, 6.0, 0.0, None, 4.0]),
    ("nvl(x, 5.0)", [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]),
    ("ifnull(y, x)", [0.0, 0.0, 0.0, 0.0, None, 0.0]),
    ("nvl2(z, x, 3 * x)", [1.0, 1.0, 3.0, None, None, 1.0]),
    ("nvl2(s, x, y)", [0.0, 0.0, 0.0, 0.0, None, 0.0]),
    ("nullif(x, y)", [1.0, None, 1.0, None, None, None]),
    ("nanvl(ln(x - 2.0), 7.0 * x)", [7.0, math.inf, 1.0, None, None, math.inf]),
    ("x % y", [1.0, 1.0, 1.0, None, None, 1.0]),
    ("mod(y, x)", [-2.0, -1.0, 0.0, None, None, -1.0]),
    ("x * gcd(n, 6)", [6.0] * 3 + [None, None, 6.0]),
    ("div(x, y)", [0.0, 0.0, 0.0, None, None, 0.0]),
    ("stop_gradient(x)", [0.0, 0.0, 0.0, None, None, 0.0]),
    ("width_bucket(x, 0.0, 5.0, 5)", [0.0, 0.0, 0.0, None, None, 0.0]),
]


@pytest.mark.parametrize(("function", "expected"), CHOICES, ids=[c[0] for c in CHOICES])
def test_a_choice(function: str, expected: list[float | None]) -> None:
    rows: dict[str, list[object]] = {**ROWS, "n": [6] * 6}
    found = run(f"SELECT {function} AS f, grad({function}, x) AS g FROM t", {"t": rows})
    assert [row["g"] is None for row in found] == [row["f"] is None for row in found]
    assert [row["g"] for row in found] == pytest.approx(expected)


def test_a_choice_in_a_long_function_in_reverse() -> None:
    """The reverse sweep stops at a choice, and both modes agree."""
    long = " + ".join(f"sin({n}.0 * greatest(x, y)) * coalesce(z, x, 1.0)" for n in range(1, 9))
    rows: dict[str, list[object]] = {"x": [0.5, 0.25], "y": [0.75, 0.125], "z": [None, 2.0]}
    found = run(f"SELECT grad({long}, x) AS g, jvp({long}, x, 1.0) AS j FROM t", {"t": rows})
    expected = [
        sum(math.sin(n * 0.75) for n in range(1, 9)),
        sum(2.0 * n * math.cos(n * 0.25) for n in range(1, 9)),
    ]
    assert [row["g"] for row in found] == pytest.approx(expected)
    assert [row["j"] for row in found] == pytest.approx(expected)


def test_what_a_choice_leaves_out_is_not_computed() -> None:
    """coalesce does not compute what it does not need, on a tape neither: sqrt(-1) would raise."""
    part = "coalesce(x, sqrt(y) * sin(sqrt(y)) * cos(sqrt(y)))"
    long = " + ".join(f"exp(-{n}.0 * {part} * y) * {part}" for n in range(1, 13))
    rows: dict[str, list[object]] = {"x": [0.5, None], "y": [-1.0, 4.0]}
    query = f"SELECT {long} AS f, grad({long}, x) AS g, grad({long}, y) AS h FROM t"
    first, second = run(query, {"t": rows})
    slopes = [(1 + n * 0.5) * math.exp(n * 0.5) for n in range(1, 13)]
    assert first["g"] == pytest.approx(sum(slopes))
    assert second["g"] == 0.0
    assert second["h"] is not None


def test_what_is_never_null_needs_no_guard() -> None:
    query = rewritten("SELECT grad(x * x + greatest(n, 0) * coalesce(n, n * n, 1), x) FROM t")
    assert query.text.split("FROM")[0].split() == ["SELECT", "2.0", "*", "x", "AS", "grad"]


# PostgreSQL's own names

POSTGRES = [
    "sign(-2.5)", "sign(0.0)", "ceiling(2.25)", "mod(-7, 3)", "mod(7.5, 2)", "div(-7, 2)",
    "div(7.5, 2)", "width_bucket(5.35, 0.024, 10.06, 5)", "width_bucket(0.0, 1, 10, 5)",
    "width_bucket(10, 1, 10, 5)", "width_bucket(3.5, 10, 1, 4)", "width_bucket(1, 10, 1, 4)",
    "width_bucket(10, 10, 1, 4)", "width_bucket(NULL, 1, 10, 5)",
    "width_bucket('Infinity'::float8, 1, 10, 5)", "sign(NULL::float8)",
    "(SELECT variance(x) FROM (VALUES (1.0), (2.5)) AS v(x))",
]  # fmt: skip


@pytest.mark.parametrize("call", POSTGRES)
def test_as_postgres(call: str, postgres: Connect) -> None:
    with postgres() as connection:
        (theirs,) = connection.execute(f"SELECT ({call})::float8").fetchone() or (None,)
    (row,) = run(f"SELECT CAST({call} AS double precision) AS f", {})
    assert row["f"] == theirs if theirs is None else row["f"] == pytest.approx(theirs, rel=1e-15)


@pytest.mark.parametrize("arguments", ["1, 0, 1, 0", "1, 2, 2, 3", "'NaN'::float8, 0, 1, 5"])
def test_width_bucket_refuses_what_is_no_bucket(arguments: str) -> None:
    with pytest.raises(InvalidWidthBucketArgument):
        run(f"SELECT width_bucket({arguments}) AS f", {})


def test_erf_is_the_c_library_s() -> None:
    points: list[Any] = [None, -30.0, -1.5, -1e-9, 0.0, 0.3, 2.0, 5.9, math.inf]
    found = run("SELECT erf(x) AS e, erfc(x) AS c FROM t", {"t": {"x": points}})
    there = [p for p in points if p is not None]
    assert found[0] == {"e": None, "c": None}
    assert [row["e"] for row in found[1:]] == [math.erf(p) for p in there]
    assert [row["c"] for row in found[1:]] == [math.erfc(p) for p in there]
