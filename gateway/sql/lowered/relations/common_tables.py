"""WITH of a subquery that looks at the query around it: its queries, as subqueries in FROM."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import nodes_of


def put_in_place(query: exp.Expr) -> bool:
    """Put the queries of its WITH where they are named, in place; whether it has any.

    Raises:
        FeatureNotSupported: 0A000, one is recursive, draws and is named twice, or hides another.
    """
    clause = query.args.get("with_")
    if clause is None:
        return False
    if clause.args.get("recursive"):
        raise _refused("WITH RECURSIVE", clause)
    names = [cte.alias for cte in clause.expressions]
    if any(cte.alias in names for cte in query.find_all(exp.CTE) if cte.parent is not clause):
        raise _refused("WITH of a name that another WITH has", clause)
    query.set("with_", None)
    ctes = list(clause.expressions)
    for number, cte in enumerate(ctes):
        later = [query, *(each.this for each in ctes[number + 1 :])]
        _put(cte, [table for tree in later for table in nodes_of(tree, exp.Table)])
    return True


def _put(cte: exp.CTE, tables: list[exp.Expr]) -> None:
    named = [table for table in tables if table.name == cte.alias and not table.args.get("db")]
    if len(named) > 1 and volatile_call(cte.this):
        raise _refused("WITH that draws", cte)
    for table in named:
        own = table.args.get("alias")
        alias = (cte.args["alias"] if own is None else own).copy()
        columns = [*alias.columns, *cte.args["alias"].columns[len(alias.columns) :]]
        alias.set("columns", [column.copy() for column in columns])
        held = exp.Subquery(this=cte.this.copy(), alias=alias)
        for part in ("joins", "laterals"):
            held.set(part, table.args.get(part))
        table.replace(held)


def _refused(what: str, tree: exp.Expr) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"{what} in a subquery that refers to the query around it is not supported",
        position=position_of(tree),
    )
