"""`ORDER BY time DESC LIMIT 10`, `ORDER BY t LIMIT 10`: what of a grid can hold the first rows.

Without ORDER BY any rows will do, so those that are stored first are enough.

Rows sorted by a coordinate come position by position, so the first of them lie at the positions
with the least values, or the greatest, and no other chunk need be read. Sorted by a value they may
lie anywhere, but a scan lets go of all that others have outdone. The query keeps its sort.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import Ask, dimension_of, is_pure, question
from gateway.sources.filters.pruning import Positions
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading.top_rows import First
from gateway.sql.lowered.values.not_numbers import as_written
from gateway.sql.text.trees import conjuncts

_NOT_HERE = ("distinct", "group", "having", "joins", "laterals", "sample", "windows")

# More rows are better sorted, all of them: `far_rows`.
MOST_ROWS = 50_000


def with_counts(tree: exp.Expr, values: Sequence[pa.Scalar]) -> exp.Expr:
    """The query with the numbers of rows that parameters give in LIMIT and OFFSET written out.

    Args:
        tree: The query; not changed.
        values: Of `$1`, `$2`, ...
    """
    if not any(_given(clause, values) is not None for clause in tree.find_all(*_COUNTING)):
        return tree
    copied = tree.copy()
    for clause in list(copied.find_all(*_COUNTING)):
        count = _given(clause, values)
        if count is not None:
            clause.set(_COUNTING[type(clause)], exp.Literal.number(count))
    return copied


# The clauses that count rows, and where in them the number is.
_COUNTING: dict[type[exp.Expr], str] = {
    exp.Limit: "expression",
    exp.Offset: "expression",
    exp.Fetch: "count",
}


def _given(clause: exp.Expr, values: Sequence[pa.Scalar]) -> int | None:
    """The number of rows in a clause, where a parameter alone gives it."""
    count = clause.args.get(_COUNTING[type(clause)])
    while isinstance(count, exp.Cast) and count.to.this in exp.DataType.INTEGER_TYPES:
        count = count.this
    if not isinstance(count, exp.Parameter) or not count.name.isdigit():
        return None
    place = int(count.name) - 1
    if not 0 <= place < len(values) or not pa.types.is_integer(values[place].type):
        return None
    number = values[place].as_py()
    return number if number is not None and number >= 0 else None


def with_first_rows(
    select: exp.Select, source: exp.Table, grid: GridTable, key: str, ask: Ask
) -> GridTable:
    """The grid without rows that cannot be among those of the result, as far as that can be told.

    It cannot where rows are left out by conditions on values, where rows are made of several, and
    without a LIMIT.

    Args:
        select: With an ORDER BY, and `source` alone in FROM.
        source: The grid's place in it.
        grid: The grid.
        key: The column by which is sorted first; empty when it is none.
        ask: Runs a query over a coordinate.

    Raises:
        GatewayError: the engine refuses a condition.
    """
    wanted = _rows_wanted(select)
    if wanted is None or not all(is_pure(item.unalias()) for item in select.expressions):
        return grid
    by_dimension = grid.dimension_of(key) is not None
    if not by_dimension and not (grid.has_column(key) and _is_number(grid, key)):
        return grid
    left = _left(select, source, grid, ask)
    if left is None:
        return grid
    ordered = select.args["order"].expressions[0]
    down = bool(ordered.args.get("desc"))
    if by_dimension:
        return grid.restricted(_first_positions(grid, key, down, wanted, left))
    if not 0 < wanted <= MOST_ROWS:
        return grid
    nulls_first = bool(ordered.args.get("nulls_first"))
    return grid.restricted(left).leading(First(key, wanted, down, nulls_first))


def with_any_rows(select: exp.Select, source: exp.Table, grid: GridTable, ask: Ask) -> GridTable:
    """The grid with as many of the rows that are stored first as a LIMIT without ORDER BY asks for.

    Args:
        select: With no ORDER BY, and `source` alone in FROM.
        source: The grid's place in it.
        grid: The grid.
        ask: Runs a query over a coordinate.

    Raises:
        GatewayError: the engine refuses a condition.
    """
    wanted = _rows_wanted(select)
    if wanted is None or not all(is_pure(item.unalias()) for item in select.expressions):
        return grid
    left = _left(select, source, grid, ask)
    if left is None:
        return grid
    here = {dim: left.get(dim, grid.positions(dim)) for dim in grid.dims}
    for place, dim in enumerate(grid.dims):
        others = math.prod(len(here[name]) for name in grid.dims[place + 1 :])
        enough = max(1, math.ceil(wanted / max(1, others)))
        here[dim] = here[dim][:enough]
        if enough > 1:
            break
    return grid.restricted(here)


def sort_column(selects: Sequence[exp.Select], ordered: exp.Expr) -> str:
    """The table's column by which the first of them is sorted; empty when it is none."""
    key: exp.Expr | None = as_written(ordered.this)
    items = selects[0].expressions
    if isinstance(key, exp.Literal) and key.is_int and 1 <= int(key.name) <= len(items):
        key = items[int(key.name) - 1].unalias()
    elif isinstance(key, exp.Column) and not key.table:
        named = [item for item in items if item.alias_or_name == key.name]
        key = named[0].unalias() if named else key
    for select in selects[1:]:
        name = key.name if isinstance(key, exp.Column) else ""
        outputs = [item for item in select.expressions if item.alias_or_name == name]
        key = outputs[0].unalias() if outputs else None
    return str(key.name) if isinstance(key, exp.Column) else ""


