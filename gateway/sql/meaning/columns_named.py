"""Which columns of a relation a statement may mean, from its text alone: for who may read some.

Names are not resolved: one without a qualifier is meant wherever there is a column of that name.
So no column is left out that the statement reads, and one may be told that it does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlglot import exp

from gateway.sql.text.trees import nodes, nodes_of


def columns_named(
    trees: Iterable[exp.Expr], alias: str, columns: Collection[str]
) -> frozenset[str] | None:
    """Columns of a relation that may be meant somewhere in these trees; None: every one.

    >>> from sqlglot import parse_one
    >>> tree = parse_one("SELECT t.a, b, u.c FROM t, u WHERE d")
    >>> sorted(columns_named([tree], "t", ["a", "b", "c"]) or ())
    ['a', 'b']
    """
    found: set[str] = set()
    for tree in trees:
        for node in nodes(tree):
            named = _named(node, alias, columns)
            if named is None:
                return None
            found |= named
    return frozenset(found)


def _shows(star: exp.Star, alias: str) -> bool:
    """Whether a star may stand for columns of the relation: count(*) does not."""
    around = star.parent
    if isinstance(around, exp.Column):
        return around.table in ("", alias)
    if isinstance(around, exp.Select):
        own = (t for t in nodes_of(around, exp.Table) if t.find_ancestor(exp.Select) is around)
        return any(table.alias_or_name == alias for table in own)
    return not (isinstance(around, exp.Func) and around.name.lower() in ("count", "*"))


def _named(node: exp.Expr, alias: str, columns: Collection[str]) -> set[str] | None:
    """Those that one node means."""
    if isinstance(node, exp.Star):
        return None if _shows(node, alias) else set()
    if isinstance(node, exp.Join):
        if str(node.args.get("method") or "").upper() == "NATURAL":
            return None
        return {each.name for each in node.args.get("using") or ()} & set(columns)
    if not isinstance(node, exp.Column) or node.table not in ("", alias):
        return set()
    if node.name in columns:
        return {node.name}
    return None if node.name == alias else set()  # a whole row
