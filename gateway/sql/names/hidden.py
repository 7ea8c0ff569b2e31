"""Relations of an outer query whose name a column of an inner one has.

`t.k` is a column of relation `t` to PostgreSQL, wherever `t` stands. The engine looks for a column
`t` of the inner query first, and for a field `k` in it; so such a relation is given another name.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.names.scope import Analysis, Block, Source
from gateway.sql.text.trees import own_nodes


def rename_hidden(analysis: Analysis) -> bool:
    """Give relations that a column hides a name that no column has; whether there was one."""
    if not any(block.parent for block in analysis.blocks):
        return False
    named = [found for block in analysis.blocks for found in _named(block)]
    hidden = {id(source): source for _, source, is_hidden in named if is_hidden}
    for column, source, _ in named:
        if id(source) in hidden:
            column.set("table", exp.to_identifier(_other(source), quoted=True))
    for source in hidden.values():
        _rename(source)
    return bool(hidden)


def _named(block: Block) -> Iterator[tuple[exp.Column, Source, bool]]:
    """The columns of a SELECT that name their relation: the relation, and whether it is hidden."""
    for column in own_nodes(block.select):
        if isinstance(column, exp.Column) and column.table:
            yield from ((column, *found) for found in _meant(block, column.table))


def _meant(block: Block, alias: str) -> Iterator[tuple[Source, bool]]:
    """The relation of that name, if there is one, and whether a column on the way has the name."""
    scope: Block | None = block
    is_hidden = False
    while scope is not None:
        if (source := scope.source(alias)) is not None:
            yield source, is_hidden
            return
        is_hidden = is_hidden or any(alias in (s.columns or ()) for s in scope.sources)
        scope = scope.parent


def _other(source: Source) -> str:
    return f"{source.alias} outside"


def _rename(source: Source) -> None:
    name = exp.to_identifier(_other(source), quoted=True)
    alias = source.tree.args.get("alias")
    if alias is None:
        source.tree.set("alias", exp.TableAlias(this=name))
    else:
        alias.set("this", name)
    source.alias = name.name
