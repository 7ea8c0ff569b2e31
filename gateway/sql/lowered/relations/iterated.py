"""Recursive queries that are run step by step, each step over the rows of the one before.

The engine runs a recursive query by itself, in which it reads the rows of the step before once. A
subquery that looks at them is a join of what it gives with what it looks at (`dependent`), which
reads them a second time. So such a query is taken apart: whoever runs the statement runs its first
term, then its second over the rows that came, until none come (manual, 7.8.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sources.table import TableName
from gateway.sql.lowered.relations.joining import join_in_turn
from gateway.sql.lowered.relations.looked_at import references
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.materialised import read_kept, stands_in
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.meaning.self_references import references_to
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, table_node
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import copied, nodes_of


@dataclass(frozen=True, slots=True)
class Rounds:
    """A recursive query, taken apart.

    Args:
        first: Its first term.
        cte: The query itself.
        others: What it reads of WITH besides.
    """

    first: exp.Query
    cte: exp.CTE
    others: tuple[exp.CTE, ...]

    @property
    def is_distinct(self) -> bool:
        """Whether it is UNION, which takes no row again."""
        return bool(_body(self.cte).args.get("distinct"))

    def step(self, names: tuple[str, ...], rows: TableName, found: TableName) -> exp.Query:
        """Its second term, as a query of its own.

        Args:
            names: Of its columns.
            rows: What holds the rows of the step before.
            found: What holds all rows so far, of which UNION takes none again.
        """
        body = _body(self.cte)
        second = body.right.copy()
        holder = exp.Paren(this=second)
        for table in references_to(second, self.cte.alias):
            read = table_node(rows, table.alias_or_name)
            for key in ("joins", "sample", "pivots"):
                read.set(key, table.args.get(key))
            if (alias := table.args.get("alias")) is not None:
                read.set("alias", alias)
            table.replace(read)
        columns = [exp.to_identifier(name, quoted=True) for name in names]
        name = exp.to_identifier(self.cte.alias, quoted=True)
        alias = exp.TableAlias(this=name, columns=columns)
        made: exp.Query = _read(exp.Subquery(this=holder.this, alias=alias))
        if self.is_distinct:
            known = _read(table_node(found, self.cte.alias))
            made = exp.Except(this=made, expression=known, distinct=True)
        return _with(made, self.others)


Keep = Callable[[Rounds], TableName]


def iterate(tree: exp.Expr, analysis: Analysis, relations: Relations, keep: Keep) -> Analysis:
    """Let the rows of such queries stand in their place, in place; the blocks of what it is then.

    Args:
        keep: Has a query run before the statement, and names its rows.
    """

    def kept(cte: exp.CTE, query: exp.Select) -> TableName | None:
        twice = _reads_twice(query, cte.alias, relations)
        return keep(_apart(query, cte.alias)) if twice else None

    return read_kept(tree, analysis, relations, _is_wanted, kept)


def _is_wanted(cte: exp.CTE) -> bool:
    clause = cte.parent
    return clause is not None and bool(clause.args.get("recursive")) and is_recursive(cte)


def _member(query: exp.Expr, name: str) -> exp.CTE:
    members: list[exp.CTE] = query.args["with_"].expressions
    return next(each for each in members if each.alias == name)


def _body(cte: exp.CTE) -> exp.SetOperation:
    body = cte.this
    while isinstance(body, exp.Subquery):
        body = body.this
    assert isinstance(body, exp.SetOperation)
    return body


def _reads_twice(query: exp.Select, name: str, relations: Relations) -> bool:
    """Whether its step, as the engine is given it, reads the rows of the step before twice."""
    right = _body(_member(query, name)).right
    if _times(right, name) > 1:
        return True
    if not any(each is not right for each in nodes_of(right, exp.Query)):
        return False
    if nodes_of(right, Marker):  # it is joined when the derivative has been taken
        analysis = analyse(query, relations)
        return any(references(each, analysis) for each in nodes_of(right, exp.Query))
    tried = copied(query)
    try:
        join_in_turn(tried, analyse(tried, relations), relations, count(1))
    except FeatureNotSupported:  # as it is refused where it stands
        return False
    return _times(_body(_member(tried, name)).right, name) > 1


def _times(right: exp.Expr, name: str) -> int:
    """How often a query of that name is read, which queries of WITH inside may do for others."""
    found = 0
    for table in references_to(right, name):
        cte = table.find_ancestor(exp.CTE)
        inside = cte is not None and stands_in(cte, right)
        found += _times(right, cte.alias) if inside and cte is not None else 1
    return found


def _apart(query: exp.Select, name: str) -> Rounds:
    cte = _member(query, name)
    others = tuple(each for each in query.args["with_"].expressions if each is not cte)
    body = _body(cte)
    alias = cte.args["alias"].copy()
    first = _read(exp.Subquery(this=body.left.copy(), alias=alias))
    if body.args.get("distinct"):
        first.set("distinct", exp.Distinct())
    return Rounds(_with(first, others), cte, others)


def _read(item: exp.Expr) -> exp.Select:
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=item))


def _with(query: exp.Query, others: tuple[exp.CTE, ...]) -> exp.Query:
    if others:
        recursive = any(map(is_recursive, others))
        kept = exp.With(expressions=[each.copy() for each in others], recursive=recursive)
        query.set("with_", kept)
    return query
