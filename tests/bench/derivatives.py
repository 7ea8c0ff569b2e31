"""What all partial derivatives of a statement cost, as multiples of the statement itself.

    python -m tests.bench.derivatives [--rows N] [--runs N] [--only WORD]

Every contestant takes the whole way of the gateway but the wire: parse, rewrite, print, plan, run
on one partition, read every batch. Beside ours stand the derivative as a person would write it
out (a textbook differentiator that shares nothing, below) and ``jax.jit(jax.vmap(jax.grad))`` on
the same rows, compiled beforehand, when JAX is installed (the extra `oracle`).

The process is held to one core and its processor time is what counts, so that what else runs on
the machine does not show. Contestants take turns; medians; each printed number is a ratio of two
of them in the same run. A contestant that is refused shows its SQLSTATE.
"""

from __future__ import annotations

import argparse
import functools
import gc
import operator
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.autodiff.expressions.printing import printed_size
from gateway.autodiff.expressions.reading import Meaning, read
from gateway.autodiff.modes.linearize import Forward
from gateway.autodiff.modes.nulls import Nulls
from gateway.autodiff.rules.graph import Graph, Leaf, Node, post_order
from gateway.engine.embedded import Embedded
from gateway.errors import GatewayError
from gateway.rewrite import Rewritten, rewrite
from gateway.sources.table import TableName
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.names.scope import Block
from gateway.sql.statements.reading import statements
from gateway.sql.text.depth import make_room
from gateway.sql.text.dialect import parse
from gateway.store.rows.snapshots import Snapshot
from gateway.types import FLOAT8, from_arrow

# A text past this many characters would plan for minutes, and a contestant that took this long
# once has shown what it costs.
MAX_TEXT = 1_000_000
ONE_RUN_SECONDS = 30.0


# Expressions: one definition for the SQL, the textbook's derivative and JAX.


@dataclass(frozen=True, eq=False)
class Expression:
    """`op` is ``+ - * ^``, a function's name, ``column`` or ``number``."""

    op: str
    args: tuple[Expression, ...] = ()
    value: float | str = ""

    def __add__(self, other: Expression) -> Expression:
        return Expression("+", (self, other))

    def __sub__(self, other: Expression) -> Expression:
        return Expression("-", (self, other))

    def __mul__(self, other: Expression) -> Expression:
        return Expression("*", (self, other))

    def squared(self) -> Expression:
        return Expression("^", (self, number(2.0)))


def column(name: str) -> Expression:
    return Expression("column", value=name)


def number(value: float) -> Expression:
    return Expression("number", value=value)


def call(name: str, argument: Expression) -> Expression:
    return Expression(name, (argument,))


def text(tree: Expression) -> str:
    """SQL, every operation in parentheses."""
    if not tree.args:
        return str(tree.value)
    parts = [text(arg) for arg in tree.args]
    if len(parts) == 1:
        return f"{tree.op}({parts[0]})"
    return f"({parts[0]} {tree.op} {parts[1]})"


def naive(tree: Expression, wrt: str) -> Expression | None:
    """The derivative as a textbook writes it; None is 0. Nothing is shared but by chance."""
    if not tree.args:
        return number(1.0) if tree.value == wrt else None
    inner = [naive(arg, wrt) for arg in tree.args]
    if not any(inner):
        return None
    if tree.op in "+-":
        left, right = inner
        if right is None:
            return left
        right = right if tree.op == "+" else _times(number(-1.0), right)
        return right if left is None else left + right
    if tree.op == "*":
        terms = [_times(inner[n], tree.args[1 - n]) for n in (0, 1) if inner[n] is not None]
        return functools.reduce(operator.add, terms)
    return _times(_outer(tree), inner[0])


def _times(left: Expression | None, right: Expression | None) -> Expression:
    assert left is not None and right is not None
    if left.value == 1.0:
        return right
    return left if right.value == 1.0 else left * right


def _outer(tree: Expression) -> Expression:
    argument = tree.args[0]
    if tree.op == "^":
        return number(2.0) * argument
    if tree.op == "sin":
        return call("cos", argument)
    assert tree.op == "tanh"
    return number(1.0) - tree.squared()


