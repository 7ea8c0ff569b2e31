"""An xarray dataset's variables on one set of dimensions as a table of rows.

The rows are those of `Dataset.to_dataframe()`: one for each combination of positions, row-major.
The columns are the dimension coordinates, then the variables, then every other coordinate that
lies on these dimensions or fewer. A dimension without a coordinate counts 0, 1, 2, ...

Nothing is read when a table is made but coordinates. A scan reads block by block; a block is a
box of whole chunks, as many as make about a million rows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import count, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported
from gateway.sources.arithmetic.along import Along, axis_of, result_dtype
from gateway.sources.filters.pruning import Positions, Pruned, prune
from gateway.sources.grid.block_shapes import MOST_READS, boxes_along, in_order, of_whole_chunks
from gateway.sources.grid.layout import grid_columns
from gateway.sources.grid.partition import GridPartition
from gateway.sources.libraries import xarray
from gateway.sources.reading.blocks import AnyColumn, Arrays
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.reading.columns import comment_of
from gateway.sources.reading.made_columns import DerivedColumn, LaidColumn
from gateway.sources.reading.scanning import Reader, read_axis
from gateway.sources.reading.stored import GridColumn, stored_state
from gateway.sources.reading.top_rows import First
from gateway.sources.table import Description, Table, TableName
from gateway.sources.timeouts import Patience

# Rows in a block, unless one chunk has more: 8 MB for a variable of doubles.
BLOCK_ROWS = 1 << 20

# Parts that a table is scanned in. Few: the engine pays for each (5840 fragments took 1303 ms
# where 13 took 19 ms), and each holds a block while it is read, whatever threads the engine has; so
# there are no more of them than cores to feed.
PARTITIONS = min(16, max(2, os.cpu_count() or 1))

_SERIALS = count()  # tells the chunks of one table in a cache from those of any other


class GridTable:
    """Some variables of a dataset, all on one set of dimensions, as a table.

    Args:
        dataset: Where the variables and their coordinates are.
        variables: Names of data variables on the same set of dimensions, in any order of it; the
            first gives the order of the rows. None at all makes a table of coordinates.
        dims: The dimensions in order; those of the first variable when None.
        name: What to call the dataset in messages.

    Raises:
        FeatureNotSupported: 0A000, a column's type has no PostgreSQL type; names the variable.
    """

    POSITION = "gradwire position"  # a column's name that no variable is likely to have

    def __init__(
        self,
        dataset: xarray.Dataset,
        variables: Sequence[str],
        dims: Sequence[str] | None = None,
        name: str = "",
    ) -> None:
        self.name = name
        self.dims = tuple(map(str, dataset[variables[0]].dims if dims is None else dims))
        self._sizes = {dim: dataset.sizes[dim] for dim in self.dims}
        self._columns: dict[str, AnyColumn] = {**grid_columns(dataset, self.dims, variables)}
        self._attrs = dataset.attrs
        self._chosen: Mapping[str, Positions] = {}
        self.first: First | None = None  # the rows alone that may be among these need come
        self.is_flipped = False  # whether the leading dimension is read from its end
        self._keys: int | None = None  # leading dimensions that a query sorts by
        self._reads: TableReads | None = None
        self._cache: ChunkCache | None = None
        self.presence: Callable[[], int] | None = None  # as `cached` was told
        self._patience: Patience | None = None
        self._serial = next(_SERIALS)
        self.base: TableName | None = None  # what it is called in SQL, under a name beside that
        self._axes: dict[str, pa.Array] = {}

    @cached_property
    def schema(self) -> pa.Schema:
        """Column names and types; cftime dates tell their calendar in the field's metadata."""
        return pa.schema([column.field for column in self._columns.values()])

    @property
    def description(self) -> Description:
        """The dataset's title, else its long_name; long_name and units of every variable."""
        own = {str(name): value for name, value in self._attrs.items()}
        found = {name: column.attributes for name, column in self._columns.items()}
        columns = {name: summary for name, held in found.items() if (summary := comment_of(held))}
        comment = str(own.get("title") or own.get("long_name") or "")
        return Description(comment, columns, {"": own, **found})

    @property
    def stored(self) -> dict[str, GridColumn]:
        """The columns whose values are stored, by their names."""
        return {n: c for n, c in self._columns.items() if isinstance(c, GridColumn)}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return math.prod(self._sizes.values())

    def partitions(
        self, predicate: pc.Expression | None, most: int | None = None
    ) -> Sequence[GridPartition]:
        """The parts that can hold a row for which `predicate` is true, in storage order."""
        pruned = self.prune(predicate)
        sizes = zip(self._sizes.items(), self.block_shape, strict=True)
        boxes = [boxes_along(size, n, pruned.positions.get(dim)) for (dim, size), n in sizes]
        blocks = math.prod(map(len, boxes))
        parts = min(blocks, (most or PARTITIONS) if not self._sums else 1)
        edges = [blocks * part // parts for part in range(parts + 1)] if parts else []
        return [
            GridPartition(self, boxes, range(low, high), predicate, pruned)
            for low, high in pairwise(edges)
        ]

    def prune(self, predicate: pc.Expression | None) -> Pruned:
        """`predicate`, settled on this table's coordinates."""
        dimensions = {name: c.axis for name, c in self._columns.items() if c.axis is not None}
        return prune(predicate, dimensions, self.axis).within(self._chosen)

    def restricted(self, positions: Mapping[str, Positions]) -> GridTable:
        """This table with the rows alone at some positions of some dimensions; both ascending."""
        narrower = copy(self)
        chosen = {
            dim: np.intersect1d(self._chosen[dim], at) if dim in self._chosen else at
            for dim, at in positions.items()
        }
        narrower._chosen = {**self._chosen, **chosen}
        return narrower

    def known_as(self, name: TableName) -> GridTable:
        """This table under another name than the one that SQL has for it."""
        other = copy(self)
        other.base = name
        return other

    @property
    def is_whole(self) -> bool:
        """Whether no row has been let go of."""
        return not self._chosen and self.first is None

    def leading(self, first: First) -> GridTable:
        """This table with no need to give a row that cannot be among the first by some column."""
        fewer = copy(self)
        fewer.first = first
        return fewer

    @property
    def keys(self) -> int | None:
        """By how many leading dimensions rows must come in order; None: just as they are stored."""
        if self._keys is not None:
            return self._keys
        return 0 if self.rows > BLOCK_ROWS and not self._sums else None

    def sorted_by(self, keys: Sequence[tuple[str, bool]]) -> GridTable | None:
        """This table, read in the order of some columns; None where it cannot be read so.

        Args:
            keys: A column and whether it descends; the first counts most.
        """
        found = next(
            (g for g in (self, self._flipped()) if g is not None and g._rises_by(keys)), None
        )
        found = found._in_order() if found is not None else None
        if found is not None:
            found._keys = len(keys)
        return found

    def _flipped(self) -> GridTable | None:
        """This table in storage order, but with the leading dimension from its end to its start.

        None where it cannot be read so: there is no dimension, or a column is summed up along one.
        """
        if not self.dims or self._sums:
            return None
        turned = copy(self)
        turned.is_flipped = not self.is_flipped
        return turned

    def watched(self, reads: TableReads) -> GridTable:
        """This table, noting in `reads` the chunks that its scans read."""
        watched = copy(self)
        watched._reads = reads
        return watched

    def cached(
        self,
        cache: ChunkCache,
        presence: Callable[[], int] | None = None,
        patience: Patience | None = None,
    ) -> GridTable:
        """This table, its chunks held in a cache that others share.

        Args:
            cache: The cache.
            presence: Tells whether its files have changed, and raises where they are others.
            patience: How long a read of what is far away may take; None: it is near.
        """
        sharing = copy(self)
        sharing._cache, sharing.presence = cache, presence
        sharing._patience = patience
        return sharing

    def state(self) -> Hashable | None:
        """What tells the values that are stored now from others; None where that is not known.

        What is in memory stays, and so does what is behind a URL, until it is opened anew.
        """
        return stored_state(self.stored.values(), self.presence)

    def dimension_of(self, column: str) -> str | None:
        """The dimension on whose position alone a column depends; None when there is none."""
        found = self._columns.get(column)
        return None if found is None else found.axis

    def dtype(self, name: str) -> np.dtype[Any] | None:
        """The type of a column's values in SQL; None where they are no numbers or truth values."""
        kind = self._columns[name].field.type
        known = pa.types.is_integer(kind) or pa.types.is_floating(kind) or kind == pa.bool_()
        return np.dtype(kind.to_pandas_dtype()) if known else None

    def has_column(self, name: str) -> bool:
        """Whether the table has a column of that name."""
        return name in self._columns

    def coordinates(self, dim: str) -> pa.Table:
        """A row for each position of a dimension: `POSITION`, and the columns that lie on it."""
        names = [name for name, column in self._columns.items() if column.axis == dim]
        columns = {name: self.axis(name) for name in names}
        return pa.table({**columns, self.POSITION: pa.array(range(self._sizes[dim]), pa.int64())})

    def _rises_by(self, keys: Sequence[tuple[str, bool]]) -> bool:
        """Whether the rows come in the order of some columns."""
        leading = [name for name, _ in keys] == list(self.dims[: len(keys)])
        turned = self.dims[0] if self.is_flipped else ""
        return leading and all(self._rises(n, down != (n == turned)) for n, down in keys)

    def _in_order(self) -> GridTable | None:
        """This table in blocks that have its rows in order; None: sorting takes less."""
        chunks, sizes = [self.chunk(dim) for dim in self.dims], tuple(self._sizes.values())
        # A far chunk is loaded once; so is what an integral adds up.
        most_reads = MOST_READS if self._patience is None and not self._sums else 1
        shape = in_order(self.block_shape, sizes, chunks, self._block_rows, most_reads)
        if shape is None:
            return None
        found = copy(self)
        found.__dict__["block_shape"] = shape
        return found

    def _rises(self, name: str, down: bool) -> bool:
        """Whether a coordinate grows from each position to the next; or falls, if `down`."""
        if name not in self._columns:
            return False
        values = self.axis(name)
        kind = values.type
        if values.null_count or not (pa.types.is_primitive(kind)):
            return False
        before, after = values.slice(0, max(len(values) - 1, 0)), values.slice(1)
        follows = pc.less(after, before) if down else pc.greater(after, before)
        return bool(pc.all(follows, min_count=0).as_py())

    def axis(self, name: str) -> pa.Array:
        """The values of a one-dimensional coordinate, one for each position."""
        found = self._axes.get(name)
        if found is None:
            column = self._columns[name]
            assert isinstance(column, GridColumn)
            found = self._axes[name] = read_axis(self.name, column, self._patience)
        return found

    def readers(self, *names: Sequence[str]) -> list[Reader]:
        """What reads columns of any block, one for each group of them; together they read once."""
        arrays, found = self.arrays(), []
        for group in names:
            columns = [self._columns[name] for name in group]
            axes = {c.field.name: self.axis(c.field.name) for c in columns if c.axis is not None}
            found.append(Reader(arrays, columns, axes, self.is_flipped))
        return found

    def arrays(self) -> Arrays:
        """What reads the values of one scan."""
        step = dict(zip(self.dims, self.block_shape, strict=True))
        return Arrays(
            self.name,
            self._columns,
            step,
            self._reads,
            self._cache,
            self._serial,
            self.presence,
            self._patience,
        )

    def size(self, dim: str) -> int:
        """How many positions a dimension has."""
        return self._sizes[dim]

    def positions(self, dim: str) -> Positions:
        """The positions along a dimension that the table has rows of, ascending."""
        chosen = self._chosen.get(dim)
        return np.arange(self._sizes[dim], dtype=np.intp) if chosen is None else chosen

    def with_calls(self, calls: Sequence[Along]) -> GridTable:
        """This table with a column more for each call, under the call's name.

        Raises:
            FeatureNotSupported: 0A000, a column that holds no numbers, or a coordinate along which
                nothing can be taken.
            InvalidParameterValue: 22023, a unit that is none, or fits no times.
        """
        wider = copy(self)
        wider._columns = dict(self._columns)
        for call in calls:
            wider._columns[call.name] = wider._derived(call)
        for made in ("schema", "block_shape"):
            wider.__dict__.pop(made, None)
        return wider

    def with_laid(self, columns: Mapping[str, LaidColumn]) -> GridTable:
        """This table with columns more, by their names."""
        wider = copy(self)
        wider._columns = {**self._columns, **columns}
        wider.__dict__.pop("schema", None)
        return wider

    def _derived(self, call: Along) -> DerivedColumn:
        coordinate = self._columns[call.coordinate]
        if not isinstance(coordinate, GridColumn):
            raise FeatureNotSupported(f'"{call.coordinate}" is no coordinate of the table')
        numbers = axis_of(call, coordinate.variable)
        dtypes = {name: column.dtype for name, column in self._columns.items()}
        single = result_dtype(call, dtypes, numbers).itemsize <= 4
        return DerivedColumn(
            pa.field(call.name, pa.float32() if single else pa.float64()), call, numbers
        )

    @property
    def _sums(self) -> bool:
        """Whether a column is an integral, which goes from one block on to the next."""
        return any(
            isinstance(column, DerivedColumn) and column.call.function == "integrate"
            for column in self._columns.values()
        )

    @cached_property
    def block_shape(self) -> tuple[int, ...]:
        """Positions along each dimension in a block: whole chunks, the last dimensions first."""
        chunks = [self.chunk(dim) for dim in self.dims]
        return of_whole_chunks(tuple(self._sizes.values()), chunks, self._block_rows)

    @property
    def _block_rows(self) -> int:
        # What is computed along a dimension is held beside what it is computed from.
        derived = any(isinstance(column, DerivedColumn) for column in self._columns.values())
        return BLOCK_ROWS // 4 if derived else BLOCK_ROWS

    @property
    def is_chunked(self) -> bool:
        """Whether any variable is read in chunks."""
        return any(column.is_chunked for column in self.stored.values())

    def chunk(self, dim: str) -> int:
        """The longest stored chunk along `dim`; 1 where values are not chunked."""
        found = [c.chunk(dim) for c in self.stored.values() if c.axis is None]
        return max(1, min(max(found, default=1), self._sizes[dim]))


def with_calls(name: TableName, table: Table, calls: Sequence[Along]) -> GridTable:
    """`table` with a column more for each call; see `GridTable.with_calls`.

    Raises:
        FeatureNotSupported: 0A000, it holds no grid; or as `GridTable.with_calls`.
        InvalidParameterValue: 22023, as `GridTable.with_calls`.
    """
    if not isinstance(table, GridTable):
        raise FeatureNotSupported(
            f'relation "{name}" is no xarray dataset, so its rows have no neighbours in a grid'
        )
    return table.with_calls(calls).known_as(name)
