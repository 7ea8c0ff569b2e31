"""What a statement may ask of the planner, which nothing can interrupt: four numbers.

They are counted before planning: bytes and words when the text arrives, the rest in the rewritten
tree, where views, functions and derivatives stand written out. Their values are settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gateway.errors import StatementTooComplex, TooManyColumns
from gateway.interrupts import check_for_interrupts
from gateway.sql.shape.planning_cost import layers_of, longest_chain, refuse_deep_arrays
from gateway.sql.statements.reading import read
from gateway.sql.statements.statement import Statement
from gateway.sql.text.dialect import split
from gateway.sql.text.repeats import count_words
from gateway.sql.text.trees import own_nodes, unnamed

# A node of the tree is written in two words of text: `x + 1` has five and three, `(1, 2)` five
# and three.
_WORDS_PER_NODE = 2

MOST_SETS, MOST_CUBE = 4096, 12  # PostgreSQL's limits of GROUPING SETS and of CUBE
MOST_COLUMNS = 1664  # MaxTupleAttributeNumber of PostgreSQL; the time for n columns grows as n * n

# The planner asks for the type of an expression's parts at each level above them. A level costs
# this much, measured beside one another: 2,000 AND take the time of 1,000 + or of 350 nested calls.
_CONNECTOR, _OPERATOR, _CALL = 1, 5, 80
# An expression that stands in coalesce(), for each of its copies; so many never are too much.
_COPY, _FEW_CHOICES = 16, 7
# Nodes that are counted between two questions whether the statement is still wanted.
_NODES_AT_ONCE = 4096
# Sub-selects of fewer columns cost nothing worth the count.
_WIDE = 50
_OPERATORS = (exp.Cast, exp.Case, exp.If, exp.Coalesce)  # calls to sqlglot, not to the planner


@dataclass(frozen=True, slots=True)
class Size:
    """What a tree asks for; each CTE counted as often as it is named."""

    nodes: int = 0
    steps: int = 0
    branches: int = 1

    def __add__(self, other: Size) -> Size:
        return Size(
            self.nodes + other.nodes,
            self.steps + other.steps,
            self.branches + other.branches - 1,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one statement may ask for.

    Args:
        statement_bytes: Of a message's text.
        statement_nodes: Names, values, operators and calls.
        planning_steps: Visits to the parts of expressions, one for each level above each.
        union_branches: Of all UNIONs, INTERSECTs and EXCEPTs together.
    """

    statement_bytes: int
    statement_nodes: int
    planning_steps: int
    union_branches: int

    def read(self, text: str) -> list[Statement]:
        """Every statement of a message, as `statements` reads them.

        Raises:
            StatementTooComplex: 54001, past `statement_bytes`, `statement_nodes` or
                `planning_steps`; 54001 too for arrays in arrays, more than six deep.
            QueryCanceled: 57014, the message is not wanted any more.
        """
        if 4 * len(text) > self.statement_bytes:
            self._admit("statement_bytes", len(text.encode()))
        parts = split(text)
        for tokens in parts:
            check_for_interrupts()
            refuse_deep_arrays(tokens)
            check_for_interrupts()
            self._admit("statement_nodes", count_words(tokens) // _WORDS_PER_NODE)
            check_for_interrupts()
            self._admit("planning_steps", least_steps(longest_chain(tokens)))
        return [self._read(tokens, text) for tokens in parts]

    def _read(self, tokens: Sequence[Token], text: str) -> Statement:
        check_for_interrupts()
        statement = read(tokens, text)
        self._admit_depth(statement.tree, len(tokens))
        return statement

    def _admit_depth(self, tree: object, words: int) -> None:
        """Refuse what is too deep as it was written, before derivatives make more of it."""
        if isinstance(tree, exp.Expr) and _CALL * words * words > self.planning_steps:
            self._admit("planning_steps", size_of(tree).steps)

    def check(self, tree: exp.Expr) -> int:
        """The nodes of a rewritten query; one that would take too long to plan is refused.

        Raises:
            StatementTooComplex: 54001, naming the limit.
            TooManyColumns: 54011, a SELECT of more than PostgreSQL's 1664, a CUBE of more than 12.
        """
        found = unnamed(tree)
        for node in found:
            if isinstance(node, exp.Select) and len(node.expressions) > MOST_COLUMNS:
                raise TooManyColumns(f"target lists can have at most {MOST_COLUMNS} entries")
            if isinstance(node, exp.Group):
                _check_sets(node)
        if self._are_few(found):
            return len(found)
        size = size_of(tree)
        self._admit("statement_nodes", size.nodes)
        self._admit("union_branches", size.branches)
        self._admit("planning_steps", size.steps + layers_of(tree).steps)
        return size.nodes

    def _are_few(self, found: Sequence[exp.Expr]) -> bool:
        """Whether so many nodes are within all limits in whatever tree they are, each read once."""
        number = len(found)
        within = number <= self.statement_nodes and number <= self.union_branches
        steep = 2 * _CALL * number * number > self.planning_steps
        choices = sum(map(_is_choice, found))
        named = any(isinstance(node, exp.With) for node in found)
        return within and not steep and choices < _FEW_CHOICES and not named

    def _admit(self, name: str, given: int) -> None:
        limit = getattr(self, name)
        if given > limit:
            what, instead = _WORDS[name]
            raise StatementTooComplex(
                f"the statement is too complex: {what}",
                detail=f"It has {given}; {name} is {limit}.",
                hint=f"{instead}, or raise {name} in the server's configuration.",
            )


#    limit              what there is too much of          what to write instead
_WORDS = {
    "statement_bytes": ("its text is too long", "Send values as parameters"),
    "statement_nodes": ("it has too many parts", "Send it in several statements"),
    "planning_steps":  ("its expressions are too deep", "Name parts of them in subqueries"),
    "union_branches":  ("it has too many UNION branches", "Write constant rows as one VALUES list"),
}  # fmt: skip


def _check_sets(group: exp.Group) -> None:
    if any(len(cube.expressions) > MOST_CUBE for cube in group.find_all(exp.Cube)):
        raise TooManyColumns(f"CUBE is limited to {MOST_CUBE} elements")
    if sets_of(group) > MOST_SETS:
        raise StatementTooComplex(f"too many grouping sets present (maximum {MOST_SETS})")


def sets_of(node: exp.Expr) -> int:
    """How many grouping sets a GROUP BY, or a part of one, stands for.

    >>> from gateway.sql.text.dialect import parse
    >>> sets_of(parse("SELECT 1 FROM t GROUP BY CUBE (a, b), ROLLUP (c, d)")[0].args["group"])
    12
    """
    if isinstance(node, exp.Cube):
        return int(2 ** len(node.expressions))
    if isinstance(node, exp.Rollup):
        return len(node.expressions) + 1
    if isinstance(node, exp.GroupingSets):
        return sum(map(sets_of, node.expressions))
    if isinstance(node, exp.Group):
        return math.prod(map(sets_of, node.expressions))
    return 1


def least_steps(operators: int) -> int:
    """What `size_of` makes of so many operators in a row, at least: one part at each level."""
    return _OPERATOR * operators * (operators - 1)


def size_of(tree: exp.Expr, named: Mapping[str, Size] | None = None) -> Size:
    """How large `tree` is to the planner.

    Args:
        tree: A query.
        named: The sizes of the CTEs that it can name.

    >>> from gateway.sql.text.dialect import parse
    >>> size_of(parse("SELECT x + 1 FROM t UNION ALL VALUES (1)")[0]).branches
    2
    """
    nodes = steps = 0
    branches, inner = 1, Size()
    pending: list[tuple[exp.Expr, int, int, Mapping[str, Size]]] = [(tree, 0, 1, named or {})]
    while pending:
        node, level, copies, known = pending.pop()
        nodes, steps = nodes + 1, steps + level
        if not nodes % _NODES_AT_ONCE:
            check_for_interrupts()
        if isinstance(node, exp.Select):
            steps += _looked_through(node) + _joined(node)
        if _is_choice(node):
            steps += _COPY * copies
            copies *= _copied(node)
        branches += isinstance(node, exp.SetOperation)
        if isinstance(node, exp.Table) and not node.db and node.name in known:
            inner += known[node.name]
        clause = node.args.get("with_")
        if clause is not None:
            known = dict(known)
            for cte in clause.expressions:
                known[cte.alias] = size_of(cte.this, known)
        below = 0 if isinstance(node, exp.Query) else level + _level(node)
        pending += [(child, below, copies, known) for child in _parts(node) if child is not clause]
    return Size(nodes, steps, branches) + inner


def _is_choice(node: exp.Expr) -> bool:
    called = isinstance(node, exp.Anonymous) and node.name.lower() == "coalesce"
    return called or isinstance(node, exp.Coalesce)


def _copied(choice: exp.Expr) -> int:
    """How often the planner goes through what stands in coalesce().

    For `coalesce(x, y)` it writes `CASE WHEN x IS NOT NULL THEN x ELSE y END`, again and again
    where `x` is a call. Measured: coalesce(abs(...), 1), seven in each other, 0.2 s, eight 1 s.
    """
    first = next(choice.iter_expressions(), choice)
    calls = isinstance(first, exp.Func | exp.DPipe) and not isinstance(first, _OPERATORS)
    return 5 if calls and not _is_choice(first) else 2


def _looked_through(select: exp.Select) -> int:
    """Columns of sub-selects that the planner goes through for each that `select` names.

    Layer above layer of 600 columns took as long as 6,000,000 levels do: some 0.5 us each.
    """
    clause, joins = select.args.get("from_"), select.args.get("joins") or ()
    relations = [part.this for part in (clause, *joins) if part is not None]
    queries = [each.this for each in relations if isinstance(each, exp.Subquery)]
    width = sum(len(query.selects) for query in queries if isinstance(query, exp.Query))
    if width < _WIDE:
        return 0
    return width * sum(isinstance(node, exp.Column) for node in own_nodes(select))


def _joined(select: exp.Select) -> int:
    """The planner pushes conditions down through every join above every other.

    Measured: 100 tables joined in a row 0.7 s, 150 2.0 s, 200 5.2 s; a step is 0.5 us.
    """
    joins: list[exp.Join] = select.args.get("joins") or []
    return int(1.3 * len(joins) ** 3)


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    """What is a part of its own: a column is one, its names are none."""
    if isinstance(node, exp.Column | exp.Identifier | exp.DataType):
        return iter(())
    return node.iter_expressions()


def _level(node: exp.Expr) -> int:
    if isinstance(node, exp.Connector | exp.Paren):
        return _CONNECTOR
    if isinstance(node, exp.Func) and not isinstance(node, _OPERATORS):
        return _CALL
    return _OPERATOR
