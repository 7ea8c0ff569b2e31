"""A grid joined with a row for each place of it: that side's columns laid into the grid.

``FROM winds t JOIN (SELECT latitude, avg(u) AS m FROM winds GROUP BY 1) c ON t.latitude =
c.latitude`` joins each row of the grid with the one that its positions decide on. So the small side
is run first, and `c.m` becomes a column of the grid: what is computed of it is arithmetic of
arrays, and nothing is hashed. It can where the keys are expressions of one dimension each and no
two rows of the small side have the same, and where every combination of the keys that are there
at all is there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from gateway.aggregation.coordinates import Ask, Tables, calls_pure, is_pure, question, table_name
from gateway.errors import GatewayError, QueryCanceled
from gateway.session.portals.scrolling import KeptRoom
from gateway.session.queries.sides import Sides, query_of, sides_of, stands_alone
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading.made_columns import LaidColumn
from gateway.sources.table import TableName
from gateway.sql.names.scope import column_node, is_aggregate, table_node

Run = Callable[[exp.Expr, Tables], pa.Table]
Codes = npt.NDArray[np.intp]

# Rows of the small side, and combinations of its keys, at most.
MOST_ROWS = 1 << 18
MOST_PLACES = 1 << 20

_NOT_HERE = (exp.TableSample, exp.Lateral, exp.Lock, exp.Placeholder, exp.Window)


def laid_out(
    tree: exp.Expr,
    tables: Tables,
    fewest_rows: int,
    ask: Ask,
    run: Run,
    room: KeptRoom | None = None,
) -> tuple[exp.Expr, Tables]:
    """The query, and its tables, with small sides of joins laid into the grids beside them.

    Args:
        tree: The query for the engine; left as it is.
        tables: Every table that it names.
        fewest_rows: Grids with fewer are left as they are.
        ask: Runs a query over a coordinate.
        run: Runs a query.
        room: What is laid may take, as long as a plan over it is kept; None: as much as it needs.
    """
    if not any(_joins(select, tables, fewest_rows) for select in tree.find_all(exp.Select)):
        return tree, tables
    copied, found = tree.copy(), dict(tables)
    for select in reversed(list(copied.find_all(exp.Select))):
        join = _joins(select, found, fewest_rows)
        try:
            table = None if join is None else join.table(found, ask, run, room)
        except QueryCanceled:
            raise
        except GatewayError:  # the query itself raises it, if it comes to that
            continue
        if join is not None and table is not None:
            name = table_name(join.grid)
            own = TableName(name.schema, f"{name.name}: laid out {len(found) + 1}")
            found[own] = table.known_as(table.base or name)
            join.rewrite(own)
    return (copied, found) if len(found) > len(tables) else (tree, tables)


@dataclass
class _Join:
    """A grid beside a query, and the conditions on both."""

    select: exp.Select
    sides: Sides
    grid: exp.Table
    part: exp.Expr
    query: exp.Select
    keys: dict[str, list[tuple[exp.Expr, str]]] = field(default_factory=dict)
    rest: list[exp.Expr] = field(default_factory=list)
    equal: dict[str, exp.Expr] = field(default_factory=dict)  # columns that the grid has as well

    @property
    def columns(self) -> list[str]:
        """What the query's columns are called beside the grid."""
        alias = self.part.args.get("alias")
        if not (alias and alias.columns) and self.query.parent and not self.part.find(exp.Query):
            alias = self.query.parent.args.get("alias")
        if alias and alias.columns:
            return [each.name for each in alias.columns]
        return [item.alias_or_name for item in self.query.expressions]

    def table(self, tables: Tables, ask: Ask, run: Run, room: KeptRoom | None) -> GridTable | None:
        """The grid with the query's columns; None where they cannot be laid into it."""
        grid = tables[table_name(self.grid)]
        assert isinstance(grid, GridTable)
        rows = run(self.query, tables)
        if rows.num_rows > MOST_ROWS or len(self.columns) != rows.num_columns:
            return None
        rows = rows.rename_columns(self.columns)
        groups, of_rows = dict[str, Codes](), list[Codes]()
        for dim in (each for each in grid.dims if each in self.keys):
            pairs = self.keys[dim]
            answer = ask(question([key for key, _ in pairs], []), grid.coordinates(dim), {})
            answer = answer.sort_by(GridTable.POSITION)
            coded = _coded(answer.columns[1:], [rows.column(name) for _, name in pairs])
            if coded is None:
                return None
            for key, name in pairs:
                if not _has_zeros(rows.column(name)):
                    self.equal[name] = key
            groups[dim], codes = coded
            of_rows.append(codes)
        return self._laid(grid, rows, groups, of_rows, room)

    def _laid(
        self,
        grid: GridTable,
        rows: pa.Table,
        groups: dict[str, Codes],
        of_rows: list[Codes],
        room: KeptRoom | None,
    ) -> GridTable | None:
        shape = tuple(int(max(g.max(initial=-1), c.max(initial=-1))) + 1
                      for g, c in zip(groups.values(), of_rows, strict=True))  # fmt: skip
        if not 0 < math.prod(shape) <= MOST_PLACES:
            return None
        there = np.flatnonzero(np.min(of_rows, axis=0) >= 0)
        at = np.ravel_multi_index([codes[there] for codes in of_rows], shape)
        places = np.full(math.prod(shape), -1, np.intp)
        places[at] = there
        if np.count_nonzero(places >= 0) != len(there):
            return None  # several rows for one place
        places = places.reshape(shape)
        chosen = {}
        for axis, (dim, codes) in enumerate(groups.items()):
            others = tuple(each for each in range(len(shape)) if each != axis)
            has = np.asarray((places >= 0).any(axis=others))
            chosen[dim] = np.flatnonzero((codes >= 0) & has[codes])
        needed = [np.unique(groups[dim][chosen[dim]]) for dim in groups]
        if not all(map(len, needed)) or (places[np.ix_(*needed)] < 0).any():
            return None
        laid = {}
        for name in self.used():
            values = _values(rows.column(name))
            if values is None:
                return None
            by_place = values[np.maximum(places, 0)]
            if room is not None and not room.lend(by_place, by_place.nbytes):
                return None
            laid[self.named(name)] = LaidColumn(
                pa.field(self.named(name), rows.schema.field(name).type), by_place, groups
            )
        return grid.with_laid(laid).restricted(chosen)

    def used(self) -> list[str]:
        """The query's columns that are looked at, but for the keys of the join."""
        found = [column.name for column in self._of_part()]
        return [name for name in dict.fromkeys(found) if name not in self.equal]

    def _of_part(self) -> list[exp.Column]:
        parts = [self.select.args.get(each) for each in _LOOKED_AT]
        trees = [t for held in parts for t in (held if isinstance(held, list) else [held]) if t]
        trees = [t for t in trees if not isinstance(t, exp.Where)] + self.rest
        columns = [column for tree in trees for column in tree.find_all(exp.Column)]
        return [each for each in columns if self.sides.owner(each) == self.part.alias_or_name]

    def named(self, column: str) -> str:
        """What one of them is called in the grid."""
        return f"{self.part.alias_or_name}.{column}"

    def rewrite(self, own: TableName) -> None:
        """Put the grid with the columns in the place of the join."""
        alias = self.grid.alias_or_name
        for item in list(self.select.expressions):
            if isinstance(item, exp.Column) and self.sides.owner(item) != alias:
                item.replace(exp.alias_(item.copy(), item.name, quoted=True))
        self.select.set("where", exp.Where(this=exp.and_(*self.rest)) if self.rest else None)
        self.rest = [self.select.args["where"]] if self.rest else []
        for column in self._of_part():
            same = self.equal.get(column.name)
            laid = column_node(alias, self.named(column.name))
            column.replace(laid if same is None else exp.Paren(this=same.copy()))
        self.select.set("from_", exp.From(this=table_node(own, alias)))
        self.select.set("joins", None)


