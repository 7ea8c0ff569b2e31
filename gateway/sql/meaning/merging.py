"""USING and NATURAL: the columns that a join merges.

PostgreSQL manual, 7.2.1.1: the merged column is the left one of a left join, the right one of a
right join, of the wider type of both, of an inner join the left one or the one of the wider type
(buildMergedJoinVar), and the first that is not NULL of a full join. The engine takes the left one,
or calls the name ambiguous (in WHERE); so the column is written out wherever it is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sqlglot import exp

from gateway.errors import AmbiguousColumn, GatewayError, UndefinedColumn
from gateway.sql.names.scope import Block, Listed, Source, column_node, resolves_here
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import type_of
from gateway.sql.types.results import common_type
from gateway.types import FLOAT4, FLOAT8, NUMERIC

# On a NATURAL join that was spelt out, under this key, the names that it joins by.
COMMON = "common"
# On a merged column that was written out, the relations that had it.
_MERGED = "merged"


def merge(join: exp.Join, block: Block, first: int, middle: int) -> None:
    """Let `join` merge the columns that it names.

    Args:
        join: The join; NATURAL becomes USING, and USING becomes ON where the engine would compare
            another column than the merged one, or a numeric with a real.
        block: Where it stands: what is listed from `first` is on its left, from `middle` on its
            right.

    Raises:
        UndefinedColumn: 42703, a side has no such column.
        AmbiguousColumn: 42702, it has several.
    """
    left, right = block.listed[first:middle], block.listed[middle:]
    if (join.method or "").upper() == "NATURAL":
        _spell_out_natural(join, left, right)
    names = [identifier.name for identifier in join.args.get("using") or ()]
    if not names:
        return
    pairs = [(_one(left, name, "left"), _one(right, name, "right")) for name in names]
    if any(
        left_one is not None and (_is_odd(left_one, left) or _is_cut(left_one, right_one, block))
        for left_one, right_one in pairs
    ):
        _spell_out_using(join, names, pairs)
    side = (join.side or "").upper()
    merged = [_merged(name, *pair, side, block) for name, pair in zip(names, pairs, strict=True)]
    rest = [each for each in (*left, *right) if each.name not in names]
    block.listed[first:] = [*filter(None, merged), *rest]
    block.merges = True


def _one(side: list[Listed], name: str, which: str) -> Listed | None:
    """The column that a side has under that name; None where not all of its columns are known."""
    found = [each for each in side if each.name == name]
    if len(found) > 1:
        raise AmbiguousColumn(
            f'common column name "{name}" appears more than once in {which} table'
        )
    if not found and not any(each.name == "*" for each in side):
        raise UndefinedColumn(
            f'column "{name}" specified in USING clause does not exist in {which} table'
        )
    return found[0] if found else None


def _merged(
    name: str, left: Listed | None, right: Listed | None, side: str, block: Block
) -> Listed | None:
    if left is None or right is None:
        return left or right
    hides = left.hides + right.hides
    if side == "FULL":
        return Listed(name, left.sources + right.sources, hides)
    kept, other = (right, left) if side == "RIGHT" else (left, right)
    wide = kept.wide
    if _is_wider(other, kept, block):
        if not side:
            kept, wide = other, other.wide
        elif (kind := type_of(merged_column(other), block)) is not None and (
            kind is not FLOAT8 or not _is_computed(other)
        ):
            wide = kind.sql
    return Listed(name, kept.sources, hides, wide)


def _is_computed(listed: Listed) -> bool:
    """Whether a query or VALUES gives it, where a literal with a point is a double until later."""
    return any(
        source.query is not None or isinstance(source.tree, exp.Values) for source in listed.sources
    )


def _is_wider(one: Listed, other: Listed, block: Block) -> bool:
    """Whether two columns that are compared both become of the type that `one` has."""
    found, beside = (type_of(merged_column(each), block) for each in (one, other))
    return found is not None and found is not beside and common_type([beside, found]) is found


def merged_column(listed: Listed) -> exp.Expr:
    """What a column that `*` gives is."""
    columns: list[exp.Expr] = [column_node(each.alias, listed.name) for each in listed.sources]
    if len(columns) == 1:
        return exp.Cast(this=columns[0], to=data_type(listed.wide)) if listed.wide else columns[0]
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
    """Write out the merged columns that this SELECT names.

    Raises:
        AmbiguousColumn: 42702, beside another column of that name.
    """
    select = block.select
    if not _merges(block):
        return
    for column in _columns(select):
        if column.table or isinstance(column.this, exp.Star) or _names_output(column, select):
            continue
        merged = _meant(block, column)
        if merged is None:
            continue
        written = merged_column(merged)
        written.meta.update(column.meta)
        written.meta[_MERGED] = tuple(each.alias for each in merged.hides)
        item = column.parent is select and column.arg_key == "expressions"
        column.replace(as_output(written, column.name) if item else written)


def merged_names(column: exp.Column) -> Sequence[str]:
    """The relations whose column of that name was merged into what is written out here."""
    found: Sequence[str] = column.meta_get(_MERGED) or ()
    return found


def _merges(block: Block | None) -> bool:
    """Whether this block, or one around it, has a merged column."""
    while block is not None:
        if block.merges:
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


def _meant(block: Block, column: exp.Column) -> Listed | None:
    """The merged column that is meant; None where it is a column of one relation."""
    scope: Block | None = block
    while scope is not None:
        found = scope.named(column.name) if scope.merges else []
        if len(found) == 1 and found[0].is_merged:
            return found[0]
        if any(each.is_merged for each in found):
            resolves_here(scope, column)  # it does not
        try:
            if resolves_here(scope, column):
                return None
        except GatewayError:  # ambiguous: the engine reports it, in its turn
            return None
        scope = scope.parent
    return None


def _is_odd(listed: Listed, left: list[Listed]) -> bool:
    """Whether it is another than the engine takes, the first of the left side."""
    sources = [source for each in left for source in each.hides]
    return listed.is_merged and listed.sources != tuple(_having(sources, listed.name)[:1])


def _is_cut(one: Listed, other: Listed | None, block: Block) -> bool:
    """Whether one is a real and the other a numeric, of which the engine makes decimals."""
    if other is None:
        return False
    kinds = [type_of(merged_column(each), block) for each in (one, other)]
    return NUMERIC in kinds and any(kind in (FLOAT4, FLOAT8) for kind in kinds)


def _having(sources: list[Source], name: str) -> list[Source]:
    return [source for source in sources if source.columns is None or name in source.columns]


def _spell_out_using(
    join: exp.Join, names: list[str], pairs: list[tuple[Listed | None, Listed | None]]
) -> None:
    equal: list[exp.Expr] = []
    for name, pair in zip(names, pairs, strict=True):
        left, right = (
            exp.Column(this=exp.to_identifier(name, quoted=True)) if side is None
            else merged_column(side)
            for side in pair
        )  # fmt: skip
        equal.append(exp.EQ(this=left, expression=right))
    join.set("using", None)
    join.set("on", reduce(lambda a, b: exp.And(this=a, expression=b), equal))


def _spell_out_natural(join: exp.Join, left: list[Listed], right: list[Listed]) -> None:
    """NATURAL JOIN as JOIN ... USING, so that a column added later cannot join by accident."""
    if any(each.name == "*" for each in (*left, *right)):
        return
    there = {each.name for each in right}
    common = [name for name in dict.fromkeys(each.name for each in left) if name in there]
    join.set("method", None)
    join.meta[COMMON] = common
    if common:
        join.set("using", [exp.to_identifier(name, quoted=True) for name in common])
    elif join.side:
        join.set("on", exp.true())
    else:
        join.set("kind", "CROSS")
