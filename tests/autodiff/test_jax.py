"""Random expressions over every rule, in every shape, to third order, against JAX.

JAX comes with the extra `oracle`. The examples are the same at each run;
``GRADWIRE_EXAMPLES=1000 pytest tests/autodiff/test_jax.py`` draws that many new ones.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, note
from hypothesis import strategies as st

from gateway.autodiff.rules.functions import RULES, Rule
from gateway.autodiff.statements import gradients
from gateway.engine.embedded import Embedded
from gateway.errors import GatewayError
from gateway.session.gateway import Gateway
from gateway.session.session import Session
from gateway.store.tables import Store
from tests.autodiff import jax_functions, relations
from tests.autodiff.jax_functions import jax, jnp
from tests.autodiff.trees import CALLS, Tree, call, column, expressions, made_call, woven
from tests.examples import examples

_SETTINGS: dict[str, Any] = {
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


# Every column is double precision, single precision or an integer; each is NULL somewhere. The
# numbers that single precision rounds are the ones it holds.
NAMES = {"x": False, "y": False, "r": False, "n": True}
ROWS: dict[str, list[Any]] = {
    "x": [-1.3, 0.2, 1.7, None, 0.6, 0.5],
    "y": [0.4, -0.9, 1.1, 0.7, None, 0.5],
    "r": [float(np.float32(0.3)), -1.5, 2.25, 0.7, 0.5, None],
    "n": [1, -2, 3, 2, None, 1],
}
ROWS["r"] = [None if r is None else float(np.float32(r)) for r in ROWS["r"]]
TABLES = {"t": ROWS}

Function = Callable[[dict[str, Any]], jax_functions.Value]


def _columns() -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers, and which are missing."""
    numbers = {
        name: jnp.array([jax_functions.HARMLESS if v is None else float(v) for v in values])
        for name, values in ROWS.items()
    }
    missing = {name: jnp.array([v is None for v in values]) for name, values in ROWS.items()}
    return numbers, missing


NUMBERS, MISSING = _columns()


def function_of(tree: Tree, inner: Tree | None = None) -> Function:
    """`tree` over the rows' columns; `e` in it stands for `inner`."""

    def function(numbers: dict[str, Any]) -> jax_functions.Value:
        columns = {name: (numbers[name], MISSING[name]) for name in numbers}
        if inner is not None:
            columns["e"] = inner.value(jax_functions, columns)
        return tree.value(jax_functions, columns)

    return function


def derivative(function: Function, wrt: str) -> Function:
    """Its partial derivative, row by row."""

    def partial(numbers: dict[str, Any]) -> jax_functions.Value:
        def along(moved: Any) -> jax_functions.Value:
            return function({**numbers, wrt: moved})

        at = numbers[wrt]
        _, slope, missing = jax.jvp(along, (at,), (jnp.ones_like(at),), has_aux=True)
        return slope, missing

    return partial


def orders(function: Function, variables: tuple[str, ...]) -> list[list[float | None]]:
    """The first derivative, the second, ... by `variables` in turn; None where it is NULL."""
    found = []
    for wrt in variables:
        function = derivative(function, wrt)
        found.append(values(function))
    return found


def values(function: Function) -> list[float | None]:
    """Row by row."""
    with jax.disable_jit():  # each function is called once: compiling it would take longer
        return _listed(function(NUMBERS))


def _listed(value: jax_functions.Value) -> list[float | None]:
    numbers, missing = value
    return [None if m else float(v) for v, m in zip(numbers, missing, strict=True)]


def _sane(columns: list[list[float | None]]) -> bool:
    numbers = [v for column in columns for v in column if v is not None]
    return all(math.isfinite(v) and abs(v) < 1e6 for v in numbers)


def check(ours: list[Any], theirs: list[float | None]) -> None:
    """Equal but for rounding, which a sum of steep terms makes larger than its result."""
    assert [v is None for v in ours] == [v is None for v in theirs]
    there = [(a, b) for a, b in zip(ours, theirs, strict=True) if b is not None]
    scale = 1e-8 * max([1.0, *(abs(b) for _, b in there)])
    assert [a for a, _ in there] == pytest.approx([b for _, b in there], rel=1e-8, abs=scale)


def nested(f: str, variables: tuple[str, ...]) -> list[str]:
    """grad(f, a), grad(grad(f, a), b), ..."""
    return list(itertools.accumulate(variables, "grad({}, {})".format, initial=f))[1:]


