"""Which relation a column name means.

Every SELECT has a `Block`: the relations of its FROM clause, each with its columns, and the block
around it. `analysis` builds them; `resolve` looks a column up in them, outwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.errors import AmbiguousColumn, GatewayError, UndefinedColumn, UndefinedTable
from gateway.sources.table import TableName
from gateway.sql.names.nearby import field_hint, hint_for
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.text.places import AT
from gateway.sql.text.trees import PICKING, copied, is_distinct, nodes, nodes_of, own_nodes

# The engine's aggregate functions; tests compare this list with the engine's own.
AGGREGATES = frozenset(
    {
        "any_value", "approx_distinct", "approx_median", "approx_percentile_cont",
        "approx_percentile_cont_with_weight", "array_agg", "avg", "bit_and",
        "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "covar", "covar_pop",
        "covar_samp", "first_value", "grouping", "last_value", "max", "mean", "median",
        "min", "nth_value", "percentile_cont", "quantile_cont", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy",
        "regr_syy", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var",
        "var_pop", "var_population", "var_samp", "variance", "var_sample",
    }
)  # fmt: skip

# PostgreSQL's own that become others of the engine's.
WRITTEN_AGGREGATES = frozenset(
    {
        "every", "json_agg", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "mode",
        "percentile_disc",
    }
)  # fmt: skip
_AGGREGATES = AGGREGATES | WRITTEN_AGGREGATES


@dataclass(slots=True, eq=False)
class Output:
    """A column that a query gives; `expression` is None where no single SELECT item defines it.

    `shown` is the name that the user knows: a repeated one was given a number in `name`. Of a set
    operation `sides` are the columns that it joins; `info` is what is known without an expression.
    """

    name: str
    expression: exp.Expr | None
    block: Block | None
    shown: str = ""
    sides: tuple[Output, ...] = ()
    info: ColumnInfo | None = None


@dataclass(slots=True, eq=False)
class Query:
    """An analysed query expression: its branches (one, unless a set operation) and its columns.

    `users` are the relations that read it: several, where a CTE is named several times.
    """

    tree: exp.Expr
    branches: list[Block]
    outputs: list[Output]
    users: list[Source] = field(default_factory=list)

    @property
    def see_through(self) -> bool:
        """True when each row comes from one row of FROM, with nothing between but WHERE."""
        return self._is_one_select and not self.branches[0].is_wall

    @property
    def gives_groups(self) -> bool:
        """True when each row comes from one group of GROUP BY, and all of them are kept apart."""
        return self.takes_columns and self.branches[0].select.args.get("group") is not None

    @property
    def takes_columns(self) -> bool:
        """True when one more column leaves its rows as they are."""
        return self._is_one_select and not is_distinct(self.branches[0].select)

    @property
    def _is_one_select(self) -> bool:
        return len(self.branches) == 1 and self.tree is self.branches[0].select


_UNKNOWN = ColumnInfo()


@dataclass(slots=True, eq=False)
class Source:
    """One relation of a FROM clause.

    `columns` is None when they are not known (a table function without column names); `query` is
    what defines the relation when the statement itself does. `shown` holds the name that the user
    knows for each column whose name was repeated and therefore numbered.
    """

    alias: str
    tree: exp.Expr
    columns: dict[str, ColumnInfo] | None
    query: Query | None = None
    cte: exp.CTE | None = None
    recursive: bool = False
    shown: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.query is not None:
            self.query.users.append(self)

    @property
    def names(self) -> list[str]:
        """Its columns as the user knows them; none when they are not known."""
        return [self.shown.get(name, name) for name in self.columns or ()]

    def info(self, name: str) -> ColumnInfo:
        """What is known of a column."""
        return (self.columns or {}).get(name, _UNKNOWN)

    def is_repeated(self, column: exp.Column) -> bool:
        """True when several columns have the name that the user wrote."""
        return column.name in self.shown.values() and not column.meta.get("exact")


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A column that `*` gives: one of a relation, or one that USING made of several.

    Its value is the first of those of `sources` that is not NULL; `hides` are the relations whose
    column of that name it stands for. The name is `*` where a relation's columns are not known.
    `wide` is the type that an outer join gives the column of the narrower side.
    """

    name: str
    sources: tuple[Source, ...]
    hides: tuple[Source, ...]
    wide: str = ""

    @property
    def is_merged(self) -> bool:
        """Whether USING made it."""
        return len(self.hides) > 1


