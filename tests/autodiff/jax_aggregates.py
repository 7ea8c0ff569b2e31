"""What every aggregate with a rule means, in JAX: a row for each group, a column for each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.autodiff.jax_functions import jnp


class Rows:
    """The rows of each group in which no argument is missing; the last argument is `x`."""

    def __init__(self, counted: Any, *arguments: Any) -> None:
        self.counted, self.n = counted, jnp.sum(counted, axis=1)
        self.y, self.x = arguments[0], arguments[-1]

    def sum(self, values: Any) -> Any:
        return jnp.sum(jnp.where(self.counted, values, 0.0), axis=1)

    def mean(self, values: Any) -> Any:
        return self.sum(values) / self.n

    def centred(self, values: Any) -> Any:
        return values - self.mean(values)[:, None]

    def moment(self, left: Any, right: Any) -> Any:
        """The sum of the products of what they differ from their means."""
        return self.sum(self.centred(left) * self.centred(right))

    @property
    def slope(self) -> Any:
        return self.moment(self.y, self.x) / self.moment(self.x, self.x)


AGGREGATES: dict[str, Callable[[Rows], Any]] = {
    "sum": lambda g: g.sum(g.x),
    "avg": lambda g: g.mean(g.x),
    "count": lambda g: 0.0 * g.n + g.n,
    "min": lambda g: jnp.min(jnp.where(g.counted, g.x, jnp.inf), axis=1),
    "max": lambda g: jnp.max(jnp.where(g.counted, g.x, -jnp.inf), axis=1),
    "var_pop": lambda g: g.moment(g.x, g.x) / g.n,
    "var_samp": lambda g: g.moment(g.x, g.x) / (g.n - 1),
    "stddev_pop": lambda g: jnp.sqrt(g.moment(g.x, g.x) / g.n),
    "stddev_samp": lambda g: jnp.sqrt(g.moment(g.x, g.x) / (g.n - 1)),
    "covar_pop": lambda g: g.moment(g.y, g.x) / g.n,
    "covar_samp": lambda g: g.moment(g.y, g.x) / (g.n - 1),
    "corr": lambda g: g.moment(g.y, g.x) / jnp.sqrt(g.moment(g.y, g.y) * g.moment(g.x, g.x)),
    "regr_count": lambda g: 0.0 * g.n + g.n,
    "regr_avgx": lambda g: g.mean(g.x),
    "regr_avgy": lambda g: g.mean(g.y),
    "regr_sxx": lambda g: g.moment(g.x, g.x),
    "regr_syy": lambda g: g.moment(g.y, g.y),
    "regr_sxy": lambda g: g.moment(g.y, g.x),
    "regr_slope": lambda g: g.slope,
    "regr_intercept": lambda g: g.mean(g.y) - g.slope * g.mean(g.x),
    "regr_r2": lambda g: g.moment(g.y, g.x) ** 2 / (g.moment(g.y, g.y) * g.moment(g.x, g.x)),
}