def items(f: str, variables: tuple[str, ...]) -> str:
    asked = nested(f, variables)
    return ", ".join(f"{item} AS g{n}" for n, item in enumerate(asked))


VARIABLES = st.tuples(*[st.sampled_from(list(NAMES))] * 3)

# Where the expression stands: {items} asks for the derivatives of {f}.
SIMPLE = {
    "select": "SELECT {items} FROM t",
    "qualified": 'SELECT {items} FROM (SELECT * FROM t) AS "t"',
    "filter": "SELECT {items} FROM t WHERE grad({f}, x) = grad({f}, x) OR grad({f}, x) IS NULL",
    "case": "SELECT {items} FROM t WHERE CASE WHEN true THEN true ELSE grad({f}, x) > 0.0 END",
    "union": "SELECT {items} FROM t WHERE false UNION ALL SELECT {items} FROM t",
    "values": "SELECT {items} FROM (VALUES {values}) AS v(x, y, r, n)",
}


def _as_values() -> str:
    kinds = {"x": "double precision", "y": "double precision", "r": "real", "n": "bigint"}
    rows = zip(*ROWS.values(), strict=True)
    return ", ".join(
        "(" + ", ".join(f"{_literal(v)}::{kinds[k]}" for k, v in zip(ROWS, row, strict=True)) + ")"
        for row in rows
    )


def _literal(value: Any) -> str:
    return "NULL" if value is None else f"({value!r})"


def found(query: str, count: int = 3) -> list[list[Any]]:
    rows = relations.run(query, TABLES)
    return [[row[f"g{n}"] for row in rows] for n in range(count)]


def compare(query: str, function: Function, variables: tuple[str, ...]) -> None:
    expected = orders(function, variables)
    assume(_sane([*expected, values(function)]))
    note(query)
    for ours, theirs in zip(found(query, len(expected)), expected, strict=True):
        check(ours, theirs)


@pytest.mark.parametrize("shape", SIMPLE)
@given(f=expressions(NAMES), variables=VARIABLES)
@examples(20, **_SETTINGS)
def test_in_a_query(shape: str, f: Tree, variables: tuple[str, ...]) -> None:
    query = SIMPLE[shape].format(items=items(f.sql, variables), f=f.sql, values=_as_values())
    compare(query, function_of(f), variables)


# Where one expression, {inner}, is a column `e` of another that is differentiated.
THROUGH = {
    "derived": "SELECT {items} FROM (SELECT *, {inner} AS e FROM t) AS s",
    "cte": "WITH c AS (SELECT n, x, {inner} AS e, r, y FROM t) SELECT {items} FROM c",
    "column list": "WITH c(n, r, e, y, x) AS (SELECT n, r, {inner}, y, x FROM t)"
    " SELECT {items} FROM c",
    "nested cte": "WITH a AS (SELECT *, {inner} AS e FROM t), b(q, v) AS (SELECT e, x FROM a),"
    " c AS (WITH d AS (SELECT x AS o, y, r, n, e AS i FROM a)"
    " SELECT o AS x, y, r, n, i AS e FROM d) SELECT {items} FROM c",
    "deeper": "SELECT {items} FROM (SELECT e, x, (y) AS y, r, n FROM"
    " (SELECT *, {inner} AS e FROM t) AS a) AS b",
    "view": "SELECT {items} FROM seen",
    "view of a view": "SELECT {items} FROM again",
    "alias": "SELECT {items} FROM (SELECT x, y, r, n, {inner} FROM t) AS s(x, y, r, n, e)",
}


@pytest.mark.parametrize("shape", THROUGH)
@given(outer=expressions({**NAMES, "e": False}), inner=expressions(NAMES), variables=VARIABLES)
@examples(12, **_SETTINGS)
def test_through_a_definition(
    shape: str, outer: Tree, inner: Tree, variables: tuple[str, ...]
) -> None:
    assume("e" in _names(outer) and not inner.integer)
    query = THROUGH[shape].format(items=items(outer.sql, variables), inner=inner.sql)
    views = {
        "seen": f"SELECT *, {inner.sql} AS e FROM t",
        "again": "SELECT x, y, r, n, e FROM seen",
    }
    with patch.dict(relations.VIEWS, views):
        compare(query, function_of(outer, inner), variables)


def _names(tree: Tree) -> set[str]:
    words = "".join(c if c.isalnum() or c == "_" else " " for c in tree.sql).split()
    return set(words)


