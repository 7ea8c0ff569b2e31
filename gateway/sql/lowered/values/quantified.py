"""Comparisons with the rows of a query: IN, = ANY, < ALL, of values and of rows, and EXISTS.

What the engine has no form for becomes one value: true if a row says so, NULL if one is not known,
else false (manual, 9.23). As a condition of WHERE, where NULL is as good as false, it is EXISTS.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.names.scope import column_node, position_of
from gateway.sql.text.building import subquery
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.rows import pairwise

_VALUE, _PLACE = "in_value", "in_place"


def query_of(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.In):
        query = node.args.get("query")
        return None if query is None else _bare(query)
    if isinstance(node, exp.Subquery):
        holders = exp.From | exp.Join | exp.In | exp.Any | exp.All | exp.Lateral | exp.Exists
        held = isinstance(node.parent, holders) or is_array(node.parent)
        inner = _bare(node)
        return None if held or isinstance(inner, exp.Subquery | exp.Table) else inner
    if isinstance(node, exp.Exists):
        return _bare(node.this)
    if is_array(node):
        inner = _bare(node.expressions[0])
        return inner if isinstance(inner, exp.Query) else None
    return _bare(node.expression.this) if is_quantified(node) else None


def _bare(tree: exp.Expr) -> exp.Expr:
    while isinstance(tree, exp.Paren) or (
        isinstance(tree, exp.Subquery) and not tree.alias and isinstance(tree.this, exp.Query)
    ):
        tree = tree.this
    return tree


def is_quantified(node: exp.Expr) -> bool:
    """x = ANY (SELECT ...), x < ALL (SELECT ...)."""
    side = node.args.get("expression")
    return isinstance(side, exp.Any | exp.All) and isinstance(_bare(side.this), exp.Query)


def is_array(node: exp.Expr | None) -> bool:
    """ARRAY(SELECT ...)."""
    return isinstance(node, exp.Anonymous) and node.name == "array" and len(node.expressions) == 1


def is_condition(node: exp.Expr, negated: bool = True) -> bool:
    """Whether it is a condition of WHERE of its own, or the contrary of one."""
    at = node
    while isinstance(at.parent, exp.And | exp.Paren) or (
        negated and isinstance(at.parent, exp.Not)
    ):
        at = at.parent
    return isinstance(at.parent, exp.Where)


def is_beyond(node: exp.Expr) -> bool:
    """Whether the engine has no such comparison: of rows, by another operator than =, with ALL."""
    if len(items_of(node.this)) > 1:
        return True
    return not isinstance(node, exp.In) and not (
        isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any)
    )


def among_rows(node: exp.Expr, query: exp.Expr) -> exp.Expr:
    """x IN, = ANY, < ALL of a query as one value: true, false, or NULL as PostgreSQL has it."""
    of, is_all = type(node), False
    if isinstance(node, exp.In):
        of = exp.EQ
    else:
        is_all = isinstance(node.expression, exp.All)
    values = items_of(node.this)
    outputs = outputs_of(query)
    if len(outputs) != len(values):
        much = "many" if len(outputs) > len(values) else "few"
        raise SyntaxFault(f"subquery has too {much} columns", position=position_of(node))
    names = [f"{_VALUE}_{n}" for n in range(1, len(values) + 1)]
    pairs = [
        (exp.paren(each.copy()), column_node(_PLACE, name))
        for each, name in zip(values, names, strict=True)
    ]
    compared = pairwise(of, pairs)
    decides = exp.Not(this=exp.paren(compared.copy())) if is_all else compared.copy()
    unknown = exp.Is(this=exp.paren(compared.copy()), expression=exp.Null())
    ifs = [
        exp.If(this=_any_of(decides), true=exp.Boolean(this=not is_all)),
        exp.If(this=_any_of(unknown), true=exp.Null()),
    ]
    case = exp.Case(ifs=ifs, default=exp.Boolean(this=is_all))
    semi = not is_all and is_condition(node, negated=False)
    value = exp.Literal.number(1) if semi else case
    select = exp.Select(expressions=[exp.alias_(value, "among", quoted=True)])
    select.set("from_", exp.From(this=subquery(query.copy(), _PLACE, names)))
    if semi:  # NULL is as good as false there
        select.set("where", exp.Where(this=compared))
        return exp.Exists(this=select)
    return exp.Subquery(this=select)


def compare_columns(node: exp.Expr, query: exp.Expr) -> bool:
    """Write `(a, b) = (SELECT x, y ...)` as `a = (SELECT x ...) AND b = (SELECT y ...)`, in place.

    Returns:
        Whether it is one; False where the subquery gives one column.

    Raises:
        SyntaxFault: 42601, not as many columns as values.
        FeatureNotSupported: 0A000, another comparison, or a query of which no column stands alone.
    """
    if not isinstance(node, exp.Subquery) or len(outputs_of(query)) == 1:
        return False
    whole = node.parent
    while isinstance(whole, exp.Paren):
        whole = whole.parent
    left = whole.this if isinstance(whole, COMPARISONS) else None
    values = [] if left is None or left.unnest() is node else items_of(left)
    if len(values) != len(outputs_of(query)):
        raise SyntaxFault("subquery must return only one column")
    if not isinstance(query, exp.Select) or query.args.get("distinct") is not None:
        raise FeatureNotSupported(
            "this comparison of a row with a subquery is not supported",
            hint="Compare it with IN.",
            position=position_of(node),
        )
    pairs = []
    for place, value in enumerate(values):
        alone = query.copy()
        alone.set("expressions", [alone.expressions[place]])
        pairs.append((exp.paren(value.copy()), exp.Subquery(this=alone)))
    if whole is not None:
        whole.replace(exp.paren(pairwise(type(whole), pairs)))
    return True


def items_of(value: exp.Expr) -> list[exp.Expr]:
    """The values of a row; of what is none, itself."""
    inner = value.unnest()
    if isinstance(inner, exp.Tuple):
        return list(inner.expressions)
    if isinstance(inner, exp.Anonymous) and inner.name == "row":
        return list(inner.expressions)
    return [value]


def outputs_of(query: exp.Expr) -> list[str]:
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return [item.alias_or_name for item in query.expressions]


def _any_of(condition: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="bool_or", expressions=[condition])