def value(tree: Expression, columns: Mapping[str, object], jnp: object) -> object:
    """What `tree` is over arrays, or under JAX's tracing."""
    seen: dict[int, object] = {}

    def of(node: Expression) -> object:
        if id(node) not in seen:
            seen[id(node)] = step(node)
        return seen[id(node)]

    def step(node: Expression) -> object:
        if node.op == "column":
            return columns[str(node.value)]
        if node.op == "number":
            return node.value
        args = [of(arg) for arg in node.args]
        if node.op == "^":
            return args[0] * args[0]  # type: ignore[operator]
        plain = {"+": operator.add, "-": operator.sub, "*": operator.mul}.get(node.op)
        return plain(*args) if plain else getattr(jnp, node.op)(*args)

    return of(tree)


# Cases


@dataclass
class Case:
    """A function, its variables, and how its partials are asked for.

    Args:
        goal: The multiple of the primal that the partials may cost; None: none is set.
        aggregate: Every column inside ``avg(...)``, as training asks.
        constants: Columns of the table of one row, joined to every row of the other.
    """

    title: str
    function: Expression
    variables: list[str]
    columns: dict[str, np.ndarray]
    goal: float | None
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    aggregate: bool = False

    @property
    def tables(self) -> dict[TableName, Snapshot]:
        found = {"t": self.columns} | ({"w": self.constants} if self.constants else {})
        return {
            TableName("public", name): Snapshot(pa.table(columns))
            for name, columns in found.items()
        }

    def query(self, *items: str) -> str:
        shown = [f"avg({item})" if self.aggregate else item for item in items]
        # The table of one row first: see `report_join_order`.
        return f"SELECT {', '.join(shown)} FROM {'w, t' if self.constants else 't'}"

    @property
    def primal(self) -> str:
        return self.query(text(self.function))

    @property
    def ours(self) -> str:
        f = text(self.function)
        return self.query(f, *(f"grad({f}, {name})" for name in self.variables))

    @property
    def written_out(self) -> str:
        partials = [naive(self.function, name) for name in self.variables]
        return self.query(text(self.function), *(text(p) for p in partials if p is not None))


def product(rows: int) -> Case:
    random = np.random.default_rng(1)
    names = [f"x{n}" for n in range(32)]
    function = functools.reduce(operator.mul, map(column, names))
    columns = {name: random.uniform(0.5, 1.5, rows) for name in names}
    return Case("product of 32 columns, 32 partials", function, names, columns, 8.0)


def perceptron(rows: int, aggregate: bool) -> Case:
    """4-8-1 with tanh: 32 weights and 8 biases below, 8 weights above."""
    random = np.random.default_rng(2)
    inputs = [f"x{n}" for n in range(4)]
    weights = [f"w{i}_{j}" for j in range(8) for i in range(4)]
    names = [*weights, *(f"b{j}" for j in range(8)), *(f"v{j}" for j in range(8))]
    hidden = []
    for j in range(8):
        below = [column(f"w{i}_{j}") * column(f"x{i}") for i in range(4)]
        sums = functools.reduce(operator.add, [*below, column(f"b{j}")])
        hidden.append(column(f"v{j}") * call("tanh", sums))
    function = (functools.reduce(operator.add, hidden) - column("y")).squared()
    return Case(
        f"4-8-1 perceptron, 48 partials {'in avg' if aggregate else 'as columns'}",
        function,
        names,
        {name: random.standard_normal(rows) for name in (*inputs, "y")},
        2.0 if aggregate else None,
        {name: random.standard_normal(1) for name in names},
        aggregate,
    )


def sines(rows: int) -> Case:
    function = column("x")
    for _ in range(32):
        function = call("sin", function)
    columns = {"x": np.random.default_rng(3).uniform(-2, 2, rows)}
    return Case("sin applied 32 times, 1 partial", function, ["x"], columns, 2.5)


# The way of a statement


class Way:
    """Parse, rewrite, plan and run statements over the tables of one case."""

    def __init__(self, tables: Mapping[TableName, Snapshot]) -> None:
        self.tables = dict(tables)
        self.relations = {
            name: Relation(
                name, {f.name: ColumnInfo(from_arrow(f.type), f.nullable) for f in table.schema}
            )
            for name, table in self.tables.items()
        }
        self.session = Embedded(threads=1).new_session()

    def rewrite(self, statement: str) -> Rewritten:
        tree = statements(statement)[0].tree
        assert isinstance(tree, exp.Expr)
        return rewrite(tree, self._lookup)

    def rewritten(self, statement: str) -> str:
        return self.rewrite(statement).sql

    def planned(self, statement: str) -> object:
        """Everything before the first batch, and that: the tables it is asked of have one row."""
        return next(iter(self.session.plan(self.rewritten(statement), self.tables).stream()))

    def run(self, statement: str) -> None:
        plan = self.session.plan(self.rewritten(statement), self.tables)
        for _ in plan.stream():
            pass

    def _lookup(self, schema: str, name: str) -> Relation:
        return self.relations[TableName(schema or "public", name)]