@given(f=expressions(NAMES), variables=VARIABLES)
@examples(20, **_SETTINGS)
def test_inside_aggregates(f: Tree, variables: tuple[str, ...]) -> None:
    expected = orders(function_of(f), variables)
    assume(_sane(expected))
    note(f.sql)
    asked = nested(f.sql, variables)
    columns = ", ".join(
        f"avg({g}) AS a{n}, count({g}) AS c{n}, sum({g}) FILTER (WHERE x > 0) AS s{n}"
        for n, g in enumerate(asked)
    )
    (row,) = relations.run(f"SELECT {columns} FROM t", TABLES)
    for n, column_ in enumerate(expected):
        there = [v for v in column_ if v is not None]
        chosen = [
            v
            for v, x in zip(column_, ROWS["x"], strict=True)
            if v is not None and x is not None and x > 0
        ]
        scale = 1e-8 * max([1.0, *map(abs, there)])
        assert row[f"c{n}"] == len(there)
        mean = sum(there) / len(there) if there else None
        assert row[f"a{n}"] == pytest.approx(mean, rel=1e-8, abs=scale)
        total = sum(chosen) if chosen else None
        assert row[f"s{n}"] == pytest.approx(total, rel=1e-8, abs=scale)


@pytest.mark.parametrize("forward_nodes", [0, gradients.FORWARD_NODES])
@given(parts=st.tuples(*[expressions(NAMES)] * 5), second=st.sampled_from(list(NAMES)))
@examples(15, **_SETTINGS)
def test_all_partials_of_a_large_expression(
    forward_nodes: int, parts: tuple[Tree, ...], second: str
) -> None:
    """As training asks for them: at once, in reverse, enough to be spread over sub-selects."""
    f = woven(parts)
    with patch.object(gradients, "FORWARD_NODES", forward_nodes):
        _check_all_partials(f, second)


def _check_all_partials(f: Tree, second: str) -> None:
    function = function_of(f)
    slopes = [values(derivative(function, name)) for name in NAMES]
    curvatures = [values(derivative(derivative(function, name), second)) for name in NAMES]
    assume(_sane([*slopes, *curvatures]))
    asked = [f"grad({f.sql}, {name})" for name in NAMES]
    asked += [f"grad({slope}, {second})" for slope in asked]
    query = "SELECT " + ", ".join(f"{g} AS g{n}" for n, g in enumerate(asked)) + " FROM t"
    note(query)
    for ours, theirs in zip(found(query, len(asked)), slopes + curvatures, strict=True):
        check(ours, theirs)


@given(f=expressions(NAMES), data=st.data())
@examples(20, **_SETTINGS)
def test_jvp_and_vjp(f: Tree, data: st.DataObject) -> None:
    weights = data.draw(st.tuples(*[st.sampled_from([-2.0, -0.5, 0.25, 1.0, 3.0])] * 5))
    slopes = [values(derivative(function_of(f), name)) for name in NAMES]
    assume(_sane(slopes))
    note(f.sql)
    pairs = ", ".join(f"{name}, {w}" for name, w in zip(NAMES, weights, strict=False))
    pulled = [f"vjp({f.sql}, {name}, {weights[4]}) AS g{n + 1}" for n, name in enumerate(NAMES)]
    columns = found(f"SELECT jvp({f.sql}, {pairs}) AS g0, {', '.join(pulled)} FROM t", 5)
    pushed = [
        None if None in row else sum(w * s for w, s in zip(weights, row, strict=False))
        for row in zip(*slopes, strict=True)
    ]
    check(columns[0], pushed)
    for ours, theirs in zip(columns[1:], slopes, strict=True):
        check(ours, [None if s is None else weights[4] * s for s in theirs])


# Through a session, over a table that changes


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    store = Store(tmp_path_factory.mktemp("jax") / "data")
    gateway = Gateway(Embedded(threads=1), store, {})
    session = gateway.create_session()
    session.start("tester", "gradwire", {})
    _run(session, "CREATE TABLE t (x double precision, y double precision, r real, n bigint)")
    _run(session, f"INSERT INTO t VALUES {_as_values()}")
    yield session
    gateway.close_session(session)
    store.close()


def _run(session: Session, text: str) -> list[dict[str, Any]]:
    try:
        return [
            row
            for result in session.run_simple(text)
            for batch in result.take()
            for row in batch.to_pylist()
        ]
    finally:
        session.sync()


