"""Which positions along each dimension a filter can touch, and what is left to ask of each row.

A filter is a list of conditions that must all hold. One that looks at a single dimension has the
same answer for every row at a position, so it is settled here, once, on the one-dimensional
coordinate; the chunks it rules out are never read. The rest is applied row by row. Both halves
together are the filter, exactly: the engine does not check again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.filters import predicates

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Pruned:
    """A filter, settled as far as coordinates settle it.

    `positions` holds, for each dimension that was restricted, the positions that remain,
    ascending. `nodes` are the conditions left over, `whole` a filter that was not understood.
    """

    positions: Mapping[str, Positions] = field(default_factory=dict)
    nodes: tuple[predicates.Node, ...] = ()
    whole: pc.Expression | None = None

    def within(self, chosen: Mapping[str, Positions]) -> Pruned:
        """The same among the positions `chosen` alone."""
        if not chosen:
            return self
        both = dict(self.positions)
        for dim, positions in chosen.items():
            known = both.get(dim)
            both[dim] = (
                positions if known is None else np.intersect1d(known, positions, assume_unique=True)
            )
        return Pruned(both, self.nodes, self.whole)

    @property
    def columns(self) -> frozenset[str] | None:
        """Columns that `mask` looks at; None when it may look at any."""
        if self.whole is not None:
            return None
        return frozenset().union(*map(predicates.names, self.nodes))

    def mask(self, batch: pa.RecordBatch) -> pa.BooleanArray | None:
        """For which rows of `batch` all that was left over is true; None: for all."""
        if self.whole is not None:
            numbered = batch.append_column("", pa.array(range(batch.num_rows), pa.int64()))
            mask = np.zeros(batch.num_rows, np.bool_)
            mask[numbered.filter(self.whole).column("").to_numpy()] = True
            return pa.array(mask)
        if not self.nodes:
            return None
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        mask = predicates.evaluate(self.nodes[0], columns, batch.num_rows)
        for node in self.nodes[1:]:
            mask = pc.and_kleene(mask, predicates.evaluate(node, columns, batch.num_rows))
        return mask

    def remaining(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of `batch` for which all that was left over is true."""
        if self.whole is not None:
            return batch.filter(self.whole)
        mask = self.mask(batch)
        return batch if mask is None else batch.filter(mask)


def prune(
    predicate: pc.Expression | None,
    dimensions: Mapping[str, str],
    coordinate: Callable[[str], pa.Array],
) -> Pruned:
    """Settle `predicate` on the coordinates.

    Args:
        predicate: What every row must satisfy; None is satisfied by all.
        dimensions: Each one-dimensional coordinate column, and the dimension it lies on.
        coordinate: The values of such a column, one for each position of its dimension.

    >>> latitude = pa.array([90.0, 45.0, 0.0, -45.0, None])
    >>> condition = (pc.field("latitude") < 50) & (pc.field("t") > 3)
    >>> pruned = prune(condition, {"latitude": "y"}, lambda name: latitude)
    >>> pruned.positions["y"].tolist(), sorted(pruned.columns)
    ([1, 2, 3], ['t'])
    """
    if predicate is None:
        return Pruned()
    tree = predicates.read(predicate)
    if tree is None:
        return Pruned(whole=predicate)
    positions: dict[str, Positions] = {}
    left: list[predicates.Node] = []
    for node in predicates.conjuncts(tree):
        on = {dimensions.get(name) for name in predicates.names(node)}
        dimension = on.pop() if len(on) == 1 else None
        if dimension is None:
            left.append(node)
            continue
        found = _holds(node, coordinate)
        known = positions.get(dimension)
        positions[dimension] = (
            found if known is None else np.intersect1d(known, found, assume_unique=True)
        )
    return Pruned(positions, tuple(left))


def _holds(node: predicates.Node, coordinate: Callable[[str], pa.Array]) -> Positions:
    """Positions at which `node`, over coordinates of one dimension, is true."""
    columns = {name: coordinate(name) for name in predicates.names(node)}
    rows = len(next(iter(columns.values())))
    mask = predicates.evaluate(node, columns, rows)
    return np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False))
