"""Lays a tape under a SELECT: layers of sub-selects that compute shared parts once.

``SELECT a, <big> FROM t WHERE c`` becomes

    SELECT tape.a, <small> FROM (
        SELECT a, v1, <v2 over v1> AS v2 FROM (
            SELECT a, <v1> AS v1 FROM t WHERE c) AS tape) AS tape

FROM and WHERE move inside, everything else stays outside and reads the tape's columns; a layer
hands on only the columns that are read above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlglot import exp

from gateway.autodiff.expressions.printing import free_name, printed_size, write
from gateway.autodiff.modes.tape import Tape, plan_tape
from gateway.autodiff.rules.graph import Node, leaves
from gateway.autodiff.statements.readings import Variable
from gateway.errors import NotDifferentiable
from gateway.sql.names.scope import Block, column_node, is_aggregate
from gateway.sql.text.trees import copied, nodes_of

# What a column is bound to, seen from the block; None when nothing in sight has it.
Bind = Callable[[exp.Column], Variable | None]

# Refuses so many nodes, when they are too many.
Admit = Callable[[int], None]

_INSIDE = ("from_", "joins", "laterals", "where")
_OUTSIDE_ONLY = ("with_",)


# Derivatives of a SELECT that print as no more nodes than this stay inline, where people read them.
INLINE_NODES = 300


def print_outputs(
    block: Block,
    bind: Bind,
    outputs: Sequence[tuple[exp.Expr, Node]],
    aliases: set[str],
    admit: Admit,
) -> None:
    """Put SQL in place of the placeholders of one SELECT: inline when small, else over a tape.

    Args:
        block: The SELECT.
        bind: What its columns mean.
        outputs: Each placeholder, and the node to print there.
        aliases: Names of relations in the whole statement; a tape takes another and adds it.
        admit: Refuses what would print as too many nodes.

    Raises:
        StatementTooComplex, NotDifferentiable: as `print_inline`.
    """
    inside, outside = list[tuple[exp.Expr, Node]](), list[tuple[exp.Expr, Node]]()
    for each in outputs:
        (inside if _stays_inline(each[0], block) else outside).append(each)
    nodes = [node for _, node in outside]
    derived = [node for each, node in outside if each.args.get("expression") is None]
    if printed_size(derived) > INLINE_NODES or any(map(_reads_kept, nodes)):
        tape = plan_tape(nodes, [node for each, node in outside if not _is_guarded(each, block)])
        if tape.layers and can_hoist(block, bind, nodes):
            admit(tape.printed + printed_size([node for _, node in inside]))
            _inline(inside)
            hoist(block, bind, tape, outside, _claimed("tape", aliases))
            return
    print_inline(outputs, admit)


def print_inline(outputs: Sequence[tuple[exp.Expr, Node]], admit: Admit) -> None:
    """Put SQL in place of placeholders, all of it where they stand.

    Raises:
        StatementTooComplex: 54001, it is too large.
        NotDifferentiable: 0A000, it needs a tape.
    """
    nodes = [node for _, node in outputs]
    refuse_kept(nodes)
    admit(printed_size(nodes))
    _inline(outputs)


def refuse_kept(nodes: Iterable[Node]) -> None:
    """Refuse what reads the value of a group in each of its rows, where no tape can be laid.

    Raises:
        NotDifferentiable: 0A000.
    """
    if any(map(_reads_kept, nodes)):
        raise NotDifferentiable(
            "the derivative of max or min needs a sub-select that cannot be made here",
            hint="Compute it in a subquery that names its columns and reads no query around it.",
        )


def _reads_kept(node: Node) -> bool:
    return any(leaf.leaf is not None and leaf.leaf.kept for leaf in leaves(node))


def _inline(outputs: Sequence[tuple[exp.Expr, Node]]) -> None:
    for placeholder, node in outputs:
        placeholder.replace(placeholder.args.get("expression") or write(node))


def _stays_inline(placeholder: exp.Expr, block: Block) -> bool:
    """Whether it cannot be computed below, where there are the rows of FROM and WHERE.

    Where rows are grouped, what stands outside an aggregate is computed from keys and aggregates.
    """
    if _moves_inside(placeholder, block.select):
        return True
    return block.is_grouped and not any(map(is_aggregate, _around(placeholder, block)))


def _is_guarded(placeholder: exp.Expr, block: Block) -> bool:
    """Whether a CASE, COALESCE or FILTER may keep rows from it for which it would raise."""
    return any(
        isinstance(node, exp.Case | exp.Filter)
        or (isinstance(node, exp.Anonymous) and node.name.lower() == "coalesce")
        for node in _around(placeholder, block)
    )


def _around(placeholder: exp.Expr, block: Block) -> Iterator[exp.Expr]:
    node = placeholder.parent
    while node is not None and node is not block.select:
        yield node
        node = node.parent


def _moves_inside(placeholder: exp.Expr, select: exp.Select) -> bool:
    """Whether it stands in FROM or WHERE, which move below the tape."""
    child: exp.Expr = placeholder
    while child.parent is not None and child.parent is not select:
        child = child.parent
    return child.arg_key in _INSIDE


def can_hoist(block: Block, bind: Bind, nodes: Iterable[Node]) -> bool:
    """True when FROM and WHERE of this SELECT may move into a sub-select.

    Not when a star hides which columns are read, nor when what would move reads a query around it
    (the engine has no LATERAL sub-selects).
    """
    select = block.select
    if select.args.get("from_") is None or any(item.is_star for item in select.expressions):
        return False
    moved = [part for key in _INSIDE for part in _parts(select, key)]
    columns = [column for part in moved for column in nodes_of(part, exp.Column)]
    columns += [
        column
        for node in nodes
        if node.leaf is not None
        for column in nodes_of(node.leaf.sql, exp.Column)
    ]
    bound = (bind(column) for column in columns)
    inner = set(map(id, block.sources))
    return all(b is None or id(b.source) in inner or not _is_outer(block, b) for b in bound)


def _is_outer(block: Block, variable: Variable) -> bool:
    around = block.parent
    while around is not None:
        if variable.source in around.sources:
            return True
        around = around.parent
    return False


def _claimed(wanted: str, aliases: set[str]) -> str:
    name = free_name(wanted, aliases)
    aliases.add(name)
    return name


def hoist(
    block: Block, bind: Bind, tape: Tape, outputs: Sequence[tuple[exp.Expr, Node]], alias: str
) -> None:
    """Rewrite `block` in place over `tape`; each placeholder of `outputs` gets its node's text."""
    _Hoist(block, bind, tape, alias).run(outputs)


