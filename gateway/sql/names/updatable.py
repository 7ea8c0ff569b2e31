"""Which views can be written through: those that show rows of one table as they are.

PostgreSQL manual, CREATE VIEW, "Updatable Views" (rewriteHandler.c, view_query_is_auto_updatable).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import column_node, is_aggregate

# On a table in FROM that is a view: its query is to give each row's identifier, under this name.
IDENTIFIED = "identified"
# On a table in FROM that is a view: its query is to give the rows that it hides, too.
UNFILTERED = "unfiltered"


@dataclass(frozen=True, slots=True)
class SimpleView:
    """A view's query that shows rows of one relation.

    Args:
        table: That relation, as it stands in FROM.
        outputs: The query's columns, stars expanded.
        where: Which rows it shows; None: all.
    """

    table: exp.Table
    outputs: tuple[exp.Expr, ...]
    where: exp.Expr | None

    def column(self, place: int) -> str | None:
        """The column of the relation that an output is; None where it is computed."""
        tree = self.outputs[place].unalias()
        mine = (None, "", self.table.alias_or_name)
        return tree.name if isinstance(tree, exp.Column) and tree.table in mine else None


def why_not(query: exp.Expr) -> str:
    """Why a view of this query cannot be written through, in PostgreSQL's words; "" when it can."""
    if isinstance(query, exp.SetOperation):
        return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable."
    if not isinstance(query, exp.Select):
        return _SEVERAL
    for name, words in _CLAUSES:
        if query.args.get(name) is not None:
            return f"Views containing {words} are not automatically updatable."
    for item in query.expressions:
        for is_kind, words in _RETURNED:
            if any(is_kind(node) for node in item.walk()):
                return f"Views that return {words} are not automatically updatable."
    source = query.args.get("from_")
    table = source.this if source is not None else None
    alone = isinstance(table, exp.Table) and isinstance(table.this, exp.Identifier)
    if not alone or query.args.get("joins") or query.args.get("laterals"):
        return _SEVERAL
    return ""


_SEVERAL = "Views that do not select from a single table or view are not automatically updatable."
_CLAUSES = (
    ("distinct", "DISTINCT"), ("group", "GROUP BY"), ("having", "HAVING"), ("with_", "WITH"),
    ("limit", "LIMIT or OFFSET"), ("offset", "LIMIT or OFFSET"), ("sample", "TABLESAMPLE"),
)  # fmt: skip
_RETURNED: tuple[tuple[Callable[[exp.Expr], bool], str], ...] = (
    (lambda node: isinstance(node, exp.Window), "window functions"),
    (lambda node: is_aggregate(node), "aggregate functions"),
    (gives_rows, "set-returning functions"),
)


def simple_view(query: exp.Expr, names: Sequence[str]) -> SimpleView:
    """The parts of a query for which `why_not` has no reason.

    Args:
        query: It.
        names: The columns of what stands in its FROM, in order.
    """
    table = query.args["from_"].this
    outputs: list[exp.Expr] = []
    for item in query.expressions:
        star = isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        )
        if star:
            outputs += [column_node(table.alias_or_name, name) for name in names]
        else:
            outputs.append(item)
    where = query.args.get("where")
    return SimpleView(table, tuple(outputs), None if where is None else where.this)


def lay_open(query: exp.Expr, names: Sequence[str], flags: dict[str, object]) -> None:
    """Make a simple view's query give what is asked for besides by the flags on its name.

    Args:
        query: It, changed in place.
        names: The columns of what stands in its FROM.
        flags: `IDENTIFIED` with the name of the identifier, `UNFILTERED`.
    """
    simple = simple_view(query, names)
    outputs = list(simple.outputs)
    identifier = flags.get(IDENTIFIED)
    if identifier:
        outputs.append(column_node(simple.table.alias_or_name, str(identifier)))
    query.set("expressions", outputs)
    if flags.get(UNFILTERED):
        query.set("where", None)
    simple.table.meta.update(flags)


def flags_of(table: exp.Table) -> dict[str, object]:
    """What is asked of a view besides its columns, by the flags on its name."""
    return {key: table.meta[key] for key in (IDENTIFIED, UNFILTERED) if table.meta.get(key)}
