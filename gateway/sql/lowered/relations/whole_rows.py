"""A relation's name, or `t.*`, where a value stands: its whole row (manual, 8.16.5).

The row becomes ROW(...) of its columns, before joins that the rewriting makes add others of their
own. Beside an outer join the row that a side lacks is NULL, which one of NULLs is not: that side
tells in a column of its own whether it is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import DatatypeMismatch
from gateway.sql.lowered.relations.records import TEXTS, as_record
from gateway.sql.lowered.values.jsoncalls import NAMES, PRESENT, is_maker
from gateway.sql.meaning.binding import OWN_NAMES
from gateway.sql.names.scope import Analysis, Block, Source, column_node, is_read_from
from gateway.sql.text.building import all_of, subquery, table_alias
from gateway.sql.text.rows import pairwise
from gateway.sql.text.trees import nodes_of, own_nodes
from gateway.sql.types.inference import Types

_OF_RECORDS = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_THERE = "row is there"
_HELD = "rows_there"


def write_rows(analysis: Analysis) -> bool:
    """Write whole rows so, in place; whether there was one."""
    found = [each for block in analysis.blocks for each in _rows(block)]
    marked: set[int] = set()
    compared: dict[int, exp.Expr] = {}
    for block, value, source in found:
        beside = any(join.side for join in _joins(_owner(block, source).select))
        if beside and id(source) not in marked:
            _mark(source)
            marked.add(id(source))
        there = column_node(source.alias, _THERE) if beside else None
        held = _around(value)
        if isinstance(held, _OF_RECORDS):
            compared[id(held)] = held
        _write(value, source, there, Types(block))
    for comparison in compared.values():
        _compare(comparison)
    return bool(found)


def _compare(node: exp.Expr) -> None:
    """Compare the columns of two records: a NULL is as another, a record that is not there NULL."""
    rows = [node.this.unnest(), node.expression.unnest()]
    there = [row.args.get(PRESENT) for row in rows]
    of = exp.NullSafeEQ if isinstance(node, exp.EQ | exp.NullSafeEQ) else exp.NullSafeNEQ
    pairs = list(zip(*(row.expressions for row in rows), strict=False))
    if len({len(row.expressions) for row in rows}) > 1:
        raise DatatypeMismatch("cannot compare record types with different numbers of columns")
    if there[0] is not None and type(node) is of:
        pairs.insert(0, (there[0], there[1]))
    made: exp.Expr = exp.paren(pairwise(of, pairs))
    if there[0] is not None and type(node) is not of:
        both = exp.EQ(this=there[0].copy(), expression=there[1].copy())
        made = exp.paren(exp.Case(ifs=[exp.If(this=both, true=made)]))
    node.replace(made)


def _rows(block: Block) -> Iterator[tuple[Block, exp.Column, Source]]:
    top = block.parent is None and not is_read_from(block.select)
    for node in own_nodes(block.select):
        if isinstance(node, exp.Column) and (
            _is_taken(node) or (top and _is_shown(node)) or _is_compared(node, block)
        ):
            source = _source(node, block)
            if source is not None:
                yield block, node, source


def _is_taken(node: exp.Column) -> bool:
    """Whether it stands where a row means what is known here."""
    held = _around(node)
    if isinstance(held, exp.Is):
        return isinstance(held.expression, exp.Null) and held.this.unnest() is node
    if isinstance(held, exp.Cast):
        return held.args["to"].this in TEXTS
    if isinstance(held, exp.Ordered):
        return not _names_output(node)
    takes = ("count", "array_agg")
    return isinstance(held, exp.Anonymous) and (held.name in takes or is_maker(held.name))


def _is_compared(node: exp.Column, block: Block) -> bool:
    """Whether it is compared with another such row."""
    held = _around(node)
    if not isinstance(held, _OF_RECORDS):
        return False
    sides = (held.this.unnest(), held.expression.unnest())
    return all(isinstance(each, exp.Column) and _source(each, block) for each in sides)


def _names_output(node: exp.Column) -> bool:
    """Whether ORDER BY means an output of that name."""
    select = node.find_ancestor(exp.Window, exp.Anonymous, exp.Select)
    items = select.expressions if isinstance(select, exp.Select) else []
    return any(item.alias_or_name == node.name for item in items)


def _around(node: exp.Expr) -> exp.Expr | None:
    held = node.parent
    while isinstance(held, exp.Paren | exp.Distinct | exp.Order):
        held = held.parent
    return held


def _is_shown(node: exp.Column) -> bool:
    """Whether it is an output, or in one alone; `t.*` is all columns there."""
    if isinstance(node.this, exp.Star):
        return False
    held = node.parent
    while isinstance(held, exp.Paren | exp.Alias):
        held = held.parent
    return isinstance(held, exp.Select) and _is_item(node, held)


def _is_item(node: exp.Expr, select: exp.Select) -> bool:
    return any(item.unalias().unnest() is node for item in select.expressions)


def _source(node: exp.Column, block: Block) -> Source | None:
    """The relation whose row it is; a column of that name goes before."""
    at: Block | None = block
    while at is not None:
        if isinstance(node.this, exp.Star):
            source = at.source(node.table)
        elif node.table or any(node.name in (each.columns or ()) for each in at.sources):
            return None
        else:
            source = at.source(node.name)
        if source is not None:
            return source if source.columns else None
        at = at.parent
    return None


def _owner(block: Block, source: Source) -> Block:
    """The block, of this one and those around it, that reads the relation."""
    while source not in block.sources and block.parent is not None:
        block = block.parent
    return block


def _joins(select: exp.Select) -> Iterator[exp.Join]:
    """The joins of FROM, those in parentheses too."""
    start = select.args.get("from_")
    for each in (start, *(select.args.get("joins") or ())):
        if each is not None:
            yield from nodes_of(each, exp.Join)


def _write(value: exp.Column, source: Source, there: exp.Column | None, known: Types) -> None:
    columns = [column_node(source.alias, name) for name in source.columns or () if name != _THERE]
    row = exp.Anonymous(this="row", expressions=columns)
    own = source.tree.meta_get(OWN_NAMES) or ()
    names = (*own, *source.names[len(own) :])
    row.meta[NAMES] = tuple(name for name in names if name != _THERE)
    row.set(PRESENT, there)
    held = _around(value)
    if isinstance(held, exp.Is):
        negate = {"negate": True} if held.args.get("negate") else {}
        each: list[exp.Expr] = [
            exp.Is(this=column, expression=exp.Null(), **negate) for column in columns
        ]
        held.replace(exp.paren(all_of(each)))
    elif isinstance(held, exp.Anonymous) and held.name == "count":
        apart = isinstance(value.parent, exp.Distinct)
        value.replace(as_record(row, known) if apart else there or exp.Literal.number(1))
    else:
        value.replace(as_record(row, known) if isinstance(held, exp.Cast) else row)


def _mark(source: Source) -> None:
    """Give the relation a column that is true in every row of its own."""
    tree = source.tree
    if isinstance(tree, exp.Lateral) and isinstance(tree.this, exp.Subquery):
        tree = tree.this
    if isinstance(tree, exp.Subquery):
        tree.set("this", _marked(subquery(tree.this.copy(), _HELD), _HELD))
        return
    inner = tree.copy()
    joins = inner.args.pop("joins", None)
    tree.replace(
        exp.Subquery(
            this=_marked(inner, source.alias), alias=table_alias(source.alias), joins=joins
        )
    )


def _marked(relation: exp.Expr, alias: str) -> exp.Select:
    everything = exp.Column(this=exp.Star(), table=exp.to_identifier(alias, quoted=True))
    there = exp.alias_(exp.Boolean(this=True), _THERE, quoted=True)
    return exp.Select(expressions=[everything, there], from_=exp.From(this=relation))
