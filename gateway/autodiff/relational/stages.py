"""The grouped SELECTs of a loss: what each gives, and the relations it reads that change.

A loss is a tree of **stages**: a SELECT with aggregates reads tables and other stages, through
subqueries whose rows are rows of theirs. Those subqueries gain columns, so that a stage has at hand
the columns of whatever it reads: of a stage its keys and its values, of the variable's own table
the columns that the loss reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.autodiff.expressions.refusals import shown
from gateway.autodiff.relational.joins import LOOKED_AT
from gateway.autodiff.relational.numbered import TIE
from gateway.autodiff.relational.queries import KEY
from gateway.autodiff.relational.weights import has_weights, is_count
from gateway.autodiff.statements.grouping import group_keys, is_rolled_up
from gateway.autodiff.statements.readings import Variable, refuse_generated
from gateway.errors import GatewayError, NotDifferentiable
from gateway.sources.table import TableName
from gateway.sql.names.scope import (
    Analysis,
    Block,
    Query,
    Source,
    column_node,
    is_aggregate,
    resolve,
)
from gateway.sql.text.trees import copied, nodes_of, own_nodes
from gateway.sql.types.inference import type_of
from gateway.types import FLOATING

_NUMBERINGS = frozenset({"row_number", "rank", "dense_rank"})


class HiddenReading(Exception):
    """The variable's table is read where its rows cannot be followed to."""


@dataclass(eq=False)
class Leaf:
    """A relation that a stage reads; `columns` are its own as the stage's FROM clause names them.

    `stage` is None where it is the variable's table.
    """

    columns: dict[str, exp.Column]
    stage: Stage | None = None


@dataclass(eq=False)
class Stage:
    """A SELECT that puts rows together.

    Args:
        block: The SELECT.
        keys: What GROUP BY names.
        outputs: Its columns that change with the variables, by name.
        leaves: What it reads that changes.
    """

    block: Block
    keys: list[exp.Expr]
    outputs: dict[str, exp.Expr] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)

    @property
    def key_names(self) -> list[str]:
        """What its keys are called among its columns."""
        return [f"{KEY} {n}" for n, _ in enumerate(self.keys, 1)]


