"""Queries of WITH that are run once, before the statement, and read as rows that are kept.

PostgreSQL runs a WITH query once that calls volatile functions, or is AS MATERIALIZED (manual,
7.8.3). The engine has none: it runs such a query wherever it is named. What a derivative may be
taken through stays as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.errors import UndefinedColumn, UndefinedTable
from gateway.sources.table import TableName
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, Block, Source, resolve, table_node
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import nodes_of, own_nodes, with_queries

Keep = Callable[[exp.Select], TableName]


def materialise(tree: exp.Expr, analysis: Analysis, relations: Relations, keep: Keep) -> Analysis:
    """Let kept rows stand for such queries, in place; the blocks of what it is then.

    Args:
        keep: Has a query run before the statement, and names its rows.
    """

    def is_wanted(cte: exp.CTE) -> bool:
        return _runs_once(cte) and not _is_derived(tree, cte)

    return read_kept(tree, analysis, relations, is_wanted, lambda cte, query: keep(query))


def read_kept(
    tree: exp.Expr,
    analysis: Analysis,
    relations: Relations,
    is_wanted: Callable[[exp.CTE], bool],
    keep: Callable[[exp.CTE, exp.Select], TableName | None],
) -> Analysis:
    """Let kept rows stand for queries of WITH, in place; the blocks of what it is then.

    The innermost go first, of a clause those that others may read.

    Args:
        is_wanted: Whether a query may be one of them.
        keep: Has it run before the statement, given what it is alone, and names its rows; None: it
            stays as it is.
    """
    tried: list[exp.CTE] = []
    while (cte := _next(tree, tried, is_wanted)) is not None:
        tried.append(cte)
        readers = [s for block in analysis.blocks for s in block.sources if s.cte is cte]
        outside = any(not stands_in(source.tree, cte) for source in readers)
        query = _alone(cte, relations) if outside else None
        name = None if query is None else keep(cte, query)
        if name is not None:
            _read_rows(cte, readers, name)
            analysis = analyse(tree, relations)
    return analysis


def _next(
    tree: exp.Expr, tried: list[exp.CTE], is_wanted: Callable[[exp.CTE], bool]
) -> exp.CTE | None:
    for clause in reversed(nodes_of(tree, exp.With)):
        members: list[exp.CTE] = clause.expressions
        for cte in members:
            if not any(cte is each for each in tried) and is_wanted(cte):
                return cte
    return None


def stands_in(tree: exp.Expr, around: exp.Expr) -> bool:
    """Whether it is `around` or a part of it."""
    node: exp.Expr | None = tree
    while node is not None and node is not around:
        node = node.parent
    return node is around


def _runs_once(cte: exp.CTE) -> bool:
    return bool(cte.args.get("materialized")) or volatile_call(cte.this) is not None


def _is_derived(tree: exp.Expr, cte: exp.CTE) -> bool:
    """Whether a derivative stands outside of it, which may go through it."""
    return len(nodes_of(tree, Marker)) > len(nodes_of(cte, Marker))


def _alone(cte: exp.CTE, relations: Relations) -> exp.Select | None:
    """The query with all that it reads of WITH; None where it looks at a query around it.

    Nor may what it reads have to be run once itself: that is done before, where it can be.
    """
    clauses = list(_needed(cte))
    names = [each.alias for each in clauses]
    others = (each for each in clauses if each is not cte)
    if len(set(names)) < len(names) or any(map(_runs_once, others)):
        return None
    recursive = any(each.parent and each.parent.args.get("recursive") for each in clauses)
    with_ = exp.With(expressions=[each.copy() for each in clauses], recursive=recursive)
    named = exp.table_(cte.alias, quoted=True)
    query = exp.select(exp.Star(), copy=False).from_(named, copy=False)
    query.set("with_", with_)
    analysis = analyse(query, relations)
    return query if all(map(_looks_inside, analysis.blocks)) else None


def _needed(cte: exp.CTE) -> Iterator[exp.CTE]:
    """It and what it reads of WITH, directly or not, in the order in which they are written."""
    visible = list(with_queries(cte))
    if not any(each is cte for each in visible):
        visible.insert(0, cte)
    names, found = {cte.alias}, [cte]
    for each in found:
        for table in nodes_of(each.this, exp.Table):
            if not table.db and table.name not in names:
                names.add(table.name)
                found += [other for other in visible if other.alias == table.name]
    return (each for each in reversed(visible) if any(each is other for other in found))


def _looks_inside(block: Block) -> bool:
    """Whether all of its columns are of the query's own relations."""
    for column in own_nodes(block.select):
        if isinstance(column, exp.Column) and not isinstance(column.this, exp.Star):
            try:
                resolve(block, column)
            except (UndefinedColumn, UndefinedTable):
                return False
    return True


def _read_rows(cte: exp.CTE, readers: list[Source], name: TableName) -> None:
    """Let the rows stand where the query is named, and take the query away."""
    for source in readers:
        alias = source.tree.args.get("alias")
        table = table_node(name, source.alias)
        if alias is not None:
            table.set("alias", alias)
        for key in ("joins", "sample", "pivots"):
            table.set(key, source.tree.args.get(key))
        source.tree.replace(table)
    clause = cte.parent
    assert clause is not None
    cte.pop()
    if not clause.expressions:
        clause.pop()