CHANGES = {
    "create table as": ["CREATE TABLE made AS SELECT x, y, r, n, {g0} AS g0, {g1} AS g1 FROM t"],
    "insert": [
        "CREATE TABLE made (g1 double precision, g0 double precision)",
        "INSERT INTO made (g0, g1) SELECT {g0}, {g1} FROM t",
    ],
    "update": [
        "CREATE TABLE made AS SELECT *, 0.0::double precision AS g0, 1.0::double precision AS g1"
        " FROM t",
        "UPDATE made SET g0 = {g0}, g1 = {g1}",
    ],
    "update where": [
        "CREATE TABLE made AS SELECT *, 0.0::double precision AS g0, {g1} AS g1 FROM t",
        "UPDATE made SET g0 = {g0} WHERE grad(x * x, x) = 2.0 * x OR grad(y, x) IS NULL"
        " OR y IS NOT NULL",
    ],
    "delete": [
        "CREATE TABLE made AS SELECT *, {g0} AS g0, {g1} AS g1 FROM t",
        "DELETE FROM made WHERE g0 <> {g0}",
    ],
    "view": ["CREATE VIEW made AS SELECT x, {g0} AS g0, {g1} AS g1 FROM t"],
}


@pytest.mark.parametrize("shape", CHANGES)
@given(f=expressions(NAMES), variables=VARIABLES)
@examples(5, **_SETTINGS)
def test_through_a_session(
    session: Session, shape: str, f: Tree, variables: tuple[str, ...]
) -> None:
    expected = orders(function_of(f), variables[:2])
    assume(_sane(expected))
    note(f.sql)
    g0, g1 = nested(f.sql, variables[:2])
    kind = "VIEW" if shape == "view" else "TABLE"
    try:
        for statement in CHANGES[shape]:
            _run(session, statement.format(g0=g0, g1=g1))
        rows = _run(session, "SELECT g0, g1 FROM made")
    finally:
        _run(session, f"DROP {kind} IF EXISTS made")
    for n in (0, 1):
        check(*(sorted(g, key=_nulls_last) for g in ([row[f"g{n}"] for row in rows], expected[n])))


def _nulls_last(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0.0


# Rule by rule

ARGUMENTS = [pytest.param(name, arity, id=f"{name}/{arity}") for name, arity in CALLS]


def test_every_rule_has_its_function() -> None:
    known = jax_functions.FUNCTIONS.keys() | jax_functions.NULL_AWARE.keys()
    missing = sorted({name for name, _ in CALLS} - known)
    assert not missing, f"tests/autodiff/jax_functions.py has no line for {', '.join(missing)}"


@pytest.mark.parametrize(("name", "arity"), ARGUMENTS)
def test_rule(name: str, arity: int) -> None:
    """Every mixed derivative up to the third order, of plain columns and of what they lead to."""
    f = made_call(name, arity, [column(c) for c in ("x", "y", "r")][:arity])
    names = ("x", "y", "r")[:arity]
    for variables in itertools.combinations_with_replacement(names, 3):
        expected = orders(function_of(f), variables)
        for ours, theirs in zip(
            found(f"SELECT {items(f.sql, variables)} FROM t"), expected, strict=True
        ):
            check(ours, theirs)


POINTS = [-math.inf, -1e200, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 800.0, 1e200, math.inf,
          math.nan]  # fmt: skip
FEWER = [-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 1e200, math.inf, math.nan]


def agree(name: str, index: int, point: tuple[float, ...], ours: float) -> bool:
    """Whether a slope at an edge is JAX's.

    It may be NaN where the function is, and is anything where JAX gives NaN and the function does
    not.
    """
    function = jax_functions.FUNCTIONS[name]
    is_nan = math.isnan(float(function(*map(jnp.asarray, point))))
    theirs = float(jax.grad(function, index)(*map(jnp.asarray, point)))
    if math.isnan(ours):
        return is_nan or math.isnan(theirs)
    if math.isnan(theirs):
        return not is_nan
    return ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "arity"), [row for row in ARGUMENTS if row.values[0] in jax_functions.FUNCTIONS]
)
def test_edges(name: str, arity: int) -> None:
    literal = [argument == "n" for argument in _rule(name, arity).arguments]
    wrong = []
    for point in itertools.product(POINTS if arity == 1 else FEWER, repeat=arity - any(literal)):
        given_ = {c: [v] for c, v in zip("xy", point, strict=False)}
        arguments = [column(c) for c in "xy"[: len(point)]] + [Tree("2", None)] * any(literal)  # type: ignore[arg-type]
        f = call(name, *arguments).sql
        try:
            relations.run(f"SELECT {f} AS f FROM t", {"t": given_})
        except GatewayError:
            continue  # the function itself is refused there
        for index, wrt in enumerate("xy"[: len(point)]):
            (row,) = relations.run(f"SELECT grad({f}, {wrt}) AS g FROM t", {"t": given_})
            if not agree(name, index, point + (2.0,) * any(literal), row["g"]):
                wrong.append(f"grad({f}, {wrt}) at {point} is {row['g']}")
    assert not wrong


