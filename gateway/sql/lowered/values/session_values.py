"""version(), current_user and their like: what a session has a value for before a query runs."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.names.relation import Constants
from gateway.sql.text.trees import nodes


def put_values(tree: exp.Expr, constants: Constants) -> bool:
    """Put the value in place of every call of `constants` in `tree`; whether there was one."""
    found = False
    for node in nodes(tree):
        clock = _CLOCKS.get(_clock(node))
        if clock is not None and len(node.expressions) <= 1:
            _whole(node).replace(_named(node, _shown(node, clock)))
            found = True
            continue
        value = constants.get(_session_function(node))
        if value is None:
            continue
        found = True
        if isinstance(value, exp.Expr):
            if not node.expressions:
                _whole(node).replace(_named(node, value.copy()))
        else:
            _whole(node).replace(value(node))
    return found


# What the session's clocks show, as casts of now(), which know of its time zone.
_CLOCKS = {
    "localtimestamp": exp.DType.TIMESTAMP,
    "localtime": exp.DType.TIME,
    "current_time": exp.DType.TIME,
    "current_date": exp.DType.DATE,
    "current_timestamp": exp.DType.TIMESTAMPTZ,
}
_CLOCK_NODES: dict[type[exp.Expr], str] = {
    exp.Localtimestamp: "localtimestamp",
    exp.Localtime: "localtime",
    exp.CurrentTime: "current_time",
    exp.CurrentDate: "current_date",
}


_WORDS = ("localtime", "localtimestamp", "current_timestamp", "current_time")


def _clock(node: exp.Expr) -> str:
    if isinstance(node, exp.Column | exp.Anonymous):
        called = isinstance(node, exp.Anonymous) and bool(node.expressions)
        word = called or (isinstance(node, exp.Column) and _is_plain(node))
        return node.name if word and node.name in _WORDS else ""
    if isinstance(node, exp.CurrentTimestamp):  # what the engine knows, but for digits
        return "current_timestamp" if node.this is not None else ""
    return _CLOCK_NODES.get(type(node), "")


def _shown(node: exp.Expr, kind: exp.DType) -> exp.Expr:
    digits = node.expressions[0] if node.expressions else node.args.get("this")
    given = [exp.DataTypeParam(this=digits.copy())] if isinstance(digits, exp.Literal) else []
    moment: exp.Expr = exp.Anonymous(this="now")
    if kind == exp.DType.TIME:
        moment = exp.Cast(this=moment, to=exp.DataType(this=exp.DType.TIMESTAMP))
    return exp.Cast(this=moment, to=exp.DataType(this=kind, expressions=given))


def _is_plain(column: exp.Column) -> bool:
    """Whether it is one word without quotes."""
    return not column.table and isinstance(column.this, exp.Identifier) and not column.this.quoted


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
        return node.name if _is_plain(node) and node.name in _BARE else ""
    return _SESSION_NODES.get(type(node), "")


# All that may be such a value: kinds of nodes beside calls, and words.
SESSION_NODES = frozenset[type[exp.Expr]]({exp.CurrentTimestamp, *_CLOCK_NODES, *_SESSION_NODES})
SESSION_WORDS = frozenset({*_WORDS, *_BARE})
