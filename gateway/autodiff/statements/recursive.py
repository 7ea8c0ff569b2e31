"""The derivative of a recursive query's columns: their tangents, carried from step to step.

Forward mode, as of a loop: of every column that changes with the variable the query gets one more,
which begins with the first term's derivative; a step computes it from that of the step before.

    y(0) = f(v)          d(0) = df/dv
    y(n+1) = g(y, v)     d(n+1) = dg/dy * d + dg/dv
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from gateway.autodiff.expressions.printing import free_name
from gateway.autodiff.rules.graph import Node
from gateway.autodiff.rules.simplify import is_zero
from gateway.autodiff.statements.grouping import group_keys, is_single
from gateway.autodiff.statements.readings import (
    Variable,
)
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.names.relation import ColumnInfo
from gateway.sql.names.scope import Analysis, Block, Output, Source, column_node, resolve
from gateway.types import FLOAT8

if TYPE_CHECKING:
    from gateway.autodiff.statements.relations import ChainRule


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """A recursive query that can carry more columns.

    Args:
        source: A relation that reads it.
        cte: It.
        terms: Its first term, and its step.
        before: The rows of the step before, in a step.
        width: How many columns it has by itself.
    """

    source: Source
    cte: exp.CTE
    terms: tuple[Block, Block]
    before: Source
    width: int

    def items(self, place: int) -> Iterator[tuple[exp.Expr, Block]]:
        """What defines a column in each term."""
        for block in self.terms:
            yield block.select.expressions[place].unalias(), block


def loop_of(source: Source, analysis: Analysis) -> Loop | None:
    """The recursive query that a relation reads; None if it is none, or cannot carry more."""
    query, cte = source.query, source.cte
    if query is None or cte is None or not is_recursive(cte) or len(query.branches) != 2:
        return None
    body, (first, step) = cte.this, query.branches
    plain = isinstance(body, exp.Union) and not body.args.get("distinct")
    if not plain or body.left is not first.select or body.right is not step.select:
        return None
    before = [s for s in _readers(cte, analysis) if s.recursive]
    if first.is_wall or len(before) != 1:
        return None
    if step.is_wall and not _is_one_row_each(first, step, before[0]):
        return None
    return Loop(source, cte, (first, step), before[0], len(query.outputs))


def _is_one_row_each(first: Block, step: Block, before: Source) -> bool:
    """Whether the first term has one row, and a step at most one group for each row before.

    So all rows of a group have the same tangents, by which it can be grouped as well.
    """
    keys = [key.unnest() for key in group_keys(step)]
    if not keys or not step.gives_groups or not all(map(is_single, first.sources)):
        return False
    for key in keys:
        if not isinstance(key, exp.Column):
            return False
        source, _ = resolve(step, key)
        if source is not before and not is_single(source):
            return False
    return True


class Loops:
    """The recursive queries of one statement, and the tangents that they carry.

    Args:
        chain: How columns change with variables.
        unrolls: Whether they may carry any.
    """

    def __init__(self, chain: ChainRule, unrolls: bool) -> None:
        self._chain, self._unrolls = chain, unrolls
        self._loops: dict[int, Loop | None] = {}  # by recursive query
        self._carried: dict[tuple[int, str], _Carried] = {}  # by recursive query and variable

    def of(self, source: Source) -> Loop | None:
        """The recursive query that a relation reads, as it was before it carried any."""
        key = id(source.cte)
        if source.cte is not None and key not in self._loops:
            self._loops[key] = loop_of(source, self._chain.analysis) if self._unrolls else None
        return self._loops.get(key)

    def is_step(self, block: Block) -> bool:
        """Whether it is the step of such a query: each of its groups is of one row before."""
        return any(loop is not None and loop.terms[1] is block for loop in self._loops.values())

    def carries(self, column: Variable, variable: Variable) -> bool:
        """Whether a column's query carries tangents by a variable."""
        return (id(column.source.cte), variable.key) in self._carried

    def carry(
        self,
        loop: Loop,
        column: Variable,
        variable: Variable,
        inside: tuple[Variable | None, Variable],
    ) -> Node:
        """The tangent of a recursive query's column, which the query is made to carry.

        Args:
            loop: The query.
            column: The column of a relation that reads it.
            variable: The variable.
            inside: What that is in the first term, and in a step.
        """
        carried = _Carried(variable, inside)
        for each in (variable, inside[1]):
            self._carried[id(loop.cte), each.key] = carried
        self._extend(loop, carried)
        found = self.tangent(column, variable)
        return self._chain.graph.number(0) if found is None else found

    def _extend(self, loop: Loop, carried: _Carried) -> None:
        """Let a recursive query carry tangents of all the columns that it has by now.

        Tangents by another variable are among them, or those that it carries already: of second
        order, and so on.
        """
        whole = replace(loop, width=len(loop.source.columns or ()))
        places = changing(whole, carried.inside, self._chain)
        names = tangent_names(
            whole, [place for place in places if place not in carried.names], carried.variable
        )
        carried.names |= names
        carried.width = whole.width
        made = {place: self._terms(whole, place, carried.inside) for place in names}
        hand_on(whole, names, made, self._chain.analysis)
        self._chain.readings.carry(loop.cte)

    def _terms(
        self, loop: Loop, place: int, inside: tuple[Variable | None, Variable]
    ) -> list[exp.Expr]:
        """The tangent of one column in the first term, and in a step."""
        found: list[exp.Expr] = []
        for (item, block), within in zip(loop.items(place), inside, strict=True):
            slope = None if within is None else self._chain.differentiate(item, block, within)
            if slope is None or is_zero(slope[0]):
                found.append(exp.cast(exp.Literal.number("0.0"), exp.DType.DOUBLE))
            else:
                found.append(self._chain.keep(slope[1], block))
        return found

    def tangent(self, column: Variable, variable: Variable) -> Node | None:
        """The column that holds the tangent of a recursive query's; None where it carries none."""
        carried = self._carried.get((id(column.source.cte), variable.key))
        if carried is None:
            return None
        place, loop = place_of(column), self._loops[id(column.source.cte)]
        if loop is not None and place >= carried.width:
            self._extend(loop, carried)
        if place not in carried.names:
            return self._chain.graph.number(0)
        return self._chain.handed_out(Variable(column.source, carried.names[place]))


