"""Which positions along each dimension a filter can touch, and what is left to ask of each row.

A filter is a list of conditions that must all hold. One that looks at a single dimension has the
same answer for every row at a position, so it is settled here, once, on the one-dimensional
coordinate; the chunks it rules out are never read. The rest is applied row by row. Both halves
together are the filter, exactly: the engine does not check again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    @property
    def is_settled(self) -> bool:
        """Whether the positions tell which rows are left, and nothing more has to be asked."""
        return self.whole is None and not self.nodes

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
    conditions = list(predicates.conjuncts(tree))
    left = [node for node in conditions if _dimension(node, dimensions) is None]
    return Pruned(_all_of([_touched(node, dimensions, coordinate) for node in conditions]),
                  tuple(left))  # fmt: skip


def _dimension(node: predicates.Node, dimensions: Mapping[str, str]) -> str | None:
    """The one dimension that a condition looks at."""
    on = {dimensions.get(name) for name in predicates.names(node)}
    return on.pop() if len(on) == 1 else None


def _touched(
    node: predicates.Node,
    dimensions: Mapping[str, str],
    coordinate: Callable[[str], pa.Array],
) -> dict[str, Positions]:
    """Positions along dimensions at which alone a condition can be true.

    ``time < a AND lat > 0 OR time > b AND lat < 0`` is true nowhere between `a` and `b`.
    """
    dimension = _dimension(node, dimensions)
    if dimension is not None:
        return {dimension: _holds(node, coordinate)}
    if not isinstance(node, predicates.Call) or node.function not in ("and_kleene", "or_kleene"):
        return {}
    parts = [_touched(part, dimensions, coordinate) for part in node.arguments]
    if node.function == "and_kleene":
        return _all_of(parts)
    return {
        dim: np.unique(np.concatenate([part[dim] for part in parts]))
        for dim in parts[0]
        if all(dim in part for part in parts)
    }


def _all_of(parts: Sequence[Mapping[str, Positions]]) -> dict[str, Positions]:
    """The positions that are in all of them."""
    found: dict[str, Positions] = {}
    for part in parts:
        for dim, positions in part.items():
            known = found.get(dim)
            found[dim] = (
                positions if known is None else np.intersect1d(known, positions, assume_unique=True)
            )
    return found


def _holds(node: predicates.Node, coordinate: Callable[[str], pa.Array]) -> Positions:
    """Positions at which `node`, over coordinates of one dimension, is true."""
    columns = {name: coordinate(name) for name in predicates.names(node)}
    rows = len(next(iter(columns.values())))
    mask = predicates.evaluate(node, columns, rows)
    return np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False))


def consecutive(positions: Positions) -> slice | Positions:
    """A slice where positions are consecutive: arrays give a view, and stores read it in one."""
    if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
