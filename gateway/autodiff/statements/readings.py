"""Where a statement reads the relation of a variable once more, inside a subquery.

`WITH params(a) AS (VALUES (0.5)), model AS (SELECT x * a AS p FROM data, params)` and then
`grad(p, a) FROM model, params`: both readings of `params` have the same row, so `p` changes with
`a`. Of a relation of several rows each reading stands for a row of its own, which does not change
with that of another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.autodiff.statements.grouping import is_row_for_row, is_single
from gateway.errors import NotDifferentiable
from gateway.sql.meaning.merging import merged_names
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Analysis, Block, Query, Source
from gateway.sql.text.trees import is_distinct


@dataclass(frozen=True, slots=True)
class Variable:
    """A column of one relation of one FROM clause; self-joined tables have one each."""

    source: Source
    name: str

    @property
    def key(self) -> str:
        return f"{id(self.source)}.{self.name}"

    @property
    def info(self) -> ColumnInfo:
        """What is known of it."""
        return self.source.info(self.name)


# Noted of a marker for which every other reading of its variable's relation is a constant.
ALONE = "alone"

# On a query of WITH of one row that says how far the rows of tables move, wherever they are read.
WAY = "way"

# The detail of an error whose words are those of a `Note`.
ALL_ZERO = "Nothing else depends on the variable, so the derivative would be 0 in every row."


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a derivative that whoever asks for it should know."""

    message: str
    hint: str


# The columns that an expression of a block reads, subqueries included.
ReadBy = Callable[[exp.Expr, Block], Iterator[Variable]]