# Kinks, ends of domains, what is no number; some rows have no value and are told so by an error.
EDGES: dict[str, list[Any]] = {
    "x": [-1.0, 0.0, 0.5, 1.0, 2.0, math.nan, None, 0.0, -2.0, math.inf],
    "y": [0.0, 0.0, 1.0, 1.0, -2.0, 0.5, 0.0, math.nan, None, 1.0],
    "r": [0.0, 1.0, 0.5, None, 2.0, -1.0, 0.0, 1.0, -0.5, 0.0],
    "n": [0, 1, -1, 2, 1, 0, 3, None, -2, 1],
}


@given(f=expressions(NAMES, 4, led=False), variables=VARIABLES, order=st.sampled_from([1, 1, 1, 2]))
@examples(8, **_SETTINGS)
def test_compositions_at_edges(f: Tree, variables: tuple[str, ...], order: int) -> None:
    """A number is JAX's where its modes agree; NULL and errors stand where the function's do."""
    missing = {name: jnp.array([v is None for v in values]) for name, values in EDGES.items()}
    numbers = {
        name: jnp.array([jax_functions.HARMLESS if v is None else float(v) for v in values])
        for name, values in EDGES.items()
    }

    def function(numbers: dict[str, Any]) -> jax_functions.Value:
        columns = {name: (numbers[name], missing[name]) for name in numbers}
        return f.value(jax_functions, columns)

    below = function
    for wrt in variables[: order - 1]:
        below = derivative(below, wrt)
    with jax.disable_jit():
        values_, slopes, others = (
            _listed(each(numbers))
            for each in (function, derivative(below, variables[order - 1]),
                         pulled(below, variables[order - 1]))
        )  # fmt: skip
    asked = nested(f.sql, variables[:order])[-1]
    note(asked)
    try:
        pairs = list(zip(by_rows(f"SELECT {f.sql} AS v FROM t"),
                         by_rows(f"SELECT {asked} AS v FROM t"), strict=True))  # fmt: skip
    except GatewayError as error:
        assert error.code in ("0A000", "22012")  # for every row
        return
    for (value, slope), *theirs in zip(pairs, values_, slopes, others, strict=True):
        if isinstance(value, GatewayError):
            continue
        assert not isinstance(slope, GatewayError) and (value is None) == (slope is None)
        known = [v for v in (value, slope, *theirs) if v is not None and not math.isnan(v)]
        if len(known) == 5 and known[0] == pytest.approx(known[2]) and known[3] == known[4]:
            assert known[1] == pytest.approx(known[3], rel=1e-6, abs=1e-6)


def pulled(function: Function, wrt: str) -> Function:
    """Its partial derivative in reverse mode."""

    def partial(numbers: dict[str, Any]) -> jax_functions.Value:
        def along(moved: Any) -> jax_functions.Value:
            return function({**numbers, wrt: moved})

        _, pull, missing = jax.vjp(along, numbers[wrt], has_aux=True)
        return pull(jnp.ones_like(numbers[wrt]))[0], missing

    return partial


def by_rows(query: str, first: int = 0, last: int = 10) -> list[Any]:
    """What each of the rows at edges gives, or its error; all together where there is none."""
    rows = {name: values[first:last] for name, values in EDGES.items()}
    try:
        found = [row["v"] for row in relations.run(query, {"t": rows})]
        return [None if value is None else float(value) for value in found]
    except GatewayError as error:
        if last - first == 1:
            return [error]
    middle = (first + last) // 2
    return by_rows(query, first, middle) + by_rows(query, middle, last)


def _rule(name: str, arity: int) -> Rule:
    found_ = [r for r in RULES if (r.name, len(r.arguments)) == (name, arity)]
    return found_[0] if found_ else Rule(f"{name}({', '.join('xyz'[:arity])})", (None,) * arity)
