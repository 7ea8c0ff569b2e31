"""Which columns of its table a write names: those that it gives values, and where it reads."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp


def inserted(tree: exp.Insert) -> set[str] | None:
    """The columns that INSERT names, MERGE's too; none for DEFAULT VALUES; None: it is all."""
    if isinstance(tree.this, exp.Schema | exp.Tuple):
        return {column.name for column in tree.this.expressions}
    return set() if tree.args.get("expression") is None else None


def assigned(expressions: Iterable[exp.Expr]) -> set[str]:
    """The columns that SET gives values, or parts of which."""
    found = set()
    for each in expressions:
        place = each.this if isinstance(each, exp.EQ) else each
        for part in place.expressions if isinstance(place, exp.Tuple) else [place]:
            column = part.find(exp.Column)
            found |= {column.name} if column is not None else set()
    return found


def read_on_conflict(conflict: exp.Expr) -> list[exp.Expr | None]:
    """What ON CONFLICT reads: its keys, and what DO UPDATE computes."""
    if conflict.args.get("constraint") is not None:
        return [exp.Star()]
    read = [*(conflict.args.get("conflict_keys") or []), *_values(conflict.expressions)]
    if not read:
        return []
    return [*read, conflict.args.get("where"), conflict.args.get("index_predicate")]


def read_by_merge(tree: exp.Merge) -> list[exp.Expr | None]:
    """What MERGE reads: its conditions, and what UPDATE computes; INSERT sees the source alone."""
    read = [tree.args.get("on")]
    for when in tree.args["whens"].expressions:
        then = when.args.get("then")
        read.append(when.args.get("condition"))
        read += _values(then.expressions) if isinstance(then, exp.Update) else []
    return read


def _values(expressions: Iterable[exp.Expr]) -> list[exp.Expr]:
    return [each.expression if isinstance(each, exp.EQ) else each for each in expressions]