@dataclass(slots=True, eq=False)
class _Carried:
    """The tangents by one variable that a recursive query carries.

    Args:
        variable: It.
        inside: What that is in the first term, and in a step.
        names: Of the tangents, by the places of their columns.
        width: How many columns were looked at.
    """

    variable: Variable
    inside: tuple[Variable | None, Variable]
    names: dict[int, str] = field(default_factory=dict)
    width: int = 0


def place_of(column: Variable) -> int:
    """Which column of its relation it is, from 0."""
    return list(column.source.columns or ()).index(column.name)


def changing(loop: Loop, variables: Sequence[Variable | None], chain: ChainRule) -> list[int]:
    """The places of the columns that change with a variable.

    Args:
        loop: The recursive query.
        variables: What the variable is in the first term, and in a step; None: nothing.
        chain: How columns change with variables.

    Raises:
        NotDifferentiable: 0A000, one is computed from the variable behind a wall.
    """
    reads = [_Reads(loop, chain) for _ in range(loop.width)]
    for place, each in enumerate(reads):
        for (item, block), variable in zip(loop.items(place), variables, strict=True):
            each.add(item, block, variable)
    found = {place for place, each in enumerate(reads) if each.variable}
    while more := {n for n, each in enumerate(reads) if n not in found and each.before & found}:
        found |= more
    return sorted(found)


class _Reads:
    """What a column is computed from: the variable, and columns of the step before."""

    def __init__(self, loop: Loop, chain: ChainRule) -> None:
        self._loop, self._chain = loop, chain
        self.variable, self.before = False, set[int]()

    def add(self, item: exp.Expr, block: Block, variable: Variable | None) -> None:
        """Note what an item of a block reads."""
        for column in self._chain.read_by(item, block):
            under = [column, *self._chain.readings.under(column)]
            before = {place_of(each) for each in under if each.source is self._loop.before}
            self.before |= before
            if variable is not None and not self.variable:
                self.variable = any(self._is(each, variable) for each in under) or (
                    not before and self._chain.changes(column, variable)
                )

    def _is(self, column: Variable, variable: Variable) -> bool:
        return column == variable or self._chain.readings.is_same(column, variable)


def tangent_names(loop: Loop, places: Sequence[int], variable: Variable) -> dict[int, str]:
    """What the tangents of columns are to be called, by the columns' places."""
    names = list(loop.source.columns or ())
    readers = [loop.source, loop.before]
    taken = {name for each in readers for name in each.columns or ()}
    found = {}
    for place in places:
        found[place] = free_name(f"∂{names[place]}/∂{variable.name}", taken)
        taken.add(found[place])
    return found


def hand_on(
    loop: Loop, names: Mapping[int, str], made: Mapping[int, Sequence[exp.Expr]], analysis: Analysis
) -> None:
    """Let a recursive query carry tangents.

    Args:
        loop: It.
        names: Of the tangents, by the places of their columns.
        made: The tangents in the first term and in a step.
        analysis: The statement's blocks.
    """
    readers = list(_readers(loop.cte, analysis))
    assert loop.source.query is not None
    for place, trees in made.items():
        for block, tree in zip(loop.terms, trees, strict=True):
            item = exp.alias_(tree, names[place], quoted=True, copy=False)
            block.select.append("expressions", item)
        if loop.terms[1].is_grouped:
            key = column_node(loop.before.alias, names[place])
            loop.terms[1].select.args["group"].append("expressions", key)
        loop.source.query.outputs.append(Output(names[place], None, None))
        for reader in readers:
            if reader.columns is not None:
                reader.columns[names[place]] = ColumnInfo(FLOAT8)
        for named in (loop.cte, *(reader.tree for reader in readers)):
            alias = named.args.get("alias")
            if alias is not None and alias.columns:
                alias.append("columns", exp.to_identifier(names[place], quoted=True))


def _readers(cte: exp.CTE, analysis: Analysis) -> Iterator[Source]:
    return (s for block in analysis.blocks for s in block.sources if s.cte is cte)