_LOOKED_AT = ("expressions", "group", "having", "order", "distinct", "where")


def _joins(select: exp.Select, tables: Tables, fewest_rows: int) -> _Join | None:
    """A SELECT over one large grid and one query of few rows, joined by keys; else None."""
    joins = select.args.get("joins") or []
    if len(joins) != 1 or joins[0].side:
        return None
    sides = sides_of(select, tables)
    if sides is None or len(sides.parts) != 2 or not _has_no_queries(select):
        return None
    for one, other in permutations(sides.parts):
        grid, part = sides.parts[one], sides.parts[other]
        table = tables.get(table_name(grid)) if isinstance(grid, exp.Table) else None
        query = query_of(part)
        if query is None or not isinstance(grid, exp.Table) or not isinstance(table, GridTable):
            continue
        if table.rows >= fewest_rows and _is_small(query, tables):
            found = _Join(select, sides, grid, part, query)
            for condition in sides.conditions:
                _sort_in(condition, found, table, one, other)
            return found if found.keys else None
    return None


def _has_no_queries(select: exp.Select) -> bool:
    for name in _LOOKED_AT:
        held = select.args.get(name)
        for each in held if isinstance(held, list) else [held]:
            if isinstance(each, exp.Expr) and each.find(exp.Query) is not None:
                return False
    joins = select.args.get("joins") or []
    on = [join.args["on"] for join in joins if join.args.get("on")]
    return all(each.find(exp.Query) is None for each in on) and not select.find(exp.Lock)


