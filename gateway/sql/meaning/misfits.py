"""Where an error of the engine belongs that no name tells: what in the statement does not fit.

PostgreSQL points at the first list, column or expression that is other than those before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.sql.names.scope import position_of

Misfits = Callable[[exp.Expr, str], Iterator[exp.Expr]]


def misfit_position(message: str, tree: exp.Expr) -> int:
    """The place of what a message is about; 0 where it is of another kind, or nothing is found.

    Args:
        message: The error's.
        tree: The query; its nodes know where they stood when they were sent.
    """
    for pattern, misfits in _MISFITS:
        found = re.search(pattern, message)
        if found is not None:
            detail = found[1] if found.groups() else ""
            return next(filter(None, map(position_of, misfits(tree, detail))), 0)
    return 0


def _longer_sides(tree: exp.Expr, _: str) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.SetOperation, bfs=False):
        left, right = node.this.unnest(), node.expression.unnest()
        both = isinstance(left, exp.Query) and isinstance(right, exp.Query)
        if both and right.selects and len(left.selects) != len(right.selects):
            yield right.selects[0]


def _other_lists(tree: exp.Expr, _: str) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.Values):
        first, *rows = node.expressions
        yield from (row for row in rows if len(row.expressions) != len(first.expressions))


def _twice_named(tree: exp.Expr, name: str) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.With):
        alike = [each for each in node.expressions if each.alias == name]
        yield from (each.args["alias"] for each in alike[1:])


def _stars_of(tree: exp.Expr, name: str) -> Iterator[exp.Expr]:
    for column in tree.find_all(exp.Column):
        if column.is_star and column.table == name:
            yield column


def _unsorted(tree: exp.Expr, _: str) -> Iterator[exp.Expr]:
    """Expressions of DISTINCT ON that do not stand at the beginning of ORDER BY."""
    for distinct in tree.find_all(exp.Distinct):
        on, order = distinct.args.get("on"), getattr(distinct.parent, "args", {}).get("order")
        if on is None or order is None:
            continue
        wanted = list(on.expressions) if isinstance(on, exp.Tuple) else [on.unnest()]
        for item in order.expressions:
            if item.this not in wanted:
                break
            wanted = [each for each in wanted if each != item.this]
        yield from wanted


def _types_named(tree: exp.Expr, name: str) -> Iterator[exp.Expr]:
    for node in tree.find_all(exp.DataType):
        if node.this == exp.DType.USERDEFINED and name in node.sql():
            yield node


_MISFITS: tuple[tuple[str, Misfits], ...] = (
    (r"query must have the same number of columns", _longer_sides),
    (r"VALUES lists must all be the same length", _other_lists),
    (r'^WITH query name "(.*)" specified more than once', _twice_named),
    (r'^missing FROM-clause entry for table "(.*)"', _stars_of),
    (r"^SELECT DISTINCT ON expressions must match", _unsorted),
    (r'^type "(.*)" does not exist', _types_named),
)
