"""What arithmetic on arrays calls an operation of a statement."""

from __future__ import annotations

from sqlglot import exp

from gateway.autodiff.rules.functions import SYNONYMS
from gateway.sql.meaning.volatile import call_name

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Pow: "power", exp.Mod: "mod",
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.And: "and", exp.Or: "or",
}  # fmt: skip


def operation_of(tree: exp.Expr) -> tuple[str, list[exp.Expr]]:
    """What `elementwise` calls an operation, and its arguments; no name: it has none."""
    if isinstance(tree, exp.Anonymous):
        name = call_name(tree)
        return SYNONYMS.get(name, name), tree.expressions
    if isinstance(tree, exp.Neg | exp.Not):
        return ("neg" if isinstance(tree, exp.Neg) else "not"), [tree.this]
    if isinstance(tree, exp.Is) and isinstance(tree.expression, exp.Null):
        if tree.args.get("negate"):  # IS NOT NULL
            return "not", [exp.Is(this=tree.this.copy(), expression=exp.Null())]
        return "is null", [tree.this]
    name = _OPERATORS.get(type(tree), "")
    return name, [tree.this, tree.expression] if name else []