def in_jax(case: Case) -> tuple[Callable[[], object], Callable[[], object]] | None:
    """Primal, and primal with all partials; None without JAX. Compiled when they come back."""
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    names = [*case.columns, *case.constants]
    arrays = [jnp.asarray(column) for column in case.columns.values()]
    scalars = [jnp.asarray(column[0]) for column in case.constants.values()]
    axes = [0] * len(arrays) + [None] * len(scalars)

    def f(*columns: object) -> object:
        return value(case.function, dict(zip(names, columns, strict=True)), jnp)

    wrt = tuple(names.index(name) for name in case.variables)

    def over_rows(row: Callable[..., object]) -> Callable[[], object]:
        def whole(*columns: object) -> object:
            found = jax.vmap(row, in_axes=axes)(*columns)
            return jax.tree.map(jnp.mean, found) if case.aggregate else found

        compiled = jax.jit(whole).lower(*arrays, *scalars).compile()
        return lambda: jax.block_until_ready(compiled(*arrays, *scalars))

    return over_rows(f), over_rows(jax.value_and_grad(f, argnums=wrt))


# Measuring


def in_turns(contestants: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float | str]:
    """Median processor seconds of each; the SQLSTATE of one that is refused."""
    took: dict[str, list[float]] = {name: [] for name in contestants}
    results: dict[str, float | str] = {}
    gc.collect()
    gc.freeze()  # as `gradwire serve` does: what stands at the start is not looked at again
    for turn in range(runs + 1):  # the first turn warms up
        for name, work in contestants.items():
            if name in results or (turn > 1 and took[name][-1] > ONE_RUN_SECONDS):
                continue
            gc.collect()  # what one leaves behind is not for the next to clear
            start = time.process_time()
            try:
                work()
            except GatewayError as error:
                results[name] = error.code
                continue
            seconds = time.process_time() - start
            if turn or seconds > ONE_RUN_SECONDS:
                took[name].append(seconds)
    return {name: results.get(name) or statistics.median(took[name]) for name in contestants}


def multiple(results: Mapping[str, float | str], name: str, of: str) -> str:
    upper, lower = results.get(name, "-"), results.get(of, "-")
    if isinstance(upper, str) or isinstance(lower, str):
        return upper if isinstance(upper, str) else lower
    return f"{upper / lower:.2f}x"


HEAD = ("goal", "gradwire", "written out", "JAX", "JAX / its primal")


def line(title: str, cells: tuple[str, ...] | list[str]) -> None:
    print(f"{title:44}" + "".join(f"{cell:>17}" for cell in cells), flush=True)


def run_case(case: Case, runs: int) -> None:
    way = Way(case.tables)
    primal, ours, written = case.primal, case.ours, case.written_out
    contestants: dict[str, Callable[[], object]] = {
        "primal": lambda: way.run(primal),
        "ours": lambda: way.run(ours),
    }
    if len(written) <= MAX_TEXT:
        contestants["written"] = lambda: way.run(written)
    jax = in_jax(case)
    if jax is not None:
        contestants["jax primal"], contestants["jax"] = jax
    results: dict[str, float | str] = {"written": f"{len(written) / 1e6:.0f} MB of text"}
    results |= in_turns(contestants, runs)
    goal = f"<= {case.goal}x" if case.goal else "-"
    line(
        case.title,
        [
            goal,
            *(multiple(results, name, "primal") for name in ("ours", "written", "jax")),
            multiple(results, "jax", "jax primal"),
        ],
    )


def report_execution(rows: int, runs: int, only: str) -> None:
    line(f"primal and all partials at {rows} rows, x primal", HEAD)
    makers: list[Callable[[], Case]] = [
        lambda: product(rows),
        lambda: perceptron(rows, True),
        lambda: perceptron(rows, False),
        lambda: sines(rows),
    ]
    for make in makers:
        case = make()
        if only in case.title:
            run_case(case, runs)


