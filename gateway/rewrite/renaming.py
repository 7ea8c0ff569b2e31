"""A column under another name, in the text of a view that reads it.

The view's own columns keep their names, as in PostgreSQL: what was `SELECT a` is `SELECT b AS a`.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.rewrite.passes import bind
from gateway.rewrite.rewriting import Rewriting
from gateway.sources.table import TableName
from gateway.sql.names.relation import Constants, Lookup
from gateway.sql.names.scope import Block, resolved
from gateway.sql.text.quoting import identifier
from gateway.sql.text.trees import copied, own_nodes


def with_renamed(
    source: str,
    bound: exp.Expr,
    lookup: Lookup,
    constants: Constants,
    table: TableName,
    names: tuple[str, str],
) -> str:
    """A query's text with another name for a column of a table.

    Args:
        source: The query.
        bound: Its tree, with every relation under the name that it has now.
        lookup: What names in FROM mean now.
        constants: What functions of the session stand for.
        table: Whose column it is.
        names: The column's name now, and its new one.

    Raises:
        FeatureNotSupported: 0A000, a NATURAL join would be another one.
    """
    if any(join.args.get("method") == "NATURAL" for join in bound.find_all(exp.Join)):
        raise FeatureNotSupported("columns under a NATURAL join cannot be renamed")
    outputs = {
        column.this.meta.get("start")
        for column in bound.find_all(exp.Column)
        if isinstance(column.parent, exp.Select) and column.arg_key == "expressions"
    }
    state = Rewriting(copied(bound), lookup, constants)
    bind(state)
    old, new = names
    places: dict[int, int] = {}
    for block in state.analysis.blocks:
        for node in own_nodes(block.select):
            written = isinstance(node, exp.Column) and "start" in node.this.meta
            if written and node.name == old and _is_of(block, node, table):
                places[node.this.meta["start"]] = node.this.meta["end"] + 1
    for start in sorted(places, reverse=True):
        named = f" AS {identifier(old)}" if start in outputs else ""
        source = source[:start] + identifier(new) + named + source[places[start] :]
    return source


def _is_of(block: Block, column: exp.Expr, table: TableName) -> bool:
    """Whether a column is one of a table's, under the name that it has there."""
    found = resolved(block, column)
    if found is None:  # an output in ORDER BY
        return False
    tree = found[0].tree
    if not isinstance(tree, exp.Table) or TableName(tree.db, tree.name) != table:
        return False
    alias = tree.args.get("alias")
    return not any(each.name == column.name for each in (alias.columns if alias else ()))