class Readings:
    """Tells of columns whether they are, or come from, other readings of a variable.

    Args:
        analysis: The statement's blocks.
        read_by: The columns that an expression reads.
        changes: Whether a column changes with another of its relation.
    """

    def __init__(
        self, analysis: Analysis, read_by: ReadBy, changes: Callable[[Variable, Variable], bool]
    ) -> None:
        self._read_by, self._changes = read_by, changes
        self._blocks = {id(s): block for block in analysis.blocks for s in block.sources}
        sources = (s for block in analysis.blocks for s in block.sources if s.query is not None)
        self._queries = {id(s.cte): s.query for s in sources if s.cte is not None}
        self._left: set[str] = set()
        self._carried: set[int] = set()
        self._origins: dict[str, Sequence[Variable]] = {}
        self._found: dict[tuple[str, str, bool], bool] = {}

    def leave(self, variable: Variable) -> None:
        """Let a variable have no other readings: whoever differentiates by it adds them up."""
        self._left.add(variable.key)

    def is_left(self, variable: Variable) -> bool:
        """Whether it has none."""
        return variable.key in self._left

    def is_way(self, variable: Variable) -> bool:
        """Whether it says how far rows move that are read anywhere, in gradients of queries too."""
        return variable.source.cte is not None and bool(variable.source.cte.meta_get(WAY))

    def carry(self, cte: exp.CTE) -> None:
        """Let a recursive query's rows of the step before be no other rows: it carries tangents."""
        self._carried.add(id(cte))

    def _is_carried(self, source: Source) -> bool:
        return source.recursive and id(source.cte) in self._carried

    def is_same(self, column: Variable, variable: Variable) -> bool:
        """Whether a column of another FROM clause changes with the variable in the same one row."""
        twin = None if column.source.query is None else self.twin(column, variable)
        if twin is None or not is_single(column.source):
            return False
        beside = self._blocks.get(id(column.source)) is self._blocks.get(id(variable.source))
        return not beside and (column == twin or self._changes(column, twin))

    def twin(self, column: Variable, variable: Variable) -> Variable | None:
        """The variable where a column's relation is another reading of the variable's.

        The rows of the step before, in a recursive query that carries tangents, are none.
        """
        relation = None if self.is_left(variable) else _relation(column.source)
        if relation is None or column.source is variable.source or self._is_carried(column.source):
            return None
        for origin in self._origins_of(variable):
            if column.source is not origin.source and relation == _relation(origin.source):
                names, here = list(origin.source.columns or ()), list(column.source.columns or ())
                if origin.name in names and len(names) == len(here):
                    return Variable(column.source, here[names.index(origin.name)])
        return None

    def is_read_for(self, column: Variable, variable: Variable, *, same: bool) -> bool:
        """Whether a column of a query is computed from another reading of the variable.

        Args:
            column: It.
            variable: The variable.
            same: Whether it must be one of the same one row.
        """
        key = (column.key, variable.key, same)
        if key not in self._found:
            reads = self.is_same if same else self.is_reading
            self._found[key] = any(reads(each, variable) for each in self.under(column))
        return self._found[key]

    def comes_from(self, column: Variable, variable: Variable) -> bool:
        """Whether a column of a query is computed from the variable, or from the same one row."""
        return any(each == variable or self.is_same(each, variable) for each in self.under(column))

    def under(self, column: Variable) -> Iterator[Variable]:
        """Every column that one of a query is computed from, through the steps of recursion too."""
        seen, opened = {column}, [column]
        while opened:
            for read in self._made_of(opened.pop()):
                if read not in seen:
                    seen.add(read)
                    opened.append(read)
                    yield read
                elif read == column:
                    yield read

    def is_of_other_rows(self, column: Variable, variable: Variable, inside: bool) -> bool:
        """Whether a column is computed from the variable's relation, but not from its row.

        Args:
            column: It.
            variable: The variable.
            inside: Whether it is read in a subquery of the expression that is differentiated.
        """
        if self.is_read_for(column, variable, same=True):
            return False
        if inside and self.is_reading(column, variable):
            return not self.is_same(column, variable)
        return self.is_read_for(column, variable, same=False)

    def _made_of(self, column: Variable) -> Iterator[Variable]:
        query = column.source.query or self._queries.get(id(column.source.cte))
        for item, block in definitions(column, query):
            yield from self._read_by(item, block)

    def is_reading(self, column: Variable, variable: Variable) -> bool:
        """Whether a column is, or comes from, the variable, read from its relation once more."""
        twin = self.twin(column, variable)
        if twin is None or column == twin:
            return twin is not None
        origins, under = set(self._origins_of(twin)[1:]), set(self.under(column))
        return not under.isdisjoint(origins or self.under(twin))

    def _origins_of(self, variable: Variable) -> Sequence[Variable]:
        """The variable, and the columns that it is by another name, inwards."""
        if variable.key not in self._origins:
            found = [variable]
            while (inner := self._named_by(found[-1])) is not None:
                found.append(inner)
            self._origins[variable.key] = found
        return self._origins[variable.key]

    def _named_by(self, column: Variable) -> Variable | None:
        query = column.source.query
        if query is None or not is_row_for_row(query):
            return None
        made = [(item.unalias().unnest(), block) for item, block in definitions(column, query)]
        bare = len(made) == 1 and isinstance(made[0][0], exp.Column)
        return next(self._read_by(*made[0]), None) if bare else None


def constant(column: Variable, variable: Variable) -> Note:
    """That a column counts as a constant, although its query reads the variable for itself."""
    of, by = column.source.alias, variable.source.alias
    return Note(
        f'column "{column.name}" of "{of}" does not change with "{variable.name}" of "{by}", as '
        "it is computed from other rows",
        "Write grad(query, column) for the gradient of a query of one number, or select "
        f'"{variable.name}" in the subquery and differentiate by that.',
    )


def along_grid(columns: Collection[Variable], variable: Variable) -> Iterator[Note]:
    """That a column of a dataset does not change with a coordinate, although it lies along it."""
    by, dim = variable.info, variable.name
    if by.dims != (dim,) or variable in columns:
        return
    table = by.origin[0]
    of_grid = (c for c in columns if dim in c.info.dims and c.info.origin[0] == table)
    if (column := next(of_grid, None)) is not None:
        yield Note(
            f'the derivative is 0: "{column.name}" of a row does not change with "{dim}"',
            f"differentiate({column.name}, {dim}) is its derivative along the grid.",
        )