class Staging:
    """Finds the stages of a loss.

    Args:
        analysis: The blocks of the loss, laid open; its subqueries gain columns.
        own: The variable's table; a name of WITH has no schema.
        variables: The columns to differentiate by.
    """

    def __init__(self, analysis: Analysis, own: TableName, variables: set[str]) -> None:
        self._analysis, self._own, self._variables = analysis, own, variables
        self._stages: dict[int, Stage] = {}  # by select
        self._moving: set[int] = set()  # where a variable is read: own tables in FROM, by identity
        self.read = self._columns_read()

    def stage(self, block: Block) -> Stage:
        """The stage that a SELECT with aggregates is, those below it found.

        Raises:
            NotDifferentiable: 0A000, what changes is put together in another way than by GROUP BY.
        """
        found = Stage(block, group_keys(block))
        self._stages[id(block.select)] = found
        found.leaves = list(self._leaves(block))
        self._average_keys(found)
        self._refuse_keys(found)
        for item in block.select.expressions:
            made = item.unalias()
            if self.changes(made, block):
                self._refuse_others(made, block)
                found.outputs[item.alias_or_name] = made
        for name, key in zip(found.key_names, found.keys, strict=True):
            block.select.append("expressions", exp.alias_(copied(key), name, quoted=True))
        return found

    def refuse_hidden(self, root: Block) -> None:
        """Refuse a loss that reads the variable's table where no stage does."""
        if sum(map(self._is_moving, nodes_of(root.select, exp.Table))) != self._own_tables(root):
            raise HiddenReading

    def _own_tables(self, block: Block) -> int:
        """How often the tables that a stage reaches are the variable's own."""
        stage = self._stages[id(block.select)]
        below = (leaf.stage for leaf in stage.leaves if leaf.stage is not None)
        here = sum(leaf.stage is None for leaf in stage.leaves)
        return here + sum(self._own_tables(inner.block) for inner in below)

    def changes(self, tree: exp.Expr, block: Block) -> bool:
        """Whether an expression changes with a variable."""
        if isinstance(tree, exp.Anonymous) and is_aggregate(tree) and is_count(tree):
            return False
        if isinstance(tree, exp.Column):
            return self._column_changes(tree, block)
        if isinstance(tree, exp.Window) and tree.this.name.lower() in _NUMBERINGS:
            return False
        if isinstance(tree, exp.Ordered) and tree.meta_get(TIE):
            return False
        if isinstance(tree, exp.Query):
            inside = nodes_of(tree, exp.Column)
            return any(self._column_changes(column, block) for column in inside)
        return any(self.changes(child, block) for child in tree.iter_expressions())

    def _column_changes(self, column: exp.Column, block: Block) -> bool:
        try:
            source, name = resolve(self._analysis.block_of(column) or block, column)
        except GatewayError:  # a name that means nothing is told in its turn
            return False
        if self._is_own(source):
            for variable in self._variables:
                refuse_generated(Variable(source, name), Variable(source, variable))
            return name in self._variables
        inner = _select_of(source)
        if inner is None or source.columns is None or name not in source.columns:
            return False
        stage = self._stages.get(id(inner.select))
        made = inner.select.expressions[list(source.columns).index(name)]
        if stage is not None:
            return made.alias_or_name in stage.outputs
        return self.changes(made.unalias(), inner)

    def _leaves(self, block: Block) -> Iterator[Leaf]:
        """What the FROM clause of a SELECT reads that changes, at whatever depth."""
        self._refuse_windows(block)
        for source in block.sources:
            if self._is_moving(source.tree):
                yield Leaf({name: column_node(source.alias, name) for name in self.read})
                continue
            inner = _select_of(source)
            if inner is None or not self._reaches(inner.select):
                continue
            if inner.is_grouped:
                yield self._grouped(source, inner)
            elif not inner.is_wall:
                yield from [self._handed_up(source, inner, leaf) for leaf in self._leaves(inner)]

    def _grouped(self, source: Source, inner: Block) -> Leaf:
        stage = self.stage(inner)
        names = [item.alias_or_name for item in inner.select.expressions]
        own = list(source.columns or ())
        columns = {name: column_node(source.alias, name) for name in stage.key_names}
        for made, known in zip(names, own, strict=False):
            columns[made] = column_node(source.alias, known)
        _lengthen(source, stage.key_names)
        return Leaf(columns, stage)

    def _handed_up(self, source: Source, inner: Block, leaf: Leaf) -> Leaf:
        """The leaf of a subquery as the SELECT around it names it."""
        columns: dict[str, exp.Column] = {}
        for name, column in leaf.columns.items():
            handed = f"∂{name} {len(inner.select.expressions)}"
            item = exp.alias_(copied(column), handed, quoted=True)
            inner.select.append("expressions", item)
            _lengthen(source, [handed])
            columns[name] = column_node(source.alias, handed)
        return Leaf(columns, leaf.stage)

    def _is_moving(self, tree: exp.Expr) -> bool:
        """Whether a relation in FROM is the variable's table and more than its keys are read."""
        return id(tree) in self._moving

    def _is_own(self, source: Source) -> bool:
        return self._is_own_table(source.tree)

    def _is_own_table(self, tree: exp.Expr) -> bool:
        return isinstance(tree, exp.Table) and TableName(tree.db, tree.name) == self._own

    def _reaches(self, tree: exp.Expr) -> bool:
        return any(map(self._is_moving, nodes_of(tree, exp.Table)))

    def _columns_read(self) -> list[str]:
        """The columns of the variable's table that the loss may read, in some order.

        One too many does no harm; without one of them, rows that differ would be taken for alike.
        """
        found = set(self._variables)
        for block in self._analysis.blocks:
            own = [source for source in block.sources if self._is_own(source)]
            joins = nodes_of(block.select, exp.Join)
            merged = {name.name for join in joins for name in join.args.get("using") or ()}
            for source in own:
                _refuse_renamed(source)
                starred = block.select.is_star and not _only_exists(block.select)
                self._read_of(source, set(source.columns or ()) if starred else merged, found)
            for column in nodes_of(block.select, exp.Column):
                if isinstance(column.parent, exp.Select) and _only_exists(column.parent):
                    continue
                for source, names in self._read_by(column, block, own):
                    self._read_of(source, names, found)
        return sorted(found)

    def _read_of(self, source: Source, names: set[str], found: set[str]) -> None:
        read = names & set(source.columns or ())
        found |= read
        if read & self._variables:
            self._moving.add(id(source.tree))

    def _read_by(
        self, column: exp.Column, block: Block, own: list[Source]
    ) -> Iterator[tuple[Source, set[str]]]:
        """What a column reads of the variable's table; a name of the table reads all of it."""
        try:
            source, name = resolve(self._analysis.block_of(column) or block, column)
        except GatewayError:
            yield from ((source, set(source.columns or ())) for source in own)
            return
        if self._is_own(source):
            yield source, {name}

    def _refuse_windows(self, block: Block) -> None:
        for window in nodes_of(block.select, exp.Window):
            if self._analysis.block_of(window) is not block:
                continue
            self._refuse_order(window, block)
            if self.changes(window, block):
                raise NotDifferentiable(
                    f"the gradient of a query cannot follow {shown(window)}",
                    detail="Each of its values depends on several rows.",
                    hint="It follows lag, lead, first_value and aggregates, over partitions and "
                    "frames in ROWS or GROUPS, of rows that the same SELECT does not group.",
                )

    def _refuse_order(self, window: exp.Window, block: Block) -> None:
        """Rows are known by their numbers: their order may not be rounded. It may move, as what a
        condition looks at may: where it is about to, there is a kink."""
        order = window.args.get("order")
        ordered = order.expressions if order is not None else []
        for key in (each.this for each in ordered if not each.meta_get(TIE)):
            if self._is_summed(key, block):
                raise NotDifferentiable(
                    f"the gradient of a query cannot follow rows in the order of {shown(key)}",
                    detail="It is computed by an aggregate.",
                    hint="Order by columns that no aggregate computes.",
                )

    def _average_keys(self, stage: Stage) -> None:
        """Let a key that is the variable be, in the items, the mean of it over the group's rows."""
        block = stage.block
        bare = [key.unnest() for key in stage.keys if self._is_variable(key, block)]
        moving = [resolve(block, key) for key in bare if isinstance(key, exp.Column)]
        if not moving or is_rolled_up(block):
            return
        block.select.set("group", exp.Group(expressions=[copied(key) for key in stage.keys]))

        def averaged(node: exp.Expr) -> exp.Expr:
            if is_aggregate(node) or isinstance(node, exp.Window | exp.Query):
                return node
            if isinstance(node, exp.Column) and resolve(block, node) in moving:
                return exp.Anonymous(this="avg", expressions=[copied(node)])
            for child in list(node.iter_expressions()):
                if (made := averaged(child)) is not child:
                    child.replace(made)
            return node

        for item in block.select.expressions:
            made = averaged(item.unalias())
            item.replace(exp.alias_(made, item.alias_or_name, quoted=True, copy=False))

    def _is_variable(self, key: exp.Expr, block: Block) -> bool:
        """Whether it is a column of the variable's table and nothing else, in whatever subquery."""
        bare = key.unnest()
        if not isinstance(bare, exp.Column) or not self.changes(bare, block):
            return False
        if bare.table.startswith(LOOKED_AT):
            return False
        source, name = resolve(block, bare)
        inner = _select_of(source)
        if self._is_own(source) or inner is None or inner.is_wall or source.columns is None:
            return self._is_own(source)
        made = inner.select.expressions[list(source.columns).index(name)]
        return self._is_variable(made.unalias(), inner)

    def _refuse_keys(self, stage: Stage) -> None:
        """Rows are led back to their group by its keys: they may neither move nor be rounded."""
        if is_rolled_up(stage.block):
            raise NotDifferentiable("the gradient of a query cannot follow GROUPING SETS")
        for key in stage.keys:
            moves = self.changes(key, stage.block) and not self._is_variable(key, stage.block)
            if moves and isinstance(key, exp.Column) and key.table.startswith(LOOKED_AT):
                raise NotDifferentiable(
                    "the gradient of a query cannot follow a subquery that reads the variable's "
                    "table and looks at the variable around it",
                    hint="Join the table instead.",
                )
            if moves or self._is_summed(key, stage.block):
                raise NotDifferentiable(
                    f"the gradient of a query cannot follow GROUP BY {shown(key)}",
                    detail="It is computed from the variable or by an aggregate.",
                    hint="Group by columns that no parameter changes.",
                )

    def _is_summed(self, key: exp.Expr, block: Block) -> bool:
        """Whether a key is a sum of another SELECT: added up anew, it may be another number."""
        known = type_of(key, block)
        if known is not None and known.name not in FLOATING:
            return False
        for column in (c for c in own_nodes(key) if isinstance(c, exp.Column)):
            source, name = resolve(block, column)
            inner = _select_of(source)
            if inner is None:
                if source.query is not None:
                    return True
                continue
            names = list(source.columns or ())
            made = inner.select.expressions[names.index(name)].unalias()
            if any(is_aggregate(node) for node in own_nodes(made)) or self._is_summed(made, inner):
                return True
        return False

    def _refuse_others(self, made: exp.Expr, block: Block) -> None:
        """Refuse what is made of an aggregate that has no weights."""
        for call in own_nodes(made):
            if not isinstance(call, exp.Anonymous) or not is_aggregate(call):
                continue
            plain = not call.find(exp.Distinct, exp.Order)
            if self.changes(call, block) and not (plain and has_weights(call)):
                raise NotDifferentiable(
                    f"the gradient of a query cannot follow {shown(call)}",
                    hint="It follows sum, avg, count, min, max, variances and deviations, "
                    "covariances, corr and regr_*.",
                )


def _only_exists(select: exp.Select) -> bool:
    """Whether nothing of a query is asked but that it has rows."""
    return isinstance(select.parent, exp.Exists)


def _refuse_renamed(source: Source) -> None:
    alias = source.tree.args.get("alias")
    if alias is not None and alias.columns:
        raise NotDifferentiable(
            f'the gradient of a query cannot follow "{source.alias}" with a list of columns',
            hint="Rename the columns in a subquery.",
        )


def _select_of(source: Source) -> Block | None:
    """The one SELECT that a subquery in FROM is."""
    query: Query | None = source.query
    if query is None or not isinstance(source.tree, exp.Subquery) or len(query.branches) != 1:
        return None
    block = query.branches[0]
    return block if source.tree.this is block.select else None


def _lengthen(source: Source, names: list[str]) -> None:
    """Let a subquery's column list have the columns that its query gained."""
    alias = source.tree.args.get("alias")
    if alias is not None and alias.columns:
        for name in names:
            alias.append("columns", exp.to_identifier(name, quoted=True))
