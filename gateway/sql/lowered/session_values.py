"""version(), current_user and their like: what a session has a value for before a query runs."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.relation import Constants
from gateway.sql.text.trees import nodes


def put_values(tree: exp.Expr, constants: Constants) -> None:
    """Put the value in place of every call of `constants` in `tree`."""
    for node in nodes(tree):
        value = constants.get(_session_function(node))
        if value is None:
            continue
        if isinstance(value, exp.Expr):
            if not node.expressions:
                _whole(node).replace(_named(node, value.copy()))
        else:
            _whole(node).replace(value(node))


def _named(node: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The value; for a bare word in a SELECT list, under that word, as PostgreSQL names it."""
    if isinstance(node, exp.Column) and isinstance(node.parent, exp.Select):
        return exp.alias_(value, node.name, quoted=True)
    return value


def _whole(node: exp.Expr) -> exp.Expr:
    """The call with the schema before it, if one is written."""
    parent = node.parent
    qualified = isinstance(parent, exp.Dot) and parent.this.name in ("pg_catalog", "gradwire")
    return parent if qualified and parent is not None else node


# Written without parentheses; user is reserved in PostgreSQL, so it is no column's name.
_SESSION_NODES: dict[type[exp.Expr], str] = {
    exp.CurrentUser: "current_user",
    exp.SessionUser: "session_user",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentSchema: "current_schema",
    exp.CurrentRole: "current_role",
}
_BARE = frozenset(
    {"current_user", "session_user", "user", "current_role", "current_catalog", "current_schema"}
)


def _session_function(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name
    if isinstance(node, exp.Column):
        plain = not node.table and isinstance(node.this, exp.Identifier) and not node.this.quoted
        return node.name if plain and node.name in _BARE else ""
    return _SESSION_NODES.get(type(node), "")