@dataclass(slots=True, eq=False)
class Block:
    """One SELECT: its relations in order, what `*` gives of them, the block around it.

    `names` are those of its outputs as the user knows them; None when a star hides them. `inner`
    holds the queries inside its expressions by the identity of their trees.
    """

    select: exp.Select
    parent: Block | None
    sources: list[Source] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    merges: bool = False  # whether one of `listed` is of several relations
    names: tuple[str, ...] | None = None
    inner: dict[int, Query] = field(default_factory=dict)
    _wall: bool | None = None
    _grouped: bool | None = None

    @property
    def is_wall(self) -> bool:
        """True when a row of this SELECT is not simply one row of its FROM clause."""
        if self._wall is None:
            self._wall = self.is_grouped or self.picks_rows
        return self._wall

    @property
    def picks_rows(self) -> bool:
        """True when DISTINCT, LIMIT or their like leave some of its rows out."""
        return any(map(self.select.args.get, PICKING))

    @property
    def is_grouped(self) -> bool:
        """True when rows are put together by GROUP BY, by HAVING or by an aggregate.

        As it was when this was first asked.
        """
        if self._grouped is None:
            args = self.select.args
            ordered = args["order"].expressions if args.get("order") is not None else []
            self._grouped = bool(args.get("group") or args.get("having")) or any(
                is_aggregate(call)
                for part in (*self.select.expressions, *ordered)
                for call in own_nodes(part)
            )
        return self._grouped

    def stay_grouped(self) -> None:
        """Let it be one group still, though its last aggregate is gone."""
        if self.is_grouped and not replace(self, _grouped=None).is_grouped:
            count = exp.Anonymous(this="count", expressions=[exp.Star()])
            always = exp.GTE(this=count, expression=exp.Literal.number(0))
            self.select.set("having", exp.Having(this=always))

    @property
    def gives_groups(self) -> bool:
        """True when a row of this SELECT is one group of its GROUP BY."""
        return self.select.args.get("group") is not None and not self.picks_rows

    def named(self, name: str) -> list[Listed]:
        """What `*` gives under that name."""
        return [each for each in self.listed if each.name == name]

    def source(self, alias: str) -> Source | None:
        """The relation of that name in this block."""
        return next((s for s in self.sources if s.alias == alias), None)


def is_aggregate(call: exp.Expr) -> bool:
    """True of a call of an aggregate function, but not of one over a window."""
    return (
        isinstance(call, exp.Anonymous)
        and call.name.lower() in _AGGREGATES
        and not isinstance(call.parent, exp.Window)
        and not (isinstance(call.parent, exp.Filter) and isinstance(call.parent.parent, exp.Window))
    )


def is_aggregated(node: exp.Expr, select: exp.Select) -> bool:
    """Whether it stands in an aggregate of a SELECT, at whatever depth."""
    at = node.parent
    while at is not None and at is not select and not is_aggregate(at):
        at = at.parent
    return at is not None and at is not select


def is_read_from(select: exp.Select) -> bool:
    """Whether it stands in WITH or in FROM, by itself or as a part of a set operation."""
    held = select.parent
    while isinstance(held, exp.SetOperation):
        held = held.parent
    if isinstance(held, exp.CTE):
        return True
    return isinstance(held, exp.Subquery) and isinstance(held.parent, exp.From | exp.Join)


def is_one_row(select: exp.Select) -> bool:
    """Whether it aggregates all rows, without a GROUP BY."""
    if select.args.get("group") or select.args.get("having"):
        return not select.args.get("group")
    return any(is_aggregate(node) for item in select.expressions for node in own_nodes(item))


def position_of(tree: exp.Expr) -> int:
    """1-based position of `tree` in the statement as it was sent; 0 when it was not sent."""
    starts = [start for node in nodes(tree) if (start := node.meta_get("start")) is not None]
    return min(starts) + 1 if starts else 0


def place_of(tree: exp.Expr) -> int:
    """1-based position of the operator, cast or call that `tree` is; of anything else, its own."""
    at = tree.meta_get(AT)
    return position_of(tree) if at is None else int(at) + 1


