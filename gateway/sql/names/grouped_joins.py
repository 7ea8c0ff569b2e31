"""Joins in parentheses with a name of their own: `FROM (a JOIN b USING (x)) AS j`.

The name hides those inside (manual, 7.2.1.2), and its columns are those that `*` means there, the
merged ones once. So it is written as the subquery that it is. In `a JOIN b USING (x) AS j` the name
hides nothing and has the merged columns alone, which are written without it.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.places import MERGED
from gateway.sql.text.trees import nodes_of

_RELATIONS = (exp.Table, exp.Lateral, exp.Unnest)


def select_joined(tree: exp.Expr) -> None:
    """Write `(a JOIN b ...) AS j` as `(SELECT * FROM a JOIN b ...) AS j`, in place."""
    for held in reversed(nodes_of(tree, exp.Subquery)):
        if held.alias and is_join(held.this):
            start = exp.From(this=held.this.copy())
            held.set("this", exp.Select(expressions=[exp.Star()], from_=start))


def name_merged(tree: exp.Expr) -> None:
    """Write `j.x` as `x`, and `j.*` as the merged columns, where USING gives them that name."""
    for join in nodes_of(tree, exp.Join):
        select = join.find_ancestor(exp.Select)
        if MERGED not in join.meta or select is None:
            continue
        name = join.meta.pop(MERGED)
        merged = name.name if name.args.get("quoted") else name.name.lower()
        names = {each.name for each in join.args["using"]}
        for column in nodes_of(select, exp.Column):
            if column.table != merged:
                continue
            if isinstance(column.this, exp.Star):
                each = [exp.Column(this=x.copy()) for x in join.args["using"]]
                items = [it for e in select.expressions for it in (each if e is column else [e])]
                select.set("expressions", items)
            elif column.name in names:
                column.set("table", None)


def is_join(tree: exp.Expr) -> bool:
    """Whether what stands in parentheses in FROM is a relation there, and no query."""
    if isinstance(tree, exp.Subquery | exp.Values):
        return bool(tree.alias or tree.args.get("joins")) or (
            isinstance(tree, exp.Subquery) and is_join(tree.this)
        )
    return isinstance(tree, _RELATIONS)
