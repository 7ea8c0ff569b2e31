"""USING and NATURAL: the columns that a join merges.

PostgreSQL manual, 7.2.1.1: the merged column is the left one of an inner or left join, the right
one of a right join, and the first that is not NULL of a full join. The engine takes the left one,
or calls the name ambiguous (in WHERE); so the column is written out wherever it is meant.
"""

from __future__ import annotations

from functools import reduce

from sqlglot import exp

from gateway.errors import GatewayError, UndefinedColumn
from gateway.sql.meaning.scope import Block, Source, column_node, resolves_here
from gateway.sql.text.trees import own_nodes


def merge(join: exp.Join, block: Block, before: list[Source], added: list[Source]) -> None:
    """Note which columns `join` merges.

    Args:
        join: The join; NATURAL becomes USING, and USING becomes ON where the engine would compare
            another column than the merged one.
        block: Where it stands.
        before: The relations on its left.
        added: The relations on its right.
    """
    if (join.method or "").upper() == "NATURAL":
        _spell_out_natural(join, before, added)
    names = [identifier.name for identifier in join.args.get("using") or ()]
    for name in names:
        for sources, which in ((before, "left"), (added, "right")):
            if all(source.columns is not None for source in sources) and not _having(sources, name):
                raise UndefinedColumn(
                    f'column "{name}" specified in USING clause does not exist in {which} table'
                )
    if any(_is_odd(block, name) for name in names):
        _spell_out_using(join, block, names, added)
    side = (join.side or "").upper()
    for name in names:
        left = block.merged.get(name) or _having(before, name)[:1]
        right = _having(added, name)[:1]
        merged = {"RIGHT": right, "FULL": left + right}.get(side, left)
        if merged:
            block.merged[name] = merged


def merged_column(block: Block, name: str) -> exp.Expr:
    """What the merged column of that name is."""
    columns: list[exp.Expr] = [column_node(source.alias, name) for source in block.merged[name]]
    if len(columns) == 1:
        return columns[0]
    return exp.Anonymous(this="coalesce", expressions=columns)


def as_output(tree: exp.Expr, name: str) -> exp.Expr:
    """`tree` as an item of a SELECT list, called `name`."""
    if isinstance(tree, exp.Column) and tree.name == name:
        return tree
    return exp.Alias(this=tree, alias=exp.to_identifier(name, quoted=True))


def refuse_repeated(block: Block) -> None:
    """Refuse a name that several columns of one relation have; the engine knows them apart.

    Raises:
        AmbiguousColumn: 42702.
    """
    if any(source.shown for source in block.sources):
        for column in _columns(block.select):
            if not _names_output(column, block.select):
                resolves_here(block, column)


def spell_out_merged(block: Block) -> None:
    """Write out the merged columns that this SELECT names."""
    select = block.select
    if not _merges(block):
        return
    for column in _columns(select):
        owner = None if column.table else _owner(block, column)
        if owner is None or _names_output(column, select):
            continue
        written = merged_column(owner, column.name)
        written.meta.update(column.meta)
        item = column.parent is select and column.arg_key == "expressions"
        column.replace(as_output(written, column.name) if item else written)


def _merges(block: Block | None) -> bool:
    """Whether this block, or one around it, has a merged column."""
    while block is not None:
        if block.merged:
            return True
        block = block.parent
    return False


def _columns(select: exp.Select) -> list[exp.Column]:
    """The columns in a SELECT, not those of its subqueries."""
    return [node for node in own_nodes(select) if isinstance(node, exp.Column)]


def _names_output(column: exp.Column, select: exp.Select) -> bool:
    """ORDER BY x means the output x if there is one."""
    ordered = isinstance(column.parent, exp.Ordered) and column.parent.this is column
    return ordered and any(item.alias_or_name == column.name for item in select.expressions)


def _owner(block: Block, column: exp.Column) -> Block | None:
    """The block whose merged column `column` is."""
    scope: Block | None = block
    while scope is not None:
        if column.name in scope.merged:
            return scope
        try:
            if resolves_here(scope, column):
                return None
        except GatewayError:  # ambiguous: the engine reports it, in its turn
            return None
        scope = scope.parent
    return None


def _is_odd(block: Block, name: str) -> bool:
    """Whether the merged column is another than the engine's, the left one."""
    merged = block.merged.get(name)
    return merged is not None and merged != _having(block.sources, name)[:1]


def _having(sources: list[Source], name: str) -> list[Source]:
    return [source for source in sources if source.columns is None or name in source.columns]


def _spell_out_using(join: exp.Join, block: Block, names: list[str], added: list[Source]) -> None:
    pairs: list[exp.Expr] = []
    for name in names:
        left = (
            merged_column(block, name)
            if name in block.merged
            else exp.Column(this=exp.to_identifier(name, quoted=True))
        )
        right = column_node(_having(added, name)[0].alias, name)
        pairs.append(exp.EQ(this=left, expression=right))
    join.set("using", None)
    join.set("on", reduce(lambda a, b: exp.And(this=a, expression=b), pairs))


def _spell_out_natural(join: exp.Join, before: list[Source], added: list[Source]) -> None:
    """NATURAL JOIN as JOIN ... USING, so that a column added later cannot join by accident."""
    if any(source.columns is None for source in (*before, *added)):
        return
    left = {name for source in before for name in source.columns or ()}
    common = [name for source in added for name in source.columns or () if name in left]
    join.set("method", None)
    if common:
        join.set("using", [exp.to_identifier(name, quoted=True) for name in common])
    else:
        join.set("kind", "CROSS")