@dataclass(slots=True)
class Analysis:
    """Every block of a statement, innermost first, and which one an expression stands in.

    `outputs` are the columns of the whole.
    """

    blocks: list[Block] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    _of: dict[int, Block] = field(default_factory=dict)
    _copies: list[exp.Expr] = field(default_factory=list)  # kept: `_of` knows them by their id

    def block_of(self, node: exp.Expr) -> Block | None:
        """The block of the SELECT around `node`."""
        select = node.find_ancestor(exp.Select)
        return None if select is None else self._of.get(id(select))

    def copied(self, tree: exp.Expr) -> exp.Expr:
        """A copy of `tree`, in whose subqueries names mean what they mean in `tree`."""
        copy = copied(tree)
        for select, made in zip(
            nodes_of(tree, exp.Select), nodes_of(copy, exp.Select), strict=True
        ):
            block = self._of.get(id(select))
            if block is not None:
                self._of[id(made)] = block
                self._copies.append(made)
        return copy

    def add(self, block: Block) -> None:
        """Register a block whose inner blocks are registered already."""
        self.blocks.append(block)

    def open(self, block: Block) -> None:
        """Let inner expressions find `block` while it is analysed."""
        self._of[id(block.select)] = block


def resolve(block: Block, column: exp.Column) -> tuple[Source, str]:
    """The relation and the name that `column` means, looking outwards through the blocks.

    Raises:
        UndefinedColumn: 42703. AmbiguousColumn: 42702. UndefinedTable: 42P01.
    """
    for scope in _outwards(block):
        if (found := _resolve_here(scope, column)) is not None:
            return found
    raise _not_found(block, column)


def resolved(block: Block | None, column: exp.Expr) -> tuple[Source, str] | None:
    """What `resolve` gives; None of a star, and where it refuses, as the engine will in turn."""
    if block is None or not isinstance(column, exp.Column) or column.is_star:
        return None
    try:
        return resolve(block, column)
    except GatewayError:
        return None


def _not_found(block: Block, column: exp.Column) -> GatewayError:
    place = position_of(column)
    around = [source for scope in _outwards(block) for source in scope.sources]
    if not column.table or any(source.alias == column.table for source in around):
        written = f"{column.table}.{column.name}" if column.table else f'"{column.name}"'
        quoted = isinstance(column.this, exp.Identifier) and column.this.quoted
        relations = [(s.alias, s.names) for s in around]
        hint = hint_for(column.table, column.name, relations, quoted=quoted)
        return UndefinedColumn(f"column {written} does not exist", hint=hint, position=place)
    named = (
        s.alias for s in around if isinstance(s.tree, exp.Table) and s.tree.name == column.table
    )
    if alias := next(named, ""):
        return UndefinedTable(
            f'invalid reference to FROM-clause entry for table "{column.table}"',
            hint=f'Perhaps you meant to reference the table alias "{alias}".',
            position=place,
        )
    hint = field_hint(column.table, column.name, [(s.alias, s.names) for s in around])
    return UndefinedTable(
        f'missing FROM-clause entry for table "{column.table}"', hint=hint, position=place
    )


def _outwards(block: Block) -> Iterator[Block]:
    scope: Block | None = block
    while scope is not None:
        yield scope
        scope = scope.parent


def _resolve_here(block: Block, column: exp.Column) -> tuple[Source, str] | None:
    name = column.name
    if column.table:
        source = block.source(column.table)
        if source is None or (source.columns is not None and name not in source.columns):
            return None
        having = [source]
    elif block.merges:
        found = block.named(name) or block.named("*")
        if len(found) == 1 and found[0].is_merged:
            return found[0].sources[0], name
        having = [each.sources[0] for each in found]
    else:
        having = [s for s in block.sources if s.columns is not None and name in s.columns]
        having = having or [s for s in block.sources if s.columns is None]
    if len(having) > 1 or any(source.is_repeated(column) for source in having):
        raise AmbiguousColumn(
            f'column reference "{name}" is ambiguous', position=position_of(column)
        )
    return (having[0], name) if having else None


def resolves_here(block: Block, column: exp.Column) -> bool:
    """Whether a relation of this very block has the column.

    Raises:
        AmbiguousColumn: 42702, several have it.
    """
    return _resolve_here(block, column) is not None


def column_node(table: str, name: str) -> exp.Column:
    """A column written table.name, both quoted; `name` is its one name, numbered or not."""
    column = exp.Column(
        this=exp.Identifier(this=name, quoted=True), table=exp.Identifier(this=table, quoted=True)
    )
    column.meta["exact"] = True
    return column


def table_node(name: TableName, alias: str = "") -> exp.Table:
    """A table in FROM written schema.name [AS alias], all quoted."""
    quoted = exp.to_identifier(alias, quoted=True) if alias else None
    return exp.table_(name.name, db=name.schema, quoted=True, alias=quoted)
