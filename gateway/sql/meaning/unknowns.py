"""`x::unknown`: the type of a literal whose type is not told, which says no more of it."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.trees import nodes_of

_UNTOLD = (exp.Literal, exp.Null, exp.Parameter)


def drop_unknown(tree: exp.Expr) -> None:
    """Take such casts off literals, NULL and parameters, in place; an output keeps the name."""
    for cast in list(nodes_of(tree, exp.Cast)):
        value = cast.this.unnest()
        if cast.to.this != exp.DType.UNKNOWN or not isinstance(value, _UNTOLD):
            continue
        named = isinstance(cast.parent, exp.Select) and cast.arg_key == "expressions"
        cast.replace(exp.alias_(value.copy(), "unknown", quoted=True) if named else value.copy())