def merged(variable: Variable, column: exp.Column, block: Block | None) -> Sequence[Variable]:
    """The variable that a column of a block is, after USING together with those it stands for."""
    names = merged_names(column)
    while names and block is not None and variable.source not in block.sources:
        block = block.parent
    if not names or block is None:
        return [variable]
    return [Variable(each, variable.name) for each in block.sources if each.alias in names]


def definitions(column: Variable, query: Query | None) -> Iterator[tuple[exp.Expr, Block]]:
    """What defines a column of a query in each of its branches; all items where stars hide it."""
    names = list(column.source.columns or ())
    for block in query.branches if query is not None else ():
        items = block.select.expressions
        if column.name in names and len(items) == len(names):
            items = [items[names.index(column.name)]]
        yield from ((item, block) for item in items)


def beside(tree: exp.Expr) -> Iterator[exp.Expr]:
    """What decides which rows a query has.

    Of a SELECT that is all but its items, which decide where it is DISTINCT; of a subquery or WITH
    query that it reads, the same; of VALUES and functions in FROM, all.
    """
    if isinstance(tree, exp.Subquery | exp.Lateral | exp.CTE) and isinstance(tree.this, exp.Query):
        yield from beside(tree.this)
        yield from _each(tree.args.get("joins"))
    elif isinstance(tree, exp.Select) and not is_distinct(tree):
        yield from _each(but_items(tree))
    elif isinstance(tree, exp.From | exp.Join):
        yield from _each([tree.this, tree.args.get("on")])
    elif isinstance(tree, exp.With):
        yield from _each(tree.expressions)
    else:
        yield tree


def but_items(select: exp.Expr) -> Iterator[exp.Expr]:
    """All clauses of a SELECT but its items."""
    for name, held in select.args.items():
        if name != "expressions":
            yield from (part for part in (held if isinstance(held, list) else [held]) if part)


def _each(parts: Iterable[exp.Expr | None] | None) -> Iterator[exp.Expr]:
    for part in parts or ():
        if part:
            yield from beside(part)


def _relation(source: Source) -> Hashable | None:
    """What several readings of one relation have in common."""
    if source.cte is not None or source.query is not None:
        return id(source.cte or source.query)
    tree = source.tree
    return (tree.db, tree.name) if isinstance(tree, exp.Table) and tree.db else None


def refuse_generated(column: Variable, variable: Variable) -> None:
    """Refuse a column that its table computes from the variable.

    Raises:
        NotDifferentiable: 0A000.
    """
    known = column.source.columns
    if column.source is not variable.source or known is None:
        return
    info, by = known.get(column.name), known.get(variable.name)
    if info is not None and by is not None and by.origin[1] in info.made_of:
        raise NotDifferentiable(
            f'column "{column.name}" of "{column.source.alias}" is generated from '
            f'"{variable.name}", and stored',
            hint="Write its expression in the place of its name.",
        )


def behind_a_wall(column: Variable, variable: Variable) -> NotDifferentiable:
    """The refusal of a derivative that would have to go where none can."""
    return NotDifferentiable(
        f'column "{column.name}" of "{column.source.alias}" is computed from '
        f'"{variable.name}" where a derivative cannot follow',
        detail="Between them stands an aggregate over rows in which it differs, DISTINCT, a set "
        "operation, or an expression in place of the variable.",
        hint="Differentiate inside the subquery, or write the expression out.",
    )


def second_derivative(name: str, position: int = 0) -> NotDifferentiable:
    """The refusal of the derivative of a gradient of a query."""
    return NotDifferentiable(
        f'a second derivative of the query "{name}" is not supported',
        hint="Sum its gradient up in another query, over a table with a primary key, and take the "
        "gradient of that; or keep it first: CREATE TEMP TABLE ... AS SELECT ...",
        position=position,
    )
