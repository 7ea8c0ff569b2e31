"""The gradients of a small network, written as joins and groups, against JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.autodiff.jax_functions import jax, jnp
from tests.autodiff.relations import KEYS, run

SAMPLES, INPUTS, HIDDEN = 5, 3, 4
_random = np.random.default_rng(7)
X = _random.normal(size=(SAMPLES, INPUTS))
Y = _random.normal(size=SAMPLES)
A = _random.normal(size=(INPUTS, HIDDEN))
B = _random.normal(size=HIDDEN)


def values(array: np.ndarray[Any, Any]) -> str:
    """A relation of an array: its indexes, then its value."""
    rows = (
        f"({', '.join(map(str, at))}, {value!r}::float8)" for at, value in np.ndenumerate(array)
    )
    return f"VALUES {', '.join(rows)}".replace("np.float64(", "(")


NETWORK = f"""WITH x(s, i, v) AS ({values(X)}), y(s, v) AS ({values(Y)}),
a(i, h, v) AS ({values(A)}), b(h, v) AS ({values(B)}),
hidden AS (SELECT s, h, tanh(sum(x.v * a.v)) AS v FROM x JOIN a USING (i) GROUP BY s, h),
guess AS (SELECT s, sum(hidden.v * b.v) AS v FROM hidden JOIN b USING (h) GROUP BY s),
loss AS (SELECT avg((guess.v - y.v) ^ 2) FROM guess JOIN y USING (s))
"""


def loss(a: Any, b: Any) -> Any:
    return jnp.mean((jnp.tanh(X @ a) @ b - Y) ** 2)


def softmax(a: Any) -> Any:
    """The cross entropy of logits x a, each sample's label being its number modulo the classes."""
    labels = jnp.arange(SAMPLES) % HIDDEN
    return -jnp.mean(jax.nn.log_softmax(X @ a)[jnp.arange(SAMPLES), labels])


CROSS_ENTROPY = f"""WITH x(s, i, v) AS ({values(X)}), a(i, h, v) AS ({values(A)}),
logit AS (SELECT s, h, sum(x.v * a.v) AS v FROM x JOIN a USING (i) GROUP BY s, h),
top AS (SELECT s, max(v) AS v FROM logit GROUP BY s),
mass AS (SELECT s, sum(exp(logit.v - top.v)) AS v FROM logit JOIN top USING (s) GROUP BY s),
loss AS (SELECT avg(ln(mass.v) + top.v - logit.v) FROM logit JOIN top USING (s) JOIN mass USING (s)
         WHERE h = s % {HIDDEN})
"""


def normalised(a: Any) -> Any:
    """Cross entropy with a penalty; the logits of a sample have mean 0 and deviation 1."""
    logits = X @ a
    logits = (logits - logits.mean(1, keepdims=True)) / logits.std(1, keepdims=True)
    labels = jnp.arange(SAMPLES) % HIDDEN
    entropy = -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(SAMPLES), labels])
    return entropy + 0.01 * jnp.sum(a**2)


# The same over windows, the penalty in a subquery.
WINDOWS = f"""WITH x(s, i, v) AS ({values(X)}), a(i, h, v) AS ({values(A)}),
product AS (SELECT s, h, sum(x.v * a.v) AS v FROM x JOIN a USING (i) GROUP BY s, h),
logit AS (SELECT s, h, (v - avg(v) OVER (PARTITION BY s)) / stddev_pop(v) OVER (PARTITION BY s) AS v
          FROM product),
chance AS (SELECT s, h, exp(v) / sum(exp(v)) OVER (PARTITION BY s) AS p FROM logit),
loss AS (SELECT -avg(ln(p)) + 0.01 * (SELECT sum(v ^ 2) FROM a) FROM chance WHERE h = s % {HIDDEN})
"""


def test_both_layers_of_a_network() -> None:
    wanted_a, wanted_b = jax.grad(loss, (0, 1))(A, B)
    found = run(f"{NETWORK} SELECT grad(loss, v) AS g FROM a ORDER BY i, h", {})
    assert [row["g"] for row in found] == pytest.approx(wanted_a.ravel().tolist(), rel=1e-12)
    found = run(f"{NETWORK} SELECT grad(loss, v) AS g FROM b ORDER BY h", {})
    assert [row["g"] for row in found] == pytest.approx(wanted_b.tolist(), rel=1e-12)


def test_a_softmax_with_its_maximum() -> None:
    wanted = jax.grad(softmax)(A)
    found = run(f"{CROSS_ENTROPY} SELECT grad(loss, v) AS g FROM a ORDER BY i, h", {})
    assert [row["g"] for row in found] == pytest.approx(wanted.ravel().tolist(), rel=1e-10)


def test_windows_over_each_sample_and_a_penalty() -> None:
    wanted = jax.grad(normalised)(A)
    found = run(f"{WINDOWS} SELECT grad(loss, v) AS g FROM a ORDER BY i, h", {})
    assert [row["g"] for row in found] == pytest.approx(wanted.ravel().tolist(), rel=1e-10)


def test_the_hessian_times_a_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the network's loss by its first layer, the weights being rows of a table with a key."""
    monkeypatch.setitem(KEYS, "u", ("k",))
    weights: list[object] = list(A.ravel().tolist())
    rows = {"u": {"k": list(range(len(weights))), "w": weights}}
    layer = f"a(i, h, v) AS (SELECT k / {HIDDEN}, k % {HIDDEN}, w FROM u)"
    network = NETWORK.rstrip().replace(f"a(i, h, v) AS ({values(A)})", layer)
    found = run(
        f"""{network}, along AS (SELECT sum(grad(loss, w) * cos(k)) FROM u)
        SELECT grad(along, w) AS g FROM u ORDER BY k""",
        rows,
    )
    direction = np.cos(np.arange(len(weights))).reshape(A.shape)
    by_a = jax.grad(lambda a: loss(a, B))
    wanted = jax.jvp(by_a, (A,), (direction,))[1]
    assert [row["g"] for row in found] == pytest.approx(wanted.ravel().tolist(), rel=1e-10)
