"""The chain rule through relations: how a column changes with a variable of the same FROM clause.

A column of a table changes with itself alone. A column of a subquery or a CTE is an expression over
the inner FROM clause; where each outer row is one inner row, of a SELECT or of those of UNION ALL,
its derivative along another exposed column is that inside, handed out as one more column. The same
holds where each outer row is one group and the variable a key of it. DISTINCT, other set operations
and recursive references are walls, and so are aggregates for what is no key: a column behind one is
a variable of its own, and what was computed behind it from the variable itself is refused, never
taken for a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from gateway.autodiff.expressions.reading import Pending
from gateway.autodiff.rules.graph import Graph, Leaf, Node, leaves
from gateway.autodiff.rules.simplify import is_zero
from gateway.autodiff.statements.exposing import expose
from gateway.autodiff.statements.grouping import group_keys, is_row_for_row, stacked
from gateway.autodiff.statements.readings import (
    Note,
    Readings,
    Variable,
    behind_a_wall,
    beside,
    constant,
    definitions,
    merged,
    refuse_generated,
    second_derivative,
)
from gateway.autodiff.statements.recursive import Loops
from gateway.errors import GatewayError
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.names.scope import (
    AGGREGATES,
    Analysis,
    Block,
    Output,
    Query,
    column_node,
    resolve,
)
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.inference import PULLED_BACK

# (expression, its block, variable) -> the unguarded derivative and the guarded one
Differentiate = Callable[[exp.Expr, Block, Variable], tuple[Node, Node]]

# Keeps a derivative that is to be printed in a block; what stands in its place until then.
Keep = Callable[[Node, Block], exp.Expr]


class ChainRule:
    """Partial derivatives of columns by columns, for one statement.

    Args:
        graph: Where leaves for the columns it adds are made.
        analysis: The statement's blocks; its trees gain columns when a subquery is seen through.
        differentiate: The derivative of an expression inside a block.
        keep: Keeps a derivative inside a block to be printed.
        kept: What a placeholder stands for.
        unrolls: Whether recursive queries may carry tangents.
    """

    def __init__(
        self,
        graph: Graph,
        analysis: Analysis,
        differentiate: Differentiate,
        keep: Keep,
        kept: Callable[[Pending], Node],
        unrolls: bool = True,
    ) -> None:
        self.graph = graph
        self.analysis = analysis
        self.differentiate = differentiate
        self.keep = keep
        self.kept = kept
        self.columns: dict[str, Variable] = {}  # by leaf key: the leaves that are columns
        self._partials: dict[tuple[str, str], Node] = {}
        self._keys: dict[int, frozenset[Variable]] = {}  # by block
        # (query, its column, the variable or its position) -> the column of the derivative
        self._exposed: dict[tuple[int, str, int | str], str] = {}
        self.readings = Readings(analysis, self.read_by, self.changes)
        self.loops = Loops(self, unrolls)

    def partial(self, column: Variable, variable: Variable) -> Node:
        """The derivative of `column` along `variable`, as a node of the block they are used in.

        Raises:
            NotDifferentiable: 0A000, the column was computed from the variable behind a wall.
        """
        if column == variable:
            return self.graph.number(1)
        if self.readings.is_same(column, variable):
            twin = self.readings.twin(column, variable)
            return self.graph.number(1) if twin is None else self.partial(column, twin)
        if (carried := self.loops.tangent(column, variable)) is not None:
            return carried
        key = (column.key, variable.key)
        if key not in self._partials:
            self._partials[key] = self._partial(column, variable)
        return self._partials[key]

    def _partial(self, column: Variable, variable: Variable) -> Node:
        query = column.source.query
        if query is None:
            self._refuse_computed(column, variable)
            return self.graph.number(0)
        across = self._inside if column.source is variable.source else self._from_elsewhere
        return across(column, variable, query)

    def _refuse_computed(self, column: Variable, variable: Variable) -> None:
        """Refuse a column of VALUES or of a function in FROM that looks at the variable, and one
        that a table generates from it."""
        refuse_generated(column, variable)
        tree = column.source.tree
        if column.source is variable.source or isinstance(tree.this, exp.Identifier):
            return
        held = [part for part in (tree.this, *tree.expressions) if isinstance(part, exp.Expr)]
        block = self.analysis.block_of(tree)
        if block is not None and any(self.depends(part, block, variable) for part in held):
            raise behind_a_wall(column, variable)

    def of_other_rows(self, tree: exp.Expr, block: Block, variable: Variable) -> Iterator[Note]:
        """What a tree reads that is computed from other rows of the variable's relation.

        What a self-join puts beside the variable is meant so; what a subquery reads seldom is.
        """
        for node in self._columns(tree):
            column = self.variable(node, block)
            inside = self.analysis.block_of(node) not in (None, block)
            if column in (None, variable) or self.loops.carries(column, variable):
                continue
            if self.readings.is_of_other_rows(column, variable, inside):
                yield constant(column, variable)

    def depends(self, tree: exp.Expr, block: Block, variable: Variable) -> bool:
        """True when a column in `tree`, subqueries included, changes with `variable`."""
        return any(self.changes(found, variable) for found in self.read_by(tree, block))

    def changes(self, column: Variable, variable: Variable) -> bool:
        """True when `column` changes with `variable`."""
        return not is_zero(self.partial(column, variable))

    def read_by(self, tree: exp.Expr, block: Block) -> Iterator[Variable]:
        """The columns that `tree` reads, subqueries included."""
        for column in self._columns(tree):
            found = self.variable(column, block)
            if found is not None:
                yield found

    def variable(self, column: exp.Column, block: Block) -> Variable | None:
        """What `column` is bound to; None when no relation in sight has it."""
        try:
            return Variable(*resolve(self.analysis.block_of(column) or block, column))
        except GatewayError:  # an unknown column is for the engine to report, in its turn
            return None

    def _from_elsewhere(self, column: Variable, variable: Variable, query: Query) -> Node:
        """0, unless the column's subquery has the variable's one row too, or is LATERAL to it."""
        if (named := query.tree.meta_get(PULLED_BACK)) and not self.readings.is_way(variable):
            raise second_derivative(named)
        if self.readings.is_read_for(column, variable, same=True):
            return self._by_its_row(column, variable, query)
        if _is_recursive(column) and self.readings.comes_from(column, variable):
            return self._by_its_row(column, variable, query)
        for item, block in definitions(column, query):
            if self.depends(item, block, variable):
                return self._by_its_row(column, variable, query)
        return self.graph.number(0)

    def _by_its_row(self, column: Variable, variable: Variable, query: Query) -> Node:
        """The derivative inside the column's subquery, all of whose rows see the variable's."""
        if (loop := self.loops.of(column.source)) is not None:
            return self.loops.carry(loop, column, variable, (variable, variable))
        names = list(column.source.columns or ())
        if column.name in names and len(names) == _width(query) and stacked(query):
            if any(self._moves(block, variable) for block in query.branches):
                raise behind_a_wall(column, variable)
            within = [variable for _ in query.branches]
            return self._by_branch(column, variable, query, within, variable.key)
        if not query.takes_columns or self._moves(query.branches[0], variable):
            raise behind_a_wall(column, variable)
        if column.name not in names or len(names) != _width(query):
            raise behind_a_wall(column, variable)
        made = query.outputs[names.index(column.name)]
        assert made.expression is not None and made.block is not None
        tangent, guarded = self.differentiate(made.expression, made.block, variable)
        return self._handed_out(column, variable, (tangent, guarded), made, variable.key)

    def handed_out(self, column: Variable) -> Node:
        """A column that was handed out, as a node."""
        self.columns[column.key] = column
        return self.graph.leaf(Leaf(column.key, column_node(column.source.alias, column.name)))

    def _moves(self, block: Block, variable: Variable) -> bool:
        """Whether other rows are put together when the variable changes."""
        parts = beside(block.select) if block.is_grouped else ()
        return any(self.depends(part, block, variable) for part in parts)

    def _columns(self, tree: exp.Expr) -> Iterator[exp.Column]:
        """The columns in `tree`, those of derivatives yet to be printed included."""
        for node in tree.find_all(exp.Column, Pending):
            if isinstance(node, exp.Column):
                yield node
            elif isinstance(node, Pending):
                for leaf in leaves(self.kept(node)):
                    if leaf.leaf is not None:
                        yield from self._columns(leaf.leaf.sql)

    def _inside(self, column: Variable, variable: Variable, query: Query) -> Node:
        names = list(column.source.columns or ())
        if column.name not in names or variable.name not in names or len(names) != _width(query):
            raise behind_a_wall(column, variable)
        position, along = names.index(column.name), names.index(variable.name)
        if is_row_for_row(query) or self._is_key(query, along):
            return self._seen_through(column, variable, query.outputs[position], along)
        if (bare := self._in_each(query, position, along)) is not None:
            return self._by_branch(column, variable, query, bare, along)
        if (loop := self.loops.of(column.source)) is not None and along < loop.width:
            (first, around), (step, inside) = loop.items(along)
            inner = self._bare(first, around)
            own = self._bare(step, inside)
            shares = inner is None and any(
                self._share(made, first, around) for made, _ in [next(loop.items(position))]
            )
            if own == Variable(loop.before, list(loop.before.columns or ())[along]) and not shares:
                return self.loops.carry(loop, column, variable, (inner, own))
        for block in query.branches:
            items = [item.unalias() for item in block.select.expressions]
            self._refuse_hidden_dependence(column, variable, block, items[position], items[along])
        return self.graph.number(0)

    def _in_each(self, query: Query, position: int, along: int) -> list[Variable | None] | None:
        """What an output is in each SELECT of UNION ALL; None where one hides it from another."""
        found = []
        for block in stacked(query):
            defining = block.select.expressions[along].unalias()
            inner, made = self._bare(defining, block), block.select.expressions[position]
            if inner is None and self._share(made, defining, block):
                return None
            if block.is_grouped and (inner is None or inner not in self.keys(block)):
                return None
            found.append(inner)
        return found or None

    def _is_key(self, query: Query, at: int) -> bool:
        """Whether each row is one group, and that output a key of it and nothing else."""
        if not query.gives_groups:
            return False
        block = query.branches[0]
        return self._bare(query.outputs[at].expression, block) in self.keys(block)

    def keys(self, block: Block) -> frozenset[Variable]:
        """The columns that GROUP BY names by themselves."""
        if id(block) not in self._keys:
            found = set[Variable]()
            for key in (each.unnest() for each in group_keys(block)):
                bare = self._bare(key, block)
                if bare is not None and isinstance(key, exp.Column):
                    found.update(merged(bare, key, block))
            self._keys[id(block)] = frozenset(found)
        return self._keys[id(block)]

    def _seen_through(self, column: Variable, variable: Variable, made: Output, at: int) -> Node:
        query = column.source.query
        assert query is not None and made.block is not None and made.expression is not None
        defining = query.outputs[at].expression
        inner = self._bare(defining, made.block)
        if inner is None:
            if defining is not None and self._share(made.expression, defining, made.block):
                raise behind_a_wall(column, variable)
            return self.graph.number(0)
        if self.readings.is_left(variable):
            self.readings.leave(inner)
        found = self.differentiate(made.expression, made.block, inner)
        return self._handed_out(column, variable, found, made, at)

    def _by_branch(
        self,
        column: Variable,
        variable: Variable,
        query: Query,
        within: Sequence[Variable | None],
        along: int | str,
    ) -> Node:
        """The derivative inside each SELECT of UNION ALL, as one more column of them.

        Args:
            column, variable: What is differentiated by what.
            query: The column's query.
            within: What the variable is in each SELECT; None: nothing.
            along: What tells the variable apart from others.
        """
        place = list(column.source.columns or ()).index(column.name)
        key = (id(query), str(place), along)
        if key not in self._exposed:
            trees: list[exp.Expr | None] = []
            for block, inner in zip(query.branches, within, strict=True):
                item = block.select.expressions[place].unalias()
                tangent = None if inner is None else self.differentiate(item, block, inner)
                zero = tangent is None or is_zero(tangent[0])
                trees.append(None if tangent is None or zero else self.keep(tangent[1], block))
            if not any(trees):
                return self.graph.number(0)
            wanted = f"∂{column.name}/∂{variable.name}"
            self._exposed[key] = expose(column.source, wanted, trees)
        return self.handed_out(Variable(column.source, self._exposed[key]))

    def _handed_out(
        self,
        column: Variable,
        variable: Variable,
        found: tuple[Node, Node],
        made: Output,
        along: int | str,
    ) -> Node:
        """A derivative inside a subquery, as one more column of it."""
        tangent, guarded = found
        if tangent.number is not None:
            return tangent
        assert made.block is not None
        key = (id(column.source.query), made.name, along)
        name = self._exposed.get(key)
        if name is None:
            placeholder = self.keep(guarded, made.block)
            name = expose(column.source, f"∂{column.name}/∂{variable.name}", [placeholder])
            self._exposed[key] = name
        return self.handed_out(Variable(column.source, name))

    def _refuse_hidden_dependence(
        self,
        column: Variable,
        variable: Variable,
        block: Block,
        made: exp.Expr,
        along: exp.Expr,
    ) -> None:
        inner = self._bare(along, block)
        recursive = _is_recursive(column)
        if inner is not None:
            hidden = self.depends(made, block, inner) or (
                recursive
                and any(self.readings.comes_from(c, inner) for c in self.read_by(made, block))
            )
        else:
            shares = not _aggregates(along) and self._share(made, along, block)
            hidden = not recursive and (shares or _contains(made, along))
        if hidden:
            raise behind_a_wall(column, variable)

    def _bare(self, tree: exp.Expr | None, block: Block) -> Variable | None:
        """The variable that `tree` is, when it is nothing but a column."""
        bare = None if tree is None else tree.unnest()
        return self.variable(bare, block) if isinstance(bare, exp.Column) else None

    def _share(self, left: exp.Expr, right: exp.Expr, block: Block) -> bool:
        """True when both are computed from a common column."""
        columns = (self.variable(column, block) for column in self._columns(right))
        return any(self.depends(left, block, column) for column in columns if column is not None)


def _is_recursive(column: Variable) -> bool:
    return column.source.cte is not None and is_recursive(column.source.cte)


def _contains(made: exp.Expr, along: exp.Expr) -> bool:
    """Whether `along`, which computes something, stands inside `made`."""
    bare = along.unnest()
    return bare.find(exp.Column) is not None and any(
        node == bare for node in nodes_of(made, type(bare))
    )


def _width(query: Query) -> int:
    """Number of columns each branch gives; -1 when a star hides it."""
    widths = {len(block.select.expressions) for block in query.branches}
    stars = any(item.is_star for block in query.branches for item in block.select.expressions)
    return -1 if stars or len(widths) != 1 else widths.pop()


def _aggregates(tree: exp.Expr) -> bool:
    return any(
        isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES for node in tree.walk()
    )