def _sort_in(condition: exp.Expr, join: _Join, grid: GridTable, own: str, other: str) -> None:
    """A condition as a key of a dimension, or as one that remains."""
    pairs = [(condition.this, condition.expression), (condition.expression, condition.this)]
    for key, column in pairs if isinstance(condition, exp.EQ) else []:
        if not isinstance(column, exp.Column) or join.sides.owner(column) != other:
            continue
        columns = list(key.find_all(exp.Column))
        if {join.sides.owner(each) for each in columns} == {own} and is_pure(key):
            dims = {grid.dimension_of(each.name) for each in columns}
            dim = dims.pop() if len(dims) == 1 else None
            if dim:
                join.keys.setdefault(dim, []).append((key, column.name))
                return
    join.rest.append(condition)


def _is_small(query: exp.Select, tables: Tables) -> bool:
    """Whether a query groups by few positions, is of its own tables, and draws nothing."""
    group = query.args.get("group")
    if group is None or any(query.args.get(each) for each in ("limit", "offset", "with_", "joins")):
        return False
    start = query.args["from_"].this if query.args.get("from_") else None
    grid = tables.get(table_name(start)) if isinstance(start, exp.Table) else None
    if not isinstance(grid, GridTable) or not stands_alone(query, tables):
        return False
    if any(not _is_settled(node) for node in query.walk()):
        return False
    sizes = 1
    for key in group.expressions:
        meant = _item(query, key)
        dims = {grid.dimension_of(column.name) for column in meant.find_all(exp.Column)}
        if None in dims:
            return False
        sizes *= math.prod(grid.size(dim) for dim in dims if dim)
    # Months are fewer than their days: what groups by an expression may have fewer groups.
    plain = all(isinstance(_item(query, key), exp.Column) for key in group.expressions)
    return sizes <= MOST_ROWS or not plain


def _item(query: exp.Select, key: exp.Expr) -> exp.Expr:
    items: list[exp.Expr] = query.expressions
    if isinstance(key, exp.Literal) and key.is_int and 1 <= int(key.name) <= len(items):
        return items[int(key.name) - 1].unalias()
    if isinstance(key, exp.Column) and not key.table:
        named = [item for item in items if item.alias == key.name]
        return named[0].unalias() if named else key
    return key


def _is_settled(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return calls_pure(node) or is_aggregate(node)
    return not isinstance(node, _NOT_HERE)


def _coded(
    here: Sequence[pa.ChunkedArray], there: Sequence[pa.ChunkedArray]
) -> tuple[Codes, Codes] | None:
    """The same numbers for the same keys: of positions, and of rows; -1 for a key of one alone."""
    groups, rows = np.zeros(len(here[0]), np.intp), np.zeros(len(there[0]), np.intp)
    for one, other in zip(here, there, strict=True):
        mine, theirs = _plain(one), _plain(other)
        if mine is None or theirs is None or mine.type != theirs.type:
            return None
        known = theirs.drop_null().unique()
        for keys, codes in ((mine, groups), (theirs, rows)):
            found = pc.index_in(keys, known).fill_null(-1).to_numpy().astype(np.intp)
            missing = (found < 0) | (codes < 0)
            codes *= max(1, len(known))
            codes += found
            codes[missing] = -1
    return groups, rows


def _plain(column: pa.ChunkedArray) -> pa.Array | None:
    """Keys whose equality is plain: no NaN, and one zero."""
    held = column.combine_chunks()
    if pa.types.is_nested(held.type):
        return None
    if not pa.types.is_floating(held.type):
        return held
    if pc.any(pc.is_nan(held)).as_py():
        return None
    return pc.add(held, pa.scalar(0.0, held.type))


def _has_zeros(column: pa.ChunkedArray) -> bool:
    """Whether two equal keys may differ, as 0 and -0 do."""
    return pa.types.is_floating(column.type) and bool(pc.any(pc.equal(column, 0.0)).as_py())


def _values(column: pa.ChunkedArray) -> npt.NDArray[np.generic] | None:
    """Numbers, NaN where NULL is; None where they are none, or that cannot be told apart."""
    kind = column.type
    if pa.types.is_floating(kind):
        held = column.combine_chunks()
        if pc.any(pc.is_nan(held)).as_py():
            return None
        return np.asarray(held.to_numpy(zero_copy_only=False), kind.to_pandas_dtype())
    if pa.types.is_integer(kind) and not column.null_count:
        return np.asarray(column.to_numpy())
    return None
