"""jvp along a relation of tangents, vjp of a query of several rows: JAX and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gateway.errors import (
    CardinalityViolation,
    FeatureNotSupported,
    GatewayError,
    InvalidColumnReference,
    NotDifferentiable,
    UndefinedColumn,
)
from tests.autodiff.jax_functions import jax, jnp
from tests.autodiff.relations import KEYS, rewritten, run
from tests.autodiff.test_jax_pullback import HIDDEN, NETWORK, A, B, X, loss, values

_random = np.random.default_rng(11)
DIRECTION = _random.normal(size=A.shape)
OTHER = _random.normal(size=B.shape)


def hidden(a: Any) -> Any:
    return jnp.tanh(X @ a)


def guess(a: Any, b: Any) -> Any:
    return hidden(a) @ b


def numbers(rows: list[dict[str, object]], name: str = "g") -> list[object]:
    return [row[name] for row in rows]


DA = f", da(i, h, v) AS ({values(DIRECTION)})"
DB = f", db(h, v) AS ({values(OTHER)})"


def test_forward_along_a_table_through_a_network() -> None:
    value, wanted = jax.jvp(hidden, (A,), (DIRECTION,))
    found = run(
        f"{NETWORK}{DA} SELECT v, jvp(v, a.v, da) AS g FROM hidden ORDER BY s, h",
        {},
    )
    assert numbers(found, "v") == pytest.approx(value.ravel().tolist(), rel=1e-12)
    assert numbers(found) == pytest.approx(wanted.ravel().tolist(), rel=1e-12)


def test_forward_through_two_stages() -> None:
    wanted = jax.jvp(lambda a: guess(a, B), (A,), (DIRECTION,))[1]
    found = run(f"{NETWORK}{DA} SELECT jvp(v, a.v, da) AS g FROM guess ORDER BY s", {})
    assert numbers(found) == pytest.approx(wanted.tolist(), rel=1e-12)


def test_along_two_tables_at_once_and_apart() -> None:
    both = jax.jvp(guess, (A, B), (DIRECTION, OTHER))[1]
    alone = jax.jvp(lambda b: guess(A, b), (B,), (OTHER,))[1]
    found = run(
        f"{NETWORK}{DA}{DB} SELECT jvp(v, a.v, da, b.v, db) AS g, jvp(v, b.v, db) AS h "
        "FROM guess ORDER BY s",
        {},
    )
    assert numbers(found) == pytest.approx(both.tolist(), rel=1e-12)
    assert numbers(found, "h") == pytest.approx(alone.tolist(), rel=1e-12)


def test_one_number_for_every_row() -> None:
    wanted = jax.jvp(lambda a: guess(a, B), (A,), (np.full_like(A, 2.0),))[1]
    found = run(f"{NETWORK} SELECT jvp(v, a.v, 2.0) AS g FROM guess ORDER BY s", {})
    assert numbers(found) == pytest.approx(wanted.tolist(), rel=1e-12)


def test_a_loss_in_the_select_of_the_marker() -> None:
    wanted = jax.jvp(lambda a: loss(a, B), (A,), (DIRECTION,))[1]
    found = run(
        f"{NETWORK}{DA} SELECT jvp(avg((guess.v - y.v) ^ 2), a.v, da) AS g "
        "FROM guess JOIN y USING (s)",
        {},
    )
    assert numbers(found) == pytest.approx([float(wanted)], rel=1e-12)


def test_second_order_along_two_tables() -> None:
    def along(b: Any) -> Any:
        return jax.jvp(lambda a: loss(a, b), (A,), (DIRECTION,))[1]

    wanted = jax.jvp(along, (B,), (OTHER,))[1]
    found = run(
        f"{NETWORK}{DA}{DB}, first AS (SELECT jvp(avg((guess.v - y.v) ^ 2), a.v, da) AS d "
        "FROM guess JOIN y USING (s)) SELECT jvp(d, b.v, db) AS g FROM first",
        {},
    )
    assert numbers(found) == pytest.approx([float(wanted)], rel=1e-10)


def test_the_jvp_of_a_gradient_is_the_hessian_times_a_direction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KEYS, "u", ("k",))
    weights: list[object] = list(A.ravel().tolist())
    rows = {"u": {"k": list(range(len(weights))), "w": weights}}
    layer = f"a(i, h, v) AS (SELECT k / {HIDDEN}, k % {HIDDEN}, w FROM u)"
    network = NETWORK.rstrip().replace(f"a(i, h, v) AS ({values(A)})", layer)
    along = "d AS (SELECT k, cos(k) AS w FROM u)"
    direction = np.cos(np.arange(len(weights))).reshape(A.shape)
    wanted = jax.jvp(jax.grad(lambda a: loss(a, B)), (A,), (direction,))[1].ravel().tolist()
    for asked in (
        "slopes AS (SELECT k, grad(loss, w) AS w FROM u) SELECT jvp(w, u.w, d) AS g FROM slopes",
        "e AS (SELECT 1) SELECT jvp(grad(loss, w), u.w, d) AS g FROM u",
        "slopes AS (SELECT k, grad(loss, w) AS w FROM u) SELECT vjp(slopes, w, d) AS g FROM u",
    ):
        found = run(f"{network}, {along}, {asked} ORDER BY k", rows)
        assert numbers(found) == pytest.approx(wanted, rel=1e-10)


def test_reverse_of_many_rows() -> None:
    """Cotangents for each sample and hidden unit, pulled back to the first layer."""
    cotangents = _random.normal(size=(len(X), HIDDEN))
    (wanted,) = jax.vjp(hidden, A)[1](cotangents)
    found = run(
        f"{NETWORK}, ct(s, h, v) AS ({values(cotangents)}) "
        "SELECT vjp(hidden, v, ct) AS g FROM a ORDER BY i, h",
        {},
    )
    assert numbers(found) == pytest.approx(wanted.ravel().tolist(), rel=1e-12)


def test_reverse_with_cotangents_that_are_computed_from_the_variable() -> None:
    """They are held: the gradient of half the squared error is the pullback of the error."""
    wanted = jax.grad(lambda a: jnp.sum(guess(a, B) ** 2) / 2)(A)
    found = run(
        f"{NETWORK}, ct AS (SELECT s, v FROM guess) SELECT vjp(guess, v, ct) AS g FROM a "
        "ORDER BY i, h",
        {},
    )
    assert numbers(found) == pytest.approx(wanted.ravel().tolist(), rel=1e-12)


def test_both_modes_agree() -> None:
    """What the rows of a direction count in the cotangents, forward and in reverse."""
    cotangents = _random.normal(size=len(X))
    text = f"{NETWORK}{DA}, ct(s, v) AS ({values(cotangents)})"
    forward = run(
        f"{text}, t AS (SELECT s, jvp(v, a.v, da) AS t FROM guess) "
        "SELECT sum(t * ct.v) AS g FROM t JOIN ct USING (s)",
        {},
    )
    reverse = run(
        f"{text}, g AS (SELECT i, h, vjp(guess, v, ct) AS g FROM a) "
        "SELECT sum(g.g * da.v) AS g FROM g JOIN da USING (i, h)",
        {},
    )
    assert numbers(forward) == pytest.approx(numbers(reverse), rel=1e-12)


# What reads u, a query `q` of keys and one value `v`, by what it shows; u moves along d.
ROWS: dict[str, dict[str, list[object]]] = {
    "u": {"k": [1, 2, 3, 4], "x": [0.3, -0.7, 1.1, None], "w": [0.5, 1.5, -0.25, 2.0]},
    "t": {"n": [1, 1, 2, 3, 3, 9], "x": [0.9, 1.7, -0.4, 2.2, 0.1, 5.0], "y": [1.0] * 6},
}
QUERIES = {
    "rows": "q AS (SELECT k, sin(w) * x AS v FROM u)",
    "a group": "q AS (SELECT n AS k, sum(t.x * u.w) AS v FROM t JOIN u ON n <= k GROUP BY n)",
    "an outer join": "q AS (SELECT n AS k, sum(t.x * coalesce(u.w, 2)) AS v"
    " FROM t LEFT JOIN u ON n = k GROUP BY n)",
    "HAVING": "q AS (SELECT k % 2 AS k, avg(w ^ 2) AS v FROM u GROUP BY k % 2 HAVING sum(k) > 1)",
    "a self-join": "q AS (SELECT a.k, sum(a.w * b.w) AS v FROM u AS a, u AS b GROUP BY a.k)",
    "a partition": "q AS (SELECT k, w / sum(w) OVER (PARTITION BY k % 2) AS v FROM u)",
    "lag": "q AS (SELECT k, w * lag(w) OVER (ORDER BY k) AS v FROM u)",
    "a running sum": "q AS (SELECT k, sum(w ^ 2) OVER (ORDER BY k) AS v FROM u)",
    "a correlated subquery": "q AS (SELECT k, w * (SELECT sum(b.w) FROM u AS b WHERE b.k < a.k)"
    " AS v FROM u AS a)",
    "LATERAL": "q AS (SELECT k, w * s AS v FROM u AS a, LATERAL (SELECT sum(b.w ^ 2) AS s FROM u"
    " AS b WHERE b.k >= a.k) AS l)",
    "two queries of one": "h AS (SELECT k, sin(w) AS e FROM u), q AS (SELECT k, e * (SELECT sum(w)"
    " FROM u AS b WHERE b.k > h.k) AS v FROM h)",
    "UNION ALL": "q AS (SELECT k, sin(w) AS v FROM u UNION ALL SELECT k + 10, w * w FROM u)",
    "LIMIT": "q AS (SELECT k, w * w AS v FROM u ORDER BY k LIMIT 2)",
    "a CTE read twice": "s AS (SELECT k, exp(w) AS e FROM u),"
    " q AS (SELECT a.k, sum(a.e * b.e) AS v FROM s AS a, s AS b GROUP BY a.k)",
    "CASE": "q AS (SELECT k, CASE WHEN k > 2 THEN w ^ 3 WHEN k > 1 THEN abs(w) END AS v FROM u)",
    "max": "q AS (SELECT k % 2 AS k, max(w) * min(x) AS v FROM u GROUP BY 1)",
    "deviations": "q AS (SELECT k % 2 AS k, stddev(w) AS v FROM u GROUP BY 1)",
    "FILTER": "q AS (SELECT k % 2 AS k, sum(w * w) FILTER (WHERE x > 0) AS v FROM u GROUP BY 1)",
    "ROLLUP": "q AS (SELECT k % 2 AS k, sum(w * w) AS v FROM u GROUP BY ROLLUP(k % 2))",
    "new names": "q(k, v) AS (SELECT k, tanh(w) FROM u AS r(x, w, y, k))",
    "a loop": "q(k, n, v) AS (SELECT k, 0, w FROM u UNION ALL"
    " SELECT k, n + 1, sin(v) + 0.1 * v FROM q WHERE n < 2)",
}
TANGENTS = [0.7, -0.4, 1.3, 0.25]
STEP = 1e-6


def _with(query: str) -> str:
    given = ", ".join(f"({k}, {t}::float8)" for k, t in enumerate(TANGENTS, 1))
    return f"WITH RECURSIVE d(k, w) AS (VALUES {given}), {query} "


def _moved(step: float) -> dict[str, dict[str, list[object]]]:
    was: list[Any] = ROWS["u"]["w"]
    return ROWS | {
        "u": ROWS["u"] | {"w": [w + step * t for w, t in zip(was, TANGENTS, strict=True)]}
    }


@pytest.mark.parametrize("name", QUERIES)
def test_forward_is_the_central_difference(name: str) -> None:
    text = _with(QUERIES[name])
    order = "ORDER BY k NULLS FIRST, " + ("n" if name == "a loop" else "v")
    found = run(f"{text} SELECT k, v, jvp(v, u.w, d) AS g FROM q {order}", ROWS)
    here, high, low = (run(f"{text} SELECT * FROM q {order}", _moved(s)) for s in (0, STEP, -STEP))
    assert numbers(found, "v") == numbers(here, "v")
    for row, above, below in zip(found, high, low, strict=True):
        up: Any = above["v"]
        down: Any = below["v"]
        wanted = None if up is None else pytest.approx((up - down) / (2 * STEP), abs=1e-6)
        assert row["g"] == wanted


# Each row of q has a cotangent of its own, and what they come to is moved in each row of u.
FORWARD_ONLY = ("a loop", "ROLLUP", "UNION ALL", "LIMIT", "new names")


@pytest.mark.parametrize("name", [name for name in QUERIES if name not in FORWARD_ONLY])
def test_reverse_is_the_central_difference(name: str) -> None:
    given = "ct AS (SELECT n AS k, 0.5 + 0.25 * n AS v FROM generate_series(0, 9) AS s(n))"
    text = f"WITH {QUERIES[name]}, {given}"
    found = run(f"{text} SELECT k, vjp(q, w, ct) AS g FROM u ORDER BY k", ROWS)
    was: list[Any] = ROWS["u"]["w"]
    for at, row in enumerate(found):
        sums: list[Any] = []
        for step in (STEP, -STEP):
            moved = [w + step * (n == at) for n, w in enumerate(was)]
            rows = ROWS | {"u": ROWS["u"] | {"w": moved}}
            total = run(f"{text} SELECT sum(q.v * ct.v) AS s FROM q JOIN ct USING (k)", rows)
            sums.append(total[0]["s"])
        assert row["g"] == pytest.approx((sums[0] - sums[1]) / (2 * STEP), abs=1e-6)


D = "WITH d AS (SELECT k, 1.0 AS w FROM u)"


def test_a_marker_in_a_subquery_moves_what_the_rows_around_it_read_too() -> None:
    text = _with("h AS (SELECT k, w ^ 2 AS v FROM u)")
    inside = "(SELECT {} FROM u AS b WHERE b.k <> h.k)"
    for f in ("h.v * sum(b.w)", "sum(h.v * b.w ^ 2)", "sum(b.w) + h.v"):
        subquery = inside.format(f)
        whole = run(f"{text} SELECT k, jvp({subquery}, u.w, d) AS g FROM h ORDER BY k", ROWS)
        part = inside.format(f"jvp({f}, u.w, d)")
        found = run(f"{text} SELECT k, {part} AS g FROM h ORDER BY k", ROWS)
        assert numbers(found) == pytest.approx(numbers(whole))
    alone = run(f"{text} SELECT k, (SELECT jvp(h.v, u.w, d)) AS g FROM h ORDER BY k", ROWS)
    plain = run(f"{text} SELECT k, jvp(v, u.w, d) AS g FROM h ORDER BY k", ROWS)
    assert numbers(alone) == numbers(plain)


REFUSED: dict[str, tuple[type[GatewayError], str]] = {
    "WITH d AS (SELECT k, 1.0 AS v FROM u) SELECT jvp(w, u.w, d) FROM u":
        (UndefinedColumn, 'no column "w"'),
    "WITH d AS (SELECT k AS z, 1.0 AS w FROM u) SELECT jvp(w, u.w, d) FROM u":
        (UndefinedColumn, 'none of "u"'),
    f"{D} SELECT jvp(w, u.z, d) FROM u":
        (UndefinedColumn, "u.z does not"),
    f"{D} SELECT jvp(x, u.w, d) FROM t":
        (NotDifferentiable, "nothing here"),
    f"{D} SELECT jvp(a.w * b.w, a.w, d) FROM u AS a, u AS b":
        (FeatureNotSupported, "every reading"),
    f"{D} SELECT jvp(w * t.x, u.w, d, t.x, 1.0) FROM u, t":
        (FeatureNotSupported, "either relations"),
    f"{D} SELECT jvp(w, u.w, t.x, d) FROM u, t":
        (InvalidColumnReference, "one table"),
    f"{D}, q AS (SELECT DISTINCT w FROM u) SELECT jvp(w, u.w, d) FROM q":
        (NotDifferentiable, "cannot follow"),
    f"{D}, q AS (SELECT w, count(*) AS n FROM u GROUP BY w) SELECT jvp(w, u.w, d) FROM q":
        (NotDifferentiable, "cannot follow"),
    f"{D}, q AS (SELECT jvp(sum(w), u.w, d) FROM u) SELECT grad(q, w) FROM u":
        (NotDifferentiable, "cannot follow jvp"),
    "WITH ct AS (SELECT k, 1.0 AS z FROM u), q AS (SELECT k, w FROM u) "
    "SELECT vjp(q, w, ct) FROM u":
        (UndefinedColumn, "no column"),
    "WITH ct AS (SELECT k, 1.0 AS w FROM u), q AS (SELECT k, x AS w FROM u) "
    "SELECT vjp(q, w, ct) FROM u":
        (NotDifferentiable, "does not depend"),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    kind, message = REFUSED[text]
    with pytest.raises(GatewayError, match=message) as caught:
        rewritten(text)
    assert isinstance(caught.value, kind)
    assert caught.value.position


@pytest.mark.parametrize(
    "asked",
    ["SELECT jvp(sum(w), u.w, d) FROM u", "SELECT vjp(q, w, d) FROM u"],
)
def test_two_rows_for_one(asked: str) -> None:
    text = "WITH d(k, w) AS (VALUES (1, 1.0), (1, 2.0)), q AS (SELECT k, w FROM u) "
    with pytest.raises(CardinalityViolation, match="several rows for one"):
        run(text + asked, ROWS)


def test_rows_that_are_lacking_and_nulls_count_for_nothing() -> None:
    text = (
        "WITH d(k, w) AS (VALUES (1, 1.0), (2, NULL), (77, 5.0)),"
        " q AS (SELECT k, w * w AS w FROM u) "
    )
    forward = run(text + "SELECT jvp(w * w, u.w, d) AS g FROM u ORDER BY k", ROWS)
    reverse = run(text + "SELECT vjp(q, w, d) AS g FROM u ORDER BY k", ROWS)
    assert numbers(forward) == numbers(reverse) == [1.0, 0.0, 0.0, 0.0]