def report_join_order(rows: int, runs: int) -> None:
    """What it costs to name the table of one row last, which no statistics set right."""
    case = perceptron(min(rows, 20_000), True)
    way, first = Way(case.tables), case.primal
    last = first.replace("FROM w, t", "FROM t, w")
    results = in_turns({"first": lambda: way.run(first), "last": lambda: way.run(last)}, runs)
    print()
    line("a primal FROM rows, weights, x FROM weights, rows", [multiple(results, "last", "first")])


def report_planning(runs: int) -> None:
    print()
    line("planning, up to the first batch, x the primal's", ("goal", "gradwire", "written out"))
    for case, goal in [
        (perceptron(1, True), "<= 3.0x"),
        (perceptron(1, False), "-"),
        (product(1), "-"),
        (sines(1), "-"),
    ]:
        way = Way(case.tables)
        primal, ours, written = case.primal, case.ours, case.written_out
        results = in_turns(
            {
                "primal": lambda way=way, sql=primal: way.planned(sql),  # type: ignore[misc]
                "primal rewrite": lambda way=way, sql=primal: way.rewritten(sql),  # type: ignore[misc]
                "ours": lambda way=way, sql=ours: way.planned(sql),  # type: ignore[misc]
                "ours rewrite": lambda way=way, sql=ours: way.rewritten(sql),  # type: ignore[misc]
                "written": lambda way=way, sql=written: way.planned(sql),  # type: ignore[misc]
            },
            runs,
        )
        cells = [multiple(results, name, "primal") for name in ("ours", "written")]
        line(case.title, [goal, *cells])
        rewrite_of = [multiple(results, f"{name} rewrite", "primal") for name in ("primal", "ours")]
        print(f"    of which rewriting: primal {rewrite_of[0]}, gradwire {rewrite_of[1]}")


# The nested derivative

NESTED = "exp(sin(x)) * x / (1 + x*x)"


def report_nested(order: int) -> None:
    """Seconds and nodes of one deep derivative; a bound in seconds is the goal, so they show."""
    print(f"\nderivatives of {NESTED}")
    line("order", ("graph nodes", "live nodes", "as one text", "statement nodes", "planned in s"))
    way = Way({TableName("public", "t"): Snapshot(pa.table({"x": [0.5]}))})
    graph, root, leaf = _nested_primal()
    nulls = Nulls(graph)
    statement = NESTED
    for n in range(1, order + 1):
        forward = Forward(graph, nulls, lambda node: graph.number(int(node is leaf)))
        root = nulls.guard(forward.tangent(root), [root])
        statement = f"grad({statement}, x)"
        live = sum(1 for _ in post_order(root))
        line(
            str(n),
            [f"{len(graph)}", f"{live}", f"{printed_size([root])}", *_planned(way, statement)],
        )
    print("goal: order 7 within 1 s and 5000 nodes")


def _planned(way: Way, expression: str) -> tuple[str, str]:
    query = f"SELECT {expression} FROM t"
    start = time.perf_counter()
    try:
        way.planned(query)
        seconds = time.perf_counter() - start
        nodes = sum(1 for _ in rewrite(parse(query)[0], way._lookup).tree.walk())
        return str(nodes), f"{seconds:.2f}"
    except GatewayError as error:
        return error.code, f"{time.perf_counter() - start:.2f}"


def _nested_primal() -> tuple[Graph, Node, Node]:
    graph = Graph()

    def leaf(tree: object) -> Leaf:
        return Leaf("x", tree)  # type: ignore[arg-type]

    def refuse(marker: object) -> Node:
        raise AssertionError(marker)

    tree = parse(f"SELECT {NESTED}")[0].expressions[0]
    meaning = Meaning(Block(exp.Select(), None), leaf, lambda tree: FLOAT8, *[refuse] * 4)  # type: ignore[arg-type]
    root = read(graph, tree, meaning)
    (x,) = (node for node in post_order(root) if node.leaf is not None)
    return graph, root, x


def report() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.derivatives")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose title holds this")
    given = parser.parse_args()
    report_execution(given.rows, given.runs, given.only)
    if not given.only:
        report_join_order(given.rows, given.runs)
        report_planning(given.runs)
        report_nested(7)


def main() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    # Room as the server's threads have it.
    make_room()
    thread = threading.Thread(target=report, name="bench")
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
