"""Which parts of a derivative are computed once and kept, and in which order.

A graph printed as text repeats each shared part at each use. Past a few hundred nodes the planner
chokes on that, so shared parts become columns of sub-selects under FROM, in layers: a layer reads
the columns of the one below. Keeping every shared node plans as badly as naive text; only those
that would print as some sixteen nodes or more are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.autodiff.rules.functions import may_raise
from gateway.autodiff.rules.graph import BOOLEAN, Node, post_order, unconditional

# Smaller shared parts are printed again at each use. Measured on a 4-8-1 perceptron with 48
# partials: 4 keeps 3 times the columns and plans 2 times slower, 64 prints 3 times the text.
KEPT_NODES = 16

# Parts that print as no more than this many nodes are printed again however often they are used.
SMALL_NODES = 3

# An expression deeper than this is cut although nothing shares its parts: planning takes time
# that grows with the square of the depth.
KEPT_DEPTH = 40


@dataclass(slots=True)
class Tape:
    """The nodes to keep, by layer from the bottom, and the names of their columns.

    What is printed in a layer reads the columns of lower layers only; equal parts of one layer are
    found by the engine. `printed` counts the nodes of all that is printed.
    """

    layers: list[list[Node]] = field(default_factory=list)
    names: dict[Node, str] = field(default_factory=dict)
    printed: int = 0
    _layer: dict[Node, int] = field(default_factory=dict)

    def keep(self, node: Node, layer: int) -> None:
        """Make `node` a column of that layer, counted from 1."""
        while len(self.layers) < layer:
            self.layers.append([])
        self.layers[layer - 1].append(node)
        self.names[node] = f"v{len(self.names) + 1}"
        self._layer[node] = layer

    def below(self, node: Node, layer: int) -> bool:
        """Whether `node` is a column of a layer under that one."""
        return self._layer.get(node, layer) < layer


def plan_tape(outputs: Sequence[Node], unguarded: Sequence[Node]) -> Tape:
    """The tape under which every expression of `outputs`, and every kept one, prints small.

    Args:
        outputs: What the SELECT prints.
        unguarded: Those of them that it computes for every row, whatever a CASE around says.
    """
    order = _order(outputs)
    uses = Counter(arg for node in order for arg in node.args)
    uses.update(outputs)
    movable = _movable(unguarded, order)
    tape, shape = Tape(), dict[Node, _Shape]()
    for node in order:
        seen = [shape[arg] for arg in node.args]
        own = _Shape(
            1 + sum(part.size for part in seen),
            1 + max((part.depth for part in seen), default=0),
            max((part.layer for part in seen), default=0),
        )
        if node.leaf is not None and node.leaf.kept:
            own = _Shape(1, 1, 1)
            tape.keep(node, own.layer)
        again = (uses[node] - 1) * own.size
        shared = again >= KEPT_NODES and own.size > SMALL_NODES
        if (shared or own.depth >= KEPT_DEPTH) and node in movable:
            tape.printed += own.size
            own = _Shape(1, 1, own.layer + 1)
            tape.keep(node, own.layer)
        shape[node] = own
    tape.printed += sum(shape[node].size for node in outputs)
    _keep_crossing(tape, outputs, movable)
    return tape


def _keep_crossing(tape: Tape, outputs: Sequence[Node], movable: set[Node]) -> None:
    """Keep what one layer computes and a higher one would compute again."""
    home: dict[Node, int] = {}
    kept = [[arg for node in layer for arg in node.args] for layer in tape.layers]
    for number, stack in enumerate([*kept, list(outputs)], 1):
        while stack:
            node = stack.pop()
            if tape.below(node, number) or home.get(node) == number:
                continue
            if node in home and node in movable and not _cheap(node):
                tape.keep(node, home[node])
                continue
            home.setdefault(node, number)
            stack.extend(node.args)


def _cheap(node: Node) -> bool:
    """Whether computing it again costs no more than carrying it as a column."""
    plain = node.op in ("+", "-", "*", "neg")
    return plain and all(arg.leaf is not None or arg.number is not None for arg in node.args)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a node prints: nodes, depth, and the highest layer whose columns it reads."""

    size: int
    depth: int
    layer: int


def _order(outputs: Sequence[Node]) -> list[Node]:
    """Every node under `outputs` once, arguments first."""
    found: dict[Node, None] = {}
    for output in outputs:
        found.update(dict.fromkeys(post_order(output, found)))
    return list(found)


def _movable(unguarded: Sequence[Node], order: Sequence[Node]) -> set[Node]:
    """Nodes that may be computed for every row.

    Those that are computed for every row anyway, and those under a CASE that cannot raise.
    """
    always = unconditional(unguarded)
    harmless: set[Node] = set()
    for node in order:
        if not may_raise(node) and harmless.issuperset(node.args):
            harmless.add(node)
    kept = (always | harmless) - {n for n in order if n.op in BOOLEAN or not n.args}
    return kept