class _Hoist:
    def __init__(self, block: Block, bind: Bind, tape: Tape, alias: str) -> None:
        self.block, self.bind, self.tape = block, bind, tape
        self.alias = alias
        self.columns: dict[str, tuple[str, exp.Column]] = {}  # key -> its name on the tape, source
        self._kept: dict[Node, tuple[set[str], exp.Expr]] = {}  # what it reads, its text
        self._read: set[str] = set()  # by what is being written
        self._names: dict[int, tuple[exp.Column, str | None]] = {}

    def run(self, outputs: Sequence[tuple[exp.Expr, Node]]) -> None:
        select = self.block.select
        inner = exp.Select()
        for key in _INSIDE:
            inner.set(key, select.args.get(key))
            select.set(key, None)
        needed: set[str] = set()
        top = len(self.tape.layers) + 1
        written: set[int] = set()
        for number, layer in enumerate(self.tape.layers, 1):
            for node in layer:
                self._kept[node] = self._written(node, number)
        for placeholder, node in outputs:
            read, tree = self._written(node, top)
            needed |= read
            placeholder.replace(tree)
            written.update(map(id, nodes_of(tree, exp.Column)))
        needed |= self._outside(select, written)
        select.set("from_", exp.From(this=self._layers(inner, needed)))

    def _outside(self, select: exp.Select, written: set[int]) -> set[str]:
        """Point what stays outside at the tape; the tape columns that it reads.

        Args:
            written: The columns that point where they should.
        """
        items = [
            exp.Alias(this=item, alias=exp.to_identifier(item.name, quoted=True))
            if isinstance(item, exp.Column)
            else item
            for item in select.expressions
        ]
        select.set("expressions", items)
        needed: set[str] = set()
        for key in select.args:
            for part in () if key in _OUTSIDE_ONLY else _parts(select, key):
                for column in nodes_of(part, exp.Column):
                    name = None
                    if id(column) not in written and not self._names_output(column, select):
                        name = self._name(column)
                    if name is not None:
                        needed.add(name)
                        column.replace(column_node(self.alias, name))
        return needed

    def _names_output(self, column: exp.Column, select: exp.Select) -> bool:
        """Whether ORDER BY or DISTINCT ON means an item of the SELECT list: names come first."""
        stands_alone = isinstance(column.parent, exp.Ordered | exp.Tuple) and not column.table
        return (
            stands_alone
            and column.find_ancestor(exp.Order, exp.Distinct, exp.Window) is not None
            and not isinstance(column.find_ancestor(exp.Order, exp.Window), exp.Window)
            and any(item.alias_or_name == column.name for item in select.expressions)
        )

    def _name(self, column: exp.Column) -> str | None:
        """The tape's name for a column of this block's FROM; None for any other column."""
        if id(column) not in self._names:
            self._names[id(column)] = column, self._named_for(column)
        return self._names[id(column)][1]

    def _named_for(self, column: exp.Column) -> str | None:
        bound = self.bind(column)
        if bound is None and (own := self.block.source(column.table)) is not None:
            bound = Variable(own, column.name)  # a row's ctid, which no list of columns has
        if bound is None or bound.source not in self.block.sources:
            return None
        listed = [] if column.table else self.block.named(column.name)
        merged = any(each.is_merged for each in listed)
        key = f"merged {bound.name}" if merged else bound.key
        if key not in self.columns:
            taken = {name for name, _ in self.columns.values()} | set(self.tape.names.values())
            source = copied(column) if merged else column_node(bound.source.alias, bound.name)
            self.columns[key] = (free_name(bound.name, taken), source)
        return self.columns[key][0]

    def _written(self, root: Node, layer: int) -> tuple[set[str], exp.Expr]:
        """`root` as that layer prints it, and the columns of the layers below that it reads.

        The lowest reads the tables themselves.
        """
        self._read = set()
        if layer == 1:
            return self._read, write(root)

        def stand_in(node: Node) -> exp.Expr | None:
            return self._column(self.tape.names[node]) if self.tape.below(node, layer) else None

        tree = write(root, stand_in, self._pointed)
        return self._read, tree

    def _column(self, name: str) -> exp.Column:
        """A column of the tape, which is read."""
        self._read.add(name)
        return column_node(self.alias, name)

    def _pointed(self, tree: exp.Expr) -> exp.Expr:
        """A leaf's SQL, its columns read from the tape."""
        if isinstance(tree, exp.Column):
            name = self._name(tree)
            return copied(tree) if name is None else self._column(name)
        fresh = copied(tree)
        # In a subquery a name means what it means in the one that was analysed.
        pairs = zip(nodes_of(tree, exp.Column), nodes_of(fresh, exp.Column), strict=True)
        for written, column in pairs:
            name = self._name(written)
            if name is not None:
                column.replace(self._column(name))
        return fresh

    def _layers(self, inner: exp.Select, needed: set[str]) -> exp.Subquery:
        """The sub-selects, the lowest around `inner`'s FROM and WHERE."""
        selects: list[exp.Select] = []
        for number in range(len(self.tape.layers), 0, -1):
            lowest = number == 1
            kept = self.tape.layers[number - 1]
            passed = sorted(needed - {self.tape.names[node] for node in kept})
            below = set(passed).union(*(self._kept[node][0] for node in kept))
            items = [] if lowest else [_named(column_node(self.alias, n), n) for n in passed]
            for node in kept:
                items.append(_named(self._kept[node][1], self.tape.names[node]))
            if lowest:
                sources = dict(self.columns.values())
                items = [_named(copied(sources[name]), name) for name in passed] + items
            selects.append(exp.Select(expressions=items))
            needed = below
        for outer, lower in zip(selects, [*selects[1:], inner], strict=True):
            if lower is inner:
                for key in _INSIDE:
                    outer.set(key, inner.args.get(key))
            else:
                outer.set("from_", exp.From(this=self._subquery(lower)))
        return self._subquery(selects[0])

    def _subquery(self, select: exp.Select) -> exp.Subquery:
        alias = exp.TableAlias(this=exp.to_identifier(self.alias, quoted=True))
        return exp.Subquery(this=select, alias=alias)


def _parts(select: exp.Select, key: str) -> list[exp.Expr]:
    value = select.args.get(key)
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, exp.Expr)]


def _named(tree: exp.Expr, name: str) -> exp.Expr:
    return exp.Alias(this=tree, alias=exp.to_identifier(name, quoted=True))