def _is_number(grid: GridTable, key: str) -> bool:
    kind = grid.schema.field(key).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _first_positions(
    grid: GridTable, key: str, down: bool, wanted: int, left: dict[str, Positions]
) -> dict[str, Positions]:
    """The dimension of the column `key` to its positions that can hold a row of the result."""
    dim, values = grid.dimension_of(key) or "", grid.axis(key)
    if values.null_count or not pa.types.is_primitive(values.type):
        return {}
    here = left.get(dim, grid.positions(dim))
    others = [len(left.get(name, grid.positions(name))) for name in grid.dims if name != dim]
    enough = math.ceil(wanted / max(1, math.prod(others)))
    if enough >= len(here):
        return {}
    held = values.take(pa.array(here)).to_numpy(zero_copy_only=False)
    ranks = np.unique(held, return_inverse=True)[1]
    ranks = -ranks if down else ranks
    # Positions of one value stay together: a second key may put any of them first.
    last = np.sort(ranks)[max(0, enough - 1)]
    return {dim: here[ranks <= last]}


def _rows_wanted(select: exp.Select) -> int | None:
    """LIMIT and OFFSET together, where both are written and nothing else makes rows of rows."""
    if any(select.args.get(part) for part in _NOT_HERE):
        return None
    if len(list(select.find_all(exp.Query))) > 1:
        return None
    counts = counts_of(select)
    return None if counts is None else sum(counts)


def counts_of(query: exp.Expr, values: Sequence[pa.Scalar] = ()) -> tuple[int, int] | None:
    """LIMIT and OFFSET of a query, where there is a LIMIT and numbers are all that they are.

    Args:
        query: A query for the engine.
        values: Of `$1`, `$2`, ..., which may be the numbers.
    """
    clauses = [query.args.get("limit"), query.args.get("offset")]
    options = None if clauses[0] is None else clauses[0].args.get("limit_options")
    if clauses[0] is None or (options is not None and options.args.get("with_ties")):
        return None
    limit, offset = (0 if each is None else _count(each, values) for each in clauses)
    return None if limit is None or offset is None else (limit, offset)


def _count(clause: exp.Expr, values: Sequence[pa.Scalar]) -> int | None:
    count = clause.args.get(_COUNTING[type(clause)])
    if isinstance(count, exp.Literal) and count.is_int:
        return int(count.name)
    return _given(clause, values) if values else None


def _left(
    select: exp.Select, source: exp.Table, grid: GridTable, ask: Ask
) -> dict[str, Positions] | None:
    """The positions of each dimension that WHERE leaves; None where it asks for more than that."""
    where = select.args.get("where")
    by_dim: dict[str, list[exp.Expr]] = {}
    for condition in conjuncts(where.this) if where is not None else ():
        dim = dimension_of(condition, source, grid, alone=True)
        if not dim or not is_pure(condition):
            return None
        by_dim.setdefault(dim, []).append(condition)
    found = {}
    for dim, conditions in by_dim.items():
        answer = ask(question([], conditions), grid.coordinates(dim), {})
        found[dim] = np.intersect1d(grid.positions(dim), answer.column(0).to_numpy())
    return found
